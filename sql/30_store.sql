-- Storage: ingest log, series, chunk blocks, exemplars and metadata.  src/store/README.md explains
-- how they work together.  Nobody writes them but the extension's own code.

-- The ingest log: one table per generation slot, rows of samples as the log wrote them.
DO $$
BEGIN
  FOR slot IN 0..7 LOOP
    EXECUTE format(
      'CREATE TABLE mimir.log_%s (data bytea NOT NULL) WITH (toast_tuple_target = 8160, autovacuum_enabled = off)',
      slot);
    EXECUTE format('ALTER TABLE mimir.log_%s ALTER COLUMN data SET STORAGE EXTERNAL', slot);
    EXECUTE format('COMMENT ON TABLE mimir.log_%s IS %L', slot,
      'Ingest log of every eighth generation: samples acknowledged and not yet in a block.');
    EXECUTE format('COMMENT ON COLUMN mimir.log_%s.data IS %L', slot,
      'Tenant and samples in binary form (docs/formats.md).');
    PERFORM pg_extension_config_dump(format('mimir.log_%s', slot)::regclass, '');
  END LOOP;
END
$$;

CREATE TABLE mimir.generation (
  generation bigint PRIMARY KEY,
  state text NOT NULL CHECK (state IN ('open', 'flushed')),
  opened_at timestamptz NOT NULL DEFAULT now(),
  flushed_at timestamptz,
  nsamples bigint
);
COMMENT ON TABLE mimir.generation IS 'Generations of the ingest log; generation g is logged in mimir.log_(g mod 8).';
COMMENT ON COLUMN mimir.generation.generation IS 'Rising number; never reused.';
COMMENT ON COLUMN mimir.generation.state IS 'open: its log is replayed at start; flushed: its samples are in blocks.';
COMMENT ON COLUMN mimir.generation.opened_at IS 'When pushes began to go to it.';
COMMENT ON COLUMN mimir.generation.flushed_at IS 'When its samples were in blocks.';
COMMENT ON COLUMN mimir.generation.nsamples IS 'Samples flushed.';
SELECT pg_extension_config_dump('mimir.generation', '');

CREATE SEQUENCE mimir.series_id_seq INCREMENT BY 4294967296 MINVALUE 1 START WITH 1 CACHE 1;
COMMENT ON SEQUENCE mimir.series_id_seq IS 'Hands out a range of 2^32 series ids to each start of the server; ids are never reused.';
SELECT pg_extension_config_dump('mimir.series_id_seq', '');

CREATE TABLE mimir.series_active (
  tenant_id int NOT NULL,
  series_id bigint NOT NULL,
  labels bytea NOT NULL
);
ALTER TABLE mimir.series_active ALTER COLUMN labels SET STORAGE EXTERNAL;
COMMENT ON TABLE mimir.series_active IS 'Series that the head holds; read as a whole at start.';
COMMENT ON COLUMN mimir.series_active.tenant_id IS 'Owner.';
COMMENT ON COLUMN mimir.series_active.series_id IS 'Id used by log and blocks; a row may stand twice.';
COMMENT ON COLUMN mimir.series_active.labels IS 'Label set in binary form (docs/formats.md).';
SELECT pg_extension_config_dump('mimir.series_active', '');

CREATE TABLE mimir.series_cold (
  tenant_id int NOT NULL,
  series_id bigint NOT NULL,
  min_time bigint NOT NULL,
  max_time bigint NOT NULL,
  labels bytea NOT NULL
);
ALTER TABLE mimir.series_cold ALTER COLUMN labels SET STORAGE EXTERNAL;
CREATE INDEX series_cold_time ON mimir.series_cold (tenant_id, max_time);
COMMENT ON TABLE mimir.series_cold IS 'Series that left the head, with the time range of their samples.';
COMMENT ON COLUMN mimir.series_cold.tenant_id IS 'Owner.';
COMMENT ON COLUMN mimir.series_cold.series_id IS 'Id used by blocks.';
COMMENT ON COLUMN mimir.series_cold.min_time IS 'Time of the first sample, ms since the epoch.';
COMMENT ON COLUMN mimir.series_cold.max_time IS 'Time of the last sample, ms since the epoch.';
COMMENT ON COLUMN mimir.series_cold.labels IS 'Label set in binary form (docs/formats.md).';
SELECT pg_extension_config_dump('mimir.series_cold', '');

