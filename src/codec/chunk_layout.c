/*
 * chunk_layout.c
 *    The bucket layout of a histogram chunk: its bits, and samples spread over it.
 *
 * All samples of a chunk have one layout.  A sample that lacks some of its buckets is spread over
 * it with zeros; a sample that brings new ones makes the union the layout of the chunk.
 *
 * Layout, bit by bit (docs/formats.md; Prometheus' tsdb/chunkenc/histogram_meta.go):
 *    8 bits      zero threshold: 0 = 0, 1..254 = 2^(b - 244), 255 = 64 bits of a double follow
 *    varbit_int  schema
 *    spans       positive, then negative: varbit_uint number, then varbit_uint length and
 *                varbit_int offset each
 *    bounds      custom schema only: varbit_uint number; each varbit_uint of 1000 * bound + 1, or
 *                a 0 bit and 64 bits of the double
 */
#include "codec/chunk_layout.h"

#include "util/mem.h"

#define BOUND_SHORT_MAX 33554430.0 /* 1000 * bound, so that one more fits 25 bits */

/* --- bucket sets --------------------------------------------------------------------------- */

static void
bucket_set_reserve(BucketSet *b, int n)
{
	if (n <= b->cap)
		return;
	b->cap = n < 2 * b->cap ? 2 * b->cap : n;
	b->index = mem_realloc(b->index, sizeof(int32_t) * (size_t) b->cap);
	b->value = mem_realloc(b->value, sizeof(uint64_t) * (size_t) b->cap);
}

/* load_side -- indexes and values of one side behind the first `at`; returns the new number. */
static int
load_side(BucketSet *b, int at, const HistogramSpan *spans, int n_spans, const int64_t *deltas,
		  const double *counts)
{
	int64_t index = 0;
	uint64_t sum = 0;
	int k = 0;

	for (int i = 0; i < n_spans; i++)
	{
		index += spans[i].offset;
		for (uint32_t j = 0; j < spans[i].length; j++, k++)
		{
			if (deltas != NULL)
				sum += (uint64_t) deltas[k];
			else
				sum = value_bits(counts[k]);
			b->index[at + k] = (int32_t) index++;
			b->value[at + k] = sum;
		}
	}
	return k;
}

/* bucket_set_load -- the buckets of s, which is valid; a stale sample has none. */
void
bucket_set_load(BucketSet *b, const HistogramSample *s)
{
	HistogramLayout l = histogram_sample_layout(s);
	const IntHistogram *i = s->i;
	const Histogram *f = s->f;

	b->n_pos = b->n_neg = 0;
	bucket_set_reserve(b, 1 + (i != NULL ? i->n_pos + i->n_neg : f->n_pos + f->n_neg));
	if (histogram_sample_is_stale(s))
		return;
	b->n_pos = load_side(b, 0, l.pos_spans, l.n_pos_spans, i != NULL ? i->pos : NULL,
						 i != NULL ? NULL : f->pos);
	b->n_neg = load_side(b, b->n_pos, l.neg_spans, l.n_neg_spans, i != NULL ? i->neg : NULL,
						 i != NULL ? NULL : f->neg);
}

bool
bucket_set_same_layout(const BucketSet *a, const BucketSet *b)
{
	size_t bytes = sizeof(int32_t) * (size_t) (a->n_pos + a->n_neg);

	return a->n_pos == b->n_pos && a->n_neg == b->n_neg &&
		   (bytes == 0 || memcmp(a->index, b->index, bytes) == 0);
}

static int
union_side(int32_t *out, const int32_t *a, int na, const int32_t *b, int nb)
{
	int n = 0, i = 0, k = 0;

	while (i < na || k < nb)
	{
		if (k >= nb || (i < na && a[i] < b[k]))
			out[n++] = a[i++];
		else
		{
			if (i < na && a[i] == b[k])
				i++;
			out[n++] = b[k++];
		}
	}
	return n;
}

/* bucket_set_union -- out gets the indexes of both, no values; out is neither a nor b. */
void
bucket_set_union(BucketSet *out, const BucketSet *a, const BucketSet *b)
{
	bucket_set_reserve(out, 1 + a->n_pos + a->n_neg + b->n_pos + b->n_neg);
	out->n_pos = union_side(out->index, a->index, a->n_pos, b->index, b->n_pos);
	out->n_neg = union_side(out->index + out->n_pos, a->index + a->n_pos, a->n_neg,
							b->index + b->n_pos, b->n_neg);
}

static void
spread_side(uint64_t *value, const int32_t *layout, int n_layout, const int32_t *index,
			const uint64_t *from, int n)
{
	int k = 0;

	for (int i = 0; i < n_layout; i++)
		value[i] = k < n && index[k] == layout[i] ? from[k++] : 0;
}

/* bucket_set_spread -- b's values on a layout that contains all its buckets; 0 elsewhere. */
void
bucket_set_spread(const BucketSet *b, const BucketSet *layout, uint64_t *value)
{
	spread_side(value, layout->index, layout->n_pos, b->index, b->value, b->n_pos);
	spread_side(value + layout->n_pos, layout->index + layout->n_pos, layout->n_neg,
				b->index + b->n_pos, b->value + b->n_pos, b->n_neg);
}

