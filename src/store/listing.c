/*
 * listing.c
 *    Label names, label values and series within a time range.
 *
 * Built on store_select: series that match and overlap the range, head and cold alike.  Of head
 * series only numbers of label pairs are collected, each text is copied once.
 */
#include "postgres.h"

#include "store/select.h"

#include "store/head.h"
#include "store/retention.h"
#include "store/select_int.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

typedef struct TextList
{
	StrView *items;
	int n;
	int cap;
} TextList;

static void
add_text(TextList *l, StrView s)
{
	char *copy = palloc(Max(s.len, 1));

	if (l->n == l->cap)
	{
		l->cap = Max(64, l->cap * 2);
		l->items = l->items ? repalloc_huge(l->items, sizeof(StrView) * l->cap)
							: palloc(sizeof(StrView) * l->cap);
	}
	memcpy(copy, s.s, s.len);
	l->items[l->n++] = strview(copy, s.len);
}

static int
cmp_text(const void *a, const void *b)
{
	return strview_cmp(*(const StrView *) a, *(const StrView *) b);
}

static int
sort_unique(TextList *l, StrView **out)
{
	int kept = 0;

	if (l->n > 1)
		qsort(l->items, l->n, sizeof(StrView), cmp_text);
	for (int i = 0; i < l->n; i++)
		if (kept == 0 || !strview_eq(l->items[kept - 1], l->items[i]))
			l->items[kept++] = l->items[i];
	*out = l->items;
	return kept;
}

/* Numbers seen, one bit each. */
typedef struct SeenSet
{
	uint64 *bits;
	uint32 n;
} SeenSet;

static void
seen_init(SeenSet *s, uint32 n)
{
	s->n = n;
	s->bits = palloc0(sizeof(uint64) * (n / 64 + 1));
}

static bool
seen_add(SeenSet *s, uint32 i)
{
	uint64 bit = UINT64CONST(1) << (i % 64);

	if (i >= s->n || (s->bits[i / 64] & bit))
		return false; /* one made after we began is not of our series */
	s->bits[i / 64] |= bit;
	return true;
}

typedef struct Listing
{
	StrView name; /* values of this label; s NULL: names */
	SeenSet seen;
	TextList texts;
} Listing;

static void
list_head_series(Listing *l, SeriesRef ref)
{
	const IndexSeries *is = index_series(ref);

	for (int i = 0; i < is->npairs; i++)
	{
		const IndexPair *p = index_pair(is->pairs[i]);
		const IndexName *n = index_name(p->name);

		if (l->name.s == NULL)
		{
			if (seen_add(&l->seen, p->name))
				add_text(&l->texts, strview(n->text, n->len));
		}
		else if (n->len == l->name.len && memcmp(n->text, l->name.s, n->len) == 0)
		{
			if (seen_add(&l->seen, is->pairs[i]))
				add_text(&l->texts, strview(p->text, p->len));
		}
	}
}

static void
list_cold_series(Listing *l, Labels labels)
{
	LabelsIter it;
	Label label;

	labels_iter_init(&it, labels);
	while (labels_next(&it, &label))
	{
		if (l->name.s == NULL)
			add_text(&l->texts, label.name);
		else if (strview_eq(label.name, l->name))
			add_text(&l->texts, label.value);
	}
}

static void
list_select(Listing *l, TenantId tenant, const Matcher *ms, int n, int64 mint, int64 maxt)
{
	StoreSelect *s = store_select_begin(tenant, ms, n, mint, maxt, false);

	for (int i = 0; i < store_select_nseries(s); i++)
	{
		SeriesRef ref = store_select_ref(s, i);

		if (ref != 0)
			list_head_series(l, ref);
		else
			list_cold_series(l, store_select_labels(s, i));
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
	}
	store_select_end(s);
}

/*
 * All names of a tenant, or all values of a label, without looking at series: the head's index has
 * them, less those that only dead series carry.  The head counts as overlapping every range.
 */
static void
list_head_index(Listing *l, TenantId tenant_id)
{
	MemoryContext pin =
		AllocSetContextCreate(CurrentMemoryContext, "mimir listing", ALLOCSET_SMALL_SIZES);
	uint32 tenant;

	store_pin(pin);
	LWLockAcquire(&head_index->lock, LW_SHARED);
	tenant = index_find_tenant(tenant_id);
	if (tenant != 0 && l->name.s == NULL)
	{
		for (uint32 i = index_tenant(tenant)->names; i != 0; i = index_name(i)->next_of_tenant)
			add_text(&l->texts, strview(index_name(i)->text, index_name(i)->len));
	}
	else if (tenant != 0)
	{
		uint32 name = index_find_name(tenant, l->name);

		for (uint32 i = name ? index_name(name)->pairs : 0; i != 0; i = index_pair(i)->next_of_name)
			if (index_pair(i)->postings.count > 0)
				add_text(&l->texts, strview(index_pair(i)->text, index_pair(i)->len));
	}
	LWLockRelease(&head_index->lock);
	MemoryContextDelete(pin);
}

