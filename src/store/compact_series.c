/*
 * compact_series.c
 *    Which series a day may hold, and their labels.
 *
 * Flushed blocks know series by id; labels are in mimir.series_active, in mimir.series_cold, and
 * in the index of a block that was compacted before.  All that may have samples in the day are
 * listed; those that have none cost a look-up later.  A part takes the label sets whose
 * hash falls to it, so that memory is bounded however many there are, and all ids of a label set
 * meet in one part.
 */
#include "postgres.h"

#include "store/compact_series.h"

#include "tables/relation.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef void (*SeriesFn)(int64 id, Labels labels, void *arg);

/* Rows of a tenant in series_active or series_cold; the latter only if they overlap the day. */
static void
scan_table(const char *table, bool cold, TenantId tenant, int64 mint, int64 maxt, Snapshot snapshot,
		   SeriesFn fn, void *arg)
{
	Relation rel = tables_open(table, AccessShareLock);
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool isnull;
		struct varlena *raw;
		struct varlena *bytes;
		Labels labels;

		CHECK_FOR_INTERRUPTS();
		if ((TenantId) DatumGetInt32(slot_getattr(slot, 1, &isnull)) != tenant)
			continue;
		if (cold && (DatumGetInt64(slot_getattr(slot, 3, &isnull)) > maxt ||
					 DatumGetInt64(slot_getattr(slot, 4, &isnull)) < mint))
			continue;
		raw = (struct varlena *) DatumGetPointer(slot_getattr(slot, cold ? 5 : 3, &isnull));
		bytes = pg_detoast_datum_packed(raw);
		labels.data = (const uint8 *) VARDATA_ANY(bytes);
		labels.len = VARSIZE_ANY_EXHDR(bytes);
		fn(DatumGetInt64(slot_getattr(slot, 2, &isnull)), labels, arg);
		if (bytes != raw)
			pfree(bytes);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	table_close(rel, AccessShareLock);
}

static void
count_series(int64 id, Labels labels, void *arg)
{
	++*(int64 *) arg;
}

int64
compact_series_count(TenantId tenant, int64 mint, int64 maxt, BlockReader **old, int nold,
					 Snapshot snapshot)
{
	int64 n = 0;

	scan_table("series_active", false, tenant, mint, maxt, snapshot, count_series, &n);
	scan_table("series_cold", true, tenant, mint, maxt, snapshot, count_series, &n);
	for (int i = 0; i < nold; i++)
		n += block_index_count(block_reader_index(old[i]));
	return n;
}

typedef struct Gather
{
	CompactSeriesList *list;
	int part, nparts;
} Gather;

static CompactSeries *
list_add(CompactSeriesList *l)
{
	if (l->n == l->cap)
	{
		l->cap = Max(1024, l->cap * 2);
		l->items =
			l->items ? repalloc_huge(l->items, sizeof(CompactSeries) * l->cap)
					 : MemoryContextAllocHuge(CurrentMemoryContext, sizeof(CompactSeries) * l->cap);
	}
	return &l->items[l->n++];
}

static bool
of_part(const Gather *g, Labels labels)
{
	return g->nparts == 1 || labels_hash(labels) % g->nparts == (uint64) g->part;
}

static void
gather_series(int64 id, Labels labels, void *arg)
{
	Gather *g = arg;
	CompactSeries *s;

	if (!of_part(g, labels))
		return;
	s = list_add(g->list);
	s->labels = labels_copy(labels);
	s->key.series = id;
	s->key.metric = chunk_metric_key(labels_metric_name(labels));
	s->reader = -1;
	s->ordinal = 0;
}

static void
gather_old(Gather *g, BlockReader *r, int reader)
{
	BlockIndex *ix = block_reader_index(r);
	uint32 n = block_index_count(ix);
	Err err = ERR_INIT;

	for (uint32 i = 0; i < n; i++)
	{
		BlockSeries bs;
		Labels labels;
		CompactSeries *s;

		if (!block_index_series(ix, i, &bs, &err) || !block_index_labels(ix, &bs, &labels, &err))
			block_reader_raise(r, &err);
		if (!of_part(g, labels))
		{
			pfree(unconstify(uint8 *, labels.data));
			continue;
		}
		s = list_add(g->list);
		s->labels = labels;
		s->key.series = bs.series_id;
		s->key.metric = chunk_metric_key(labels_metric_name(labels));
		s->reader = reader;
		s->ordinal = i;
		CHECK_FOR_INTERRUPTS();
	}
}

static int
cmp_series(const void *a, const void *b)
{
	const CompactSeries *x = a;
	const CompactSeries *y = b;
	int c = labels_cmp(x->labels, y->labels);

	if (c != 0)
		return c;
	if (x->key.series != y->key.series)
		return x->key.series < y->key.series ? -1 : 1;
	return x->reader < y->reader ? -1 : x->reader > y->reader;
}

void
compact_series_list(TenantId tenant, int64 mint, int64 maxt, BlockReader **old, int nold, int part,
					int nparts, Snapshot snapshot, CompactSeriesList *out)
{
	Gather g = {out, part, nparts};

	memset(out, 0, sizeof(*out));
	scan_table("series_active", false, tenant, mint, maxt, snapshot, gather_series, &g);
	scan_table("series_cold", true, tenant, mint, maxt, snapshot, gather_series, &g);
	for (int i = 0; i < nold; i++)
		gather_old(&g, old[i], i);
	if (out->n > 1)
		qsort(out->items, out->n, sizeof(CompactSeries), cmp_series);
}
