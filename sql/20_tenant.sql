-- Tenants, who may act for them, and their limits.
CREATE TABLE mimir.tenant (
  tenant_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE
    CHECK (name ~ '^[0-9A-Za-z!_.*''()-]{1,150}$' AND name NOT IN ('.', '..')),
  created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE mimir.tenant IS 'Tenants: owners of metrics, named by the X-Scope-OrgID header.';
COMMENT ON COLUMN mimir.tenant.tenant_id IS 'Number used by all tables.';
COMMENT ON COLUMN mimir.tenant.name IS 'Name as in X-Scope-OrgID; "anonymous" without multitenancy.';
COMMENT ON COLUMN mimir.tenant.created_at IS 'When it was created.';
SELECT pg_extension_config_dump('mimir.tenant', '');
SELECT pg_extension_config_dump('mimir.tenant_tenant_id_seq', '');

CREATE TABLE mimir.tenant_member (
  tenant_id int NOT NULL REFERENCES mimir.tenant ON DELETE CASCADE,
  member name NOT NULL,
  can_write boolean NOT NULL DEFAULT true,
  PRIMARY KEY (tenant_id, member)
);
COMMENT ON TABLE mimir.tenant_member IS 'Roles that may act for a tenant, with all members of these roles.';
COMMENT ON COLUMN mimir.tenant_member.tenant_id IS 'Tenant.';
COMMENT ON COLUMN mimir.tenant_member.member IS 'Name of a role.';
COMMENT ON COLUMN mimir.tenant_member.can_write IS 'Whether it may write samples, if it is a member of mimir_writer too.';
SELECT pg_extension_config_dump('mimir.tenant_member', '');

CREATE TABLE mimir.tenant_limits (
  tenant_id int PRIMARY KEY REFERENCES mimir.tenant ON DELETE CASCADE,
  max_label_names_per_series int,
  max_label_name_length int,
  max_label_value_length int,
  max_global_series_per_user bigint,
  creation_grace_period interval,
  out_of_order_time_window interval,
  past_grace_period interval,
  max_native_histogram_buckets int,
  ingestion_rate double precision,
  ingestion_burst_size int,
  native_histograms_ingestion_enabled boolean,
  utf8_names boolean,
  max_query_samples bigint,
  max_query_memory_bytes bigint,
  compactor_blocks_retention_period interval,
  compactor_block_upload_enabled boolean,
  compactor_block_upload_max_block_size_bytes bigint
);
COMMENT ON TABLE mimir.tenant_limits IS 'Limits of single tenants; NULL means the setting mimir.limits_* of the same name.';
COMMENT ON COLUMN mimir.tenant_limits.tenant_id IS 'Tenant.';
COMMENT ON COLUMN mimir.tenant_limits.max_label_names_per_series IS 'Labels a series may have.';
COMMENT ON COLUMN mimir.tenant_limits.max_label_name_length IS 'Length of the longest label name, bytes.';
COMMENT ON COLUMN mimir.tenant_limits.max_label_value_length IS 'Length of the longest label value, bytes.';
COMMENT ON COLUMN mimir.tenant_limits.max_global_series_per_user IS 'Active series.';
COMMENT ON COLUMN mimir.tenant_limits.creation_grace_period IS 'How far in the future a sample may be.';
COMMENT ON COLUMN mimir.tenant_limits.out_of_order_time_window IS 'How much older than the newest sample an out-of-order sample may be.';
COMMENT ON COLUMN mimir.tenant_limits.past_grace_period IS 'How far in the past a sample may be.';
COMMENT ON COLUMN mimir.tenant_limits.max_native_histogram_buckets IS 'Buckets before the resolution is reduced.';
COMMENT ON COLUMN mimir.tenant_limits.ingestion_rate IS 'Samples a second.';
COMMENT ON COLUMN mimir.tenant_limits.ingestion_burst_size IS 'Samples in one burst.';
COMMENT ON COLUMN mimir.tenant_limits.native_histograms_ingestion_enabled IS 'Whether native histograms are taken in.';
COMMENT ON COLUMN mimir.tenant_limits.utf8_names IS 'Whether any UTF-8 text may be a name.';
COMMENT ON COLUMN mimir.tenant_limits.max_query_samples IS 'Samples a query may hold in memory.';
COMMENT ON COLUMN mimir.tenant_limits.max_query_memory_bytes IS 'Memory a query may use, bytes.';
COMMENT ON COLUMN mimir.tenant_limits.compactor_blocks_retention_period IS 'How far back samples are kept; 0 means forever.';
COMMENT ON COLUMN mimir.tenant_limits.compactor_block_upload_enabled IS 'Whether TSDB blocks are taken in over HTTP.';
COMMENT ON COLUMN mimir.tenant_limits.compactor_block_upload_max_block_size_bytes IS 'Size of the largest block taken in, bytes; 0 means no limit.';
SELECT pg_extension_config_dump('mimir.tenant_limits', '');

CREATE FUNCTION mimir.tenant_changed() RETURNS trigger
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mimir_tenant_changed';
COMMENT ON FUNCTION mimir.tenant_changed() IS 'Makes all processes forget cached tenants and limits.';
CREATE TRIGGER tenant_changed AFTER INSERT OR UPDATE OR DELETE ON mimir.tenant
  FOR EACH STATEMENT EXECUTE FUNCTION mimir.tenant_changed();
CREATE TRIGGER tenant_changed AFTER INSERT OR UPDATE OR DELETE ON mimir.tenant_member
  FOR EACH STATEMENT EXECUTE FUNCTION mimir.tenant_changed();
CREATE TRIGGER tenant_changed AFTER INSERT OR UPDATE OR DELETE ON mimir.tenant_limits
  FOR EACH STATEMENT EXECUTE FUNCTION mimir.tenant_changed();

CREATE FUNCTION mimir.create_tenant(name text) RETURNS int
  LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
  AS 'INSERT INTO mimir.tenant (name) VALUES ($1) RETURNING tenant_id';
COMMENT ON FUNCTION mimir.create_tenant(text) IS 'Creates a tenant and returns its number.';

CREATE FUNCTION mimir.add_member(tenant text, role regrole, can_write boolean DEFAULT true) RETURNS void
  LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  INSERT INTO mimir.tenant_member AS m (tenant_id, member, can_write)
  SELECT t.tenant_id, r.rolname, add_member.can_write
  FROM mimir.tenant t, pg_roles r
  WHERE t.name = add_member.tenant AND r.oid = add_member.role
  ON CONFLICT ON CONSTRAINT tenant_member_pkey DO UPDATE SET can_write = EXCLUDED.can_write;
  IF NOT FOUND THEN
    RAISE undefined_object USING MESSAGE = format('tenant "%s" does not exist', add_member.tenant);
  END IF;
END
$$;
COMMENT ON FUNCTION mimir.add_member(text, regrole, boolean) IS 'Lets a role act for a tenant; called again, it changes whether the role may write.';

CREATE FUNCTION mimir.remove_member(tenant text, role regrole) RETURNS void
  LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
  AS 'DELETE FROM mimir.tenant_member m USING mimir.tenant t, pg_roles r
      WHERE t.tenant_id = m.tenant_id AND t.name = $1 AND r.rolname = m.member AND r.oid = $2';
COMMENT ON FUNCTION mimir.remove_member(text, regrole) IS 'Takes back what mimir.add_member() gave.';

CREATE FUNCTION mimir.visible_tenants() RETURNS int[]
  LANGUAGE c STABLE LEAKPROOF PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'mimir_visible_tenants';
COMMENT ON FUNCTION mimir.visible_tenants() IS 'Ids of the tenants that the current role may see, narrowed by mimir.tenant.';

DO $$
DECLARE
  rel text;
BEGIN
  FOREACH rel IN ARRAY ARRAY['tenant', 'tenant_member', 'tenant_limits'] LOOP
    EXECUTE format('ALTER TABLE mimir.%I ENABLE ROW LEVEL SECURITY', rel);
    EXECUTE format(
      'CREATE POLICY tenant_visible ON mimir.%I FOR SELECT USING (tenant_id = ANY ((SELECT mimir.visible_tenants())::int[]))',
      rel);
    EXECUTE format('CREATE POLICY admin_all ON mimir.%I TO mimir_admin USING (true) WITH CHECK (true)', rel);
  END LOOP;
END
$$;

