/*
 * estimate.c
 *    How much a query will read and give, guessed without reading samples.
 *
 * Works on the translated tree, before grids: steps are counted and not made, so a subquery of a
 * million steps costs nothing here.  The walk goes down with a time range and a number of steps,
 * and comes back with a number of series and the selector that stands for them: groups of an
 * aggregation are counted among that selector's series.
 *
 * Guesses where nothing is known: comparisons keep a third, as PostgreSQL assumes of an inequality;
 * an operation between vectors matches half of the smaller side at least once.
 */
#include "promql/estimate.h"

#include "promql/plan/plan_int.h"
#include "util/mem.h"

#define COMPARISON_KEEPS 0.3333
#define MATCH_KEEPS		 0.5
#define BUCKETS			 10 /* of a classic histogram, when the labels do not tell */

typedef struct Walk
{
	const PromqlPlan *plan;
	PromqlStatistics *st;
	PromqlEstimate *sum;
} Walk;

typedef struct Times
{
	double from, to; /* ms, of the first and the last step */
	double steps;
} Times;

typedef struct Size
{
	double series;
	double samples;					/* of all series, for a matrix */
	double coverage;				/* part of the steps that a series has a value at */
	const PromqlSelectorPlan *main; /* NULL: series do not come from a selector */
} Size;

static const char unknown[] = "?";
const StrView promql_unknown_value = {unknown, 1};

bool
promql_value_is_unknown(StrView value)
{
	return value.s == unknown;
}

static Size walk(Walk *w, PromqlPlanNode *node, Times t);

static double
least(double a, double b)
{
	return a < b ? a : b;
}

static double
at_least(double a, double floor)
{
	return a > floor ? a : floor;
}

static Times
pinned(int64_t at)
{
	return (Times){(double) at, (double) at, 1};
}

/* to_ms -- a time of the walk for a statistics call; far beyond all data is as good. */
static int64_t
to_ms(double ms)
{
	return (int64_t) at_least(least(ms, 4e18), -4e18);
}

static double
groups(Walk *w, Size of, const StrView *names, int n, bool keep)
{
	double g;

	if (of.main == NULL || of.series <= 1)
		return of.series;
	g = w->st->groups(w->st, of.main->matchers, of.main->nmatchers, names, n, keep);
	return at_least(least(g, of.series), 1);
}

/* --- operators ---------------------------------------------------------------------------------- */

static Size
selector(Walk *w, const PromqlSelectorPlan *sel, Times t)
{
	double lookback = (double) w->plan->params.lookback_ms;
	double range = sel->range_ms > 0 ? (double) sel->range_ms : lookback;
	PromqlSelection s;

	if (sel->pinned)
		t = pinned(sel->at_ms);
	s = w->st->selection(w->st, sel->matchers, sel->nmatchers,
						 to_ms(t.from - (double) sel->offset_ms - range + 1),
						 to_ms(t.to - (double) sel->offset_ms));
	w->sum->selectors++;
	w->sum->series_read += s.series;
	w->sum->samples_read += s.series * s.samples;
	w->sum->points += s.series * t.steps;
	return (Size){s.series, s.series * s.samples, s.coverage, sel};
}

static Size
subquery(Walk *w, PromqlPlanNode *node, Times t)
{
	const PromqlSubqueryPlan *sub = &node->subquery;
	Size of;

	if (sub->pinned)
		t = pinned(sub->at_ms);
	t.from -= (double) (sub->offset_ms + sub->range_ms);
	t.to -= (double) sub->offset_ms;
	t.steps = (t.to - t.from) / (double) sub->step_ms + 1;
	of = walk(w, node->children[0], t);
	of.samples = of.series * t.steps * of.coverage;
	return of;
}

/* operand -- the vector or matrix among the children of a call; all are walked. */
static bool
operand(Walk *w, PromqlPlanNode *node, Times t, Size *out)
{
	bool found = false;

	for (int i = 0; i < node->nchildren; i++)
	{
		Size s = walk(w, node->children[i], t);

		if (node->children[i]->type == PROMQL_SCALAR || found)
			continue;
		*out = s;
		found = true;
	}
	return found;
}