CREATE TABLE mimir.block (
  block_id bigint NOT NULL,
  generation bigint NOT NULL,
  day int NOT NULL,
  min_time bigint NOT NULL,
  max_time bigint NOT NULL,
  nrows bigint NOT NULL,
  nchunks bigint NOT NULL,
  nsamples bigint NOT NULL,
  nbytes bigint NOT NULL,
  level int NOT NULL,
  tombstone bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (level, block_id)
);
CREATE INDEX block_max_time ON mimir.block (max_time);
COMMENT ON TABLE mimir.block IS 'Blocks of chunks: what one flush wrote to the partition of one day, or a whole day compacted.';
COMMENT ON COLUMN mimir.block.block_id IS 'Key of its rows in mimir.chunk_data; of a compacted block: of its table mimir.block_ID.';
COMMENT ON COLUMN mimir.block.generation IS 'Newest generation whose samples it holds.';
COMMENT ON COLUMN mimir.block.day IS 'Day of the partition, days since the epoch.';
COMMENT ON COLUMN mimir.block.min_time IS 'Earliest sample, ms since the epoch.';
COMMENT ON COLUMN mimir.block.max_time IS 'Latest sample, ms since the epoch.';
COMMENT ON COLUMN mimir.block.nrows IS 'Rows in mimir.chunk_data; of a compacted block: pages of its table.';
COMMENT ON COLUMN mimir.block.nchunks IS 'Chunks in them.';
COMMENT ON COLUMN mimir.block.nsamples IS 'Samples in them.';
COMMENT ON COLUMN mimir.block.nbytes IS 'Bytes of the chunks, and of the index if compacted.';
COMMENT ON COLUMN mimir.block.level IS '1: written by a flush; 2: compacted.';
COMMENT ON COLUMN mimir.block.tombstone IS 'Tombstones up to this one were applied when it was written.';
SELECT pg_extension_config_dump('mimir.block', '');

CREATE SEQUENCE mimir.compacted_block_id_seq;
COMMENT ON SEQUENCE mimir.compacted_block_id_seq IS 'Numbers of compacted blocks; never reused.';
SELECT pg_extension_config_dump('mimir.compacted_block_id_seq', '');

CREATE TABLE mimir.block_tenant (
  block_id bigint NOT NULL,
  tenant_id int NOT NULL,
  part int NOT NULL,
  min_time bigint NOT NULL,
  max_time bigint NOT NULL,
  nseries bigint NOT NULL,
  nchunks bigint NOT NULL,
  nsamples bigint NOT NULL,
  nbytes bigint NOT NULL,
  index_bytes bigint NOT NULL,
  PRIMARY KEY (block_id, tenant_id, part)
);
CREATE INDEX block_tenant_time ON mimir.block_tenant (tenant_id, max_time);
COMMENT ON TABLE mimir.block_tenant IS 'What tenants have in compacted blocks.';
COMMENT ON COLUMN mimir.block_tenant.block_id IS 'Block; its pages are in mimir.block_ID.';
COMMENT ON COLUMN mimir.block_tenant.tenant_id IS 'Owner.';
COMMENT ON COLUMN mimir.block_tenant.part IS 'Part: a tenant with very many series has several.';
COMMENT ON COLUMN mimir.block_tenant.min_time IS 'Earliest sample, ms since the epoch.';
COMMENT ON COLUMN mimir.block_tenant.max_time IS 'Latest sample, ms since the epoch.';
COMMENT ON COLUMN mimir.block_tenant.nseries IS 'Series.';
COMMENT ON COLUMN mimir.block_tenant.nchunks IS 'Chunks.';
COMMENT ON COLUMN mimir.block_tenant.nsamples IS 'Samples.';
COMMENT ON COLUMN mimir.block_tenant.nbytes IS 'Bytes of index, chunks and time columns.';
COMMENT ON COLUMN mimir.block_tenant.index_bytes IS 'Bytes of the index.';
SELECT pg_extension_config_dump('mimir.block_tenant', '');

