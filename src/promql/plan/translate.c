/*
 * translate.c
 *    First pass: the tree of the text becomes plan nodes.
 *
 * Everything that depends on the query's parameters but not on data is worked out here:
 * start(), end(), range() and step(), durations, @ start() and @ end(), arithmetic of literals.
 * Parentheses and unary plus vanish.  Literal arguments of calls stay in the call's argument
 * list; only what needs an operator becomes a child.
 */
#include <stdlib.h>

#include "promql/plan/arith.h"
#include "promql/plan/plan_int.h"
#include "util/mem.h"

typedef struct Translation
{
	const PromqlParams *params;
	int64_t step_ms;  /* what step() means: 0 for a single step */
	int64_t range_ms; /* end - start */
	Err *err;
} Translation;

static PromqlPlanNode *translate(Translation *tr, const PromqlExpr *e, const char *func);

PromqlPlanNode *
promql_plan_node(PromqlPlanKind kind, PromqlType type, int pos, int nchildren)
{
	PromqlPlanNode *node = mem_alloc0(sizeof(*node));

	node->kind = kind;
	node->type = type;
	node->pos = pos;
	node->nchildren = nchildren;
	if (nchildren > 0)
		node->children = mem_alloc0(sizeof(*node->children) * nchildren);
	return node;
}

static PromqlPlanNode *
number(double v, int pos)
{
	PromqlPlanNode *node = promql_plan_node(PROMQL_PLAN_NUMBER, PROMQL_SCALAR, pos, 0);

	node->number_value = v;
	return node;
}

static bool
duration(Translation *tr, const PromqlDuration *d, bool positive, int64_t *ms)
{
	return promql_duration_eval(d, tr->step_ms, tr->range_ms, positive, ms, tr->err);
}

/* pin -- the time of an @ modifier; false if there is none. */
static bool
pin(Translation *tr, const PromqlAt *at, int64_t *ms)
{
	switch (at->kind)
	{
		case PROMQL_AT_NONE:
			return false;
		case PROMQL_AT_TIME:
			*ms = at->ms;
			return true;
		case PROMQL_AT_START:
			*ms = tr->params->start_ms;
			return true;
		case PROMQL_AT_END:
			*ms = tr->params->end_ms;
			return true;
	}
	return false;
}

/* --- selectors -------------------------------------------------------------------------------- */

static bool
selector(Translation *tr, const PromqlSelector *s, const char *func, PromqlSelectorPlan *sel)
{
	sel->matchers = s->matchers;
	sel->nmatchers = s->nmatchers;
	sel->pinned = pin(tr, &s->at, &sel->at_ms);
	sel->extend = s->anchored	? PROMQL_EXTEND_ANCHORED
				  : s->smoothed ? PROMQL_EXTEND_SMOOTHED
								: PROMQL_EXTEND_NONE;
	sel->func = func;
	return duration(tr, &s->offset, false, &sel->offset_ms);
}

static PromqlPlanNode *
select_node(Translation *tr, const PromqlExpr *e, const char *func)
{
	PromqlPlanNode *node = promql_plan_node(PROMQL_PLAN_SELECT, PROMQL_VECTOR, e->start, 0);

	return selector(tr, &e->selector, func, &node->select) ? node : NULL;
}

static PromqlPlanNode *
range_node(Translation *tr, const PromqlExpr *e, const char *func)
{
	const PromqlRange *range = &e->range;
	PromqlPlanNode *node = promql_plan_node(PROMQL_PLAN_RANGE_SELECT, PROMQL_MATRIX, e->start, 0);

	if (!selector(tr, &range->selector->selector, func, &node->select))
		return NULL;
	return duration(tr, &range->range, true, &node->select.range_ms) ? node : NULL;
}

static PromqlPlanNode *
subquery_node(Translation *tr, const PromqlExpr *e)
{
	const PromqlSubquery *s = &e->subquery;
	PromqlPlanNode *node = promql_plan_node(PROMQL_PLAN_SUBQUERY, PROMQL_MATRIX, e->start, 1);
	PromqlSubqueryPlan *sub = &node->subquery;

	sub->pinned = pin(tr, &s->at, &sub->at_ms);
	sub->step_ms = tr->params->default_subquery_step_ms;
	if (!duration(tr, &s->range, true, &sub->range_ms) ||
		!duration(tr, &s->offset, false, &sub->offset_ms))
		return NULL;
	if (s->step.is_set && !duration(tr, &s->step, true, &sub->step_ms))
		return NULL;
	node->children[0] = translate(tr, s->expr, "");
	return node->children[0] != NULL ? node : NULL;
}

