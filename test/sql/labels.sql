-- mimir.labels and mimir.selector: forms, operators, indexes, casts.
SET client_min_messages = warning;
-- every way of writing one, and the canonical text
SELECT l::mimir.labels FROM (VALUES
  ('up'), ('{}'), ('up{}'), (' up { b="2" , a=''1'', } '), ('{__name__="up", a="1"}'), ('{"odd name", "odd.label"="x"}'),
  ('{"__name__": "up", "a": "1", "empty": ""}'), ('{ "a" : "b" }'), ('{"a"="b"}'), ('{"a"}'), ('on{by="nan"}'),
  ('{a="\x00\u00fc\n"}'), ('{"q\"uote":"\u00fc"}'), ('a:b')) v (l);
-- what is none
CREATE FUNCTION pg_temp.refusal(type text, input text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  detail text;
BEGIN
  EXECUTE format('SELECT %L::%s', input, type);
  RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
  RETURN SQLSTATE || ' ' || SQLERRM || ' | ' || detail;
END
$$;
SELECT pg_temp.refusal('mimir.labels', l) FROM (VALUES
  (''), ('1up'), ('up{'), ('up{a}'), ('up{a=1}'), ('up{a="1" b="2"}'), ('up{a="1"} x'), ('up{a=~"1"}'), ('up{a="1",a="2"}'),
  ('up{__name__="down"}'), ('{""="x"}'), ('{a="\xff"}'), ('{"a": 1}'), ('{"a": {"b": "c"}}'), ('{"": "x"}'), ('{"a": "b"'), ('["a"]')) v (l);
-- text, JSON and binary form read back to the same
CREATE TABLE labels_test (n int, l mimir.labels);
INSERT INTO labels_test VALUES (1, '{}'), (2, 'up'), (3, 'up{job="a"}'), (4, 'up{job="a", zone="eu"}'), (5, 'down{job="a"}'),
  (6, '{"odd \"name\"", "x.y"="\\ \x00 \n ü"}'), (7, ('{"long": "' || repeat('x', 100000) || '"}')::mimir.labels), (8, NULL);
SELECT n, l = l::text::mimir.labels AS text, l = mimir.labels_in(mimir.labels_out(l)) AS io, length(mimir.labels_send(l)) AS bytes FROM labels_test ORDER BY n;
SELECT n, l = l::jsonb::mimir.labels AS json, l::jsonb FROM labels_test WHERE n <> 7 ORDER BY n;
-- order and equality are those of label sets, whatever was written
SELECT n, left(l::text, 30) FROM labels_test ORDER BY l;
SELECT count(*), count(DISTINCT l) FROM (SELECT l FROM labels_test UNION ALL SELECT l::text::mimir.labels FROM labels_test) x;
SET search_path = public, mimir;
SELECT labels 'up{a="1",b="2"}' = '{b="2",__name__="up",a="1"}', labels 'a' < 'b', labels '{a="1"}' <= '{a="1"}', labels '{a="1"}' > '{a="1",b="1"}', labels 'a' <> 'a', labels 'b' >= 'a';
SELECT labels_cmp('a', 'b') < 0 AS less, labels_hash('a') = labels_hash('{__name__="a"}') AS same, labels_hash_extended('a', 0)::bit(32) = labels_hash('a')::bit(32) AS low_bits;
-- single labels
SELECT n, l ->> 'job' AS job, l ? 'job' AS has, l @> '{"job":"a"}' AS contains, l <@ 'up{job="a",zone="eu",more="x"}' AS contained FROM labels_test ORDER BY n;
SELECT labels '{a="x\x00y"}' ->> 'a' = E'x\ufffdy' AS null_is_replaced;
-- selectors
SELECT selector 'up{job=~"a.*",x!=""}', make_selector('odd name', ARRAY['job=~"a.*"', '"x.y"!="1"']), make_selector('up', '{}');
SELECT pg_temp.refusal('mimir.selector', s) FROM (VALUES (''), ('up{a=~"("}'), ('up offset 5m'), ('up[5m]'), ('sum(up)'), ('up{a="1"')) v (s);
SELECT make_selector('up', ARRAY['a="1",b="2"']);
SELECT make_selector('up', ARRAY['a="1"} or {b="2"']);
SELECT make_selector('up', ARRAY[NULL]);
SELECT n, l =~ 'up' AS up, l =~ '{job=~"a|b",zone=""}' AS no_zone, l !~ '{zone=~".+"}' AS zoneless, labels_match(l, '{job="b"}') AS b FROM labels_test ORDER BY n;
-- a selector that changes from row to row
SELECT s, array_agg(n ORDER BY n) FROM labels_test, (VALUES ('up'::selector), ('{job="a"}'), ('{zone!~"e.*"}')) v (s) WHERE l =~ s GROUP BY s ORDER BY s::text;
-- without the schema in the path jsonb's operators do it
RESET search_path;
SELECT n FROM labels_test WHERE l ->> 'job' = 'a' AND l @> '{"__name__": "up"}' ORDER BY n;
SELECT mimir.labels '{a="1"}' || '{"b": "2"}'::jsonb AS jsonb;
SELECT row_to_json(x), to_jsonb(x), to_jsonb(l) FROM (SELECT n, l FROM labels_test WHERE n IN (3, 6)) x ORDER BY n;
SET search_path = public, mimir;
-- indexes find what a scan finds
CREATE TABLE labels_index AS SELECT i AS n, format('m%s{job="j%s", instance="i%s"}', i % 7, i % 13, i)::labels AS l FROM generate_series(1, 2000) i;
INSERT INTO labels_index VALUES (2001, ('{job="' || repeat('long', 500) || '"}')::labels), (2002, ('{' || repeat('name', 100) || '="1"}')::labels), (2003, '{}');
CREATE INDEX labels_gin ON labels_index USING gin (l);
CREATE INDEX labels_hash_index ON labels_index USING hash (l);
ANALYZE labels_index;
CREATE FUNCTION pg_temp.both(condition text) RETURNS TABLE (plan text, with_index bigint, without bigint) LANGUAGE plpgsql AS $$
DECLARE
  line text;
  sql text := 'SELECT count(*) FROM labels_index WHERE ' || condition;
BEGIN
  SET LOCAL enable_seqscan = off;
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || sql LOOP
    plan := coalesce(substring(line FROM '(?:Index Scan|Index Only Scan|Bitmap Index Scan)(?: using| on) (labels_\w+)'), plan);
  END LOOP;
  EXECUTE sql INTO with_index;
  SET LOCAL enable_seqscan = on;
  SET LOCAL enable_indexscan = off;
  SET LOCAL enable_indexonlyscan = off;
  SET LOCAL enable_bitmapscan = off;
  EXECUTE sql INTO without;
  SET LOCAL enable_indexscan = on;
  SET LOCAL enable_indexonlyscan = on;
  SET LOCAL enable_bitmapscan = on;
  RETURN NEXT;
END
$$;
SELECT c, b.* FROM (VALUES ($$l @> 'm3'$$), ($$l @> 'm3{job="j5"}'$$), ($$l @> '{job="none"}'$$), ($$l @> '{}'$$), ($$l ? 'instance'$$), ($$l ? 'inst'$$), ($$l ? 'none'$$),
  ($$l ? repeat('name', 100)$$), ($$l ? repeat('name', 101)$$), ($$l @> ('{job="' || repeat('long', 500) || '"}')::labels$$), ($$l =~ 'm3{job=~"j[1-3]"}'$$),
  ($$l =~ '{job="j5",instance!~".*0"}'$$), ($$l =~ '{job=~"j5"}'$$), ($$l =~ '{}'$$), ($$l =~ '{job=""}'$$), ($$l @> 'm3' AND l @> '{job="j5"}'$$),
  ($$l = 'm1{job="j1",instance="i1"}'$$)) v (c), pg_temp.both(c) b;
CREATE UNIQUE INDEX labels_btree ON labels_index (l);
SELECT c, b.* FROM (VALUES ($$l > 'm6' AND l < 'm7'$$), ($$l BETWEEN 'm2{instance="i2"}' AND 'm2{instance="i3"}'$$)) v (c), pg_temp.both(c) b;
-- an index serves a role that row-level security restricts: these operators are leakproof
CREATE ROLE labels_reader IN ROLE mimir_reader;
ALTER TABLE labels_index ENABLE ROW LEVEL SECURITY;
CREATE POLICY odd ON labels_index USING (n % 2 = 1);
GRANT SELECT ON labels_index TO labels_reader;
SET ROLE labels_reader;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT n FROM labels_index WHERE l =~ 'm3{job="j5"}';
SELECT count(*) FROM labels_index WHERE l =~ 'm3{job="j5"}';
RESET enable_seqscan;
RESET ROLE;
-- every operator that says it is leakproof
SELECT proname FROM pg_proc WHERE pronamespace = 'mimir'::regnamespace AND proleakproof AND proname LIKE 'labels%' ORDER BY 1;
-- joins and groups
SET enable_hashjoin = on; SET enable_mergejoin = off; SET enable_nestloop = off;
SELECT count(*) FROM labels_index a JOIN labels_index b USING (l);
SET enable_hashjoin = off; SET enable_mergejoin = on;
SELECT count(*) FROM labels_index a JOIN labels_index b USING (l);
RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_nestloop;
DROP TABLE labels_test, labels_index;
DROP ROLE labels_reader;
