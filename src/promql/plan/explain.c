/*
 * explain.c
 *    What EXPLAIN says of a node: a name, and properties in Title Case.
 */
#include "promql/plan/plan_int.h"
#include "util/mem.h"
#include "util/text.h"

#define MAX_PROPERTIES 10
#define MAX_TEXT	   (1 << 16) /* of one property */

typedef struct Properties
{
	PromqlProperty *items;
	int n;
} Properties;

static void
add(Properties *ps, const char *name, const char *value)
{
	ps->items[ps->n++] = (PromqlProperty){name, value};
}

static void
add_duration(Properties *ps, const char *name, int64_t ms)
{
	Buf b;

	buf_init(&b, 16, MAX_TEXT);
	text_duration(&b, ms);
	add(ps, name, b.data);
}

static void
add_time(Properties *ps, const char *name, int64_t ms)
{
	Buf b;

	buf_init(&b, 32, MAX_TEXT);
	text_time_rfc3339(&b, ms);
	add(ps, name, b.data);
}

static void
add_labels(Properties *ps, const char *name, const char *word, const StrView *labels, int n)
{
	Buf b;

	buf_init(&b, 64, MAX_TEXT);
	buf_str(&b, word);
	buf_str(&b, " (");
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			buf_str(&b, ", ");
		buf_append(&b, labels[i].s, labels[i].len);
	}
	buf_char(&b, ')');
	add(ps, name, b.data);
}

static void
add_number(Properties *ps, const char *name, double v)
{
	char text[TEXT_DOUBLE_MAX];

	text_double_f(text, v);
	add(ps, name, mem_strdup(text));
}

static void
select_properties(Properties *ps, const PromqlPlanNode *node)
{
	const PromqlSelectorPlan *sel = &node->select;
	Buf b;

	buf_init(&b, 64, MAX_TEXT);
	buf_char(&b, '{');
	for (int i = 0; i < sel->nmatchers; i++)
	{
		if (i > 0)
			buf_char(&b, ',');
		matcher_text(&b, &sel->matchers[i]);
	}
	buf_char(&b, '}');
	add(ps, "Matchers", b.data);
	if (sel->range_ms > 0)
		add_duration(ps, "Range", sel->range_ms);
	if (sel->offset_ms != 0)
		add_duration(ps, "Offset", sel->offset_ms);
	if (sel->pinned)
		add_time(ps, "At", sel->at_ms);
	if (sel->extend != PROMQL_EXTEND_NONE)
		add(ps, "Modifier", sel->extend == PROMQL_EXTEND_ANCHORED ? "anchored" : "smoothed");
	if (sel->emit != PROMQL_EMIT_VALUE)
		add(ps, "Output", sel->emit == PROMQL_EMIT_TIME ? "timestamp" : "start timestamp");
	if (node->grid->nsteps == 0)
		return; /* nothing to evaluate */
	add_time(ps, "From", sel->mint);
	add_time(ps, "To", sel->maxt);
}

static void
subquery_properties(Properties *ps, const PromqlPlanNode *node)
{
	const PromqlSubqueryPlan *sub = &node->subquery;

	add_duration(ps, "Range", sub->range_ms);
	add_duration(ps, "Step", sub->step_ms);
	if (sub->offset_ms != 0)
		add_duration(ps, "Offset", sub->offset_ms);
	if (sub->pinned)
		add_time(ps, "At", sub->at_ms);
	add(ps, "Steps", mem_printf("%d", node->children[0]->grid->nsteps));
}

/* call_properties -- literal arguments are shown, computed ones are child nodes. */
static void
call_properties(Properties *ps, const PromqlCallPlan *call)
{
	Buf b;
	char text[TEXT_DOUBLE_MAX];

	add(ps, "Function", call->sig->name);
	buf_init(&b, 64, MAX_TEXT);
	for (int k = 0; k < call->nargs; k++)
	{
		const PromqlArgPlan *arg = &call->args[k];

		if (arg->child >= 0 || (arg->type != PROMQL_STRING && arg->type != PROMQL_SCALAR))
			continue;
		if (b.len > 0)
			buf_str(&b, ", ");
		if (arg->type == PROMQL_STRING)
			text_quote(&b, arg->string.s, arg->string.len);
		else
		{
			text_double_f(text, arg->number);
			buf_str(&b, text);
		}
	}
	if (b.len > 0)
		add(ps, "Arguments", b.data);
}