/* bucket_set_spans -- the fewest spans for n ascending indexes, from mem_alloc. */
HistogramSpan *
bucket_set_spans(const int32_t *index, int n, int *n_spans)
{
	HistogramSpan *spans = mem_alloc(sizeof(HistogramSpan) * ((size_t) n + 1));

	*n_spans = 0;
	for (int i = 0; i < n; i++)
	{
		if (i == 0)
			spans[(*n_spans)++] = (HistogramSpan){index[0], 0};
		else if (index[i] != index[i - 1] + 1)
			spans[(*n_spans)++] = (HistogramSpan){index[i] - index[i - 1] - 1, 0};
		spans[*n_spans - 1].length++;
	}
	return spans;
}

/* --- bits ---------------------------------------------------------------------------------- */

static void
put_zero_threshold(BitBuf *b, double threshold)
{
	int exponent;

	if (threshold == 0)
		bitbuf_put(b, 0, 8);
	else if (frexp(threshold, &exponent) == 0.5 && exponent >= -242 && exponent <= 11)
		bitbuf_put(b, (uint64_t) (exponent + 243), 8);
	else
	{
		bitbuf_put(b, 255, 8);
		bitbuf_put(b, value_bits(threshold), 64);
	}
}

static double
get_zero_threshold(BitReader *r)
{
	uint64_t code = bits_get(r, 8);

	if (code == 0)
		return 0;
	if (code == 255)
		return value_from_bits(bits_get(r, 64));
	return ldexp(0.5, (int) code - 243);
}

static void
put_spans(BitBuf *b, const HistogramSpan *spans, int n)
{
	bitbuf_put_varbit_uint(b, (uint64_t) n);
	for (int i = 0; i < n; i++)
	{
		bitbuf_put_varbit_uint(b, spans[i].length);
		bitbuf_put_varbit_int(b, spans[i].offset);
	}
}

/* bits_left -- how many bits the reader can still give. */
static size_t
bits_left(const BitReader *r)
{
	return (size_t) (r->end - r->p) * 8 + 64;
}

/* get_spans -- each span takes two bits at least, which bounds the memory asked for. */
static HistogramSpan *
get_spans(BitReader *r, int *n)
{
	uint64_t count = bits_get_varbit_uint(r);
	HistogramSpan *spans;

	*n = 0;
	if (count > HISTOGRAM_MAX_BUCKETS || count * 2 > bits_left(r))
	{
		r->overrun = true;
		return NULL;
	}
	spans = mem_alloc(sizeof(HistogramSpan) * (size_t) (count + 1));
	for (uint64_t i = 0; i < count; i++)
	{
		uint64_t length = bits_get_varbit_uint(r);
		int64_t offset = bits_get_varbit_int(r);

		if (offset < INT32_MIN || offset > INT32_MAX || length > UINT32_MAX)
			r->overrun = true;
		spans[i] = (HistogramSpan){(int32_t) offset, (uint32_t) length};
	}
	*n = (int) count;
	return spans;
}

static void
put_bound(BitBuf *b, double bound)
{
	double scaled = bound * 1000;

	if (scaled >= 0 && scaled <= BOUND_SHORT_MAX && round(scaled) / 1000 == bound)
		bitbuf_put_varbit_uint(b, (uint64_t) round(scaled) + 1);
	else
	{
		bitbuf_put(b, 0, 1);
		bitbuf_put(b, value_bits(bound), 64);
	}
}

static double *
get_bounds(BitReader *r, int *n)
{
	uint64_t count = bits_get_varbit_uint(r);
	double *bounds;

	*n = 0;
	if (count > HISTOGRAM_MAX_BUCKETS || count > bits_left(r))
	{
		r->overrun = true;
		return NULL;
	}
	bounds = mem_alloc(sizeof(double) * (size_t) (count + 1));
	for (uint64_t i = 0; i < count; i++)
	{
		uint64_t scaled = bits_get_varbit_uint(r);

		if (scaled == 0)
			bounds[i] = value_from_bits(bits_get(r, 64));
		else
			bounds[i] = (double) (scaled - 1) / 1000;
	}
	*n = (int) count;
	return bounds;
}

void
chunk_layout_put(BitBuf *b, const HistogramLayout *l)
{
	put_zero_threshold(b, l->zero_threshold);
	bitbuf_put_varbit_int(b, l->schema);
	put_spans(b, l->pos_spans, l->n_pos_spans);
	put_spans(b, l->neg_spans, l->n_neg_spans);
	if (l->schema != HISTOGRAM_CUSTOM_SCHEMA)
		return;
	bitbuf_put_varbit_uint(b, (uint64_t) l->n_custom);
	for (int i = 0; i < l->n_custom; i++)
		put_bound(b, l->custom[i]);
}

/* chunk_layout_get -- false if the bits end or are no layout (histogram_layout_check). */
bool
chunk_layout_get(BitReader *r, ChunkLayout *l)
{
	int64_t schema;

	*l = (ChunkLayout){.view = {.zero_threshold = get_zero_threshold(r)}};
	schema = bits_get_varbit_int(r);
	if (schema < HISTOGRAM_CUSTOM_SCHEMA || schema > HISTOGRAM_MAX_RESERVED_SCHEMA)
		return false;
	l->view.schema = (int32_t) schema;
	l->pos_spans = get_spans(r, &l->view.n_pos_spans);
	l->neg_spans = get_spans(r, &l->view.n_neg_spans);
	if (schema == HISTOGRAM_CUSTOM_SCHEMA)
		l->custom = get_bounds(r, &l->view.n_custom);
	l->view.pos_spans = l->pos_spans;
	l->view.neg_spans = l->neg_spans;
	l->view.custom = l->custom;
	return !r->overrun && histogram_layout_check(&l->view, &l->n_pos, &l->n_neg);
}
