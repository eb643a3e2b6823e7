-- Samples, series, chunks and label values in FROM: conditions decide what is read, and the rows are
-- those of the plain functions.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SELECT mimir.create_tenant('t_scan_a') < mimir.create_tenant('t_scan_b') AS created;
SET mimir.tenant = 't_scan_b';
SELECT count(mimir.write('{"__name__": "hits_total", "job": "other"}', '2026-04-01'::timestamptz + i * interval '15 s', i)) FROM generate_series(0, 9) i;
SET mimir.tenant = 't_scan_a';
SELECT count(mimir.write(jsonb_build_object('__name__', m, 'job', j) || CASE code WHEN '' THEN '{}' ELSE jsonb_build_object('code', code) END,
                         '2026-04-01'::timestamptz + i * interval '15 s', i * length(j)))
FROM unnest('{hits_total,misses_total,up}'::text[]) m, unnest('{a,bb,c.d}'::text[]) j, unnest(ARRAY['', '200', '500']) code, generate_series(0, 19) i;
SELECT mimir.flush();
SELECT count(mimir.write(jsonb_build_object('__name__', m, 'job', 'a'), '2026-04-01'::timestamptz + i * interval '15 s', i))
FROM unnest('{hits_total,up,odd metric}'::text[]) m, generate_series(20, 29) i;
SELECT count(mimir.write('{"__name__": "nulls", "job": "a\u00fc"}', '2026-04-01 00:00:00.001'::timestamptz + i * interval '1 ms', i)) FROM generate_series(0, 4) i;
-- without costs, and without times and memory
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
    -- blocks are the server's; when a flushed chunk leaves the head depends on old snapshots
    CONTINUE WHEN line ~ 'Blocks (Read|Removed)|Chunks from Head';
    RETURN NEXT regexp_replace(line, 'rows=(\d+)\.00 ', 'rows=\1 '); -- 18 has decimals
  END LOOP;
END
$$;
SELECT * FROM pg_temp.plan_of($$SELECT time, value FROM mimir.sample WHERE metric = 'hits_total' AND time >= '2026-04-01 00:01' AND time < '2026-04-01 00:02' AND labels ->> 'job' = 'a'$$);
SELECT * FROM pg_temp.plan_of($$SELECT sum(value) FROM mimir.sample WHERE labels @> '{"job": "bb", "code": "500"}' AND metric <> 'up' AND value > 10$$);
SELECT * FROM pg_temp.plan_of($$SELECT count(*) FROM mimir.sample WHERE metric IN ('up', 'odd metric') AND labels ->> 'code' IS NOT NULL AND labels ->> 'job' LIKE '%.d'$$);
SELECT * FROM pg_temp.plan_of($$SELECT count(*) FROM mimir.metric_samples('hits_total', 'job=~"a|bb"', 'code!=""') WHERE time > '2026-04-01 00:04'$$);
SELECT * FROM pg_temp.plan_of($$SELECT count(*) FROM mimir.samples('{job="a"}', '2026-04-01 00:01', 'infinity') WHERE time <= '2026-04-01 00:02' AND metric = 'up'$$);
SELECT * FROM pg_temp.plan_of($$SELECT labels FROM mimir.series WHERE metric = 'up' AND NOT labels ? 'code'$$);
SELECT * FROM pg_temp.plan_of($$SELECT count(*) FROM mimir.chunk_list WHERE metric = 'up' AND max_time >= '2026-04-01 00:05'$$);
SELECT * FROM pg_temp.plan_of($$SELECT value FROM mimir.label_value WHERE name = 'job'$$);
SELECT * FROM pg_temp.plan_of($$SELECT value FROM mimir.label_value WHERE name LIKE 'c%'$$);
EXPLAIN (COSTS OFF) SELECT series FROM mimir.metric WHERE metric = 'up';
EXPLAIN (VERBOSE, COSTS OFF) SELECT value FROM mimir.sample WHERE metric = 'up' AND labels ? 'code';
EXPLAIN (COSTS OFF, FORMAT JSON) SELECT value FROM mimir.sample WHERE metric = 'up' AND time = '2026-04-01 00:01';
-- the rows are those of the plain function, whatever the condition
CREATE FUNCTION pg_temp.same(condition text, OUT scan text, OUT same boolean, OUT n int) LANGUAGE plpgsql AS $$
DECLARE
  sql text := 'SELECT array_agg(r ORDER BY r) FROM (SELECT s::text AS r FROM mimir.sample s WHERE ' || condition || ') x';
  planned text[];
  plain text[];
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT tenant, metric, labels, time, value FROM mimir.sample WHERE ' || condition LOOP
    IF line ~ 'Matchers|From|To:|Run-Time' AND condition !~ 'now|current' THEN
      scan := concat_ws(' ', scan, regexp_replace(trim(line), '(Run-Time).*', '\1'));
    END IF;
  END LOOP;
  EXECUTE sql INTO planned;
  SET LOCAL mimir.enable_store_plan = off;
  EXECUTE sql INTO plain;
  SET LOCAL mimir.enable_store_plan = on;
  same := planned IS NOT DISTINCT FROM plain;
  n := coalesce(cardinality(plain), 0);
