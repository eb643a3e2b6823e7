/*
 * table.c
 *    How each function is run, by its number in signatures.def.
 *
 * A function that is in the language but not here has an empty entry; calling it is an error of
 * the query (exec/op_call.c).
 */
#include "promql/functions/table.h"

#include "promql/functions/rate.h"

static const PromqlFunction functions[PROMQL_NFUNCTIONS] = {
	[PROMQL_FN_delta] = {.range = promql_fn_delta},
	[PROMQL_FN_increase] = {.range = promql_fn_increase},
	[PROMQL_FN_rate] = {.range = promql_fn_rate},
};

const PromqlFunction *
promql_function_impl(PromqlFn fn)
{
	return &functions[fn];
}
