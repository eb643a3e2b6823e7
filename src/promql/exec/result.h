/*
 * result.h
 *    The top of a query: final names, duplicates, order, points.
 */
#ifndef MIMIR_PROMQL_EXEC_RESULT_H
#define MIMIR_PROMQL_EXEC_RESULT_H

#include "promql/exec/operator.h"

typedef struct PromqlResult PromqlResult;

extern PromqlResult *promql_result_create(PromqlExec *ex);
extern int promql_result_next(PromqlResult *r, PromqlSeries *out, Err *err);

#endif
