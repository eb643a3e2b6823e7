/*
 * unique.c
 *    Fourth pass: where series might come to have equal labels.
 *
 * An operation that takes the name away, or rewrites labels, may leave two series with equal
 * labels.  At one step that is an error; at different steps they are one series in two parts
 * (operator.h).  This pass follows what is known of label sets upwards and adds
 *    a check (UNIQUE) above an operation whose result may collide;
 *    a join  (MERGE)  below a subquery, which needs series whole.
 * The top of the query joins and checks by itself (exec/result.c), and under delayed name
 * removal the names go there.
 *
 * What is known is kept per node: labels_unique (no two series, in parts or not, have equal
 * labels), names_unique (at no step do two have equal labels apart from the name), sorted.
 * Most queries name their metric, so both hold and nothing is added.
 */
#include "promql/plan/plan_int.h"

/* put_above -- a node of one child above *slot; it promises what the child does. */
static void
put_above(PromqlPlanNode **slot, PromqlPlanKind kind)
{
	PromqlPlanNode *child = *slot;
	PromqlPlanNode *node = promql_plan_node(kind, child->type, child->pos, 1);

	node->children[0] = child;
	node->grid = child->grid;
	node->labels_unique = child->labels_unique;
	node->names_unique = child->names_unique;
	node->sorted = child->sorted;
	*slot = node;
}

static bool
is_name(StrView label)
{
	return strview_eq_cstr(label, LABELS_NAME) || strview_eq_cstr(label, "__type__") ||
		   strview_eq_cstr(label, "__unit__");
}

static bool
any_name(const StrView *labels, int n)
{
	for (int i = 0; i < n; i++)
		if (is_name(labels[i]))
			return true;
	return false;
}

/* selects_one_name -- series of one metric differ in their other labels. */
static bool
selects_one_name(const PromqlPlan *plan, const PromqlSelectorPlan *sel)
{
	if (plan->params.flags.type_and_unit_labels)
		return false;
	for (int i = 0; i < sel->nmatchers; i++)
		if (sel->matchers[i].type == MATCH_EQUAL && sel->matchers[i].value.len > 0 &&
			strview_eq_cstr(sel->matchers[i].name, LABELS_NAME))
			return true;
	return false;
}

static void
inherit(PromqlPlanNode *node, const PromqlPlanNode *child)
{
	node->labels_unique = child->labels_unique;
	node->names_unique = child->names_unique;
}

/*
 * drops_name -- node takes the name off what child yields.  Under delayed removal the labels stay
 * for now.  Returns whether equal labels may result.
 */
static bool
drops_name(const PromqlPlan *plan, PromqlPlanNode *node, const PromqlPlanNode *child)
{
	inherit(node, child);
	if (plan->params.flags.delayed_name_removal)
		return false;
	node->labels_unique = child->labels_unique && child->names_unique;
	return !child->names_unique;
}

/* the vector or matrix argument of a call, NULL if none */
static const PromqlPlanNode *
call_input(const PromqlPlanNode *node)
{
	for (int i = 0; i < node->nchildren; i++)
		if (node->children[i]->type != PROMQL_SCALAR)
			return node->children[i];
	return NULL;
}

/* call -- returns whether equal labels may result. */
static bool
call(const PromqlPlan *plan, PromqlPlanNode *node)
{
	const PromqlPlanNode *input = call_input(node);

	if (input == NULL || node->call.sig->name_rule == PROMQL_NAME_COMPUTED)
	{
		node->labels_unique = true; /* one series */
		node->names_unique = true;
		return false;
	}
	switch (node->call.sig->fn)
	{
		case PROMQL_FN_label_replace:
		case PROMQL_FN_label_join:
		case PROMQL_FN_info:
			return true;
		case PROMQL_FN_histogram_quantile:
		case PROMQL_FN_histogram_quantiles:
		case PROMQL_FN_histogram_fraction:
			return !plan->params.flags.delayed_name_removal;
		default:
			break;
	}
	if (node->call.sig->name_rule != PROMQL_NAME_KEPT)
		return drops_name(plan, node, input);
	inherit(node, input);
	return false;
}

