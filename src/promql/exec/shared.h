/*
 * shared.h
 *    Reading a selector's series, once for all selectors of a query that want the same.
 */
#ifndef MIMIR_PROMQL_EXEC_SHARED_H
#define MIMIR_PROMQL_EXEC_SHARED_H

#include "promql/exec/operator.h"

typedef struct PromqlShared PromqlShared;

/* promql_select_open -- the series set of selector sel of op, from the source or shared. */
extern PromqlSeriesSet *promql_select_open(PromqlOp *op, const PromqlSelectorPlan *sel, Err *err);

#endif
