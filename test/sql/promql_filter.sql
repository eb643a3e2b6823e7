-- Conditions on labels and time that a PromQL scan meets itself: what is pushed, what is read, and that nothing changes.
SET client_min_messages = warning;
SELECT mimir.create_tenant('t_filter') > 0 AS created;
SET mimir.tenant = 't_filter';
SET timezone = 'UTC';
SET mimir.promql_experimental = on;
SELECT count(mimir.write(jsonb_strip_nulls(jsonb_build_object('__name__', 'hits_total', 'job', job, 'code', code, 'zone', zone)),
                         '2026-03-01 00:00:00'::timestamptz + i * interval '15 s', i * length(job)))
FROM (VALUES ('a', NULL), ('bb', 'z1'), ('c|c', 'z2'), ('d.', 'z2')) j (job, zone), (VALUES ('200'), ('500')) c (code), generate_series(0, 80) i;
SELECT count(mimir.write(jsonb_build_object('__name__', 'up', 'job', job), '2026-03-01 00:00:00'::timestamptz + i * interval '15 s', i % 2))
FROM (VALUES ('a'), ('bb')) j (job), generate_series(0, 80) i;
-- the lines of a plan that tell
CREATE FUNCTION pg_temp.plan_of(query text, what text DEFAULT 'Filter|Matchers|From|To|Series Matched|Custom|Samples Read')
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
    IF line ~ what THEN
      RETURN NEXT regexp_replace(line, 'rows=(\d+)\.00 ', 'rows=\1 '); -- 18 has decimals
    END IF;
  END LOOP;
