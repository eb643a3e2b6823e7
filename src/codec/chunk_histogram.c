/*
 * chunk_histogram.c
 *    Native histogram chunks, integer (encoding 2) and float (encoding 3), as Prometheus stores
 *    them (tsdb/chunkenc/histogram.go, float_histogram.go).
 *
 * Layout:
 *    16 bits   number of samples, big-endian
 *    8 bits    flags, top two: 10 counter reset, 01 none, 00 unknown, 11 gauge
 *    layout    zero threshold, schema, positive and negative spans, custom bounds
 *    samples   see put_int_sample and put_float_sample
 *
 * A chunk has one bucket layout.  Where Prometheus widens a chunk's layout for new buckets, this
 * encoder cuts a new chunk: readers accept both, and the flush sees all samples at once, so
 * a layout that changes is rare.
 */
#include "codec/chunk.h"
#include "codec/varbit.h"
#include "util/mem.h"
#include "util/varint.h"

#include <math.h>

#define FLAG_UNKNOWN   0x00
#define FLAG_NOT_RESET 0x40
#define FLAG_RESET	   0x80
#define FLAG_GAUGE	   0xC0

#define MAX_SPANS	10000
#define MAX_BUCKETS 200000
#define CUSTOM_MAX	33554430.0 /* bound * 1000 that fits the short form */

/* What all samples of a chunk have in common; spans as in the samples. */
typedef struct Layout
{
	int32_t schema;
	double zero_threshold;
	int n_pos_spans, n_neg_spans, n_pos, n_neg, n_custom;
	const HistogramSpan *pos_spans, *neg_spans;
	const double *custom;
} Layout;

static Layout
layout_of(const HistogramSample *s)
{
	if (s->i)
		return (Layout){s->i->schema, s->i->zero_threshold, s->i->n_pos_spans, s->i->n_neg_spans,
						s->i->n_pos, s->i->n_neg, s->i->n_custom, s->i->pos_spans, s->i->neg_spans,
						s->i->custom};
	return (Layout){s->f->schema, s->f->zero_threshold, s->f->n_pos_spans, s->f->n_neg_spans,
					s->f->n_pos, s->f->n_neg, s->f->n_custom, s->f->pos_spans, s->f->neg_spans,
					s->f->custom};
}

static bool
spans_equal(const HistogramSpan *a, int na, const HistogramSpan *b, int nb)
{
	return na == nb && (na == 0 || memcmp(a, b, sizeof(*a) * (size_t) na) == 0);
}

static bool
layout_equal(const Layout *a, const Layout *b)
{
	return a->schema == b->schema && a->zero_threshold == b->zero_threshold &&
		   spans_equal(a->pos_spans, a->n_pos_spans, b->pos_spans, b->n_pos_spans) &&
		   spans_equal(a->neg_spans, a->n_neg_spans, b->neg_spans, b->n_neg_spans) &&
		   a->n_custom == b->n_custom &&
		   (a->n_custom == 0 ||
			memcmp(a->custom, b->custom, sizeof(double) * (size_t) a->n_custom) == 0);
}

static double
sum_of(const HistogramSample *s)
{
	return s->i ? s->i->sum : s->f->sum;
}

static HistogramHint
hint_of(const HistogramSample *s)
{
	return s->i ? s->i->hint : s->f->hint;
}

static double
bucket_of(const HistogramSample *s, int k, int64_t *running)
{
	int npos = s->i ? s->i->n_pos : s->f->n_pos;

	if (s->f)
		return k < npos ? s->f->pos[k] : s->f->neg[k - npos];
	if (k == 0 || k == npos)
		*running = 0;
	*running += k < npos ? s->i->pos[k] : s->i->neg[k - npos];
	return (double) *running;
}

