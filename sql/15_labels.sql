-- Label sets and selectors.
CREATE TYPE mimir.labels;
CREATE FUNCTION mimir.labels_in(cstring) RETURNS mimir.labels
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_in';
COMMENT ON FUNCTION mimir.labels_in(cstring) IS 'Input of mimir.labels.';
CREATE FUNCTION mimir.labels_out(mimir.labels) RETURNS cstring
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_out';
COMMENT ON FUNCTION mimir.labels_out(mimir.labels) IS 'Output of mimir.labels.';
CREATE FUNCTION mimir.labels_recv(internal) RETURNS mimir.labels
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_recv';
COMMENT ON FUNCTION mimir.labels_recv(internal) IS 'Binary input of mimir.labels.';
CREATE FUNCTION mimir.labels_send(mimir.labels) RETURNS bytea
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_send';
COMMENT ON FUNCTION mimir.labels_send(mimir.labels) IS 'Binary output of mimir.labels.';
CREATE TYPE mimir.labels (
  INPUT = mimir.labels_in, OUTPUT = mimir.labels_out, RECEIVE = mimir.labels_recv, SEND = mimir.labels_send,
  INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE mimir.labels IS 'A label set, written up{job="a"} or as a JSON object of strings.';

CREATE FUNCTION mimir.labels_eq(mimir.labels, mimir.labels) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_eq';
COMMENT ON FUNCTION mimir.labels_eq(mimir.labels, mimir.labels) IS 'Implementation of = operator.';
CREATE FUNCTION mimir.labels_ne(mimir.labels, mimir.labels) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_ne';
COMMENT ON FUNCTION mimir.labels_ne(mimir.labels, mimir.labels) IS 'Implementation of <> operator.';
CREATE FUNCTION mimir.labels_lt(mimir.labels, mimir.labels) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_lt';
COMMENT ON FUNCTION mimir.labels_lt(mimir.labels, mimir.labels) IS 'Implementation of < operator.';
CREATE FUNCTION mimir.labels_le(mimir.labels, mimir.labels) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_le';
COMMENT ON FUNCTION mimir.labels_le(mimir.labels, mimir.labels) IS 'Implementation of <= operator.';
CREATE FUNCTION mimir.labels_gt(mimir.labels, mimir.labels) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_gt';
COMMENT ON FUNCTION mimir.labels_gt(mimir.labels, mimir.labels) IS 'Implementation of > operator.';
CREATE FUNCTION mimir.labels_ge(mimir.labels, mimir.labels) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_ge';
COMMENT ON FUNCTION mimir.labels_ge(mimir.labels, mimir.labels) IS 'Implementation of >= operator.';
CREATE FUNCTION mimir.labels_cmp(mimir.labels, mimir.labels) RETURNS int
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_cmp';
COMMENT ON FUNCTION mimir.labels_cmp(mimir.labels, mimir.labels) IS 'Less, equal, greater: negative, 0, positive.';
CREATE FUNCTION mimir.labels_hash(mimir.labels) RETURNS int
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_hash';
COMMENT ON FUNCTION mimir.labels_hash(mimir.labels) IS 'Hash.';
CREATE FUNCTION mimir.labels_hash_extended(mimir.labels, bigint) RETURNS bigint
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_hash_extended';
COMMENT ON FUNCTION mimir.labels_hash_extended(mimir.labels, bigint) IS 'Hash with a seed.';
CREATE OPERATOR mimir.= (LEFTARG = mimir.labels, RIGHTARG = mimir.labels, FUNCTION = mimir.labels_eq,
  COMMUTATOR = OPERATOR(mimir.=), NEGATOR = OPERATOR(mimir.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
COMMENT ON OPERATOR mimir.= (mimir.labels, mimir.labels) IS 'equal';
CREATE OPERATOR mimir.<> (LEFTARG = mimir.labels, RIGHTARG = mimir.labels, FUNCTION = mimir.labels_ne,
  COMMUTATOR = OPERATOR(mimir.<>), NEGATOR = OPERATOR(mimir.=), RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR mimir.<> (mimir.labels, mimir.labels) IS 'not equal';
CREATE OPERATOR mimir.< (LEFTARG = mimir.labels, RIGHTARG = mimir.labels, FUNCTION = mimir.labels_lt,
  COMMUTATOR = OPERATOR(mimir.>), NEGATOR = OPERATOR(mimir.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR mimir.< (mimir.labels, mimir.labels) IS 'less than';
CREATE OPERATOR mimir.<= (LEFTARG = mimir.labels, RIGHTARG = mimir.labels, FUNCTION = mimir.labels_le,
  COMMUTATOR = OPERATOR(mimir.>=), NEGATOR = OPERATOR(mimir.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR mimir.<= (mimir.labels, mimir.labels) IS 'less than or equal';
CREATE OPERATOR mimir.> (LEFTARG = mimir.labels, RIGHTARG = mimir.labels, FUNCTION = mimir.labels_gt,
  COMMUTATOR = OPERATOR(mimir.<), NEGATOR = OPERATOR(mimir.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR mimir.> (mimir.labels, mimir.labels) IS 'greater than';
CREATE OPERATOR mimir.>= (LEFTARG = mimir.labels, RIGHTARG = mimir.labels, FUNCTION = mimir.labels_ge,
  COMMUTATOR = OPERATOR(mimir.<=), NEGATOR = OPERATOR(mimir.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR mimir.>= (mimir.labels, mimir.labels) IS 'greater than or equal';
CREATE OPERATOR CLASS mimir.labels_ops DEFAULT FOR TYPE mimir.labels USING btree AS
  OPERATOR 1 mimir.<, OPERATOR 2 mimir.<=, OPERATOR 3 mimir.=, OPERATOR 4 mimir.>=, OPERATOR 5 mimir.>,
  FUNCTION 1 mimir.labels_cmp(mimir.labels, mimir.labels);
COMMENT ON OPERATOR CLASS mimir.labels_ops USING btree IS 'B-tree over label sets.';
COMMENT ON OPERATOR FAMILY mimir.labels_ops USING btree IS 'B-tree over label sets.';
CREATE OPERATOR CLASS mimir.labels_ops DEFAULT FOR TYPE mimir.labels USING hash AS
  OPERATOR 1 mimir.=,
  FUNCTION 1 mimir.labels_hash(mimir.labels), FUNCTION 2 mimir.labels_hash_extended(mimir.labels, bigint);
COMMENT ON OPERATOR CLASS mimir.labels_ops USING hash IS 'Hash of label sets.';
COMMENT ON OPERATOR FAMILY mimir.labels_ops USING hash IS 'Hash of label sets.';

-- Single labels.
CREATE FUNCTION mimir.labels_get(mimir.labels, text) RETURNS text
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_get';
COMMENT ON FUNCTION mimir.labels_get(mimir.labels, text) IS 'Value of a label; null if the set lacks it.';
CREATE FUNCTION mimir.labels_has(mimir.labels, text) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_has';
COMMENT ON FUNCTION mimir.labels_has(mimir.labels, text) IS 'Has the set a label of this name?';
CREATE FUNCTION mimir.labels_contains(mimir.labels, mimir.labels) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_contains';
COMMENT ON FUNCTION mimir.labels_contains(mimir.labels, mimir.labels) IS 'Has the first set every label of the second?';
CREATE FUNCTION mimir.labels_contained(mimir.labels, mimir.labels) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_contained';
COMMENT ON FUNCTION mimir.labels_contained(mimir.labels, mimir.labels) IS 'Has the second set every label of the first?';
CREATE OPERATOR mimir.->> (LEFTARG = mimir.labels, RIGHTARG = text, FUNCTION = mimir.labels_get);
COMMENT ON OPERATOR mimir.->> (mimir.labels, text) IS 'value of a label';
CREATE OPERATOR mimir.? (LEFTARG = mimir.labels, RIGHTARG = text, FUNCTION = mimir.labels_has, RESTRICT = matchingsel, JOIN = matchingjoinsel);
COMMENT ON OPERATOR mimir.? (mimir.labels, text) IS 'has a label of this name';
CREATE OPERATOR mimir.@> (LEFTARG = mimir.labels, RIGHTARG = mimir.labels, FUNCTION = mimir.labels_contains, COMMUTATOR = OPERATOR(mimir.<@), RESTRICT = matchingsel, JOIN = matchingjoinsel);
COMMENT ON OPERATOR mimir.@> (mimir.labels, mimir.labels) IS 'contains';
CREATE OPERATOR mimir.<@ (LEFTARG = mimir.labels, RIGHTARG = mimir.labels, FUNCTION = mimir.labels_contained, COMMUTATOR = OPERATOR(mimir.@>), RESTRICT = matchingsel, JOIN = matchingjoinsel);
COMMENT ON OPERATOR mimir.<@ (mimir.labels, mimir.labels) IS 'is contained by';

-- Casts.  To jsonb it is implicit: all that works on jsonb works on labels.
CREATE FUNCTION mimir.labels_to_jsonb(mimir.labels) RETURNS jsonb
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_to_jsonb';
COMMENT ON FUNCTION mimir.labels_to_jsonb(mimir.labels) IS 'Label set as a JSON object.';
CREATE FUNCTION mimir.labels_to_json(mimir.labels) RETURNS json
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_to_json';
COMMENT ON FUNCTION mimir.labels_to_json(mimir.labels) IS 'Label set as a JSON object.';
CREATE FUNCTION mimir.labels_from_jsonb(jsonb) RETURNS mimir.labels
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_from_jsonb';
COMMENT ON FUNCTION mimir.labels_from_jsonb(jsonb) IS 'Label set of a flat JSON object of strings.';
CREATE CAST (mimir.labels AS jsonb) WITH FUNCTION mimir.labels_to_jsonb(mimir.labels) AS IMPLICIT;
COMMENT ON CAST (mimir.labels AS jsonb) IS 'Label set as a JSON object.';
CREATE CAST (mimir.labels AS json) WITH FUNCTION mimir.labels_to_json(mimir.labels) AS ASSIGNMENT;
COMMENT ON CAST (mimir.labels AS json) IS 'Label set as a JSON object.';
CREATE CAST (jsonb AS mimir.labels) WITH FUNCTION mimir.labels_from_jsonb(jsonb) AS ASSIGNMENT;
COMMENT ON CAST (jsonb AS mimir.labels) IS 'Label set of a flat JSON object of strings.';

-- Selectors: a type of its own, so that matching cannot fail and is leakproof.
CREATE TYPE mimir.selector;
CREATE FUNCTION mimir.selector_in(cstring) RETURNS mimir.selector
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_selector_in';
COMMENT ON FUNCTION mimir.selector_in(cstring) IS 'Input of mimir.selector.';
CREATE FUNCTION mimir.selector_out(mimir.selector) RETURNS cstring
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
COMMENT ON FUNCTION mimir.selector_out(mimir.selector) IS 'Output of mimir.selector.';
CREATE FUNCTION mimir.selector_recv(internal) RETURNS mimir.selector
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_selector_recv';
COMMENT ON FUNCTION mimir.selector_recv(internal) IS 'Binary input of mimir.selector.';
CREATE FUNCTION mimir.selector_send(mimir.selector) RETURNS bytea
  LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textsend';
COMMENT ON FUNCTION mimir.selector_send(mimir.selector) IS 'Binary output of mimir.selector.';
CREATE TYPE mimir.selector (
  INPUT = mimir.selector_in, OUTPUT = mimir.selector_out, RECEIVE = mimir.selector_recv, SEND = mimir.selector_send,
  INTERNALLENGTH = VARIABLE, STORAGE = extended, COLLATABLE = true
);
COMMENT ON TYPE mimir.selector IS 'A PromQL selector, as in up{job=~"a.*"}: what a label set must match.';
CREATE CAST (mimir.selector AS text) WITHOUT FUNCTION AS IMPLICIT;
COMMENT ON CAST (mimir.selector AS text) IS 'Text of a selector.';

CREATE FUNCTION mimir.make_selector(name text, matchers text[]) RETURNS mimir.selector
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_make_selector';
COMMENT ON FUNCTION mimir.make_selector(text, text[]) IS 'Selector of a metric name and matchers such as job=~"a.*".';
CREATE FUNCTION mimir.labels_match(mimir.labels, mimir.selector) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_match';
COMMENT ON FUNCTION mimir.labels_match(mimir.labels, mimir.selector) IS 'Does the label set match the selector?';
CREATE FUNCTION mimir.labels_match_not(mimir.labels, mimir.selector) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_match_not';
COMMENT ON FUNCTION mimir.labels_match_not(mimir.labels, mimir.selector) IS 'Does the label set not match the selector?';
CREATE OPERATOR mimir.=~ (LEFTARG = mimir.labels, RIGHTARG = mimir.selector, FUNCTION = mimir.labels_match, NEGATOR = OPERATOR(mimir.!~), RESTRICT = matchingsel, JOIN = matchingjoinsel);
COMMENT ON OPERATOR mimir.=~ (mimir.labels, mimir.selector) IS 'matches the selector';
CREATE OPERATOR mimir.!~ (LEFTARG = mimir.labels, RIGHTARG = mimir.selector, FUNCTION = mimir.labels_match_not, NEGATOR = OPERATOR(mimir.=~), RESTRICT = matchingsel, JOIN = matchingjoinsel);
COMMENT ON OPERATOR mimir.!~ (mimir.labels, mimir.selector) IS 'does not match the selector';

-- GIN over the labels of sets.
CREATE FUNCTION mimir.labels_gin_extract(mimir.labels, internal, internal) RETURNS internal
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_gin_extract';
COMMENT ON FUNCTION mimir.labels_gin_extract(mimir.labels, internal, internal) IS 'GIN support: keys of a label set.';
CREATE FUNCTION mimir.labels_gin_query(mimir.labels, internal, int2, internal, internal, internal, internal) RETURNS internal
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_gin_query';
COMMENT ON FUNCTION mimir.labels_gin_query(mimir.labels, internal, int2, internal, internal, internal, internal) IS 'GIN support: keys of a condition.';
CREATE FUNCTION mimir.labels_gin_consistent(internal, int2, mimir.labels, int4, internal, internal, internal, internal) RETURNS boolean
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_gin_consistent';
COMMENT ON FUNCTION mimir.labels_gin_consistent(internal, int2, mimir.labels, int4, internal, internal, internal, internal) IS 'GIN support: do the keys found satisfy a condition?';
CREATE FUNCTION mimir.labels_gin_triconsistent(internal, int2, mimir.labels, int4, internal, internal, internal) RETURNS "char"
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_gin_triconsistent';
COMMENT ON FUNCTION mimir.labels_gin_triconsistent(internal, int2, mimir.labels, int4, internal, internal, internal) IS 'GIN support: do the keys found perhaps satisfy a condition?';
CREATE FUNCTION mimir.labels_gin_compare_prefix(bytea, bytea, int2, internal) RETURNS int4
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_labels_gin_compare_prefix';
COMMENT ON FUNCTION mimir.labels_gin_compare_prefix(bytea, bytea, int2, internal) IS 'GIN support: is a key one of the label asked for?';
CREATE OPERATOR CLASS mimir.labels_gin_ops DEFAULT FOR TYPE mimir.labels USING gin AS
  OPERATOR 1 mimir.@>, OPERATOR 2 mimir.? (mimir.labels, text), OPERATOR 3 mimir.=~ (mimir.labels, mimir.selector),
  FUNCTION 1 byteacmp(bytea, bytea),
  FUNCTION 2 mimir.labels_gin_extract(mimir.labels, internal, internal),
  FUNCTION 3 mimir.labels_gin_query(mimir.labels, internal, int2, internal, internal, internal, internal),
  FUNCTION 4 mimir.labels_gin_consistent(internal, int2, mimir.labels, int4, internal, internal, internal, internal),
  FUNCTION 5 mimir.labels_gin_compare_prefix(bytea, bytea, int2, internal),
  FUNCTION 6 mimir.labels_gin_triconsistent(internal, int2, mimir.labels, int4, internal, internal, internal),
  STORAGE bytea;
COMMENT ON OPERATOR CLASS mimir.labels_gin_ops USING gin IS 'GIN over the labels of label sets, for @>, ? and =~.';
COMMENT ON OPERATOR FAMILY mimir.labels_gin_ops USING gin IS 'GIN over the labels of label sets, for @>, ? and =~.';
