/*
 * import_day.c
 *    Series of one day that come as chunks of Prometheus, to a block of that day.
 *
 * Floats are merged, cut at midnight and encoded as columns; histogram chunks that lie in the day and
 * lose nothing are kept byte for byte, unless they overlap.
 *
 * Memory: one series.
 */
#include "postgres.h"

#include "store/import_day.h"

#include "pg/errmap.h"
#include "store/backfill.h"
#include "store/head.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#define HISTOGRAM_MAX 3800 /* bytes a histogram chunk is cut at */
#define TELL_EVERY	  100000

struct ImportDay
{
	Backfill *backfill;
	int64 mint, maxt; /* ms, both included */
	int64 nseries;
	MemoryContext context;
	MemoryContext series; /* reset for each series */
	const TsdbTombstone *deleted;
	int n_deleted;
	SampleRun all, chunk;
	StoreChunk *histograms;
	int nhistograms, cap_histograms;
};

ImportDay *
import_day_begin(TenantId tenant, int32 day, int64 mint, int64 maxt)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir import day", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ImportDay *d = palloc0(sizeof(ImportDay));

	d->mint = Max(mint, (int64) day * HEAD_DAY_MS);
	d->maxt = Min(maxt, ((int64) day + 1) * HEAD_DAY_MS - 1);
	d->context = context;
	d->series = AllocSetContextCreate(context, "mimir import series", ALLOCSET_DEFAULT_SIZES);
	d->backfill = backfill_begin(tenant, day);
	MemoryContextSwitchTo(old);
	return d;
}

void
import_day_begin_series(ImportDay *d, const TsdbTombstone *deleted, int n_deleted)
{
	MemoryContextReset(d->series);
	d->deleted = deleted;
	d->n_deleted = n_deleted;
	d->all.n = 0;
	d->nhistograms = d->cap_histograms = 0;
	d->histograms = NULL;
}

static bool
is_gone(const ImportDay *d, int64 t)
{
	if (t < d->mint || t > d->maxt)
		return true;
	for (int i = 0; i < d->n_deleted; i++)
		if (t >= d->deleted[i].min_t && t <= d->deleted[i].max_t)
			return true;
	return false;
}

static void
keep_histogram(ImportDay *d, const ChunkBytes *c)
{
	if (d->nhistograms == d->cap_histograms)
	{
		d->cap_histograms = Max(16, d->cap_histograms * 2);
		d->histograms = d->histograms
							? repalloc(d->histograms, sizeof(StoreChunk) * d->cap_histograms)
							: palloc(sizeof(StoreChunk) * d->cap_histograms);
	}
	d->histograms[d->nhistograms++] = (StoreChunk){.min_t = c->min_t,
												   .max_t = c->max_t,
												   .encoding = c->encoding,
												   .count = c->count,
												   .data = c->data,
												   .len = (uint32) c->len};
}

/* A histogram chunk: as it is if all of it is wanted, else what is, encoded anew. */
static void
add_histograms(ImportDay *d, ChunkEncoding encoding, const uint8 *data, Size len)
{
	Err err = ERR_INIT;
	HistogramSample *samples;
	ChunkBytes *chunks;
	int n = chunk_histogram_decode(encoding, data, len, &samples, &err);
	int kept = 0;

	if (n < 0)
		errmap_raise(&err);
	for (int i = 0; i < n; i++)
		if (!is_gone(d, samples[i].t))
			samples[kept++] = samples[i];
	if (kept == n && n > 0)
	{
		ChunkBytes whole = {.encoding = encoding,
							.count = n,
							.min_t = samples[0].t,
							.max_t = samples[n - 1].t,
							.data = palloc(len),
							.len = len};

		memcpy(whole.data, data, len);
		keep_histogram(d, &whole);
		return;
	}
	n = kept > 0 ? chunk_histogram_encode(samples, kept, HISTOGRAM_MAX, &chunks) : 0;
	for (int i = 0; i < n; i++)
		keep_histogram(d, &chunks[i]);
}

