/*
 * share.c
 *    Sixth pass: selectors that read the same samples.
 *
 * `x / (x + y)` reads x twice.  Selectors with equal matchers and equal time windows get a common
 * number; the evaluator decodes for the first that asks and repeats for the others.
 */
#include "promql/plan/plan_int.h"

#define MAX_NODES 1000

static bool
same_matchers(const PromqlSelectorPlan *a, const PromqlSelectorPlan *b)
{
	if (a->nmatchers != b->nmatchers)
		return false;
	for (int i = 0; i < a->nmatchers; i++)
		if (a->matchers[i].type != b->matchers[i].type ||
			!strview_eq(a->matchers[i].name, b->matchers[i].name) ||
			!strview_eq(a->matchers[i].value, b->matchers[i].value))
			return false;
	return true;
}

static PromqlSelectorPlan *
selector_of(PromqlPlanNode *node)
{
	bool selects = node->kind == PROMQL_PLAN_SELECT || node->kind == PROMQL_PLAN_RANGE_SELECT;

	return selects && node->grid->nsteps > 0 ? &node->select : NULL;
}

/*
 * promql_plan_share -- needs the nodes numbered.  Quadratic in the selectors of a query, which
 * are few: a query with many is not looked at.
 */
void
promql_plan_share(PromqlPlan *plan)
{
	if (plan->nnodes > MAX_NODES)
		return;
	for (int i = 0; i < plan->nnodes; i++)
	{
		PromqlSelectorPlan *a = selector_of(plan->nodes[i]);

		for (int j = i + 1; a != NULL && j < plan->nnodes; j++)
		{
			PromqlSelectorPlan *b = selector_of(plan->nodes[j]);

			if (b == NULL || b->share != 0 || a->mint != b->mint || a->maxt != b->maxt ||
				!same_matchers(a, b))
				continue;
			if (a->share == 0)
				a->share = ++plan->nshared;
			b->share = a->share;
		}
	}
}
