/*
 * select_join.c
 *    Series of the past: those that left the head, and those of compacted blocks.
 *
 * A series is known by its id, which no two label sets ever share; so most of what blocks hold
 * is joined to what is there by number.  One label set may have had several ids over time (it
 * left the head and came back): an id that is new is compared by its labels too.
 */
#include "postgres.h"

#include "store/select_int.h"

#include "pg/errmap.h"
#include "tables/relation.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

typedef struct IdEntry
{
	int64 id;
	int series; /* index */
	char status;
} IdEntry;

#define SH_PREFIX			 ids
#define SH_ELEMENT_TYPE		 IdEntry
#define SH_KEY_TYPE			 int64
#define SH_KEY				 id
#define SH_HASH_KEY(tb, key) ((uint32) (((uint64) (key) *UINT64CONST(0x9E3779B97F4A7C15)) >> 32))
#define SH_EQUAL(tb, a, b)	 ((a) == (b))
#define SH_SCOPE			 static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct LabelSlot
{
	uint64 hash;
	int series; /* index + 1; 0 = free */
} LabelSlot;

typedef struct Joiner
{
	StoreSelect *s;
	MemoryContext context;
	ids_hash *ids;
	LabelSlot *labels; /* open addressing; NULL: no id was new yet */
	uint32 mask;
	int nlabels;
} Joiner;

Labels
select_series_labels(StoreSelect *s, SelectSeries *e)
{
	if (e->labels.data == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(s->context);

		e->labels = index_labels(e->ref);
		MemoryContextSwitchTo(old);
	}
	return e->labels;
}

/* ---- by labels --------------------------------------------------------------------------------- */

/* The slot of the series with these labels, or the free slot for it. */
static LabelSlot *
label_slot(Joiner *j, uint64 hash, Labels labels)
{
	uint32 i = (uint32) hash & j->mask;

	while (
		j->labels[i].series != 0 &&
		!(j->labels[i].hash == hash &&
		  labels_equal(select_series_labels(j->s, &j->s->series[j->labels[i].series - 1]), labels)))
		i = (i + 1) & j->mask;
	return &j->labels[i];
}

static void
grow_labels(Joiner *j, uint32 size)
{
	LabelSlot *old = j->labels;
	uint32 n = old ? j->mask + 1 : 0;

	j->mask = size - 1;
	j->labels = MemoryContextAllocExtended(j->context, sizeof(LabelSlot) * size,
										   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 k = 0; k < n; k++)
		if (old[k].series != 0)
		{
			uint32 i = (uint32) old[k].hash & j->mask;

			while (j->labels[i].series != 0)
				i = (i + 1) & j->mask;
			j->labels[i] = old[k];
		}
	if (old)
		pfree(old);
}

/* The series with these labels, added if there is none. */
static int
series_of_labels(Joiner *j, Labels labels, int64 id)
{
	StoreSelect *s = j->s;
	uint64 hash = labels_hash(labels);
	LabelSlot *slot;

	if (j->labels == NULL)
	{
		grow_labels(j, pg_nextpower2_32(Max(64, s->nseries * 3)));
		for (int i = 0; i < s->nseries; i++)
		{
			Labels ls = select_series_labels(s, &s->series[i]);
			uint64 h = labels_hash(ls);

			*label_slot(j, h, ls) = (LabelSlot){h, i + 1};
			j->nlabels++;
		}
	}
	if ((uint32) j->nlabels > j->mask / 4 * 3)
		grow_labels(j, (j->mask + 1) * 2);
	slot = label_slot(j, hash, labels);
	if (slot->series == 0)
	{
		SELECT_GROW(s, series, nseries, cap_series);
		s->series[s->nseries] = (SelectSeries){.id = id, .labels = labels};
		*slot = (LabelSlot){hash, ++s->nseries};
		j->nlabels++;
	}
	return slot->series - 1;
}

/* ---- by id ------------------------------------------------------------------------------------- */

static void
begin_ids(Joiner *j)
{
	bool found;

	j->ids = ids_create(j->context, Max(64, j->s->nseries), NULL);
	for (int i = 0; i < j->s->nseries; i++)
		ids_insert(j->ids, j->s->series[i].key.series, &found)->series = i;
}

/* ---- cold series ------------------------------------------------------------------------------- */

typedef struct ColdSeries
{
	int64 id;
	Labels labels;
} ColdSeries;

/* Cold series of a tenant in the range that match; *out from CurrentMemoryContext. */
static int
scan_cold(TenantId tenant, const Matcher *ms, int nms, int64 mint, int64 maxt, Snapshot snapshot,
		  ColdSeries **out)
{
	Relation rel = tables_open("series_cold", AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	ColdSeries *cold = NULL;
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
			cold = cold ? repalloc_huge(cold, sizeof(ColdSeries) * cap)
						: MemoryContextAllocHuge(CurrentMemoryContext, sizeof(ColdSeries) * cap);
		}
		cold[n].labels = labels_copy(labels);
		cold[n++].id = DatumGetInt64(heap_getattr(tuple, 2, RelationGetDescr(rel), &isnull));
	}
	systable_endscan(scan);
	table_close(rel, NoLock);
	*out = cold;
	return n;
}

