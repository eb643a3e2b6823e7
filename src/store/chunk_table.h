/*
 * chunk_table.h
 *    Partitions of mimir.chunk_data: writing a block, reading a series' chunks.
 *
 * A block is what one flush writes to one day.  Its rows hold several chunks each, ordered by
 * (tenant, metric key, series id, time); the metric key is XXH64 of the metric name, so that
 * the series of a metric lie together.
 */
#ifndef MIMIR_STORE_CHUNK_TABLE_H
#define MIMIR_STORE_CHUNK_TABLE_H

#include "postgres.h"

#include "store/select.h"
#include "tenancy/tenant.h"

typedef struct ChunkKey
{
	int64 metric; /* chunk_metric_key of the name */
	int64 series; /* series id */
} ChunkKey;

static inline int
chunk_key_cmp(ChunkKey a, ChunkKey b)
{
	if (a.metric != b.metric)
		return a.metric < b.metric ? -1 : 1;
	return a.series < b.series ? -1 : a.series > b.series;
}

extern int64 chunk_metric_key(StrView metric_name);

/* --- writing ---------------------------------------------------------------------------------- */
typedef struct ChunkWriter ChunkWriter;

typedef struct ChunkTotals
{
	int64 rows, chunks, samples, bytes;
	int64 min_t, max_t;
} ChunkTotals;

/* chunk_partition_ensure -- create the partition of a day if missing (own locks; ereports). */
extern void chunk_partition_ensure(int32 day);
extern ChunkWriter *chunk_writer_begin(int32 day, int64 block_id);
/* chunk_writer_add -- in key order */
extern void chunk_writer_add(ChunkWriter *w, TenantId tenant, ChunkKey key, const StoreChunk *c);
/* chunk_writer_end -- writes the last row and the row of mimir.block. */
extern ChunkTotals chunk_writer_end(ChunkWriter *w, uint32 gen);

/* --- reading ---------------------------------------------------------------------------------- */
typedef struct ChunkReader ChunkReader;

/* cached_rows: of 8 kB, to keep for keys that are not asked in their order. */
extern ChunkReader *chunk_reader_begin(int32 day, int64 block_id, TenantId tenant, int cached_rows,
									   Snapshot snapshot);

/*
 * chunk_reader_get -- append the chunks of a series that touch [mint, maxt] to *out (array of
 * *n entries, *cap allocated); their bytes are copied to CurrentMemoryContext.  Cheap when keys
 * are asked in ascending order, or near each other.
 */
extern void chunk_reader_get(ChunkReader *r, ChunkKey key, int64 mint, int64 maxt, StoreChunk **out,
							 int *n, int *cap);
extern int64 chunk_reader_rows(const ChunkReader *r); /* rows fetched so far */
extern void chunk_reader_end(ChunkReader *r);

#endif
