/*
 * select_int.h
 *    Inside a select: shared by select.c, select_join.c and listing.c.
 */
#ifndef MIMIR_STORE_SELECT_INT_H
#define MIMIR_STORE_SELECT_INT_H

#include "index/index.h"
#include "store/block_table.h"
#include "store/chunk_table.h"
#include "store/select.h"
#include "store/tombstone.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* A block that one flush wrote. */
typedef struct SelectBlock
{
	int64 block_id;
	int32 day;
	ChunkReader *reader; /* opened at first use */
} SelectBlock;

typedef struct SelectSeries
{
	int64 id;	   /* one that it has */
	ChunkKey key;  /* series 0: in no block of a flush */
	SeriesRef ref; /* 0: not in the head */
	int other;	   /* index + 1 of another id with the same labels, in others */
	int place;	   /* index + 1 of its first place in compacted blocks, in places */
	Labels labels; /* data NULL: not built yet */
} SelectSeries;

/* Where a series stands in a compacted block. */
typedef struct SelectPlace
{
	int reader; /* index in readers */
	uint32 ordinal;
	int next; /* index + 1 of the next place, an earlier block */
} SelectPlace;

struct StoreSelect
{
	MemoryContext context;
	MemoryContext chunk_context; /* reset for each series */
	TenantId tenant;
	int64 mint, maxt;
	uint32 min_gen;
	Snapshot snapshot; /* registered with owner until the end */
	ResourceOwner owner;
	int nseries, cap_series;
	SelectSeries *series;
	int nothers, cap_others;
	SelectSeries *others;
	int nblocks;
	SelectBlock *blocks;
	int nreaders, cap_readers;
	BlockReader **readers;
	int nplaces, cap_places;
	SelectPlace *places;
	Tombstones *tombstones; /* NULL: none */
	StoreSelectStats stats;
};

/* An array of a select, in its context: room for one more. */
#define SELECT_GROW(s, array, n, cap)                                                              \
	do                                                                                             \
	{                                                                                              \
		if ((s)->n == (s)->cap)                                                                    \
		{                                                                                          \
			(s)->cap = Max(64, (s)->cap * 2);                                                      \
			(s)->array =                                                                           \
				(s)->array ? repalloc_huge((s)->array, sizeof(*(s)->array) * (s)->cap)             \
						   : MemoryContextAllocHuge((s)->context, sizeof(*(s)->array) * (s)->cap); \
		}                                                                                          \
	} while (0)

/* store_select_ref -- the series' reference in the head, valid until the end; 0: not there. */
extern SeriesRef store_select_ref(StoreSelect *s, int i);

/* --- select_join.c ------------------------------------------------------------------------------- */

/* select_join_past -- add series of compacted blocks and cold ones to those of the head. */
extern void select_join_past(StoreSelect *s, const Matcher *ms, int nms);
extern Labels select_series_labels(StoreSelect *s, SelectSeries *e);

/*
 * store_pin -- pin the head until the context is reset or deleted; returns the oldest generation
 * to be read in the head.  ereports why not if the head is not ready.
 */
extern uint32 store_pin(MemoryContext context);

/* select_fresh_snapshot -- a snapshot of now, whatever the isolation level, registered. */
extern Snapshot select_fresh_snapshot(ResourceOwner owner);

/* store_cold_series -- label sets of all cold series in the range; palloc'd. */
extern int store_cold_series(TenantId tenant, int64 mint, int64 maxt, Labels **out);

#endif
