-- A role sees the tenants that it is a member of and nothing of others.
SET client_min_messages = warning;
CREATE ROLE tenancy_a LOGIN IN ROLE mimir_reader, mimir_writer;
CREATE ROLE tenancy_b LOGIN IN ROLE mimir_reader, mimir_writer;
CREATE ROLE tenancy_none LOGIN IN ROLE mimir_reader;
CREATE ROLE tenancy_stranger LOGIN;
SELECT mimir.create_tenant('t_a') < mimir.create_tenant('t_b') AS created;
\set VERBOSITY terse
SELECT mimir.create_tenant('not/valid');
\set VERBOSITY default
SELECT mimir.add_member('t_a', 'tenancy_a');
SELECT mimir.add_member('t_b', 'tenancy_b');
SELECT mimir.add_member('t_none', 'tenancy_b');
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
SELECT mimir.create_tenant('t_c');
SELECT mimir.add_member('t_a', 'tenancy_b');
-- what the extension reads with its owner's rights is not reached through the search path
RESET ROLE;
CREATE SCHEMA tenancy_evil AUTHORIZATION tenancy_b;
SET ROLE tenancy_b;
CREATE FUNCTION tenancy_evil.equal(text, text) RETURNS boolean LANGUAGE plpgsql AS
  $$ BEGIN RAISE WARNING 'runs as %', current_user; RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
CREATE FUNCTION tenancy_evil.equal(int, int) RETURNS boolean LANGUAGE plpgsql AS
  $$ BEGIN RAISE WARNING 'runs as %', current_user; RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
CREATE OPERATOR tenancy_evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = tenancy_evil.equal);
CREATE OPERATOR tenancy_evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = tenancy_evil.equal);
\c - tenancy_b
SET search_path = tenancy_evil, pg_catalog;
SET timezone = 'UTC';
SELECT count(*) FROM mimir.promql_query('secret', '2026-01-01 00:00:00');
\c - postgres
SET client_min_messages = error;
DROP SCHEMA tenancy_evil CASCADE;
SET client_min_messages = warning;
SET timezone = 'UTC';
-- who may read need not be let write
SELECT mimir.add_member('t_b', 'tenancy_b', can_write => false);
SET ROLE tenancy_b;
SELECT mimir.write('{"__name__": "secret", "owner": "b"}', '2026-01-01 00:02:00', 2);
SELECT count(*) FROM mimir.sample;
-- a membership taken back counts at once, inside a transaction too
RESET ROLE;
BEGIN;
SET LOCAL ROLE tenancy_b;
SELECT count(*) FROM mimir.sample;
SET LOCAL ROLE mimir_admin;
SELECT mimir.remove_member('t_b', 'tenancy_b');
SET LOCAL ROLE tenancy_b;
SELECT count(*) FROM mimir.sample;
ROLLBACK;
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
DROP ROLE tenancy_a, tenancy_b, tenancy_none, tenancy_stranger;