/* --- calls ------------------------------------------------------------------------------------ */

/* extended_range_ok -- the few functions that know anchored and smoothed ranges. */
static bool
extended_range_ok(Translation *tr, const PromqlCallPlan *call, const PromqlPlanNode *arg)
{
	PromqlFn fn = call->sig->fn;
	bool smoothed_ok = fn == PROMQL_FN_delta || fn == PROMQL_FN_increase || fn == PROMQL_FN_rate;
	bool anchored_ok = smoothed_ok || fn == PROMQL_FN_changes || fn == PROMQL_FN_resets;

	if (arg->kind != PROMQL_PLAN_RANGE_SELECT)
		return true;
	if (arg->select.extend == PROMQL_EXTEND_ANCHORED && !anchored_ok)
		return err_set(tr->err, ERR_EXECUTION, arg->pos,
					   "anchored modifier can only be used with: changes, delta, increase, rate, "
					   "resets - not with %s",
					   call->sig->name);
	if (arg->select.extend == PROMQL_EXTEND_SMOOTHED && !smoothed_ok)
		return err_set(tr->err, ERR_EXECUTION, arg->pos,
					   "smoothed modifier can only be used with: delta, increase, rate - not "
					   "with %s",
					   call->sig->name);
	return true;
}

/*
 * first_selector -- the time reference of info(): the first selector below node.  Offsets add up
 * from the selector outwards until something is pinned by @.
 */
static bool
first_selector(const PromqlPlanNode *node, PromqlSelectorPlan *ref)
{
	if (node->kind == PROMQL_PLAN_SELECT || node->kind == PROMQL_PLAN_RANGE_SELECT)
	{
		ref->offset_ms = node->select.offset_ms;
		ref->pinned = node->select.pinned;
		ref->at_ms = node->select.at_ms;
		return true;
	}
	for (int i = 0; i < node->nchildren; i++)
	{
		if (!first_selector(node->children[i], ref))
			continue;
		if (node->kind == PROMQL_PLAN_SUBQUERY && !ref->pinned)
		{
			ref->offset_ms += node->subquery.offset_ms;
			ref->pinned = node->subquery.pinned;
			ref->at_ms = node->subquery.at_ms;
		}
		return true;
	}
	return false;
}

/* info_selector -- what info() selects, save the matchers that come from its input. */
static const PromqlSelectorPlan *
info_selector(const PromqlExpr *e, const PromqlPlanNode *input)
{
	PromqlSelectorPlan *info = mem_alloc0(sizeof(*info));

	first_selector(input, info);
	info->func = "info";
	if (e->call.args.n > 1)
	{
		const PromqlSelector *s = &promql_expr_unparen(e->call.args.items[1])->selector;

		info->matchers = s->matchers;
		info->nmatchers = s->nmatchers;
	}
	return info;
}

/* emit_times -- timestamp() and start_timestamp() directly on a selector. */
static void
emit_times(Translation *tr, PromqlCallPlan *call, PromqlPlanNode *arg)
{
	if (arg->kind != PROMQL_PLAN_SELECT)
		return;
	if (call->sig->fn == PROMQL_FN_timestamp)
		arg->select.emit = PROMQL_EMIT_TIME;
	else if (call->sig->fn == PROMQL_FN_start_timestamp && tr->params->flags.start_timestamps)
		arg->select.emit = PROMQL_EMIT_START_TIME;
	call->by_selector = arg->select.emit != PROMQL_EMIT_VALUE;
}

