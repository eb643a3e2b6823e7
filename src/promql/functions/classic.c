/*
 * classic.c
 *    Quantile and fraction of a classic histogram (reference 2.14).
 *
 * Observations are taken to be spread evenly within a bucket.  Counts come from different scrapes
 * and pass through rate(), so they need not rise from bucket to bucket as they should: tiny
 * differences are ignored, larger drops are raised to the level before and reported.
 */
#include "promql/functions/classic.h"

#include "model/value.h"
#include "util/almost.h"

#define TOLERANCE 1e-12

/* coalesce -- equal bounds (written differently) become one bucket; returns how many are left. */
static int
coalesce(ClassicBucket *b, int n)
{
	int last = 0;

	for (int i = 1; i < n; i++)
	{
		if (b[i].upper == b[last].upper)
			b[last].count += b[i].count;
		else
			b[++last] = b[i];
	}
	return last + 1;
}

static void
make_monotonic(ClassicBucket *b, int n, ClassicFix *fix)
{
	double before = b[0].count;

	for (int i = 1; i < n; i++)
	{
		if (b[i].count == before)
			continue;
		if (almost_equal(before, b[i].count, TOLERANCE))
		{
			b[i].count = before;
			continue;
		}
		if (!(b[i].count < before))
		{
			before = b[i].count;
			continue;
		}
		if (!fix->any)
			fix->lowest = b[i].upper;
		fix->any = true;
		fix->highest = b[i].upper;
		if (before - b[i].count > fix->max_diff)
			fix->max_diff = before - b[i].count;
		b[i].count = before;
	}
}

/* first_reaching -- the first of n buckets whose count is at least rank, n if there is none. */
static int
first_reaching(const ClassicBucket *b, int n, double rank)
{
	int lo = 0, hi = n;

	while (lo < hi)
	{
		int mid = (lo + hi) / 2;

		if (b[mid].count >= rank)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

double
promql_classic_quantile(double q, ClassicBucket *b, int n, ClassicFix *fix)
{
	double rank, start = 0, below = 0;
	int at;

	*fix = (ClassicFix){0};
	if (isnan(q))
		return value_nan();
	if (q < 0)
		return -INFINITY;
	if (q > 1)
		return INFINITY;
	if (b[n - 1].upper != INFINITY)
		return value_nan();
	n = coalesce(b, n);
	make_monotonic(b, n, fix);
	if (n < 2 || b[n - 1].count == 0)
		return value_nan();
	rank = q * b[n - 1].count;
	at = first_reaching(b, n - 1, rank);
	if (at == n - 1)
		return b[n - 2].upper;
	if (at == 0 && b[0].upper <= 0)
		return b[0].upper;
	if (at > 0)
	{
		start = b[at - 1].upper;
		below = b[at - 1].count;
	}
	return start + (b[at].upper - start) * ((rank - below) / (b[at].count - below));
}

/* rank_of -- how many observations lie below v. */
static double
rank_of(const ClassicBucket *b, int n, double v)
{
	double all = b[n - 1].count;
	double rank = 0; /* cumulative count before bucket i */

	for (int i = 0; i < n; i++)
	{
		double lower = i > 0 ? b[i - 1].upper : b[0].upper > 0 ? 0 : -INFINITY;

		if (lower < v && b[i].upper > v)
			rank = lower == -INFINITY
					   ? b[i].count
					   : rank + (b[i].count - rank) * (v - lower) / (b[i].upper - lower);
		if (lower >= v || b[i].upper > v)
			return rank < all ? rank : all;
		rank = b[i].count;
	}
	return all;
}

double
promql_classic_fraction(double lower, double upper, ClassicBucket *b, int n)
{
	if (b[n - 1].upper != INFINITY)
		return value_nan();
	n = coalesce(b, n);
	if (b[n - 1].count == 0 || isnan(lower) || isnan(upper))
		return value_nan();
	if (lower >= upper)
		return 0;
	return (rank_of(b, n, upper) - rank_of(b, n, lower)) / b[n - 1].count;
}
