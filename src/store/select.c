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
 * Series come from the head's index and, for the past, from mimir.series_cold.  One label set
 * may have had several ids over time (it left the head and came back); they are joined here.
 */
#include "postgres.h"

#include "store/select.h"

#include "index/resolve.h"
#include "store/chunk_table.h"
#include "store/head.h"
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

typedef struct SelectBlock
{
	int64 block_id;
	int32 day;
	ChunkReader *reader; /* opened at first use */
} SelectBlock;

typedef struct SelectSeries
{
	ChunkKey key;
	SeriesRef ref; /* 0: not in the head */
	int other;	   /* index + 1 of another id with the same labels, in others */
	Labels labels; /* data NULL: not built yet */
} SelectSeries;

struct StoreSelect
{
	MemoryContext context;
	MemoryContext chunk_context; /* reset for each series */
	TenantId tenant;
	int64 mint, maxt;
	uint32 min_gen;
	Snapshot snapshot; /* registered with owner until the end */
	ResourceOwner owner;
	int nseries;
	SelectSeries *series;
	int nothers;
	SelectSeries *others;
	int nblocks;
	SelectBlock *blocks;
	StoreSelectStats stats;
};

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
static Snapshot
fresh_snapshot(ResourceOwner owner)
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

/* May the head series have samples in the range, in the head or in blocks? */
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

	s->series = MemoryContextAllocHuge(s->context, sizeof(SelectSeries) * Max(nrefs, 1));
	for (int i = 0; i < nrefs; i++)
	{
		SelectSeries *e = &s->series[s->nseries];

		if (!in_time_range(s, refs[i]))
			continue;
		e->key.series = index_series(refs[i])->series_id;
		e->key.metric = s->nblocks > 0 ? metric_key(refs[i], &memo_pair, &memo_key) : 0;
		e->ref = refs[i];
		e->other = 0;
		e->labels.data = NULL;
		s->nseries++;
	}
}

static Labels
series_labels(StoreSelect *s, SelectSeries *e)
{
	if (e->labels.data == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(s->context);

		e->labels = index_labels(e->ref);
		MemoryContextSwitchTo(old);
	}
	return e->labels;
}

typedef struct LabelSlot
{
	uint64 hash;
	int series; /* index + 1; 0 = free */
} LabelSlot;

/* Find the series with these labels, or the free slot for it. */
static LabelSlot *
label_slot(StoreSelect *s, LabelSlot *table, uint32 mask, uint64 hash, Labels labels)
{
	uint32 i = (uint32) hash & mask;

	while (table[i].series != 0 &&
		   !(table[i].hash == hash &&
			 labels_equal(series_labels(s, &s->series[table[i].series - 1]), labels)))
		i = (i + 1) & mask;
	return &table[i];
}

/*
 * Join ids: series found cold are added to the series of the same labels, or become series of
 * their own.
 */
