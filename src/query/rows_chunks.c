/*
 * rows_chunks.c
 *    Chunks as rows, of head and blocks alike, untouched.
 *
 * Nothing is decoded, so a corrupt chunk can be looked at; only the open histogram chunks of the
 * head, which are no chunks yet, are encoded as the flush would.
 */
#include "postgres.h"

#include "query/store_rows_int.h"

#include "codec/chunk_codec.h"
#include "codec/column/column.h"
#include "pg/errmap.h"
#include "pg/time.h"
#include "store/select.h"
#include "types/chunk_value.h"
#include "types/labels_value.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
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
	int series; /* the current one + 1 */
	StoreChunk *chunks;
	int nchunks; /* -1: not asked for */
	int next;
	ChunkBytes *encoded; /* of an open histogram chunk */
	int nencoded;
	int next_encoded;
} ChunkPart;

static StoreRowsPart *
chunks_open(StoreRows *r, const Tenant *tenant)
{
	ChunkPart *p = palloc0(sizeof(ChunkPart));
	StoreSelectStats st;

	p->select = store_select_begin(tenant->id, r->filter.matchers, r->filter.nmatchers,
								   r->filter.mint, r->filter.maxt, false);
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
	p->next_encoded = p->nencoded = 0;
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

/* A column of a compacted block, whose times stand apart, as a chunk that is whole. */
static void
join_times(StoreChunk *c)
{
	double *v = palloc(sizeof(double) * Max(c->count, 1));
	Buf bytes;
	Err err = ERR_INIT;

	if (column_values_decode(c->data, c->len, v, c->count, &err) != c->count)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("column of a compacted block has another length than its times")));
	buf_init(&bytes, c->len + 64, MaxAllocSize / 2);
	chunk_columns_encode(c->times, v, c->count, &bytes);
	pfree(v);
	c->encoding = CHUNK_COLUMNS;
	c->data = (const uint8 *) bytes.data;
	c->len = (uint32) bytes.len;
	c->times = NULL;
}

/* The next chunk that is one; false at the end of the series. */
static bool
next_chunk(StoreRows *r, ChunkPart *p, StoreChunk *out)
{
	HistogramSample *samples;
	Err err = ERR_INIT;

	for (;;)
	{
		if (p->next_encoded < p->nencoded)
		{
			const ChunkBytes *c = &p->encoded[p->next_encoded++];

			*out = (StoreChunk){.min_t = c->min_t,
								.max_t = c->max_t,
								.encoding = c->encoding,
								.count = c->count,
								.data = c->data,
								.len = (uint32) c->len,
								.from_head = true};
			return true;
		}
		if (p->next >= p->nchunks)
			return false;
		*out = p->chunks[p->next++];
		r->stats.chunks++;
		r->stats.chunks_head += out->from_head;
		if (out->encoding == STORE_CHUNK_COLUMN)
			join_times(out);
		if (out->encoding != CHUNK_RAW_HISTOGRAM)
			return true;
		if (chunk_raw_histogram_decode(out->data, out->len, out->count, &samples, &err) < 0)
			errmap_raise(&err);
		p->nencoded =
			chunk_histogram_encode(samples, out->count, HISTOGRAM_CHUNK_BYTES, &p->encoded);
		p->next_encoded = 0;
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
