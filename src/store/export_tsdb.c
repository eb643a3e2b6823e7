/*
 * export_tsdb.c
 *    A tenant's samples as TSDB blocks of Prometheus, one a day.
 *
 * Floats are encoded as XOR chunks of 120 samples, as Prometheus cuts them.  Histogram chunks go out
 * byte for byte where they lie in the range and overlap nothing, else they are encoded anew.
 */
#include "postgres.h"

#include "store/export.h"

#include "pg/errmap.h"
#include "pg/time.h"
#include "store/backfill.h"
#include "store/head.h"
#include "store/select.h"
#include "store/tsdb_files.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#define CHUNK_SAMPLES	120
#define HISTOGRAM_MAX	3800
#define WRITER_MEMORY	((size_t) 1 << 30)
#define MAX_CHUNK_BYTES (CHUNK_SAMPLES * CHUNK_XOR_MAX_SAMPLE + CHUNK_XOR_MIN_CAP)

typedef struct Export
{
	TsdbWriter *writer;
	int64 mint, maxt;
	MemoryContext context;
	MemoryContext series;
	SampleRun all, chunk; /* floats */
	int nh, cap_h;
	HistogramSample *h;
} Export;

/* A call of the writer that fills write_err; what the writer keeps is the export's. */
#define WRITE(e, call)                                                                             \
	do                                                                                             \
	{                                                                                              \
		MemoryContext write_old = MemoryContextSwitchTo((e)->context);                             \
		Err write_err = ERR_INIT;                                                                  \
                                                                                                   \
		if (!(call))                                                                               \
			errmap_raise(&write_err);                                                              \
		MemoryContextSwitchTo(write_old);                                                          \
	} while (0)

static void
need(bool ok, const Err *err)
{
	if (!ok)
		errmap_raise(err);
}

static void
collect_floats(Export *e, const StoreChunk *c)
{
	MemoryContext old = MemoryContextSwitchTo(e->context);
	Err err = ERR_INIT;

	need(c->encoding == STORE_CHUNK_COLUMN
			 ? sample_run_decode_column(&e->chunk, c->times, c->count, c->data, c->len, e->mint,
										e->maxt, &err)
			 : sample_run_decode(&e->chunk, c->encoding, c->data, c->len, c->count,
								 (MemScope *) e->series, &err),
		 &err);
	sample_run_merge(&e->all, &e->chunk);
	MemoryContextSwitchTo(old);
}

/* Histograms as they are, integers as integers; sorted later. */
static void
collect_histograms(Export *e, const StoreChunk *c)
{
	Err err = ERR_INIT;
	HistogramSample *samples;
	int n = c->encoding == CHUNK_RAW_HISTOGRAM
				? chunk_raw_histogram_decode(c->data, c->len, c->count, &samples, &err)
				: chunk_histogram_decode(c->encoding, c->data, c->len, &samples, &err);

	need(n >= 0, &err);
	if (e->nh + n > e->cap_h)
	{
		e->cap_h = Max(e->nh + n, e->cap_h * 2);
		e->h = e->h ? repalloc_huge(e->h, sizeof(HistogramSample) * e->cap_h)
					: MemoryContextAllocHuge(e->series, sizeof(HistogramSample) * e->cap_h);
	}
	memcpy(e->h + e->nh, samples, sizeof(HistogramSample) * n);
	e->nh += n;
}

static int
cmp_histograms(const void *a, const void *b)
{
	const HistogramSample *x = a;
	const HistogramSample *y = b;

	return x->t < y->t ? -1 : x->t > y->t;
}

static bool
is_deleted(const TimeInterval *gone, int ngone, int64 t)
{
	for (int i = 0; i < ngone; i++)
		if (t >= gone[i].min_t && t <= gone[i].max_t)
			return true;
	return false;
}

/* The samples of series i within the range. */
static void
collect(Export *e, StoreSelect *select, int i)
{
	StoreChunk *chunks;
	TimeInterval *gone;
	int n = store_select_chunks(select, i, &chunks);
	int ngone = store_select_deleted(select, i, &gone);
	int kept = 0;

	e->all.n = 0;
	e->h = NULL;
	e->nh = e->cap_h = 0;
	for (int k = 0; k < n; k++)
		if (chunks[k].encoding == CHUNK_RAW_HISTOGRAM || chunks[k].encoding == CHUNK_HISTOGRAM ||
			chunks[k].encoding == CHUNK_FLOAT_HISTOGRAM)
			collect_histograms(e, &chunks[k]);
		else
			collect_floats(e, &chunks[k]);
	tombstones_apply(gone, ngone, &e->all);
	if (e->nh > 1)
		qsort(e->h, e->nh, sizeof(HistogramSample), cmp_histograms);
	for (int k = 0; k < e->nh; k++)
		if (e->h[k].t >= e->mint && e->h[k].t <= e->maxt && !is_deleted(gone, ngone, e->h[k].t) &&
			(kept == 0 || e->h[kept - 1].t != e->h[k].t))
			e->h[kept++] = e->h[k];
	e->nh = kept;
}

