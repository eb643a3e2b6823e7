/*
 * extended_points.h
 *    The points of an anchored or smoothed range selector that is itself the query.
 */
#ifndef MIMIR_PROMQL_EXEC_EXTENDED_POINTS_H
#define MIMIR_PROMQL_EXEC_EXTENDED_POINTS_H

#include "promql/exec/operator.h"

/*
 * promql_window_points -- the points of the only step of w, from the current scope if they are not
 * the samples themselves.  n 0: none.
 */
extern bool promql_window_points(const PromqlWindows *w, PromqlSamples *out, Err *err);

#endif