CREATE TABLE mimir.chunk_data (
  day int NOT NULL,
  block_id bigint NOT NULL,
  tenant_id int NOT NULL,
  hi_metric bigint NOT NULL,
  hi_series bigint NOT NULL,
  lo_metric bigint NOT NULL,
  lo_series bigint NOT NULL,
  data bytea NOT NULL
) PARTITION BY RANGE (day);
ALTER TABLE mimir.chunk_data ALTER COLUMN data SET STORAGE EXTERNAL;
-- Its partitions have an index each, of their own: one of the parent would be made again by the ATTACH
-- PARTITION of a dump, before the dump makes those it has of the partitions.
COMMENT ON TABLE mimir.chunk_data IS 'Chunks of flushed series, several a row, clustered by tenant, metric and series; a partition a day.';
COMMENT ON COLUMN mimir.chunk_data.day IS 'Days since the epoch.';
COMMENT ON COLUMN mimir.chunk_data.block_id IS 'Block that the row belongs to.';
COMMENT ON COLUMN mimir.chunk_data.tenant_id IS 'Owner of all chunks of the row.';
COMMENT ON COLUMN mimir.chunk_data.hi_metric IS 'Metric key of the last chunk in the row.';
COMMENT ON COLUMN mimir.chunk_data.hi_series IS 'Series id of the last chunk in the row.';
COMMENT ON COLUMN mimir.chunk_data.lo_metric IS 'Metric key of the first chunk in the row.';
COMMENT ON COLUMN mimir.chunk_data.lo_series IS 'Series id of the first chunk in the row.';
COMMENT ON COLUMN mimir.chunk_data.data IS 'Directory and chunks (docs/formats.md).';
SELECT pg_extension_config_dump('mimir.chunk_data', '');

CREATE TABLE mimir.tombstone (
  tombstone_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id int NOT NULL,
  selector text NOT NULL,
  min_time bigint NOT NULL,
  max_time bigint NOT NULL,
  generation bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tombstone_time ON mimir.tombstone (tenant_id, max_time);
COMMENT ON TABLE mimir.tombstone IS 'Deletions whose samples still take space.';
COMMENT ON COLUMN mimir.tombstone.tombstone_id IS 'Rising number.';
COMMENT ON COLUMN mimir.tombstone.tenant_id IS 'Owner.';
COMMENT ON COLUMN mimir.tombstone.selector IS 'PromQL selector of the series.';
COMMENT ON COLUMN mimir.tombstone.min_time IS 'Earliest time that is deleted, ms since the epoch.';
COMMENT ON COLUMN mimir.tombstone.max_time IS 'Latest time that is deleted, ms since the epoch.';
COMMENT ON COLUMN mimir.tombstone.generation IS 'Generation of the ingest log that was current.';
COMMENT ON COLUMN mimir.tombstone.created_at IS 'When it was deleted.';
SELECT pg_extension_config_dump('mimir.tombstone', '');
SELECT pg_extension_config_dump('mimir.tombstone_tombstone_id_seq', '');

CREATE TABLE mimir.imported_block (
  tenant_id int NOT NULL,
  ulid text COLLATE "C" NOT NULL,
  imported_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, ulid)
);
COMMENT ON TABLE mimir.imported_block IS 'TSDB blocks that were imported; none is imported twice.';
COMMENT ON COLUMN mimir.imported_block.tenant_id IS 'Owner.';
COMMENT ON COLUMN mimir.imported_block.ulid IS 'Name of the block.';
COMMENT ON COLUMN mimir.imported_block.imported_at IS 'When it was imported.';
SELECT pg_extension_config_dump('mimir.imported_block', '');

-- Not dumped: the files are not either.
CREATE TABLE mimir.block_upload (
  tenant_id int NOT NULL,
  ulid text COLLATE "C" NOT NULL,
  state text NOT NULL CHECK (state IN ('uploading', 'validating', 'failed')),
  error text,
  started_at timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, ulid)
);
COMMENT ON TABLE mimir.block_upload IS 'TSDB blocks that come over HTTP and are not imported yet.';
COMMENT ON COLUMN mimir.block_upload.tenant_id IS 'Owner.';
COMMENT ON COLUMN mimir.block_upload.ulid IS 'Name of the block.';
COMMENT ON COLUMN mimir.block_upload.state IS 'uploading: files are awaited; validating: all are there; failed: it is no sound block.';
COMMENT ON COLUMN mimir.block_upload.error IS 'Why it failed.';
COMMENT ON COLUMN mimir.block_upload.started_at IS 'When it was begun.';
COMMENT ON COLUMN mimir.block_upload.changed_at IS 'When something last came.';

