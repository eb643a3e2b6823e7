/*
 * collect.c
 *    All samples of a series, from head and blocks, as chunks that Prometheus reads.
 *
 * Floats are encoded as XOR chunks of 120 samples, histograms anew: their chunks may overlap, or hold
 * samples that are out of the range or deleted.
 *
 * Memory: one series.
 */
#include "postgres.h"

#include "store/collect.h"

#include "pg/errmap.h"
#include "store/tombstone.h"

#include "utils/memutils.h"

#define CHUNK_SAMPLES	120
#define HISTOGRAM_MAX	3800
#define MAX_CHUNK_BYTES (CHUNK_SAMPLES * CHUNK_XOR_MAX_SAMPLE + CHUNK_XOR_MIN_CAP)

StoreCollect *
store_collect_begin(int64 mint, int64 maxt)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir collect", ALLOCSET_DEFAULT_SIZES);
	StoreCollect *c = MemoryContextAllocZero(context, sizeof(StoreCollect));

	c->mint = mint;
	c->maxt = maxt;
	c->context = context;
	c->series = AllocSetContextCreate(context, "mimir collect series", ALLOCSET_DEFAULT_SIZES);
	return c;
}

void
store_collect_end(StoreCollect *c)
{
	MemoryContextDelete(c->context);
}

static void
collect_floats(StoreCollect *c, const StoreChunk *chunk)
{
	MemoryContext old = MemoryContextSwitchTo(c->context);
	Err err = ERR_INIT;
	bool ok = chunk->encoding == STORE_CHUNK_COLUMN
				  ? sample_run_decode_column(&c->chunk, chunk->times, chunk->count, chunk->data,
											 chunk->len, c->mint, c->maxt, &err)
				  : sample_run_decode(&c->chunk, chunk->encoding, chunk->data, chunk->len,
									  chunk->count, (MemScope *) c->series, &err);

	if (!ok)
		errmap_raise(&err);
	sample_run_merge(&c->floats, &c->chunk);
	MemoryContextSwitchTo(old);
}

/* Histograms as they are, integers as integers; sorted later. */
static void
collect_histograms(StoreCollect *c, const StoreChunk *chunk)
{
	Err err = ERR_INIT;
	HistogramSample *samples;
	int n = chunk->encoding == CHUNK_RAW_HISTOGRAM
				? chunk_raw_histogram_decode(chunk->data, chunk->len, chunk->count, &samples, &err)
				: chunk_histogram_decode(chunk->encoding, chunk->data, chunk->len, &samples, &err);

	if (n < 0)
		errmap_raise(&err);
	if (c->nh + n > c->cap_h)
	{
		c->cap_h = Max(c->nh + n, c->cap_h * 2);
		c->h = c->h ? repalloc_huge(c->h, sizeof(HistogramSample) * c->cap_h)
					: MemoryContextAllocHuge(c->series, sizeof(HistogramSample) * c->cap_h);
	}
	memcpy(c->h + c->nh, samples, sizeof(HistogramSample) * n);
	c->nh += n;
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

void
store_collect(StoreCollect *c, StoreSelect *select, int i)
{
	int64 mint = Max(c->mint, store_select_mint(select));
	MemoryContext old;
	StoreChunk *chunks;
	TimeInterval *gone;
	int n;
	int ngone;
	int kept = 0;

	MemoryContextReset(c->series);
	old = MemoryContextSwitchTo(c->series);
	n = store_select_chunks(select, i, &chunks);
	ngone = store_select_deleted(select, i, &gone);
	c->floats.n = 0;
	c->h = NULL;
	c->nh = c->cap_h = 0;
	for (int k = 0; k < n; k++)
		if (chunks[k].encoding == CHUNK_RAW_HISTOGRAM || chunks[k].encoding == CHUNK_HISTOGRAM ||
			chunks[k].encoding == CHUNK_FLOAT_HISTOGRAM)
			collect_histograms(c, &chunks[k]);
		else
			collect_floats(c, &chunks[k]);
	tombstones_apply(gone, ngone, &c->floats);
	c->from = sample_run_lower_bound(c->floats.t, c->floats.n, mint);
	c->to = c->maxt == PG_INT64_MAX ? c->floats.n
									: sample_run_lower_bound(c->floats.t, c->floats.n, c->maxt + 1);
	if (c->nh > 1)
		qsort(c->h, c->nh, sizeof(HistogramSample), cmp_histograms);
	for (int k = 0; k < c->nh; k++)
		if (c->h[k].t >= mint && c->h[k].t <= c->maxt && !is_deleted(gone, ngone, c->h[k].t) &&
			(kept == 0 || c->h[kept - 1].t != c->h[k].t))
			c->h[kept++] = c->h[k];
	c->nh = kept;
	MemoryContextSwitchTo(old);
}

static void
put_floats(StoreCollect *c, int from, int to, StoreChunkFn put, void *arg)
{
	uint8 bytes[MAX_CHUNK_BYTES];

	for (; from < to; from += CHUNK_SAMPLES)
	{
		ChunkXorWriter w;
		int end = Min(from + CHUNK_SAMPLES, to);

		chunk_xor_init(&w, bytes, MAX_CHUNK_BYTES);
		for (int i = from; i < end; i++)
			if (!chunk_xor_append(&w, c->floats.t[i], c->floats.v[i]))
				elog(ERROR, "XOR chunk outgrew its bound");
		put(arg, CHUNK_XOR, c->floats.t[from], c->floats.t[end - 1], bytes, chunk_xor_size(&w));
	}
}

static void
put_histograms(StoreCollect *c, int from, int to, StoreChunkFn put, void *arg)
{
	MemoryContext old = MemoryContextSwitchTo(c->series);
	ChunkBytes *chunks;
	int n = chunk_histogram_encode(c->h + from, to - from, HISTOGRAM_MAX, &chunks);

	MemoryContextSwitchTo(old);
	for (int i = 0; i < n; i++)
		put(arg, chunks[i].encoding, chunks[i].min_t, chunks[i].max_t, chunks[i].data,
			chunks[i].len);
}

int64
store_collect_chunks(StoreCollect *c, StoreChunkFn put, void *arg)
{
	int f = c->from;
	int h = 0;
	int64 n = c->to - c->from;

	/* runs of floats and of histograms in turn */
	while (f < c->to || h < c->nh)
	{
		int from = f;
		int from_h;

		while (f < c->to && (h == c->nh || c->floats.t[f] <= c->h[h].t))
			f++;
		put_floats(c, from, f, put, arg);
		while (h < c->nh && f > c->from && c->h[h].t == c->floats.t[f - 1])
			h++;
		from_h = h;
		while (h < c->nh && (f == c->to || c->h[h].t < c->floats.t[f]))
			h++;
		if (h > from_h)
			put_histograms(c, from_h, h, put, arg);
		n += h - from_h;
	}
	return n;
}
