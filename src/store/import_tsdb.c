/*
 * import_tsdb.c
 *    A TSDB block of Prometheus becomes blocks of ours, one a day.
 *
 * The index is walked once for each day that the block covers; a chunk is looked at in the days that
 * its times touch.  Floats are merged, cut at midnight and encoded as columns; histogram chunks that
 * lie in one day and lose nothing are kept byte for byte.
 *
 * What was imported is noted in mimir.imported_block by its ULID: an import that was broken off can
 * be called again and goes on with the block that it broke off in.
 */
#include "postgres.h"

#include "store/import.h"

#include "pg/errmap.h"
#include "store/backfill.h"
#include "store/head.h"
#include "store/tombstone.h"
#include "store/tsdb_files.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define HISTOGRAM_MAX 3800 /* bytes a histogram chunk is cut at */
#define TELL_EVERY	  100000

typedef struct ImportDay
{
	int64 mint, maxt; /* ms, both of the day */
	MemoryContext context;
	MemoryContext series; /* reset for each series */
	SampleRun all, chunk;
	StoreChunk *histograms;
	int nhistograms, cap_histograms;
	bool touched; /* a chunk had samples outside the day, or deleted ones */
} ImportDay;

static void
keep_histogram(ImportDay *day, const StoreChunk *c)
{
	if (day->nhistograms == day->cap_histograms)
	{
		day->cap_histograms = Max(16, day->cap_histograms * 2);
		day->histograms = day->histograms
							  ? repalloc(day->histograms, sizeof(StoreChunk) * day->cap_histograms)
							  : palloc(sizeof(StoreChunk) * day->cap_histograms);
	}
	day->histograms[day->nhistograms++] = *c;
}

static bool
is_gone(const ImportDay *day, const TsdbBlockSeries *s, int64 t)
{
	if (t < day->mint || t > day->maxt)
		return true;
	for (int i = 0; i < s->n_deleted; i++)
		if (t >= s->deleted[i].min_t && t <= s->deleted[i].max_t)
			return true;
	return false;
}

/* A histogram chunk: as it is if all of it belongs to the day, else what does, encoded anew. */
static void
add_histograms(ImportDay *day, const TsdbBlockSeries *s, const TsdbChunk *c)
{
	Err err = ERR_INIT;
	HistogramSample *samples;
	ChunkBytes *chunks;
	int n = chunk_histogram_decode(c->encoding, c->data, c->len, &samples, &err);
	int kept = 0;

	if (n < 0)
		errmap_raise(&err);
	for (int i = 0; i < n; i++)
		if (!is_gone(day, s, samples[i].t))
			samples[kept++] = samples[i];
	if (kept == n && n > 0)
	{
		StoreChunk whole = {.min_t = samples[0].t,
							.max_t = samples[n - 1].t,
							.encoding = c->encoding,
							.count = n,
							.data = c->data,
							.len = (uint32) c->len};

		keep_histogram(day, &whole);
		return;
	}
	n = kept > 0 ? chunk_histogram_encode(samples, kept, HISTOGRAM_MAX, &chunks) : 0;
	for (int i = 0; i < n; i++)
	{
		StoreChunk part = {.min_t = chunks[i].min_t,
						   .max_t = chunks[i].max_t,
						   .encoding = chunks[i].encoding,
						   .count = chunks[i].count,
						   .data = chunks[i].data,
						   .len = (uint32) chunks[i].len};

		keep_histogram(day, &part);
	}
}

static void
add_floats(ImportDay *day, const TsdbChunk *c)
{
	Err err = ERR_INIT;
	MemoryContext old = MemoryContextSwitchTo(day->context);
	bool ok = sample_run_decode(&day->chunk, c->encoding, c->data, c->len,
								chunk_count(c->data, c->len), (MemScope *) day->series, &err);

	if (!ok)
		errmap_raise(&err);
	sample_run_merge(&day->all, &day->chunk);
	MemoryContextSwitchTo(old);
}

