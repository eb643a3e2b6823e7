-- PromQL functions in FROM are planned: EXPLAIN shows the operators, and every way of calling works.
SET client_min_messages = warning;
SELECT mimir.create_tenant('t_plan') > 0 AS created;
SET mimir.tenant = 't_plan';
SET timezone = 'UTC';
SELECT count(mimir.write(jsonb_build_object('__name__', 'hits_total', 'job', job, 'code', code),
                         '2026-03-01 00:00:00'::timestamptz + i * interval '15 s', i * length(job)))
FROM (VALUES ('a'), ('bb')) j (job), (VALUES ('200'), ('500')) c (code), generate_series(0, 40) i;
-- without costs, and without times and memory
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
    RETURN NEXT regexp_replace(line, 'rows=(\d+)\.00 ', 'rows=\1 '); -- 18 has decimals
  END LOOP;
END
$$;
EXPLAIN (COSTS OFF) SELECT * FROM mimir.promql_query('sum by (job) (rate(hits_total[5m]))', '2026-03-01 00:10:00');
EXPLAIN (COSTS OFF) SELECT * FROM mimir.promql_query_range('topk(1, hits_total) / on (job) group_left () sum by (job) (hits_total offset 1m)',
  '2026-03-01 00:05:00', '2026-03-01 00:10:00', '1 minute') WHERE value > 0.1;
SELECT * FROM pg_temp.plan_of($$SELECT * FROM mimir.promql_query('sum by (job) (rate(hits_total[5m]))', '2026-03-01 00:10:00')$$);
CREATE FUNCTION pg_temp.json_plan(query text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  j json;
BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, FORMAT JSON) ' || query INTO j;
  RETURN j -> 0 -> 'Plan';
END
$$;
SELECT p ->> 'Query' AS query, p ->> 'Time' AS time, p #>> '{Plans,0,Custom Plan Provider}' AS child, p #>> '{Plans,0,Function}' AS function,
  p #>> '{Plans,0,Plans,0,Matchers}' AS matchers, p #>> '{Plans,0,Plans,0,Series Matched}' AS series
FROM pg_temp.json_plan($$SELECT * FROM mimir.promql_query('abs(hits_total{code="200"})', '2026-03-01 00:10:00')$$) p;
-- filtered, joined, aggregated
SELECT labels ->> 'job' AS job, value FROM mimir.promql_query('sum by (job) (hits_total)', '2026-03-01 00:10:00') WHERE value > 50;
SELECT n.name, q.value
FROM (VALUES ('a', 'first'), ('bb', 'second')) n (job, name)
  JOIN mimir.promql_query('sum by (job) (hits_total)', '2026-03-01 00:10:00') q ON q.labels ->> 'job' = n.job
ORDER BY 1;
SELECT count(*), min(time), max(time) FROM mimir.promql_query_range('hits_total', '2026-03-01', '2026-03-01 00:05:00', '30 s');
-- LATERAL: once for each row
SELECT t, sum(value) FROM generate_series('2026-03-01 00:00:00'::timestamptz, '2026-03-01 00:10:00', '5 minutes') t,
  mimir.promql_query('hits_total', t) GROUP BY t ORDER BY t;
SELECT * FROM pg_temp.plan_of($$SELECT t, value
  FROM generate_series('2026-03-01 00:00:00'::timestamptz, '2026-03-01 00:10:00', '5 minutes') t,
    mimir.promql_query('hits_total', t)$$);
EXPLAIN (COSTS OFF) SELECT value FROM generate_series('2026-03-01 00:00:00'::timestamptz, '2026-03-01 00:10:00', '5 minutes') t,
  mimir.promql_query('hits_total', t);
EXPLAIN (COSTS OFF) SELECT value FROM (VALUES ('vector(1)'), ('vector(2)')) q (text), mimir.promql_query(text, '2026-03-01');
SELECT value FROM (VALUES ('vector(1)'), ('vector(2) > 3'), (NULL), ('sum(hits_total)')) q (text),
  mimir.promql_query(text, '2026-03-01 00:01:00');
