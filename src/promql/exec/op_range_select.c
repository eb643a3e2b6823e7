/*
 * op_range_select.c
 *    A range selector: the samples of a series and the window of each step.
 */
#include "promql/exec/exec.h"
#include "promql/exec/ops.h"
#include "promql/exec/shared.h"
#include "promql/exec/windows.h"

typedef struct RangeSelectOp
{
	PromqlOp op;
	PromqlSeriesSet *set;
	int at; /* next series of the set */
	PromqlWindower windower;
} RangeSelectOp;

/* strip_buckets -- the samples with counts alone; arrays from the current scope. */
static void
strip_buckets(PromqlSamples *s)
{
	Histogram **h = mem_dup(s->h, sizeof(Histogram *) * s->n);

	for (int i = 0; i < s->n; i++)
		if (h[i] != NULL && !histogram_is_stale(h[i]))
			h[i] = promql_counts_only(h[i], i > 0 ? s->h[i - 1] : NULL);
	s->h = h;
}

static bool
range_select_open(PromqlOp *op, Err *err)
{
	RangeSelectOp *self = (RangeSelectOp *) op;
	const PromqlSelectorPlan *sel = &op->plan->select;

	promql_windower_init(&self->windower, op->grid, sel->range_ms, sel->offset_ms, sel->pinned,
						 sel->at_ms, sel->extend, op->exec->params->lookback_ms);
	if (op->grid->nsteps == 0)
		return true;
	self->set = promql_select_open(op, sel, err);
	return self->set != NULL;
}

static int
range_select_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	RangeSelectOp *self = (RangeSelectOp *) op;
	PromqlSeriesSet *set = self->set;

	while (set != NULL && self->at < set->nseries)
	{
		PromqlSamples s;
		int i = self->at++;
		int64_t total;

		if (!set->samples(set, i, &s, err))
			return -1;
		op->stats.series_in++;
		if (s.n == 0)
			continue;
		if (op->plan->select.counts_only && s.h != NULL)
			strip_buckets(&s);
		total = promql_windower_set(&self->windower, op->mem, &s);
		if (total == 0)
			continue;
		op->stats.samples += s.n;
		op->exec->samples_read += total;
		out->labels = set->labels(set, i);
		out->win = &self->windower.win;
		return 1;
	}
	return 0;
}

static void
range_select_close(PromqlOp *op)
{
	RangeSelectOp *self = (RangeSelectOp *) op;

	promql_op_close_set(op, self->set);
	self->set = NULL;
}

PromqlOp *
op_range_select_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	RangeSelectOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = range_select_open;
	self->op.next = range_select_next;
	self->op.close = range_select_close;
	return &self->op;
}
