-- Samples written from SQL are there after COMMIT, in views and in PromQL, before and after a flush.
\set ECHO all
SET client_min_messages = warning;
INSERT INTO mimir.tenant (name) VALUES ('t_first');
SET mimir.tenant = 't_first';
SET timezone = 'UTC';
SELECT mimir.write('{"__name__": "hits_total", "job": "web", "code": "200"}',
                   '2026-01-01 00:00:00'::timestamptz + i * interval '15 s', i * 10)
FROM generate_series(0, 40) i;
SELECT mimir.write('{"__name__": "hits_total", "job": "web", "code": "500"}',
                   '2026-01-01 00:00:00'::timestamptz + i * interval '15 s', i)
FROM generate_series(0, 40) i;
SELECT metric, labels FROM mimir.series ORDER BY labels::text;
SELECT count(*), sum(value), min(time), max(time) FROM mimir.sample;
SELECT * FROM mimir.promql_query('hits_total', '2026-01-01 00:10:00');
SELECT * FROM mimir.promql_query('sum(rate(hits_total[5m]))', '2026-01-01 00:10:00');
SELECT * FROM mimir.promql_query_range('sum by (job) (hits_total)', '2026-01-01 00:00:00', '2026-01-01 00:02:00', '1 minute');
-- a rollback leaves nothing
BEGIN;
SELECT mimir.write('{"__name__": "ghost"}', '2026-01-01 00:10:00', 1);
ROLLBACK;
SELECT count(*) FROM mimir.promql_query('ghost', '2026-01-01 00:10:00');
-- and the same sample can be written afterwards
SELECT mimir.write('{"__name__": "ghost"}', '2026-01-01 00:10:00', 2);
SELECT value FROM mimir.promql_query('ghost', '2026-01-01 00:10:00');
-- the flush moves samples to blocks; nothing changes for readers
SELECT mimir.flush();
SELECT count(*), sum(value), min(time), max(time) FROM mimir.sample;
SELECT * FROM mimir.promql_query('sum(rate(hits_total[5m]))', '2026-01-01 00:10:00');
SELECT count(*) > 0 AS has_blocks FROM mimir.block;
-- more samples of the same series, half in blocks and half in the head
SELECT mimir.write('{"__name__": "hits_total", "job": "web", "code": "200"}',
                   '2026-01-01 00:00:00'::timestamptz + i * interval '15 s', i * 10)
FROM generate_series(41, 80) i;
SELECT count(*), sum(value) FROM mimir.samples('hits_total{code="200"}', '2026-01-01 00:05:00', '2026-01-01 00:15:00');
SELECT * FROM mimir.promql_query('increase(hits_total{code="200"}[10m])', '2026-01-01 00:15:00');
