-- Chunks: compressed runs of samples of one series.
CREATE TYPE mimir.chunk;
CREATE FUNCTION mimir.chunk_in(cstring) RETURNS mimir.chunk
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_chunk_in';
COMMENT ON FUNCTION mimir.chunk_in(cstring) IS 'Input of mimir.chunk.';
CREATE FUNCTION mimir.chunk_out(mimir.chunk) RETURNS cstring
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_chunk_out';
COMMENT ON FUNCTION mimir.chunk_out(mimir.chunk) IS 'Output of mimir.chunk.';
CREATE FUNCTION mimir.chunk_recv(internal) RETURNS mimir.chunk
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_chunk_recv';
COMMENT ON FUNCTION mimir.chunk_recv(internal) IS 'Binary input of mimir.chunk.';
CREATE FUNCTION mimir.chunk_send(mimir.chunk) RETURNS bytea
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_chunk_send';
COMMENT ON FUNCTION mimir.chunk_send(mimir.chunk) IS 'Binary output of mimir.chunk.';
CREATE TYPE mimir.chunk (
  INPUT = mimir.chunk_in, OUTPUT = mimir.chunk_out, RECEIVE = mimir.chunk_recv, SEND = mimir.chunk_send,
  INTERNALLENGTH = VARIABLE, STORAGE = external
);
COMMENT ON TYPE mimir.chunk IS 'A compressed run of samples of one series: an encoding and its bytes, which are those of Prometheus'' chunks.';