static void
aggregate(PromqlPlanNode *node)
{
	const PromqlAggregatePlan *a = &node->aggregate;

	switch (a->op)
	{
		case PROMQL_AGGR_TOPK:
		case PROMQL_AGGR_BOTTOMK:
		case PROMQL_AGGR_LIMITK:
		case PROMQL_AGGR_LIMIT_RATIO:
			inherit(node, node->children[0]);
			break;
		default:
			node->labels_unique = true;
			node->names_unique =
				!is_name(a->label) && (a->without || !any_name(a->grouping, a->ngrouping));
			break;
	}
}

static void
binary_match(PromqlPlanNode *node)
{
	const PromqlBinaryPlan *b = &node->binary;

	/* the operator sees to it that no two results of a step are equal */
	node->labels_unique = false;
	node->names_unique =
		(!b->is_comparison && b->op != PROMQL_OP_TRIM_UPPER && b->op != PROMQL_OP_TRIM_LOWER) ||
		(b->card == PROMQL_ONE_TO_ONE && !(b->on && any_name(b->matching, b->nmatching)));
}

static void
set_operator(PromqlPlanNode *node)
{
	const PromqlPlanNode *l = node->children[0], *r = node->children[1];

	inherit(node, l);
	if (node->binary.op != PROMQL_OP_OR)
		return;
	node->labels_unique = false;
	node->names_unique =
		l->names_unique && r->names_unique && !node->binary.on && node->binary.nmatching == 0;
}

/* binary_scalar -- returns whether equal labels may result. */
static bool
binary_scalar(const PromqlPlan *plan, PromqlPlanNode *node)
{
	const PromqlBinaryPlan *b = &node->binary;
	const PromqlPlanNode *vector = node->children[b->left_scalar ? 1 : 0];
	bool keeps_name = (b->is_comparison && !b->return_bool) || b->op == PROMQL_OP_TRIM_UPPER ||
					  b->op == PROMQL_OP_TRIM_LOWER;

	if (!keeps_name)
		return drops_name(plan, node, vector);
	inherit(node, vector);
	node->sorted = vector->sorted;
	return false;
}

void
promql_plan_unique(PromqlPlan *plan, PromqlPlanNode **slot)
{
	PromqlPlanNode *node = *slot;
	bool may_collide = false;

	for (int i = 0; i < node->nchildren; i++)
		promql_plan_unique(plan, &node->children[i]);

	switch (node->kind)
	{
		case PROMQL_PLAN_NUMBER:
		case PROMQL_PLAN_STRING:
			node->labels_unique = node->names_unique = node->sorted = true;
			break;
		case PROMQL_PLAN_SELECT:
		case PROMQL_PLAN_RANGE_SELECT:
			node->labels_unique = node->sorted = true;
			node->names_unique = selects_one_name(plan, &node->select);
			break;
		case PROMQL_PLAN_SUBQUERY:
			if (!node->children[0]->labels_unique)
				put_above(&node->children[0], PROMQL_PLAN_MERGE);
			node->labels_unique = true;
			node->names_unique = node->children[0]->names_unique;
			break;
		case PROMQL_PLAN_RANGE_CALL:
		case PROMQL_PLAN_CALL:
			may_collide = call(plan, node);
			break;
		case PROMQL_PLAN_AGGREGATE:
			aggregate(node);
			break;
		case PROMQL_PLAN_BINARY_MATCH:
			binary_match(node);
			break;
		case PROMQL_PLAN_BINARY_SCALAR:
			may_collide = binary_scalar(plan, node);
			break;
		case PROMQL_PLAN_SET:
			set_operator(node);
			break;
		case PROMQL_PLAN_NEGATE:
			may_collide = drops_name(plan, node, node->children[0]);
			break;
		case PROMQL_PLAN_INVARIANT:
		case PROMQL_PLAN_UNIQUE:
		case PROMQL_PLAN_MERGE:
			inherit(node, node->children[0]);
			node->sorted = node->children[0]->sorted;
			break;
	}
	if (may_collide && node->type == PROMQL_VECTOR)
		put_above(slot, PROMQL_PLAN_UNIQUE);
}
