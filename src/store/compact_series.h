/*
 * compact_series.h
 *    The series of one part of a block that is being compacted, in label order.
 */
#ifndef MIMIR_STORE_COMPACT_SERIES_H
#define MIMIR_STORE_COMPACT_SERIES_H

#include "postgres.h"

#include "store/block_table.h"
#include "store/chunk_table.h"

/* An id under which samples of a label set may be stored. */
typedef struct CompactSeries
{
	Labels labels;
	ChunkKey key;	/* in flushed blocks */
	int reader;		/* index of the part of the old block that has it; -1: none */
	uint32 ordinal; /* there */
} CompactSeries;

typedef struct CompactSeriesList
{
	int64 n, cap;
	CompactSeries *items;
} CompactSeriesList;

/*
 * compact_series_count -- ids that a tenant may have in a day [mint, maxt] (ms): at least as many
 * as compact_series_list will find in all parts.
 */
extern int64 compact_series_count(TenantId tenant, int64 mint, int64 maxt, BlockReader **old,
								  int nold, Snapshot snapshot);

/* compact_series_list -- those of part of nparts, sorted by labels, then id; palloc'd. */
extern void compact_series_list(TenantId tenant, int64 mint, int64 maxt, BlockReader **old,
								int nold, int part, int nparts, Snapshot snapshot,
								CompactSeriesList *out);

#endif
