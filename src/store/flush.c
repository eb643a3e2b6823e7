/*
 * flush.c
 *    Flush cycles.
 *
 * A cycle
 *    1. rotates: a row for the next generation is committed, then pushes go to it;
 *    2. waits until the pushes of the old one have ended and closes its open chunks;
 *    3. writes all its chunks, in order of tenant, metric, series and time, to the partitions of
 *       their days and marks the generation flushed, in one transaction: a crash before the
 *       commit replays the log, one after finds the blocks;
 *    4. raises the border between head and blocks, and frees the chunks that no reader needs.
 * It may be cut off anywhere by an error or a cancel: the next one first goes through 2 to 4 again
 * for what is rotated and not flushed.  So there are never more than two unflushed generations, but
 * for what a crash left.
 *
 * The log is truncated apart from it, as soon as nobody has the table locked.
 *
 * A cycle is due when the generation is older than mimir.flush_interval, when its log or the
 * head's memory grows past a part of the budget, or when somebody asks for it.  After a failure the
 * next waits, longer each time: a failed one leaves dead rows behind.
 */
#include "postgres.h"

#include "store/flush.h"

#include "pg/compat.h"
#include "pg/errmap.h"
#include "pg/guc.h"
#include "pg/stats.h"
#include "pg/time.h"
#include "store/block_table.h"
#include "store/chunk_table.h"
#include "store/head.h"
#include "store/log.h"
#include "store/serving.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "lib/sort_template.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define FLUSH_MEMORY_PART	0.6	 /* of the budget: flush early */
#define FLUSH_COLUMNS_MIN	4	 /* samples worth trying */
#define FLUSH_HISTOGRAM_MAX 3800 /* bytes a histogram chunk is cut at */
#define FLUSH_RETRY_MIN_MS	1000 /* after a failure; doubled at each */
#define FLUSH_RETRY_MAX_MS	30000

typedef struct FlushItem
{
	int32 day;
	TenantId tenant;
	ChunkKey key;
	int64 min_t;
	SeriesRef ref;
	const HeadChunk *chunk;
} FlushItem;

static uint64 cycle_asked; /* flush_asked when the running cycle began */
static int64 retry_at_ms;  /* not before that, unless somebody asks; 0 = the last one succeeded */
static int64 retry_ms;
static bool log_dirty[HEAD_LOG_SLOTS]; /* the slot's table may hold rows */

/* A transaction in the extension that the head was recovered from: it cannot be dropped now. */
static void
begin_transaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	store_lock_extension();
	store_check_extension();
}

static void
commit_transaction(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
}

static void
set_flusher(int procno)
{
	LWLockAcquire(&head->gen_lock, LW_EXCLUSIVE);
	head->flusher_procno = procno;
	LWLockRelease(&head->gen_lock);
}

void
store_shutdown(void)
{
	head_set_ready(false);
	set_flusher(-1);
	ConditionVariableBroadcast(&head->flush_cv);
}

void
store_startup(void)
{
	while (pg_atomic_read_u32(&head->followed) != 0)
	{
		/* promoted just now */
		pg_usleep(10000);
		CHECK_FOR_INTERRUPTS();
	}
	store_forget_evicted();
	store_recover();
	begin_transaction();
	block_tables_adopt();
	commit_transaction();
	memset(log_dirty, true, sizeof(log_dirty));
	retry_at_ms = 0;
	set_flusher(compat_my_proc_number());
	pg_atomic_write_u32(&head->recovery_failed, 0);
	head_set_ready(true);
}

void
store_startup_failed(void)
{
	pg_atomic_write_u32(&head->recovery_failed, 1);
}

/* ---- asking ----------------------------------------------------------------------------------- */

