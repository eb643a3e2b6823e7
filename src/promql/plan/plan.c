/*
 * plan.c
 *    A query's tree and parameters become a plan: runs the passes and numbers the nodes.
 */
#include "promql/plan/plan_int.h"
#include "util/mem.h"

static int
count(const PromqlPlanNode *node)
{
	int n = 1;

	for (int i = 0; i < node->nchildren; i++)
		n += count(node->children[i]);
	return n;
}

/* number_nodes -- in preorder, so that a parent's number is less than its children's. */
static void
number_nodes(PromqlPlan *plan, PromqlPlanNode *node)
{
	node->number = plan->nnodes++;
	plan->nodes[node->number] = node;
	for (int i = 0; i < node->nchildren; i++)
		number_nodes(plan, node->children[i]);
}

/*
 * promql_plan -- the plan and all it refers to lie in the current scope, but for the tree e
 * itself.  NULL after setting err: a duration that cannot be computed, a range selector under a
 * function that does not know its modifier, too many steps.
 */
PromqlPlan *
promql_plan(const PromqlExpr *e, const PromqlParams *params, Err *err)
{
	PromqlPlan *plan = mem_alloc0(sizeof(*plan));

	plan->params = *params;
	plan->expr = e;
	promql_plan_narrow(plan, e);
	plan->root = promql_plan_translate(plan, e, err);
	if (plan->root == NULL)
		return NULL;
	if (!params->instant && plan->root->type != PROMQL_SCALAR && plan->root->type != PROMQL_VECTOR)
	{
		err_set(err, ERR_BAD_REQUEST, -1,
				"invalid expression type \"%s\" for range query, must be Scalar or instant Vector",
				promql_type_name(plan->root->type));
		return NULL;
	}
	promql_plan_filter(plan, plan->root);
	promql_plan_invariant(plan->root);
	if (!promql_plan_grids(plan, &plan->root, err))
		return NULL;
	promql_plan_unique(plan, &plan->root);
	promql_plan_hints(plan->root);

	plan->nodes = mem_alloc(sizeof(*plan->nodes) * count(plan->root));
	number_nodes(plan, plan->root);
	promql_plan_share(plan);
	plan->series_wise = promql_plan_series_by_series(plan);
	return plan;
}

bool
promql_plan_is_series_wise(const PromqlPlan *plan)
{
	return plan->series_wise;
}

void
promql_plan_line_col(const PromqlPlan *plan, int pos, int *line, int *col)
{
	StrView query = plan->params.query;

	*line = 1;
	*col = pos + 1;
	for (int i = 0; i < pos && i < (int) query.len; i++)
		if (query.s[i] == '\n')
		{
			(*line)++;
			*col = pos - i;
		}
}

int
promql_plan_nnodes(const PromqlPlan *plan)
{
	return plan->nnodes;
}

int
promql_plan_nchildren(const PromqlPlan *plan, int node)
{
	return plan->nodes[node]->nchildren;
}

int
promql_plan_child(const PromqlPlan *plan, int node, int i)
{
	return plan->nodes[node]->children[i]->number;
}
