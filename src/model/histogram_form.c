/*
 * histogram_form.c
 *    Native histograms: copying, validation, reducing resolution, the self-contained binary form.
 *
 * Binary form (docs/formats.md):
 *    u8       bit 0 float, bits 1-2 reset hint, bit 3 stale, bit 4 custom bounds, bit 5 zero
 *             threshold is 2^-128, bit 6 no zero bucket
 *    8 bytes  sum (stale: the end)
 *    varint   schema
 *    8 bytes  zero threshold, unless bit 5
 *    counts   count, and zero count unless bit 6: uvarint (integer) or 8 bytes (float)
 *    spans    number, then offset (varint) and length (uvarint); positive, then negative
 *    buckets  varint deltas (integer) or 8 bytes each (float); positive, then negative
 *    bounds   number and 8 bytes each, if bit 4
 */
#include "model/histogram.h"

#include "util/mem.h"
#include "util/varint.h"

#define FORM_FLOAT		0x01
#define FORM_HINT_SHIFT 1
#define FORM_STALE		0x08
#define FORM_CUSTOM		0x10
#define FORM_USUAL_ZERO 0x20
#define FORM_NO_ZERO	0x40

#define FORM_MAX_SPANS	 10000
#define FORM_MAX_BUCKETS 200000

static const double usual_zero = 0x1p-128; /* what Prometheus' clients set */

Histogram *
histogram_copy(const Histogram *h)
{
	Histogram *c = mem_dup(h, sizeof(*h));

	c->pos_spans = mem_dup(h->pos_spans, sizeof(HistogramSpan) * (size_t) h->n_pos_spans);
	c->neg_spans = mem_dup(h->neg_spans, sizeof(HistogramSpan) * (size_t) h->n_neg_spans);
	c->pos = mem_dup(h->pos, sizeof(double) * (size_t) h->n_pos);
	c->neg = mem_dup(h->neg, sizeof(double) * (size_t) h->n_neg);
	c->custom = mem_dup(h->custom, sizeof(double) * (size_t) h->n_custom);
	return c;
}

static double *
absolute(const int64_t *deltas, int n)
{
	double *out = mem_alloc(sizeof(double) * (size_t) (n > 0 ? n : 1));
	uint64_t sum = 0;

	for (int i = 0; i < n; i++)
	{
		sum += (uint64_t) deltas[i];
		out[i] = (double) (int64_t) sum;
	}
	return out;
}

Histogram *
histogram_from_int(const IntHistogram *ih)
{
	Histogram *h = mem_alloc0(sizeof(*h));

	h->hint = ih->hint;
	h->schema = ih->schema;
	h->zero_threshold = ih->zero_threshold;
	h->zero_count = (double) ih->zero_count;
	h->count = (double) ih->count;
	h->sum = ih->sum;
	h->n_pos_spans = ih->n_pos_spans;
	h->n_neg_spans = ih->n_neg_spans;
	h->n_pos = ih->n_pos;
	h->n_neg = ih->n_neg;
	h->n_custom = ih->n_custom;
	h->pos_spans = mem_dup(ih->pos_spans, sizeof(HistogramSpan) * (size_t) ih->n_pos_spans);
	h->neg_spans = mem_dup(ih->neg_spans, sizeof(HistogramSpan) * (size_t) ih->n_neg_spans);
	h->pos = absolute(ih->pos, ih->n_pos);
	h->neg = absolute(ih->neg, ih->n_neg);
	h->custom = mem_dup(ih->custom, sizeof(double) * (size_t) ih->n_custom);
	return h;
}

bool
histogram_is_stale(const Histogram *h)
{
	return value_is_stale(h->sum);
}

/* ---- validation -------------------------------------------------------------------------------- */

static bool
check_spans(const char *side, const HistogramSpan *spans, int n, int nbuckets, bool custom,
			Err *err)
{
	uint64_t need = 0;

	for (int i = 0; i < n; i++)
	{
		if ((i > 0 || custom) && spans[i].offset < 0)
			return err_set(err, ERR_BAD_REQUEST, -1,
						   "%sspan number %d with offset %d: histogram has a span whose offset is "
						   "negative",
						   side, i + 1, spans[i].offset);
		need += spans[i].length;
	}
	if (need != (uint64_t) nbuckets)
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "%sspans need %llu buckets, have %d buckets: histogram spans specify "
					   "different number of buckets than provided",
					   side, (unsigned long long) need, nbuckets);
	return true;
}

