-- Parallel scans of PromQL queries that map series to series: when, and that the result is the same.
SET client_min_messages = warning;
SELECT mimir.create_tenant('t_parallel') > 0 AND mimir.create_tenant('t_parallel_two') > 0 AS created;
SET mimir.tenant = 't_parallel';
SET timezone = 'UTC';
SELECT count(mimir.write(jsonb_build_object('__name__', 'hits_total', 'job', 'old' || j), '2026-02-28 00:00:00'::timestamptz + t * interval '15 s', t * j))
FROM generate_series(1, 30) j, generate_series(0, 40) t;
SELECT count(mimir.write(jsonb_build_object('__name__', 'hits_total', 'job', 'j' || j, 'instance', 'i' || i),
                         '2026-03-01 00:00:00'::timestamptz + t * interval '15 s', t * i))
FROM generate_series(1, 10) j, generate_series(1, 30) i, generate_series(0, 40) t;
SELECT mimir.flush();
SELECT count(mimir.write(jsonb_build_object('__name__', 'hits_total', 'job', 'j' || j, 'instance', 'i' || i),
                         '2026-03-01 00:10:15'::timestamptz + t * interval '15 s', t * i))
FROM generate_series(1, 10) j, generate_series(1, 30) i, generate_series(0, 4) t;
SET mimir.tenant = 't_parallel_two';
SELECT count(mimir.write(jsonb_build_object('__name__', 'hits_total', 'job', 'j' || j), '2026-03-01 00:00:00'::timestamptz + t * interval '15 s', t * j))
FROM generate_series(1, 30) j, generate_series(0, 40) t;
SET mimir.tenant = 't_parallel';
-- as much as a small table: not worth it
EXPLAIN (COSTS OFF) SELECT * FROM mimir.promql_query('rate(hits_total[5m])', '2026-03-01 00:10:00');
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT * FROM mimir.promql_query('rate(hits_total[5m])', '2026-03-01 00:10:00');
EXPLAIN (COSTS OFF) SELECT labels ->> 'job', max(value) FROM mimir.promql_query_range('rate(hits_total[5m])', '2026-03-01 00:05:00', '2026-03-01 00:10:00', '1 min')
WHERE labels ->> 'job' <> 'j1' AND value >= 0 GROUP BY 1;
-- what looks at more than one series is not
CREATE FUNCTION pg_temp.is_parallel(sql text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  j json;
BEGIN
  EXECUTE 'EXPLAIN (FORMAT JSON) ' || sql INTO j;
  RETURN j::text LIKE '%"Gather"%';
END
$$;
SELECT q, pg_temp.is_parallel(format($$SELECT * FROM mimir.promql_query_range(%L, '2026-03-01', '2026-03-01 00:10:00', '1 min')$$, q))
FROM (VALUES ('hits_total'), ('-hits_total * 2'), ('max_over_time(rate(hits_total[1m])[5m:1m])'), ('abs(hits_total) > 3'), ('sum by (job) (hits_total)'), ('hits_total + hits_total'),
  ('rate({job="j1"}[5m])'), ('absent(hits_total)'), ('1'), ('label_replace(hits_total, "a", "", "b", "")'), ('topk(1, hits_total)'), ('hits_total * scalar(hits_total)')) v (q);
-- nor what must stay with the leader, or depends on other rows
CREATE FUNCTION pg_temp.restricted() RETURNS text LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $$BEGIN RETURN 'hits_total'; END$$;
SELECT pg_temp.is_parallel($$SELECT * FROM mimir.promql_query(pg_temp.restricted(), '2026-03-01 00:10:00')$$) AS text,
  pg_temp.is_parallel($$SELECT * FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00') WHERE labels ->> 'job' = pg_temp.restricted()$$) AS condition,
  pg_temp.is_parallel($$SELECT t FROM generate_series('2026-03-01'::timestamptz, '2026-03-01 00:10:00', '5 min') t, mimir.promql_query('hits_total', t)$$) AS lateral,
  pg_temp.is_parallel($$SELECT mimir.promql_query('hits_total', '2026-03-01 00:10:00')$$) AS called;
-- the same rows, from head and blocks, of one tenant and two
CREATE FUNCTION pg_temp.differs(call text, condition text DEFAULT 'true') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  shared text := format('SELECT * FROM %s q WHERE %s', call, condition);
  alone text := format('SELECT labels, time, value, histogram FROM %s WITH ORDINALITY q (labels, time, value, histogram, n) WHERE %s', call, condition);
  rows bigint;
  n bigint;
BEGIN
  IF NOT pg_temp.is_parallel(shared) THEN
    RETURN 'not parallel';
  END IF;
  EXECUTE 'SELECT count(*) FROM (' || shared || ') s' INTO rows;
  EXECUTE format('SELECT count(*) FROM ((%1$s EXCEPT ALL %2$s) UNION ALL (%2$s EXCEPT ALL %1$s)) d', shared, alone) INTO n;
  RETURN format('%s rows, %s differ', rows, n);
END
$$;
CREATE TEMP TABLE query (q text);
INSERT INTO query VALUES ('hits_total'), ('rate(hits_total[5m])'), ('hits_total > 100'), ('{__name__="hits_total",job=~"j1|old.*"}'), ('max_over_time(hits_total[1d])'),
  ('max_over_time(rate(hits_total[1m])[5m:1m])'), ('hits_total @ 1772236920'), ('clamp_max(hits_total, time() % 100)'), ('nothing'), ('quantile_over_time(0.5, hits_total[10m])');
SELECT q, pg_temp.differs(format($$mimir.promql_query_range(%L, '2026-03-01 00:00:00', '2026-03-01 00:12:00', '1 min')$$, q)) FROM query;
SELECT q, pg_temp.differs(format($$mimir.promql_query(%L, '2026-03-01 00:10:00')$$, q)) FROM (TABLE query UNION ALL VALUES ('hits_total[2m]')) q;
SELECT c, pg_temp.differs($$mimir.promql_query_range('hits_total', '2026-03-01 00:00:00', '2026-03-01 00:12:00', '30 s')$$, c)
FROM (VALUES ($$labels ->> 'job' = 'j1'$$), ($$labels ->> 'job' IN ('j1', 'j9', 'old1')$$), ($$time >= '2026-03-01 00:10:05'$$), ($$labels @> '{"job": "j2"}' AND value > 100$$)) v (c);
RESET mimir.tenant;
SELECT q, pg_temp.differs(format($$mimir.promql_query_range(%L, '2026-03-01 00:00:00', '2026-03-01 00:12:00', '1 min')$$, q))
FROM (VALUES ('hits_total{__tenant_id__=~"t_parallel.*"}'), ('rate(hits_total{__tenant_id__="t_parallel_two"}[5m])')) v (q);
SET mimir.tenant = 't_parallel';
-- a leader that leaves the work to the workers, and no worker to be had
SET parallel_leader_participation = off;
SELECT pg_temp.differs($$mimir.promql_query('rate(hits_total[5m])', '2026-03-01 00:10:00')$$);
RESET parallel_leader_participation;
SET max_parallel_workers = 0;
SELECT pg_temp.differs($$mimir.promql_query('rate(hits_total[5m])', '2026-03-01 00:10:00')$$);
RESET max_parallel_workers;
-- figures are those of all processes together
CREATE FUNCTION pg_temp.figures(sql text) RETURNS TABLE (node text, series text, samples text, chunks text, rows numeric) LANGUAGE plpgsql AS $$
DECLARE
  j jsonb;
BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || sql INTO j;
  RETURN QUERY SELECT p ->> 'Custom Plan Provider', p ->> 'Series Matched', p ->> 'Samples Read', p ->> 'Chunks Read',
    round((p ->> 'Actual Rows')::numeric * (p ->> 'Actual Loops')::numeric, -1)
  FROM jsonb_path_query(j, 'strict $.**') p WHERE p ? 'Custom Plan Provider';
END
$$;
SELECT * FROM pg_temp.figures($$SELECT * FROM mimir.promql_query('rate(hits_total[5m])', '2026-03-01 00:10:00')$$);
SET max_parallel_workers_per_gather = 0;
SELECT * FROM pg_temp.figures($$SELECT * FROM mimir.promql_query('rate(hits_total[5m])', '2026-03-01 00:10:00')$$);
SET max_parallel_workers_per_gather = 2;
-- run again and again: the workers are started anew, and every figure counts
SET enable_material = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM (VALUES (1), (2), (3)) v (x) LEFT JOIN mimir.promql_query('hits_total', '2026-03-01 00:10:00') q ON q.value > v.x;
SELECT count(*) FROM (VALUES (1), (2), (3)) v (x) LEFT JOIN mimir.promql_query('hits_total', '2026-03-01 00:10:00') q ON q.value > v.x;
SELECT series, samples FROM pg_temp.figures($$SELECT count(*) FROM (VALUES (1), (2), (3)) v (x) LEFT JOIN mimir.promql_query('hits_total', '2026-03-01 00:10:00') q ON q.value > v.x$$);
RESET enable_material;
RESET enable_hashjoin;
RESET enable_mergejoin;
-- stopped early, by LIMIT and by an error
\set SHOW_CONTEXT never
SELECT count(*) FROM (SELECT * FROM mimir.promql_query_range('hits_total', '2026-03-01', '2026-03-01 00:10:00', '15 s') LIMIT 7) x;
SELECT count(1 / (value::int - 40)) FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00');
SELECT count(*) FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00');
-- planned as series-wise, but the settings have changed since: one process does all
PREPARE later AS SELECT count(*), count(DISTINCT labels) FROM mimir.promql_query_range('{job=~"j.*"} > 100', '2026-03-01', '2026-03-01 00:10:00', '1 min');
EXECUTE later;
EXPLAIN (COSTS OFF) EXECUTE later;
SET mimir.promql_delayed_name_removal = on;
EXECUTE later;
SELECT pg_temp.is_parallel($$SELECT * FROM mimir.promql_query_range('{job=~"j.*"} > 100', '2026-03-01', '2026-03-01 00:10:00', '1 min')$$) AS planned_anew;
RESET mimir.promql_delayed_name_removal;
EXECUTE later;
-- each role its own tenants, in workers too
CREATE ROLE parallel_one;
GRANT mimir_reader TO parallel_one;
INSERT INTO mimir.tenant_member (tenant_id, member) SELECT tenant_id, 'parallel_one' FROM mimir.tenant WHERE name = 't_parallel_two';
RESET mimir.tenant;
SET ROLE parallel_one;
SELECT count(*), count(DISTINCT labels) FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00');
RESET ROLE;
DELETE FROM mimir.tenant_member WHERE member = 'parallel_one';
DROP ROLE parallel_one;
