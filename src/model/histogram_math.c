/*
 * histogram_math.c
 *    Addition and subtraction of float histograms (reference 2.12.4, 2.12.5).
 *
 * Two exponential histograms are brought together in this order: reset hints, zero buckets, the
 * three totals, resolution, buckets.  The zero bucket of the smaller threshold grows to the
 * larger one; where that cuts a populated bucket, the threshold moves on to the bucket's far end,
 * and the other histogram has to follow.  Two custom ones meet on the bounds they share.
 *
 * With compensation every addition is a Kahan step and its remainder stays in a histogram of the
 * same layout, so that long sums lose nothing.
 */
#include "model/histogram_math.h"

#include "model/histogram_side.h"
#include "util/kahan.h"
#include "util/mem.h"

/* A histogram taken apart.  Compensations are 0 unless kahan. */
typedef struct Work
{
	int32_t schema;
	bool kahan;
	double zero_threshold;
	double zero, zero_c;
	double count, count_c;
	double sum, sum_c;
	HistogramSide pos, neg;
} Work;

bool
histogram_is_custom(const Histogram *h)
{
	return h->schema == HISTOGRAM_CUSTOM_SCHEMA;
}

static inline void
inc(bool kahan, double x, double *s, double *c)
{
	if (kahan)
		kahan_inc(x, s, c);
	else
		*s += x;
}

static void
load(Work *w, const Histogram *h, const Histogram *comp, bool kahan)
{
	*w = (Work){
		.schema = h->schema,
		.kahan = kahan,
		.zero_threshold = h->zero_threshold,
		.zero = h->zero_count,
		.count = h->count,
		.sum = h->sum,
		.zero_c = comp != NULL ? comp->zero_count : 0,
		.count_c = comp != NULL ? comp->count : 0,
		.sum_c = comp != NULL ? comp->sum : 0,
	};
	w->pos = histogram_side_load(h->pos_spans, h->n_pos_spans, h->pos, h->n_pos,
								 comp != NULL ? comp->pos : NULL);
	w->neg = histogram_side_load(h->neg_spans, h->n_neg_spans, h->neg, h->n_neg,
								 comp != NULL ? comp->neg : NULL);
}

static void
release(Work *w)
{
	mem_free(w->pos.items);
	mem_free(w->neg.items);
}

static void
free_arrays(Histogram *h)
{
	mem_free(h->pos_spans);
	mem_free(h->neg_spans);
	mem_free(h->pos);
	mem_free(h->neg);
}

/* store -- w back into h, and the remainders into *comp if there is one to be. */
static void
store(const Work *w, Histogram *h, Histogram **comp)
{
	Histogram *c = NULL;

	free_arrays(h);
	h->schema = w->schema;
	h->zero_threshold = w->zero_threshold;
	h->zero_count = w->zero;
	h->count = w->count;
	h->sum = w->sum;
	if (comp != NULL)
	{
		histogram_free(*comp);
		c = *comp = mem_alloc0(sizeof(*c));
	}
	histogram_side_store(&w->pos, &h->pos_spans, &h->n_pos_spans, &h->pos, &h->n_pos,
						 c != NULL ? &c->pos : NULL);
	histogram_side_store(&w->neg, &h->neg_spans, &h->n_neg_spans, &h->neg, &h->n_neg,
						 c != NULL ? &c->neg : NULL);
	if (c == NULL)
		return;
	c->schema = w->schema;
	c->zero_threshold = w->zero_threshold;
	c->zero_count = w->zero_c;
	c->count = w->count_c;
	c->sum = w->sum_c;
	c->n_pos = h->n_pos;
	c->n_neg = h->n_neg;
	c->n_pos_spans = h->n_pos_spans;
	c->n_neg_spans = h->n_neg_spans;
	c->pos_spans = mem_dup(h->pos_spans, sizeof(HistogramSpan) * (size_t) h->n_pos_spans);
	c->neg_spans = mem_dup(h->neg_spans, sizeof(HistogramSpan) * (size_t) h->n_neg_spans);
	c->n_custom = h->n_custom;
	c->custom = mem_dup(h->custom, sizeof(double) * (size_t) h->n_custom);
}

/* --- zero buckets ------------------------------------------------------------------------------- */

/*
 * absorb_side -- add to *zero the buckets of a side that begin below *threshold.  If it ends inside
 * a populated bucket it moves to that bucket's end; returns whether it moved.
 */
static bool
absorb_side(const Work *w, const HistogramSide *s, double *threshold, double *zero, double *zero_c)
{
	for (int i = 0; i < s->n; i++)
	{
		const HistogramItem *b = &s->items[i];
		double upper = histogram_bound(b->index, w->schema);

		if (histogram_bound(b->index - 1, w->schema) >= *threshold)
			break;
		inc(w->kahan, b->v, zero, zero_c);
		*zero_c += b->c;
		if (upper > *threshold)
		{
			if (b->v == 0)
				break;
			*threshold = upper;
			return true;
		}
	}
	return false;
}