void
store_flush_request_and_wait(void)
{
	uint64 mine;
	bool done = false;
	bool failed = false;

	store_need();
	LWLockAcquire(&head->gen_lock, LW_EXCLUSIVE);
	mine = ++head->flush_asked;
	if (head->flusher_procno >= 0)
		SetLatch(&ProcGlobal->allProcs[head->flusher_procno].procLatch);
	LWLockRelease(&head->gen_lock);

	ConditionVariablePrepareToSleep(&head->flush_cv);
	for (;;)
	{
		bool gone;

		LWLockAcquire(&head->gen_lock, LW_SHARED);
		done = head->flush_done >= mine;
		failed = head->flush_failed;
		gone = head->flusher_procno < 0;
		LWLockRelease(&head->gen_lock);
		if (done)
			break;
		if (gone)
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("the flusher stopped before the flush was done")));
		ConditionVariableTimedSleep(&head->flush_cv, 1000, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	if (failed)
		ereport(ERROR, (errcode(ERRCODE_IO_ERROR), errmsg("could not flush the head"),
						errdetail("Nothing is lost; the server log has the reason."),
						errhint("The flush is tried again from time to time.")));
}

static void
tell_waiters(bool failed)
{
	LWLockAcquire(&head->gen_lock, LW_EXCLUSIVE);
	head->flush_done = cycle_asked;
	head->flush_failed = failed;
	LWLockRelease(&head->gen_lock);
	ConditionVariableBroadcast(&head->flush_cv);
}

void
store_flush_failed(void)
{
	stats_add(STAT_FLUSH_FAILURES, 1);
	retry_ms = retry_at_ms == 0 ? FLUSH_RETRY_MIN_MS : Min(retry_ms * 2, FLUSH_RETRY_MAX_MS);
	retry_at_ms = time_now_ms() + retry_ms;
	tell_waiters(true);
}

/* ---- a cycle ---------------------------------------------------------------------------------- */

static void
run_sql(const char *sql)
{
	SPI_connect();
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
	SPI_finish();
}

/* Commit a row for the next generation, then send pushes there. */
static void
rotate(void)
{
	uint32 next = head->gen + 1;

	begin_transaction();
	run_sql(psprintf("INSERT INTO mimir.generation (generation, state) VALUES (%u, 'open')"
					 " ON CONFLICT DO NOTHING",
					 next));
	commit_transaction();
	log_dirty[next % HEAD_LOG_SLOTS] = true;
	head_gen_rotate(next);
}

static inline int
flush_item_cmp(const FlushItem *a, const FlushItem *b)
{
	int c;

	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	if (a->tenant != b->tenant)
		return a->tenant < b->tenant ? -1 : 1;
	c = chunk_key_cmp(a->key, b->key);
	if (c != 0)
		return c;
	return a->min_t < b->min_t ? -1 : a->min_t > b->min_t;
}

#define ST_SORT			 sort_flush_items
#define ST_ELEMENT_TYPE	 FlushItem
#define ST_COMPARE(a, b) flush_item_cmp(a, b)
#define ST_SCOPE		 static
#define ST_DEFINE
#include "lib/sort_template.h"

static int32
day_of(int64 t)
{
	return (int32) (t >= 0 ? t / HEAD_DAY_MS : -((-t + HEAD_DAY_MS - 1) / HEAD_DAY_MS));
}