static PromqlPlanNode *
call_node(Translation *tr, const PromqlExpr *e)
{
	const PromqlExprList *list = &e->call.args;
	PromqlPlanNode *node = promql_plan_node(PROMQL_PLAN_CALL, e->type, e->start, list->n);
	PromqlCallPlan *call = &node->call;
	PromqlArgPlan *args = mem_alloc0(sizeof(*args) * (list->n + 1));
	int nchildren = 0;

	call->sig = e->call.sig;
	call->args = args;
	call->nargs = list->n;
	for (int k = 0; k < list->n; k++)
	{
		const PromqlExpr *arg_expr = promql_expr_unparen(list->items[k]);
		PromqlArgPlan *arg = &args[k];
		PromqlPlanNode *child;

		arg->type = arg_expr->type;
		arg->pos = arg_expr->start;
		arg->child = -1;
		if (arg->type == PROMQL_STRING)
		{
			arg->string = arg_expr->string;
			continue;
		}
		if (call->sig->fn == PROMQL_FN_info && k == 1)
			continue;
		child = translate(tr, arg_expr, call->sig->name);
		if (child == NULL)
			return NULL;
		if (child->kind == PROMQL_PLAN_NUMBER)
		{
			arg->number = child->number_value;
			arg->pos = list->items[k]->start;
			continue;
		}
		/* as Prometheus tells it: its evaluation puts a selector without a position in its place */
		if (child->kind == PROMQL_PLAN_SUBQUERY)
			arg->pos = 0;
		arg->child = nchildren;
		node->children[nchildren++] = child;
		if (child->type == PROMQL_MATRIX)
		{
			node->kind = PROMQL_PLAN_RANGE_CALL;
			if (!extended_range_ok(tr, call, child))
				return NULL;
		}
		emit_times(tr, call, child);
	}
	node->nchildren = nchildren;
	if (call->sig->fn == PROMQL_FN_info)
		call->info = info_selector(e, node->children[0]);
	return node;
}

/* call -- constants of the query are numbers, everything else a call node. */
static PromqlPlanNode *
call_expr(Translation *tr, const PromqlExpr *e)
{
	switch (e->call.sig->fn)
	{
		case PROMQL_FN_start:
			return number((double) tr->params->start_ms / 1000, e->start);
		case PROMQL_FN_end:
			return number((double) tr->params->end_ms / 1000, e->start);
		case PROMQL_FN_range:
			return number((double) tr->range_ms / 1000, e->start);
		case PROMQL_FN_step:
			return number((double) tr->step_ms / 1000, e->start);
		default:
			return call_node(tr, e);
	}
}

/* --- aggregations and operators ----------------------------------------------------------------- */

static int
strview_qsort_cmp(const void *a, const void *b)
{
	return strview_cmp(*(const StrView *) a, *(const StrView *) b);
}

/* sorted_names -- a list of label names, sorted, each once. */
static const StrView *
sorted_names(const PromqlStrList *list, int *n)
{
	StrView *names = mem_dup(list->items, sizeof(StrView) * list->n);

	if (list->n > 1)
		qsort(names, list->n, sizeof(StrView), strview_qsort_cmp);
	*n = 0;
	for (int i = 0; i < list->n; i++)
		if (*n == 0 || !strview_eq(names[*n - 1], names[i]))
			names[(*n)++] = names[i];
	return names;
}

static PromqlPlanNode *
aggregate_node(Translation *tr, const PromqlExpr *e)
{
	const PromqlAggregate *a = &e->aggregate;
	const char *name = promql_aggregator_text(a->op);
	PromqlPlanNode *node = promql_plan_node(PROMQL_PLAN_AGGREGATE, PROMQL_VECTOR, e->start, 2);
	PromqlAggregatePlan *plan = &node->aggregate;

	plan->op = a->op;
	plan->without = a->without;
	plan->grouping = sorted_names(&a->grouping, &plan->ngrouping);
	plan->param_child = -1;
	plan->expr_pos = a->expr->start;
	node->nchildren = 1;
	node->children[0] = translate(tr, promql_expr_unparen(a->expr), name);
	if (node->children[0] == NULL)
		return NULL;
	if (a->param != NULL)
	{
		const PromqlExpr *param_expr = promql_expr_unparen(a->param);
		PromqlPlanNode *param;

		plan->param_pos = param_expr->start;
		if (param_expr->type == PROMQL_STRING)
		{
			plan->label = param_expr->string;
			return node;
		}
		param = translate(tr, param_expr, name);
		if (param == NULL)
			return NULL;
		if (param->kind == PROMQL_PLAN_NUMBER)
			plan->param = param->number_value;
		else
		{
			plan->param_child = 1;
			node->children[1] = param;
			node->nchildren = 2;
		}
	}
	return node;
}

