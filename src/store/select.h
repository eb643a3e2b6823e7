/*
 * select.h
 *    Reading: matchers and a time range to series, and each series to its chunks, over head and
 *    chunk tables alike.
 *
 * Exactly-once rule: a generation of chunks still whole in the head is read there, all others
 * from the tables under the active snapshot (src/store/README.md).
 */
#ifndef MIMIR_STORE_SELECT_H
#define MIMIR_STORE_SELECT_H

#include "postgres.h"

#include "codec/chunk.h"
#include "model/matcher.h"
#include "store/tombstone.h"
#include "tenancy/tenant.h"
#include "utils/snapshot.h"

typedef struct StoreSelect StoreSelect;

/* One chunk of a series; bytes live until the next store_select_chunks on the same select. */
typedef struct StoreChunk
{
	int64 min_t, max_t; /* ms, inclusive */
	/* a ChunkEncoding, CHUNK_RAW_HISTOGRAM, or STORE_CHUNK_COLUMN: data are a column of values */
	int encoding;
	int count;
	const int64 *times; /* of a column's values, ms; else NULL */
	const uint8 *data;
	uint32 len;
	ChunkXorMark mark; /* of an XOR chunk: no sample before it is in the range; count 0: none */
	bool from_head;
} StoreChunk;

#define STORE_CHUNK_COLUMN 0x81 /* in memory only: times were decoded apart */

typedef struct StoreSelectStats
{
	int64 blocks;		 /* time blocks touched */
	int64 blocks_pruned; /* left out by time */
	int64 rows;			 /* table rows fetched */
} StoreSelectStats;

/*
 * store_select_begin -- resolve matchers for one tenant over [mint, maxt] (ms, inclusive), or what
 * the tenant's retention leaves of it.
 *
 * The select owns memory in a child of CurrentMemoryContext and pins the head until
 * store_select_end (or the deletion of the memory context, on error).  Label sets are distinct.
 * Series come sorted by labels_cmp if sorted is set, else in the order in which they lie on
 * disk, the cheapest to read.  Needs an active snapshot.
 */
extern StoreSelect *store_select_begin(TenantId tenant, const Matcher *matchers, int nmatchers,
									   int64 mint, int64 maxt, bool sorted);
extern int store_select_nseries(StoreSelect *s);
extern int64 store_select_mint(const StoreSelect *s); /* no earlier sample is to be shown, ms */
extern Labels store_select_labels(StoreSelect *s, int i);
extern int64 store_select_series_id(StoreSelect *s, int i);
extern uint64 store_select_hash(StoreSelect *s, int i); /* labels_hash */

/*
 * store_select_chunks -- chunks of series i that may hold samples in the range, by min_t.
 * Chunks may overlap (out-of-order); equal timestamps in two chunks: the first chunk wins.
 * Ask in ascending i: table rows are read in that order (sorted selects cost a search each).
 */
extern int store_select_chunks(StoreSelect *s, int i, StoreChunk **chunks);

/* store_select_deleted -- intervals of series i whose samples were deleted, ascending; palloc'd. */
extern int store_select_deleted(StoreSelect *s, int i, TimeInterval **out);
extern StoreSelectStats store_select_stats(StoreSelect *s);
extern void store_select_end(StoreSelect *s);

/* store_time_range -- a tenant's samples all lie in [*first, *last], ms; empty: first > last. */
extern void store_time_range(TenantId tenant, int64 *first, int64 *last);

/*
 * Label listings within [mint, maxt]; matcher sets are ORed (none: all series).  Results are
 * sorted, distinct, from CurrentMemoryContext.
 */
typedef struct StoreMatcherSet StoreMatcherSet;
struct StoreMatcherSet
{
	const Matcher *m;
	int n;
};
extern int store_label_names(TenantId tenant, const StoreMatcherSet *sets, int nsets, int64 mint,
							 int64 maxt, StrView **out);
extern int store_label_values(TenantId tenant, StrView name, const StoreMatcherSet *sets, int nsets,
							  int64 mint, int64 maxt, StrView **out);
extern int store_series(TenantId tenant, const StoreMatcherSet *sets, int nsets, int64 mint,
						int64 maxt, Labels **out);

/* Exemplars and metadata (tables mimir.exemplar and mimir.metric_metadata back them). */

#endif
