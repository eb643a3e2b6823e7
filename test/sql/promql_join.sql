-- Estimates of PromQL scans, by what joins make of them: shapes of plans, no figures that could differ.
SET client_min_messages = warning;
SELECT mimir.create_tenant('t_join') > 0 AND mimir.create_tenant('t_join_other') > 0 AS created;
SET mimir.tenant = 't_join';
SET timezone = 'UTC';
SELECT count(mimir.write(jsonb_build_object('__name__', 'hits_total', 'job', 'j' || j, 'code', 200 + c, 'instance', 'i' || i)::text::jsonb
                         || jsonb_build_object('code', (200 + c)::text), '2026-03-01 00:00:00'::timestamptz + t * interval '15 s', t * i))
FROM generate_series(1, 20) j, generate_series(1, 10) c, generate_series(1, 10) i, generate_series(0, 10) t;
CREATE TEMP TABLE small_table AS SELECT 'j' || i AS job, i AS n FROM generate_series(1, 3) i;
CREATE TEMP TABLE medium_table AS SELECT 'j' || i AS job, i AS n FROM generate_series(1, 20) i;
CREATE TEMP TABLE big_table AS SELECT 'j' || i AS job, i AS n FROM generate_series(1, 50000) i;
CREATE INDEX ON big_table (job);
ANALYZE small_table, medium_table, big_table;
SET max_parallel_workers_per_gather = 0;
-- rows as estimated, within what a sample can tell
CREATE FUNCTION pg_temp.estimated(query text) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
  j json;
BEGIN
  EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO j;
  RETURN (j -> 0 -> 'Plan' ->> 'Plan Rows')::double precision;
END
$$;
SELECT q, CASE WHEN estimate BETWEEN actual / 1.5 AND actual * 1.5 THEN 'right' ELSE format('%s instead of %s', estimate, actual) END AS estimate
FROM (VALUES ('hits_total', 2000), ('hits_total{job="j3"}', 100), ('hits_total{job=~"j1|j2"}', 200), ('hits_total{job=~"j1.*"}', 1100), ('hits_total{job!="j3"}', 1900),
  ('{job="j3",code="205"}', 10), ('{code=~"20.",instance="i7"}', 180), ('hits_total{job="nobody"}', 1), ('nothing', 1), ('1', 1), ('time()', 1), ('rate(hits_total[1m])', 2000),
  ('sum(hits_total)', 1), ('sum by (job) (hits_total)', 20), ('sum by (job, code) (hits_total)', 200), ('sum without (job) (hits_total)', 100), ('topk(5, hits_total)', 5),
  ('topk by (job) (2, hits_total)', 40), ('sum by (job) (rate(hits_total[1m])) / sum by (job) (hits_total)', 20), ('absent(hits_total)', 1)) v (q, actual),
  LATERAL (SELECT pg_temp.estimated(format($$SELECT * FROM mimir.promql_query(%L, '2026-03-01 00:02:00')$$, q)) AS estimate) e;
SELECT pg_temp.estimated($$SELECT * FROM mimir.promql_query_range('sum by (job) (hits_total)', '2026-03-01 00:01:00', '2026-03-01 00:02:00', '10 s')$$) AS range,
  pg_temp.estimated($$SELECT * FROM mimir.promql_query_range('sum by (job) (hits_total)', '2026-03-01 00:01:00', '2026-03-01 00:02:00', '10 s') WHERE time >= '2026-03-01 00:01:30' AND labels ->> 'job' = 'j7'$$) AS filtered;
-- a query that is not known has the default; one that is wrong fails where it runs, not where it is planned
SELECT pg_temp.estimated($$SELECT * FROM mimir.promql_query((SELECT 'hits_total'), '2026-03-01')$$) AS instant,
  pg_temp.estimated($$SELECT * FROM mimir.promql_query_range((SELECT 'hits_total'), '2026-03-01', '2026-03-01', '1 min')$$) AS range;
