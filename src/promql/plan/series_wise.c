/*
 * series_wise.c
 *    Last pass: can a query be evaluated series by series?
 *
 * It can if there is one selector and every operator above it maps a series to at most one series,
 * without looking at others: functions of samples or values, arithmetic with scalars, subqueries
 * over such.  Then the selector's series may be dealt out to several evaluators.  Labels must
 * stay distinct on the way, for equal ones would have to be joined.
 */
#include "promql/plan/plan_int.h"

/* maps_series -- a function of one series at a time; not one that orders, joins or makes series. */
static bool
maps_series(const PromqlSignature *sig)
{
	if (sig->name_rule == PROMQL_NAME_COMPUTED)
		return false;
	switch (sig->fn)
	{
		case PROMQL_FN_histogram_fraction:
		case PROMQL_FN_histogram_quantile:
		case PROMQL_FN_histogram_quantiles:
		case PROMQL_FN_info:
		case PROMQL_FN_label_join:
		case PROMQL_FN_label_replace:
		case PROMQL_FN_sort:
		case PROMQL_FN_sort_by_label:
		case PROMQL_FN_sort_by_label_desc:
		case PROMQL_FN_sort_desc:
			return false;
		default:
			return true;
	}
}

static int
count_selectors(const PromqlPlanNode *node)
{
	int n = node->kind == PROMQL_PLAN_SELECT || node->kind == PROMQL_PLAN_RANGE_SELECT;

	for (int i = 0; i < node->nchildren; i++)
		n += count_selectors(node->children[i]);
	return n;
}

/* on_path -- node and what is below it, down to the selector; its scalar operands select nothing. */
static bool
on_path(const PromqlPlanNode *node)
{
	switch (node->kind)
	{
		case PROMQL_PLAN_SELECT:
		case PROMQL_PLAN_RANGE_SELECT:
			return true;
		case PROMQL_PLAN_RANGE_CALL:
		case PROMQL_PLAN_CALL:
			if (!maps_series(node->call.sig))
				return false;
			break;
		case PROMQL_PLAN_SUBQUERY:
		case PROMQL_PLAN_BINARY_SCALAR:
		case PROMQL_PLAN_NEGATE:
		case PROMQL_PLAN_INVARIANT:
			break;
		default:
			return false;
	}
	for (int i = 0; i < node->nchildren; i++)
		if (node->children[i]->type != PROMQL_SCALAR)
			return on_path(node->children[i]);
	return false;
}

bool
promql_plan_series_by_series(const PromqlPlan *plan)
{
	const PromqlPlanNode *root = plan->root;
	bool may_drop = plan->params.flags.delayed_name_removal && root->kind != PROMQL_PLAN_SELECT;

	return on_path(root) && count_selectors(root) == 1 && root->labels_unique &&
		   (!may_drop || root->names_unique);
}