static bool
check_custom(int32_t schema, const double *custom, int n, const HistogramSpan *spans, int nspans,
			 double zero_count, double zero_threshold, int n_neg_spans, int n_neg, Err *err)
{
	uint64_t total = 0;

	if (schema != HISTOGRAM_CUSTOM_SCHEMA)
	{
		if (n > 0)
			return err_set(err, ERR_BAD_REQUEST, -1,
						   "histogram with exponential schema must not have custom bounds");
		return true;
	}
	for (int i = 0; i < n; i++)
	{
		if (isnan(custom[i]))
			return err_set(err, ERR_BAD_REQUEST, -1,
						   "custom buckets: histogram custom bounds must not be NaN");
		if (i > 0 && custom[i] <= custom[i - 1])
			return err_set(err, ERR_BAD_REQUEST, -1,
						   "custom buckets: previous bound is %f and current is %f: histogram custom "
						   "bounds must be in strictly increasing order",
						   custom[i - 1], custom[i]);
	}
	if (n > 0 && isinf(custom[n - 1]) && custom[n - 1] > 0)
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "custom buckets: last +Inf bound must not be explicitly defined: histogram "
					   "custom bounds must be finite");
	for (int i = 0; i < nspans; i++)
		total += (uint64_t) spans[i].length + (uint64_t) (spans[i].offset > 0 ? spans[i].offset : 0);
	if (total > (uint64_t) n + 1)
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "custom buckets: only %d custom bounds defined which is insufficient to cover "
					   "total span length of %llu: histogram custom bounds are too few",
					   n, (unsigned long long) total);
	if (zero_count != 0)
		return err_set(err, ERR_BAD_REQUEST, -1, "custom buckets: must have zero count of 0");
	if (zero_threshold != 0)
		return err_set(err, ERR_BAD_REQUEST, -1, "custom buckets: must have zero threshold of 0");
	if (n_neg_spans > 0)
		return err_set(err, ERR_BAD_REQUEST, -1, "custom buckets: must not have negative spans");
	if (n_neg > 0)
		return err_set(err, ERR_BAD_REQUEST, -1, "custom buckets: must not have negative buckets");
	return true;
}

bool
histogram_validate(const Histogram *h, Err *err)
{
	bool custom = h->schema == HISTOGRAM_CUSTOM_SCHEMA;

	if (value_is_stale(h->sum))
		return true;
	if (!check_custom(h->schema, h->custom, h->n_custom, h->pos_spans, h->n_pos_spans,
					  h->zero_count, h->zero_threshold, h->n_neg_spans, h->n_neg, err) ||
		!check_spans("negative side: ", h->neg_spans, h->n_neg_spans, h->n_neg, custom, err) ||
		!check_spans("positive side: ", h->pos_spans, h->n_pos_spans, h->n_pos, custom, err))
		return false;
	for (int i = 0; i < h->n_neg; i++)
		if (h->neg[i] < 0)
			return err_set(err, ERR_BAD_REQUEST, -1,
						   "negative side: bucket number %d has observation count of %g: histogram "
						   "has a bucket whose observation count is negative",
						   i + 1, h->neg[i]);
	for (int i = 0; i < h->n_pos; i++)
		if (h->pos[i] < 0)
			return err_set(err, ERR_BAD_REQUEST, -1,
						   "positive side: bucket number %d has observation count of %g: histogram "
						   "has a bucket whose observation count is negative",
						   i + 1, h->pos[i]);
	if (h->count < 0)
		return err_set(err, ERR_BAD_REQUEST, -1, "histogram's observation count is negative");
	return true;
}

static bool
sum_deltas(const char *side, const int64_t *deltas, int n, uint64_t *total, Err *err)
{
	int64_t bucket = 0;

	for (int i = 0; i < n; i++)
	{
		bucket = (int64_t) ((uint64_t) bucket + (uint64_t) deltas[i]);
		if (bucket < 0)
			return err_set(err, ERR_BAD_REQUEST, -1,
						   "%sbucket number %d has observation count of %lld: histogram has a bucket "
						   "whose observation count is negative",
						   side, i + 1, (long long) bucket);
		*total += (uint64_t) bucket;
	}
	return true;
}