END
$$;
-- labels: the condition goes to the selector, and is not checked again
SELECT * FROM pg_temp.plan_of($$SELECT * FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00') WHERE labels ->> 'job' = 'a'$$);
SELECT * FROM pg_temp.plan_of($$SELECT * FROM mimir.promql_query('sum by (job) (rate(hits_total[5m]))', '2026-03-01 00:10:00') WHERE 'bb' = labels ->> 'job'$$);
-- through an aggregation that has no such label it is only checked
SELECT * FROM pg_temp.plan_of($$SELECT * FROM mimir.promql_query('sum by (job) (rate(hits_total[5m]))', '2026-03-01 00:10:00') WHERE labels ->> 'code' = '200'$$);
-- the forms of conditions
CREATE FUNCTION pg_temp.pushed(condition text) RETURNS TABLE (filter text, matchers text, checked text) LANGUAGE plpgsql AS $$
DECLARE
  j json;
BEGIN
  EXECUTE 'EXPLAIN (FORMAT JSON) SELECT * FROM mimir.promql_query(''hits_total'', ''2026-03-01 00:10:00'') WHERE ' || condition INTO j;
  j := j -> 0 -> 'Plan';
  RETURN QUERY SELECT concat_ws(' / ', j ->> 'Label Filter', j ->> 'Time Filter'), j #>> '{Plans,0,Matchers}', j ->> 'Filter';
END
$$;
SELECT c AS condition, p.* FROM (VALUES
  ($$labels ->> 'job' = 'a'$$),
  ($$labels ->> 'job' = ''$$),
  ($$labels ->> 'job' <> 'a'$$),
  ($$labels ->> 'job' IN ('a', 'c|c', 'd.')$$),
  ($$labels ->> 'job' = ANY ('{a,NULL,""}')$$),
  ($$labels ->> 'job' = ANY ('{}')$$),
  ($$labels ->> 'job' <> ALL ('{a}')$$),
  ($$labels ->> 'job' IS NOT NULL$$),
  ($$labels ->> 'zone' IS NULL$$),
  ($$labels ? 'zone'$$),
  ($$labels @> '{"job": "a", "code": "200"}'$$),
  ($$labels @> '{"job": 1}'$$),
  ($$labels @> '[]'$$),
  ($$labels <@ '{"job": "a"}'$$),
  ($$labels ->> 'job' LIKE 'c%'$$),
  ($$labels ->> 'job' LIKE '_\_%.'$$),
  ($$labels ->> 'job' LIKE 'd.'$$),
  ($$labels ->> 'job' ILIKE 'c%'$$),
  ($$labels ->> 'job' ~ '^b'$$),
  ($$labels ->> 'job' ~ '^(a|c\|c|d\.)$'$$),
  ($$labels ->> 'job' ~ '^d.$'$$),
  ($$labels ->> 'job' ~ '^.+b.*$'$$),
  ($$labels ->> 'job' ~ 'b'$$),
  ($$labels ->> 'job' ~ '^[ab]'$$),
  ($$labels ->> 'job' ~ '^b{2}$'$$),
  ($$labels ->> 'job' ~ '^a|b$'$$),
  ($$labels ->> 'job' ~ '^\d'$$),
  ($$labels ->> 'job' ~* '^b'$$),
  ($$labels ->> 'job' = 'a' AND labels ->> 'code' = '200'$$),
  ($$labels ->> 'job' = 'a' OR labels ->> 'code' = '200'$$),
  ($$labels ->> 'job' > 'a'$$),
  ($$labels ->> 'job' = labels ->> 'code'$$),
  ($$labels ->> 'job' = 'a' COLLATE "C"$$),
  ($$(labels ->> 'code')::int = 200$$),
  ($$labels ->> 'job' = chr((random() * 0 + 97)::int)$$),
  ($$labels['job'] = '"a"'$$),
  ($$time < '2026-03-01 00:10:00'$$),
  ($$time BETWEEN '2026-03-01' AND '2026-03-02'$$),
  ($$time > '2026-03-01'::date AND '2026-03-02'::timestamp > time$$),
  ($$time <> '2026-03-01'$$),
  ($$time = ANY ('{2026-03-01 00:10:00,2026-03-02}')$$),
  ($$value > 3$$)) v (c), pg_temp.pushed(c) p;
-- all queries give the same with and without plans: WITH ORDINALITY is not planned
CREATE FUNCTION pg_temp.differs(call text, condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  planned text := format('SELECT * FROM %s q WHERE %s', call, condition);
  plain text := format('SELECT labels, time, value, histogram FROM %s WITH ORDINALITY q (labels, time, value, histogram, n) WHERE %s', call, condition);
  n bigint;
BEGIN
  EXECUTE format('SELECT count(*) FROM ((%1$s EXCEPT ALL %2$s) UNION ALL (%2$s EXCEPT ALL %1$s)) d', planned, plain) INTO n;
  RETURN n;
END
$$;
CREATE TEMP TABLE condition (c text);
INSERT INTO condition VALUES
  ($$labels ->> 'job' = 'a'$$), ($$labels ->> 'job' <> 'a'$$), ($$labels ->> 'zone' <> 'z1'$$), ($$labels ->> 'job' IN ('a', 'c|c', 'd.', 'e')$$),
  ($$labels ->> 'job' = ''$$), ($$labels ->> 'job' = ANY ('{}')$$), ($$labels ->> 'job' = NULL$$), ($$labels ->> 'zone' = ANY (NULL)$$),
  ($$labels ? 'zone'$$), ($$labels ->> 'zone' IS NULL$$), ($$labels @> '{"job": "bb", "zone": "z1"}'$$), ($$labels @> '{"job": 1}'$$), ($$labels @> '{}'$$),
  ($$labels @> '[]'$$), ($$labels ->> 'job' LIKE '%.'$$), ($$labels ->> 'job' LIKE '_|_'$$), ($$labels ->> 'job' LIKE '\d\.'$$), ($$labels ->> 'job' ~ '^d.$'$$),
  ($$labels ->> 'job' ~ '^(a|c\|c)$'$$), ($$labels ->> '__name__' = 'up'$$), ($$labels ->> 'le' = '5'$$), ($$labels ->> 'v' = '3'$$),
  ($$time < '2026-03-01 00:10:00'$$), ($$time <= '2026-03-01 00:10:00'$$), ($$time = '2026-03-01 00:10:00'$$), ($$time > '2026-03-01 00:10:00'$$),
  ($$time >= '2026-03-01 00:10:00.0001'$$), ($$time BETWEEN '2026-03-01 00:09:30' AND '2026-03-01 00:12:01'$$), ($$time >= 'infinity'$$), ($$time > '-infinity'$$),
  ($$time < '-infinity'$$), ($$time = ANY ('{2026-03-01 00:10:00,2026-03-01 00:12:00}')$$), ($$time = ANY ('{}')$$), ($$time > NULL$$), ($$time >= '2026-03-01'::date$$),
  ($$time < '5874897-12-31'::date$$), ($$time > '2026-03-01 00:08:00'::timestamp AND labels ->> 'job' = 'bb'$$);
CREATE TEMP TABLE query (q text);
INSERT INTO query VALUES ('hits_total'), ('{job=~".+"}'), ('hits_total > 30'), ('rate(hits_total[1m])'), ('hits_total offset 30s'), ('hits_total @ end()'), ('hits_total * start()'),
  ('hits_total @ start() + hits_total'), ('1'), ('time()'), ('vector(time())'), ('sum(hits_total)'), ('sum by (job) (hits_total)'), ('sum by (zone) (hits_total)'),
  ('sum without (code) (rate(hits_total[2m]))'), ('topk(1, hits_total)'), ('topk by (job) (1, hits_total)'), ('count_values("v", hits_total) by (job)'),
  ('hits_total / on (job) group_left () up'), ('up * on (job) group_right () hits_total'), ('hits_total and on (job) up'), ('up or on (job) hits_total'), ('hits_total unless on (job) up'),
  ('absent(up{job="q"})'), ('label_replace(hits_total, "job", "${1}x", "job", "(.*)")'), ('label_replace(hits_total, "zone", "z1", "", "")'),
  ('max_over_time(sum by (job) (rate(hits_total[1m]))[3m:30s])'), ('avg_over_time(hits_total[1m] offset 1m)'), ('histogram_quantile(0.5, label_replace(hits_total, "le", "5", "", ""))'),
  ('sort_desc(hits_total)'), ('-hits_total'), ('hits_total == bool 5'), ('quantile_over_time(0.5, hits_total[1m])');
SELECT count(*), sum(n) AS differences, count(*) FILTER (WHERE n > 0) AS wrong FROM (
  SELECT pg_temp.differs(format($$mimir.promql_query_range(%L, '2026-03-01 00:05:00', '2026-03-01 00:15:00', '30 s')$$, q), c) AS n FROM query, condition) d;
SELECT count(*), sum(n) AS differences, count(*) FILTER (WHERE n > 0) AS wrong FROM (
  SELECT pg_temp.differs(format($$mimir.promql_query(%L, '2026-03-01 00:10:00')$$, q), c) AS n
  FROM (TABLE query UNION ALL VALUES ('hits_total[2m]'), ('hits_total[2m:1m]')) q (q), condition) d;
SET mimir.promql_delayed_name_removal = on;
SELECT count(*), sum(n) AS differences FROM (
  SELECT pg_temp.differs(format($$mimir.promql_query_range(%L, '2026-03-01 00:05:00', '2026-03-01 00:15:00', '1 min')$$, q), c) AS n
  FROM query, condition WHERE c LIKE '%labels%') d;
RESET mimir.promql_delayed_name_removal;
-- time: steps that are not wanted are not computed, samples not read
SELECT * FROM pg_temp.plan_of($$SELECT * FROM mimir.promql_query_range('rate(hits_total[1m])', '2026-03-01 00:05:00', '2026-03-01 00:15:00', '30 s')
  WHERE time >= '2026-03-01 00:09:45' AND time < '2026-03-01 00:11:00'$$);
SELECT DISTINCT time FROM mimir.promql_query_range('hits_total', '2026-03-01 00:05:00', '2026-03-01 00:15:00', '30 s')
WHERE time >= '2026-03-01 00:09:45' AND time < '2026-03-01 00:11:00' ORDER BY 1;
-- what refers to the range as a whole keeps it
SELECT * FROM pg_temp.plan_of($$SELECT * FROM mimir.promql_query_range('rate(hits_total[1m]) * (end() - start())', '2026-03-01 00:05:00', '2026-03-01 00:15:00', '30 s')
  WHERE time = '2026-03-01 00:10:00'$$);
-- another time than the only one: nothing is read
SELECT * FROM pg_temp.plan_of($$SELECT * FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00') WHERE time > '2026-03-01 00:10:00'$$);
SELECT * FROM pg_temp.plan_of($$SELECT * FROM mimir.promql_query_range('hits_total', '2026-03-01 00:05:00', '2026-03-01 00:15:00', '30 s') WHERE time > '2026-03-02'$$);
-- but what is wrong with the query is said
SELECT * FROM mimir.promql_query('sum(', '2026-03-01 00:10:00') WHERE time > '2026-03-01 00:10:00';
-- LIMIT stops reading, in a range too
SELECT * FROM pg_temp.plan_of($$SELECT * FROM mimir.promql_query_range('rate(hits_total[1m])', '2026-03-01 00:05:00', '2026-03-01 00:15:00', '30 s') LIMIT 5$$);
-- labels that nobody looks at are not made; a condition that is checked needs them
SELECT count(*) FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00') WHERE labels ->> 'job' = 'a';
SELECT count(*) FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00') WHERE labels ->> 'job' > 'a';
-- on the nullable side of an outer join, and above it
SELECT v.x, q.value FROM (VALUES (1), (2)) v (x) LEFT JOIN mimir.promql_query('up', '2026-03-01 00:10:15') q ON q.labels ->> 'job' = 'a' AND q.value = v.x ORDER BY 1;
SELECT count(*) FROM (VALUES (1), (2)) v (x) LEFT JOIN mimir.promql_query('up', '2026-03-01 00:10:15') q ON true WHERE q.labels ->> 'job' IS NULL;
-- the rows of a view with a barrier are not seen by others' functions
CREATE FUNCTION pg_temp.leak(labels jsonb) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE WARNING '%', labels; RETURN true; END $$;
CREATE TEMP VIEW barrier WITH (security_barrier) AS SELECT * FROM mimir.promql_query('hits_total', '2026-03-01 00:10:00') WHERE labels ->> 'job' = 'a';
SELECT value FROM barrier WHERE pg_temp.leak(labels) AND labels ->> 'code' = '200';
SELECT * FROM pg_temp.plan_of('SELECT * FROM barrier WHERE pg_temp.leak(labels) AND labels ->> ''code'' = ''500''', 'Filter|Matchers');
