-- Compaction, deletion and retention change where samples are, never what a query answers.
SET client_min_messages = warning;
SET timezone = 'UTC';
INSERT INTO mimir.tenant (name) VALUES ('t_compact'), ('t_other');
SET mimir.tenant = 't_compact';
-- two days, five flushes; series that begin late, end early, and hold odd values
DO $$
BEGIN
  FOR batch IN 0..4 LOOP
    PERFORM mimir.write(jsonb_build_object('__name__', 'c' || s % 5, 'n', s::text, 'zone', CASE s % 3 WHEN 0 THEN 'a' ELSE 'b' END),
                        '2026-03-01 22:00'::timestamptz + (batch * 60 + t) * interval '1 min',
                        CASE WHEN s = 7 THEN 'NaN' WHEN s = 8 THEN 'Infinity' WHEN s = 9 THEN -0.0 ELSE s * 10 + batch + t * 0.25 END)
    FROM generate_series(0, 59) t, generate_series(1, 40) s
    WHERE s % 8 <> 3 OR batch > 1 OR t > 30;
    COMMIT;
    PERFORM mimir.flush();
    COMMIT;
  END LOOP;
END
$$;
SET mimir.tenant = 't_other';
SELECT mimir.write('{"__name__": "c0", "n": "secret"}', '2026-03-01 23:00', 1);
SELECT mimir.flush();
SET mimir.tenant = 't_compact';
CREATE TEMP TABLE s0 AS SELECT * FROM mimir.samples('{n=~".+"}', '-infinity', 'infinity');
CREATE TEMP TABLE q0 AS SELECT * FROM mimir.promql_query_range(
  'sum by (zone) (rate(c1[10m])) or c2{n=~"[1-3]?2"} or avg_over_time(c3{zone!="a"}[30m])', '2026-03-01 21:00', '2026-03-02 04:00', '7m');
SELECT count(*) FROM s0;
SELECT count(*) > 300 AS many FROM q0;
SELECT mimir.compact(true);
SELECT level, day, count(*), sum(nsamples) FROM mimir.stat_blocks WHERE day < '2026-03-10' AND day > '2026-02-25' GROUP BY 1, 2 ORDER BY 1, 2;
CREATE TEMP TABLE s1 AS SELECT * FROM mimir.samples('{n=~".+"}', '-infinity', 'infinity');
CREATE TEMP TABLE q1 AS SELECT * FROM mimir.promql_query_range(
  'sum by (zone) (rate(c1[10m])) or c2{n=~"[1-3]?2"} or avg_over_time(c3{zone!="a"}[30m])', '2026-03-01 21:00', '2026-03-02 04:00', '7m');
