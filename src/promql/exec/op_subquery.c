/*
 * op_subquery.c
 *    A subquery: the child's values on its own grid become samples, seen through windows.
 *
 * The child's grid is worked out by the plan (reference 2.5).  A reset hint of a histogram says
 * something about its neighbour in storage, which need not be its neighbour on this grid: it
 * becomes unknown.
 */
#include "promql/exec/exec.h"
#include "promql/exec/ops.h"
#include "promql/exec/windows.h"
#include "util/cancel.h"

typedef struct SubqueryOp
{
	PromqlOp op;
	PromqlWindower windower;
	int64_t *t; /* one entry for each step of the child's grid */
	double *v;
	Histogram **h;
	int held; /* samples of the series at hand, counted as the query's */
} SubqueryOp;

static bool
subquery_open(PromqlOp *op, Err *err)
{
	SubqueryOp *self = (SubqueryOp *) op;
	const PromqlSubqueryPlan *sub = &op->plan->subquery;
	int n = op->children[0]->grid->nsteps;

	promql_windower_init(&self->windower, op->grid, sub->range_ms, sub->offset_ms, sub->pinned,
						 sub->at_ms, PROMQL_EXTEND_NONE, 0);
	self->t = mem_alloc(sizeof(int64_t) * (n + 1));
	self->v = mem_alloc(sizeof(double) * (n + 1));
	return true;
}

/* without_hint -- h itself, or a shallow copy whose hint is unknown, in the current scope. */
static Histogram *
without_hint(Histogram *h)
{
	Histogram *copy;

	if (h->hint != HISTOGRAM_HINT_RESET && h->hint != HISTOGRAM_HINT_NOT_RESET)
		return h;
	copy = mem_dup(h, sizeof(*h));
	copy->hint = HISTOGRAM_HINT_UNKNOWN;
	return copy;
}

/* gather -- the steps of vec that have a value, as samples. */
static PromqlSamples
gather(SubqueryOp *self, const PromqlVector *vec)
{
	const PromqlGrid *grid = self->op.children[0]->grid;
	PromqlSamples s = {0};

	if (vec->h != NULL && self->h == NULL)
	{
		MemScope *old = mem_scope_switch(self->op.mem);

		self->h = mem_alloc(sizeof(Histogram *) * (grid->nsteps + 1));
		mem_scope_switch(old);
	}
	for (int i = 0; i < grid->nsteps; i++)
	{
		cancel_poll_at(i);
		if (vec->kind[i] == PROMQL_ABSENT)
			continue;
		self->t[s.n] = grid->ts[i];
		if (vec->h != NULL)
			self->h[s.n] = vec->kind[i] == PROMQL_HISTOGRAM ? without_hint(vec->h[i]) : NULL;
		self->v[s.n] = vec->kind[i] == PROMQL_FLOAT ? vec->v[i] : 0;
		s.n++;
	}
	s.t = self->t;
	s.v = self->v;
	s.h = vec->h != NULL ? self->h : NULL;
	return s;
}

static int
subquery_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	SubqueryOp *self = (SubqueryOp *) op;
	int rc;

	if (op->children[0]->grid->nsteps == 0)
		return 0;
	while ((rc = promql_op_next(op->children[0], out, err)) > 0)
	{
		PromqlSamples s = gather(self, &out->vec);
		int64_t total;

		if (!promql_exec_hold(op->exec, s.n - self->held, err))
			return -1;
		self->held = s.n;
		total = promql_windower_set(&self->windower, op->mem, &s);

		op->stats.series_in++;
		op->stats.samples += s.n;
		if (total == 0)
			continue;
		op->exec->samples_read += total;
		out->win = &self->windower.win;
		return 1;
	}
	promql_exec_hold(op->exec, -self->held, NULL);
	self->held = 0;
	return rc;
}

PromqlOp *
op_subquery_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	SubqueryOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = subquery_open;
	self->op.next = subquery_next;
	return &self->op;
}