static void
join_cold(StoreSelect *s, SelectSeries *cold, int ncold)
{
	uint32 size = pg_nextpower2_32(Max(16, (s->nseries + ncold) * 2));
	LabelSlot *table = MemoryContextAllocExtended(s->context, sizeof(LabelSlot) * size,
												  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	s->series = repalloc_huge(s->series, sizeof(SelectSeries) * (s->nseries + ncold));
	s->others = MemoryContextAllocHuge(s->context, sizeof(SelectSeries) * ncold);
	for (int i = 0; i < s->nseries; i++)
	{
		Labels labels = series_labels(s, &s->series[i]);
		uint64 hash = labels_hash(labels);
		LabelSlot *slot = label_slot(s, table, size - 1, hash, labels);

		slot->hash = hash;
		slot->series = i + 1;
	}
	for (int i = 0; i < ncold; i++)
	{
		uint64 hash = labels_hash(cold[i].labels);
		LabelSlot *slot = label_slot(s, table, size - 1, hash, cold[i].labels);
		SelectSeries *e;

		CHECK_FOR_INTERRUPTS();
		if (slot->series == 0)
		{
			s->series[s->nseries] = cold[i];
			slot->hash = hash;
			slot->series = ++s->nseries;
			continue;
		}
		e = &s->series[slot->series - 1];
		if (e->key.series == cold[i].key.series)
			continue; /* on its way between head and cold */
		s->others[s->nothers] = cold[i];
		s->others[s->nothers].other = e->other;
		e->other = ++s->nothers;
	}
	pfree(table);
}

/* Cold series of a tenant in the range that match; *out from CurrentMemoryContext. */
static int
scan_cold(TenantId tenant, const Matcher *ms, int nms, int64 mint, int64 maxt, Snapshot snapshot,
		  SelectSeries **out)
{
	Relation rel = tables_open("series_cold", AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	SelectSeries *cold = NULL;
	int n = 0;
	int cap = 0;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum((int32) tenant));
	ScanKeyInit(&keys[1], 4, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(mint));
	scan = systable_beginscan(rel, tables_index("series_cold_time"), true, snapshot, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool isnull;
		struct varlena *bytes;
		Labels labels;

		CHECK_FOR_INTERRUPTS();
		if (DatumGetInt64(heap_getattr(tuple, 3, RelationGetDescr(rel), &isnull)) > maxt)
			continue;
		bytes = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(
			heap_getattr(tuple, 5, RelationGetDescr(rel), &isnull)));
		labels.data = (const uint8 *) VARDATA_ANY(bytes);
		labels.len = VARSIZE_ANY_EXHDR(bytes);
		if (!matchers_match(ms, nms, labels))
			continue;
		if (n == cap)
		{
			cap = Max(64, cap * 2);
			cold = cold ? repalloc_huge(cold, sizeof(SelectSeries) * cap)
						: MemoryContextAllocHuge(CurrentMemoryContext, sizeof(SelectSeries) * cap);
		}
		cold[n].labels = labels_copy(labels);
		cold[n].key.metric = chunk_metric_key(labels_metric_name(labels));
		cold[n].key.series = DatumGetInt64(heap_getattr(tuple, 2, RelationGetDescr(rel), &isnull));
		cold[n].ref = 0;
		cold[n++].other = 0;
	}
	systable_endscan(scan);
	table_close(rel, NoLock);
	*out = cold;
	return n;
}

static void
find_cold_series(StoreSelect *s, const Matcher *ms, int nms)
{
	SelectSeries *cold;
	int n = scan_cold(s->tenant, ms, nms, s->mint, s->maxt, s->snapshot, &cold);

	if (n > 0)
		join_cold(s, cold, n);
}

int
store_cold_series(TenantId tenant, int64 mint, int64 maxt, Labels **out)
{
	Snapshot snapshot = fresh_snapshot(CurrentResourceOwner);
	SelectSeries *cold;
	int n = scan_cold(tenant, NULL, 0, mint, maxt, snapshot, &cold);

	UnregisterSnapshot(snapshot);

	*out = palloc(sizeof(Labels) * Max(n, 1));
	for (int i = 0; i < n; i++)
		(*out)[i] = cold[i].labels;
	return n;
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
	s->mint = mint;
	s->maxt = maxt;
	s->min_gen = store_pin(context);
	nrefs = index_resolve(s->tenant, ms, nms, &refs);
	s->owner = CurrentResourceOwner;
	s->snapshot = fresh_snapshot(s->owner);
	find_blocks(s);
	add_head_series(s, refs, nrefs);
	if (refs)
		pfree(refs);
	find_cold_series(s, ms, nms);
	if (sorted)
	{
		bool any_cold = false;

		for (int i = 0; i < s->nseries; i++)
			any_cold |= s->series[i].ref == 0;
		for (int i = 0; any_cold && i < s->nseries; i++)
			series_labels(s, &s->series[i]);
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

Labels
store_select_labels(StoreSelect *s, int i)
{
	return series_labels(s, &s->series[i]);
}

SeriesRef
store_select_ref(StoreSelect *s, int i)
{
	return s->series[i].ref;
}

int64
store_select_series_id(StoreSelect *s, int i)
{
	return s->series[i].key.series;
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

			block->reader = chunk_reader_begin(block->day, block->block_id, s->tenant, s->snapshot);
			MemoryContextSwitchTo(old);
		}
		chunk_reader_get(block->reader, key, s->mint, s->maxt, &l->items, &l->n, &l->cap);
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
	for (;;)
	{
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
	return s->stats;
}

void
store_select_end(StoreSelect *s)
{
	for (int b = 0; b < s->nblocks; b++)
		if (s->blocks[b].reader)
			chunk_reader_end(s->blocks[b].reader);
	UnregisterSnapshotFromOwner(s->snapshot, s->owner);
	MemoryContextDelete(s->context);
}
