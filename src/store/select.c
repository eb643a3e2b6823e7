/*
 * select.c
 *    From matchers and a time range to series and their chunks.
 *
 * A select pins the head, which gives the border between head and blocks, then asks the head for
 * its series, and then takes a snapshot of its own, newer than the transaction's: so it sees the
 * blocks of every generation below the border and every series that had left the head, whatever
 * the isolation level, and finds each sample exactly once.  Blocks of generations from the border on
 * are left out: their chunks are found in the head.
 *
 * Series come from the head's index and, for the past, from mimir.series_cold and the indexes of
 * compacted blocks (select_join.c).
 */
#include "postgres.h"

#include "store/select.h"

#include "index/resolve.h"
#include "store/chunk_table.h"
#include "store/head.h"
#include "store/retention.h"
#include "store/select_int.h"
#include "store/serving.h"
#include "tables/relation.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#define CACHED_ROWS 1024 /* of 8 kB, over all blocks of a select */

static void
unpin(void *arg)
{
	head_unpin();
}

uint32
store_pin(MemoryContext context)
{
	MemoryContextCallback *callback = MemoryContextAllocZero(context, sizeof(*callback));
	uint32 min_gen = head_pin();

	if (min_gen == 0)
	{
		store_need();
		ereport(ERROR, (errcode(ERRCODE_CANNOT_CONNECT_NOW), errmsg("the head is not ready")));
	}
	callback->func = unpin;
	MemoryContextRegisterResetCallback(context, callback);
	return min_gen;
}

/*
 * A snapshot of now, whatever the isolation level.  (That which catalog scans use: GetLatestSnapshot
 * refuses to work beside parallel workers.)
 */
Snapshot
select_fresh_snapshot(ResourceOwner owner)
{
	return RegisterSnapshotOnOwner(GetCatalogSnapshot(tables_relid("block")), owner);
}

/* ---- blocks ----------------------------------------------------------------------------------- */

static int
cmp_blocks(const void *a, const void *b)
{
	const SelectBlock *x = a;
	const SelectBlock *y = b;

	return x->block_id < y->block_id ? -1 : x->block_id > y->block_id;
}

static void
find_blocks(StoreSelect *s)
{
	Relation rel = tables_open("block", AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple tuple;
	int cap = 16;

	ScanKeyInit(&key, 5, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(s->mint));
	scan = systable_beginscan(rel, tables_index("block_max_time"), true, s->snapshot, 1, &key);
	s->blocks = palloc(sizeof(SelectBlock) * cap);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool isnull;
		int64 gen = DatumGetInt64(heap_getattr(tuple, 2, RelationGetDescr(rel), &isnull));
		int64 min_t = DatumGetInt64(heap_getattr(tuple, 4, RelationGetDescr(rel), &isnull));

		if (DatumGetInt32(heap_getattr(tuple, 10, RelationGetDescr(rel), &isnull)) != 1)
			continue; /* compacted: select_join.c */
		if (gen >= s->min_gen)
			continue; /* read in the head */
		if (min_t > s->maxt)
		{
			s->stats.blocks_pruned++;
			continue;
		}
		if (s->nblocks == cap)
			s->blocks = repalloc(s->blocks, sizeof(SelectBlock) * (cap *= 2));
		s->blocks[s->nblocks].block_id =
			DatumGetInt64(heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull));
		s->blocks[s->nblocks].day =
			DatumGetInt32(heap_getattr(tuple, 3, RelationGetDescr(rel), &isnull));
		s->blocks[s->nblocks++].reader = NULL;
	}
	systable_endscan(scan);
	table_close(rel, NoLock);
	qsort(s->blocks, s->nblocks, sizeof(SelectBlock), cmp_blocks);
	s->stats.blocks = s->nblocks;
}

/* ---- series ----------------------------------------------------------------------------------- */

/* Metric key of a head series; consecutive series mostly share the pair. */
static int64
metric_key(SeriesRef ref, uint32 *memo_pair, int64 *memo_key)
{
	const IndexSeries *is = index_series(ref);
	StrView name;

	if (is->npairs > 0 && is->pairs[0] == *memo_pair)
		return *memo_key;
	name = index_label_value(ref, strview(LABELS_NAME, strlen(LABELS_NAME)));
	*memo_key = chunk_metric_key(name);
	*memo_pair = 0;
	if (is->npairs > 0 && index_pair(is->pairs[0])->text == name.s)
		*memo_pair = is->pairs[0];
	return *memo_key;
}

/*
 * May the head series have samples in the range, in the head or in blocks of flushes?  Of one
 * that was there at the start, nobody knows which.
 */
