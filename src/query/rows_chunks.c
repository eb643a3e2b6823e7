/*
 * rows_chunks.c
 *    Chunks as rows, of head and blocks alike, untouched.
 *
 * Most are not decoded, so a corrupt chunk can be looked at.  Made anew are the open histogram chunks
 * of the head, which are no chunks yet, the columns of compacted blocks, whose times lie elsewhere,
 * and chunks with samples that were deleted or are older than the tenant's retention.
 */
#include "postgres.h"

#include "query/store_rows_int.h"

#include "codec/chunk_codec.h"
#include "codec/sample_run.h"
#include "pg/time.h"
#include "store/retention.h"
#include "store/select.h"
#include "types/chunk_value.h"
#include "types/labels_value.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define HISTOGRAM_CHUNK_BYTES 3800 /* near which histogram chunks are cut, as in a flush */

enum
{
	COL_TENANT,
	COL_SERIES,
	COL_LABELS,
	COL_METRIC,
	COL_MIN_TIME,
	COL_MAX_TIME,
	COL_COUNT,
	COL_ENCODING,
	COL_CHUNK
};

typedef struct ChunkPart
{
	StoreSelect *select;
	Tombstones *tombstones; /* NULL: none */
	int64 cutoff;			/* what is older has expired, ms */
	int series;				/* the current one + 1 */
	StoreChunk *chunks;
	int nchunks; /* -1: not asked for */
	int next;
	TimeInterval *gone; /* deleted times of the series */
	int ngone;
	ChunkBytes *pieces; /* what a chunk was made into */
	int npieces;
	int next_piece;
} ChunkPart;

static StoreRowsPart *
chunks_open(StoreRows *r, const Tenant *tenant)
{
	ChunkPart *p = palloc0(sizeof(ChunkPart));
	StoreSelectStats st;

	p->select = store_select_begin(tenant->id, r->filter.matchers, r->filter.nmatchers,
								   r->filter.mint, r->filter.maxt, false);
	/* a chunk is shown whole, so deletions outside of the range count too */
	p->tombstones = tombstones_load(tenant->id, PG_INT64_MIN, PG_INT64_MAX, GetActiveSnapshot());
	p->cutoff = retention_cutoff(tenant->id);
	st = store_select_stats(p->select);
	r->stats.blocks += st.blocks;
	r->stats.blocks_pruned += st.blocks_pruned;
	return (StoreRowsPart *) p;
}

static bool
chunks_next_group(StoreRows *r, StoreRowsPart *part, Datum *values, bool *nulls)
{
	ChunkPart *p = (ChunkPart *) part;
	int i = p->series;

	if (i >= store_select_nseries(p->select))
		return false;
	p->series++;
	p->nchunks = -1;
	p->next_piece = p->npieces = 0;
	values[COL_SERIES] = Int64GetDatum(store_select_series_id(p->select, i));
	nulls[COL_SERIES] = false;
	if (store_rows_wants(r, COL_LABELS) || store_rows_wants(r, COL_METRIC))
	{
		Labels ls = store_select_labels(p->select, i);

		values[COL_LABELS] = labels_to_datum(ls);
		nulls[COL_LABELS] = false;
		values[COL_METRIC] = PointerGetDatum(labels_string_to_text(labels_metric_name(ls)));
		nulls[COL_METRIC] = false;
	}
	CHECK_FOR_INTERRUPTS();
	return true;
}

/* ---- chunks that cannot be shown as they are --------------------------------------------------- */

/* Is the sample at t deleted, or older than the tenant's retention? */
static bool
is_gone(const ChunkPart *p, int64 t)
{
	int lo = 0;
	int hi = p->ngone;

	while (lo < hi)
	{
		int mid = lo + (hi - lo) / 2;

		if (p->gone[mid].max_t < t)
			lo = mid + 1;
		else
			hi = mid;
	}
	return t < p->cutoff || (lo < p->ngone && p->gone[lo].min_t <= t);
}

/* May samples of the chunk be gone? */
static bool
has_gone(const ChunkPart *p, const StoreChunk *c)
{
	bool some = c->min_t < p->cutoff;

	for (int i = 0; i < p->ngone && !some; i++)
		some = p->gone[i].min_t <= c->max_t && p->gone[i].max_t >= c->min_t;
	return some;
}

static void
add_piece(ChunkPart *p, const int64 *t, const double *v, int n)
{
	ChunkBytes *piece = &p->pieces[p->npieces++];
	Buf b;

	buf_init(&b, 256, CHUNK_VALUE_MAX);
	chunk_columns_encode(t, v, n, &b);
	*piece = (ChunkBytes){.encoding = CHUNK_COLUMNS,
						  .count = n,
						  .min_t = t[0],
						  .max_t = t[n - 1],
						  .data = (uint8 *) b.data,
						  .len = b.len};
}

