/*
 * filter.c
 *    After the first pass: label filters become matchers of the selectors below.
 *
 * Whoever runs the query may want only those output series whose label L exists and matches
 * (PromqlParams.label_filters).  Where each output series with L = v is made of nothing but input
 * series with L = v, the input may be filtered in place of the output, and then is not even read.
 * The walk goes from the top to the selectors and takes a filter along while that holds:
 *
 *    functions, arithmetic with scalars, subqueries    they keep labels
 *    aggregations                                      if L is one of the labels of a group
 *    op between vectors                                both sides if they match on L, else the
 *                                                      side that L comes from
 *    and, unless, or                                   the same, but an `or` whose left side
 *                                                      lost series would show more of the right
 *
 * Where labels are made (label_replace, info, absent, count_values, buckets of histograms) it
 * stops.  So it does where L is the name of the metric and the name may go.  A filter demands that
 * the label exists, which a matcher such as `!=` does not, so selectors get that demand too.
 *
 * What the walk leaves out would not have been seen.  One difference remains, the usual one of
 * filters that are moved down: an error that only series left out would have raised is not.
 */
#include "promql/plan/plan_int.h"
#include "util/mem.h"

static bool
contains(const StrView *names, int n, StrView name)
{
	for (int i = 0; i < n; i++)
		if (strview_eq(names[i], name))
			return true;
	return false;
}

/* is_name -- labels that operations drop. */
static bool
is_name(StrView label)
{
	return strview_eq_cstr(label, LABELS_NAME) || strview_eq_cstr(label, "__type__") ||
		   strview_eq_cstr(label, "__unit__");
}

/* --- selectors -------------------------------------------------------------------------------- */

static void
add_matcher(PromqlSelectorPlan *sel, const Matcher *m)
{
	Matcher *ms;

	for (int i = 0; i < sel->nmatchers; i++)
		if (sel->matchers[i].type == m->type && strview_eq(sel->matchers[i].name, m->name) &&
			strview_eq(sel->matchers[i].value, m->value))
			return;
	/* the array belongs to the syntax tree */
	ms = mem_alloc(sizeof(*ms) * (sel->nmatchers + 1));
	memcpy(ms, sel->matchers, sizeof(*ms) * sel->nmatchers);
	ms[sel->nmatchers++] = *m;
	sel->matchers = ms;
}

static void
filter_selector(PromqlSelectorPlan *sel, const Matcher *filter)
{
	const Matcher exists = {MATCH_NOT_EQUAL, filter->name, strview("", 0), NULL};

	if (matcher_matches_empty(filter))
		add_matcher(sel, &exists);
	add_matcher(sel, filter);
}

/* --- what a node does to a label ---------------------------------------------------------------- */

/* call_keeps -- the input series of an output series have the same value of label. */
static bool
call_keeps(const PromqlCallPlan *call, StrView label)
{
	if (call->sig->name_rule == PROMQL_NAME_COMPUTED)
		return false;
	if (is_name(label) && call->sig->name_rule != PROMQL_NAME_KEPT)
		return false;
	switch (call->sig->fn)
	{
		case PROMQL_FN_info:
			return false;
		case PROMQL_FN_label_replace:
		case PROMQL_FN_label_join:
			return !is_name(label) && !strview_eq(call->args[1].string, label);
		case PROMQL_FN_histogram_quantiles:
			return !strview_eq_cstr(label, "le") && !strview_eq(call->args[1].string, label);
		case PROMQL_FN_histogram_quantile:
		case PROMQL_FN_histogram_fraction:
			return !strview_eq_cstr(label, "le");
		default:
			return true;
	}
}

static bool
aggregate_keeps(const PromqlAggregatePlan *a, StrView label)
{
	if (is_name(label) || (a->op == PROMQL_AGGR_COUNT_VALUES && strview_eq(a->label, label)))
		return false;
	return contains(a->grouping, a->ngrouping, label) != a->without;
}

