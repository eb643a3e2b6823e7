/*
 * narrow.c
 *    First of all: steps of a range query that nobody looks at are left out.
 *
 * What a query gives at a step follows from the step's time and the data, and not from which
 * other steps there are, so the grid may be cut to a part of itself.  There are exceptions: `@
 * start()`, `@ end()`, start(), end(), range() and step() refer to the grid as a whole.  Queries
 * with one of them keep it.
 */
#include "promql/plan/plan_int.h"

/* duration_expr_uses_grid -- step() or range() in a duration expression. */
static bool
duration_expr_uses_grid(const PromqlExpr *e)
{
	if (e == NULL || e->kind != PROMQL_EXPR_DURATION)
		return false;
	return e->duration.op == PROMQL_OP_STEP || e->duration.op == PROMQL_OP_RANGE ||
		   duration_expr_uses_grid(e->duration.lhs) || duration_expr_uses_grid(e->duration.rhs);
}

static bool
duration_uses_grid(const PromqlDuration *d)
{
	return duration_expr_uses_grid(d->expr);
}

static bool
at_uses_grid(const PromqlAt *at)
{
	return at->kind == PROMQL_AT_START || at->kind == PROMQL_AT_END;
}

static bool
call_uses_grid(const PromqlCallExpr *call)
{
	switch (call->sig->fn)
	{
		case PROMQL_FN_start:
		case PROMQL_FN_end:
		case PROMQL_FN_range:
		case PROMQL_FN_step:
			return true;
		default:
			return false;
	}
}

static bool
uses_grid(const PromqlExpr *e)
{
	bool own = false;

	switch (e->kind)
	{
		case PROMQL_EXPR_SELECTOR:
			own = at_uses_grid(&e->selector.at) || duration_uses_grid(&e->selector.offset);
			break;
		case PROMQL_EXPR_RANGE:
			own = duration_uses_grid(&e->range.range);
			break;
		case PROMQL_EXPR_SUBQUERY:
			own = at_uses_grid(&e->subquery.at) || duration_uses_grid(&e->subquery.range) ||
				  duration_uses_grid(&e->subquery.step) || duration_uses_grid(&e->subquery.offset);
			break;
		case PROMQL_EXPR_CALL:
			own = call_uses_grid(&e->call);
			break;
		default:
			break;
	}
	for (int i = 0; i < promql_expr_nchildren(e) && !own; i++)
		own = uses_grid(promql_expr_child(e, i));
	return own;
}

/*
 * promql_plan_narrow -- cut plan->params to the steps in the wanted window; none left: an empty
 * grid, end before start.  Times may be anything, as they come from outside.
 */
void
promql_plan_narrow(PromqlPlan *plan, const PromqlExpr *e)
{
	PromqlParams *p = &plan->params;
	int64_t from = p->window_from_ms, to = p->window_to_ms;
	int64_t behind;

	if (!p->has_window || p->instant || p->step_ms <= 0 || uses_grid(e))
		return;
	if (from > p->end_ms || to < p->start_ms || from > to)
	{
		p->end_ms = p->start_ms - 1;
		return;
	}
	if (to < p->end_ms)
		p->end_ms = to;
	if (from <= p->start_ms)
		return;
	behind = (from - p->start_ms) % p->step_ms;
	p->start_ms = behind == 0 ? from : from - behind + p->step_ms;
	if (p->start_ms > p->end_ms)
		p->end_ms = p->start_ms - 1;
}
