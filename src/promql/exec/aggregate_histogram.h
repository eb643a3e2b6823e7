/*
 * aggregate_histogram.h
 *    sum and avg of native histograms: the accumulator of one step of one group, or of a window.
 */
#ifndef MIMIR_PROMQL_EXEC_AGGREGATE_HISTOGRAM_H
#define MIMIR_PROMQL_EXEC_AGGREGATE_HISTOGRAM_H

#include "promql/exec/operator.h"

typedef struct PromqlHistogramSum PromqlHistogramSum;

/*
 * promql_histogram_sum_add -- add h into *sum, created in the current scope if NULL.  mean: an
 * average is wanted.  False, with a warning at pos that names the series, if bucket layouts cannot
 * be added.
 */
extern bool promql_histogram_sum_add(PromqlHistogramSum **sum, const Histogram *h, bool mean,
									 PromqlExec *ex, int pos, Labels series);
/*
 * promql_histogram_sum_result -- compacted, the accumulator's own; warns at pos of clashing resets.
 */
extern Histogram *promql_histogram_sum_result(PromqlHistogramSum *sum, PromqlExec *ex, int pos);

#endif
