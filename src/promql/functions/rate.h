/*
 * rate.h
 *    rate, increase and delta.
 */
#ifndef MIMIR_PROMQL_FUNCTIONS_RATE_H
#define MIMIR_PROMQL_FUNCTIONS_RATE_H

#include "promql/functions/function.h"

extern bool promql_fn_rate(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err);
extern bool promql_fn_increase(PromqlCall *call, const PromqlWindows *w, PromqlVector *out,
							   Err *err);
extern bool promql_fn_delta(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err);

#endif
