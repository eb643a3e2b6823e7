/*
 * almost.h
 *    Equality of doubles up to a relative error, as Prometheus defines it (reference 2.9).
 */
#ifndef MIMIR_UTIL_ALMOST_H
#define MIMIR_UTIL_ALMOST_H

#include <float.h>
#include <math.h>
#include <stdbool.h>

/*
 * almost_equal -- is the difference less than epsilon times the sum of the absolute values?  All NaNs
 * are equal; who tells stale markers apart looks for them first.
 */
static inline bool
almost_equal(double a, double b, double epsilon)
{
	double sum = fabs(a) + fabs(b), difference = fabs(a - b);

	if (isnan(a) || isnan(b))
		return isnan(a) && isnan(b);
	if (a == b)
		return true;
	if (a == 0 || b == 0 || sum < DBL_MIN)
		return difference < epsilon * DBL_MIN;
	return difference / (sum < DBL_MAX ? sum : DBL_MAX) < epsilon;
}

#endif