static void
make_float_pieces(StoreRows *r, ChunkPart *p, const StoreChunk *c)
{
	SampleRun run = {0};
	Err err = ERR_INIT;
	int kept = 0;

	if (!(c->encoding == STORE_CHUNK_COLUMN
			  ? sample_run_decode_column(&run, c->times, c->count, c->data, c->len, PG_INT64_MIN,
										 PG_INT64_MAX, &err)
			  : sample_run_decode(&run, c->encoding, c->data, c->len, c->count, mem_scope_current(),
								  &err)))
		store_rows_corrupt(r, store_select_labels(p->select, p->series - 1), &err);
	for (int i = 0; i < run.n; i++)
	{
		if (is_gone(p, run.t[i]))
			continue;
		run.t[kept] = run.t[i];
		run.v[kept++] = run.v[i];
	}
	p->pieces = palloc(sizeof(ChunkBytes) * (kept / CHUNK_MAX_SAMPLES + 1));
	for (int i = 0; i < kept; i += CHUNK_MAX_SAMPLES)
		add_piece(p, run.t + i, run.v + i, Min(kept - i, CHUNK_MAX_SAMPLES));
}

static void
make_histogram_pieces(StoreRows *r, ChunkPart *p, const StoreChunk *c)
{
	HistogramSample *samples;
	Err err = ERR_INIT;
	int kept = 0;
	int n = c->encoding == CHUNK_RAW_HISTOGRAM
				? chunk_raw_histogram_decode(c->data, c->len, c->count, &samples, &err)
				: chunk_histogram_decode(c->encoding, c->data, c->len, &samples, &err);

	if (n < 0)
		store_rows_corrupt(r, store_select_labels(p->select, p->series - 1), &err);
	for (int i = 0; i < n; i++)
		if (!is_gone(p, samples[i].t))
			samples[kept++] = samples[i];
	if (kept > 0)
		p->npieces = chunk_histogram_encode(samples, kept, HISTOGRAM_CHUNK_BYTES, &p->pieces);
}

/* The chunk is not a value of the type, or not all of it may be shown: encode what may. */
static void
make_pieces(StoreRows *r, ChunkPart *p, const StoreChunk *c)
{
	p->npieces = p->next_piece = 0;
	if (c->encoding == CHUNK_HISTOGRAM || c->encoding == CHUNK_FLOAT_HISTOGRAM ||
		c->encoding == CHUNK_RAW_HISTOGRAM)
		make_histogram_pieces(r, p, c);
	else
		make_float_pieces(r, p, c);
}

/* ---- rows ---------------------------------------------------------------------------------------- */

/* The next chunk that is one; false at the end of the series. */
static bool
next_chunk(StoreRows *r, ChunkPart *p, StoreChunk *out)
{
	for (;;)
	{
		if (p->next_piece < p->npieces)
		{
			const ChunkBytes *c = &p->pieces[p->next_piece++];

			*out = (StoreChunk){.min_t = c->min_t,
								.max_t = c->max_t,
								.encoding = c->encoding,
								.count = c->count,
								.data = c->data,
								.len = (uint32) c->len};
			return true;
		}
		if (p->next >= p->nchunks)
			return false;
		*out = p->chunks[p->next++];
		r->stats.chunks++;
		r->stats.chunks_head += out->from_head;
		if (out->encoding != CHUNK_RAW_HISTOGRAM && out->encoding != STORE_CHUNK_COLUMN &&
			!has_gone(p, out))
			return true;
		make_pieces(r, p, out);
	}
}

static bool
chunks_next(StoreRows *r, StoreRowsPart *part, Datum *values, bool *nulls)
{
	ChunkPart *p = (ChunkPart *) part;
	const ChunkCodec *codec;
	StoreChunk c;
	MemoryContext old;
	bool got;

	old = MemoryContextSwitchTo(r->group_context);
	if (p->nchunks < 0)
	{
		p->nchunks = store_select_chunks(p->select, p->series - 1, &p->chunks);
		p->ngone = 0;
		if (p->tombstones != NULL)
			p->ngone = tombstones_of(p->tombstones, store_select_labels(p->select, p->series - 1),
									 &p->gone);
		p->next = 0;
	}
	do
		got = next_chunk(r, p, &c);
	while (got && (c.max_t < r->filter.mint || c.min_t > r->filter.maxt));
	MemoryContextSwitchTo(old);
	if (!got)
		return false;
	codec = chunk_codec(c.encoding);
	values[COL_MIN_TIME] = TimestampTzGetDatum(time_from_ms(c.min_t));
	values[COL_MAX_TIME] = TimestampTzGetDatum(time_from_ms(c.max_t));
	values[COL_COUNT] = Int32GetDatum(codec != NULL ? codec->count(c.data, c.len) : c.count);
	nulls[COL_MIN_TIME] = nulls[COL_MAX_TIME] = nulls[COL_COUNT] = false;
	nulls[COL_ENCODING] = codec == NULL;
	if (codec != NULL)
		values[COL_ENCODING] = CStringGetTextDatum(codec->name);
	nulls[COL_CHUNK] = !store_rows_wants(r, COL_CHUNK);
	if (!nulls[COL_CHUNK])
		values[COL_CHUNK] = chunk_to_datum(c.encoding, c.data, c.len);
	CHECK_FOR_INTERRUPTS();
	return true;
}

static void
chunks_close(StoreRows *r, StoreRowsPart *part)
{
	store_select_end(((ChunkPart *) part)->select);
}

const StoreRowsMethods store_rows_chunks = {chunks_open, chunks_next_group, chunks_next,
											chunks_close};