CREATE TABLE mimir.imported_range (
  tenant_id int NOT NULL,
  url text COLLATE "C" NOT NULL,
  selector text COLLATE "C" NOT NULL,
  min_time bigint NOT NULL,
  max_time bigint NOT NULL,
  nsamples bigint NOT NULL,
  imported_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, url, selector, min_time, max_time)
);
COMMENT ON TABLE mimir.imported_range IS 'What was imported from other servers; no such range is imported twice.';
COMMENT ON COLUMN mimir.imported_range.tenant_id IS 'Owner.';
COMMENT ON COLUMN mimir.imported_range.url IS 'URL that was read.';
COMMENT ON COLUMN mimir.imported_range.selector IS 'Selector of the series.';
COMMENT ON COLUMN mimir.imported_range.min_time IS 'Earliest time, ms since the epoch.';
COMMENT ON COLUMN mimir.imported_range.max_time IS 'Latest time, ms since the epoch.';
COMMENT ON COLUMN mimir.imported_range.nsamples IS 'Samples that were imported.';
COMMENT ON COLUMN mimir.imported_range.imported_at IS 'When it was imported.';
SELECT pg_extension_config_dump('mimir.imported_range', '');

CREATE TABLE mimir.exemplar (
  tenant_id int NOT NULL,
  series_labels bytea NOT NULL,
  labels bytea NOT NULL,
  value double precision NOT NULL,
  time bigint NOT NULL
);
CREATE INDEX exemplar_time ON mimir.exemplar (tenant_id, time);
COMMENT ON TABLE mimir.exemplar IS 'Exemplars: samples with trace labels, by time.';
COMMENT ON COLUMN mimir.exemplar.tenant_id IS 'Owner.';
COMMENT ON COLUMN mimir.exemplar.series_labels IS 'Labels of the series in binary form.';
COMMENT ON COLUMN mimir.exemplar.labels IS 'Labels of the exemplar in binary form.';
COMMENT ON COLUMN mimir.exemplar.value IS 'Value.';
COMMENT ON COLUMN mimir.exemplar.time IS 'Time, ms since the epoch.';
SELECT pg_extension_config_dump('mimir.exemplar', '');

CREATE TABLE mimir.metric_metadata (
  tenant_id int NOT NULL,
  metric text COLLATE "C" NOT NULL,
  type text NOT NULL,
  help text NOT NULL,
  unit text NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, metric)
);
COMMENT ON TABLE mimir.metric_metadata IS 'Type, help and unit of metric families.';
COMMENT ON COLUMN mimir.metric_metadata.tenant_id IS 'Owner.';
COMMENT ON COLUMN mimir.metric_metadata.metric IS 'Name of the metric family.';
COMMENT ON COLUMN mimir.metric_metadata.type IS 'counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown.';
COMMENT ON COLUMN mimir.metric_metadata.help IS 'Help text.';
COMMENT ON COLUMN mimir.metric_metadata.unit IS 'Unit.';
COMMENT ON COLUMN mimir.metric_metadata.updated_at IS 'When it was last received.';
SELECT pg_extension_config_dump('mimir.metric_metadata', '');

-- Tenants' rows are seen only by who may act for the tenant.
DO $$
DECLARE
  rel text;
BEGIN
  FOREACH rel IN ARRAY ARRAY['series_active', 'series_cold', 'chunk_data', 'block_tenant', 'tombstone', 'imported_block', 'block_upload', 'imported_range', 'exemplar', 'metric_metadata'] LOOP
    EXECUTE format('ALTER TABLE mimir.%I ENABLE ROW LEVEL SECURITY', rel);
    EXECUTE format(
      'CREATE POLICY tenant_visible ON mimir.%I FOR SELECT USING (tenant_id = ANY ((SELECT mimir.visible_tenants())::int[]))',
      rel);
  END LOOP;
END
$$;

CREATE FUNCTION mimir.flush() RETURNS void
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mimir_flush';
COMMENT ON FUNCTION mimir.flush() IS 'Closes the open chunks of the head and writes them to blocks; returns when they are committed.';
REVOKE ALL ON FUNCTION mimir.flush() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mimir.flush() TO mimir_admin;

CREATE FUNCTION mimir.compact("full" boolean DEFAULT false) RETURNS void
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mimir_compact';
COMMENT ON FUNCTION mimir.compact(boolean) IS 'Compacts the days that are due, or all that have flushed blocks; returns when they are committed.';

CREATE FUNCTION mimir.import_tsdb(path text) RETURNS bigint
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mimir_import_tsdb';
COMMENT ON FUNCTION mimir.import_tsdb(text) IS 'Imports a block of a Prometheus TSDB, or all blocks of a data directory, from files of the server; returns the number of samples.';

CREATE FUNCTION mimir.import_openmetrics(metrics text) RETURNS bigint
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mimir_import_openmetrics';
COMMENT ON FUNCTION mimir.import_openmetrics(text) IS 'Imports samples with timestamps from a text in OpenMetrics or Prometheus format; returns their number.';