static void
put_floats(Export *e, int from, int to)
{
	uint8 *bytes = palloc(MAX_CHUNK_BYTES);

	for (; from < to; from += CHUNK_SAMPLES)
	{
		ChunkXorWriter w;
		int end = Min(from + CHUNK_SAMPLES, to);

		chunk_xor_init(&w, bytes, MAX_CHUNK_BYTES);
		for (int i = from; i < end; i++)
			if (!chunk_xor_append(&w, e->all.t[i], e->all.v[i]))
				elog(ERROR, "XOR chunk outgrew its bound");
		WRITE(e, tsdb_writer_add_chunk(e->writer, CHUNK_XOR, e->all.t[from], e->all.t[end - 1],
									   bytes, chunk_xor_size(&w), &write_err));
	}
	pfree(bytes);
}

static void
put_histograms(Export *e, int from, int to)
{
	ChunkBytes *chunks;
	int n = chunk_histogram_encode(e->h + from, to - from, HISTOGRAM_MAX, &chunks);

	for (int i = 0; i < n; i++)
		WRITE(e, tsdb_writer_add_chunk(e->writer, chunks[i].encoding, chunks[i].min_t,
									   chunks[i].max_t, chunks[i].data, chunks[i].len, &write_err));
}

/* A series: runs of floats and of histograms in turn; of equal times the float stays. */
static int64
put_series(Export *e, StoreSelect *select, int i)
{
	MemoryContext old = MemoryContextSwitchTo(e->series);
	int f;
	int nf;
	int h = 0;
	int64 n;

	collect(e, select, i);
	f = sample_run_lower_bound(e->all.t, e->all.n, e->mint);
	nf = sample_run_lower_bound(e->all.t, e->all.n, e->maxt + 1);
	n = nf - f;
	if (nf > f || e->nh > 0)
		WRITE(e, tsdb_writer_add_series(e->writer, store_select_labels(select, i), &write_err));
	while (f < nf || h < e->nh)
	{
		int from = f;
		int from_h;

		while (f < nf && (h == e->nh || e->all.t[f] <= e->h[h].t))
			f++;
		put_floats(e, from, f);
		while (h < e->nh && f > 0 && e->h[h].t == e->all.t[f - 1])
			h++;
		from_h = h;
		while (h < e->nh && (f == nf || e->h[h].t < e->all.t[f]))
			h++;
		if (h > from_h)
			put_histograms(e, from_h, h);
		n += h - from_h;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(e->series);
	CHECK_FOR_INTERRUPTS();
	return n;
}

/* All series of the range; returns the number of samples. */
static int64
put_all(Export *e, TenantId tenant)
{
	StoreSelect *select = store_select_begin(tenant, NULL, 0, e->mint, e->maxt, true);
	int n = store_select_nseries(select);
	int64 samples = 0;

	for (int i = 0; i < n; i++)
		WRITE(e, tsdb_writer_add_symbols(e->writer, store_select_labels(select, i), &write_err));
	WRITE(e, tsdb_writer_begin(e->writer, &write_err));
	for (int i = 0; i < n; i++)
		samples += put_series(e, select, i);
	store_select_end(select);
	return samples;
}

int64
export_tsdb_day(TenantId tenant, const char *dir, int32 day, int64 mint, int64 maxt)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir export", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Export e = {.mint = Max(mint, (int64) day * HEAD_DAY_MS),
				.maxt = Min(maxt, ((int64) day + 1) * HEAD_DAY_MS - 1),
				.context = context};
	TsdbMeta meta = {.level = 1};
	TsdbWriterConfig config = {.write = tsdb_dir_write, .max_memory = WRITER_MEMORY};
	uint8 random[TSDB_ULID_RANDOM];
	int64 samples = 0;
	TsdbDir *out;

	if (!pg_strong_random(random, sizeof(random)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate a block id")));
	tsdb_ulid_make(time_now_ms(), random, &meta.ulid);
	e.series = AllocSetContextCreate(context, "mimir export series", ALLOCSET_DEFAULT_SIZES);
	out = tsdb_dir_create(dir, meta.ulid.text);
	PG_TRY();
	{
		config.arg = out;
		e.writer = tsdb_writer_create(&config);
		samples = put_all(&e, tenant);
		if (samples > 0)
			WRITE(&e, tsdb_writer_finish(e.writer, &meta, &write_err));
	}
	PG_CATCH();
	{
		tsdb_dir_abandon(out);
		PG_RE_THROW();
	}
	PG_END_TRY();
	tsdb_writer_free(e.writer);
	if (samples > 0)
		tsdb_dir_finish(out);
	else
		tsdb_dir_abandon(out);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return samples;
}

int64
export_tsdb(TenantId tenant, const char *dir, int64 mint, int64 maxt)
{
	int64 first;
	int64 last;
	int64 samples = 0;

	store_time_range(tenant, &first, &last);
	mint = Max(mint, first);
	maxt = Min(maxt, last);
	for (int32 day = maxt < mint ? 1 : backfill_day(mint);
		 maxt >= mint && day <= backfill_day(maxt); day++)
		samples += export_tsdb_day(tenant, dir, day, mint, maxt);
	return samples;
}