static bool
in_time_range(const StoreSelect *s, SeriesRef ref)
{
	const HeadSeries *hs = head_series(ref);
	int64 last = hs->applied_t;

	if (hs->recovered)
		last = Max(last, head->recovered_max_t);
	return last >= s->mint && hs->first_t <= s->maxt;
}

static void
add_head_series(StoreSelect *s, const SeriesRef *refs, int nrefs)
{
	uint32 memo_pair = 0;
	int64 memo_key = 0;

	s->cap_series = Max(nrefs, 1);
	s->series = MemoryContextAllocHuge(s->context, sizeof(SelectSeries) * s->cap_series);
	for (int i = 0; i < nrefs; i++)
	{
		SelectSeries *e = &s->series[s->nseries];

		if (!in_time_range(s, refs[i]))
			continue;
		e->id = e->key.series = index_series(refs[i])->series_id;
		e->key.metric = s->nblocks > 0 ? metric_key(refs[i], &memo_pair, &memo_key) : 0;
		e->ref = refs[i];
		e->other = e->place = 0;
		e->labels.data = NULL;
		s->nseries++;
	}
}

static int
cmp_key(const void *a, const void *b)
{
	return chunk_key_cmp(((const SelectSeries *) a)->key, ((const SelectSeries *) b)->key);
}

static int
cmp_labels(const void *a, const void *b)
{
	const SelectSeries *x = a;
	const SelectSeries *y = b;

	if (x->ref != 0 && y->ref != 0)
		return index_labels_cmp(x->ref, y->ref);
	return labels_cmp(x->labels, y->labels);
}

StoreSelect *
store_select_begin(TenantId tenant, const Matcher *ms, int nms, int64 mint, int64 maxt, bool sorted)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir select", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	StoreSelect *s = palloc0(sizeof(StoreSelect));
	SeriesRef *refs;
	int nrefs;

	s->context = context;
	s->chunk_context =
		AllocSetContextCreate(context, "mimir select chunks", ALLOCSET_DEFAULT_SIZES);
	s->tenant = tenant;
	s->mint = Max(mint, retention_cutoff(tenant));
	s->maxt = maxt;
	s->min_gen = store_pin(context);
	nrefs = index_resolve(s->tenant, ms, nms, &refs);
	s->owner = CurrentResourceOwner;
	s->snapshot = select_fresh_snapshot(s->owner);
	s->tombstones = tombstones_load(tenant, s->mint, s->maxt, s->snapshot);
	find_blocks(s);
	add_head_series(s, refs, nrefs);
	if (refs)
		pfree(refs);
	select_join_past(s, ms, nms);
	if (sorted)
	{
		bool any_cold = false;

		for (int i = 0; i < s->nseries; i++)
			any_cold |= s->series[i].ref == 0;
		for (int i = 0; any_cold && i < s->nseries; i++)
			select_series_labels(s, &s->series[i]);
		qsort(s->series, s->nseries, sizeof(SelectSeries), cmp_labels);
	}
	else if (s->nblocks > 0)
		qsort(s->series, s->nseries, sizeof(SelectSeries), cmp_key);
	MemoryContextSwitchTo(old);
	return s;
}

int
store_select_nseries(StoreSelect *s)
{
	return s->nseries;
}

int64
store_select_mint(const StoreSelect *s)
{
	return s->mint;
}

Labels
store_select_labels(StoreSelect *s, int i)
{
	return select_series_labels(s, &s->series[i]);
}

SeriesRef
store_select_ref(StoreSelect *s, int i)
{
	return s->series[i].ref;
}

int64
store_select_series_id(StoreSelect *s, int i)
{
	return s->series[i].id;
}

int
store_select_deleted(StoreSelect *s, int i, TimeInterval **out)
{
	*out = NULL;
	if (s->tombstones == NULL)
		return 0;
	return tombstones_of(s->tombstones, store_select_labels(s, i), out);
}

uint64
store_select_hash(StoreSelect *s, int i)
{
	const SelectSeries *e = &s->series[i];

	return e->ref != 0 ? index_series(e->ref)->hash : labels_hash(e->labels);
}

/* ---- chunks ----------------------------------------------------------------------------------- */

typedef struct ChunkList
{
	StoreChunk *items;
	int n;
	int cap;
} ChunkList;

static StoreChunk *
list_add(ChunkList *l)
{
	if (l->n == l->cap)
	{
		l->cap = Max(16, l->cap * 2);
		l->items = l->items ? repalloc(l->items, sizeof(StoreChunk) * l->cap)
							: palloc(sizeof(StoreChunk) * l->cap);
	}
	return &l->items[l->n++];
}

/*
 * Closed chunks of pinned generations stay where they are; the open one is copied.  The list is
 * walked under the stripe because older generations may be taken out of its middle.
 */
