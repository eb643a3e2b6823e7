/*
 * kahan.h
 *    Kahan-Neumaier summation as Prometheus does it (reference 2.9).
 */
#ifndef MIMIR_UTIL_KAHAN_H
#define MIMIR_UTIL_KAHAN_H

#include <math.h>

/* kahan_inc -- add x to the sum *s with compensation *c.  The result is *s + *c. */
static inline void
kahan_inc(double x, double *s, double *c)
{
	double t = *s + x;

	if (isinf(t))
		*c = 0;
	else if (fabs(*s) >= fabs(x))
		*c += (*s - t) + x;
	else
		*c += (x - t) + *s;
	*s = t;
}

#endif
