/*
 * evict.c
 *    Series that have had no sample for long leave the head.
 *
 * A series may go when it has no chunk in memory and its last sample is so much older than the
 * tenant's newest that an older one would be refused anyway.  When a tenant has sent nothing for
 * that long, the clock stands for its newest; before, samples of the past (a copy of another
 * server's) do not make series old.  The steps, so that no moment loses it:
 *    1. forget that it is registered: a push that touches it from now on registers it again,
 *       under the same id, in its own transaction;
 *    2. in one transaction with a snapshot taken after step 1: write its row of mimir.series_cold
 *       and delete its rows of mimir.series_active that the snapshot sees, unless a push has
 *       it pending (then its new row may or may not be seen);
 *    3. under the exclusive index lock: unlink it if still nobody came, else leave it: it is then
 *       both in the head and cold, under one id, which readers join;
 *    4. free the slot when no reader that may hold the reference is left.
 */
#include "postgres.h"

#include "store/flush.h"

#include "pg/guc.h"
#include "pg/stats.h"
#include "pg/time.h"
#include "store/head.h"
#include "store/serving.h"
#include "tables/relation.h"

#include "access/htup_details.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define EVICT_IDLE_MS	INT64CONST(3600000) /* half of Mimir's head: what is older is too old */
#define EVICT_EVERY_MS	INT64CONST(60000)	/* look this often, or at each flush interval */
#define EVICT_BATCH		65536				/* series a round */
#define EVICT_HOLD		1024				/* series unlinked under one hold of the lock */
#define EVICT_WORTH		0.02				/* part of the series worth a pass of the table */
#define EVICT_FULL_PART 0.5					/* of memory used: then any is worth it */

typedef struct Evicted
{
	int64 series_id; /* hash key */
	SeriesRef ref;
	bool take;
	bool was_registered;
} Evicted;

/* Dead series whose slots wait for readers; only the flusher knows them. */
static SeriesRef *limbo;
static int nlimbo;
static uint64 limbo_epoch;

void
store_forget_evicted(void)
{
	nlimbo = 0;
}

static bool
idle_locked(const HeadSeries *s)
{
	return s->pending == 0 && s->open == NULL && s->closed == NULL;
}

/* evict_free_limbo -- free what no reader can know any more; false: some are left. */
bool
evict_free_limbo(void)
{
	bool pinned;

	if (nlimbo == 0)
		return true;
	LWLockAcquire(&head->gen_lock, LW_EXCLUSIVE);
	pinned = head_pinned_before(limbo_epoch);
	LWLockRelease(&head->gen_lock);
	if (pinned)
		return false;
	while (nlimbo > 0)
	{
		int rest = Max(nlimbo - EVICT_HOLD, 0);

		LWLockAcquire(&head_index->lock, LW_EXCLUSIVE);
		while (nlimbo > rest)
			index_free_series(limbo[--nlimbo]);
		LWLockRelease(&head_index->lock);
	}
	return true;
}

/* What "newest" is for a tenant: see above. */
static int64
tenant_newest(IndexTenant *tenant, int64 now)
{
	int64 max_t = (int64) pg_atomic_read_u64(&tenant->max_t);
	int64 arrived = (int64) pg_atomic_read_u64(&tenant->arrived_ms);

	return arrived < now - EVICT_IDLE_MS ? Max(max_t, now) : max_t;
}

/* Step 1: the candidates. */
static int
candidates(Evicted *out)
{
	uint32 n = head_index->series.n;
	int64 now = time_now_ms();
	int found = 0;

	LWLockAcquire(&head_index->lock, LW_SHARED);
	for (SeriesRef ref = 1; ref < n && found < EVICT_BATCH; ref++)
	{
		HeadSeries *s = head_series(ref);
		int64 last;
		int64 newest;

		if (s->ix.pairs == NULL || s->ix.dead || !idle_locked(s))
			continue;
		last = s->recovered ? Max(s->applied_t, head->recovered_max_t) : s->applied_t;
		newest = tenant_newest(index_tenant(s->ix.tenant), now);
		if (last > newest - EVICT_IDLE_MS)
			continue;
		LWLockAcquire(head_stripe(ref), LW_EXCLUSIVE);
		if (idle_locked(s))
		{
			out[found].was_registered = s->registered;
			s->registered = false;
			out[found].series_id = s->ix.series_id;
			out[found].take = true;
			out[found++].ref = ref;
		}
		LWLockRelease(head_stripe(ref));
	}
	LWLockRelease(&head_index->lock);
	return found;
}

/* Not worth it after all.  A series whose first batch failed has no row: it stays unregistered. */
static void
restore_registered(const Evicted *ev, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (!ev[i].was_registered)
			continue;
		LWLockAcquire(head_stripe(ev[i].ref), LW_EXCLUSIVE);
		head_series(ev[i].ref)->registered = true;
		LWLockRelease(head_stripe(ev[i].ref));
	}
}