/* Did a counter go down from a to b, both of one layout? */
static bool
is_reset(const HistogramSample *a, const HistogramSample *b)
{
	Layout l = layout_of(a);
	int64_t ra = 0;
	int64_t rb = 0;

	if (a->i ? b->i->count < a->i->count || b->i->zero_count < a->i->zero_count
			 : b->f->count < a->f->count || b->f->zero_count < a->f->zero_count)
		return true;
	for (int k = 0; k < l.n_pos + l.n_neg; k++)
		if (bucket_of(b, k, &rb) < bucket_of(a, k, &ra))
			return true;
	return false;
}

/* ---- encoding ---------------------------------------------------------------------------------- */

typedef struct Encoder
{
	BitBuf bits;
	bool is_float;
	Layout layout;
	uint16_t count;
	int64_t t, t_delta;
	int64_t cnt, cnt_delta, zero, zero_delta;
	int64_t *bucket, *bucket_delta; /* integer: the delta value and its delta */
	XorState sum, xcnt, xzero, *xbucket;
} Encoder;

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

static void
put_zero_threshold(BitBuf *b, double z)
{
	int exp;

	if (z == 0)
		bitbuf_put(b, 0, 8);
	else if (frexp(z, &exp) == 0.5 && exp >= -242 && exp <= 11)
		bitbuf_put(b, (uint64_t) (exp + 243), 8);
	else
	{
		bitbuf_put(b, 255, 8);
		bitbuf_put(b, value_bits(z), 64);
	}
}

static void
put_layout(BitBuf *b, const Layout *l)
{
	put_zero_threshold(b, l->zero_threshold);
	bitbuf_put_varbit_int(b, l->schema);
	put_spans(b, l->pos_spans, l->n_pos_spans);
	put_spans(b, l->neg_spans, l->n_neg_spans);
	if (l->schema != HISTOGRAM_CUSTOM_SCHEMA)
		return;
	bitbuf_put_varbit_uint(b, (uint64_t) l->n_custom);
	for (int i = 0; i < l->n_custom; i++)
	{
		double scaled = l->custom[i] * 1000;

		if (scaled >= 0 && scaled <= CUSTOM_MAX && scaled == floor(scaled) &&
			scaled / 1000 == l->custom[i])
			bitbuf_put_varbit_uint(b, (uint64_t) scaled + 1);
		else
		{
			bitbuf_put(b, 0, 1);
			bitbuf_put(b, value_bits(l->custom[i]), 64);
		}
	}
}

static void
encoder_begin(Encoder *e, const HistogramSample *first, uint8_t flags)
{
	bool stale = value_is_stale(sum_of(first));
	size_t nbuckets;

	memset(e, 0, sizeof(*e));
	bitbuf_init(&e->bits);
	e->is_float = first->f != NULL;
	if (!stale)
		e->layout = layout_of(first);
	nbuckets = (size_t) (e->layout.n_pos + e->layout.n_neg) + 1;
	e->bucket = mem_alloc0(sizeof(int64_t) * nbuckets);
	e->bucket_delta = mem_alloc0(sizeof(int64_t) * nbuckets);
	e->xbucket = mem_alloc0(sizeof(XorState) * nbuckets);
	for (size_t i = 0; i < nbuckets; i++)
		e->xbucket[i].leading = 0xff;
	e->sum.leading = e->xcnt.leading = e->xzero.leading = 0xff;
	bitbuf_put(&e->bits, 0, 16);
	bitbuf_put(&e->bits, flags, 8);
	put_layout(&e->bits, &e->layout);
}

static void
put_dod(BitBuf *b, int64_t v, int64_t *last, int64_t *last_delta)
{
	int64_t delta = (int64_t) ((uint64_t) v - (uint64_t) *last);

	bitbuf_put_varbit_int(b, (int64_t) ((uint64_t) delta - (uint64_t) *last_delta));
	*last = v;
	*last_delta = delta;
}

