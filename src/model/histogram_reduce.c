/*
 * histogram_reduce.c
 *    Lower resolution: buckets of a schema merged into those of a lower one.
 *
 * Bucket i of schema a lies in bucket ((i - 1) >> (a - b)) + 1 of schema b.  Both forms are reduced
 * in their own arithmetic, so integer counts stay exact.
 */
#include "model/histogram.h"

#include "util/mem.h"

#include <assert.h>

/* How the buckets of one side move: target[k] is the place of bucket k among the new ones. */
typedef struct Plan
{
	HistogramSpan *spans;
	int n_spans;
	int n;		 /* new buckets */
	int *target; /* for each old bucket */
} Plan;

/* plan_side -- false if the spans do not describe exactly n buckets with int32 indexes. */
static bool
plan_side(Plan *p, const HistogramSpan *spans, int n_spans, int n, int shift)
{
	int64_t index = 0, last = 0;
	int k = 0;

	*p = (Plan){.spans = mem_alloc(sizeof(HistogramSpan) * ((size_t) n + 1)),
				.target = mem_alloc(sizeof(int) * ((size_t) n + 1))};
	for (int i = 0; i < n_spans; i++)
	{
		index += spans[i].offset;
		if ((i > 0 && spans[i].offset < 0) || spans[i].length > (uint32_t) (n - k) ||
			index + spans[i].length > INT32_MAX)
			return false;
		for (uint32_t j = 0; j < spans[i].length; j++, index++, k++)
		{
			int64_t t = ((index - 1) >> shift) + 1;

			if (p->n == 0 || t > last + 1)
				p->spans[p->n_spans++] =
					(HistogramSpan){(int32_t) (p->n == 0 ? t : t - last - 1), 0};
			if (p->n == 0 || t > last)
			{
				p->spans[p->n_spans - 1].length++;
				p->n++;
			}
			p->target[k] = p->n - 1;
			last = t;
		}
	}
	return k == n;
}

static bool
plan_both(Plan *pos, Plan *neg, const HistogramLayout *l, int n_pos, int n_neg, int32_t schema)
{
	int shift = l->schema - schema < 62 ? l->schema - schema : 62;

	assert(schema < l->schema);
	return plan_side(pos, l->pos_spans, l->n_pos_spans, n_pos, shift) &&
		   plan_side(neg, l->neg_spans, l->n_neg_spans, n_neg, shift);
}

static double *
merge_counts(const Plan *p, const double *counts, int n)
{
	double *out = mem_alloc0(sizeof(double) * ((size_t) p->n + 1));

	for (int k = 0; k < n; k++)
		out[p->target[k]] += counts[k];
	return out;
}

/* merge_deltas -- sums modulo 2^64, so that a hostile histogram is no undefined behaviour. */
static int64_t *
merge_deltas(const Plan *p, const int64_t *deltas, int n)
{
	uint64_t *sums = mem_alloc0(sizeof(uint64_t) * ((size_t) p->n + 1));
	uint64_t count = 0;

	for (int k = 0; k < n; k++)
	{
		count += (uint64_t) deltas[k];
		sums[p->target[k]] += count;
	}
	for (int k = p->n - 1; k > 0; k--)
		sums[k] -= sums[k - 1];
	return (int64_t *) sums;
}

/*
 * histogram_reduce -- reduce to a schema lower than h's.
 *
 * h's arrays are replaced by new ones from mem_alloc, the old ones are left alone.  If the spans
 * and buckets do not agree h stays as it is: histogram_validate tells what is wrong.
 */
void
histogram_reduce(Histogram *h, int32_t schema)
{
	HistogramLayout l = histogram_sample_layout(&(HistogramSample){.f = h});
	Plan pos, neg;

	if (!plan_both(&pos, &neg, &l, h->n_pos, h->n_neg, schema))
		return;
	h->schema = schema;
	h->pos = merge_counts(&pos, h->pos, h->n_pos);
	h->neg = merge_counts(&neg, h->neg, h->n_neg);
	h->n_pos = pos.n;
	h->n_neg = neg.n;
	h->pos_spans = pos.spans;
	h->neg_spans = neg.spans;
	h->n_pos_spans = pos.n_spans;
	h->n_neg_spans = neg.n_spans;
}

/* histogram_reduce_int -- the same for the integer form. */
void
histogram_reduce_int(IntHistogram *h, int32_t schema)
{
	HistogramLayout l = histogram_sample_layout(&(HistogramSample){.i = h});
	Plan pos, neg;

	if (!plan_both(&pos, &neg, &l, h->n_pos, h->n_neg, schema))
		return;
	h->schema = schema;
	h->pos = merge_deltas(&pos, h->pos, h->n_pos);
	h->neg = merge_deltas(&neg, h->neg, h->n_neg);
	h->n_pos = pos.n;
	h->n_neg = neg.n;
	h->pos_spans = pos.spans;
	h->neg_spans = neg.spans;
	h->n_pos_spans = pos.n_spans;
	h->n_neg_spans = neg.n_spans;
}