static Size
call(Walk *w, PromqlPlanNode *node, Times t)
{
	const StrView le = strview_cstr("le");
	Size one = {1, 0, 1, NULL};
	Size of = {0};
	double quantiles;

	if (!operand(w, node, t, &of) || node->call.sig->name_rule == PROMQL_NAME_COMPUTED)
		return one;
	switch (node->call.sig->fn)
	{
		case PROMQL_FN_histogram_quantile:
		case PROMQL_FN_histogram_quantiles:
		case PROMQL_FN_histogram_fraction:
			quantiles = node->call.sig->fn == PROMQL_FN_histogram_quantiles
							? at_least(node->call.nargs - 2, 1)
							: 1;
			of.series = quantiles * (of.main != NULL ? groups(w, of, &le, 1, false)
													 : at_least(of.series / BUCKETS, 1));
			return of;
		default:
			return of;
	}
}

static Size
aggregate(Walk *w, PromqlPlanNode *node, Times t)
{
	const PromqlAggregatePlan *a = &node->aggregate;
	Size of = walk(w, node->children[0], t);
	double n = a->without || a->ngrouping > 0
				   ? groups(w, of, a->grouping, a->ngrouping, !a->without)
				   : least(of.series, 1);

	if (node->nchildren > 1)
		walk(w, node->children[1], t);
	switch (a->op)
	{
		case PROMQL_AGGR_TOPK:
		case PROMQL_AGGR_BOTTOMK:
		case PROMQL_AGGR_LIMITK:
			of.series = least(of.series, n * at_least(a->param_child < 0 ? a->param : BUCKETS, 0));
			break;
		case PROMQL_AGGR_LIMIT_RATIO:
			if (a->param_child < 0)
				of.series *= least(a->param < 0 ? -a->param : a->param, 1);
			break;
		case PROMQL_AGGR_COUNT_VALUES:
			of.series = least(of.series, n * BUCKETS);
			break;
		default:
			of.series = n;
			of.coverage = 1;
			break;
	}
	return of;
}

static Size
binary_match(Walk *w, PromqlPlanNode *node, Times t)
{
	const PromqlBinaryPlan *b = &node->binary;
	Size l = walk(w, node->children[0], t);
	Size r = walk(w, node->children[1], t);
	Size out;

	if (b->card == PROMQL_ONE_TO_ONE)
	{
		/* what the result is grouped by can be asked of either side */
		out = l.series <= r.series && l.main != NULL ? l : r;
		out.series = least(l.series, r.series);
	}
	else
		out = b->card == PROMQL_ONE_TO_MANY ? r : l;
	out.coverage = least(l.coverage, r.coverage);
	if (l.series == 0 || r.series == 0)
		out.series = 0;
	if (b->is_comparison && !b->return_bool && out.series > 0)
		out.series = at_least(out.series * COMPARISON_KEEPS, 1);
	return out;
}

static Size
set_operation(Walk *w, PromqlPlanNode *node, Times t)
{
	Size l = walk(w, node->children[0], t);
	Size r = walk(w, node->children[1], t);

	if (node->binary.op == PROMQL_OP_OR)
	{
		l.main = l.main != NULL ? l.main : r.main;
		l.coverage = l.series > 0 ? l.coverage : r.coverage;
		l.series += r.series;
	}
	else if (node->binary.op == PROMQL_OP_UNLESS)
		l.series *= r.series > 0 ? MATCH_KEEPS : 1;
	else
		l.series = r.series > 0 ? l.series * MATCH_KEEPS : 0;
	return l;
}

static Size
binary_scalar(Walk *w, PromqlPlanNode *node, Times t)
{
	const PromqlBinaryPlan *b = &node->binary;
	Size l = walk(w, node->children[0], t);
	Size r = walk(w, node->children[1], t);
	Size out = b->left_scalar && !b->right_scalar ? r : l;

	if (b->is_comparison && !b->return_bool && node->type == PROMQL_VECTOR)
		out.series *= COMPARISON_KEEPS;
	return out;
}

