/*
 * table.h
 *    What the evaluator knows of a function: how to run it.  What the language knows of it is in
 *    signatures.h.
 *
 * Exactly one of range, point and create is set.
 *    range    over a range vector; the operator slides the windows        (rate, sum_over_time)
 *    point    step by step over an instant vector                         (abs, clamp, hour)
 *    create   an operator of its own: needs the whole vector, or none     (absent, sort, time)
 *
 * Under range and point functions the calling operator does what the signature's name rule says,
 * an operator of its own does it itself (promql_series_drop_name).  timestamp() and
 * start_timestamp() of a selector are never called: the selector emits the times.  start(), end(),
 * range() and step() are constants of the plan.  Where results may have equal labels the plan
 * puts a check above the call, so that no function looks for duplicates itself.
 */
#ifndef MIMIR_PROMQL_FUNCTIONS_TABLE_H
#define MIMIR_PROMQL_FUNCTIONS_TABLE_H

#include "promql/exec/operator.h"
#include "promql/functions/signatures.h"

typedef struct PromqlFunction
{
	PromqlRangeFn range;
	PromqlPointFn point;
	PromqlOpCreate create;
} PromqlFunction;

extern const PromqlFunction *promql_function_impl(PromqlFn fn);

#endif
