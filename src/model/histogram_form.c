/*
 * histogram_form.c
 *    Native histograms: copies, integer to float, the self-contained binary form.
 *
 * Binary form (docs/formats.md); doubles are 8 bytes little-endian, spans and buckets of the
 * positive side come before those of the negative one:
 *    u8        bit 0 float, bits 1-2 reset hint, bit 3 stale, bit 4 custom bounds, bit 5 zero
 *              threshold is 2^-128, bit 6 zero count is 0, bit 7 zero
 *    double    sum; a stale histogram ends here
 *    varint    schema
 *    double    zero threshold, unless bit 5
 *    spans     each side: uvarint number, then varint offset and uvarint length each
 *    bounds    if bit 4: uvarint number, double each
 *    counts    count, and zero count unless bit 6: uvarint (integer) or double (float)
 *    buckets   varint deltas (integer) or double counts (float), as many as the spans say
 *
 * What histogram_sample_put writes is canonical: equal samples have equal bytes.
 */
#include "model/histogram.h"

#include "util/mem.h"
#include "util/varint.h"

#include <assert.h>

#define FORM_FLOAT		0x01
#define FORM_HINT_SHIFT 1
#define FORM_STALE		0x08
#define FORM_CUSTOM		0x10
#define FORM_USUAL_ZERO 0x20
#define FORM_NO_ZERO	0x40
#define FORM_UNUSED		0x80

#define USUAL_ZERO_THRESHOLD 0x1p-128 /* what the client libraries set */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "stored doubles are little-endian");

/* --- copies -------------------------------------------------------------------------------- */

static HistogramSpan *
copy_spans(const HistogramSpan *spans, int n)
{
	return mem_dup(spans, sizeof(HistogramSpan) * (size_t) n);
}

static double *
copy_doubles(const double *v, int n)
{
	return mem_dup(v, sizeof(double) * (size_t) n);
}

/* histogram_copy -- a copy that shares nothing with h. */
Histogram *
histogram_copy(const Histogram *h)
{
	Histogram *c = mem_dup(h, sizeof(*h));

	c->pos_spans = copy_spans(h->pos_spans, h->n_pos_spans);
	c->neg_spans = copy_spans(h->neg_spans, h->n_neg_spans);
	c->pos = copy_doubles(h->pos, h->n_pos);
	c->neg = copy_doubles(h->neg, h->n_neg);
	c->custom = copy_doubles(h->custom, h->n_custom);
	return c;
}

/* absolute_counts -- resolve deltas in doubles, as Prometheus does: beyond 2^53 they round. */
static double *
absolute_counts(const int64_t *deltas, int n)
{
	double *out = mem_alloc(sizeof(double) * ((size_t) n + 1));
	double count = 0;

	for (int i = 0; i < n; i++)
	{
		count += (double) deltas[i];
		out[i] = count;
	}
	return out;
}

/* histogram_from_int -- the float form of an integer histogram; shares nothing with it. */
Histogram *
histogram_from_int(const IntHistogram *ih)
{
	Histogram *h = mem_alloc(sizeof(*h));

	*h = (Histogram){
		.hint = ih->hint,
		.schema = ih->schema,
		.zero_threshold = ih->zero_threshold,
		.zero_count = (double) ih->zero_count,
		.count = (double) ih->count,
		.sum = ih->sum,
		.n_pos_spans = ih->n_pos_spans,
		.n_neg_spans = ih->n_neg_spans,
		.n_pos = ih->n_pos,
		.n_neg = ih->n_neg,
		.n_custom = ih->n_custom,
		.pos_spans = copy_spans(ih->pos_spans, ih->n_pos_spans),
		.neg_spans = copy_spans(ih->neg_spans, ih->n_neg_spans),
		.pos = absolute_counts(ih->pos, ih->n_pos),
		.neg = absolute_counts(ih->neg, ih->n_neg),
		.custom = copy_doubles(ih->custom, ih->n_custom),
	};
	return h;
}

bool
histogram_is_stale(const Histogram *h)
{
	return value_is_stale(h->sum);
}

bool
histogram_sample_is_stale(const HistogramSample *s)
{
	return value_is_stale(s->i != NULL ? s->i->sum : s->f->sum);
}

/* histogram_sample_layout -- views into s. */
HistogramLayout
histogram_sample_layout(const HistogramSample *s)
{
	const IntHistogram *i = s->i;
	const Histogram *f = s->f;

	if (i != NULL)
		return (HistogramLayout){i->schema,	  i->zero_threshold, i->n_pos_spans, i->n_neg_spans,
								 i->n_custom, i->pos_spans,		 i->neg_spans,	 i->custom};
	return (HistogramLayout){f->schema,	  f->zero_threshold, f->n_pos_spans, f->n_neg_spans,
							 f->n_custom, f->pos_spans,		 f->neg_spans,	 f->custom};
}

/* --- writing the binary form --------------------------------------------------------------- */

static void
put_doubles(Buf *out, const double *v, int n)
{
	buf_append(out, v, sizeof(double) * (size_t) n);
}