bool
histogram_validate_int(const IntHistogram *h, Err *err)
{
	bool custom = h->schema == HISTOGRAM_CUSTOM_SCHEMA;
	uint64_t total = h->zero_count;

	if (value_is_stale(h->sum))
		return true;
	if (!check_custom(h->schema, h->custom, h->n_custom, h->pos_spans, h->n_pos_spans,
					  (double) h->zero_count, h->zero_threshold, h->n_neg_spans, h->n_neg, err) ||
		!check_spans("negative side: ", h->neg_spans, h->n_neg_spans, h->n_neg, custom, err) ||
		!check_spans("positive side: ", h->pos_spans, h->n_pos_spans, h->n_pos, custom, err) ||
		!sum_deltas("negative side: ", h->neg, h->n_neg, &total, err) ||
		!sum_deltas("positive side: ", h->pos, h->n_pos, &total, err))
		return false;
	if (isnan(h->sum))
	{
		if (total > h->count)
			return err_set(err, ERR_BAD_REQUEST, -1,
						   "%llu observations found in buckets, but the Count field is %llu: "
						   "histogram's observation count should be at least the number of "
						   "observations found in the buckets",
						   (unsigned long long) total, (unsigned long long) h->count);
	}
	else if (total != h->count)
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "%llu observations found in buckets, but the Count field is %llu: "
					   "histogram's observation count should equal the number of observations found "
					   "in the buckets (in absence of NaN)",
					   (unsigned long long) total, (unsigned long long) h->count);
	return true;
}

/* ---- reducing resolution ----------------------------------------------------------------------- */

/* Bucket index of schema `from` in schema `to` (to < from). */
static int32_t
target_index(int32_t index, int32_t from, int32_t to)
{
	return ((index - 1) >> (from - to)) + 1;
}

typedef struct Reduced
{
	HistogramSpan *spans;
	int nspans;
	double *buckets; /* absolute */
	int n;
} Reduced;

static Reduced
reduce_side(const HistogramSpan *spans, int nspans, const double *buckets, int32_t from, int32_t to)
{
	Reduced r = {0};
	int total = 0;
	int32_t index = 0;
	int32_t last = 0;
	int b = 0;

	for (int i = 0; i < nspans; i++)
		total += (int) spans[i].length;
	r.spans = mem_alloc(sizeof(HistogramSpan) * (size_t) (total + 1));
	r.buckets = mem_alloc(sizeof(double) * (size_t) (total + 1));
	for (int i = 0; i < nspans; i++)
	{
		index += spans[i].offset;
		for (uint32_t k = 0; k < spans[i].length; k++, index++)
		{
			int32_t t = target_index(index, from, to);

			if (r.n > 0 && t == last)
				r.buckets[r.n - 1] += buckets[b++];
			else
			{
				if (r.n > 0 && t == last + 1)
					r.spans[r.nspans - 1].length++;
				else
					r.spans[r.nspans++] = (HistogramSpan){r.n == 0 ? t : t - last - 1, 1};
				r.buckets[r.n++] = buckets[b++];
				last = t;
			}
		}
	}
	return r;
}

void
histogram_reduce(Histogram *h, int32_t schema)
{
	Reduced p = reduce_side(h->pos_spans, h->n_pos_spans, h->pos, h->schema, schema);
	Reduced n = reduce_side(h->neg_spans, h->n_neg_spans, h->neg, h->schema, schema);

	h->pos_spans = p.spans;
	h->n_pos_spans = p.nspans;
	h->pos = p.buckets;
	h->n_pos = p.n;
	h->neg_spans = n.spans;
	h->n_neg_spans = n.nspans;
	h->neg = n.buckets;
	h->n_neg = n.n;
	h->schema = schema;
}

static int64_t *
to_deltas(const double *buckets, int n)
{
	int64_t *out = mem_alloc(sizeof(int64_t) * (size_t) (n > 0 ? n : 1));
	int64_t last = 0;

	for (int i = 0; i < n; i++)
	{
		out[i] = (int64_t) buckets[i] - last;
		last = (int64_t) buckets[i];
	}
	return out;
}

void
histogram_reduce_int(IntHistogram *h, int32_t schema)
{
	Reduced p = reduce_side(h->pos_spans, h->n_pos_spans, absolute(h->pos, h->n_pos), h->schema,
							schema);
	Reduced n = reduce_side(h->neg_spans, h->n_neg_spans, absolute(h->neg, h->n_neg), h->schema,
							schema);

	h->pos_spans = p.spans;
	h->n_pos_spans = p.nspans;
	h->pos = to_deltas(p.buckets, p.n);
	h->n_pos = p.n;
	h->neg_spans = n.spans;
	h->n_neg_spans = n.nspans;
	h->neg = to_deltas(n.buckets, n.n);
	h->n_neg = n.n;
	h->schema = schema;
}

