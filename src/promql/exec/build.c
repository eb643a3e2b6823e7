/*
 * build.c
 *    From plan nodes to operators.
 */
#include "promql/exec/build.h"

#include "promql/exec/exec.h"
#include "promql/exec/ops.h"

static PromqlOpMake *
aggregate_maker(PromqlAggregator op)
{
	switch (op)
	{
		case PROMQL_AGGR_TOPK:
		case PROMQL_AGGR_BOTTOMK:
		case PROMQL_AGGR_LIMITK:
		case PROMQL_AGGR_LIMIT_RATIO:
			return op_topk_create;
		case PROMQL_AGGR_QUANTILE:
			return op_quantile_create;
		case PROMQL_AGGR_COUNT_VALUES:
			return op_count_values_create;
		default:
			return op_aggregate_create;
	}
}

static PromqlOpMake *
maker(const PromqlPlanNode *node)
{
	switch (node->kind)
	{
		case PROMQL_PLAN_NUMBER:
			return op_number_create;
		case PROMQL_PLAN_SELECT:
			return node->select.extend == PROMQL_EXTEND_SMOOTHED ? op_smooth_create
																 : op_select_create;
		case PROMQL_PLAN_RANGE_SELECT:
			return op_range_select_create;
		case PROMQL_PLAN_SUBQUERY:
			return op_subquery_create;
		case PROMQL_PLAN_RANGE_CALL:
		case PROMQL_PLAN_CALL:
			return op_call_create;
		case PROMQL_PLAN_AGGREGATE:
			return aggregate_maker(node->aggregate.op);
		case PROMQL_PLAN_BINARY_MATCH:
			return op_binary_match_create;
		case PROMQL_PLAN_BINARY_SCALAR:
			return op_binary_scalar_create;
		case PROMQL_PLAN_SET:
			return op_set_create;
		case PROMQL_PLAN_NEGATE:
			return op_negate_create;
		case PROMQL_PLAN_INVARIANT:
			return op_invariant_create;
		case PROMQL_PLAN_UNIQUE:
		case PROMQL_PLAN_MERGE:
			return op_unique_create;
		case PROMQL_PLAN_STRING:
			break;
	}
	return NULL;
}

/*
 * promql_build -- the operator of node and of all below it; each is entered in ex->ops under its
 * node's number.  A string is no operator: the result takes it from the plan.
 */
PromqlOp *
promql_build(PromqlExec *ex, const PromqlPlanNode *node, Err *err)
{
	PromqlOp **children = mem_alloc0(sizeof(*children) * (node->nchildren + 1));
	PromqlOp *op;

	for (int i = 0; i < node->nchildren; i++)
	{
		children[i] = promql_build(ex, node->children[i], err);
		if (children[i] == NULL)
			return NULL;
	}
	op = maker(node)(ex, node, children, err);
	ex->ops[node->number] = op;
	return op;
}