static Size
walk_node(Walk *w, PromqlPlanNode *node, Times t)
{
	switch (node->kind)
	{
		case PROMQL_PLAN_SELECT:
		case PROMQL_PLAN_RANGE_SELECT:
			return selector(w, &node->select, t);
		case PROMQL_PLAN_SUBQUERY:
			return subquery(w, node, t);
		case PROMQL_PLAN_RANGE_CALL:
		case PROMQL_PLAN_CALL:
			return call(w, node, t);
		case PROMQL_PLAN_AGGREGATE:
			return aggregate(w, node, t);
		case PROMQL_PLAN_BINARY_MATCH:
			return binary_match(w, node, t);
		case PROMQL_PLAN_SET:
			return set_operation(w, node, t);
		case PROMQL_PLAN_BINARY_SCALAR:
			return binary_scalar(w, node, t);
		case PROMQL_PLAN_INVARIANT:
			t.to = t.from;
			t.steps = least(t.steps, 1);
			return walk(w, node->children[0], t);
		case PROMQL_PLAN_NEGATE:
		case PROMQL_PLAN_UNIQUE:
		case PROMQL_PLAN_MERGE:
			return walk(w, node->children[0], t);
		case PROMQL_PLAN_NUMBER:
		case PROMQL_PLAN_STRING:
			break;
	}
	return (Size){1, 0, 1, NULL};
}

/* streams -- series come out as they are read. */
static bool
streams(const PromqlPlanNode *node)
{
	switch (node->kind)
	{
		case PROMQL_PLAN_AGGREGATE:
		case PROMQL_PLAN_BINARY_MATCH:
		case PROMQL_PLAN_SET:
			return false;
		default:
			for (int i = 0; i < node->nchildren; i++)
				if (!node->children[i]->guess.series_wise)
					return false;
			return true;
	}
}

/* walk -- node and what is below it; what they read is noted at the node too. */
static Size
walk(Walk *w, PromqlPlanNode *node, Times t)
{
	const PromqlEstimate before = *w->sum;
	Size of = walk_node(w, node, t);

	node->guess = (PromqlEstimate){
		.selectors = w->sum->selectors - before.selectors,
		.series_read = w->sum->series_read - before.series_read,
		.samples_read = w->sum->samples_read - before.samples_read,
		.points = w->sum->points - before.points,
		.series = of.series,
		.rows = of.series,
		.series_wise = streams(node),
	};
	return of;
}

/* --- the whole ---------------------------------------------------------------------------------- */

/* steps_of -- of a query whose grid need not be there. */
static Times
steps_of(const PromqlParams *p)
{
	Times t = {(double) p->start_ms, (double) p->end_ms, p->end_ms < p->start_ms ? 0 : 1};

	if (t.steps > 0 && !p->instant && p->step_ms > 0)
		t.steps = (double) ((p->end_ms - p->start_ms) / p->step_ms + 1);
	return t;
}

bool
promql_estimate(const PromqlExpr *e, const PromqlParams *params, PromqlStatistics *st,
				PromqlEstimate *out, Err *err)
{
	PromqlPlan plan = {.params = *params, .expr = e};
	Walk w = {&plan, st, out};
	double selectivity = 1;
	Times t;
	Size of;

	*out = (PromqlEstimate){0};
	promql_plan_narrow(&plan, e);
	plan.root = promql_plan_translate(&plan, e, err);
	if (plan.root == NULL)
		return false;
	for (int i = 0; i < params->nlabel_filters; i++)
		if (promql_plan_filter_one(plan.root, &params->label_filters[i]) == 0)
			selectivity /= BUCKETS;

	t = steps_of(&plan.params);
	of = walk(&w, plan.root, t);

	out->series = of.series * selectivity;
	if (plan.root->type == PROMQL_MATRIX)
		out->rows = of.samples * selectivity;
	else
		out->rows = out->series * t.steps * (params->instant ? 1 : of.coverage);
	promql_plan_unique(&plan, &plan.root);
	out->series_wise = promql_plan_series_by_series(&plan);
	return true;
}

void
promql_plan_guess(PromqlPlan *plan, PromqlStatistics *st)
{
	PromqlEstimate sum = {0};
	Walk w = {plan, st, &sum};

	walk(&w, plan->root, steps_of(&plan->params));
}

const PromqlEstimate *
promql_plan_node_guess(const PromqlPlan *plan, int node)
{
	return &plan->nodes[node]->guess;
}
