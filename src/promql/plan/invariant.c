/*
 * invariant.c
 *    Second pass: which nodes give the same at every step (reference 2.6).
 *
 * Literals do, selectors and subqueries with @ do, and whatever depends on such nodes only,
 * unless the function looks at the evaluation time itself.  timestamp() of a pinned selector
 * takes the time from the sample, so it does too.  For an aggregation the vector alone decides,
 * not the parameter, as in Prometheus.
 */
#include "promql/plan/plan_int.h"

static bool
call_reads_time(const PromqlCallPlan *call)
{
	return call->sig->step_variant && !call->by_selector;
}

/* promql_plan_invariant -- fills node->invariant below and of node itself, and returns it. */
bool
promql_plan_invariant(PromqlPlanNode *node)
{
	bool all = true;

	for (int i = 0; i < node->nchildren; i++)
		all &= promql_plan_invariant(node->children[i]);

	switch (node->kind)
	{
		case PROMQL_PLAN_SELECT:
		case PROMQL_PLAN_RANGE_SELECT:
			node->invariant = node->select.pinned;
			break;
		case PROMQL_PLAN_SUBQUERY:
			node->invariant = node->subquery.pinned;
			break;
		case PROMQL_PLAN_RANGE_CALL:
		case PROMQL_PLAN_CALL:
			node->invariant = all && !call_reads_time(&node->call);
			break;
		case PROMQL_PLAN_AGGREGATE:
			node->invariant = node->children[0]->invariant;
			break;
		default:
			node->invariant = all;
			break;
	}
	return node->invariant;
}
