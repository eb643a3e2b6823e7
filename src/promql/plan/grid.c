/*
 * grid.c
 *    Third pass: at which steps each node is evaluated, and which samples selectors need.
 *
 * All nodes share the query's grid, but for two cases.  A subquery's child has steps at
 * multiples of its own step since the epoch (reference 2.5).  An invariant subtree is evaluated
 * at the first step alone, under a node that repeats the result; matrices are not wrapped, as
 * each window already carries its own end.
 */
#include "promql/plan/plan_int.h"
#include "util/cancel.h"
#include "util/mem.h"

/* More steps than any limit on samples lets through; keeps the arrays' sizes sane. */
#define MAX_STEPS 50000000

/* make_grid -- fails if its times alone would exceed the query's memory. */
static bool
make_grid(const PromqlParams *params, int64_t start_ms, int64_t end_ms, int64_t step_ms,
		  const PromqlGrid **out, Err *err)
{
	PromqlGrid *grid = mem_alloc0(sizeof(*grid));
	int64_t *ts;
	int64_t n = end_ms >= start_ms ? (end_ms - start_ms) / step_ms + 1 : 0;

	if (n > MAX_STEPS)
		return err_set(err, ERR_TOO_MANY_SAMPLES, -1,
					   "query processing would load too many samples into memory in query "
					   "execution");
	if (params->max_memory > 0 && (size_t) n > params->max_memory / sizeof(*ts))
		return err_set(err, ERR_TOO_MUCH_MEMORY, -1, "query needs more than %zu bytes of memory",
					   params->max_memory);
	grid->start_ms = start_ms;
	grid->step_ms = step_ms;
	grid->nsteps = (int) n;
	ts = mem_alloc(sizeof(int64_t) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		cancel_poll_at(i);
		ts[i] = start_ms + i * step_ms;
	}
	grid->ts = ts;
	*out = grid;
	return true;
}

/* subquery_grid -- the steps of a subquery's child; parent: those of the subquery. */
static bool
subquery_grid(const PromqlParams *params, const PromqlSubqueryPlan *sub, const PromqlGrid *parent,
			  const PromqlGrid **out, Err *err)
{
	int64_t first, last, before, start;

	if (parent->nsteps == 0)
		return make_grid(params, 0, -1, 1, out, err);
	first = sub->pinned ? sub->at_ms : parent->ts[0];
	last = sub->pinned ? sub->at_ms : parent->ts[parent->nsteps - 1];
	before = first - sub->offset_ms - sub->range_ms;
	start = before / sub->step_ms * sub->step_ms;
	if (start <= before)
		start += sub->step_ms;
	return make_grid(params, start, last - sub->offset_ms, sub->step_ms, out, err);
}

void
promql_plan_window(const PromqlPlan *plan, PromqlSelectorPlan *sel, const PromqlGrid *grid)
{
	int64_t lookback = plan->params.lookback_ms;

	if (grid->nsteps == 0)
		return;
	sel->mint = (sel->pinned ? sel->at_ms : grid->ts[0]) - sel->offset_ms + 1;
	sel->maxt = (sel->pinned ? sel->at_ms : grid->ts[grid->nsteps - 1]) - sel->offset_ms;
	if (sel->range_ms == 0)
		sel->mint -= lookback;
	else
		sel->mint -= sel->range_ms + (sel->extend != PROMQL_EXTEND_NONE ? lookback : 0);
	if (sel->extend == PROMQL_EXTEND_SMOOTHED)
		sel->maxt += lookback;
}

/* wrap -- put a node that repeats one step above *slot. */
static bool
wrap(const PromqlParams *params, PromqlPlanNode **slot, const PromqlGrid *grid,
	 const PromqlGrid **one, Err *err)
{
	PromqlPlanNode *child = *slot;
	PromqlPlanNode *node = promql_plan_node(PROMQL_PLAN_INVARIANT, child->type, child->pos, 1);

	node->children[0] = child;
	node->grid = grid;
	node->invariant = true;
	*slot = node;
	return make_grid(params, grid->ts[0], grid->ts[0], 1, one, err);
}

static bool
assign(PromqlPlan *plan, PromqlPlanNode **slot, const PromqlGrid *grid, Err *err)
{
	PromqlPlanNode *node = *slot;
	const PromqlGrid *child_grid;

	if (node->invariant && grid->nsteps > 1 && node->kind != PROMQL_PLAN_NUMBER &&
		(node->type == PROMQL_VECTOR || node->type == PROMQL_SCALAR) &&
		!wrap(&plan->params, slot, grid, &grid, err))
		return false;
	node->grid = grid;
	child_grid = grid;
	switch (node->kind)
	{
		case PROMQL_PLAN_SELECT:
		case PROMQL_PLAN_RANGE_SELECT:
			promql_plan_window(plan, &node->select, grid);
			break;
		case PROMQL_PLAN_SUBQUERY:
			if (!subquery_grid(&plan->params, &node->subquery, grid, &child_grid, err))
				return false;
			break;
		case PROMQL_PLAN_CALL:
			if (node->call.info != NULL)
			{
				PromqlSelectorPlan *info = mem_dup(node->call.info, sizeof(*info));

				promql_plan_window(plan, info, grid);
				node->call.info = info;
			}
			break;
		default:
			break;
	}
	for (int i = 0; i < node->nchildren; i++)
		if (!assign(plan, &node->children[i], child_grid, err))
			return false;
	return true;
}

bool
promql_plan_grids(PromqlPlan *plan, PromqlPlanNode **root, Err *err)
{
	const PromqlParams *params = &plan->params;
	const PromqlGrid *grid;
	int64_t step = params->step_ms > 0 ? params->step_ms : 1;

	if (params->instant && params->start_ms != params->end_ms)
		return err_set(err, ERR_INTERNAL, -1, "an instant query has one evaluation time");
	if (!make_grid(params, params->start_ms, params->end_ms, step, &grid, err))
		return false;
	return assign(plan, root, grid, err);
}