/*
 * grow_zero -- the zero count of w for a larger threshold, which may have to grow further.  The
 * negative side may move it again: then all is counted anew.
 */
static void
grow_zero(const Work *w, double *threshold, double *zero, double *zero_c)
{
	do
	{
		*zero = w->zero;
		*zero_c = w->zero_c;
		absorb_side(w, &w->pos, threshold, zero, zero_c);
	} while (absorb_side(w, &w->neg, threshold, zero, zero_c));
}

/* drop_absorbed -- take out the buckets that are in the zero bucket now. */
static void
drop_absorbed(const Work *w, HistogramSide *s)
{
	int gone = 0;

	while (gone < s->n && histogram_bound(s->items[gone].index - 1, w->schema) < w->zero_threshold)
		gone++;
	memmove(s->items, s->items + gone, sizeof(HistogramItem) * (size_t) (s->n - gone));
	s->n -= gone;
}

/* reconcile_zero -- make w's zero bucket as wide as o's or wider; returns o's count for it. */
static double
reconcile_zero(Work *w, const Work *o, double *other_c)
{
	double threshold = o->zero_threshold;
	double other = o->zero;

	*other_c = o->zero_c;
	while (threshold < w->zero_threshold || threshold > w->zero_threshold) /* ends at NaN */
	{
		if (w->zero_threshold > threshold)
		{
			threshold = w->zero_threshold;
			grow_zero(o, &threshold, &other, other_c);
		}
		if (threshold > w->zero_threshold)
		{
			double wide = threshold, zero, zero_c;

			grow_zero(w, &wide, &zero, &zero_c);
			w->zero_threshold = wide;
			w->zero = zero;
			w->zero_c = zero_c;
			drop_absorbed(w, &w->pos);
			drop_absorbed(w, &w->neg);
		}
	}
	return other;
}

/* --- buckets ---------------------------------------------------------------------------------- */

/* reduce -- to a lower schema: neighbours fall into one bucket. */
static void
reduce(HistogramSide *s, int32_t from, int32_t to)
{
	int n = 0;

	if (from == to)
		return;
	for (int i = 0; i < s->n; i++)
	{
		HistogramItem b = s->items[i];

		b.index = ((b.index - 1) >> (from - to)) + 1;
		if (n > 0 && s->items[n - 1].index == b.index)
		{
			s->items[n - 1].v += b.v;
			s->items[n - 1].c += b.c;
		}
		else
			s->items[n++] = b;
	}
	s->n = n;
}

/* merge -- add sign * o to *s. */
static void
merge(HistogramSide *s, const HistogramSide *o, double sign, bool kahan)
{
	HistogramSide m = {mem_alloc(sizeof(HistogramItem) * (size_t) (s->n + o->n + 1)), 0};
	int i = 0, j = 0;

	while (i < s->n || j < o->n)
	{
		HistogramItem *b = &m.items[m.n++];

		if (j == o->n || (i < s->n && s->items[i].index < o->items[j].index))
		{
			*b = s->items[i++];
			continue;
		}
		if (i == s->n || o->items[j].index < s->items[i].index)
			*b = (HistogramItem){o->items[j].index, 0, 0};
		else
			*b = s->items[i++];
		inc(kahan, sign * o->items[j++].v, &b->v, &b->c);
	}
	mem_free(s->items);
	*s = m;
}

/* skip_zero -- without the buckets that lie in a zero bucket of this threshold. */
static HistogramSide
skip_zero(const HistogramSide *s, int32_t schema, double threshold)
{
	int skip = 0;

	while (skip < s->n && histogram_bound(s->items[skip].index, schema) <= threshold)
		skip++;
	return (HistogramSide){s->items + skip, s->n - skip};
}

static void
combine_exponential(Work *w, Work *o, double sign)
{
	int32_t schema = w->schema < o->schema ? w->schema : o->schema;
	HistogramSide pos, neg;

	reduce(&w->pos, w->schema, schema);
	reduce(&w->neg, w->schema, schema);
	reduce(&o->pos, o->schema, schema);
	reduce(&o->neg, o->schema, schema);
	w->schema = schema;
	pos = skip_zero(&o->pos, schema, w->zero_threshold);
	neg = skip_zero(&o->neg, schema, w->zero_threshold);
	merge(&w->pos, &pos, sign, w->kahan);
	merge(&w->neg, &neg, sign, w->kahan);
}

/* --- custom bounds ------------------------------------------------------------------------------ */

static bool
same_bounds(const Histogram *a, const Histogram *b)
{
	if (a->n_custom != b->n_custom)
		return false;
	for (int i = 0; i < a->n_custom; i++)
		if (a->custom[i] != b->custom[i])
			return false;
	return true;
}