END
$$;
SELECT c, s.* FROM unnest(ARRAY[
  $$true$$, $$metric = 'up'$$, $$'up' = metric$$, $$metric <> 'up'$$, $$metric = ''$$, $$metric = NULL$$, $$metric = 'up' AND metric = 'hits_total'$$,
  $$metric = ANY ('{up,odd metric,a|b,.*}')$$, $$metric IN ('up', NULL)$$, $$metric NOT IN ('up', 'hits_total')$$, $$metric NOT IN ('up', NULL)$$, $$metric = ANY ('{}'::text[])$$, $$metric <> ALL ('{}'::text[])$$,
  $$metric = ANY (ARRAY[NULL]::text[])$$, $$metric IN ('', 'up')$$, $$metric LIKE 'u%'$$, $$metric LIKE '%\_total'$$, $$metric NOT LIKE 'u%'$$, $$metric ~ '^(up|hits_total)$'$$, $$metric ~ 'p$'$$, $$metric !~ '^up'$$, $$labels ->> 'job' LIKE '_'$$, $$labels ->> 'job' ~ '^c.'$$, $$labels ->> 'code' LIKE '%'$$, $$metric LIKE 'x%'$$, $$metric COLLATE "C" = 'up'$$, $$upper(metric) = 'UP'$$,
  $$labels ->> 'job' = 'c.d'$$, $$labels ->> 'job' = ''$$, $$labels ->> 'job' <> 'a'$$, $$labels ->> 'code' <> '200'$$, $$labels ->> 'code' = ANY ('{200,500}')$$, $$labels ->> 'code' <> ALL ('{200}')$$,
  $$labels ->> 'none' = 'x'$$, $$labels ->> '' = 'x'$$, $$labels ->> NULL = 'x'$$, $$labels ->> 'code' IS NULL$$, $$labels ->> 'code' IS NOT NULL$$, $$labels ->> lower('JOB') = concat('', 'a')$$,
  $$labels -> 'job' = '"a"'$$, $$labels ? 'code'$$, $$NOT labels ? 'code'$$, $$labels ?& '{code,job}'$$,
  $$labels @> '{}'$$, $$labels @> '{"job": "a"}'$$, $$labels @> '{"job": "a", "code": "200"}'$$, $$labels @> '{"job": ""}'$$, $$labels @> '{"job": 1}'$$, $$labels @> '{"job": {"x": "y"}}'$$, $$labels @> '["job"]'$$, $$labels @> '"job"'$$,
  $$labels <@ '{"__name__": "up", "job": "a", "code": "200", "more": "x"}'$$, $$labels @> '{"job": "a\ufffd"}'$$,
  $$mimir.labels_match(labels::mimir.labels, 'up{job=~"a|bb"}')$$, $$NOT mimir.labels_match(labels::mimir.labels, '{job=~"a|bb"}')$$, $$labels::mimir.labels OPERATOR(mimir.!~) '{code=""}'$$,
  $$labels::mimir.labels OPERATOR(mimir.!~) 'up{job="a"}'$$, $$labels::mimir.labels OPERATOR(mimir.!~) '{}'$$, $$labels::mimir.labels OPERATOR(mimir.=~) '{}'$$, $$labels::mimir.labels OPERATOR(mimir.@>) 'up{job="a"}'$$,
  $$labels::mimir.labels OPERATOR(mimir.->>) 'job' = 'a'$$, $$labels::mimir.labels OPERATOR(mimir.?) 'code'$$,
  $$tenant = 't_scan_a'$$, $$tenant = 't_scan_b'$$, $$tenant <> 't_scan_b'$$, $$tenant IN ('t_scan_b', 'nobody')$$,
  $$time >= '2026-04-01 00:01:00' AND time <= '2026-04-01 00:02:00'$$, $$time > '2026-04-01 00:01:00' AND time < '2026-04-01 00:02:00'$$, $$time BETWEEN '2026-04-01 00:01:00.0001' AND '2026-04-01 00:01:59.9999'$$,
  $$time = '2026-04-01 00:01:00'$$, $$time = '2026-04-01 00:01:00.0005'$$, $$'2026-04-01 00:01:00' > time$$, $$time < '2026-04-01 00:00:00.003'$$, $$time <= '2026-04-01 00:00:00.0031'$$, $$time > '2026-04-01 00:00:00.0029' AND metric = 'nulls'$$,
  $$time > 'infinity'$$, $$time < 'infinity'$$, $$time >= '-infinity'$$, $$time = 'infinity'$$, $$time > NULL$$, $$time <> '2026-04-01 00:01:00'$$, $$time >= date '2026-04-02'$$, $$time < date '2026-04-02'$$, $$time >= date 'infinity'$$, $$time >= date '5874897-12-31'$$,
  $$time >= timestamp '2026-04-01 00:04:45'$$, $$time < now()$$, $$time > now() - interval '1 hour'$$, $$time > now() - interval '100 years' AND time < current_date + 100000$$,
  $$time >= '2026-04-01 00:02' AND time < '2026-04-01 00:01'$$, $$time >= '2026-04-01 00:02' OR metric = 'up'$$, $$time + interval '1 day' > '2026-04-02 00:04'$$,
  $$value > 10 AND metric = 'up'$$, $$metric = 'up' AND random() >= 0$$, $$metric = (SELECT 'up')$$, $$metric IN (SELECT 'up' UNION SELECT 'odd metric')$$, $$EXISTS (SELECT FROM generate_series(1, 3) g WHERE g = value) AND metric = 'up'$$
]) c, pg_temp.same(c) s;
-- the other views too
CREATE FUNCTION pg_temp.same_rows(query text, OUT same boolean, OUT n int) LANGUAGE plpgsql AS $$
DECLARE
  sql text := 'SELECT array_agg(r ORDER BY r) FROM (SELECT q::text AS r FROM (' || query || ') q) x';
  planned text[];
  plain text[];