CREATE FUNCTION mimir.import_remote_read(url text, matchers text, from_time timestamptz, to_time timestamptz DEFAULT 'infinity',
  headers jsonb DEFAULT '{}') RETURNS bigint
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mimir_import_remote_read';
COMMENT ON FUNCTION mimir.import_remote_read(text, text, timestamptz, timestamptz, jsonb) IS 'Imports the samples that another server has of the series that a selector matches, from one time to before another, by remote read; returns their number.';

CREATE FUNCTION mimir.export_tsdb(path text, tenant text DEFAULT 'anonymous',
  from_time timestamptz DEFAULT '-infinity', to_time timestamptz DEFAULT 'infinity') RETURNS bigint
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mimir_export_tsdb';
COMMENT ON FUNCTION mimir.export_tsdb(text, text, timestamptz, timestamptz) IS 'Writes the samples of a tenant, from one time to before another, as blocks of a Prometheus TSDB into a directory of the server; returns their number.';

CREATE FUNCTION mimir.delete_series(selector text, from_time timestamptz DEFAULT '-infinity',
  to_time timestamptz DEFAULT 'infinity') RETURNS bigint
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mimir_delete_series';
COMMENT ON FUNCTION mimir.delete_series(text, timestamptz, timestamptz) IS 'Deletes the samples of the series that a PromQL selector matches, between two times, both included; returns how many series match.';

CREATE FUNCTION mimir.compaction_state(OUT day int, OUT tenant_id int, OUT series_done bigint,
  OUT series_total bigint, OUT samples bigint, OUT bytes bigint, OUT started_at timestamptz,
  OUT blocks_written bigint, OUT blocks_removed bigint, OUT samples_compacted bigint,
  OUT bytes_written bigint, OUT last_at timestamptz)
  LANGUAGE c VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_compaction_state';
COMMENT ON FUNCTION mimir.compaction_state() IS 'What the compactor does now, and did since the start of the server.';

CREATE VIEW mimir.stat_compaction AS
  SELECT date '1970-01-01' + day AS day, tenant_id, series_done, series_total, samples, bytes, started_at,
    blocks_written, blocks_removed, samples_compacted, bytes_written, last_at
  FROM mimir.compaction_state();
COMMENT ON VIEW mimir.stat_compaction IS 'The block that is being compacted, and what was compacted since the start of the server.';

CREATE VIEW mimir.stat_blocks WITH (security_invoker = true) AS
  SELECT b.block_id, b.level, date '1970-01-01' + b.day AS day,
    to_timestamp(b.min_time / 1000.0) AS min_time, to_timestamp(b.max_time / 1000.0) AS max_time,
    (SELECT sum(t.nseries)::bigint FROM mimir.block_tenant t WHERE b.level = 2 AND t.block_id = b.block_id) AS nseries,
    b.nchunks, b.nsamples, b.nbytes,
    round(b.nbytes::numeric / nullif(b.nsamples, 0), 3) AS bytes_per_sample,
    CASE WHEN b.level = 2 THEN pg_total_relation_size(to_regclass('mimir.block_' || b.block_id)) END AS disk_bytes
  FROM mimir.block b;
COMMENT ON VIEW mimir.stat_blocks IS 'Blocks with their time range, content and size.';

CREATE FUNCTION mimir.head_state(OUT ready boolean, OUT series bigint, OUT used_bytes bigint, OUT limit_bytes bigint,
  OUT generation bigint, OUT flushed_generation bigint, OUT freed_generation bigint, OUT log_bytes bigint,
  OUT oldest_unflushed timestamptz)
  LANGUAGE c VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'mimir_head_state';
COMMENT ON FUNCTION mimir.head_state() IS 'The head as a whole: memory, generations, log.';

CREATE FUNCTION mimir.head_tenants(OUT tenant text, OUT series bigint, OUT chunks bigint, OUT open_chunks bigint,
  OUT samples bigint, OUT bytes bigint, OUT min_time timestamptz, OUT max_time timestamptz)
  RETURNS SETOF record
  LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'mimir_head_tenants';
COMMENT ON FUNCTION mimir.head_tenants() IS 'What the head holds of the tenants that the role sees.';

CREATE VIEW mimir.stat_head_tenant WITH (security_invoker = true) AS
  SELECT tenant, series, chunks, open_chunks, samples, bytes, min_time, max_time FROM mimir.head_tenants();
COMMENT ON VIEW mimir.stat_head_tenant IS 'What the head holds of each tenant that the role sees.';
