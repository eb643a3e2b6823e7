-- Roles belong to the cluster: they may be there from another database.
DO $$
DECLARE
  role text;
BEGIN
  FOREACH role IN ARRAY ARRAY['mimir_reader', 'mimir_writer', 'mimir_admin', 'mimir_http'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role);
    END IF;
  END LOOP;
END
$$;
GRANT mimir_reader, mimir_writer TO mimir_admin;
GRANT mimir_reader TO mimir_http;
COMMENT ON ROLE mimir_reader IS 'May read metrics of the tenants it is a member of.';
COMMENT ON ROLE mimir_writer IS 'May write metrics of the tenants it is a member of.';
COMMENT ON ROLE mimir_admin IS 'May manage tenants, see all of them, flush and read statistics.';
COMMENT ON ROLE mimir_http IS 'What HTTP workers act as while they serve a request.';
GRANT USAGE ON SCHEMA mimir TO mimir_reader, mimir_writer, mimir_admin;

