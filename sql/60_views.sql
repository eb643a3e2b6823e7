-- Views over head and blocks alike.
CREATE FUNCTION mimir.list_series(OUT tenant text, OUT series_id bigint, OUT metric text, OUT labels jsonb)
  RETURNS SETOF record
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10000 AS 'MODULE_PATHNAME', 'mimir_list_series';
COMMENT ON FUNCTION mimir.list_series() IS 'Series of the tenants that the role sees.';

CREATE FUNCTION mimir.samples(selector text, from_time timestamptz, to_time timestamptz,
  OUT tenant text, OUT labels jsonb, OUT "time" timestamptz, OUT value double precision, OUT histogram jsonb)
  RETURNS SETOF record
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 100000 AS 'MODULE_PATHNAME', 'mimir_samples';
COMMENT ON FUNCTION mimir.samples(text, timestamptz, timestamptz) IS 'Samples of the series that a PromQL selector matches, between two times, both included.';

CREATE VIEW mimir.series AS SELECT tenant, series_id, metric, labels FROM mimir.list_series();
COMMENT ON VIEW mimir.series IS 'Series of the tenants that the role sees.';

CREATE VIEW mimir.sample AS
  SELECT tenant, labels, "time", value, histogram
  FROM mimir.samples('{__name__=~".+"}', '-infinity', 'infinity');
COMMENT ON VIEW mimir.sample IS 'All samples of the tenants that the role sees; use mimir.samples() to select by labels and time.';

CREATE FUNCTION mimir.list_counters(OUT name text, OUT labels text, OUT type text, OUT value bigint)
  RETURNS SETOF record
  LANGUAGE c VOLATILE PARALLEL SAFE ROWS 40 AS 'MODULE_PATHNAME', 'mimir_list_counters';
COMMENT ON FUNCTION mimir.list_counters() IS 'Counters of the server, as /metrics shows them.';
CREATE VIEW mimir.stat_counters AS SELECT name, labels, type, value FROM mimir.list_counters();
COMMENT ON VIEW mimir.stat_counters IS 'Counters of the server, as /metrics shows them.';

