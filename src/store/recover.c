/*
 * recover.c
 *    From tables to the head at start.
 *
 * Reads all of mimir.series_active into the index, then replays the logs of every generation
 * that is not flushed, oldest first.  What is replayed was in the head's memory before, so it
 * fits unless mimir.head_memory was lowered; then the start fails with a hint.
 */
#include "postgres.h"

#include "store/flush.h"

#include "pg/stats.h"
#include "pg/time.h"
#include "store/head.h"
#include "store/log.h"
#include "store/recover_int.h"
#include "store/replay.h"
#include "store/serving.h"
#include "tables/relation.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define SERIES_IDS_A_START (INT64CONST(1) << 32) /* increment of mimir.series_id_seq */

static inline uint32
id_hash(int64 id)
{
	return (uint32) (((uint64) id * UINT64CONST(0x9E3779B97F4A7C15)) >> 32);
}

void
id_map_init(IdMap *m, uint32 size)
{
	m->mask = size - 1;
	m->n = 0;
	m->context = CurrentMemoryContext;
	m->slots = MemoryContextAllocExtended(m->context, sizeof(*m->slots) * size,
										  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

SeriesRef *
id_map_slot(IdMap *m, int64 id)
{
	uint32 i = id_hash(id) & m->mask;

	while (m->slots[i].id != 0 && m->slots[i].id != id)
		i = (i + 1) & m->mask;
	if (m->slots[i].id == 0 && ++m->n > m->mask / 4 * 3)
	{
		IdMap bigger;
		MemoryContext old = MemoryContextSwitchTo(m->context);

		id_map_init(&bigger, (m->mask + 1) * 2);
		MemoryContextSwitchTo(old);
		for (uint32 k = 0; k <= m->mask; k++)
			if (m->slots[k].id != 0)
				*id_map_slot(&bigger, m->slots[k].id) = m->slots[k].ref;
		pfree(m->slots);
		*m = bigger;
		return id_map_slot(m, id);
	}
	m->slots[i].id = id;
	return &m->slots[i].ref;
}

static int
split_labels(Labels ls, Label **labels, int *cap)
{
	LabelsIter it;
	int n = 0;

	labels_iter_init(&it, ls);
	for (;;)
	{
		if (n == *cap)
		{
			*cap = Max(32, *cap * 2);
			*labels =
				*labels ? repalloc(*labels, sizeof(Label) * *cap) : palloc(sizeof(Label) * *cap);
		}
		if (!labels_next(&it, &(*labels)[n]))
			return n;
		n++;
	}
}

/*
 * recover_load_series -- make the series of mimir.series_active that the map does not know yet.
 * min_t: blocks of flushes hold no earlier sample of them, ms.  Needs an active snapshot.
 */
void
recover_load_series(IdMap *map, int64 min_t)
{
	Relation rel = tables_open("series_active", AccessShareLock);
	TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	Label *labels = NULL;
	int cap = 0;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool isnull;
		uint32 tenant_id = (uint32) DatumGetInt32(slot_getattr(slot, 1, &isnull));
		int64 id = DatumGetInt64(slot_getattr(slot, 2, &isnull));
		struct varlena *raw = (struct varlena *) DatumGetPointer(slot_getattr(slot, 3, &isnull));
		struct varlena *bytes = pg_detoast_datum_packed(raw);
		Labels ls = {(const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
		SeriesRef *ref = id_map_slot(map, id);
		uint32 tenant;
		int n;

		CHECK_FOR_INTERRUPTS();
		if (*ref != 0)
			continue; /* registered twice */
		if (!labels_check(ls.data, ls.len))
			ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
							errmsg("labels of series %lld of tenant %u are corrupt", (long long) id,
								   tenant_id)));
		n = split_labels(ls, &labels, &cap);
		LWLockAcquire(&head_index->lock, LW_EXCLUSIVE);
		tenant = index_find_tenant(tenant_id);
		if (tenant == 0)
			tenant = index_create_tenant(tenant_id);
		if (tenant != 0)
			*ref = index_create_series(tenant, labels, n, labels_hash(ls), id, (Hash128){0, 0});
		if (*ref != 0)
		{
			HeadSeries *s = head_series(*ref);

			s->tail_t = s->applied_t = PG_INT64_MIN;
			s->first_t = min_t;
			s->registered = true;
			s->recovered = true;
		}
		LWLockRelease(&head_index->lock);
		if (*ref == 0)
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY),
							errmsg("the head's memory is too small for its series"),
							errhint("Raise mimir.head_memory and restart the server.")));
		if (bytes != raw)
			pfree(bytes);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	table_close(rel, AccessShareLock);
}

