/*
 * op_select.c
 *    An instant selector: at each step the newest sample within the lookback.
 *
 * The window is (ref - lookback, ref], ref being the step (or @) less the offset.  A stale
 * marker found there means no value.  timestamp() and start_timestamp() have the selector emit
 * times in place of values, as only it knows which sample was chosen.
 */
#include "promql/exec/exec.h"
#include "promql/exec/ops.h"
#include "promql/exec/shared.h"

typedef struct SelectOp
{
	PromqlOp op;
	const PromqlSelectorPlan *sel;
	PromqlSeriesSet *set;
	int at; /* next series of the set */
	PromqlVector vec;
	Histogram **h; /* lent to vec when the series has histograms */
} SelectOp;

static bool
select_open(PromqlOp *op, Err *err)
{
	SelectOp *self = (SelectOp *) op;
	const PromqlSelectorPlan *sel = self->sel;

	promql_vector_init(&self->vec, op->grid->nsteps);
	if (op->grid->nsteps == 0)
		return true;
	self->set = promql_select_open(op, sel, err);
	return self->set != NULL;
}

/* emit -- what sample j gives at step i. */
static inline void
emit(SelectOp *self, const PromqlSamples *s, int i, int j)
{
	PromqlVector *vec = &self->vec;

	switch (self->sel->emit)
	{
		case PROMQL_EMIT_TIME:
			vec->kind[i] = PROMQL_FLOAT;
			vec->v[i] = (double) s->t[j] / 1000;
			return;
		case PROMQL_EMIT_START_TIME:
			vec->kind[i] = PROMQL_FLOAT;
			vec->v[i] = s->st != NULL ? (double) s->st[j] / 1000 : 0;
			return;
		case PROMQL_EMIT_VALUE:
			break;
	}
	if (s->h != NULL && s->h[j] != NULL)
	{
		vec->kind[i] = PROMQL_HISTOGRAM;
		vec->h[i] = s->h[j];
		if (self->sel->counts_only)
			vec->h[i] = promql_counts_only(s->h[j], j > 0 ? s->h[j - 1] : NULL);
	}
	else
	{
		vec->kind[i] = PROMQL_FLOAT;
		vec->v[i] = s->v[j];
	}
}

static inline bool
is_stale(const PromqlSamples *s, int j)
{
	if (s->h != NULL && s->h[j] != NULL)
		return histogram_is_stale(s->h[j]);
	return value_is_stale(s->v[j]);
}

/* evaluate -- fill vec; returns how many steps have a value. */
static int
evaluate(SelectOp *self, const PromqlSamples *s)
{
	const PromqlGrid *grid = self->op.grid;
	const PromqlSelectorPlan *sel = self->sel;
	int64_t lookback = self->op.exec->params->lookback_ms;
	int found = 0;
	int j = 0; /* samples before j are at or before the step */

	memset(self->vec.kind, PROMQL_ABSENT, grid->nsteps);
	for (int i = 0; i < grid->nsteps; i++)
	{
		int64_t ref = (sel->pinned ? sel->at_ms : grid->ts[i]) - sel->offset_ms;

		while (j < s->n && s->t[j] <= ref)
			j++;
		if (j == 0 || s->t[j - 1] <= ref - lookback || is_stale(s, j - 1))
			continue;
		emit(self, s, i, j - 1);
		found++;
	}
	return found;
}

static int
select_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	SelectOp *self = (SelectOp *) op;
	PromqlSeriesSet *set = self->set;

	while (set != NULL && self->at < set->nseries)
	{
		PromqlSamples s;
		int i = self->at++;
		int found;

		if (!set->samples(set, i, &s, err))
			return -1;
		op->stats.series_in++;
		if (s.n == 0)
			continue;
		self->vec.h = NULL;
		if (s.h != NULL)
		{
			if (self->h == NULL)
			{
				MemScope *old = mem_scope_switch(op->mem);

				self->h = mem_alloc0(sizeof(Histogram *) * (op->grid->nsteps + 1));
				mem_scope_switch(old);
			}
			self->vec.h = self->h;
		}
		found = evaluate(self, &s);
		if (found == 0)
			continue;
		op->stats.samples += found;
		op->exec->samples_read += found;
		out->labels = set->labels(set, i);
		out->vec = self->vec;
		return 1;
	}
	return 0;
}

static void
select_close(PromqlOp *op)
{
	SelectOp *self = (SelectOp *) op;

	promql_op_close_set(op, self->set);
	self->set = NULL;
}

static PromqlOp *
create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children,
	   const PromqlSelectorPlan *sel)
{
	SelectOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = select_open;
	self->op.next = select_next;
	self->op.close = select_close;
	self->sel = sel;
	return &self->op;
}

PromqlOp *
op_select_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	return create(ex, plan, children, &plan->select);
}

/*
 * promql_select_op -- it reports under the parent's node and shares its grid, and has no children
 * although the parent's node does.
 */
PromqlOp *
promql_select_op(PromqlOp *parent, const PromqlSelectorPlan *sel, Err *err)
{
	PromqlOp *op = create(parent->exec, parent->plan, NULL, sel);

	op->nchildren = 0;
	return op;
}
