/*
 * table.h
 *    What the evaluator knows of a function: how to run it.
 *
 * Exactly one of range, point and create is set.
 *    range    over a range vector; the operator slides the windows        (rate, sum_over_time)
 *    point    step by step over an instant vector                         (abs, clamp, hour)
 *    create   an operator of its own: needs the whole vector, or none     (absent, sort, time)
 */
#ifndef MIMIR_PROMQL_FUNCTIONS_TABLE_H
#define MIMIR_PROMQL_FUNCTIONS_TABLE_H

#include "promql/exec/operator.h"

typedef struct PromqlFunction
{
	const char *name;
	PromqlRangeFn range;
	PromqlPointFn point;
	PromqlOpCreate create;
	bool keeps_name; /* range and point: the result keeps the metric name */
} PromqlFunction;

/* promql_function_find -- NULL if there is no such function. */
extern const PromqlFunction *promql_function_find(StrView name);

#endif