static void
trim(ImportDay *day, const TsdbBlockSeries *s)
{
	int kept = 0;

	for (int i = 0; i < day->all.n; i++)
		if (!is_gone(day, s, day->all.t[i]))
		{
			day->all.t[kept] = day->all.t[i];
			day->all.v[kept++] = day->all.v[i];
		}
	day->all.n = kept;
}

static void
import_series(ImportDay *day, TsdbBlock *block, const TsdbBlockSeries *s, Backfill *b)
{
	MemoryContext old = MemoryContextSwitchTo(day->series);
	TsdbBlockChunk c;
	Err err = ERR_INIT;
	int got;

	day->all.n = 0;
	day->nhistograms = day->cap_histograms = 0;
	day->histograms = NULL;
	while ((got = tsdb_block_next_chunk(block, &c, &err)) == 1)
	{
		if (c.max_t < day->mint || c.min_t > day->maxt)
			continue;
		if (c.chunk.encoding == CHUNK_XOR)
			add_floats(day, &c.chunk);
		else
			add_histograms(day, s, &c.chunk);
	}
	if (got < 0)
		errmap_raise(&err);
	trim(day, s);
	backfill_add(b, s->labels, &day->all, day->histograms, day->nhistograms);
	MemoryContextSwitchTo(old);
	MemoryContextReset(day->series);
}

static int64
import_day(const TsdbBlockFiles *files, TenantId tenant, int32 number)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir import day", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ImportDay day = {.mint = (int64) number * HEAD_DAY_MS,
					 .maxt = ((int64) number + 1) * HEAD_DAY_MS - 1,
					 .context = context};
	Err err = ERR_INIT;
	TsdbBlock *block = tsdb_block_open(files, &err);
	Backfill *b;
	TsdbBlockSeries s;
	int64 n = 0;
	int got;

	if (block == NULL)
		errmap_raise(&err);
	day.series = AllocSetContextCreate(context, "mimir import series", ALLOCSET_DEFAULT_SIZES);
	b = backfill_begin(tenant, number);
	while ((got = tsdb_block_next_series(block, &s, &err)) == 1)
	{
		import_series(&day, block, &s, b);
		if (++n % TELL_EVERY == 0)
			ereport(NOTICE, (errmsg("imported %lld series of a day", (long long) n)));
	}
	if (got < 0)
		errmap_raise(&err);
	n = backfill_end(b);
	tsdb_block_close(block);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return n;
}

/* Note the block; false: the tenant has had it. */
static bool
note_imported(TenantId tenant, const char *ulid)
{
	Oid types[2] = {INT4OID, TEXTOID};
	Datum values[2] = {Int32GetDatum((int32) tenant), CStringGetTextDatum(ulid)};
	uint64 n;

	SPI_connect();
	if (SPI_execute_with_args("INSERT INTO mimir.imported_block (tenant_id, ulid) VALUES ($1, $2)"
							  " ON CONFLICT DO NOTHING",
							  2, types, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not insert into mimir.imported_block");
	n = SPI_processed;
	SPI_finish();
	return n > 0;
}

int64
import_tsdb_block(TenantId tenant, const char *dir)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir import", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	TsdbBlockFiles files;
	TsdbMeta meta;
	Err err = ERR_INIT;
	int64 samples = 0;

	tsdb_files_map(dir, &files);
	if (!tsdb_meta_read(files.meta, &meta, &err))
		errmap_raise(&err);
	if (meta.max_t - meta.min_t > 400 * HEAD_DAY_MS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("block \"%s\" covers more than 400 days", dir)));
	if (!note_imported(tenant, meta.ulid.text))
		samples = -1;
	else
		for (int32 day = backfill_day(meta.min_t);
			 meta.max_t > meta.min_t && day <= backfill_day(meta.max_t - 1); day++)
			samples += import_day(&files, tenant, day);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return samples;
}
