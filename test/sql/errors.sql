-- Wrong input gets a clear error and loses nothing.
INSERT INTO mimir.tenant (name) VALUES ('t_errors');
SET mimir.tenant = 't_errors';
SET timezone = 'UTC';
SELECT mimir.write('{"__name__": "m"}', '2026-01-01 00:00:00', 1);
SELECT mimir.write('{"__name__": "m"}', '2026-01-01 00:00:00', 1); -- the same again is harmless
SELECT mimir.write('{"__name__": "m"}', '2026-01-01 00:00:00', 2);
SELECT mimir.write('{"__name__": "m"}', '2026-01-01 00:01:00', 3);
SELECT mimir.write('{"__name__": "m"}', '2026-01-01 00:00:30', 4);
SELECT mimir.write('{"__name__": "m"}', '2025-12-31 00:00:00', 5);
SELECT mimir.write('{"__name__": "m"}', '2999-01-01 00:00:00', 6);
SELECT mimir.write('{"job": "x"}', '2026-01-01 00:02:00', 1);
SELECT mimir.write('{"__name__": "m", "n": 1}', '2026-01-01 00:02:00', 1);
SELECT mimir.write('[]', '2026-01-01 00:02:00', 1);
SELECT time, value FROM mimir.sample ORDER BY time;
SELECT * FROM mimir.promql_query('sum(m', '2026-01-01 00:01:00');
SELECT * FROM mimir.promql_query('rate(m)', '2026-01-01 00:01:00');
SELECT * FROM mimir.promql_query('m{a=~"("}', '2026-01-01 00:01:00');
SELECT * FROM mimir.promql_query_range('m', '2026-01-01 00:01:00', '2026-01-01 00:00:00', '1 minute');
SELECT * FROM mimir.promql_query_range('m', '2026-01-01 00:00:00', '2026-01-01 00:01:00', '0');
SELECT mimir.promql_format('sum   by(job)(rate(m[5m]))');
SELECT mimir.promql_parse('m') ->> 'type' AS type;