typedef struct LogOfGen
{
	Replay *replay;
	uint32 gen;
} LogOfGen;

static void
replay_record(const LogRecord *rec, void *arg)
{
	LogOfGen *l = arg;

	replay_add(l->replay, l->gen, rec);
}

static int64
query_int64(const char *sql)
{
	bool isnull;
	int64 v;

	if (SPI_execute(sql, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not execute \"%s\"", sql);
	v = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	return isnull ? PG_INT64_MIN : v;
}

static void
set_generation(uint32 gen)
{
	HeadGen *g = head_gen(gen);

	g->opened_ms = time_now_ms();
	pg_atomic_write_u64(&g->log_bytes, 1); /* what is replayed is to be flushed */
	head->gen = gen;
}

void
store_recover(void)
{
	IdMap map;
	LogOfGen log;
	uint64 samples;
	MemoryContext context = CurrentMemoryContext;
	int64 begun = time_now_ms();
	Oid extension;
	int64 first;
	int64 last;
	int64 first_id;
	int64 recovered_min_t;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	extension = store_lock_extension();
	SPI_connect();
	last = query_int64("SELECT max(generation) FROM mimir.generation");
	if (last == PG_INT64_MIN)
	{
		last = 1;
		if (SPI_execute("INSERT INTO mimir.generation (generation, state) VALUES (1, 'open')",
						false, 0) != SPI_OK_INSERT)
			elog(ERROR, "could not insert the first generation");
	}
	first = query_int64("SELECT coalesce(min(generation) FILTER (WHERE state = 'open'),"
						" max(generation) + 1, 1) FROM mimir.generation");
	if (first > last)
	{
		/* the newest generation is flushed: pushes need an open one */
		last = first;
		SPI_execute(
			psprintf("INSERT INTO mimir.generation (generation, state) VALUES (%lld, 'open')",
					 (long long) last),
			false, 0);
	}
	head->recovered_max_t = query_int64("SELECT max(max_time) FROM mimir.block WHERE level = 1");
	recovered_min_t = query_int64("SELECT min(min_time) FROM mimir.block WHERE level = 1");
	if (recovered_min_t == PG_INT64_MIN)
		recovered_min_t = PG_INT64_MAX; /* no block at all */
	first_id = query_int64("SELECT nextval('mimir.series_id_seq')");
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();

	if (last - first >= HEAD_NGENS)
		elog(ERROR, "%lld generations are not flushed", (long long) (last - first + 1));
	head_empty();
	head->extension = extension;
	head->min_gen = head->free_gen = (uint32) first;
	pg_atomic_write_u64(&head->next_series_id, first_id);
	pg_atomic_write_u64(&head->series_id_limit, first_id + SERIES_IDS_A_START);

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	store_lock_extension();
	store_check_extension();
	MemoryContextSwitchTo(context);
	id_map_init(&map, 65536);
	recover_load_series(&map, recovered_min_t);
	log.replay = replay_begin(&map);
	for (int64 gen = first; gen <= last; gen++)
	{
		set_generation((uint32) gen);
		log.gen = (uint32) gen;
		log_scan((uint32) gen, replay_record, &log);
		replay_apply(log.replay);
		if (gen < last)
			head_close_chunks((uint32) gen);
	}
	samples = replay_end(log.replay);
	PopActiveSnapshot();
	CommitTransactionCommand();
	stats_set(STAT_RECOVERY_SAMPLES, samples);
	stats_set(STAT_RECOVERY_MS, time_now_ms() - begun);
	ereport(LOG, (errmsg("mimir_pg head recovered: %u series, %llu samples, %lld ms",
						 head_index->nseries, (unsigned long long) samples,
						 (long long) (time_now_ms() - begun))));
}
