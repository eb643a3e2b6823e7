-- mimir.chunk: forms, functions, aggregate; bytes that are no chunk.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET search_path = public, mimir;
CREATE FUNCTION pg_temp.refusal(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  detail text;
BEGIN
  EXECUTE 'SELECT ' || expression;
  RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
  RETURN SQLSTATE || ' ' || SQLERRM || ' | ' || detail;
END
$$;
-- one of a real Prometheus server: 0, 10, 20, 30, 40 a minute apart
SELECT c, chunk_encoding(c), chunk_count(c), chunk_min_time(c), chunk_max_time(c), length(chunk_send(c))
FROM (VALUES ('xor:000580f0cbf283650000000000000000e0d403c26c0250011b03ad237a'::chunk)) v (c);
SELECT * FROM samples('xor:000580f0cbf283650000000000000000e0d403c26c0250011b03ad237a'::chunk);
-- the same bytes from SQL, whatever the order
SELECT chunk_agg(t, v) = 'xor:000580f0cbf283650000000000000000e0d403c26c0250011b03ad237a' AS as_prometheus,
  chunk_agg(t, v ORDER BY v DESC) = chunk_agg(t, v) AS any_order
FROM (SELECT '2025-01-01'::timestamptz + i * interval '1 minute', i * 10 FROM generate_series(0, 4) i) x (t, v);
-- upper case, empty, one sample, samples that float text cannot show
SELECT 'xor:000580F0CBF283650000000000000000E0D403C26C0250011B03AD237A'::chunk = 'xor:000580f0cbf283650000000000000000e0d403c26c0250011b03ad237a' AS same;
SELECT c, chunk_count(c), chunk_min_time(c), chunk_max_time(c), (SELECT count(*) FROM samples(c)) FROM (VALUES ('xor:0000'::chunk), ('histogram:000000'), ('float_histogram:000000')) v (c);
SELECT c, time, value FROM (SELECT chunk_agg('1960-01-01', '-0')) v (c), samples(c);
SELECT value FROM (SELECT chunk_agg('2026-01-01'::timestamptz + i * interval '1 ms', v) FROM unnest(ARRAY['NaN', 'Infinity', '-Infinity', 5e-324, 1.7976931348623157e308]::float8[]) WITH ORDINALITY x (v, i)) v (c), samples(c);
-- times are cut to milliseconds, downwards also before the epoch
SELECT time, value FROM (SELECT chunk_agg(t, 1) FROM (VALUES ('2026-01-01 00:00:00.001999'::timestamptz), ('1965-01-01 00:00:00.0009')) x (t)) v (c), samples(c);
-- nulls are left out, equal samples count once
SELECT chunk_count(chunk_agg(t, v)) FROM (VALUES ('2026-01-01'::timestamptz, 1), (NULL, 2), ('2026-01-02', NULL), ('2026-01-01', 1)) x (t, v);
SELECT chunk_agg(t, v) IS NULL AS nothing FROM (VALUES (NULL::timestamptz, 1.0)) x (t, v);
SELECT chunk_agg(t, v) FROM (VALUES ('2026-01-01'::timestamptz, 1), ('2026-01-01', 2)) x (t, v);
SELECT chunk_agg('infinity', 1);
SELECT chunk_count(chunk_agg('2026-01-01'::timestamptz + i * interval '1 ms', random())) FROM generate_series(1, 65535) i;
SELECT chunk_agg('2026-01-01'::timestamptz + i * interval '1 ms', i) FROM generate_series(1, 65536) i;
-- as a window function, and in parallel
SELECT chunk_count(chunk_agg(t, 1) OVER (ORDER BY t DESC)) FROM generate_series('2026-01-01'::timestamptz, '2026-01-01 00:00:03', '1 s') t;
CREATE TABLE chunk_samples AS SELECT i % 10 AS series, '2026-01-01'::timestamptz + i * interval '1 s' AS t, i * 1.5 AS v FROM generate_series(1, 20000) i;
ANALYZE chunk_samples;
CREATE TABLE chunk_serial AS SELECT series, chunk_agg(t, v) AS c FROM chunk_samples GROUP BY series;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT series, chunk_agg(t, v) FROM chunk_samples GROUP BY series;
SELECT count(*) FROM (SELECT series, chunk_agg(t, v) AS c FROM chunk_samples GROUP BY series) p JOIN chunk_serial s USING (series) WHERE p.c = s.c;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather;
SELECT count(*), sum(value), min(time), max(time) FROM chunk_serial, samples(c);
-- forms read back to the same bytes
SELECT count(*), bool_and(c = c::text::chunk) AS text, bool_and(c = c::bytea::chunk) AS bytes, bool_and(chunk_send(c) = c::bytea) AS binary, count(DISTINCT c), count(DISTINCT c::text) FROM chunk_serial;
-- hostile text and bytes
SELECT e, pg_temp.refusal(e) FROM (VALUES
  ($$''::chunk$$), ($$'xor'::chunk$$), ($$'xor:'::chunk$$), ($$'xor:00'::chunk$$), ($$'xor:zz'::chunk$$), ($$'xor:000'::chunk$$), ($$'nor:0000'::chunk$$), ($$':0000'::chunk$$),
  ($$'xor:0001'::chunk$$), ($$'xor:ffff80f0cbf283650000000000000000'::chunk$$), ($$'xor:000580f0cbf283650000000000000000e0d403c26c0250011b03'::chunk$$),
  ($$'xor:0003ffffffffffffffffffff7f0000000000000000'::chunk$$), ($$'histogram:0000'::chunk$$), ($$'histogram:000100ff'::chunk$$), ($$'float_histogram:ffff00ffffffffffffffffffff'::chunk$$),
  ($$''::bytea::chunk$$), ($$'\x00'::bytea::chunk$$), ($$'\x05000000'::bytea::chunk$$), ($$'columns:0001'::chunk$$), ($$'columns:000100'::chunk$$), ($$'columns:0003ff7f0102030405060708'::chunk$$), ($$'\xff00'::bytea::chunk$$), ($$'\x01'::bytea::chunk$$),
  ($$convert_to('xor:', 'UTF8')::chunk$$)) v (e);
SELECT pg_temp.refusal(format('%L::chunk', 'xor:' || repeat('00', 2100000)));
-- every prefix of a chunk, and every bit of it turned: an error or a chunk, never more
SELECT count(*) AS refused FROM (SELECT pg_temp.refusal(format('(SELECT count(*) FROM samples(%L::bytea::chunk))', substr(c::bytea, 1, n))) AS r
  FROM (VALUES ('xor:000580f0cbf283650000000000000000e0d403c26c0250011b03ad237a'::chunk)) v (c), generate_series(0, 28) n) x WHERE r ~ '^XX001 ';
SELECT DISTINCT split_part(r, ' |', 1) FROM (SELECT pg_temp.refusal(format('(SELECT count(*) FROM samples(%L::bytea::chunk))', set_bit(c::bytea, b, 1 - get_bit(c::bytea, b)))) AS r
  FROM (VALUES ('xor:000580f0cbf283650000000000000000e0d403c26c0250011b03ad237a'::chunk)) v (c), generate_series(0, 8 * 29 - 1) b) x ORDER BY 1;
-- the same of a chunk of columns
SELECT count(*), min(time), max(time), sum(value) FROM samples('columns:000c0a000c80dae590bc679875000c040d0e'::chunk);
SELECT count(*) AS refused FROM (SELECT pg_temp.refusal(format('(SELECT count(*) FROM samples(%L::bytea::chunk))', substr(c::bytea, 1, n))) AS r
  FROM (VALUES ('columns:000c0a000c80dae590bc679875000c040d0e'::chunk)) v (c), generate_series(0, 18) n) x WHERE r ~ '^XX001 ';
SELECT DISTINCT split_part(r, ' |', 1) FROM (SELECT pg_temp.refusal(format('(SELECT count(*) FROM samples(%L::bytea::chunk))', set_bit(c::bytea, b, 1 - get_bit(c::bytea, b)))) AS r
  FROM (VALUES ('columns:000c0a000c80dae590bc679875000c040d0e'::chunk)) v (c), generate_series(0, 8 * 19 - 1) b) x ORDER BY 1;
-- order is total, so that rows can be compared and grouped
SELECT count(*) FROM (SELECT c FROM chunk_serial EXCEPT SELECT c FROM chunk_serial) x;
SELECT count(*) FROM (SELECT c FROM chunk_serial UNION SELECT c FROM chunk_serial) x;
SELECT bool_and(c >= before) FROM (SELECT c, lag(c) OVER (ORDER BY c) AS before FROM chunk_serial) x;
DROP TABLE chunk_samples, chunk_serial;