static void
add_floats(ImportDay *d, ChunkEncoding encoding, const uint8 *data, Size len)
{
	MemoryContext old = MemoryContextSwitchTo(d->context);
	Err err = ERR_INIT;
	int count = len >= 2 ? chunk_count(data, len) : 0;

	if (!sample_run_decode(&d->chunk, encoding, data, len, count, (MemScope *) d->series, &err))
		errmap_raise(&err);
	sample_run_merge(&d->all, &d->chunk);
	MemoryContextSwitchTo(old);
}

void
import_day_chunk(ImportDay *d, ChunkEncoding encoding, const uint8 *data, Size len)
{
	MemoryContext old = MemoryContextSwitchTo(d->series);

	if (encoding == CHUNK_XOR)
		add_floats(d, encoding, data, len);
	else
		add_histograms(d, encoding, data, len);
	MemoryContextSwitchTo(old);
}

static int
cmp_chunks(const void *a, const void *b)
{
	const StoreChunk *x = a;
	const StoreChunk *y = b;

	return x->min_t < y->min_t ? -1 : x->min_t > y->min_t;
}

static int
cmp_histograms(const void *a, const void *b)
{
	const HistogramSample *x = a;
	const HistogramSample *y = b;

	return x->t < y->t ? -1 : x->t > y->t;
}

/* Histogram chunks overlap: their samples, each time once, encoded anew. */
static void
merge_histograms(ImportDay *d)
{
	HistogramSample *all = NULL;
	ChunkBytes *chunks;
	Err err = ERR_INIT;
	int n = 0;
	int kept = 0;

	for (int i = 0; i < d->nhistograms; i++)
	{
		const StoreChunk *c = &d->histograms[i];
		HistogramSample *samples;
		int got = chunk_histogram_decode(c->encoding, c->data, c->len, &samples, &err);
		Size bytes = sizeof(HistogramSample) * (n + Max(got, 1));

		if (got < 0)
			errmap_raise(&err);
		all = all ? repalloc_huge(all, bytes) : MemoryContextAllocHuge(d->series, bytes);
		memcpy(all + n, samples, sizeof(HistogramSample) * got);
		n += got;
	}
	qsort(all, n, sizeof(HistogramSample), cmp_histograms);
	for (int i = 0; i < n; i++)
		if (kept == 0 || all[kept - 1].t != all[i].t)
			all[kept++] = all[i];
	d->nhistograms = 0;
	n = chunk_histogram_encode(all, kept, HISTOGRAM_MAX, &chunks);
	for (int i = 0; i < n; i++)
		keep_histogram(d, &chunks[i]);
}

static void
order_histograms(ImportDay *d)
{
	qsort(d->histograms, d->nhistograms, sizeof(StoreChunk), cmp_chunks);
	for (int i = 1; i < d->nhistograms; i++)
		if (d->histograms[i].min_t <= d->histograms[i - 1].max_t)
		{
			merge_histograms(d);
			return;
		}
}

void
import_day_end_series(ImportDay *d, Labels labels)
{
	MemoryContext old = MemoryContextSwitchTo(d->series);
	int kept = 0;

	for (int i = 0; i < d->all.n; i++)
		if (!is_gone(d, d->all.t[i]))
		{
			d->all.t[kept] = d->all.t[i];
			d->all.v[kept++] = d->all.v[i];
		}
	d->all.n = kept;
	if (d->nhistograms > 1)
		order_histograms(d);
	backfill_add(d->backfill, labels, &d->all, d->histograms, d->nhistograms);
	if (++d->nseries % TELL_EVERY == 0)
		ereport(NOTICE, (errmsg("imported %lld series of a day", (long long) d->nseries)));
	MemoryContextSwitchTo(old);
}

int64
import_day_end(ImportDay *d)
{
	MemoryContext old = MemoryContextSwitchTo(d->context);
	int64 n = backfill_end(d->backfill);

	MemoryContextSwitchTo(old);
	MemoryContextDelete(d->context);
	return n;
}
