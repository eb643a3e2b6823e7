-- PromQL from SQL.
CREATE TYPE mimir.promql_row AS (labels jsonb, "time" timestamptz, value double precision, histogram jsonb);
COMMENT ON TYPE mimir.promql_row IS 'A point of a PromQL result: labels, time, and a float or a native histogram.';

CREATE FUNCTION mimir.promql_query(query text, "time" timestamptz DEFAULT now())
  RETURNS SETOF mimir.promql_row
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 1000 AS 'MODULE_PATHNAME', 'mimir_promql_query';
COMMENT ON FUNCTION mimir.promql_query(text, timestamptz) IS 'Evaluates a PromQL query at one time over the tenants that the role sees.';

CREATE FUNCTION mimir.promql_query_range(query text, start timestamptz, "end" timestamptz, step interval)
  RETURNS SETOF mimir.promql_row
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 10000 AS 'MODULE_PATHNAME', 'mimir_promql_query_range';
COMMENT ON FUNCTION mimir.promql_query_range(text, timestamptz, timestamptz, interval) IS 'Evaluates a PromQL query at every step from start to end.';

CREATE FUNCTION mimir.promql_format(query text) RETURNS text
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_promql_format';
COMMENT ON FUNCTION mimir.promql_format(text) IS 'Prints a PromQL query in its canonical form.';

CREATE FUNCTION mimir.promql_parse(query text) RETURNS jsonb
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_promql_parse';
COMMENT ON FUNCTION mimir.promql_parse(text) IS 'Parses a PromQL query to its syntax tree.';

CREATE FUNCTION mimir.write(labels jsonb, "time" timestamptz, value double precision) RETURNS void
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mimir_write';
COMMENT ON FUNCTION mimir.write(jsonb, timestamptz, double precision) IS 'Writes a sample of the series with these labels; it is there after COMMIT.';

