/*
 * histogram_trim.c
 *    The trim operators: the observations of a histogram below or above a value.
 *
 * A bucket on the right side of x stays, one on the wrong side goes, the one that x cuts is
 * divided: on a log scale if it is exponential, evenly otherwise (reference 2.12.9).  What is left
 * of the sum can only be estimated: each remaining piece counts with its middle.
 */
#include "model/histogram_math.h"
#include "util/mem.h"

typedef struct Trim
{
	double x;
	bool upper; /* keep what is below x */
	bool changed;
	double count, sum; /* of what is kept */
} Trim;

typedef enum BucketShape
{
	SHAPE_LINEAR, /* custom and zero buckets */
	SHAPE_POSITIVE,
	SHAPE_NEGATIVE
} BucketShape;

/* middle -- where the observations of an interval are taken to lie. */
static double
middle(double lower, double upper, BucketShape shape)
{
	if (isinf(lower) && isinf(upper))
		return 0;
	if (isinf(lower))
		return upper > 0 ? upper / 2 : upper;
	if (isinf(upper))
		return lower;
	if (shape == SHAPE_POSITIVE)
		return sqrt(lower * upper);
	if (shape == SHAPE_NEGATIVE)
		return -sqrt(lower * upper);
	return (lower + upper) / 2;
}

/* fraction_below -- the part of a bucket with finite bounds that lies below x, inside it. */
static double
fraction_below(double lower, double upper, double x, BucketShape shape)
{
	switch (shape)
	{
		case SHAPE_POSITIVE:
			return (log2(x) - log2(lower)) / (log2(upper) - log2(lower));
		case SHAPE_NEGATIVE:
			return 1 - (log2(-x) - log2(-upper)) / (log2(-lower) - log2(-upper));
		case SHAPE_LINEAR:
			break;
	}
	return (x - lower) / (upper - lower);
}

/* cut_infinite -- what stays of a bucket with an infinite bound that x cuts; *mid: its middle. */
static double
cut_infinite(const Trim *t, double lower, double upper, double count, double *mid)
{
	double x = t->x;

	if (isinf(lower) && t->upper)
	{
		if (x > 0 && isfinite(upper) && upper > 0)
		{
			*mid = x / 2;
			return count * x / upper;
		}
		*mid = x;
		return upper <= 0 ? count : 0;
	}
	if (isinf(lower))
	{
		if (isinf(x) && x < 0)
		{
			*mid = middle(lower, upper, SHAPE_LINEAR);
			return count;
		}
		*mid = (x + upper) / 2;
		return x >= 0 && isfinite(upper) && upper > x ? count * (1 - x / upper) : 0;
	}
	*mid = x;
	return t->upper || x < lower ? 0 : count;
}

/* trim_bucket -- how much of a bucket stays; its share of count and sum is noted. */
static double
trim_bucket(Trim *t, double lower, double upper, double count, BucketShape shape)
{
	double kept, mid;

	if (count == 0)
		return 0;
	if (t->upper ? upper <= t->x : lower >= t->x)
	{
		kept = count;
		mid = middle(lower, upper, shape);
	}
	else if (t->upper ? lower >= t->x : upper <= t->x)
	{
		kept = 0;
		mid = 0;
	}
	else if (isinf(lower) || isinf(upper))
		kept = cut_infinite(t, lower, upper, count, &mid);
	else
	{
		double below = fraction_below(lower, upper, t->x, shape);

		kept = count * (t->upper ? below : 1 - below);
		mid = t->upper ? middle(lower, t->x, shape) : middle(t->x, upper, shape);
	}
	t->changed |= kept != count;
	t->count += kept;
	if (kept != 0)
		t->sum += mid * kept;
	return kept;
}

/* histogram_trim -- upper: keep what is below x, else what is above.  Compacted if anything went. */
void
histogram_trim(Histogram *h, double x, bool upper)
{
	Trim t = {.x = x, .upper = upper};
	HistogramBucket *b;
	int n = histogram_buckets(h, &b);
	int npos = 0, nneg = h->n_neg;
	bool any_pos = false, any_neg = false;
	bool custom = histogram_is_custom(h);
	bool has_zero = h->zero_count > 0;

	for (int i = 0; i < h->n_pos; i++)
		any_pos |= h->pos[i] != 0;
	for (int i = 0; i < h->n_neg; i++)
		any_neg |= h->neg[i] != 0;
	/* in ascending order: negative buckets from the last, the zero bucket, positive buckets */
	for (int i = 0; i < n; i++)
	{
		bool zero = has_zero && i == h->n_neg;

		if (nneg > 0)
			h->neg[--nneg] = trim_bucket(&t, b[i].lower, b[i].upper, b[i].count, SHAPE_NEGATIVE);
		else if (zero)
			h->zero_count =
				trim_bucket(&t, any_pos && !any_neg ? 0 : b[i].lower,
							any_neg && !any_pos ? 0 : b[i].upper, b[i].count, SHAPE_LINEAR);
		else
		{
			h->pos[npos] = trim_bucket(&t, b[i].lower, b[i].upper, b[i].count,
									   custom ? SHAPE_LINEAR : SHAPE_POSITIVE);
			npos++;
		}
	}
	mem_free(b);
	if (!t.changed)
		return;
	h->count = t.count;
	h->sum = t.sum;
	histogram_compact(h);
}
