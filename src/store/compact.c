/*
 * compact.c
 *    Days of flushed blocks become one compacted block each.
 *
 * A day is due when it is over and has blocks of flushes: all of them, and the block that was
 * compacted from earlier ones, become a new block.  The current day is due when its blocks are
 * so many that readers feel them.  One transaction makes the block and removes the rows of its
 * sources; the sources' tables stay until no snapshot is left that knows them
 * (compact_drop.c).
 *
 * Only generations that have left the head are taken: a reader leaves out blocks of generations
 * that it reads in the head, and every pin reaches at most back to the oldest of these.
 *
 * Work is done in batches of series in label order.  For a batch the chunks of each source are
 * fetched in the source's own order, then each series is merged and written.  After a batch the
 * compactor sleeps so long that it takes mimir.compaction_cpu percent of a core, unless somebody
 * waits for it.
 *
 * Memory: the labels of a part's series, the chunks of a batch.
 */
#include "postgres.h"

#include "store/compact.h"

#include "pg/errmap.h"
#include "pg/guc.h"
#include "pg/stats.h"
#include "pg/time.h"
#include "store/compact_series.h"
#include "store/flush.h"
#include "store/head.h"
#include "store/retention.h"
#include "store/tombstone.h"
#include "tables/relation.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "storage/latch.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define TICK_MS			 10000
#define GRACE_MS		 INT64CONST(1800000) /* a day rests so long after its end */
#define DUE_BLOCKS		 32					 /* flushes of a day that are too many to read */
#define DUE_PART		 20					 /* of a compacted block's samples, that came late */
#define BATCH_SERIES	 512
#define HISTOGRAM_MAX	 3800				 /* bytes a histogram chunk is cut at */
#define TOMBSTONE_MS	 INT64CONST(3600000) /* a deletion waits so long for others */
#define WAIT_FOR_HEAD_MS 5000 /* a full round: for flushed generations to leave the head */

typedef struct CompactSource
{
	int64 block_id;
	int64 generation;
} CompactSource;

/* One day's work. */
typedef struct CompactJob
{
	int32 day;
	int64 mint, maxt; /* of the day, ms */
	int nflushed;	  /* blocks of flushes */
	CompactSource *flushed;
	int nold; /* compacted blocks */
	CompactSource *old;
	uint32 gen;		 /* newest of all */
	int64 tombstone; /* newest of all tenants */
	bool hurry;		 /* somebody waits */
	Snapshot snapshot;
	MemoryContext context;
	BlockWriter *writer;

	/* of the tenant at hand */
	TenantId tenant;
	ChunkReader **readers; /* of flushed */
	int nparts;			   /* of old */
	BlockReader **parts;
	SampleRun all, chunk;
	Tombstones *tombstones;
	int64 cutoff; /* of the tenant's retention, ms */
	MemoryContext batch;
	MemoryContext histograms;
} CompactJob;

