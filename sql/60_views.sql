-- Views over head and blocks alike.
CREATE FUNCTION mimir.list_series(OUT tenant text, OUT series_id bigint, OUT metric text, OUT labels jsonb)
  RETURNS SETOF record
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10000 AS 'MODULE_PATHNAME', 'mimir_list_series';
COMMENT ON FUNCTION mimir.list_series() IS 'Series of the tenants that the role sees.';

CREATE FUNCTION mimir.samples(selector text, from_time timestamptz, to_time timestamptz,
  OUT tenant text, OUT metric text, OUT labels jsonb, OUT "time" timestamptz, OUT value double precision, OUT histogram jsonb)
  RETURNS SETOF record
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 100000 AS 'MODULE_PATHNAME', 'mimir_samples';
COMMENT ON FUNCTION mimir.samples(text, timestamptz, timestamptz) IS 'Samples of the series that a PromQL selector matches, between two times, both included.';

CREATE FUNCTION mimir.metric_samples(name text, VARIADIC matchers text[] DEFAULT '{}')
  RETURNS TABLE (tenant text, metric text, labels jsonb, "time" timestamptz, value double precision, histogram jsonb)
  LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100000
  AS $$ SELECT s.tenant, s.metric, s.labels, s."time", s.value, s.histogram
        FROM mimir.samples(mimir.make_selector($1, $2), '-infinity', 'infinity') s $$;
COMMENT ON FUNCTION mimir.metric_samples(text, text[]) IS 'Samples of a metric, of the series that matchers such as job=~"a.*" match; conditions on time belong in WHERE.';

CREATE FUNCTION mimir.chunks(selector text, from_time timestamptz, to_time timestamptz,
  OUT tenant text, OUT series_id bigint, OUT labels mimir.labels, OUT metric text, OUT min_time timestamptz,
  OUT max_time timestamptz, OUT count int, OUT encoding text, OUT chunk mimir.chunk)
  RETURNS SETOF record
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 10000 AS 'MODULE_PATHNAME', 'mimir_chunks';
COMMENT ON FUNCTION mimir.chunks(text, timestamptz, timestamptz) IS 'Chunks, in memory and in blocks, of the series that a PromQL selector matches, with samples between two times.';

CREATE FUNCTION mimir.list_label_values(OUT tenant text, OUT name text, OUT value text)
  RETURNS SETOF record
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10000 AS 'MODULE_PATHNAME', 'mimir_list_label_values';
COMMENT ON FUNCTION mimir.list_label_values() IS 'Labels and their values, of the tenants that the role sees.';

CREATE VIEW mimir.series AS SELECT tenant, series_id, metric, labels FROM mimir.list_series();
COMMENT ON VIEW mimir.series IS 'Series of the tenants that the role sees.';

CREATE VIEW mimir.sample AS
  SELECT tenant, metric, labels, "time", value, histogram FROM mimir.samples('{}', '-infinity', 'infinity');
COMMENT ON VIEW mimir.sample IS 'Samples of the tenants that the role sees; conditions on tenant, metric, labels and time decide what is read.';

CREATE VIEW mimir.chunk_list AS
  SELECT tenant, series_id, labels, metric, min_time, max_time, count, encoding, chunk
  FROM mimir.chunks('{}', '-infinity', 'infinity');
COMMENT ON VIEW mimir.chunk_list IS 'Chunks of the tenants that the role sees; conditions on tenant, metric, labels and times decide what is read.';

CREATE VIEW mimir.label_value AS SELECT tenant, name, value FROM mimir.list_label_values();
COMMENT ON VIEW mimir.label_value IS 'Labels and their values, of the tenants that the role sees.';

-- Metadata belong to a family of metrics: x_bucket, x_count and x_sum are of the family x.
CREATE VIEW mimir.metric WITH (security_invoker = true) AS
  SELECT s.tenant, s.metric, s.series, m.type, m.help, m.unit
  FROM (SELECT tenant, metric, count(*) AS series FROM mimir.list_series() GROUP BY tenant, metric) s
    LEFT JOIN LATERAL (
      SELECT d.type, d.help, d.unit
      FROM mimir.tenant t JOIN mimir.metric_metadata d USING (tenant_id)
      WHERE t.name = s.tenant AND d.metric IN (s.metric, regexp_replace(s.metric, '_(bucket|count|sum)$', ''))
      ORDER BY d.metric = s.metric DESC LIMIT 1) m ON true;
COMMENT ON VIEW mimir.metric IS 'Metrics of the tenants that the role sees: their number of series, type, help and unit.';

CREATE FUNCTION mimir.list_counters(OUT name text, OUT labels text, OUT type text, OUT value bigint)
  RETURNS SETOF record
  LANGUAGE c VOLATILE PARALLEL SAFE ROWS 40 AS 'MODULE_PATHNAME', 'mimir_list_counters';
COMMENT ON FUNCTION mimir.list_counters() IS 'Counters of the server, as /metrics shows them.';
CREATE VIEW mimir.stat_counters AS SELECT name, labels, type, value FROM mimir.list_counters();
COMMENT ON VIEW mimir.stat_counters IS 'Counters of the server, as /metrics shows them.';

CREATE VIEW mimir.stat_head WITH (security_invoker = true) AS
  SELECT h.ready, h.series, t.chunks, t.open_chunks, t.samples, t.bytes AS chunk_bytes, h.used_bytes, h.limit_bytes,
    h.generation, h.flushed_generation, h.freed_generation, h.log_bytes, h.oldest_unflushed,
    clock_timestamp() - h.oldest_unflushed AS unflushed_age, c.out_of_order, c.discarded_out_of_order, c.discarded_too_old
  FROM mimir.head_state() h
    LEFT JOIN LATERAL (
      SELECT sum(n.chunks)::bigint AS chunks, sum(n.open_chunks)::bigint AS open_chunks, sum(n.samples)::bigint AS samples,
        sum(n.bytes)::bigint AS bytes
      FROM mimir.head_tenants() n WHERE h.ready) t ON h.ready,
    LATERAL (
      SELECT max(value) FILTER (WHERE name = 'cortex_ingester_tsdb_out_of_order_samples_appended_total') AS out_of_order,
        max(value) FILTER (WHERE labels = 'reason="sample-out-of-order"') AS discarded_out_of_order,
        max(value) FILTER (WHERE labels = 'reason="sample-timestamp-too-old"') AS discarded_too_old
      FROM mimir.list_counters()) c;
COMMENT ON VIEW mimir.stat_head IS 'The head: series and chunks in memory, its memory, generations of the log, samples that came late.';
