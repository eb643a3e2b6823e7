/*
 * over_time.h
 *    Sum, mean and variance of one window, exactly as Prometheus computes them (reference 2.9).
 */
#ifndef MIMIR_PROMQL_FUNCTIONS_OVER_TIME_H
#define MIMIR_PROMQL_FUNCTIONS_OVER_TIME_H

#include <stdint.h>

/* n is at least 1 */
extern double promql_sum(const double *v, int n);
extern double promql_mean(const double *v, int n);
extern double promql_variance(const double *v, int n);

/*
 * promql_exact_prefix -- n+1 prefix sums, from the current scope, if all additions of these values
 * are exact in any order; else NULL.
 */
extern int64_t *promql_exact_prefix(const double *v, int n);

#endif
