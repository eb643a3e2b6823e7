/*
 * aggregate_histogram.h
 *    sum and avg of native histograms: the accumulator of one step of one group.
 */
#ifndef MIMIR_PROMQL_EXEC_AGGREGATE_HISTOGRAM_H
#define MIMIR_PROMQL_EXEC_AGGREGATE_HISTOGRAM_H

#include "promql/exec/operator.h"

typedef struct PromqlHistogramSum PromqlHistogramSum;

/*
 * promql_histogram_sum_add -- add h into *sum, created in op's scope if NULL.  mean: an average is
 * wanted.  False, with a warning that names the series, if bucket layouts cannot be added.
 */
extern bool promql_histogram_sum_add(PromqlHistogramSum **sum, const Histogram *h, bool mean,
									 PromqlOp *op, Labels series);
/* promql_histogram_sum_result -- compacted, in the current scope; warns of clashing resets. */
extern Histogram *promql_histogram_sum_result(PromqlHistogramSum *sum, PromqlOp *op);

#endif