static void
write_cold(Evicted *ev, int n, HTAB *ids)
{
	Relation rel = tables_open("series_cold", RowExclusiveLock);
	CatalogIndexState indexes = CatalogOpenIndexes(rel);

	for (int i = 0; i < n; i++)
	{
		HeadSeries *s = head_series(ev[i].ref);
		int64 first;
		int64 last;
		bool had_samples;
		Labels labels;
		bytea *bytes;
		Datum values[5];
		bool nulls[5] = {0};

		LWLockAcquire(head_stripe(ev[i].ref), LW_SHARED);
		ev[i].take = idle_locked(s) && !s->registered;
		first = s->first_t;
		last = s->recovered ? Max(s->applied_t, head->recovered_max_t) : s->applied_t;
		had_samples = s->recovered || s->first_t <= s->applied_t;
		LWLockRelease(head_stripe(ev[i].ref));
		if (!ev[i].take)
			continue;
		hash_search(ids, &ev[i].series_id, HASH_ENTER, NULL);
		if (!had_samples)
			continue;
		labels = index_labels(ev[i].ref);
		bytes = palloc(VARHDRSZ + labels.len);
		SET_VARSIZE(bytes, VARHDRSZ + labels.len);
		memcpy(VARDATA(bytes), labels.data, labels.len);
		values[0] = Int32GetDatum((int32) index_tenant(s->ix.tenant)->tenant_id);
		values[1] = Int64GetDatum(ev[i].series_id);
		values[2] = Int64GetDatum(first);
		values[3] = Int64GetDatum(last);
		values[4] = PointerGetDatum(bytes);
		CatalogTupleInsertWithInfo(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls),
								   indexes);
	}
	CatalogCloseIndexes(indexes);
	table_close(rel, NoLock);
}

static void
delete_active(HTAB *ids)
{
	Relation rel = tables_open("series_active", RowExclusiveLock);
	TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool isnull;
		int64 id = DatumGetInt64(slot_getattr(slot, 2, &isnull));

		if (hash_search(ids, &id, HASH_FIND, NULL))
			simple_heap_delete(rel, &slot->tts_tid);
		CHECK_FOR_INTERRUPTS();
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	table_close(rel, NoLock);
}

/*
 * evict_unlink -- step 3: unlink those of n series, at most EVICT_BATCH, that nobody touched; they
 * wait in limbo, which must be empty, for their last readers.  Returns how many.
 */
int
evict_unlink(const SeriesRef *refs, int n)
{
	Assert(nlimbo == 0);
	n = Min(n, EVICT_BATCH);
	if (limbo == NULL)
		limbo = MemoryContextAlloc(TopMemoryContext, sizeof(SeriesRef) * EVICT_BATCH);
	for (int from = 0; from < n; from += EVICT_HOLD)
	{
		LWLockAcquire(&head_index->lock, LW_EXCLUSIVE);
		for (int i = from; i < Min(n, from + EVICT_HOLD); i++)
		{
			HeadSeries *s = head_series(refs[i]);

			if (s->registered || !idle_locked(s))
				continue;
			index_unlink_series(refs[i]);
			limbo[nlimbo++] = refs[i];
		}
		LWLockRelease(&head_index->lock);
	}
	LWLockAcquire(&head->gen_lock, LW_EXCLUSIVE);
	limbo_epoch = ++head->epoch;
	LWLockRelease(&head->gen_lock);
	return nlimbo;
}

static int
unlink_series(const Evicted *ev, int n)
{
	SeriesRef *refs = palloc(sizeof(SeriesRef) * Max(n, 1));
	int nrefs = 0;

	for (int i = 0; i < n; i++)
		if (ev[i].take)
			refs[nrefs++] = ev[i].ref;
	n = evict_unlink(refs, nrefs);
	pfree(refs);
	return n;
}

/* store_evict -- one round. */
void
store_evict(void)
{
	static int64 next_look;
	int64 now = time_now_ms();
	bool full = arena_used(head->arena) > arena_budget(head->arena) * EVICT_FULL_PART;
	HASHCTL ctl = {.keysize = sizeof(int64), .entrysize = sizeof(int64)};
	MemoryContext context = CurrentMemoryContext;
	Evicted *ev;
	HTAB *ids;
	int n;

	if (!evict_free_limbo() || (now < next_look && !full))
		return;
	next_look = now + Min(EVICT_EVERY_MS, (int64) mimir_flush_interval * 1000);

	ev = palloc(sizeof(Evicted) * EVICT_BATCH);
	n = candidates(ev);
	if (n == 0 || (!full && n < head_index->nseries * EVICT_WORTH))
	{
		restore_registered(ev, n);
		return;
	}
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	store_lock_extension();
	store_check_extension();
	MemoryContextSwitchTo(context);
	ctl.hcxt = context;
	ids = hash_create("mimir evicted series", n, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	write_cold(ev, n, ids);
	delete_active(ids);
	PopActiveSnapshot();
	CommitTransactionCommand();

	n = unlink_series(ev, n);
	stats_add(STAT_HEAD_SERIES_REMOVED, n);
	evict_free_limbo();
}
