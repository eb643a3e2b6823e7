/*
 * op_number.c
 *    A constant: the same float at every step.
 */
#include "promql/exec/ops.h"

typedef struct NumberOp
{
	PromqlOp op;
	PromqlVector vec;
	bool done;
} NumberOp;

static bool
number_open(PromqlOp *op, Err *err)
{
	NumberOp *self = (NumberOp *) op;

	promql_vector_init(&self->vec, op->grid->nsteps);
	memset(self->vec.kind, PROMQL_FLOAT, op->grid->nsteps);
	for (int i = 0; i < op->grid->nsteps; i++)
		self->vec.v[i] = op->plan->number_value;
	return true;
}

static int
number_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	NumberOp *self = (NumberOp *) op;

	if (self->done)
		return 0;
	self->done = true;
	out->vec = self->vec;
	return 1;
}

PromqlOp *
op_number_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	NumberOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = number_open;
	self->op.next = number_next;
	return &self->op;
}
