/*
 * ops.h
 *    The operators build.c chooses from; each in its op_*.c.
 */
#ifndef MIMIR_PROMQL_EXEC_OPS_H
#define MIMIR_PROMQL_EXEC_OPS_H

#include "promql/exec/operator.h"

typedef PromqlOp *PromqlOpMake(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children,
							   Err *err);

extern PromqlOpMake op_number_create;
extern PromqlOpMake op_select_create;
extern PromqlOpMake op_smooth_create;
extern PromqlOpMake op_range_select_create;
extern PromqlOpMake op_subquery_create;
extern PromqlOpMake op_range_call_create;
extern PromqlOpMake op_call_create;
extern PromqlOpMake op_aggregate_create;
extern PromqlOpMake op_topk_create;
extern PromqlOpMake op_quantile_create;
extern PromqlOpMake op_count_values_create;
extern PromqlOpMake op_binary_match_create;
extern PromqlOpMake op_binary_scalar_create;
extern PromqlOpMake op_set_create;
extern PromqlOpMake op_negate_create;
extern PromqlOpMake op_invariant_create;
extern PromqlOpMake op_unique_create;

#endif