CREATE FUNCTION mimir.chunk_eq(mimir.chunk, mimir.chunk) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_eq';
COMMENT ON FUNCTION mimir.chunk_eq(mimir.chunk, mimir.chunk) IS 'Implementation of = operator.';
CREATE FUNCTION mimir.chunk_ne(mimir.chunk, mimir.chunk) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_ne';
COMMENT ON FUNCTION mimir.chunk_ne(mimir.chunk, mimir.chunk) IS 'Implementation of <> operator.';
CREATE FUNCTION mimir.chunk_lt(mimir.chunk, mimir.chunk) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_lt';
COMMENT ON FUNCTION mimir.chunk_lt(mimir.chunk, mimir.chunk) IS 'Implementation of < operator.';
CREATE FUNCTION mimir.chunk_le(mimir.chunk, mimir.chunk) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_le';
COMMENT ON FUNCTION mimir.chunk_le(mimir.chunk, mimir.chunk) IS 'Implementation of <= operator.';
CREATE FUNCTION mimir.chunk_gt(mimir.chunk, mimir.chunk) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_gt';
COMMENT ON FUNCTION mimir.chunk_gt(mimir.chunk, mimir.chunk) IS 'Implementation of > operator.';
CREATE FUNCTION mimir.chunk_ge(mimir.chunk, mimir.chunk) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_ge';
COMMENT ON FUNCTION mimir.chunk_ge(mimir.chunk, mimir.chunk) IS 'Implementation of >= operator.';
CREATE FUNCTION mimir.chunk_cmp(mimir.chunk, mimir.chunk) RETURNS int
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_cmp';
COMMENT ON FUNCTION mimir.chunk_cmp(mimir.chunk, mimir.chunk) IS 'Less, equal, greater: negative, 0, positive.';
CREATE FUNCTION mimir.chunk_hash(mimir.chunk) RETURNS int
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_hash';
COMMENT ON FUNCTION mimir.chunk_hash(mimir.chunk) IS 'Hash.';
CREATE FUNCTION mimir.chunk_hash_extended(mimir.chunk, bigint) RETURNS bigint
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_bytes_hash_extended';
COMMENT ON FUNCTION mimir.chunk_hash_extended(mimir.chunk, bigint) IS 'Hash with a seed.';
CREATE OPERATOR mimir.= (LEFTARG = mimir.chunk, RIGHTARG = mimir.chunk, FUNCTION = mimir.chunk_eq,
  COMMUTATOR = OPERATOR(mimir.=), NEGATOR = OPERATOR(mimir.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
COMMENT ON OPERATOR mimir.= (mimir.chunk, mimir.chunk) IS 'equal';
CREATE OPERATOR mimir.<> (LEFTARG = mimir.chunk, RIGHTARG = mimir.chunk, FUNCTION = mimir.chunk_ne,
  COMMUTATOR = OPERATOR(mimir.<>), NEGATOR = OPERATOR(mimir.=), RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR mimir.<> (mimir.chunk, mimir.chunk) IS 'not equal';
CREATE OPERATOR mimir.< (LEFTARG = mimir.chunk, RIGHTARG = mimir.chunk, FUNCTION = mimir.chunk_lt,
  COMMUTATOR = OPERATOR(mimir.>), NEGATOR = OPERATOR(mimir.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR mimir.< (mimir.chunk, mimir.chunk) IS 'less than';
CREATE OPERATOR mimir.<= (LEFTARG = mimir.chunk, RIGHTARG = mimir.chunk, FUNCTION = mimir.chunk_le,
  COMMUTATOR = OPERATOR(mimir.>=), NEGATOR = OPERATOR(mimir.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR mimir.<= (mimir.chunk, mimir.chunk) IS 'less than or equal';
CREATE OPERATOR mimir.> (LEFTARG = mimir.chunk, RIGHTARG = mimir.chunk, FUNCTION = mimir.chunk_gt,
  COMMUTATOR = OPERATOR(mimir.<), NEGATOR = OPERATOR(mimir.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR mimir.> (mimir.chunk, mimir.chunk) IS 'greater than';
CREATE OPERATOR mimir.>= (LEFTARG = mimir.chunk, RIGHTARG = mimir.chunk, FUNCTION = mimir.chunk_ge,
  COMMUTATOR = OPERATOR(mimir.<=), NEGATOR = OPERATOR(mimir.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR mimir.>= (mimir.chunk, mimir.chunk) IS 'greater than or equal';
CREATE OPERATOR CLASS mimir.chunk_ops DEFAULT FOR TYPE mimir.chunk USING btree AS
  OPERATOR 1 mimir.<, OPERATOR 2 mimir.<=, OPERATOR 3 mimir.=, OPERATOR 4 mimir.>=, OPERATOR 5 mimir.>,
  FUNCTION 1 mimir.chunk_cmp(mimir.chunk, mimir.chunk);
COMMENT ON OPERATOR CLASS mimir.chunk_ops USING btree IS 'B-tree over chunks, by their bytes.';
COMMENT ON OPERATOR FAMILY mimir.chunk_ops USING btree IS 'B-tree over chunks, by their bytes.';
CREATE OPERATOR CLASS mimir.chunk_ops DEFAULT FOR TYPE mimir.chunk USING hash AS
  OPERATOR 1 mimir.=,
  FUNCTION 1 mimir.chunk_hash(mimir.chunk), FUNCTION 2 mimir.chunk_hash_extended(mimir.chunk, bigint);
COMMENT ON OPERATOR CLASS mimir.chunk_ops USING hash IS 'Hash of chunks, by their bytes.';
COMMENT ON OPERATOR FAMILY mimir.chunk_ops USING hash IS 'Hash of chunks, by their bytes.';

CREATE FUNCTION mimir.chunk_count(mimir.chunk) RETURNS int
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_chunk_count';
COMMENT ON FUNCTION mimir.chunk_count(mimir.chunk) IS 'Number of samples in a chunk.';
CREATE FUNCTION mimir.chunk_min_time(mimir.chunk) RETURNS timestamptz
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_chunk_min_time';
COMMENT ON FUNCTION mimir.chunk_min_time(mimir.chunk) IS 'Time of the first sample of a chunk.';
CREATE FUNCTION mimir.chunk_max_time(mimir.chunk) RETURNS timestamptz
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_chunk_max_time';
COMMENT ON FUNCTION mimir.chunk_max_time(mimir.chunk) IS 'Time of the last sample of a chunk.';
CREATE FUNCTION mimir.chunk_encoding(mimir.chunk) RETURNS text
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_chunk_encoding';
COMMENT ON FUNCTION mimir.chunk_encoding(mimir.chunk) IS 'Name of the encoding of a chunk.';
CREATE FUNCTION mimir.samples(chunk mimir.chunk, OUT "time" timestamptz, OUT value double precision, OUT histogram mimir.histogram)
  RETURNS SETOF record
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 120 AS 'MODULE_PATHNAME', 'mimir_chunk_samples';
COMMENT ON FUNCTION mimir.samples(mimir.chunk) IS 'Samples of a chunk.';
CREATE FUNCTION mimir.chunk_from_bytea(bytea) RETURNS mimir.chunk
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_chunk_from_bytea';
COMMENT ON FUNCTION mimir.chunk_from_bytea(bytea) IS 'Chunk of an encoding byte and the chunk''s bytes.';
CREATE FUNCTION mimir.chunk_to_bytea(mimir.chunk) RETURNS bytea
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_chunk_to_bytea';
COMMENT ON FUNCTION mimir.chunk_to_bytea(mimir.chunk) IS 'Encoding byte and bytes of a chunk.';
CREATE CAST (bytea AS mimir.chunk) WITH FUNCTION mimir.chunk_from_bytea(bytea);
COMMENT ON CAST (bytea AS mimir.chunk) IS 'Chunk of an encoding byte and the chunk''s bytes.';
CREATE CAST (mimir.chunk AS bytea) WITH FUNCTION mimir.chunk_to_bytea(mimir.chunk);
COMMENT ON CAST (mimir.chunk AS bytea) IS 'Encoding byte and bytes of a chunk.';

CREATE FUNCTION mimir.chunk_agg_add(internal, timestamptz, double precision) RETURNS internal
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_chunk_agg_add';
COMMENT ON FUNCTION mimir.chunk_agg_add(internal, timestamptz, double precision) IS 'Aggregate support: adds a sample.';
CREATE FUNCTION mimir.chunk_agg_combine(internal, internal) RETURNS internal
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_chunk_agg_combine';
COMMENT ON FUNCTION mimir.chunk_agg_combine(internal, internal) IS 'Aggregate support: joins two states.';
CREATE FUNCTION mimir.chunk_agg_serialize(internal) RETURNS bytea
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_chunk_agg_serialize';
COMMENT ON FUNCTION mimir.chunk_agg_serialize(internal) IS 'Aggregate support: state to bytes.';
CREATE FUNCTION mimir.chunk_agg_deserialize(bytea, internal) RETURNS internal
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_chunk_agg_deserialize';
COMMENT ON FUNCTION mimir.chunk_agg_deserialize(bytea, internal) IS 'Aggregate support: state of bytes.';
CREATE FUNCTION mimir.chunk_agg_final(internal) RETURNS mimir.chunk
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_chunk_agg_final';
COMMENT ON FUNCTION mimir.chunk_agg_final(internal) IS 'Aggregate support: state to chunk.';
CREATE AGGREGATE mimir.chunk_agg("time" timestamptz, value double precision) (
  SFUNC = mimir.chunk_agg_add, STYPE = internal, FINALFUNC = mimir.chunk_agg_final,
  COMBINEFUNC = mimir.chunk_agg_combine, SERIALFUNC = mimir.chunk_agg_serialize,
  DESERIALFUNC = mimir.chunk_agg_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE mimir.chunk_agg(timestamptz, double precision) IS 'Samples to one chunk, whatever their order; times are cut to milliseconds.';