/* ---- binary form ------------------------------------------------------------------------------- */

static void
put_double(Buf *out, double v)
{
	buf_append(out, &v, sizeof(v));
}

static void
put_spans(Buf *out, const HistogramSpan *spans, int n)
{
	buf_uvarint(out, (uint64_t) n);
	for (int i = 0; i < n; i++)
	{
		buf_varint(out, spans[i].offset);
		buf_uvarint(out, spans[i].length);
	}
}

static void
put_custom(Buf *out, const double *custom, int n)
{
	buf_uvarint(out, (uint64_t) n);
	for (int i = 0; i < n; i++)
		put_double(out, custom[i]);
}

static void
put_head(Buf *out, bool is_float, HistogramHint hint, double sum, int32_t schema,
		 double zero_threshold, bool no_zero)
{
	uint8_t flags = (uint8_t) ((is_float ? FORM_FLOAT : 0) | hint << FORM_HINT_SHIFT);

	if (value_is_stale(sum))
		flags |= FORM_STALE;
	else
	{
		flags |= schema == HISTOGRAM_CUSTOM_SCHEMA ? FORM_CUSTOM : 0;
		flags |= zero_threshold == usual_zero ? FORM_USUAL_ZERO : 0;
		flags |= no_zero ? FORM_NO_ZERO : 0;
	}
	buf_char(out, (char) flags);
	put_double(out, sum);
	if (flags & FORM_STALE)
		return;
	buf_varint(out, schema);
	if (!(flags & FORM_USUAL_ZERO))
		put_double(out, zero_threshold);
}

void
histogram_sample_put(Buf *out, const HistogramSample *s)
{
	if (s->i)
	{
		const IntHistogram *h = s->i;

		put_head(out, false, h->hint, h->sum, h->schema, h->zero_threshold, h->zero_count == 0);
		if (value_is_stale(h->sum))
			return;
		buf_uvarint(out, h->count);
		if (h->zero_count != 0)
			buf_uvarint(out, h->zero_count);
		put_spans(out, h->pos_spans, h->n_pos_spans);
		put_spans(out, h->neg_spans, h->n_neg_spans);
		for (int i = 0; i < h->n_pos; i++)
			buf_varint(out, h->pos[i]);
		for (int i = 0; i < h->n_neg; i++)
			buf_varint(out, h->neg[i]);
		if (h->schema == HISTOGRAM_CUSTOM_SCHEMA)
			put_custom(out, h->custom, h->n_custom);
	}
	else
	{
		const Histogram *h = s->f;

		put_head(out, true, h->hint, h->sum, h->schema, h->zero_threshold,
				 value_bits(h->zero_count) == 0);
		if (value_is_stale(h->sum))
			return;
		put_double(out, h->count);
		if (value_bits(h->zero_count) != 0)
			put_double(out, h->zero_count);
		put_spans(out, h->pos_spans, h->n_pos_spans);
		put_spans(out, h->neg_spans, h->n_neg_spans);
		for (int i = 0; i < h->n_pos; i++)
			put_double(out, h->pos[i]);
		for (int i = 0; i < h->n_neg; i++)
			put_double(out, h->neg[i]);
		if (h->schema == HISTOGRAM_CUSTOM_SCHEMA)
			put_custom(out, h->custom, h->n_custom);
	}
}

typedef struct FormReader
{
	const uint8_t *p; /* NULL after an error */
	const uint8_t *end;
} FormReader;

static uint64_t
get_uint(FormReader *r)
{
	uint64_t v = 0;

	if (r->p)
		r->p = varint_get(r->p, r->end, &v);
	return r->p ? v : 0;
}

static double
get_double(FormReader *r)
{
	double v = 0;

	if (r->p == NULL || r->end - r->p < (ptrdiff_t) sizeof(v))
	{
		r->p = NULL;
		return 0;
	}
	memcpy(&v, r->p, sizeof(v));
	r->p += sizeof(v);
	return v;
}

static HistogramSpan *
get_spans(FormReader *r, int *n, int *nbuckets)
{
	uint64_t count = get_uint(r);
	HistogramSpan *spans;
	uint64_t total = 0;

	*n = *nbuckets = 0;
	if (r->p == NULL || count > FORM_MAX_SPANS || count * 2 > (uint64_t) (r->end - r->p))
	{
		r->p = NULL;
		return NULL;
	}
	spans = mem_alloc(sizeof(HistogramSpan) * (size_t) (count + 1));
	for (uint64_t i = 0; i < count; i++)
	{
		int64_t offset = varint_unzigzag(get_uint(r));
		uint64_t length = get_uint(r);

		total += length;
		if (offset < INT32_MIN || offset > INT32_MAX || length > FORM_MAX_BUCKETS ||
			total > FORM_MAX_BUCKETS)
			r->p = NULL;
		if (r->p == NULL)
			return NULL;
		spans[i] = (HistogramSpan){(int32_t) offset, (uint32_t) length};
	}
	*n = (int) count;
	*nbuckets = (int) total;
	return spans;
}

