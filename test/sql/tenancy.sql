-- A role sees the tenants that it is a member of and nothing of others.
SET client_min_messages = warning;
CREATE ROLE tenancy_a LOGIN IN ROLE mimir_reader, mimir_writer;
CREATE ROLE tenancy_b LOGIN IN ROLE mimir_reader, mimir_writer;
CREATE ROLE tenancy_none LOGIN IN ROLE mimir_reader;
CREATE ROLE tenancy_stranger LOGIN;
INSERT INTO mimir.tenant (name) VALUES ('t_a'), ('t_b');
INSERT INTO mimir.tenant_member SELECT tenant_id, 'tenancy_' || right(name, 1) FROM mimir.tenant WHERE name IN ('t_a', 't_b');
SET timezone = 'UTC';
SET ROLE tenancy_a;
SELECT mimir.write('{"__name__": "secret", "owner": "a"}', '2026-01-01 00:00:00', 1);
SET ROLE tenancy_b;
SELECT mimir.write('{"__name__": "secret", "owner": "b"}', '2026-01-01 00:00:00', 2);
SELECT tenant, labels, value FROM mimir.sample;
SELECT labels, value FROM mimir.promql_query('secret', '2026-01-01 00:00:00');
SELECT name FROM mimir.tenant;
-- the setting narrows, it never widens
SET mimir.tenant = 't_a';
SELECT count(*) FROM mimir.sample;
SELECT count(*) FROM mimir.promql_query('secret', '2026-01-01 00:00:00');
SELECT mimir.write('{"__name__": "secret", "owner": "b"}', '2026-01-01 00:01:00', 2);
RESET mimir.tenant;
-- a function in WHERE sees no foreign row
CREATE FUNCTION pg_temp.leak(anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.000001 AS
  $$ BEGIN RAISE WARNING 'saw %', $1; RETURN true; END $$;
SELECT count(*) FROM mimir.series WHERE pg_temp.leak(labels);
-- no way around through the tables
SELECT count(*) FROM mimir.series_active;
SELECT count(*) FROM mimir.log_0;
SELECT count(*) FROM mimir.block;
SELECT mimir.flush();
SET ROLE tenancy_none;
SELECT count(*) FROM mimir.sample;
SELECT count(*) FROM mimir.series;
SELECT count(*) FROM mimir.tenant;
SELECT count(*) FROM mimir.promql_query('secret', '2026-01-01 00:00:00');
SELECT mimir.write('{"__name__": "x"}', '2026-01-01 00:00:00', 1);
SET ROLE tenancy_stranger;
SELECT * FROM mimir.promql_query('secret', '2026-01-01 00:00:00');
RESET ROLE;
-- after a flush the same holds for blocks
SELECT mimir.flush();
SET ROLE tenancy_b;
SELECT tenant, labels, value FROM mimir.sample;
SELECT labels, value FROM mimir.promql_query('{__name__=~".+"}', '2026-01-01 00:00:00');
RESET ROLE;
DROP FUNCTION pg_temp.leak(anyelement);
DROP ROLE tenancy_a, tenancy_b, tenancy_none, tenancy_stranger;