static bool
binary_scalar_keeps(const PromqlBinaryPlan *b, StrView label)
{
	return !is_name(label) || (b->is_comparison && !b->return_bool);
}

/* matched_on -- series of the two sides meet only if their values of label are equal. */
static bool
matched_on(const PromqlBinaryPlan *b, StrView label)
{
	return contains(b->matching, b->nmatching, label) == b->on;
}

/* match_sides -- which sides of an operation between vectors may be filtered. */
static void
match_sides(const PromqlBinaryPlan *b, StrView label, bool *left, bool *right)
{
	bool one_left = b->card == PROMQL_ONE_TO_MANY; /* the "one" side is the left */
	bool from_one;

	*left = *right = false;
	if (is_name(label))
		return;
	if (matched_on(b, label))
	{
		*left = *right = true;
		return;
	}
	/* one to one, the result has none but the labels matched on; and a missing one is filled in */
	if (b->card == PROMQL_ONE_TO_ONE || b->has_fill_left || b->has_fill_right)
		return;
	from_one = contains(b->include, b->ninclude, label);
	*left = from_one == one_left;
	*right = !*left;
}

static void
set_sides(const PromqlBinaryPlan *b, StrView label, bool *left, bool *right)
{
	*left = *right = !is_name(label) && matched_on(b, label);
	if (b->op == PROMQL_OP_OR)
		*right = true; /* nothing depends on it but itself */
	else
		*left = true;
}

/* --- the walk --------------------------------------------------------------------------------- */

/* push -- returns how many selectors the filter came to. */
static int
push(PromqlPlanNode *node, const Matcher *filter)
{
	bool left = false, right = false;
	int n = 0;

	switch (node->kind)
	{
		case PROMQL_PLAN_SELECT:
		case PROMQL_PLAN_RANGE_SELECT:
			filter_selector(&node->select, filter);
			return 1;
		case PROMQL_PLAN_RANGE_CALL:
		case PROMQL_PLAN_CALL:
			if (!call_keeps(&node->call, filter->name))
				return 0;
			for (int i = 0; i < node->nchildren; i++)
				if (node->children[i]->type != PROMQL_SCALAR)
					n += push(node->children[i], filter);
			return n;
		case PROMQL_PLAN_AGGREGATE:
			return aggregate_keeps(&node->aggregate, filter->name) ? push(node->children[0], filter)
																   : 0;
		case PROMQL_PLAN_BINARY_SCALAR:
			if (node->type == PROMQL_SCALAR || !binary_scalar_keeps(&node->binary, filter->name))
				return 0;
			left = !node->binary.left_scalar;
			right = !node->binary.right_scalar;
			break;
		case PROMQL_PLAN_BINARY_MATCH:
			match_sides(&node->binary, filter->name, &left, &right);
			break;
		case PROMQL_PLAN_SET:
			set_sides(&node->binary, filter->name, &left, &right);
			break;
		case PROMQL_PLAN_NEGATE:
			return is_name(filter->name) ? 0 : push(node->children[0], filter);
		case PROMQL_PLAN_SUBQUERY:
		case PROMQL_PLAN_INVARIANT:
		case PROMQL_PLAN_UNIQUE:
		case PROMQL_PLAN_MERGE:
			return push(node->children[0], filter);
		case PROMQL_PLAN_NUMBER:
		case PROMQL_PLAN_STRING:
			return 0;
	}
	if (left)
		n += push(node->children[0], filter);
	if (right)
		n += push(node->children[1], filter);
	return n;
}

int
promql_plan_filter_one(PromqlPlanNode *root, const Matcher *filter)
{
	return push(root, filter);
}

void
promql_plan_filter(const PromqlPlan *plan, PromqlPlanNode *root)
{
	for (int i = 0; i < plan->params.nlabel_filters; i++)
		push(root, &plan->params.label_filters[i]);
}
