-- Parameters, prepared statements, rescans, cursors and the forms of EXPLAIN, of PromQL scans with conditions.
SET client_min_messages = warning;
SELECT mimir.create_tenant('t_prepare') > 0 AS created;
SET mimir.tenant = 't_prepare';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SELECT count(mimir.write(jsonb_build_object('__name__', 'hits_total', 'job', job, 'code', code),
                         '2026-03-01 00:00:00'::timestamptz + i * interval '15 s', i * length(job)))
FROM (VALUES ('a'), ('bb'), ('ccc')) j (job), (VALUES ('200'), ('500')) c (code), generate_series(0, 40) i;
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
    IF line !~ 'Blocks' THEN -- other tests flush
      RETURN NEXT regexp_replace(line, 'rows=(\d+)\.00 ', 'rows=\1 '); -- 18 has decimals
    END IF;
  END LOOP;
END
$$;
-- everything a parameter: text, times, label, list of labels, object, window
PREPARE q (text, timestamptz, timestamptz, text, text[], jsonb, timestamptz) AS
  SELECT labels ->> 'job' AS job, labels ->> 'code' AS code, time, value FROM mimir.promql_query_range($1, $2, $3, '1 min')
  WHERE labels ->> 'job' = $4 AND labels ->> 'code' = ANY ($5) AND labels @> $6 AND time >= $7 ORDER BY 1, 2, 3;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE q ('hits_total', '2026-03-01', '2026-03-01 00:10:00', 'bb', '{200,404}', '{}', '2026-03-01 00:08:30');
EXECUTE q ('hits_total', '2026-03-01', '2026-03-01 00:10:00', 'bb', '{200,404}', '{}', '2026-03-01 00:08:30');
EXECUTE q ('hits_total', '2026-03-01', '2026-03-01 00:10:00', 'a', '{200,500}', '{"code": "500"}', '2026-03-01 00:09:30');
EXECUTE q ('hits_total', '2026-03-01', '2026-03-01 00:10:00', 'a', '{200,500}', '{"code": ["500"]}', '2026-03-01 00:09:30');
EXECUTE q ('hits_total', '2026-03-01', '2026-03-01 00:10:00', 'a', '{}', '{}', '2026-03-01');
EXECUTE q ('hits_total', '2026-03-01', '2026-03-01 00:10:00', NULL, '{200}', '{}', '2026-03-01');
EXECUTE q (NULL, '2026-03-01', '2026-03-01 00:10:00', 'a', '{200}', '{}', '2026-03-01');
EXECUTE q ('hits_total', '2026-03-01', '2026-03-01 00:10:00', 'a', '{200}', '{}', 'infinity');
SET plan_cache_mode = force_custom_plan;
EXPLAIN (COSTS OFF) EXECUTE q ('hits_total', '2026-03-01', '2026-03-01 00:10:00', 'bb', '{200,404}', '{}', '2026-03-01 00:08:30');
EXECUTE q ('hits_total', '2026-03-01', '2026-03-01 00:10:00', 'bb', '{200,404}', '{}', '2026-03-01 00:08:30');
RESET plan_cache_mode;
-- a list too long to be a matcher is checked row by row
SELECT count(*) FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00') WHERE labels ->> 'job' = ANY ((SELECT array_agg(x::text) || '{bb}' FROM generate_series(1, 20000) x)::text[]);
-- LATERAL: the window and the labels of each outer row
SELECT v.job, q.time, q.value FROM (VALUES ('a', '00:01'::interval), ('ccc', '00:02')) v (job, t),
  LATERAL (SELECT * FROM mimir.promql_query_range('sum by (job) (hits_total)', '2026-03-01', '2026-03-01 00:08:00'::timestamptz + v.t, '1 min') WHERE labels ->> 'job' = v.job AND time = '2026-03-01'::timestamptz + v.t) q;
SELECT * FROM pg_temp.plan_of($$SELECT v.job, q.time, q.value FROM (VALUES ('a', '00:01'::interval), ('ccc', '00:02')) v (job, t),
  LATERAL (SELECT * FROM mimir.promql_query_range('sum by (job) (hits_total)', '2026-03-01', '2026-03-01 00:08:00'::timestamptz + v.t, '1 min') WHERE labels ->> 'job' = v.job AND time = '2026-03-01'::timestamptz + v.t) q$$);
