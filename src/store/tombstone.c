/*
 * tombstone.c
 *    Deletions.
 *
 * A tombstone covers whatever lies in its range, also samples that are written there later: until
 * it is retired nobody can tell them apart.  It is retired when every generation that was
 * current at the delete has left the head, no block of a flush overlaps the range, and every
 * compacted block that does was written with it.
 */
#include "postgres.h"

#include "store/tombstone.h"

#include "pg/errmap.h"
#include "promql/promql.h"
#include "store/head.h"
#include "tables/relation.h"
#include "tenancy/owner_rights.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

typedef struct Tombstone
{
	int64 id;
	TimeInterval range;
	Matcher *matchers;
	int nmatchers;
} Tombstone;

struct Tombstones
{
	int n;
	Tombstone *items;
	int64 newest;
};

static void
add_row(Tombstones **ts, int *cap, HeapTuple tuple, TupleDesc desc)
{
	bool isnull;
	Err err = ERR_INIT;
	char *selector = TextDatumGetCString(heap_getattr(tuple, 3, desc, &isnull));
	Tombstone *t;

	if (*ts == NULL)
	{
		*ts = palloc0(sizeof(Tombstones));
		*cap = 8;
		(*ts)->items = palloc(sizeof(Tombstone) * *cap);
	}
	if ((*ts)->n == *cap)
		(*ts)->items = repalloc_huge((*ts)->items, sizeof(Tombstone) * (*cap *= 2));
	t = &(*ts)->items[(*ts)->n++];
	t->id = DatumGetInt64(heap_getattr(tuple, 1, desc, &isnull));
	t->range.min_t = DatumGetInt64(heap_getattr(tuple, 4, desc, &isnull));
	t->range.max_t = DatumGetInt64(heap_getattr(tuple, 5, desc, &isnull));
	if (!promql_parse_selector(selector, strlen(selector), &t->matchers, &t->nmatchers, &err))
		errmap_raise(&err);
	(*ts)->newest = Max((*ts)->newest, t->id);
}

Tombstones *
tombstones_load(TenantId tenant, int64 mint, int64 maxt, Snapshot snapshot)
{
	Relation rel = tables_open("tombstone", AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	Tombstones *ts = NULL;
	int cap = 0;

	ScanKeyInit(&keys[0], 2, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum((int32) tenant));
	ScanKeyInit(&keys[1], 5, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(mint));
	scan = systable_beginscan(rel, tables_index("tombstone_time"), true, snapshot, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool isnull;

		CHECK_FOR_INTERRUPTS();
		if (DatumGetInt64(heap_getattr(tuple, 4, RelationGetDescr(rel), &isnull)) <= maxt)
			add_row(&ts, &cap, tuple, RelationGetDescr(rel));
	}
	systable_endscan(scan);
	table_close(rel, NoLock);
	return ts;
}

int64
tombstones_newest(const Tombstones *ts)
{
	return ts == NULL ? 0 : ts->newest;
}

static int
cmp_intervals(const void *a, const void *b)
{
	const TimeInterval *x = a;
	const TimeInterval *y = b;

	return x->min_t < y->min_t ? -1 : x->min_t > y->min_t;
}

int
tombstones_of(const Tombstones *ts, Labels labels, TimeInterval **out)
{
	int n = 0;
	int kept = 0;

	*out = NULL;
	for (int i = 0; ts != NULL && i < ts->n; i++)
	{
		if (!matchers_match(ts->items[i].matchers, ts->items[i].nmatchers, labels))
			continue;
		if (*out == NULL)
			*out = palloc(sizeof(TimeInterval) * ts->n);
		(*out)[n++] = ts->items[i].range;
	}
	if (n > 1)
		qsort(*out, n, sizeof(TimeInterval), cmp_intervals);
	for (int i = 0; i < n; i++)
		if (kept > 0 && (*out)[i].min_t <= (*out)[kept - 1].max_t)
			(*out)[kept - 1].max_t = Max((*out)[kept - 1].max_t, (*out)[i].max_t);
		else
			(*out)[kept++] = (*out)[i];
	return kept;
}

void
tombstones_apply(const TimeInterval *intervals, int n, SampleRun *run)
{
	for (int i = n - 1; i >= 0; i--)
	{
		int from = sample_run_lower_bound(run->t, run->n, intervals[i].min_t);
		int to = intervals[i].max_t == PG_INT64_MAX
					 ? run->n
					 : sample_run_lower_bound(run->t, run->n, intervals[i].max_t + 1);
		int rest = run->n - to;

		if (to <= from)
			continue;
		memmove(run->t + from, run->t + to, sizeof(int64) * rest);
		memmove(run->v + from, run->v + to, sizeof(double) * rest);
		if (run->h)
			memmove(run->h + from, run->h + to, sizeof(Histogram *) * rest);
		run->n -= to - from;
	}
}

/* The tenant's newest sample, in the head or in blocks; PG_INT64_MIN: none. */
static int64
newest_sample(TenantId tenant)
{
	int64 newest = PG_INT64_MIN;
	uint32 slot;

	LWLockAcquire(&head_index->lock, LW_SHARED);
	slot = index_find_tenant(tenant);
	if (slot != 0)
		newest = (int64) pg_atomic_read_u64(&index_tenant(slot)->max_t);
	LWLockRelease(&head_index->lock);
	return Max(newest, head->recovered_max_t);
}

void
tombstone_add(TenantId tenant, const char *selector, int64 mint, int64 maxt)
{
	Oid types[5] = {INT4OID, TEXTOID, INT8OID, INT8OID, INT8OID};
	Datum values[5];
	OwnerRights rights;
	uint32 gen;

	LWLockAcquire(&head->gen_lock, LW_SHARED);
	gen = head->gen;
	if (pg_atomic_read_u64(&head_gen(gen)->log_bytes) == 0)
		gen--; /* nothing to delete is in it yet */
	LWLockRelease(&head->gen_lock);
	values[0] = Int32GetDatum((int32) tenant);
	values[1] = CStringGetTextDatum(selector);
	values[2] = Int64GetDatum(mint);
	values[3] = Int64GetDatum(Min(maxt, Max(newest_sample(tenant), mint)));
	values[4] = Int64GetDatum((int64) gen);
	owner_rights_begin(&rights);
	SPI_connect();
	if (SPI_execute_with_args("INSERT INTO mimir.tombstone"
							  " (tenant_id, selector, min_time, max_time, generation)"
							  " VALUES ($1, $2, $3, $4, $5)",
							  5, types, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not insert into mimir.tombstone");
	SPI_finish();
	owner_rights_end(&rights);
}

void
tombstones_retire(void)
{
	uint32 min_gen;

	LWLockAcquire(&head->gen_lock, LW_SHARED);
	min_gen = head->free_gen;
	LWLockRelease(&head->gen_lock);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	if (SPI_execute(psprintf("DELETE FROM mimir.tombstone t WHERE t.generation < %u"
							 " AND NOT EXISTS (SELECT FROM mimir.block b WHERE"
							 " b.min_time <= t.max_time AND b.max_time >= t.min_time"
							 " AND (b.level = 1 OR b.tombstone < t.tombstone_id))",
							 min_gen),
					false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not remove tombstones");
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
}