static int64_t *
get_deltas(FormReader *r, int n)
{
	int64_t *out;

	if (r->p == NULL || n > r->end - r->p)
	{
		r->p = NULL;
		return NULL;
	}
	out = mem_alloc(sizeof(int64_t) * (size_t) (n + 1));
	for (int i = 0; i < n; i++)
		out[i] = varint_unzigzag(get_uint(r));
	return out;
}

static double *
get_doubles(FormReader *r, uint64_t n)
{
	double *out;

	if (r->p == NULL || n > (uint64_t) (r->end - r->p) / sizeof(double))
	{
		r->p = NULL;
		return NULL;
	}
	out = mem_alloc(sizeof(double) * (size_t) (n + 1));
	for (uint64_t i = 0; i < n; i++)
		out[i] = get_double(r);
	return out;
}

const uint8_t *
histogram_sample_get(const uint8_t *p, const uint8_t *end, HistogramSample *s)
{
	FormReader r = {p, end};
	uint8_t flags;
	double sum;
	int64_t schema = 0;
	double zero_threshold = 0;

	s->i = NULL;
	s->f = NULL;
	if (p >= end)
		return NULL;
	flags = *r.p++;
	sum = get_double(&r);
	if (!(flags & FORM_STALE))
	{
		schema = varint_unzigzag(get_uint(&r));
		zero_threshold = flags & FORM_USUAL_ZERO ? usual_zero : get_double(&r);
		if (schema < -60 || schema > 60)
			return NULL;
	}
	if (flags & FORM_FLOAT)
	{
		Histogram *h = s->f = mem_alloc0(sizeof(Histogram));

		h->hint = (HistogramHint) (flags >> FORM_HINT_SHIFT & 3);
		h->sum = sum;
		h->schema = (int32_t) schema;
		h->zero_threshold = zero_threshold;
		if (flags & FORM_STALE)
			return r.p;
		h->count = get_double(&r);
		h->zero_count = flags & FORM_NO_ZERO ? 0 : get_double(&r);
		h->pos_spans = get_spans(&r, &h->n_pos_spans, &h->n_pos);
		h->neg_spans = get_spans(&r, &h->n_neg_spans, &h->n_neg);
		h->pos = get_doubles(&r, (uint64_t) h->n_pos);
		h->neg = get_doubles(&r, (uint64_t) h->n_neg);
		if (flags & FORM_CUSTOM)
		{
			uint64_t n = get_uint(&r);

			h->custom = get_doubles(&r, n);
			h->n_custom = (int) n;
		}
	}
	else
	{
		IntHistogram *h = s->i = mem_alloc0(sizeof(IntHistogram));

		h->hint = (HistogramHint) (flags >> FORM_HINT_SHIFT & 3);
		h->sum = sum;
		h->schema = (int32_t) schema;
		h->zero_threshold = zero_threshold;
		if (flags & FORM_STALE)
			return r.p;
		h->count = get_uint(&r);
		h->zero_count = flags & FORM_NO_ZERO ? 0 : get_uint(&r);
		h->pos_spans = get_spans(&r, &h->n_pos_spans, &h->n_pos);
		h->neg_spans = get_spans(&r, &h->n_neg_spans, &h->n_neg);
		h->pos = get_deltas(&r, h->n_pos);
		h->neg = get_deltas(&r, h->n_neg);
		if (flags & FORM_CUSTOM)
		{
			uint64_t n = get_uint(&r);

			h->custom = get_doubles(&r, n);
			h->n_custom = (int) n;
		}
	}
	return r.p;
}

bool
histogram_sample_equal(const HistogramSample *a, const HistogramSample *b)
{
	Buf x;
	Buf y;
	bool equal;

	buf_init(&x, 256, SIZE_MAX / 4);
	buf_init(&y, 256, SIZE_MAX / 4);
	histogram_sample_put(&x, a);
	histogram_sample_put(&y, b);
	equal = x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
	buf_free(&x);
	buf_free(&y);
	return equal;
}