/* shared_bounds -- the bounds both have, ascending. */
static double *
shared_bounds(const Histogram *a, const Histogram *b, int *n)
{
	double *out = mem_alloc(sizeof(double) * (size_t) (a->n_custom + 1));
	int j = 0;

	*n = 0;
	for (int i = 0; i < a->n_custom; i++)
	{
		while (j < b->n_custom && b->custom[j] < a->custom[i])
			j++;
		if (j < b->n_custom && b->custom[j] == a->custom[i])
			out[(*n)++] = a->custom[i];
	}
	return out;
}

/* remap -- buckets of h on fewer bounds: each goes to the first bound not below its own. */
static void
remap(HistogramSide *s, const Histogram *h, const double *bounds, int n, bool kahan)
{
	int kept = 0, target = 0;

	for (int i = 0; i < s->n; i++)
	{
		HistogramItem b = s->items[i];
		double upper = histogram_upper(h, b.index);

		if (b.v == 0 && b.c == 0)
			continue;
		while (target < n && bounds[target] < upper)
			target++;
		b.index = target;
		if (kept > 0 && s->items[kept - 1].index == target)
		{
			inc(kahan, b.v, &s->items[kept - 1].v, &s->items[kept - 1].c);
			s->items[kept - 1].c += b.c;
		}
		else
			s->items[kept++] = b;
	}
	s->n = kept;
}

static void
combine_custom(Work *w, Work *o, Histogram *h, const Histogram *other, double sign,
			   HistogramOpInfo *info)
{
	if (!same_bounds(h, other))
	{
		int n;
		double *bounds = shared_bounds(h, other, &n);

		info->bounds_reconciled = true;
		remap(&w->pos, h, bounds, n, w->kahan);
		remap(&o->pos, other, bounds, n, w->kahan);
		mem_free(h->custom);
		h->custom = bounds;
		h->n_custom = n;
	}
	merge(&w->pos, &o->pos, sign, w->kahan);
}

/* --- the operations ----------------------------------------------------------------------------- */

/* combine_hints -- reference 2.12.5. */
static void
combine_hints(Histogram *h, const Histogram *other, HistogramOpInfo *info)
{
	if (h->hint == other->hint)
		return;
	if (h->hint == HISTOGRAM_HINT_GAUGE || other->hint == HISTOGRAM_HINT_GAUGE)
		h->hint = HISTOGRAM_HINT_GAUGE;
	else
	{
		if (h->hint != HISTOGRAM_HINT_UNKNOWN && other->hint != HISTOGRAM_HINT_UNKNOWN)
			info->reset_collision = true;
		h->hint = HISTOGRAM_HINT_UNKNOWN;
	}
}

/* combine -- h + sign * other; comp NULL: plain addition. */
static bool
combine(Histogram *h, const Histogram *other, double sign, Histogram **comp, HistogramOpInfo *info)
{
	bool kahan = comp != NULL;
	Work w, o;

	if (histogram_is_custom(h) != histogram_is_custom(other))
		return false;
	combine_hints(h, other, info);
	load(&w, h, kahan ? *comp : NULL, kahan);
	load(&o, other, NULL, kahan);
	if (!histogram_is_custom(h))
	{
		double zero_c;
		double zero = reconcile_zero(&w, &o, &zero_c);

		inc(kahan, sign * zero, &w.zero, &w.zero_c);
		w.zero_c += sign * zero_c;
	}
	inc(kahan, sign * other->count, &w.count, &w.count_c);
	inc(kahan, sign * other->sum, &w.sum, &w.sum_c);
	if (histogram_is_custom(h))
		combine_custom(&w, &o, h, other, sign, info);
	else
		combine_exponential(&w, &o, sign);
	store(&w, h, comp);
	release(&w);
	release(&o);
	return true;
}

bool
histogram_add(Histogram *h, const Histogram *other, HistogramOpInfo *info)
{
	return combine(h, other, 1, NULL, info);
}

bool
histogram_sub(Histogram *h, const Histogram *other, HistogramOpInfo *info)
{
	return combine(h, other, -1, NULL, info);
}

bool
histogram_kahan_add(Histogram *h, const Histogram *other, Histogram **compensation,
					HistogramOpInfo *info)
{
	return combine(h, other, 1, compensation, info);
}

void
histogram_add_compensation(Histogram *h, const Histogram *compensation)
{
	h->zero_count += compensation->zero_count;
	h->count += compensation->count;
	h->sum += compensation->sum;
	for (int i = 0; i < h->n_pos; i++)
		h->pos[i] += compensation->pos[i];
	for (int i = 0; i < h->n_neg; i++)
		h->neg[i] += compensation->neg[i];
}
