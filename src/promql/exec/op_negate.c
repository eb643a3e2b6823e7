/*
 * op_negate.c
 *    Unary minus: of a scalar, or of each element of a vector, which loses its name.
 */
#include "model/histogram_math.h"
#include "promql/exec/ops.h"

typedef struct NegateOp
{
	PromqlOp op;
	PromqlVector vec;
} NegateOp;

static bool
negate_open(PromqlOp *op, Err *err)
{
	promql_vector_init(&((NegateOp *) op)->vec, op->grid->nsteps);
	return true;
}

static int
negate_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	NegateOp *self = (NegateOp *) op;
	int n = op->grid->nsteps;
	int rc = promql_op_next(op->children[0], out, err);

	if (rc <= 0)
		return rc;
	self->vec.h = NULL;
	for (int i = 0; i < n; i++)
	{
		self->vec.kind[i] = out->vec.kind[i];
		if (out->vec.kind[i] == PROMQL_HISTOGRAM)
		{
			promql_vector_need_h(&self->vec, n);
			self->vec.h[i] = histogram_copy(out->vec.h[i]);
			histogram_mul(self->vec.h[i], -1);
		}
		else
			self->vec.v[i] = -out->vec.v[i];
	}
	out->vec = self->vec;
	if (op->plan->type == PROMQL_VECTOR)
		promql_series_drop_name(op, out);
	return 1;
}

PromqlOp *
op_negate_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	NegateOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = negate_open;
	self->op.next = negate_next;
	return &self->op;
}
