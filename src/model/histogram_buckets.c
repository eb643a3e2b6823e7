/*
 * histogram_buckets.c
 *    The buckets of a histogram in ascending order, and its text.
 */
#include "model/histogram_math.h"
#include "model/histogram_side.h"
#include "util/mem.h"
#include "util/text.h"

static HistogramBucket
exponential_bucket(const Histogram *h, const HistogramItem *item, bool positive)
{
	double lower = histogram_bound(item->index - 1, h->schema);
	double upper = histogram_bound(item->index, h->schema);
	HistogramBucket b = {.index = item->index, .count = item->v};

	b.lower = positive ? lower : -upper;
	b.upper = positive ? upper : -lower;
	if (b.lower < 0 && b.upper > -h->zero_threshold)
		b.upper = -h->zero_threshold;
	if (b.upper > 0 && b.lower < h->zero_threshold)
		b.lower = h->zero_threshold;
	b.lower_inclusive = b.lower < 0;
	b.upper_inclusive = b.upper > 0;
	return b;
}

static HistogramBucket
custom_bucket(const Histogram *h, const HistogramItem *item)
{
	return (HistogramBucket){
		.index = item->index,
		.count = item->v,
		.lower = histogram_upper(h, item->index - 1),
		.upper = histogram_upper(h, item->index),
		.lower_inclusive = item->index == 0,
		.upper_inclusive = true,
	};
}

/* buckets -- the buckets, with or without the zero bucket; allocates *out. */
static int
buckets(const Histogram *h, bool with_zero, HistogramBucket **out)
{
	HistogramSide neg = histogram_side_load(h->neg_spans, h->n_neg_spans, h->neg, h->n_neg, NULL);
	HistogramSide pos = histogram_side_load(h->pos_spans, h->n_pos_spans, h->pos, h->n_pos, NULL);
	HistogramBucket *b = mem_alloc(sizeof(*b) * (size_t) (neg.n + pos.n + 1));
	int n = 0;

	for (int i = neg.n - 1; i >= 0; i--)
		b[n++] = exponential_bucket(h, &neg.items[i], false);
	if (with_zero)
		b[n++] =
			(HistogramBucket){-h->zero_threshold, h->zero_threshold, true, true, h->zero_count, 0};
	for (int i = 0; i < pos.n; i++)
		b[n++] = histogram_is_custom(h) ? custom_bucket(h, &pos.items[i])
										: exponential_bucket(h, &pos.items[i], true);
	mem_free(neg.items);
	mem_free(pos.items);
	*out = b;
	return n;
}

int
histogram_buckets(const Histogram *h, HistogramBucket **out)
{
	return buckets(h, h->zero_count > 0, out);
}

static void
number(Buf *out, const char *before, double v)
{
	char text[TEXT_DOUBLE_MAX];

	text_double_shortest_g(text, v);
	buf_str(out, before);
	buf_str(out, text);
}

void
histogram_text(Buf *out, const Histogram *h)
{
	HistogramBucket *b;
	int n = buckets(h, h->zero_count != 0, &b); /* a negative one is shown, too */

	number(out, "{count:", h->count);
	number(out, ", sum:", h->sum);
	for (int i = 0; i < n; i++)
	{
		if (b[i].count == 0)
			continue;
		number(out, b[i].lower_inclusive ? ", [" : ", (", b[i].lower);
		number(out, ",", b[i].upper);
		number(out, b[i].upper_inclusive ? "]:" : "):", b[i].count);
	}
	buf_char(out, '}');
	mem_free(b);
}