static void
add_head_chunks(StoreSelect *s, SeriesRef ref, ChunkList *l)
{
	HeadSeries *hs = head_series(ref);
	LWLock *stripe = head_stripe(ref);

	LWLockAcquire(stripe, LW_SHARED);
	for (const HeadChunk *c = hs->closed; c != NULL; c = c->next)
	{
		StoreChunk *out;

		if (c->gen < s->min_gen || c->max_t < s->mint || c->min_t > s->maxt)
			continue;
		out = list_add(l);
		out->min_t = c->min_t;
		out->max_t = c->max_t;
		out->encoding = c->encoding;
		out->count = c->count;
		out->data = c->data;
		out->len = c->len;
		out->mark = head_chunk_mark(c, s->mint);
		out->from_head = true;
	}
	if (hs->open && hs->w.count > 0 && hs->w.t >= s->mint && hs->open->min_t <= s->maxt)
	{
		StoreChunk *out = list_add(l);
		uint8 *copy;

		out->min_t = hs->open->min_t;
		out->max_t = hs->w.t;
		out->encoding = hs->open->encoding;
		out->count = hs->w.count;
		out->len = chunk_xor_size(&hs->w);
		out->data = copy = palloc(out->len);
		out->mark = head_chunk_mark(hs->open, s->mint);
		out->from_head = true;
		memcpy(copy, hs->open->data, out->len);
	}
	LWLockRelease(stripe);
}

static void
add_table_chunks(StoreSelect *s, ChunkKey key, ChunkList *l)
{
	for (int b = 0; b < s->nblocks; b++)
	{
		SelectBlock *block = &s->blocks[b];

		if (block->reader == NULL)
		{
			MemoryContext old = MemoryContextSwitchTo(s->context);

			block->reader = chunk_reader_begin(block->day, block->block_id, s->tenant,
											   Max(CACHED_ROWS / s->nblocks, 8), s->snapshot);
			MemoryContextSwitchTo(old);
		}
		chunk_reader_get(block->reader, key, s->mint, s->maxt, &l->items, &l->n, &l->cap);
	}
}

static void
add_compacted_chunks(StoreSelect *s, int place, ChunkList *l)
{
	for (; place != 0; place = s->places[place - 1].next)
	{
		const SelectPlace *p = &s->places[place - 1];
		BlockReader *r = s->readers[p->reader];
		BlockSeries bs;
		Err err = ERR_INIT;

		block_reader_trim(r);
		if (!block_index_series(block_reader_index(r), p->ordinal, &bs, &err))
			block_reader_raise(r, &err);
		for (int i = 0; i < bs.nchunks; i++)
			if (bs.chunks[i].max_t >= s->mint && bs.chunks[i].min_t <= s->maxt)
				block_reader_chunk(r, &bs.chunks[i], list_add(l));
	}
}

int
store_select_chunks(StoreSelect *s, int i, StoreChunk **chunks)
{
	SelectSeries *e = &s->series[i];
	ChunkList l = {NULL, 0, 0};
	MemoryContext old;

	MemoryContextReset(s->chunk_context);
	old = MemoryContextSwitchTo(s->chunk_context);
	add_compacted_chunks(s, e->place, &l);
	for (;;)
	{
		if (e->key.series != 0)
			add_table_chunks(s, e->key, &l);
		if (e->ref != 0)
			add_head_chunks(s, e->ref, &l);
		if (e->other == 0)
			break;
		e = &s->others[e->other - 1];
	}
	MemoryContextSwitchTo(old);

	/* nearly sorted already: blocks rise in time, closed head chunks fall */
	for (int k = 1; k < l.n; k++)
	{
		StoreChunk c = l.items[k];
		int at = k;

		for (; at > 0 && l.items[at - 1].min_t > c.min_t; at--)
			l.items[at] = l.items[at - 1];
		l.items[at] = c;
	}
	*chunks = l.items;
	return l.n;
}

StoreSelectStats
store_select_stats(StoreSelect *s)
{
	s->stats.rows = 0;
	for (int b = 0; b < s->nblocks; b++)
		if (s->blocks[b].reader)
			s->stats.rows += chunk_reader_rows(s->blocks[b].reader);
	for (int r = 0; r < s->nreaders; r++)
		s->stats.rows += block_reader_rows(s->readers[r]);
	return s->stats;
}

void
store_select_end(StoreSelect *s)
{
	for (int b = 0; b < s->nblocks; b++)
		if (s->blocks[b].reader)
			chunk_reader_end(s->blocks[b].reader);
	for (int r = 0; r < s->nreaders; r++)
		block_reader_close(s->readers[r]);
	UnregisterSnapshotFromOwner(s->snapshot, s->owner);
	MemoryContextDelete(s->context);
}