SELECT count(*) FROM (SELECT WHERE random() < 0) never, mimir.promql_query('sum(', '2026-03-01');
SELECT count(*) FROM (SELECT WHERE random() < 0) never, mimir.promql_query('1', 'infinity');
SELECT count(*) FROM (SELECT WHERE random() < 0) never, mimir.promql_query_range('1', '2026-03-02', '2026-03-01', '-1 min');
SELECT count(*) FROM mimir.promql_query('sum(', '2026-03-01');
SELECT count(*) FROM mimir.promql_query('1', 'infinity');
-- few rows: the index of the big table; many: a hash table
EXPLAIN (COSTS OFF) SELECT b.n, q.value FROM big_table b JOIN mimir.promql_query('sum by (job) (hits_total)', '2026-03-01 00:02:00') q ON b.job = q.labels ->> 'job';
EXPLAIN (COSTS OFF) SELECT b.n, q.value FROM big_table b JOIN mimir.promql_query('hits_total', '2026-03-01 00:02:00') q ON b.job = q.labels ->> 'job';
-- a small table: run for each row with its job, which reads less; all jobs, or a query that cannot be filtered below: run once
EXPLAIN (COSTS OFF) SELECT s.n, q.value FROM small_table s JOIN mimir.promql_query('hits_total', '2026-03-01 00:02:00') q ON s.job = q.labels ->> 'job';
EXPLAIN (COSTS OFF) SELECT m.n, q.value FROM medium_table m JOIN mimir.promql_query('hits_total', '2026-03-01 00:02:00') q ON m.job = q.labels ->> 'job';
EXPLAIN (COSTS OFF) SELECT s.n, q.value FROM medium_table s JOIN mimir.promql_query('label_replace(hits_total, "job", "j$1", "job", "j(.*)")', '2026-03-01 00:02:00') q ON s.job = q.labels ->> 'job';
-- and both give the same
SELECT count(*), sum(q.value) FROM small_table s JOIN mimir.promql_query('hits_total', '2026-03-01 00:02:00') q ON s.job = q.labels ->> 'job';
SELECT count(*), sum(q.value) FROM small_table s JOIN mimir.promql_query('label_replace(hits_total, "job", "j$1", "job", "j(.*)")', '2026-03-01 00:02:00') q ON s.job = q.labels ->> 'job';
SET mimir.enable_promql_plan = off;
SELECT count(*), sum(q.value) FROM small_table s JOIN mimir.promql_query('hits_total', '2026-03-01 00:02:00') q ON s.job = q.labels ->> 'job';
RESET mimir.enable_promql_plan;
-- windows of time from a table
CREATE TEMP TABLE incident AS SELECT 'j' || i AS job, '2026-03-01 00:00:00'::timestamptz + i * interval '20 s' AS began FROM generate_series(1, 3) i;
ANALYZE incident;
EXPLAIN (COSTS OFF) SELECT i.job, q.time, q.value FROM incident i JOIN mimir.promql_query_range('sum by (job) (hits_total)', '2026-03-01', '2026-03-01 00:02:00', '10 s') q
  ON q.labels ->> 'job' = i.job AND q.time >= i.began AND q.time < i.began + interval '20 s';
SELECT i.job, q.time, q.value FROM incident i JOIN mimir.promql_query_range('sum by (job) (hits_total)', '2026-03-01', '2026-03-01 00:02:00', '10 s') q
  ON q.labels ->> 'job' = i.job AND q.time >= i.began AND q.time < i.began + interval '20 s' ORDER BY 1, 2;
-- two of them
EXPLAIN (COSTS OFF) SELECT count(*) FROM mimir.promql_query('sum by (job) (hits_total)', '2026-03-01 00:02:00') a
  JOIN mimir.promql_query('hits_total', '2026-03-01 00:01:00') b ON a.labels ->> 'job' = b.labels ->> 'job' WHERE a.labels ->> 'job' = 'j5';
SELECT count(*) FROM mimir.promql_query('sum by (job) (hits_total)', '2026-03-01 00:02:00') a
  JOIN mimir.promql_query('hits_total', '2026-03-01 00:01:00') b ON a.labels ->> 'job' = b.labels ->> 'job' WHERE a.labels ->> 'job' = 'j5';
-- a plan that is kept does not tell a role what another sees
CREATE ROLE join_one;
CREATE ROLE join_other;
GRANT mimir_reader TO join_one, join_other;
INSERT INTO mimir.tenant_member (tenant_id, member) SELECT tenant_id, CASE name WHEN 't_join' THEN 'join_one' ELSE 'join_other' END FROM mimir.tenant WHERE name IN ('t_join', 't_join_other');
RESET mimir.tenant;
SET plan_cache_mode = force_generic_plan;
PREPARE kept AS SELECT * FROM mimir.promql_query('hits_total', '2026-03-01 00:02:00');
CREATE FUNCTION pg_temp.kept_rows() RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
  j json;
BEGIN
  EXECUTE 'EXPLAIN (FORMAT JSON) EXECUTE kept' INTO j;
  RETURN (j -> 0 -> 'Plan' ->> 'Plan Rows')::double precision;
END
$$;
GRANT USAGE ON SCHEMA mimir TO join_one, join_other;
SET ROLE join_one;
SELECT pg_temp.kept_rows() BETWEEN 1500 AND 2500 AS many;
SET ROLE join_other;
SELECT pg_temp.kept_rows();
SET ROLE join_one;
SELECT pg_temp.kept_rows() BETWEEN 1500 AND 2500 AS many;
RESET ROLE;
RESET plan_cache_mode;
REVOKE USAGE ON SCHEMA mimir FROM join_one, join_other;
DELETE FROM mimir.tenant_member WHERE member IN ('join_one', 'join_other');
DROP ROLE join_one, join_other;