static void
put_int_sample(Encoder *e, const HistogramSample *s)
{
	const IntHistogram *h = s->i;
	BitBuf *b = &e->bits;
	bool stale = value_is_stale(h->sum);
	int64_t count = stale ? e->cnt + e->cnt_delta : (int64_t) h->count;
	int64_t zero = stale ? e->zero + e->zero_delta : (int64_t) h->zero_count;

	if (e->count == 0)
	{
		if (stale)
			count = zero = 0;
		bitbuf_put_varbit_int(b, s->t);
		bitbuf_put_varbit_uint(b, (uint64_t) count);
		bitbuf_put_varbit_uint(b, (uint64_t) zero);
		bitbuf_put(b, value_bits(h->sum), 64);
		e->t = s->t;
		e->cnt = count;
		e->zero = zero;
		e->sum.v = value_bits(h->sum);
		for (int k = 0; !stale && k < e->layout.n_pos + e->layout.n_neg; k++)
		{
			e->bucket[k] = k < h->n_pos ? h->pos[k] : h->neg[k - h->n_pos];
			bitbuf_put_varbit_int(b, e->bucket[k]);
		}
		return;
	}
	put_dod(b, s->t, &e->t, &e->t_delta);
	put_dod(b, count, &e->cnt, &e->cnt_delta);
	put_dod(b, zero, &e->zero, &e->zero_delta);
	bitbuf_put_xor(b, &e->sum, value_bits(h->sum));
	for (int k = 0; !stale && k < e->layout.n_pos + e->layout.n_neg; k++)
		put_dod(b, k < h->n_pos ? h->pos[k] : h->neg[k - h->n_pos], &e->bucket[k],
				&e->bucket_delta[k]);
}

static void
put_float_sample(Encoder *e, const HistogramSample *s)
{
	const Histogram *h = s->f;
	BitBuf *b = &e->bits;
	bool stale = value_is_stale(h->sum);
	uint64_t count = stale ? e->xcnt.v : value_bits(h->count);
	uint64_t zero = stale ? e->xzero.v : value_bits(h->zero_count);

	if (e->count == 0)
	{
		bitbuf_put_varbit_int(b, s->t);
		bitbuf_put(b, count, 64);
		bitbuf_put(b, zero, 64);
		bitbuf_put(b, value_bits(h->sum), 64);
		e->t = s->t;
		e->xcnt.v = count;
		e->xzero.v = zero;
		e->sum.v = value_bits(h->sum);
		for (int k = 0; !stale && k < e->layout.n_pos + e->layout.n_neg; k++)
		{
			e->xbucket[k].v = value_bits(k < h->n_pos ? h->pos[k] : h->neg[k - h->n_pos]);
			bitbuf_put(b, e->xbucket[k].v, 64);
		}
		return;
	}
	put_dod(b, s->t, &e->t, &e->t_delta);
	bitbuf_put_xor(b, &e->xcnt, count);
	bitbuf_put_xor(b, &e->xzero, zero);
	bitbuf_put_xor(b, &e->sum, value_bits(h->sum));
	for (int k = 0; !stale && k < e->layout.n_pos + e->layout.n_neg; k++)
		bitbuf_put_xor(b, &e->xbucket[k],
					   value_bits(k < h->n_pos ? h->pos[k] : h->neg[k - h->n_pos]));
}

/* Must s, which follows prev in the encoder's chunk, begin a new one?  With which flags? */
static bool
must_cut(const Encoder *e, const HistogramSample *prev, const HistogramSample *s, size_t max_bytes,
		 uint8_t *flags)
{
	bool stale = value_is_stale(sum_of(s));
	bool prev_stale = value_is_stale(sum_of(prev));
	Layout l = layout_of(s);

	*flags = hint_of(s) == HISTOGRAM_HINT_GAUGE ? FLAG_GAUGE : FLAG_UNKNOWN;
	if ((s->f != NULL) != e->is_float || e->count >= CHUNK_MAX_SAMPLES)
		return true;
	if (stale)
		return false;
	if (prev_stale || !layout_equal(&e->layout, &l))
		return true;
	if ((hint_of(s) == HISTOGRAM_HINT_GAUGE) != (hint_of(prev) == HISTOGRAM_HINT_GAUGE))
		return true;
	if (hint_of(s) != HISTOGRAM_HINT_GAUGE &&
		(hint_of(s) == HISTOGRAM_HINT_RESET || is_reset(prev, s)))
	{
		*flags = FLAG_RESET;
		return true;
	}
	if (e->bits.pos / 8 > max_bytes && e->count >= 10)
	{
		*flags = hint_of(s) == HISTOGRAM_HINT_GAUGE ? FLAG_GAUGE : FLAG_NOT_RESET;
		return true;
	}
	return false;
}