BEGIN
  EXECUTE sql INTO planned;
  SET LOCAL mimir.enable_store_plan = off;
  EXECUTE sql INTO plain;
  SET LOCAL mimir.enable_store_plan = on;
  same := planned IS NOT DISTINCT FROM plain;
  n := coalesce(cardinality(plain), 0);
END
$$;
SELECT q, s.* FROM unnest(ARRAY[
  $$SELECT * FROM mimir.series$$, $$SELECT metric FROM mimir.series WHERE labels ->> 'job' = 'a'$$, $$SELECT series_id FROM mimir.series WHERE metric = 'up' AND labels ? 'code'$$,
  $$SELECT * FROM mimir.chunk_list$$, $$SELECT * FROM mimir.chunk_list WHERE metric = 'up' AND min_time > '2026-04-01 00:03'$$, $$SELECT count, encoding FROM mimir.chunk_list WHERE labels @> '{"job": "a"}' AND max_time < '2026-04-01 00:05'$$,
  $$SELECT chunk FROM mimir.chunks('{job="a"}', '2026-04-01 00:06', 'infinity')$$, $$SELECT * FROM mimir.chunks('up', '2026-04-01 00:04:50', '2026-04-01 00:04:55')$$,
  $$SELECT * FROM mimir.label_value$$, $$SELECT * FROM mimir.label_value WHERE name = 'job'$$, $$SELECT * FROM mimir.label_value WHERE name = 'none'$$, $$SELECT * FROM mimir.label_value WHERE name = 'job' AND name = 'code'$$, $$SELECT * FROM mimir.label_value WHERE value = 'a'$$, $$SELECT * FROM mimir.label_value WHERE name <> 'job' AND value > '2'$$,
  $$SELECT * FROM mimir.metric$$, $$SELECT series FROM mimir.metric WHERE metric = 'up'$$,
  $$SELECT * FROM mimir.metric_samples('up')$$, $$SELECT * FROM mimir.metric_samples('up', 'job="a"', 'code=""')$$, $$SELECT * FROM mimir.metric_samples(NULL)$$, $$SELECT * FROM mimir.metric_samples('odd metric')$$,
  $$SELECT * FROM mimir.samples('up', '2026-04-01 00:00:59.9995', '2026-04-01 00:01:15.0005')$$, $$SELECT * FROM mimir.samples(NULL, '-infinity', 'infinity')$$,
  $$SELECT m.time, c.time, c.value FROM mimir.sample m, mimir.samples('up{job="a",code=""}', m.time, m.time + interval '15 s') c WHERE m.metric = 'odd metric'$$,
  $$SELECT count(*) FROM mimir.samples('up', '-infinity', 'infinity') WITH ORDINALITY$$, $$SELECT * FROM mimir.sample s LEFT JOIN mimir.series x ON x.labels = s.labels AND x.metric = s.metric WHERE s.metric = 'odd metric'$$
]) q, pg_temp.same_rows(q) s;
-- chunks hold what samples shows
SELECT count(*), bool_and(n = count AND lo = min_time AND hi = max_time) FROM (SELECT c.*, x.* FROM mimir.chunk_list c, LATERAL (SELECT count(*) AS n, min(time) AS lo, max(time) AS hi FROM mimir.samples(c.chunk)) x) y;
SELECT count(*) FROM (SELECT metric, s.time, s.value FROM mimir.chunk_list, mimir.samples(chunk) s EXCEPT SELECT metric, time, value FROM mimir.sample) x;
SELECT count(*) FROM (SELECT metric, time, value FROM mimir.sample EXCEPT SELECT metric, s.time, s.value FROM mimir.chunk_list, mimir.samples(chunk) s) x;
-- joined with a table of one's own: a row of it decides which series are read
CREATE TABLE scan_service (name text PRIMARY KEY, owner text);
INSERT INTO scan_service VALUES ('a', 'ann'), ('bb', 'bob'), ('zz', 'zoe');
ANALYZE scan_service;
SELECT * FROM pg_temp.plan_of($$SELECT owner, sum(value) FROM scan_service JOIN mimir.sample ON labels ->> 'job' = name WHERE metric = 'up' AND owner = 'bob' GROUP BY owner$$);
SELECT owner, count(*), sum(value) FROM scan_service JOIN mimir.sample ON labels ->> 'job' = name WHERE metric = 'up' GROUP BY owner ORDER BY 1;
SELECT name, (SELECT count(*) FROM mimir.sample s WHERE s.labels ->> 'job' = v.name AND s.time < v.t) FROM (VALUES ('a', '2026-04-01 00:01'::timestamptz), ('bb', '2026-04-01 00:02'), (NULL, '2026-04-02'), ('a', NULL)) v (name, t);
SET enable_hashjoin = off; SET enable_mergejoin = off;
SELECT m, count(s.value) FROM (VALUES ('up'), ('odd metric'), ('none')) v (m) LEFT JOIN mimir.sample s ON s.metric = v.m AND s.labels ->> 'job' = 'a' GROUP BY m ORDER BY m;
RESET enable_hashjoin; RESET enable_mergejoin;
-- prepared, with a generic plan
SET plan_cache_mode = force_generic_plan;
PREPARE s (text, timestamptz, text[]) AS SELECT count(*) FROM mimir.sample WHERE metric = $1 AND time >= $2 AND labels ->> 'job' = ANY ($3);
EXECUTE s ('up', '2026-04-01 00:04', '{a,bb}');
EXECUTE s ('hits_total', '2026-04-01 00:01', '{a}');
EXECUTE s (NULL, '2026-04-01 00:01', '{a}');
EXPLAIN (COSTS OFF) EXECUTE s ('up', '2026-04-01 00:04', '{a,bb}');
RESET plan_cache_mode;
-- cursors, also backwards; rescans
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT value FROM mimir.sample WHERE metric = 'up' AND labels @> '{"job": "a", "code": "500"}' ORDER BY time;
FETCH 2 FROM c;
FETCH BACKWARD 1 FROM c;
MOVE 15 FROM c;
FETCH ALL FROM c;
COMMIT;
SELECT g, (SELECT count(*) FROM mimir.sample WHERE metric = 'up' AND value < g) FROM generate_series(0, 3) g;
-- errors
SELECT * FROM mimir.samples('up{', '-infinity', 'infinity');
SELECT * FROM mimir.chunks('sum(up)', '-infinity', 'infinity');
SELECT * FROM mimir.metric_samples('up', 'job');
SELECT * FROM mimir.metric_samples('up', NULL);
-- a security barrier holds: the leak sees nothing that it keeps back
CREATE ROLE scan_a IN ROLE mimir_reader;
CREATE ROLE scan_none IN ROLE mimir_reader;
CREATE ROLE scan_stranger;
SELECT mimir.add_member('t_scan_a', 'scan_a', false);
CREATE FUNCTION pg_temp.leak(anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.000001 AS $$ BEGIN RAISE WARNING 'saw %', $1; RETURN true; END $$;
CREATE VIEW scan_barrier WITH (security_barrier) AS SELECT * FROM mimir.sample WHERE metric = 'odd metric' AND value > 28;
GRANT SELECT ON scan_barrier TO scan_a;
EXPLAIN (COSTS OFF) SELECT value FROM scan_barrier WHERE pg_temp.leak(value) AND labels @> '{"job": "a"}';
SELECT value FROM scan_barrier WHERE pg_temp.leak(value) AND pg_temp.leak(labels);
RESET mimir.tenant;
SET ROLE scan_a;
SELECT tenant, count(*) FROM mimir.sample GROUP BY tenant;
SELECT count(*) FROM mimir.sample WHERE tenant = 't_scan_b' AND pg_temp.leak(labels);
SELECT count(*) FROM mimir.sample WHERE pg_temp.leak(tenant) AND metric = 'odd metric' AND value > 28;
SELECT DISTINCT tenant FROM mimir.series UNION SELECT tenant FROM mimir.chunk_list UNION SELECT tenant FROM mimir.label_value UNION SELECT tenant FROM mimir.metric;
SELECT value FROM mimir.label_value WHERE name = 'job' AND tenant <> 't_scan_a';
SELECT * FROM pg_temp.plan_of($$SELECT count(*) FROM mimir.sample WHERE labels @> '{"job": "other"}'$$);
SET mimir.tenant = 't_scan_b';
SELECT count(*) FROM mimir.sample;
SELECT count(*) FROM mimir.chunk_list WHERE metric = 'hits_total';
RESET mimir.tenant;
-- a member of nothing sees nothing, in no way
SET ROLE scan_none;
SELECT (SELECT count(*) FROM mimir.sample) AS samples, (SELECT count(*) FROM mimir.series) AS series, (SELECT count(*) FROM mimir.chunk_list) AS chunks, (SELECT count(*) FROM mimir.label_value) AS "values",
  (SELECT count(*) FROM mimir.metric) AS metrics, (SELECT count(*) FROM mimir.metric_samples('up')) AS metric_samples, (SELECT count(*) FROM mimir.chunks('{}', '-infinity', 'infinity')) AS chunks_function,
  (SELECT count(*) FROM mimir.list_label_values()) AS list, (SELECT count(*) FROM mimir.sample WHERE metric = 'up' AND tenant = 't_scan_a' AND pg_temp.leak(labels)) AS leaked;
SELECT * FROM pg_temp.plan_of($$SELECT count(*) FROM mimir.sample WHERE metric = 'up'$$);
SET mimir.enable_store_plan = off;
SELECT (SELECT count(*) FROM mimir.sample) AS samples, (SELECT count(*) FROM mimir.series) AS series, (SELECT count(*) FROM mimir.chunk_list) AS chunks, (SELECT count(*) FROM mimir.label_value) AS "values";
RESET mimir.enable_store_plan;
SET ROLE scan_stranger;
SELECT count(*) FROM mimir.sample;
SELECT count(*) FROM mimir.chunks('{}', '-infinity', 'infinity');
RESET ROLE;
-- who lost the right to call the function may not by way of the plan
REVOKE EXECUTE ON FUNCTION mimir.samples(text, timestamptz, timestamptz) FROM mimir_reader;
SET ROLE scan_a;
SELECT count(*) FROM mimir.sample;
RESET ROLE;
GRANT EXECUTE ON FUNCTION mimir.samples(text, timestamptz, timestamptz) TO mimir_reader;
DROP VIEW scan_barrier;
DROP TABLE scan_service;
DROP ROLE scan_a, scan_none, scan_stranger;
