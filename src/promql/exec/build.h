/*
 * build.h
 *    From plan nodes to operators.
 */
#ifndef MIMIR_PROMQL_EXEC_BUILD_H
#define MIMIR_PROMQL_EXEC_BUILD_H

#include "promql/exec/operator.h"

extern PromqlOp *promql_build(PromqlExec *ex, const PromqlPlanNode *node, Err *err);

#endif
