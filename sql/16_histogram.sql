-- Native histograms.
CREATE TYPE mimir.histogram;
CREATE FUNCTION mimir.histogram_in(cstring) RETURNS mimir.histogram
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_histogram_in';
COMMENT ON FUNCTION mimir.histogram_in(cstring) IS 'Input of mimir.histogram.';
CREATE FUNCTION mimir.histogram_out(mimir.histogram) RETURNS cstring
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_histogram_out';
COMMENT ON FUNCTION mimir.histogram_out(mimir.histogram) IS 'Output of mimir.histogram.';
CREATE FUNCTION mimir.histogram_recv(internal) RETURNS mimir.histogram
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_histogram_recv';
COMMENT ON FUNCTION mimir.histogram_recv(internal) IS 'Binary input of mimir.histogram.';
CREATE FUNCTION mimir.histogram_send(mimir.histogram) RETURNS bytea
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_histogram_send';
COMMENT ON FUNCTION mimir.histogram_send(mimir.histogram) IS 'Binary output of mimir.histogram.';
CREATE TYPE mimir.histogram (
  INPUT = mimir.histogram_in, OUTPUT = mimir.histogram_out, RECEIVE = mimir.histogram_recv, SEND = mimir.histogram_send,
  INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE mimir.histogram IS 'A native histogram, written as in Prometheus'' tests: {{schema:1 count:3 sum:5 buckets:[1 2]}}.';

CREATE FUNCTION mimir.histogram_eq(mimir.histogram, mimir.histogram) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_eq';
COMMENT ON FUNCTION mimir.histogram_eq(mimir.histogram, mimir.histogram) IS 'Implementation of = operator.';
CREATE FUNCTION mimir.histogram_ne(mimir.histogram, mimir.histogram) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_ne';
COMMENT ON FUNCTION mimir.histogram_ne(mimir.histogram, mimir.histogram) IS 'Implementation of <> operator.';
CREATE FUNCTION mimir.histogram_lt(mimir.histogram, mimir.histogram) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_lt';
COMMENT ON FUNCTION mimir.histogram_lt(mimir.histogram, mimir.histogram) IS 'Implementation of < operator.';
CREATE FUNCTION mimir.histogram_le(mimir.histogram, mimir.histogram) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_le';
COMMENT ON FUNCTION mimir.histogram_le(mimir.histogram, mimir.histogram) IS 'Implementation of <= operator.';
CREATE FUNCTION mimir.histogram_gt(mimir.histogram, mimir.histogram) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_gt';
COMMENT ON FUNCTION mimir.histogram_gt(mimir.histogram, mimir.histogram) IS 'Implementation of > operator.';
CREATE FUNCTION mimir.histogram_ge(mimir.histogram, mimir.histogram) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_ge';
COMMENT ON FUNCTION mimir.histogram_ge(mimir.histogram, mimir.histogram) IS 'Implementation of >= operator.';
CREATE FUNCTION mimir.histogram_cmp(mimir.histogram, mimir.histogram) RETURNS int
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_cmp';
COMMENT ON FUNCTION mimir.histogram_cmp(mimir.histogram, mimir.histogram) IS 'Less, equal, greater: negative, 0, positive.';
CREATE FUNCTION mimir.histogram_hash(mimir.histogram) RETURNS int
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_hash';
COMMENT ON FUNCTION mimir.histogram_hash(mimir.histogram) IS 'Hash.';
CREATE FUNCTION mimir.histogram_hash_extended(mimir.histogram, bigint) RETURNS bigint
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_hash_extended';
COMMENT ON FUNCTION mimir.histogram_hash_extended(mimir.histogram, bigint) IS 'Hash with a seed.';
CREATE OPERATOR mimir.= (LEFTARG = mimir.histogram, RIGHTARG = mimir.histogram, FUNCTION = mimir.histogram_eq,
  COMMUTATOR = OPERATOR(mimir.=), NEGATOR = OPERATOR(mimir.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
COMMENT ON OPERATOR mimir.= (mimir.histogram, mimir.histogram) IS 'equal';
CREATE OPERATOR mimir.<> (LEFTARG = mimir.histogram, RIGHTARG = mimir.histogram, FUNCTION = mimir.histogram_ne,
  COMMUTATOR = OPERATOR(mimir.<>), NEGATOR = OPERATOR(mimir.=), RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR mimir.<> (mimir.histogram, mimir.histogram) IS 'not equal';
CREATE OPERATOR mimir.< (LEFTARG = mimir.histogram, RIGHTARG = mimir.histogram, FUNCTION = mimir.histogram_lt,
  COMMUTATOR = OPERATOR(mimir.>), NEGATOR = OPERATOR(mimir.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR mimir.< (mimir.histogram, mimir.histogram) IS 'less than';
CREATE OPERATOR mimir.<= (LEFTARG = mimir.histogram, RIGHTARG = mimir.histogram, FUNCTION = mimir.histogram_le,
  COMMUTATOR = OPERATOR(mimir.>=), NEGATOR = OPERATOR(mimir.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR mimir.<= (mimir.histogram, mimir.histogram) IS 'less than or equal';
CREATE OPERATOR mimir.> (LEFTARG = mimir.histogram, RIGHTARG = mimir.histogram, FUNCTION = mimir.histogram_gt,
  COMMUTATOR = OPERATOR(mimir.<), NEGATOR = OPERATOR(mimir.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR mimir.> (mimir.histogram, mimir.histogram) IS 'greater than';
CREATE OPERATOR mimir.>= (LEFTARG = mimir.histogram, RIGHTARG = mimir.histogram, FUNCTION = mimir.histogram_ge,
  COMMUTATOR = OPERATOR(mimir.<=), NEGATOR = OPERATOR(mimir.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR mimir.>= (mimir.histogram, mimir.histogram) IS 'greater than or equal';
CREATE OPERATOR CLASS mimir.histogram_ops DEFAULT FOR TYPE mimir.histogram USING btree AS
  OPERATOR 1 mimir.<, OPERATOR 2 mimir.<=, OPERATOR 3 mimir.=, OPERATOR 4 mimir.>=, OPERATOR 5 mimir.>,
  FUNCTION 1 mimir.histogram_cmp(mimir.histogram, mimir.histogram);
COMMENT ON OPERATOR CLASS mimir.histogram_ops USING btree IS 'B-tree over native histograms.';
COMMENT ON OPERATOR FAMILY mimir.histogram_ops USING btree IS 'B-tree over native histograms.';
CREATE OPERATOR CLASS mimir.histogram_ops DEFAULT FOR TYPE mimir.histogram USING hash AS
  OPERATOR 1 mimir.=,
  FUNCTION 1 mimir.histogram_hash(mimir.histogram), FUNCTION 2 mimir.histogram_hash_extended(mimir.histogram, bigint);
COMMENT ON OPERATOR CLASS mimir.histogram_ops USING hash IS 'Hash of native histograms.';
COMMENT ON OPERATOR FAMILY mimir.histogram_ops USING hash IS 'Hash of native histograms.';

CREATE FUNCTION mimir.histogram_count(mimir.histogram) RETURNS double precision
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_histogram_count';
COMMENT ON FUNCTION mimir.histogram_count(mimir.histogram) IS 'Number of observations.';
CREATE FUNCTION mimir.histogram_sum(mimir.histogram) RETURNS double precision
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_histogram_sum';
COMMENT ON FUNCTION mimir.histogram_sum(mimir.histogram) IS 'Sum of the observations.';
CREATE FUNCTION mimir.histogram_avg(mimir.histogram) RETURNS double precision
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_histogram_avg';
COMMENT ON FUNCTION mimir.histogram_avg(mimir.histogram) IS 'Mean of the observations.';
CREATE FUNCTION mimir.histogram_quantile(phi double precision, h mimir.histogram) RETURNS double precision
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_histogram_quantile';
COMMENT ON FUNCTION mimir.histogram_quantile(double precision, mimir.histogram) IS 'Estimated quantile of the observations, as PromQL computes it.';
CREATE FUNCTION mimir.histogram_fraction(lower double precision, upper double precision, h mimir.histogram) RETURNS double precision
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_histogram_fraction';
COMMENT ON FUNCTION mimir.histogram_fraction(double precision, double precision, mimir.histogram) IS 'Estimated fraction of the observations between two values, as PromQL computes it.';
CREATE FUNCTION mimir.histogram_to_jsonb(mimir.histogram) RETURNS jsonb
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_histogram_to_jsonb';
COMMENT ON FUNCTION mimir.histogram_to_jsonb(mimir.histogram) IS 'Histogram as the HTTP API writes it.';
CREATE CAST (mimir.histogram AS jsonb) WITH FUNCTION mimir.histogram_to_jsonb(mimir.histogram) AS ASSIGNMENT;
COMMENT ON CAST (mimir.histogram AS jsonb) IS 'Histogram as the HTTP API writes it.';
CREATE FUNCTION mimir.histogram_to_json(mimir.histogram) RETURNS json
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_histogram_to_json';
COMMENT ON FUNCTION mimir.histogram_to_json(mimir.histogram) IS 'Histogram as the HTTP API writes it.';
CREATE CAST (mimir.histogram AS json) WITH FUNCTION mimir.histogram_to_json(mimir.histogram) AS ASSIGNMENT;
COMMENT ON CAST (mimir.histogram AS json) IS 'Histogram as the HTTP API writes it.';