static void
encoder_end(Encoder *e, ChunkBytes *out)
{
	e->bits.data[0] = (uint8_t) (e->count >> 8);
	e->bits.data[1] = (uint8_t) e->count;
	out->encoding = e->is_float ? CHUNK_FLOAT_HISTOGRAM : CHUNK_HISTOGRAM;
	out->count = e->count;
	out->max_t = e->t;
	out->data = e->bits.data;
	out->len = (e->bits.pos + 7) / 8;
	mem_free(e->bucket);
	mem_free(e->bucket_delta);
	mem_free(e->xbucket);
}

int
chunk_histogram_encode(const HistogramSample *samples, int n, size_t max_bytes, ChunkBytes **out)
{
	ChunkBytes *chunks = mem_alloc(sizeof(ChunkBytes) * (size_t) (n + 1));
	int nchunks = 0;
	Encoder e;

	for (int i = 0; i < n; i++)
	{
		const HistogramSample *s = &samples[i];
		uint8_t flags = hint_of(s) == HISTOGRAM_HINT_GAUGE	 ? FLAG_GAUGE
						: hint_of(s) == HISTOGRAM_HINT_RESET ? FLAG_RESET
															 : FLAG_UNKNOWN;

		if (i == 0 || must_cut(&e, &samples[i - 1], s, max_bytes, &flags))
		{
			if (i > 0)
				encoder_end(&e, &chunks[nchunks++]);
			encoder_begin(&e, s, flags);
			chunks[nchunks].min_t = s->t;
		}
		if (e.is_float)
			put_float_sample(&e, s);
		else
			put_int_sample(&e, s);
		e.count++;
	}
	if (n > 0)
		encoder_end(&e, &chunks[nchunks++]);
	*out = chunks;
	return nchunks;
}

/* ---- decoding ---------------------------------------------------------------------------------- */

typedef struct Decoder
{
	BitReader r;
	bool is_float;
	int32_t schema;
	double zero_threshold;
	HistogramSpan *pos_spans, *neg_spans;
	int n_pos_spans, n_neg_spans, n_pos, n_neg, n_custom;
	double *custom;
} Decoder;

static HistogramSpan *
get_spans(BitReader *r, int *n, int *nbuckets)
{
	uint64_t count = bits_get_varbit_uint(r);
	uint64_t total = 0;
	HistogramSpan *spans;

	*n = *nbuckets = 0;
	if (count > MAX_SPANS || r->overrun)
	{
		r->overrun = true;
		return NULL;
	}
	spans = mem_alloc(sizeof(HistogramSpan) * (size_t) (count + 1));
	for (uint64_t i = 0; i < count; i++)
	{
		uint64_t length = bits_get_varbit_uint(r);
		int64_t offset = bits_get_varbit_int(r);

		total += length;
		if (r->overrun || length > MAX_BUCKETS || total > MAX_BUCKETS || offset < INT32_MIN ||
			offset > INT32_MAX)
		{
			r->overrun = true;
			return NULL;
		}
		spans[i] = (HistogramSpan){(int32_t) offset, (uint32_t) length};
	}
	*n = (int) count;
	*nbuckets = (int) total;
	return spans;
}