static void
list_block_index(Listing *l, BlockReader *r)
{
	BlockIndex *ix = block_reader_index(r);
	Err err = ERR_INIT;
	int name;

	if (l->name.s == NULL)
	{
		for (int i = 0; i < block_index_nnames(ix); i++)
			add_text(&l->texts, block_index_name(ix, i));
		return;
	}
	name = block_index_find_name(ix, l->name);
	for (uint32 i = 0; name >= 0 && i < block_index_nvalues(ix, name); i++)
	{
		StrView value;

		if (!block_index_value(ix, name, i, &value, &err))
			block_reader_raise(r, &err);
		add_text(&l->texts, value);
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
	}
}

/* All names, or all values of a label, of the compacted blocks that overlap the range. */
static void
list_blocks(Listing *l, TenantId tenant, int64 mint, int64 maxt)
{
	BlockPart *parts;
	int pruned = 0;
	int n = block_parts(tenant, mint, maxt, GetActiveSnapshot(), &parts, &pruned);

	for (int i = 0; i < n; i++)
	{
		BlockReader *r = block_reader_open(&parts[i], GetActiveSnapshot());

		list_block_index(l, r);
		block_reader_close(r);
	}
}

static int
list_labels(TenantId tenant, StrView name, const StoreMatcherSet *sets, int nsets, int64 mint,
			int64 maxt, StrView **out)
{
	Listing l = {.name = name};
	Labels *cold;

	mint = Max(mint, retention_cutoff(tenant));
	if (nsets == 0)
	{
		int ncold;

		/* first the head: a series that leaves it meanwhile is then found cold */
		list_head_index(&l, tenant);
		ncold = store_cold_series(tenant, mint, maxt, &cold);
		list_blocks(&l, tenant, mint, maxt);
		for (int i = 0; i < ncold; i++)
			list_cold_series(&l, cold[i]);
		return sort_unique(&l.texts, out);
	}
	/* numbers handed out later belong to series that came later */
	LWLockAcquire(&head_index->lock, LW_SHARED);
	seen_init(&l.seen, Max(head_index->names.n, head_index->pairs.n) + 65536);
	LWLockRelease(&head_index->lock);
	for (int i = 0; i < nsets; i++)
		list_select(&l, tenant, sets[i].m, sets[i].n, mint, maxt);
	return sort_unique(&l.texts, out);
}

int
store_label_names(TenantId tenant, const StoreMatcherSet *sets, int nsets, int64 mint, int64 maxt,
				  StrView **out)
{
	return list_labels(tenant, (StrView){NULL, 0}, sets, nsets, mint, maxt, out);
}

int
store_label_values(TenantId tenant, StrView name, const StoreMatcherSet *sets, int nsets,
				   int64 mint, int64 maxt, StrView **out)
{
	return list_labels(tenant, name, sets, nsets, mint, maxt, out);
}

static int
cmp_labels_qsort(const void *a, const void *b)
{
	return labels_cmp(*(const Labels *) a, *(const Labels *) b);
}

int
store_series(TenantId tenant, const StoreMatcherSet *sets, int nsets, int64 mint, int64 maxt,
			 Labels **out)
{
	Labels *all = palloc(sizeof(Labels) * 64);
	int n = 0;
	int cap = 64;
	int kept = 0;

	for (int i = 0; i < nsets; i++)
	{
		StoreSelect *s = store_select_begin(tenant, sets[i].m, sets[i].n, mint, maxt, true);
		int count = store_select_nseries(s);

		if (n + count > cap)
			all = repalloc_huge(all, sizeof(Labels) * (cap = (n + count) * 2));
		for (int k = 0; k < count; k++)
			all[n++] = labels_copy(store_select_labels(s, k));
		store_select_end(s);
	}
	if (nsets > 1)
	{
		qsort(all, n, sizeof(Labels), cmp_labels_qsort);
		for (int i = 0; i < n; i++)
			if (kept == 0 || !labels_equal(all[kept - 1], all[i]))
				all[kept++] = all[i];
		n = kept;
	}
	*out = all;
	return n;
}

/*
 * store_time_range -- bounds, not the exact times: a flushed block may begin or end with another
 * tenant's sample.
 */
void
store_time_range(TenantId tenant, int64 *first, int64 *last)
{
	Oid type = INT4OID;
	Datum value = Int32GetDatum((int32) tenant);
	uint32 n = head_index->series.n;
	bool isnull;
	Datum d;

	*first = PG_INT64_MAX;
	*last = PG_INT64_MIN;
	LWLockAcquire(&head_index->lock, LW_SHARED);
	for (SeriesRef ref = 1; ref < n; ref++)
	{
		const HeadSeries *s = head_series(ref);

		if (s->ix.pairs == NULL || s->ix.dead || index_tenant(s->ix.tenant)->tenant_id != tenant ||
			s->applied_t == PG_INT64_MIN)
			continue;
		*first = Min(*first, s->first_t);
		*last = Max(*last, s->applied_t);
	}
	LWLockRelease(&head_index->lock);
	SPI_connect();
	if (SPI_execute_with_args("SELECT min(min_time), max(max_time) FROM"
							  " (SELECT min_time, max_time FROM mimir.block_tenant"
							  "  WHERE tenant_id = $1 UNION ALL"
							  "  SELECT min_time, max_time FROM mimir.block WHERE level = 1) b",
							  1, &type, &value, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the time range of blocks");
	d = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
		*first = Min(*first, DatumGetInt64(d));
	d = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull);
	if (!isnull)
		*last = Max(*last, DatumGetInt64(d));
	SPI_finish();
}
