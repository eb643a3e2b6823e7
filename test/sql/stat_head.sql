-- What the head holds: the server's view for admins, a row for each tenant that a role sees.
SET client_min_messages = warning;
SET timezone = 'UTC';
INSERT INTO mimir.tenant (name) VALUES ('t_head_a'), ('t_head_b');
CREATE ROLE head_a LOGIN IN ROLE mimir_reader, mimir_writer;
INSERT INTO mimir.tenant_limits (tenant_id, out_of_order_time_window) SELECT tenant_id, '1 hour' FROM mimir.tenant WHERE name = 't_head_a';
SELECT mimir.add_member('t_head_a', 'head_a');
SELECT mimir.flush();
CREATE TEMP TABLE before AS SELECT * FROM mimir.stat_head;
GRANT SELECT ON before TO PUBLIC;
SET mimir.tenant = 't_head_a';
SELECT count(mimir.write(jsonb_build_object('__name__', 'h', 'n', n::text), '2026-04-01 10:00'::timestamptz + t * interval '1 min', n + t))
FROM generate_series(1, 3) n, generate_series(1, 50) t;
-- late samples are counted, duplicates are not
SELECT mimir.write('{"__name__": "h", "n": "1"}', '2026-04-01 09:59', 7);
SELECT mimir.write('{"__name__": "h", "n": "1"}', '2026-04-01 10:50', 51);
SET mimir.tenant = 't_head_b';
SELECT mimir.write('{"__name__": "h"}', '2026-04-01 10:00', 1);
RESET mimir.tenant;
SELECT tenant, series, chunks, open_chunks, samples, bytes > 100 AS bytes, min_time, max_time
FROM mimir.stat_head_tenant WHERE tenant = 't_head_a';
SELECT h.ready, h.series - b.series AS series, h.chunks - coalesce(b.chunks, 0) AS chunks, h.samples - coalesce(b.samples, 0) AS samples,
  h.used_bytes > 0 AND h.used_bytes <= h.limit_bytes AS memory, h.generation >= b.generation AS generation, h.flushed_generation < h.generation AS flushed,
  h.log_bytes > b.log_bytes AS logged, h.unflushed_age > interval '0' AS age, h.out_of_order - b.out_of_order AS out_of_order
FROM mimir.stat_head h, before b;
-- flushed chunks are in blocks, the series stay
SELECT mimir.flush();
SELECT tenant, series, chunks, open_chunks, samples, bytes, min_time, max_time FROM mimir.stat_head_tenant WHERE tenant ~ 't_head';
SELECT log_bytes, oldest_unflushed, unflushed_age FROM mimir.stat_head;
-- a role sees its own tenants; the whole is for admins
SET ROLE head_a;
SELECT tenant, series FROM mimir.stat_head_tenant;
SELECT count(*) FROM mimir.stat_head;
SET ROLE mimir_admin;
SELECT count(*) FROM mimir.stat_head;
RESET ROLE;
DROP ROLE head_a;