static void
get_layout(Decoder *d)
{
	BitReader *r = &d->r;
	unsigned z = (unsigned) bits_get(r, 8);
	int64_t schema;

	if (z == 255)
		d->zero_threshold = value_from_bits(bits_get(r, 64));
	else
		d->zero_threshold = z == 0 ? 0 : ldexp(0.5, (int) z - 243);
	schema = bits_get_varbit_int(r);
	if (schema < -60 || schema > 60)
		r->overrun = true;
	d->schema = (int32_t) schema;
	d->pos_spans = get_spans(r, &d->n_pos_spans, &d->n_pos);
	d->neg_spans = get_spans(r, &d->n_neg_spans, &d->n_neg);
	if (d->schema == HISTOGRAM_CUSTOM_SCHEMA)
	{
		uint64_t n = bits_get_varbit_uint(r);

		if (n > MAX_BUCKETS || r->overrun)
		{
			r->overrun = true;
			return;
		}
		d->n_custom = (int) n;
		d->custom = mem_alloc(sizeof(double) * (size_t) (n + 1));
		for (uint64_t i = 0; i < n; i++)
		{
			uint64_t u = bits_get_varbit_uint(r);

			d->custom[i] = u == 0 ? value_from_bits(bits_get(r, 64)) : (double) (u - 1) / 1000;
		}
	}
}

static void
sample_frame(const Decoder *d, HistogramSample *s, HistogramHint hint, bool stale)
{
	if (d->is_float)
	{
		Histogram *h = s->f = mem_alloc0(sizeof(Histogram));

		h->hint = hint;
		if (stale)
			return;
		h->schema = d->schema;
		h->zero_threshold = d->zero_threshold;
		h->n_pos_spans = d->n_pos_spans;
		h->n_neg_spans = d->n_neg_spans;
		h->n_pos = d->n_pos;
		h->n_neg = d->n_neg;
		h->n_custom = d->n_custom;
		h->pos_spans = d->pos_spans;
		h->neg_spans = d->neg_spans;
		h->custom = d->custom;
		h->pos = mem_alloc(sizeof(double) * (size_t) (d->n_pos + 1));
		h->neg = mem_alloc(sizeof(double) * (size_t) (d->n_neg + 1));
	}
	else
	{
		IntHistogram *h = s->i = mem_alloc0(sizeof(IntHistogram));

		h->hint = hint;
		if (stale)
			return;
		h->schema = d->schema;
		h->zero_threshold = d->zero_threshold;
		h->n_pos_spans = d->n_pos_spans;
		h->n_neg_spans = d->n_neg_spans;
		h->n_pos = d->n_pos;
		h->n_neg = d->n_neg;
		h->n_custom = d->n_custom;
		h->pos_spans = d->pos_spans;
		h->neg_spans = d->neg_spans;
		h->custom = d->custom;
		h->pos = mem_alloc(sizeof(int64_t) * (size_t) (d->n_pos + 1));
		h->neg = mem_alloc(sizeof(int64_t) * (size_t) (d->n_neg + 1));
	}
}

static int64_t
get_dod(BitReader *r, int64_t *last, int64_t *last_delta)
{
	*last_delta = (int64_t) ((uint64_t) *last_delta + (uint64_t) bits_get_varbit_int(r));
	*last = (int64_t) ((uint64_t) *last + (uint64_t) *last_delta);
	return *last;
}

