-- Stored chunks as values: from the head, from blocks of a flush, from compacted blocks; what was deleted
-- or has expired is in none of them.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SELECT mimir.create_tenant('t_chunks') > 0 AS created;
SET mimir.tenant = 't_chunks';
-- a day and more of two series in time order, odd values among them
SELECT count(mimir.write(jsonb_build_object('__name__', 'm', 'job', j), '2026-05-01 20:00'::timestamptz + i * interval '1 min',
                         CASE WHEN i % 50 = 0 THEN 'NaN' WHEN i % 77 = 0 THEN '-Infinity' ELSE i / 3.0 END))
FROM (SELECT i, j FROM generate_series(0, 359) i, unnest('{a,b}'::text[]) j ORDER BY i, j) x;
-- how many chunks there are, and of which encoding, depends on when the head lets flushed ones go
CREATE FUNCTION pg_temp.state(OUT samples int, OUT same boolean, OUT right_times boolean) LANGUAGE sql AS $$
  SELECT (SELECT count(*) FROM mimir.chunk_list, mimir.samples(chunk)),
    NOT EXISTS ((SELECT labels ->> 'job', s.time, s.value FROM mimir.chunk_list, mimir.samples(chunk) s EXCEPT ALL SELECT labels ->> 'job', time, value FROM mimir.sample)
      UNION ALL (SELECT labels ->> 'job', time, value FROM mimir.sample EXCEPT ALL SELECT labels ->> 'job', s.time, s.value FROM mimir.chunk_list, mimir.samples(chunk) s)),
    (SELECT bool_and(min_time = mimir.chunk_min_time(chunk) AND max_time = mimir.chunk_max_time(chunk) AND count = mimir.chunk_count(chunk) AND encoding = mimir.chunk_encoding(chunk)
                     AND chunk OPERATOR(mimir.=) chunk::text::mimir.chunk AND chunk OPERATOR(mimir.=) chunk::bytea::mimir.chunk) FROM mimir.chunk_list)
$$;
SELECT * FROM pg_temp.state();
SELECT mimir.flush();
SELECT * FROM pg_temp.state();
-- half in blocks, half in the head
SELECT count(mimir.write(jsonb_build_object('__name__', 'm', 'job', 'a'), '2026-05-02 02:00'::timestamptz + i * interval '1 min', i)) FROM generate_series(0, 99) i;
SELECT * FROM pg_temp.state();
-- deletions are exact at once, also those outside of the range that is asked for
SELECT mimir.delete_series('m{job="a"}', '2026-05-01 20:10', '2026-05-01 20:19');
SELECT mimir.delete_series('m{job="a"}', '2026-05-02 02:50', '2026-05-02 02:59');
SELECT * FROM pg_temp.state();
SELECT chunk_of.n, gone.n FROM
  (SELECT count(*) AS n FROM mimir.chunks('m{job="a"}', '2026-05-01 21:00', '2026-05-01 21:05'), mimir.samples(chunk) s WHERE s.time < '2026-05-01 20:20') chunk_of,
  (SELECT count(*) AS n FROM mimir.chunks('m{job="a"}', '2026-05-01 21:00', '2026-05-01 21:05'), mimir.samples(chunk) s WHERE s.time BETWEEN '2026-05-01 20:10' AND '2026-05-01 20:19') gone;
SELECT mimir.flush();
SELECT * FROM pg_temp.state();
SELECT mimir.compact(true);
SELECT * FROM pg_temp.state();
SELECT labels, min(min_time), max(max_time), sum(count) FROM mimir.chunk_list GROUP BY labels ORDER BY labels;
-- a whole series
SELECT mimir.delete_series('m{job="b"}');
SELECT * FROM pg_temp.state();
SELECT count(*) FROM mimir.chunk_list WHERE labels @> '{"job": "b"}';
-- what has expired
INSERT INTO mimir.tenant_limits (tenant_id, compactor_blocks_retention_period)
SELECT tenant_id, now() - '2026-05-02 02:30:30' FROM mimir.tenant WHERE name = 't_chunks';
SELECT * FROM pg_temp.state();
SELECT min(s.time) AS oldest FROM mimir.chunk_list, mimir.samples(chunk) s;
DELETE FROM mimir.tenant_limits WHERE tenant_id = (SELECT tenant_id FROM mimir.tenant WHERE name = 't_chunks');
SELECT mimir.delete_series('{__name__=~".+"}');
SELECT count(*) FROM mimir.chunk_list;