SELECT count(*) AS samples_differ FROM ((TABLE s0 EXCEPT ALL TABLE s1) UNION ALL (TABLE s1 EXCEPT ALL TABLE s0)) x;
SELECT count(*) AS answers_differ FROM ((TABLE q0 EXCEPT ALL TABLE q1) UNION ALL (TABLE q1 EXCEPT ALL TABLE q0)) x;
-- by matchers of every kind, from the block's own index
SELECT count(*) FROM mimir.promql_query('c0{zone="a"}', '2026-03-02 02:59');
SELECT count(*) FROM mimir.promql_query('c0{zone!="a"}', '2026-03-02 02:59');
SELECT count(*) FROM mimir.promql_query('{__name__=~"c[12]",n=~"1.*|25"}', '2026-03-02 02:59');
SELECT count(*) FROM mimir.promql_query('{__name__=~"c.",nowhere="",n!~"[1-3].*"}', '2026-03-02 02:59');
SELECT count(*) FROM mimir.promql_query('c0{n="secret"}', '2026-03-01 23:00');
-- late samples go to a block of their own, and join at the next compaction
INSERT INTO mimir.tenant_limits (tenant_id, out_of_order_time_window) SELECT tenant_id, '5 hours' FROM mimir.tenant WHERE name = 't_compact';
SELECT mimir.write('{"__name__": "c0", "n": "5", "zone": "b"}', '2026-03-01 23:30:07', 4711);
SELECT count(*), sum(value) FROM mimir.samples('c0{n="5"}', '2026-03-01 23:29', '2026-03-01 23:31');
SELECT mimir.flush();
SELECT count(*), sum(value) FROM mimir.samples('c0{n="5"}', '2026-03-01 23:29', '2026-03-01 23:31');
SELECT mimir.compact(true);
SELECT count(*), sum(value) FROM mimir.samples('c0{n="5"}', '2026-03-01 23:29', '2026-03-01 23:31');
SELECT level, day, count(*), sum(nsamples) FROM mimir.stat_blocks WHERE day < '2026-03-10' AND day > '2026-02-25' GROUP BY 1, 2 ORDER BY 1, 2;
-- deletion: exact at once, and after compaction
SELECT mimir.delete_series('{n=~"1|2"', '2026-03-01 23:00', '2026-03-02 00:59');
SELECT mimir.delete_series('{n=~"1|2"}', '2026-03-02', '2026-03-01');
SELECT mimir.delete_series('{n=~"1|2"}', '2026-03-01 23:00', '2026-03-02 00:59');
SELECT labels ->> 'n' AS n, count(*), min(time) FILTER (WHERE time > '2026-03-01 22:59') AS resumes
FROM mimir.samples('{n=~"1|2|3"}', '-infinity', 'infinity') GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM mimir.tombstone WHERE tenant_id = (SELECT tenant_id FROM mimir.tenant WHERE name = 't_compact');
SELECT mimir.compact(true);
SELECT labels ->> 'n' AS n, count(*), min(time) FILTER (WHERE time > '2026-03-01 22:59') AS resumes
FROM mimir.samples('{n=~"1|2|3"}', '-infinity', 'infinity') GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM mimir.tombstone WHERE tenant_id = (SELECT tenant_id FROM mimir.tenant WHERE name = 't_compact');
SELECT count(*) AS others_differ FROM (SELECT * FROM s0 WHERE labels ->> 'n' NOT IN ('1', '2') EXCEPT ALL SELECT * FROM mimir.samples('{n=~".+"}', '-infinity', 'infinity')) x;
-- one tenant's deletion touches no other's samples
SET mimir.tenant = 't_other';
SELECT count(*) FROM mimir.samples('c0', '-infinity', 'infinity');
SET mimir.tenant = 't_compact';
SELECT mimir.delete_series('{__name__=~".+"}');
SELECT count(*) FROM mimir.sample;
SET mimir.tenant = 't_other';
SELECT count(*) FROM mimir.sample;
-- retention: gone at once, space comes back
UPDATE mimir.tenant_limits SET compactor_blocks_retention_period = '1 day';
SELECT count(*) FROM mimir.sample;
INSERT INTO mimir.tenant_limits (tenant_id, compactor_blocks_retention_period) SELECT tenant_id, '1 day' FROM mimir.tenant WHERE name = 't_other';
SELECT count(*) FROM mimir.sample;
SELECT count(*) FROM mimir.promql_query('c0', '2026-03-01 23:00');
SELECT mimir.compact(true);
SELECT count(*) FROM mimir.stat_blocks WHERE day < '2026-03-10' AND day > '2026-02-25';
DELETE FROM mimir.tenant_limits WHERE tenant_id = (SELECT tenant_id FROM mimir.tenant WHERE name = 't_other');
SELECT count(*) FROM mimir.sample;
-- who may not delete
RESET mimir.tenant;
CREATE ROLE compaction_reader IN ROLE mimir_reader;
SELECT mimir.add_member('t_other', 'compaction_reader');
SET ROLE compaction_reader;
SELECT mimir.delete_series('c0');
SELECT mimir.compact(true);
SELECT count(*) FROM mimir.block_tenant;
RESET ROLE;
SELECT mimir.remove_member('t_other', 'compaction_reader');
DROP ROLE compaction_reader;
