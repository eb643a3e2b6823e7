/*
 * quantile.h
 *    Quantile of a set of floats, for quantile(), quantile_over_time() and mad_over_time().
 */
#ifndef MIMIR_PROMQL_FUNCTIONS_QUANTILE_H
#define MIMIR_PROMQL_FUNCTIONS_QUANTILE_H

/*
 * promql_quantile_cmp -- of two values, for qsort: ascending, NaN first, -0 below +0, so that the
 * sorted order does not depend on the order before.
 */
extern int promql_quantile_cmp(const void *a, const void *b);
extern void promql_quantile_sort(double *v, int n);
/*
 * promql_quantile -- of n sorted values; q beyond 0 and 1 gives an infinity, NaN and no values
 * give NaN.
 */
extern double promql_quantile(double q, const double *v, int n);

#endif