static void
aggregate_properties(Properties *ps, const PromqlAggregatePlan *a)
{
	add(ps, "Operation", promql_aggregator_text(a->op));
	if (a->without || a->ngrouping > 0)
		add_labels(ps, "Grouping", a->without ? "without" : "by", a->grouping, a->ngrouping);
	if (a->op == PROMQL_AGGR_COUNT_VALUES)
		add(ps, "Label", mem_strndup(a->label.s, a->label.len));
	else if (promql_aggregator_has_param(a->op) && a->param_child < 0)
		add_number(ps, "Parameter", a->param);
}

static void
binary_properties(Properties *ps, const PromqlPlanNode *node)
{
	const PromqlBinaryPlan *b = &node->binary;

	add(ps, "Operator", mem_printf("%s%s", promql_op_text(b->op), b->return_bool ? " bool" : ""));
	if (node->kind == PROMQL_PLAN_BINARY_SCALAR)
		return;
	if (b->on || b->nmatching > 0)
		add_labels(ps, "Matching", b->on ? "on" : "ignoring", b->matching, b->nmatching);
	if (b->card == PROMQL_MANY_TO_ONE)
		add_labels(ps, "Group", "group_left", b->include, b->ninclude);
	if (b->card == PROMQL_ONE_TO_MANY)
		add_labels(ps, "Group", "group_right", b->include, b->ninclude);
	if (b->has_fill_left)
		add_number(ps, "Fill Left", b->fill_left);
	if (b->has_fill_right)
		add_number(ps, "Fill Right", b->fill_right);
}

const char *
promql_plan_node_name(const PromqlPlan *plan, int node)
{
	switch (plan->nodes[node]->kind)
	{
		case PROMQL_PLAN_NUMBER:
			return "PromQL Number";
		case PROMQL_PLAN_STRING:
			return "PromQL String";
		case PROMQL_PLAN_SELECT:
			return "PromQL Series Scan";
		case PROMQL_PLAN_RANGE_SELECT:
			return "PromQL Range Scan";
		case PROMQL_PLAN_SUBQUERY:
			return "PromQL Subquery";
		case PROMQL_PLAN_RANGE_CALL:
			return "PromQL Range Function";
		case PROMQL_PLAN_CALL:
			return "PromQL Function";
		case PROMQL_PLAN_AGGREGATE:
			return "PromQL Aggregate";
		case PROMQL_PLAN_BINARY_MATCH:
			return "PromQL Binary Match";
		case PROMQL_PLAN_BINARY_SCALAR:
			return "PromQL Binary Scalar";
		case PROMQL_PLAN_SET:
			return "PromQL Set Operation";
		case PROMQL_PLAN_NEGATE:
			return "PromQL Negate";
		case PROMQL_PLAN_INVARIANT:
			return "PromQL Step Invariant";
		case PROMQL_PLAN_UNIQUE:
			return "PromQL Unique Check";
		case PROMQL_PLAN_MERGE:
			return "PromQL Merge";
	}
	return "PromQL Node";
}

/*
 * promql_plan_properties -- the array, from the current scope, ends with a NULL name; returns how
 * many there are.
 */
int
promql_plan_properties(const PromqlPlan *plan, int number, const PromqlProperty **out)
{
	const PromqlPlanNode *node = plan->nodes[number];
	Properties ps = {mem_alloc0(sizeof(PromqlProperty) * (MAX_PROPERTIES + 1)), 0};

	switch (node->kind)
	{
		case PROMQL_PLAN_NUMBER:
			add_number(&ps, "Value", node->number_value);
			break;
		case PROMQL_PLAN_STRING:
			add(&ps, "Value", mem_strndup(node->string.s, node->string.len));
			break;
		case PROMQL_PLAN_SELECT:
		case PROMQL_PLAN_RANGE_SELECT:
			select_properties(&ps, node);
			break;
		case PROMQL_PLAN_SUBQUERY:
			subquery_properties(&ps, node);
			break;
		case PROMQL_PLAN_RANGE_CALL:
		case PROMQL_PLAN_CALL:
			call_properties(&ps, &node->call);
			break;
		case PROMQL_PLAN_AGGREGATE:
			aggregate_properties(&ps, &node->aggregate);
			break;
		case PROMQL_PLAN_BINARY_MATCH:
		case PROMQL_PLAN_BINARY_SCALAR:
		case PROMQL_PLAN_SET:
			binary_properties(&ps, node);
			break;
		case PROMQL_PLAN_NEGATE:
		case PROMQL_PLAN_INVARIANT:
		case PROMQL_PLAN_UNIQUE:
		case PROMQL_PLAN_MERGE:
			break;
	}
	*out = ps.items;
	return ps.n;
}