-- prepared, with a generic plan
SET plan_cache_mode = force_generic_plan;
PREPARE q (text, timestamptz) AS SELECT value FROM mimir.promql_query($1, $2);
EXECUTE q ('sum(hits_total)', '2026-03-01 00:01:00');
EXECUTE q ('count(hits_total)', '2026-03-01 00:01:00');
EXECUTE q (NULL, '2026-03-01 00:01:00');
EXPLAIN (COSTS OFF) EXECUTE q ('count(hits_total)', '2026-03-01 00:01:00');
EXECUTE q ('count(', '2026-03-01 00:01:00');
RESET plan_cache_mode;
-- a subquery as argument, a cursor, LIMIT
SELECT value FROM mimir.promql_query((SELECT 'vector(' || max(x) || ')' FROM (VALUES (1), (7)) v (x)), '2026-03-01');
BEGIN;
DECLARE c CURSOR FOR SELECT labels, value FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00');
FETCH 1 FROM c;
FETCH 2 FROM c;
COMMIT;
SELECT count(*) FROM (SELECT * FROM mimir.promql_query_range('hits_total', '2026-03-01', '2026-03-01 00:10:00', '15 s') LIMIT 50) x;
SELECT * FROM pg_temp.plan_of($$SELECT value FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00') LIMIT 2$$);
-- what stays a function scan gives the same
SELECT q FROM mimir.promql_query('vector(1)', '2026-03-01') q;
SELECT value, n FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00') WITH ORDINALITY q (labels, time, value, histogram, n);
EXPLAIN (COSTS OFF) SELECT value, n FROM mimir.promql_query('hits_total', '2026-03-01') WITH ORDINALITY q (labels, time, value, histogram, n);
SELECT (mimir.promql_query('sum(hits_total)', '2026-03-01 00:10:00')).value;
CREATE TEMP TABLE target AS SELECT 'a' AS job, 0::double precision AS v;
UPDATE target SET v = q.value FROM mimir.promql_query('sum by (job) (hits_total)', '2026-03-01 00:10:00') q WHERE q.labels ->> 'job' = job;
SELECT * FROM target;
SET mimir.enable_promql_plan = off;
EXPLAIN (COSTS OFF) SELECT * FROM mimir.promql_query('vector(1)', '2026-03-01');
RESET mimir.enable_promql_plan;
-- both ways are the same, for every kind of result
CREATE FUNCTION pg_temp.differs(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  n bigint;
BEGIN
  CREATE TEMP TABLE planned ON COMMIT DROP AS
    SELECT * FROM mimir.promql_query_range(query, '2026-03-01', '2026-03-01 00:10:00', '7 s');
  SET LOCAL mimir.enable_promql_plan = off;
  SELECT count(*) INTO n FROM
    ((TABLE planned EXCEPT ALL SELECT * FROM mimir.promql_query_range(query, '2026-03-01', '2026-03-01 00:10:00', '7 s'))
     UNION ALL (SELECT * FROM mimir.promql_query_range(query, '2026-03-01', '2026-03-01 00:10:00', '7 s') EXCEPT ALL TABLE planned)) d;
  DROP TABLE planned;
  RESET mimir.enable_promql_plan;
  RETURN n;
END
$$;
SELECT q, pg_temp.differs(q) FROM (VALUES ('hits_total'), ('1 + 1'), ('rate(hits_total[1m])'), ('sum(hits_total) by (job)'),
  ('absent(nothing)'), ('max_over_time(rate(hits_total[1m])[5m:30s])'), ('hits_total and on (job) hits_total{job="a"}')) v (q);
-- errors
EXPLAIN SELECT * FROM mimir.promql_query('sum(', '2026-03-01');
SELECT * FROM mimir.promql_query('"text"', '2026-03-01');
SELECT * FROM mimir.promql_query('vector(1)', 'infinity');
SET mimir.query_max_samples = 10;
SELECT count(*) FROM mimir.promql_query_range('hits_total + hits_total', '2026-03-01', '2026-03-01 00:10:00', '15 s');
RESET mimir.query_max_samples;
-- no plan node without the right to call the function
CREATE ROLE plan_stranger;
GRANT USAGE ON SCHEMA mimir TO plan_stranger;
SET ROLE plan_stranger;
SELECT * FROM mimir.promql_query('vector(1)', '2026-03-01');
EXPLAIN SELECT * FROM mimir.promql_query('vector(1)', '2026-03-01');
RESET ROLE;
REVOKE USAGE ON SCHEMA mimir FROM plan_stranger;
DROP ROLE plan_stranger;