/* Chunks of generations up to gen that are in no block yet, sorted. */
static FlushItem *
collect(uint32 gen, uint32 from_gen, uint64 *nitems)
{
	uint64 n = 0;
	uint64 cap = 1024;
	FlushItem *items = palloc(sizeof(FlushItem) * cap);
	uint32 nseries = head_index->series.n;

	for (SeriesRef ref = 1; ref < nseries; ref++)
	{
		HeadSeries *s = head_series(ref);
		LWLock *stripe = head_stripe(ref);
		ChunkKey key = {0, 0};

		if (s->closed == NULL)
			continue;
		LWLockAcquire(stripe, LW_SHARED);
		for (const HeadChunk *c = s->closed; c != NULL; c = c->next)
		{
			FlushItem *it;

			if (c->gen < from_gen || c->gen > gen)
				continue;
			if (key.series == 0)
			{
				key.series = s->ix.series_id;
				key.metric = chunk_metric_key(
					index_label_value(ref, strview(LABELS_NAME, strlen(LABELS_NAME))));
			}
			if (n == cap)
				items = repalloc_huge(items, sizeof(FlushItem) * (cap *= 2));
			it = &items[n++];
			it->day = day_of(c->min_t);
			it->tenant = index_tenant(s->ix.tenant)->tenant_id;
			it->key = key;
			it->min_t = c->min_t;
			it->ref = ref;
			it->chunk = c;
		}
		LWLockRelease(stripe);
		if (ref % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
	}
	sort_flush_items(items, n);
	*nitems = n;
	return items;
}

/* The samples of a raw histogram chunk, encoded as Prometheus' chunks. */
static void
write_histograms(ChunkWriter *w, const FlushItem *it, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	const HeadChunk *c = it->chunk;
	HistogramSample *samples;
	Err err = ERR_INIT;
	ChunkBytes *chunks;
	int n = chunk_raw_histogram_decode(c->data, c->len, c->count, &samples, &err);
	int nchunks;

	if (n < 0)
		errmap_raise(&err);
	nchunks = chunk_histogram_encode(samples, n, FLUSH_HISTOGRAM_MAX, &chunks);
	for (int i = 0; i < nchunks; i++)
	{
		StoreChunk out = {.min_t = chunks[i].min_t,
						  .max_t = chunks[i].max_t,
						  .encoding = chunks[i].encoding,
						  .count = chunks[i].count,
						  .data = chunks[i].data,
						  .len = (uint32) chunks[i].len};

		chunk_writer_add(w, it->tenant, it->key, &out);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(context);
}

/* What an XOR chunk holds as columns, if that is smaller. */
static void
write_floats(ChunkWriter *w, const FlushItem *it, StoreChunk *out, MemoryContext context)
{
	static int64 t[CHUNK_MAX_SAMPLES];
	static double v[CHUNK_MAX_SAMPLES];
	MemoryContext old = MemoryContextSwitchTo(context);
	Err err = ERR_INIT;
	int n = chunk_xor_decode(out->data, out->len, t, v, CHUNK_MAX_SAMPLES, &err);
	Buf columns;

	if (n < 0)
		errmap_raise(&err);
	if (n >= FLUSH_COLUMNS_MIN)
	{
		buf_init(&columns, 2048, MaxAllocSize / 2);
		chunk_columns_encode(t, v, n, &columns);
		if (columns.len < out->len)
		{
			out->encoding = CHUNK_COLUMNS;
			out->data = (const uint8 *) columns.data;
			out->len = columns.len;
		}
	}
	chunk_writer_add(w, it->tenant, it->key, out);
	MemoryContextSwitchTo(old);
	MemoryContextReset(context);
}

static void
write_item(ChunkWriter *w, const FlushItem *it, MemoryContext scratch)
{
	const HeadChunk *c = it->chunk;
	StoreChunk out = {.min_t = c->min_t,
					  .max_t = c->max_t,
					  .encoding = c->encoding,
					  .count = c->count,
					  .data = c->data,
					  .len = c->len};

	if (c->encoding == CHUNK_RAW_HISTOGRAM)
		write_histograms(w, it, scratch);
	else
		write_floats(w, it, &out, scratch);
}

/*
 * Write all chunks of generations from..to and mark them flushed.  Nobody changes closed
 * chunks, so they are read without locks.
 */
static void
flush_generations(uint32 from, uint32 to)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext scratch =
		AllocSetContextCreate(context, "mimir flush histograms", ALLOCSET_DEFAULT_SIZES);
	uint64 n;
	FlushItem *items = collect(to, from, &n);
	ChunkWriter *w = NULL;
	ChunkTotals sum = {0};
	int block = 0;

	for (uint64 i = 0; i < n; i++)
	{
		if (i > 0 && items[i].day == items[i - 1].day)
			continue;
		begin_transaction();
		chunk_partition_ensure(items[i].day);
		commit_transaction();
	}

	begin_transaction();
	MemoryContextSwitchTo(context);
	for (uint64 i = 0; i <= n; i++)
	{
		if (w != NULL && (i == n || items[i].day != items[i - 1].day))
		{
			ChunkTotals t = chunk_writer_end(w, to);

			sum.chunks += t.chunks;
			sum.samples += t.samples;
			sum.bytes += t.bytes;
			w = NULL;
		}
		if (i == n)
			break;
		if (w == NULL)
		{
			/* again: it keeps the partition from being dropped as unused */
			chunk_partition_ensure(items[i].day);
			MemoryContextSwitchTo(context);
			w = chunk_writer_begin(items[i].day, ((int64) to << 16) | block++);
		}
		write_item(w, &items[i], scratch);
	}
	run_sql(psprintf("UPDATE mimir.generation SET state = 'flushed', flushed_at = now(),"
					 " nsamples = %lld WHERE generation BETWEEN %u AND %u",
					 (long long) sum.samples, from, to));
	run_sql(psprintf("DELETE FROM mimir.generation WHERE state = 'flushed' AND generation < %u",
					 to > 100 ? to - 100 : 0));
	HOLD_INTERRUPTS();
	commit_transaction();
	head_gen_flushed(to);
	RESUME_INTERRUPTS();
	stats_add(STAT_FLUSHES, 1);
	stats_add(STAT_FLUSHED_CHUNKS, sum.chunks);
	stats_add(STAT_FLUSHED_BYTES, sum.bytes);
}

/* Flush what is rotated. */
static void
flush_rotated(void)
{
	uint32 to = head->gen - 1;

	if (head->min_gen > to)
		return;
	for (uint32 gen = head->min_gen; gen <= to; gen++)
		head_gen_wait_drained(gen);
	head_close_chunks(to);
	flush_generations(head->min_gen, to);
}

static bool
cycle_due(void)
{
	HeadGen *g = head_gen(head->gen);
	Size budget = arena_budget(head->arena);
	bool asked;

	LWLockAcquire(&head->gen_lock, LW_SHARED);
	asked = head->flush_asked > head->flush_done;
	cycle_asked = head->flush_asked;
	LWLockRelease(&head->gen_lock);
	if (asked)
		return true;
	if (time_now_ms() < retry_at_ms)
		return false;
	if (head->min_gen < head->gen)
		return true;
	if (pg_atomic_read_u64(&g->log_bytes) == 0)
		return false;
	return time_now_ms() - g->opened_ms >= (int64) mimir_flush_interval * 1000 ||
		   arena_used(head->arena) > budget * FLUSH_MEMORY_PART ||
		   pg_atomic_read_u64(&g->log_bytes) > (uint64) budget;
}

void
store_flush(void)
{
	head_free_flushed();
	if (!cycle_due())
		return;
	flush_rotated(); /* of a cycle that was cut off, or from before the start */
	rotate();
	flush_rotated();
	retry_at_ms = 0;
	tell_waiters(false);
	head_free_flushed();
}

/* May an unflushed generation have rows in the slot? */
static bool
slot_in_use(uint32 slot)
{
	for (uint32 gen = head->min_gen; gen <= head->gen; gen++)
		if (gen % HEAD_LOG_SLOTS == slot)
			return true;
	return false;
}

void
store_truncate_logs(void)
{
	for (uint32 slot = 0; slot < HEAD_LOG_SLOTS; slot++)
	{
		if (!log_dirty[slot] || slot_in_use(slot))
			continue;
		begin_transaction();
		log_dirty[slot] = !log_is_empty(slot) && !log_truncate(slot);
		commit_transaction();
	}
}

void
store_report(void)
{
	stats_set(STAT_HEAD_BYTES, arena_used(head->arena));
	stats_set(STAT_HEAD_SERIES, head_index->nseries);
}
