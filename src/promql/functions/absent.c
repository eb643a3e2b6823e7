/*
 * absent.c
 *    absent and absent_over_time: 1 at each step at which the input has nothing.
 *
 * Labels of the result are what a missing series would have had, as far as a selector's equality
 * matchers tell.
 */
#include "promql/functions/families.h"

typedef struct AbsentOp
{
	PromqlOp op;
	bool done;
} AbsentOp;

/* subtracts -- m only takes series away, so Prometheus looks at it after all others. */
static bool
subtracts(const Matcher *m)
{
	return (m->type == MATCH_NOT_EQUAL || m->type == MATCH_NOT_REGEX) && matcher_matches_empty(m);
}

/*
 * expected_labels -- what equality matchers say.  A label loses its value again where another
 * matcher follows, unless that is its first equality: so {a="1",a="1"} and {a="1",a=~"1"} say
 * nothing of a, but {a=~"1",a="1"} does.  Matchers that subtract follow wherever they are written.
 */
static Labels
expected_labels(const PromqlSelectorPlan *sel)
{
	LabelsBuilder builder;

	labels_builder_init(&builder);
	for (int i = 0; i < sel->nmatchers; i++)
	{
		const Matcher *m = &sel->matchers[i];
		bool set = m->type == MATCH_EQUAL;

		if (strview_eq_cstr(m->name, LABELS_NAME))
			continue;
		for (int j = 0; j < sel->nmatchers && set; j++)
		{
			const Matcher *other = &sel->matchers[j];

			set = !strview_eq(other->name, m->name) ||
				  !(subtracts(other) || (j < i && other->type == MATCH_EQUAL));
		}
		labels_builder_set(&builder, m->name, set ? m->value : strview("", 0));
	}
	return labels_builder_finish(&builder);
}

static bool
present(const PromqlOpSeries *s, int i)
{
	return s->win != NULL ? s->win->hi[i] > s->win->lo[i] : s->vec.kind[i] != PROMQL_ABSENT;
}

static int
absent_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	AbsentOp *self = (AbsentOp *) op;
	const PromqlPlanNode *input = op->plan->children[0];
	int n = op->grid->nsteps;
	PromqlOpSeries s;
	int rc;

	if (self->done)
		return 0;
	self->done = true;
	promql_vector_init(&out->vec, n);
	memset(out->vec.kind, PROMQL_FLOAT, n);
	for (int i = 0; i < n; i++)
		out->vec.v[i] = 1;
	while ((rc = promql_op_next(op->children[0], &s, err)) > 0)
	{
		op->stats.series_in++;
		for (int i = 0; i < n; i++)
			if (present(&s, i))
				out->vec.kind[i] = PROMQL_ABSENT;
	}
	if (rc < 0)
		return -1;
	if (input->kind == PROMQL_PLAN_SELECT || input->kind == PROMQL_PLAN_RANGE_SELECT)
		out->labels = expected_labels(&input->select);
	return promql_vector_count(&out->vec, n) > 0;
}

PromqlOp *
promql_absent_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	AbsentOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.next = absent_next;
	return &self->op;
}
