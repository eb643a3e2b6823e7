-- Who may do what.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA mimir FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mimir.visible_tenants(), mimir.promql_query(text, timestamptz),
  mimir.promql_query_range(text, timestamptz, timestamptz, interval), mimir.promql_format(text),
  mimir.promql_parse(text), mimir.export_tsdb(text, text, timestamptz, timestamptz), mimir.list_series(),
  mimir.samples(text, timestamptz, timestamptz),
  mimir.metric_samples(text, text[]), mimir.chunks(text, timestamptz, timestamptz), mimir.list_label_values(),
  mimir.head_tenants()
  TO mimir_reader;
GRANT SELECT ON mimir.tenant, mimir.series, mimir.sample, mimir.chunk_list, mimir.label_value, mimir.metric,
  mimir.exemplar, mimir.metric_metadata, mimir.stat_head_tenant
  TO mimir_reader;
GRANT EXECUTE ON FUNCTION mimir.visible_tenants(), mimir.write(jsonb, timestamptz, double precision),
  mimir.delete_series(text, timestamptz, timestamptz), mimir.import_tsdb(text), mimir.import_openmetrics(text)
  TO mimir_writer;
GRANT EXECUTE ON FUNCTION mimir.import_remote_read(text, text, timestamptz, timestamptz, jsonb), mimir.flush(), mimir.compact(boolean), mimir.compaction_state(), mimir.head_state(), mimir.head_tenants(), mimir.list_counters(), mimir.create_tenant(text),
  mimir.add_member(text, regrole, boolean), mimir.remove_member(text, regrole) TO mimir_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON mimir.tenant, mimir.tenant_member, mimir.tenant_limits TO mimir_admin;
GRANT SELECT ON mimir.generation, mimir.block, mimir.block_tenant, mimir.tombstone, mimir.stat_blocks, mimir.stat_compaction, mimir.stat_head, mimir.stat_head_tenant, mimir.block_upload, mimir.imported_block, mimir.imported_range,
  mimir.stat_counters TO mimir_admin;