static void
begin_transaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit_transaction(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/* ---- what is due ------------------------------------------------------------------------------- */

static uint32
min_head_gen(void)
{
	uint32 gen;

	LWLockAcquire(&head->gen_lock, LW_SHARED);
	gen = head->free_gen;
	LWLockRelease(&head->gen_lock);
	return gen;
}

/* The first day after a given one that is due; false: none. */
static bool
next_due_day(int64 after, bool full, int32 *day)
{
	uint32 min_gen = min_head_gen();
	const char *all = full ? "true" : "false";
	uint64 n;

	begin_transaction();
	SPI_connect();
	if (SPI_execute(
			psprintf("SELECT day FROM (SELECT day,"
					 " count(*) FILTER (WHERE level = 1) AS n,"
					 " count(*) FILTER (WHERE level = 2) AS blocks,"
					 " coalesce(sum(nsamples) FILTER (WHERE level = 1), 0) AS samples,"
					 " coalesce(sum(nsamples) FILTER (WHERE level = 2), 0) AS old,"
					 " bool_or(EXISTS (SELECT FROM mimir.tombstone t WHERE b.level = 2"
					 "   AND t.tombstone_id > b.tombstone AND t.generation < %u"
					 "   AND t.min_time <= b.max_time AND t.max_time >= b.min_time"
					 "   AND (%s OR t.created_at < now() - interval '%lld ms'))) AS deleted"
					 " FROM mimir.block b WHERE level = 2 OR generation < %u GROUP BY day) d"
					 " WHERE day > %lld AND (deleted OR blocks > 1 AND n = 0 OR n > 0 AND (%s OR n "
					 ">= %d OR"
					 " ((day + 1) * 86400000::bigint + %lld < %lld AND samples * %d >= old)))"
					 " ORDER BY day LIMIT 1",
					 min_gen, all, (long long) TOMBSTONE_MS, min_gen, (long long) after, all,
					 DUE_BLOCKS, (long long) GRACE_MS, (long long) time_now_ms(), DUE_PART),
			true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look for days to compact");
	n = SPI_processed;
	if (n > 0)
	{
		bool isnull;

		*day =
			DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_finish();
	commit_transaction();
	return n > 0;
}

static void
find_sources(CompactJob *job)
{
	MemoryContext old = CurrentMemoryContext;

	SPI_connect();
	if (SPI_execute(psprintf("SELECT block_id, generation, level FROM mimir.block"
							 " WHERE day = %d AND (level = 2 OR generation < %u) ORDER BY 1",
							 job->day, min_head_gen()),
					true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not list the blocks of a day");
	job->flushed = MemoryContextAlloc(old, sizeof(CompactSource) * (SPI_processed + 1));
	job->old = MemoryContextAlloc(old, sizeof(CompactSource) * (SPI_processed + 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		bool isnull;
		CompactSource s = {
			.block_id = DatumGetInt64(SPI_getbinval(row, desc, 1, &isnull)),
			.generation = DatumGetInt64(SPI_getbinval(row, desc, 2, &isnull)),
		};

		if (DatumGetInt32(SPI_getbinval(row, desc, 3, &isnull)) == 1)
			job->flushed[job->nflushed++] = s;
		else
			job->old[job->nold++] = s;
		job->gen = Max(job->gen, (uint32) s.generation);
	}
	SPI_finish();
}

/* The smallest tenant above a given one with data in a source; 0: none. */
static TenantId
next_tenant(const CompactJob *job, TenantId after)
{
	TenantId next = 0;

	SPI_connect();
	for (int i = 0; i < job->nflushed + job->nold; i++)
	{
		bool flushed = i < job->nflushed;
		const CompactSource *s = flushed ? &job->flushed[i] : &job->old[i - job->nflushed];
		bool isnull;
		Datum v;

		if (SPI_execute(psprintf("SELECT min(tenant_id) FROM mimir.%s"
								 " WHERE block_id = %lld AND tenant_id > %u",
								 flushed ? psprintf("chunk_data_%d", job->day) : "block_tenant",
								 (long long) s->block_id, after),
						true, 1) != SPI_OK_SELECT ||
			SPI_processed != 1)
			elog(ERROR, "could not list the tenants of a block");
		v = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
		if (!isnull && (next == 0 || (TenantId) DatumGetInt32(v) < next))
			next = (TenantId) DatumGetInt32(v);
	}
	SPI_finish();
	return next;
}

/* ---- a batch ----------------------------------------------------------------------------------- */

/* An id with the chunks it has in the sources. */
typedef struct BatchItem
{
	const CompactSeries *series;
	StoreChunk *chunks;
	int n, cap;
} BatchItem;

static int
cmp_items_by_key(const void *a, const void *b)
{
	return chunk_key_cmp((*(BatchItem *const *) a)->series->key,
						 (*(BatchItem *const *) b)->series->key);
}

static void
fetch_flushed(CompactJob *job, BatchItem *items, int n)
{
	BatchItem **order = palloc(sizeof(BatchItem *) * n);

	for (int i = 0; i < n; i++)
		order[i] = &items[i];
	qsort(order, n, sizeof(BatchItem *), cmp_items_by_key);
	for (int b = 0; b < job->nflushed; b++)
		for (int i = 0; i < n; i++)
		{
			BatchItem *it = order[i];

			/* rows of a series may stand twice */
			if (i > 0 && it->series->key.series == order[i - 1]->series->key.series)
				continue;
			chunk_reader_get(job->readers[b], it->series->key, PG_INT64_MIN, PG_INT64_MAX,
							 &it->chunks, &it->n, &it->cap);
		}
	pfree(order);
}

static void
fetch_old(CompactJob *job, BatchItem *it)
{
	BlockReader *r = job->parts[it->series->reader];
	BlockSeries bs;
	Err err = ERR_INIT;

	if (!block_index_series(block_reader_index(r), it->series->ordinal, &bs, &err))
		block_reader_raise(r, &err);
	if (it->n + bs.nchunks > it->cap)
	{
		it->cap = it->n + bs.nchunks;
		it->chunks = it->chunks ? repalloc(it->chunks, sizeof(StoreChunk) * it->cap)
								: palloc(sizeof(StoreChunk) * it->cap);
	}
	for (int i = 0; i < bs.nchunks; i++)
		block_reader_chunk(r, &bs.chunks[i], &it->chunks[it->n++]);
}

static int
cmp_chunks(const void *a, const void *b)
{
	const StoreChunk *x = a;
	const StoreChunk *y = b;

	return x->min_t < y->min_t ? -1 : x->min_t > y->min_t;
}

static void
corrupt_series(const CompactJob *job, const CompactSeries *s, const Err *err)
{
	Buf text;

	buf_init(&text, 256, 4096);
	labels_text(&text, s->labels);
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("%s", err->msg),
					errdetail("Tenant %u, day %d, series %lld %s.", job->tenant, job->day,
							  (long long) s->key.series, text.data)));
}

/* A histogram chunk without the samples in the intervals; usually it is none of their business. */
static void
keep_histograms(CompactJob *job, const StoreChunk *c, const TimeInterval *gone, int ngone,
				StoreChunk **out, int *n, int *cap)
{
	bool touched = false;
	HistogramSample *samples;
	ChunkBytes *chunks;
	Err err = ERR_INIT;
	int count;
	int kept = 0;
	int nchunks;

	for (int i = 0; i < ngone; i++)
		touched |= c->min_t <= gone[i].max_t && c->max_t >= gone[i].min_t;
	count = touched ? chunk_histogram_decode(c->encoding, c->data, c->len, &samples, &err) : 0;
	if (count < 0)
		errmap_raise(&err);
	for (int i = 0; i < count; i++)
	{
		bool deleted = false;

		for (int k = 0; k < ngone; k++)
			deleted |= samples[i].t >= gone[k].min_t && samples[i].t <= gone[k].max_t;
		if (!deleted)
			samples[kept++] = samples[i];
	}
	nchunks = !touched	  ? 1
			  : kept == 0 ? 0
						  : chunk_histogram_encode(samples, kept, HISTOGRAM_MAX, &chunks);
	if (*n + nchunks > *cap)
	{
		*cap = (*n + nchunks) * 2;
		*out = *out ? repalloc(*out, sizeof(StoreChunk) * *cap) : palloc(sizeof(StoreChunk) * *cap);
	}
	for (int i = 0; i < nchunks; i++)
		(*out)[(*n)++] = !touched ? *c
								  : (StoreChunk){.min_t = chunks[i].min_t,
												 .max_t = chunks[i].max_t,
												 .encoding = chunks[i].encoding,
												 .count = chunks[i].count,
												 .data = chunks[i].data,
												 .len = (uint32) chunks[i].len};
}

/* What is not to be written: tombstones of the series, and what is too old to be kept. */
static int
gone_intervals(const CompactJob *job, Labels labels, TimeInterval **out)
{
	int n = tombstones_of(job->tombstones, labels, out);

	if (job->cutoff <= job->mint)
		return n;
	*out = *out ? repalloc(*out, sizeof(TimeInterval) * (n + 1)) : palloc(sizeof(TimeInterval));
	(*out)[n] = (TimeInterval){PG_INT64_MIN, job->cutoff - 1};
	return n + 1;
}

/* Merge the chunks of one label set and write it; returns its samples. */
static int64
write_series(CompactJob *job, BatchItem *items, int n)
{
	StoreChunk *chunks;
	StoreChunk *histograms = NULL;
	TimeInterval *gone;
	int ngone;
	int nchunks = 0;
	int nhistograms = 0;
	int cap_histograms = 0;
	int at = 0;
	int64 samples;
	Err err = ERR_INIT;

	for (int i = 0; i < n; i++)
		nchunks += items[i].n;
	if (nchunks == 0)
		return 0;
	chunks = palloc(sizeof(StoreChunk) * nchunks);
	ngone = gone_intervals(job, items[0].series->labels, &gone);
	for (int i = 0; i < n; i++)
		for (int k = 0; k < items[i].n; k++)
			chunks[at++] = items[i].chunks[k];
	qsort(chunks, nchunks, sizeof(StoreChunk), cmp_chunks);

	job->all.n = 0;
	MemoryContextSwitchTo(job->context);
	for (int i = 0; i < nchunks; i++)
	{
		const StoreChunk *c = &chunks[i];
		bool ok;

		if (c->encoding == STORE_CHUNK_COLUMN)
			ok = sample_run_decode_column(&job->chunk, c->times, c->count, c->data, c->len,
										  PG_INT64_MIN, PG_INT64_MAX, &err);
		else if (c->encoding == CHUNK_XOR || c->encoding == CHUNK_COLUMNS)
			ok = sample_run_decode(&job->chunk, c->encoding, c->data, c->len, c->count,
								   (MemScope *) job->histograms, &err);
		else
		{
			MemoryContextSwitchTo(job->batch);
			keep_histograms(job, c, gone, ngone, &histograms, &nhistograms, &cap_histograms);
			MemoryContextSwitchTo(job->context);
			continue;
		}
		if (!ok)
			corrupt_series(job, items[0].series, &err);
		sample_run_merge(&job->all, &job->chunk);
	}
	MemoryContextSwitchTo(job->batch);
	tombstones_apply(gone, ngone, &job->all);
	samples = job->all.n;
	for (int i = 0; i < nhistograms; i++)
		samples += histograms[i].count;
	block_writer_add(job->writer, items[n - 1].series->key.series, items[0].series->labels,
					 &job->all, histograms, nhistograms);
	return samples;
}

static void
rest(const CompactJob *job, instr_time begun)
{
	instr_time now;
	double worked_ms;
	double sleep_ms;

	if (job->hurry || mimir_compaction_cpu >= 100)
		return;
	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, begun);
	worked_ms = INSTR_TIME_GET_MILLISEC(now);
	sleep_ms = worked_ms * (100 - mimir_compaction_cpu) / mimir_compaction_cpu;
	if (sleep_ms < 1)
		return;
	/* not by the latch: a request sets it, and is looked at after this block */
	pg_usleep((long) (Min(sleep_ms, 1000) * 1000));
	CHECK_FOR_INTERRUPTS();
}

static void
do_batch(CompactJob *job, const CompactSeries *series, int n)
{
	MemoryContext old = MemoryContextSwitchTo(job->batch);
	BatchItem *items = palloc0(sizeof(BatchItem) * n);
	int64 samples = 0;
	instr_time begun;

	INSTR_TIME_SET_CURRENT(begun);
	for (int p = 0; p < job->nparts; p++)
		block_reader_trim(job->parts[p]);
	for (int i = 0; i < n; i++)
		items[i].series = &series[i];
	fetch_flushed(job, items, n);
	for (int i = 0; i < n; i++)
		if (items[i].series->reader >= 0)
			fetch_old(job, &items[i]);
	for (int i = 0; i < n;)
	{
		int next = i + 1;

		while (next < n && labels_equal(series[next].labels, series[i].labels))
			next++;
		samples += write_series(job, &items[i], next - i);
		i = next;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(job->batch);
	MemoryContextReset(job->histograms);
	compact_progress_add(n, samples, block_writer_bytes(job->writer));
	CHECK_FOR_INTERRUPTS();
	rest(job, begun);
}

/* ---- a tenant ---------------------------------------------------------------------------------- */

static void
do_part(CompactJob *job, int part, int nparts)
{
	MemoryContext context =
		AllocSetContextCreate(job->context, "mimir compact series", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CompactSeriesList list;

	compact_series_list(job->tenant, job->mint, job->maxt, job->parts, job->nparts, part, nparts,
						job->snapshot, &list);
	block_writer_begin_part(job->writer, job->tenant, part);
	for (int64 from = 0; from < list.n;)
	{
		int64 to = Min(from + BATCH_SERIES, list.n);

		/* a label set is never cut */
		while (to < list.n && labels_equal(list.items[to].labels, list.items[to - 1].labels))
			to++;
		do_batch(job, &list.items[from], (int) (to - from));
		from = to;
	}
	block_writer_end_part(job->writer);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static void
open_sources(CompactJob *job)
{
	job->readers = palloc(sizeof(ChunkReader *) * (job->nflushed + 1));
	for (int i = 0; i < job->nflushed; i++)
		job->readers[i] =
			chunk_reader_begin(job->day, job->flushed[i].block_id, job->tenant, 2, job->snapshot);
	job->nparts = 0;
	job->parts = NULL;
	for (int i = 0; i < job->nold; i++)
	{
		BlockPart *parts;
		int n = block_parts_of(job->old[i].block_id, job->snapshot, &parts);

		job->parts = job->parts ? repalloc(job->parts, sizeof(BlockReader *) * (job->nparts + n))
								: palloc(sizeof(BlockReader *) * (n + 1));
		for (int k = 0; k < n; k++)
			if (parts[k].tenant == job->tenant)
				job->parts[job->nparts++] = block_reader_open(&parts[k], job->snapshot);
	}
}

static void
close_sources(CompactJob *job)
{
	for (int i = 0; i < job->nflushed; i++)
		chunk_reader_end(job->readers[i]);
	for (int i = 0; i < job->nparts; i++)
		block_reader_close(job->parts[i]);
}

static void
do_tenant(CompactJob *job)
{
	int64 n;
	int nparts;

	open_sources(job);
	job->tombstones = tombstones_load(job->tenant, job->mint, job->maxt, job->snapshot);
	job->tombstone = Max(job->tombstone, tombstones_newest(job->tombstones));
	job->cutoff = retention_cutoff(job->tenant);
	n = compact_series_count(job->tenant, job->mint, job->maxt, job->parts, job->nparts,
							 job->snapshot);
	nparts = (int) (n / BLOCK_MAX_PART_SERIES) + 1;
	compact_progress_tenant(job->tenant, n);
	for (int part = 0; part < nparts; part++)
		do_part(job, part, nparts);
	close_sources(job);
}

/* ---- a day ------------------------------------------------------------------------------------- */

static void
run_sql(const char *sql)
{
	SPI_connect();
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
	SPI_finish();
	CommandCounterIncrement();
}

static void
remove_sources(const CompactJob *job)
{
	for (int i = 0; i < job->nflushed; i++)
		run_sql(psprintf("DELETE FROM mimir.block WHERE level = 1 AND block_id = %lld",
						 (long long) job->flushed[i].block_id));
	for (int i = 0; i < job->nold; i++)
		run_sql(psprintf("DELETE FROM mimir.block WHERE level = 2 AND block_id = %lld;"
						 "DELETE FROM mimir.block_tenant WHERE block_id = %lld",
						 (long long) job->old[i].block_id, (long long) job->old[i].block_id));
	/* series that left the head, and of which no block of a flush can know any more */
	run_sql("DELETE FROM mimir.series_cold c WHERE NOT EXISTS (SELECT FROM mimir.block b"
			" WHERE b.level = 1 AND b.min_time <= c.max_time AND b.max_time >= c.min_time)");
}

static void
compact_day(int32 day, bool hurry)
{
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "mimir compaction", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CompactJob job = {.day = day,
					  .mint = (int64) day * HEAD_DAY_MS,
					  .maxt = ((int64) day + 1) * HEAD_DAY_MS - 1,
					  .hurry = hurry,
					  .context = context};
	BlockTotals totals;

	PG_TRY();
	{
		begin_transaction();
		MemoryContextSwitchTo(context);
		job.snapshot = GetActiveSnapshot();
		job.batch = AllocSetContextCreate(context, "mimir compact batch", ALLOCSET_DEFAULT_SIZES);
		job.histograms =
			AllocSetContextCreate(context, "mimir compact histograms", ALLOCSET_DEFAULT_SIZES);
		find_sources(&job);
		if (job.nflushed + job.nold > 0)
		{
			compact_progress_begin(day);
			job.writer = block_writer_begin(block_next_id());
			while ((job.tenant = next_tenant(&job, job.tenant)) != 0)
				do_tenant(&job);
			totals = block_writer_end(job.writer, day, job.gen, job.tombstone);
			remove_sources(&job);
		}
		commit_transaction();
		compact_drop_forget(day);
		if (job.nflushed + job.nold > 0)
			compact_progress_end(totals.series > 0, job.nflushed + job.nold);
	}
	PG_FINALLY();
	{
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
	}
	PG_END_TRY();
	stats_add(STAT_COMPACTIONS, job.nflushed + job.nold > 0);
}

/* ---- the loop ---------------------------------------------------------------------------------- */

/* Generations that were flushed before a full round was asked for shall be in it. */
static void
wait_for_head(void)
{
	for (int waited = 0; waited < WAIT_FOR_HEAD_MS; waited += 50)
	{
		bool flushed;

		LWLockAcquire(&head->gen_lock, LW_SHARED);
		flushed = head->free_gen < head->min_gen;
		LWLockRelease(&head->gen_lock);
		if (!flushed)
			return;
		pg_usleep(50000);
		CHECK_FOR_INTERRUPTS();
	}
}

static uint64 round_upto;

/* store_compact_failed -- the worker caught an error of the tick. */
void
store_compact_failed(void)
{
	stats_add(STAT_COMPACTION_FAILURES, 1);
	compact_round_end(round_upto, true);
}

long
store_compact_tick(void)
{
	int64 after = PG_INT32_MIN;
	bool asked;
	bool full;
	int32 day;

	compact_round_begin(&asked, &full, &round_upto);
	if (full)
		wait_for_head();
	while (next_due_day(after, full, &day))
	{
		compact_day(day, asked);
		after = day;
	}
	retention_apply();
	tombstones_retire();
	compact_drop_unused();
	if (asked)
		compact_round_end(round_upto, false);
	return TICK_MS;
}