-- a correlated subquery, and one that is the value of a condition
SELECT v.job, (SELECT max(value) FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00') WHERE labels ->> 'job' = v.job) FROM (VALUES ('a'), ('bb'), ('x')) v (job);
SELECT count(*) FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00') WHERE labels ->> 'job' = (SELECT 'ccc');
SELECT count(*) FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00') WHERE labels ->> 'job' IN (SELECT x FROM (VALUES ('a'), ('bb')) v (x));
SELECT count(*) FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00') WHERE labels ->> 'job' = chr((random() * 0 + 97)::int);
-- in functions, views and common table expressions
CREATE FUNCTION pg_temp.of_job(wanted text, at timestamptz) RETURNS double precision LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT sum(value) FROM mimir.promql_query('hits_total', at) WHERE labels ->> 'job' = wanted);
END
$$;
SELECT t, pg_temp.of_job('bb', '2026-03-01'::timestamptz + t * interval '1 min') FROM generate_series(1, 8) t;
CREATE TEMP VIEW hits AS SELECT labels ->> 'job' AS job, labels ->> 'code' AS code, time, value
  FROM mimir.promql_query_range('hits_total', '2026-03-01', '2026-03-01 00:10:00', '1 min');
SELECT * FROM pg_temp.plan_of($$SELECT value FROM hits WHERE job = 'a' AND code IN ('200', '404') AND time = '2026-03-01 00:05:00'$$);
WITH h AS MATERIALIZED (SELECT * FROM hits WHERE time = '2026-03-01 00:05:00') SELECT a.value, b.value FROM h a JOIN h b USING (job) WHERE a.code < b.code ORDER BY 1;
SELECT count(*) FROM (SELECT * FROM hits UNION ALL SELECT * FROM hits) u WHERE job = 'a' AND time > '2026-03-01 00:05:00';
-- cursors: forwards and backwards, and beyond the transaction
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT labels ->> 'job' AS job, time, value FROM mimir.promql_query_range('sum by (job) (hits_total)', '2026-03-01', '2026-03-01 00:10:00', '5 min') WHERE labels ->> 'job' <> 'bb';
FETCH 2 FROM c;
FETCH PRIOR FROM c;
FETCH LAST FROM c;
FETCH FIRST FROM c;
FETCH ABSOLUTE 4 FROM c;
FETCH BACKWARD ALL FROM c;
MOVE FORWARD 3 FROM c;
FETCH RELATIVE -1 FROM c;
DECLARE n NO SCROLL CURSOR FOR SELECT value FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00') WHERE labels ->> 'job' = 'ccc';
FETCH 1 FROM n;
FETCH 5 FROM n;
DECLARE h CURSOR WITH HOLD FOR SELECT value FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00') WHERE labels @> '{"job": "a"}';
COMMIT;
FETCH ALL FROM h;
CLOSE h;
-- EXPLAIN as JSON: the scan, and the operators below it
CREATE FUNCTION pg_temp.json_of(options text, query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  j jsonb;
BEGIN
  EXECUTE format('EXPLAIN (%s, FORMAT JSON) %s', options, query) INTO j;
  RETURN j -> 0 -> 'Plan';
END
$$;
SELECT p ->> 'Custom Plan Provider' AS node, p - '{Plans,Node Type,Custom Plan Provider,Parallel Aware,Async Capable,Disabled,Parent Relationship}'::text[] AS properties
FROM jsonb_path_query(pg_temp.json_of('COSTS OFF', $$SELECT * FROM mimir.promql_query_range('topk(1, rate(hits_total[5m]))', '2026-03-01', '2026-03-01 00:10:00', '1 min')
  WHERE labels ->> 'job' = 'a' AND time > '2026-03-01 00:05:00' AND value > 0$$), 'strict $.**') p WHERE p ? 'Custom Plan Provider';
-- with all options: every node has its time and its buffers
SELECT p ->> 'Custom Plan Provider' AS node, p ? 'Actual Total Time' AS timed, p ? 'Shared Hit Blocks' AS buffers, p ? 'Plan Rows' AS costs, p ? 'Memory' AS memory, p ->> 'Actual Loops' AS loops
FROM jsonb_path_query(pg_temp.json_of('ANALYZE, BUFFERS, VERBOSE', $$SELECT * FROM mimir.promql_query('sum by (job) (rate(hits_total[5m]))', '2026-03-01 00:10:00') WHERE labels ->> 'job' = 'a'$$), 'strict $.**') p
WHERE p ? 'Custom Plan Provider';
