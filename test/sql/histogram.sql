-- mimir.histogram: forms and functions.
SET client_min_messages = warning;
SET search_path = public, mimir;
CREATE FUNCTION pg_temp.refusal(input text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  detail text;
BEGIN
  PERFORM input::mimir.histogram;
  RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
  RETURN SQLSTATE || ' ' || detail;
END
$$;
CREATE TABLE histogram_test (n int, h histogram);
INSERT INTO histogram_test VALUES
  (1, '{{schema:1 count:6 sum:9.5 z_bucket:1 z_bucket_w:0.001 offset:-2 buckets:[1 _x3 4]}}'),
  (2, '{{kind:integer schema:3 count:12 sum:3 z_bucket:2 z_bucket_w:0.01 counter_reset_hint:reset offset:-1 buckets:[3 2 _ 4] n_buckets:[1]}}'),
  (3, '{{schema:-53 count:6 sum:20 custom_values:[1 2.5 5] buckets:[1 2 3]}}'),
  (4, '{{count:1 sum:NaN buckets:[1] counter_reset_hint:gauge}}'), (5, '{{}}'), (6, '{{kind:integer sum:stale}}'), (7, '{{sum:stale}}'), (8, NULL);
SELECT n, h FROM histogram_test ORDER BY n;
SELECT n, h::jsonb FROM histogram_test ORDER BY n;
SELECT to_jsonb(h) = h::jsonb AS same, h::json FROM histogram_test WHERE n = 3;
SELECT n, histogram_count(h), histogram_sum(h), histogram_avg(h) FROM histogram_test ORDER BY n;
SELECT n, histogram_quantile(0.5, h) AS median, histogram_quantile(0, h) AS q0, histogram_quantile(1, h) AS q1, histogram_quantile(-1, h) AS low, histogram_quantile(2, h) AS high FROM histogram_test ORDER BY n;
SELECT n, histogram_fraction(0, 1, h) AS up_to_one, histogram_fraction('-Infinity', 'Infinity', h) AS "all" FROM histogram_test ORDER BY n;
-- forms read back to the same
SELECT n, h = h::text::histogram AS text, length(histogram_send(h)) AS bytes FROM histogram_test ORDER BY n;
-- layouts that mean the same are the same
SELECT histogram '{{buckets:[0 _x0 1]}}';
SELECT histogram '{{buckets:[_x2 1 _ _x2 2 _x9]}}' = '{{offset:2 buckets:[1 _x3 2]}}' AS gaps, histogram '{{kind:float count:2}}' = '{{count:2}}' AS kind, histogram '{{count:2}}' = '{{kind:integer count:2}}' AS other_kind, histogram '{{count:0 sum:0}}' = '{{}}' AS zero;
SELECT h, pg_temp.refusal(h) FROM (VALUES (''), ('{}'), ('{{'), ('{{count}}'), ('{{count:}}'), ('{{count:x}}'), ('{{kind:integer count:1.5}}'), ('{{kind:integer count:-1}}'), ('{{nope:1}}'),
  ('{{count:1 count:1}}'), ('{{schema:9}}'), ('{{schema:-5}}'), ('{{schema:1.5}}'), ('{{custom_values:[1]}}'), ('{{schema:-53 custom_values:[2 1]}}'), ('{{schema:-53 custom_values:[1] buckets:[1 2 3]}}'),
  ('{{buckets:[1}}'), ('{{buckets:[_x]}}'), ('{{buckets:[_x4294967296 1]}}'), ('{{offset:2147483647 buckets:[1 1]}}'), ('{{}} x'), ('{{counter_reset_hint:what}}'), ('{"count": 1}')) v (h);
SELECT pg_temp.refusal('{{buckets:[' || repeat('1 ', 200001) || ']}}') AS too_many;
-- grouping, sorting, comparing
SELECT count(*), count(DISTINCT h), count(DISTINCT h::text) FROM (SELECT h FROM histogram_test UNION ALL SELECT h::text::histogram FROM histogram_test) x;
SELECT count(*) FROM (SELECT h FROM histogram_test EXCEPT SELECT h::text::histogram FROM histogram_test) x;
SELECT bool_and(h >= before) FROM (SELECT h, lag(h) OVER (ORDER BY h) AS before FROM histogram_test WHERE h IS NOT NULL) x;
DROP TABLE histogram_test;