/* fold -- a constant for an operator between two constants. */
static PromqlPlanNode *
fold(const PromqlPlanNode *node)
{
	PromqlOperator op = node->binary.op;
	double a = node->children[0]->number_value;
	double b = node->children[1]->number_value;

	if (node->binary.is_comparison)
		return number(promql_float_compare(op, a, b) ? 1 : 0, node->pos);
	return number(promql_float_arith(op, a, b), node->pos);
}

static PromqlPlanNode *
binary_node(Translation *tr, const PromqlExpr *e)
{
	const PromqlBinary *b = &e->binary;
	const PromqlMatching *m = &b->matching;
	PromqlPlanNode *node = promql_plan_node(PROMQL_PLAN_BINARY_SCALAR, e->type, e->start, 2);
	PromqlBinaryPlan *plan = &node->binary;

	plan->op = b->op;
	plan->is_comparison = promql_op_is_comparison(b->op);
	plan->return_bool = b->return_bool;
	plan->left_scalar = b->lhs->type == PROMQL_SCALAR;
	plan->right_scalar = b->rhs->type == PROMQL_SCALAR;
	if (b->vectors)
	{
		node->kind = promql_op_is_set(b->op) ? PROMQL_PLAN_SET : PROMQL_PLAN_BINARY_MATCH;
		plan->card = m->card;
		plan->on = m->on;
		plan->matching = sorted_names(&m->labels, &plan->nmatching);
		plan->include = sorted_names(&m->include, &plan->ninclude);
		plan->has_fill_left = m->fill_left.is_set;
		plan->fill_left = m->fill_left.v;
		plan->has_fill_right = m->fill_right.is_set;
		plan->fill_right = m->fill_right.v;
	}
	node->children[0] = translate(tr, b->lhs, "");
	node->children[1] = node->children[0] != NULL ? translate(tr, b->rhs, "") : NULL;
	if (node->children[1] == NULL)
		return NULL;
	if (node->children[0]->kind == PROMQL_PLAN_NUMBER &&
		node->children[1]->kind == PROMQL_PLAN_NUMBER)
		return fold(node);
	return node;
}

static PromqlPlanNode *
unary_node(Translation *tr, const PromqlExpr *e, const char *func)
{
	PromqlPlanNode *child = translate(tr, e->unary.expr, func);
	PromqlPlanNode *node;

	if (child == NULL || e->unary.op == PROMQL_OP_ADD)
		return child;
	if (child->kind == PROMQL_PLAN_NUMBER)
		return number(-child->number_value, e->start);
	node = promql_plan_node(PROMQL_PLAN_NEGATE, e->type, e->start, 1);
	node->children[0] = child;
	return node;
}

/* --- the tree --------------------------------------------------------------------------------- */

/* translate -- func: name of the enclosing function or aggregation, a hint for the source. */
static PromqlPlanNode *
translate(Translation *tr, const PromqlExpr *e, const char *func)
{
	switch (e->kind)
	{
		case PROMQL_EXPR_NUMBER:
			return number(e->number.v, e->start);
		case PROMQL_EXPR_STRING:
		{
			PromqlPlanNode *node = promql_plan_node(PROMQL_PLAN_STRING, PROMQL_STRING, e->start, 0);

			node->string = e->string;
			return node;
		}
		case PROMQL_EXPR_SELECTOR:
			return select_node(tr, e, func);
		case PROMQL_EXPR_RANGE:
			return range_node(tr, e, func);
		case PROMQL_EXPR_SUBQUERY:
			return subquery_node(tr, e);
		case PROMQL_EXPR_AGGREGATE:
			return aggregate_node(tr, e);
		case PROMQL_EXPR_BINARY:
			return binary_node(tr, e);
		case PROMQL_EXPR_CALL:
			return call_expr(tr, e);
		case PROMQL_EXPR_PAREN:
			return translate(tr, e->paren, func);
		case PROMQL_EXPR_UNARY:
			return unary_node(tr, e, func);
		case PROMQL_EXPR_DURATION:
			break;
	}
	err_set(tr->err, ERR_INTERNAL, e->start, "unexpected node in a PromQL tree");
	return NULL;
}

PromqlPlanNode *
promql_plan_translate(PromqlPlan *plan, const PromqlExpr *e, Err *err)
{
	const PromqlParams *params = &plan->params;
	Translation tr = {
		.params = params,
		.step_ms = params->start_ms == params->end_ms ? 0 : params->step_ms,
		.range_ms = params->end_ms - params->start_ms,
		.err = err,
	};

	return translate(&tr, e, "");
}
