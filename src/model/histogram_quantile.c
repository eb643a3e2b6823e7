/*
 * histogram_quantile.c
 *    Quantile, fraction and variance of a native histogram (reference 2.14).
 *
 * Inside a bucket observations are taken to be spread evenly: on a log scale in exponential
 * buckets, on a linear one in custom buckets and in the zero bucket.  A zero bucket beside buckets
 * of only one sign is taken to hold observations of that sign only.
 */
#include "model/histogram_math.h"
#include "util/kahan.h"
#include "util/mem.h"

/* clip_at_zero -- the zero bucket of a histogram whose other buckets have one sign. */
static void
clip_at_zero(const Histogram *h, HistogramBucket *b)
{
	if (h->n_neg == 0 && h->n_pos > 0)
		b->lower = 0;
	else if (h->n_pos == 0 && h->n_neg > 0)
		b->upper = 0;
}

/* --- quantile --------------------------------------------------------------------------------- */

/*
 * find_bucket -- the bucket in which the cumulative count, from the lower end or from the upper one,
 * reaches rank; if none does, the last one looked at.  *at: how many were looked at.
 */
static HistogramBucket
find_bucket(const HistogramBucket *b, int n, bool ascending, double rank, double *cumulative,
			int *at)
{
	HistogramBucket found = {0};

	*cumulative = 0;
	for (*at = 0; *at < n;)
	{
		found = b[ascending ? *at : n - 1 - *at];
		(*at)++;
		*cumulative += found.count;
		if (found.count != 0 && *cumulative >= rank)
			break;
	}
	return found;
}

/* interpolate -- the value below which fraction of a bucket's observations lie. */
static double
interpolate(const Histogram *h, const HistogramBucket *b, double fraction)
{
	double log_lower, log_upper;

	if (histogram_is_custom(h) || (b->lower <= 0 && b->upper >= 0))
		return b->lower + (b->upper - b->lower) * fraction;
	log_lower = log2(fabs(b->lower));
	log_upper = log2(fabs(b->upper));
	if (b->lower > 0)
		return exp2(log_lower + (log_upper - log_lower) * fraction);
	return -exp2(log_upper + (log_lower - log_upper) * (1 - fraction));
}

/*
 * quantile -- buckets b, q in [0, 1].  Ranks are counted from the nearer end, but always from the
 * lower one if there are NaN observations, which rank above all others.
 */
static double
quantile(const Histogram *h, const HistogramBucket *b, int n, double q, HistogramNan *nan)
{
	bool ascending = isnan(h->sum) || q < 0.5;
	double rank = (ascending ? q : 1 - q) * h->count;
	double cumulative;
	int at;
	HistogramBucket in = find_bucket(b, n, ascending, rank, &cumulative, &at);

	if (histogram_is_custom(h))
	{
		if (in.lower == -INFINITY && in.upper <= 0)
			return in.upper;
		if (in.lower == -INFINITY)
			in.lower = 0;
		else if (in.upper == INFINITY)
			return in.lower;
	}
	else if (in.lower < 0 && in.upper > 0)
		clip_at_zero(h, &in);
	if (cumulative > h->count)
		cumulative = h->count;
	if (cumulative < rank)
	{
		if (!isnan(h->sum))
			return in.upper;
		*nan = HISTOGRAM_NAN_RESULT;
		return value_nan();
	}
	rank = ascending ? rank - (cumulative - in.count) : cumulative - rank;
	if (isnan(h->sum))
	{
		/* to sum them up Prometheus goes on to the last bucket, and stays there */
		for (; at < n; at++)
		{
			in = b[at];
			cumulative += in.count;
		}
		if (cumulative < h->count)
			*nan = HISTOGRAM_NAN_SKEW;
	}
	return interpolate(h, &in, rank / in.count);
}

double
histogram_quantile(const Histogram *h, double q, HistogramNan *nan)
{
	HistogramBucket *b;
	double result;
	int n;

	*nan = HISTOGRAM_NAN_NONE;
	if (q < 0)
		return -INFINITY;
	if (q > 1)
		return INFINITY;
	if (h->count == 0 || isnan(q))
		return value_nan();
	n = histogram_buckets(h, &b);
	result = quantile(h, b, n, q, nan);
	mem_free(b);
	return result;
}

/* --- fraction --------------------------------------------------------------------------------- */

static double
total(const HistogramBucket *b, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += b[i].count;
	return sum;
}

/* fraction_below -- the part of bucket b that lies below v, which is inside it. */
static double
fraction_below(const HistogramBucket *b, double v, bool linear)
{
	double log_v = log2(fabs(v)), log_lower = log2(fabs(b->lower)),
		   log_upper = log2(fabs(b->upper));

	if (linear)
		return b->lower == -INFINITY ? 1 : (v - b->lower) / (b->upper - b->lower);
	if (b->lower > 0)
		return (log_v - log_lower) / (log_upper - log_lower);
	return 1 - (log_v - log_upper) / (log_lower - log_upper);
}

/* rank_of -- how many of the observations in buckets lie below v; at most all. */
static double
rank_of(const Histogram *h, const HistogramBucket *buckets, int n, double v, double all)
{
	bool custom = histogram_is_custom(h);
	double rank = 0;

	for (int i = 0; i < n; i++)
	{
		HistogramBucket b = buckets[i];
		bool zero = b.lower <= 0 && b.upper >= 0;

		if (zero)
			clip_at_zero(h, &b);
		if (b.lower >= v)
			return rank < all ? rank : all;
		if (b.upper > v)
		{
			rank += b.count * fraction_below(&b, v, custom || zero);
			return rank < all ? rank : all;
		}
		rank += b.count;
	}
	return all;
}

double
histogram_fraction(const Histogram *h, double lower, double upper, HistogramNan *nan)
{
	HistogramBucket *b;
	double all = h->count;
	double below_lower, below_upper;
	int n;

	*nan = HISTOGRAM_NAN_NONE;
	if (h->count == 0 || isnan(lower) || isnan(upper))
		return value_nan();
	if (lower >= upper)
		return 0;
	n = histogram_buckets(h, &b);
	if (isnan(h->sum))
	{
		all = total(b, n);
		if (all < h->count)
			*nan = HISTOGRAM_NAN_SKEW;
	}
	below_lower = rank_of(h, b, n, lower, all);
	below_upper = rank_of(h, b, n, upper, all);
	mem_free(b);
	return (below_upper - below_lower) / h->count;
}

/* --- variance --------------------------------------------------------------------------------- */

/* middle -- where a bucket's observations are taken to lie. */
static double
middle(const Histogram *h, const HistogramBucket *b)
{
	double m;

	if (histogram_is_custom(h))
		return (b->upper + b->lower) / 2;
	if (b->lower <= 0 && b->upper >= 0)
		return 0;
	m = sqrt(b->upper * b->lower);
	return b->upper < 0 ? -m : m;
}

double
histogram_variance(const Histogram *h)
{
	double mean = h->sum / h->count;
	double sum = 0, c = 0;
	HistogramBucket *b;
	int n = histogram_buckets(h, &b);

	for (int i = 0; i < n; i++)
	{
		double d;

		if (b[i].count == 0)
			continue;
		d = middle(h, &b[i]) - mean;
		kahan_inc(b[i].count * d * d, &sum, &c);
	}
	mem_free(b);
	return (sum + c) / h->count;
}