static void
decode_samples(Decoder *d, int n, uint8_t flags, HistogramSample *out)
{
	BitReader *r = &d->r;
	int nb = d->n_pos + d->n_neg;
	int64_t *bucket = mem_alloc0(sizeof(int64_t) * (size_t) (nb + 1));
	int64_t *bucket_delta = mem_alloc0(sizeof(int64_t) * (size_t) (nb + 1));
	XorState *xbucket = mem_alloc0(sizeof(XorState) * (size_t) (nb + 1));
	XorState sum = {0, 0xff, 0};
	XorState xcnt = {0, 0xff, 0};
	XorState xzero = {0, 0xff, 0};
	int64_t t = 0, t_delta = 0, cnt = 0, cnt_delta = 0, zero = 0, zero_delta = 0;

	for (int k = 0; k < nb; k++)
		xbucket[k].leading = 0xff;
	for (int i = 0; i < n && !r->overrun; i++)
	{
		HistogramSample *s = &out[i];
		HistogramHint hint = (flags & 0xC0) == FLAG_GAUGE ? HISTOGRAM_HINT_GAUGE
							 : i == 0					  ? HISTOGRAM_HINT_UNKNOWN
														  : HISTOGRAM_HINT_NOT_RESET;
		bool stale;

		if (i == 0)
		{
			t = bits_get_varbit_int(r);
			if (d->is_float)
			{
				xcnt.v = bits_get(r, 64);
				xzero.v = bits_get(r, 64);
			}
			else
			{
				cnt = (int64_t) bits_get_varbit_uint(r);
				zero = (int64_t) bits_get_varbit_uint(r);
			}
			sum.v = bits_get(r, 64);
		}
		else
		{
			get_dod(r, &t, &t_delta);
			if (d->is_float)
			{
				bits_get_xor(r, &xcnt);
				bits_get_xor(r, &xzero);
			}
			else
			{
				get_dod(r, &cnt, &cnt_delta);
				get_dod(r, &zero, &zero_delta);
			}
			bits_get_xor(r, &sum);
		}
		stale = sum.v == VALUE_STALE_BITS;
		s->t = t;
		sample_frame(d, s, hint, stale);
		if (d->is_float)
		{
			s->f->sum = value_from_bits(sum.v);
			if (stale)
				continue;
			s->f->count = value_from_bits(xcnt.v);
			s->f->zero_count = value_from_bits(xzero.v);
		}
		else
		{
			s->i->sum = value_from_bits(sum.v);
			if (stale)
				continue;
			s->i->count = (uint64_t) cnt;
			s->i->zero_count = (uint64_t) zero;
		}
		for (int k = 0; k < nb; k++)
		{
			if (d->is_float)
			{
				if (i == 0)
					xbucket[k].v = bits_get(r, 64);
				else
					bits_get_xor(r, &xbucket[k]);
				*(k < d->n_pos ? &s->f->pos[k] : &s->f->neg[k - d->n_pos]) =
					value_from_bits(xbucket[k].v);
			}
			else
			{
				if (i == 0)
					bucket[k] = bits_get_varbit_int(r);
				else
					get_dod(r, &bucket[k], &bucket_delta[k]);
				*(k < d->n_pos ? &s->i->pos[k] : &s->i->neg[k - d->n_pos]) = bucket[k];
			}
		}
	}
	mem_free(bucket);
	mem_free(bucket_delta);
	mem_free(xbucket);
}

int
chunk_histogram_decode(ChunkEncoding enc, const uint8_t *data, size_t len, HistogramSample **out,
					   Err *err)
{
	Decoder d = {.is_float = enc == CHUNK_FLOAT_HISTOGRAM};
	int n = chunk_count(data, len);
	size_t min_bits;

	*out = NULL;
	if (len >= 3)
	{
		bits_init(&d.r, data + 3, len - 3);
		get_layout(&d);
	}
	/* each sample takes at least four bits, and one for each bucket unless it is stale */
	min_bits = (size_t) n * 4;
	if (len < 3 || d.r.overrun || min_bits > len * 8 ||
		(uint64_t) (d.n_pos + d.n_neg) * (uint64_t) (n > 0) > len * 8)
	{
		err_set(err, ERR_CORRUPT, -1, "histogram chunk of %zu bytes is malformed", len);
		return -1;
	}
	*out = mem_alloc0(sizeof(HistogramSample) * (size_t) (n + 1));
	decode_samples(&d, n, data[2], *out);
	if (d.r.overrun)
	{
		err_set(err, ERR_CORRUPT, -1, "histogram chunk of %zu bytes ends before its %d samples", len,
				n);
		return -1;
	}
	return n;
}