int
store_cold_series(TenantId tenant, int64 mint, int64 maxt, Labels **out)
{
	ColdSeries *cold;
	Snapshot snapshot = select_fresh_snapshot(CurrentResourceOwner);
	int n = scan_cold(tenant, NULL, 0, mint, maxt, snapshot, &cold);

	UnregisterSnapshot(snapshot);
	*out = palloc(sizeof(Labels) * Max(n, 1));
	for (int i = 0; i < n; i++)
		(*out)[i] = cold[i].labels;
	return n;
}

static void
join_cold(Joiner *j, const ColdSeries *cold)
{
	StoreSelect *s = j->s;
	IdEntry *known = ids_lookup(j->ids, cold->id);
	ChunkKey key = {chunk_metric_key(labels_metric_name(cold->labels)), cold->id};
	bool found;
	int at;

	if (known != NULL)
		return; /* on its way between head and cold */
	at = series_of_labels(j, cold->labels, cold->id);
	ids_insert(j->ids, cold->id, &found)->series = at;
	if (s->series[at].key.series == 0)
	{
		s->series[at].key = key;
		return;
	}
	SELECT_GROW(s, others, nothers, cap_others);
	s->others[s->nothers] = (SelectSeries){.key = key, .other = s->series[at].other};
	s->series[at].other = ++s->nothers;
}

/* ---- compacted blocks -------------------------------------------------------------------------- */

static bool
has_chunk_in_range(const StoreSelect *s, const BlockSeries *bs)
{
	for (int i = 0; i < bs->nchunks; i++)
		if (bs->chunks[i].max_t >= s->mint && bs->chunks[i].min_t <= s->maxt)
			return true;
	return false;
}

static void
join_block_series(Joiner *j, int reader, uint32 ordinal)
{
	StoreSelect *s = j->s;
	BlockReader *r = s->readers[reader];
	BlockIndex *ix = block_reader_index(r);
	BlockSeries bs;
	Err err = ERR_INIT;
	IdEntry *known;
	int at;

	if (!block_index_series(ix, ordinal, &bs, &err))
		block_reader_raise(r, &err);
	if (!has_chunk_in_range(s, &bs))
		return;
	known = ids_lookup(j->ids, bs.series_id);
	if (known != NULL)
		at = known->series;
	else
	{
		MemoryContext old = MemoryContextSwitchTo(s->context);
		Labels labels;
		bool found;

		if (!block_index_labels(ix, &bs, &labels, &err))
			block_reader_raise(r, &err);
		MemoryContextSwitchTo(old);
		at = series_of_labels(j, labels, bs.series_id);
		ids_insert(j->ids, bs.series_id, &found)->series = at;
	}
	SELECT_GROW(s, places, nplaces, cap_places);
	s->places[s->nplaces] = (SelectPlace){reader, ordinal, s->series[at].place};
	s->series[at].place = ++s->nplaces;
}

static void
join_part(Joiner *j, const BlockPart *part, const Matcher *ms, int nms)
{
	StoreSelect *s = j->s;
	MemoryContext old = MemoryContextSwitchTo(s->context);
	BlockReader *r = block_reader_open(part, s->snapshot);
	Err err = ERR_INIT;
	uint32 *ordinals;
	uint32 n;

	SELECT_GROW(s, readers, nreaders, cap_readers);
	s->readers[s->nreaders++] = r;
	MemoryContextSwitchTo(j->context);
	if (!block_index_resolve(block_reader_index(r), ms, nms, &ordinals, &n, &err))
		block_reader_raise(r, &err);
	for (uint32 i = 0; i < n; i++)
	{
		join_block_series(j, s->nreaders - 1, ordinals[i]);
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
	}
	pfree(ordinals);
	MemoryContextSwitchTo(old);
}

void
select_join_past(StoreSelect *s, const Matcher *ms, int nms)
{
	Joiner j = {.s = s};
	MemoryContext old;
	ColdSeries *cold;
	BlockPart *parts;
	int pruned = 0;
	int ncold = scan_cold(s->tenant, ms, nms, s->mint, s->maxt, s->snapshot, &cold);
	int nparts = block_parts(s->tenant, s->mint, s->maxt, s->snapshot, &parts, &pruned);

	s->stats.blocks += nparts;
	s->stats.blocks_pruned += pruned;
	if (ncold == 0 && nparts == 0)
		return;
	j.context = AllocSetContextCreate(s->context, "mimir select join", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(j.context);
	begin_ids(&j);
	for (int i = 0; i < ncold; i++)
		join_cold(&j, &cold[i]);
	for (int i = 0; i < nparts; i++)
		join_part(&j, &parts[i], ms, nms);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(j.context);
}
