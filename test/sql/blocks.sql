-- Every sample is found once, however many blocks and rows hold its series.
SET client_min_messages = warning;
INSERT INTO mimir.tenant (name) VALUES ('t_blocks');
SET mimir.tenant = 't_blocks';
SET timezone = 'UTC';
DO $$
BEGIN
  FOR batch IN 0..2 LOOP
    -- 600 series of 12 metrics: several rows of chunks in each block
    PERFORM mimir.write(jsonb_build_object('__name__', 'm' || s % 12, 'n', s::text),
                        '2026-02-01'::timestamptz + (batch * 40 + t) * interval '15 s', s * 1000.123 + t * 7.7)
    FROM generate_series(1, 600) s, generate_series(0, 39) t;
    COMMIT;
    PERFORM mimir.flush();
    COMMIT;
  END LOOP;
END
$$;
SELECT count(*) > 3 AS several_rows FROM mimir.chunk_data
WHERE tenant_id = (SELECT tenant_id FROM mimir.tenant WHERE name = 't_blocks');
SELECT count(*), count(DISTINCT labels), round(sum(value)) FROM mimir.sample;
SELECT min(n), max(n) FROM (SELECT count(*) AS n FROM mimir.sample GROUP BY labels) x;
-- one series at a time, in an order that is not that of the rows
SELECT min(n), max(n), count(*)
FROM (SELECT (SELECT count(*) FROM mimir.samples(format('{n="%s"}', s * 7919 % 600 + 1), '-infinity', 'infinity')) AS n
      FROM generate_series(1, 600) s) x;
SELECT sum(value) FROM mimir.promql_query('count by (__name__) (count_over_time({n=~".+"}[30m]))', '2026-02-01 00:30:00');
