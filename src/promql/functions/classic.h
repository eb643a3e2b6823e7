/*
 * classic.h
 *    Quantile and fraction of a classic histogram: cumulative counts by upper bound.
 */
#ifndef MIMIR_PROMQL_FUNCTIONS_CLASSIC_H
#define MIMIR_PROMQL_FUNCTIONS_CLASSIC_H

#include <stdbool.h>

typedef struct ClassicBucket
{
	double upper;
	double count; /* of this and all lower buckets */
} ClassicBucket;

/* Counts that fell where they must not: which buckets were raised, and how far at most. */
typedef struct ClassicFix
{
	bool any;
	double lowest, highest; /* upper bounds */
	double max_diff;
} ClassicFix;

/*
 * Buckets are in ascending order, n at least 1, and are changed.
 *    quantile   q outside [0, 1] gives infinities, no +Inf bucket or no observations NaN
 *    fraction   of the observations in (lower, upper]
 */
extern double promql_classic_quantile(double q, ClassicBucket *b, int n, ClassicFix *fix);
extern double promql_classic_fraction(double lower, double upper, ClassicBucket *b, int n);

#endif
