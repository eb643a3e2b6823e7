/*
 * op_invariant.c
 *    A child that gives the same at every step: evaluated at the first, shown at all.
 */
#include "promql/exec/ops.h"

typedef struct InvariantOp
{
	PromqlOp op;
	PromqlVector vec;
	Histogram **h; /* lent to vec when the series is a histogram */
} InvariantOp;

static bool
invariant_open(PromqlOp *op, Err *err)
{
	InvariantOp *self = (InvariantOp *) op;

	promql_vector_init(&self->vec, op->grid->nsteps);
	return true;
}

static int
invariant_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	InvariantOp *self = (InvariantOp *) op;
	int n = op->grid->nsteps;
	int rc = promql_op_next(op->children[0], out, err);

	if (rc <= 0)
		return rc;
	memset(self->vec.kind, out->vec.kind[0], n);
	self->vec.h = NULL;
	if (out->vec.kind[0] == PROMQL_HISTOGRAM)
	{
		if (self->h == NULL)
		{
			MemScope *old = mem_scope_switch(op->mem);

			self->h = mem_alloc(sizeof(Histogram *) * (n + 1));
			mem_scope_switch(old);
		}
		self->vec.h = self->h;
		for (int i = 0; i < n; i++)
			self->h[i] = out->vec.h[0];
	}
	else
		for (int i = 0; i < n; i++)
			self->vec.v[i] = out->vec.v[0];
	out->vec = self->vec;
	return 1;
}

PromqlOp *
op_invariant_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	InvariantOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = invariant_open;
	self->op.next = invariant_next;
	return &self->op;
}