static void
put_deltas(Buf *out, const int64_t *v, int n)
{
	for (int i = 0; i < n; i++)
		buf_varint(out, v[i]);
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

/* histogram_sample_put -- append s, its timestamp excepted; s is valid or stale. */
void
histogram_sample_put(Buf *out, const HistogramSample *s)
{
	const IntHistogram *i = s->i;
	const Histogram *f = s->f;
	HistogramLayout l = histogram_sample_layout(s);
	double sum = i != NULL ? i->sum : f->sum;
	bool stale = value_is_stale(sum);
	bool no_zero = i != NULL ? i->zero_count == 0 : value_bits(f->zero_count) == 0;
	unsigned flags = (unsigned) (i != NULL ? i->hint : f->hint) << FORM_HINT_SHIFT;

	assert((i != NULL) != (f != NULL));
	if (f != NULL)
		flags |= FORM_FLOAT;
	if (stale)
		flags |= FORM_STALE;
	else
	{
		flags |= l.schema == HISTOGRAM_CUSTOM_SCHEMA ? FORM_CUSTOM : 0;
		flags |= l.zero_threshold == USUAL_ZERO_THRESHOLD ? FORM_USUAL_ZERO : 0;
		flags |= no_zero ? FORM_NO_ZERO : 0;
	}
	buf_char(out, (char) flags);
	put_doubles(out, &sum, 1);
	if (stale)
		return;
	buf_varint(out, l.schema);
	if (!(flags & FORM_USUAL_ZERO))
		put_doubles(out, &l.zero_threshold, 1);
	put_spans(out, l.pos_spans, l.n_pos_spans);
	put_spans(out, l.neg_spans, l.n_neg_spans);
	if (flags & FORM_CUSTOM)
	{
		buf_uvarint(out, (uint64_t) l.n_custom);
		put_doubles(out, l.custom, l.n_custom);
	}
	if (i != NULL)
	{
		buf_uvarint(out, i->count);
		if (!no_zero)
			buf_uvarint(out, i->zero_count);
		put_deltas(out, i->pos, i->n_pos);
		put_deltas(out, i->neg, i->n_neg);
	}
	else
	{
		put_doubles(out, &f->count, 1);
		if (!no_zero)
			put_doubles(out, &f->zero_count, 1);
		put_doubles(out, f->pos, f->n_pos);
		put_doubles(out, f->neg, f->n_neg);
	}
}

/* --- reading the binary form --------------------------------------------------------------- */

typedef struct FormReader
{
	const uint8_t *p; /* NULL after an error: then everything reads as zero */
	const uint8_t *end;
} FormReader;

/* has -- are n things of at least size bytes left?  If not, that is an error. */
static bool
has(FormReader *r, uint64_t n, size_t size)
{
	if (r->p != NULL && n > (size_t) (r->end - r->p) / size)
		r->p = NULL;
	return r->p != NULL;
}

static uint64_t
get_uvarint(FormReader *r)
{
	uint64_t v = 0;

	if (r->p != NULL)
		r->p = varint_get(r->p, r->end, &v);
	return r->p != NULL ? v : 0;
}

static int64_t
get_varint(FormReader *r)
{
	return varint_unzigzag(get_uvarint(r));
}

static double *
get_doubles(FormReader *r, uint64_t n)
{
	double *out;

	if (!has(r, n, sizeof(double)))
		return NULL;
	out = mem_dup(r->p, sizeof(double) * (size_t) n);
	r->p += sizeof(double) * (size_t) n;
	return out;
}

static double
get_double(FormReader *r)
{
	double v = 0;

	if (has(r, 1, sizeof(v)))
	{
		memcpy(&v, r->p, sizeof(v));
		r->p += sizeof(v);
	}
	return v;
}

static int64_t *
get_deltas(FormReader *r, int n)
{
	int64_t *out;

	if (!has(r, (uint64_t) n, 1))
		return NULL;
	out = mem_alloc(sizeof(int64_t) * ((size_t) n + 1));
	for (int i = 0; i < n; i++)
		out[i] = get_varint(r);
	return out;
}

/* What get_layout reads: the layout with its own, writable arrays. */
typedef struct FormLayout
{
	HistogramLayout view;
	HistogramSpan *pos_spans, *neg_spans;
	double *custom;
	int n_pos, n_neg; /* buckets */
} FormLayout;

static HistogramSpan *
get_spans(FormReader *r, int *n)
{
	uint64_t count = get_uvarint(r);
	HistogramSpan *spans;

	if (count > HISTOGRAM_MAX_BUCKETS)
		r->p = NULL;
	if (!has(r, count, 2))
		return NULL;
	spans = mem_alloc(sizeof(HistogramSpan) * (size_t) (count + 1));
	for (uint64_t i = 0; i < count; i++)
	{
		int64_t offset = get_varint(r);
		uint64_t length = get_uvarint(r);

		if (offset < INT32_MIN || offset > INT32_MAX || length > UINT32_MAX)
			r->p = NULL;
		spans[i] = (HistogramSpan){(int32_t) offset, (uint32_t) length};
	}
	*n = (int) count;
	return spans;
}

static bool
get_layout(FormReader *r, unsigned flags, FormLayout *l)
{
	int64_t schema = get_varint(r);
	double threshold = flags & FORM_USUAL_ZERO ? USUAL_ZERO_THRESHOLD : get_double(r);
	uint64_t n_custom = 0;

	*l = (FormLayout){.view = {.zero_threshold = threshold}};
	l->pos_spans = get_spans(r, &l->view.n_pos_spans);
	l->neg_spans = get_spans(r, &l->view.n_neg_spans);
	if (flags & FORM_CUSTOM)
	{
		n_custom = get_uvarint(r);
		l->custom = get_doubles(r, n_custom);
	}
	if (r->p == NULL || schema < HISTOGRAM_CUSTOM_SCHEMA || schema > HISTOGRAM_MAX_SCHEMA ||
		(flags & FORM_CUSTOM) != (schema == HISTOGRAM_CUSTOM_SCHEMA ? FORM_CUSTOM : 0))
		return false;
	l->view.schema = (int32_t) schema;
	l->view.n_custom = (int) n_custom;
	l->view.pos_spans = l->pos_spans;
	l->view.neg_spans = l->neg_spans;
	l->view.custom = l->custom;
	return histogram_layout_check(&l->view, &l->n_pos, &l->n_neg);
}

static void
get_int(FormReader *r, unsigned flags, const FormLayout *l, IntHistogram *h)
{
	h->schema = l->view.schema;
	h->zero_threshold = l->view.zero_threshold;
	h->n_pos_spans = l->view.n_pos_spans;
	h->n_neg_spans = l->view.n_neg_spans;
	h->n_pos = l->n_pos;
	h->n_neg = l->n_neg;
	h->n_custom = l->view.n_custom;
	h->pos_spans = l->pos_spans;
	h->neg_spans = l->neg_spans;
	h->custom = l->custom;
	h->count = get_uvarint(r);
	h->zero_count = flags & FORM_NO_ZERO ? 0 : get_uvarint(r);
	h->pos = get_deltas(r, h->n_pos);
	h->neg = get_deltas(r, h->n_neg);
}

static void
get_float(FormReader *r, unsigned flags, const FormLayout *l, Histogram *h)
{
	h->schema = l->view.schema;
	h->zero_threshold = l->view.zero_threshold;
	h->n_pos_spans = l->view.n_pos_spans;
	h->n_neg_spans = l->view.n_neg_spans;
	h->n_pos = l->n_pos;
	h->n_neg = l->n_neg;
	h->n_custom = l->view.n_custom;
	h->pos_spans = l->pos_spans;
	h->neg_spans = l->neg_spans;
	h->custom = l->custom;
	h->count = get_double(r);
	h->zero_count = flags & FORM_NO_ZERO ? 0 : get_double(r);
	h->pos = get_doubles(r, (uint64_t) h->n_pos);
	h->neg = get_doubles(r, (uint64_t) h->n_neg);
}

/*
 * histogram_sample_get -- read a sample from hostile bytes [p, end); s->t is not touched.
 *
 * Returns the byte behind it, or NULL if there is no well-formed sample: then s is of no use.  What
 * it returns passes histogram_layout_check with a schema that may be stored, and has as many
 * buckets as its spans say.  It takes at most eight times the memory of the bytes read.
 */
const uint8_t *
histogram_sample_get(const uint8_t *p, const uint8_t *end, HistogramSample *s)
{
	FormReader r = {p, end};
	HistogramHint hint;
	FormLayout layout;
	unsigned flags;
	double sum;

	s->i = NULL;
	s->f = NULL;
	if (p >= end)
		return NULL;
	flags = *r.p++;
	hint = (HistogramHint) (flags >> FORM_HINT_SHIFT & 3);
	sum = get_double(&r);
	if (r.p == NULL || (flags & FORM_UNUSED) || value_is_stale(sum) != ((flags & FORM_STALE) != 0))
		return NULL;
	if (!(flags & FORM_STALE) && !get_layout(&r, flags, &layout))
		return NULL;
	if (flags & FORM_FLOAT)
	{
		s->f = mem_alloc0(sizeof(Histogram));
		s->f->hint = hint;
		s->f->sum = sum;
		if (!(flags & FORM_STALE))
			get_float(&r, flags, &layout, s->f);
	}
	else
	{
		s->i = mem_alloc0(sizeof(IntHistogram));
		s->i->hint = hint;
		s->i->sum = sum;
		if (!(flags & FORM_STALE))
			get_int(&r, flags, &layout, s->i);
	}
	return r.p;
}

/* histogram_sample_equal -- same kind, hint and bits throughout; timestamps are not compared. */
bool
histogram_sample_equal(const HistogramSample *a, const HistogramSample *b)
{
	Buf x, y;
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
