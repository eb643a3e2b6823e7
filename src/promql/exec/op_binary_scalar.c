/*
 * op_binary_scalar.c
 *    A binary operator with a scalar on one side or both.
 *
 * A comparison without bool is a filter: what stays is the vector's value, whichever side it
 * stands on.
 */
#include "promql/exec/elem.h"
#include "promql/exec/exec.h"
#include "promql/exec/ops.h"
#include "promql/plan/arith.h"

typedef struct BinaryScalarOp
{
	PromqlOp op;
	PromqlElemOp elem;
	PromqlOp *vector; /* the other operand; a scalar operator if both are scalars */
	const double *scalar;
	bool scalar_left; /* and the vector right */
	bool drops_name;
	PromqlVector vec;
} BinaryScalarOp;

static bool
binary_scalar_open(PromqlOp *op, Err *err)
{
	BinaryScalarOp *self = (BinaryScalarOp *) op;
	PromqlOp *scalar = op->children[self->scalar_left ? 0 : 1];

	promql_vector_init(&self->vec, op->grid->nsteps);
	return promql_op_read_scalar(scalar, &self->scalar, err);
}

/* floats -- all steps of a series without histograms; returns how many have a result. */
static int
floats(BinaryScalarOp *self, const PromqlVector *in)
{
	const PromqlBinaryPlan *b = &self->op.plan->binary;
	PromqlVector *out = &self->vec;
	int n = self->op.grid->nsteps;
	int found = 0;

	for (int i = 0; i < n; i++)
	{
		double l = self->scalar_left ? self->scalar[i] : in->v[i];
		double r = self->scalar_left ? in->v[i] : self->scalar[i];
		bool keep = true;

		out->kind[i] = PROMQL_ABSENT;
		if (in->kind[i] == PROMQL_ABSENT)
			continue;
		if (!b->is_comparison)
			out->v[i] = promql_float_arith(b->op, l, r);
		else
		{
			keep = promql_float_compare(b->op, l, r);
			out->v[i] = b->return_bool ? keep : in->v[i];
			keep |= b->return_bool;
		}
		out->kind[i] = keep ? PROMQL_FLOAT : PROMQL_ABSENT;
		found += keep;
	}
	return found;
}

/* mixed -- the same through the table of kinds. */
static int
mixed(BinaryScalarOp *self, const PromqlVector *in)
{
	const PromqlBinaryPlan *b = &self->op.plan->binary;
	int n = self->op.grid->nsteps;
	int found = 0;

	self->vec.h = NULL;
	for (int i = 0; i < n; i++)
	{
		PromqlElem scalar = {PROMQL_FLOAT, self->scalar[i], NULL};
		PromqlElem elem = promql_elem_at(in, i);
		PromqlElem result;
		bool keep;

		self->vec.kind[i] = PROMQL_ABSENT;
		if (elem.kind == PROMQL_ABSENT)
			continue;
		if (!promql_elem_apply(&self->elem, self->scalar_left ? &scalar : &elem,
							   self->scalar_left ? &elem : &scalar, &result, &keep))
			continue;
		if (b->is_comparison && !b->return_bool)
		{
			if (!keep)
				continue;
			result = elem;
		}
		promql_elem_put(&self->vec, i, n, &result);
		found++;
	}
	return found;
}

static int
binary_scalar_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	BinaryScalarOp *self = (BinaryScalarOp *) op;
	bool trim =
		op->plan->binary.op == PROMQL_OP_TRIM_UPPER || op->plan->binary.op == PROMQL_OP_TRIM_LOWER;
	int rc;

	while ((rc = promql_op_next(self->vector, out, err)) > 0)
	{
		int found = out->vec.h == NULL && !trim ? floats(self, &out->vec) : mixed(self, &out->vec);

		op->stats.series_in++;
		if (found == 0 && op->grid->nsteps > 0)
			continue;
		out->vec = self->vec;
		if (self->drops_name)
			promql_series_drop_name(op, out);
		return 1;
	}
	return rc;
}

PromqlOp *
op_binary_scalar_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	const PromqlBinaryPlan *b = &plan->binary;
	BinaryScalarOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = binary_scalar_open;
	self->op.next = binary_scalar_next;
	self->elem.op = &self->op;
	self->scalar_left = b->left_scalar && !b->right_scalar;
	self->vector = children[self->scalar_left ? 1 : 0];
	self->drops_name =
		plan->type == PROMQL_VECTOR &&
		(b->is_comparison ? b->return_bool
						  : b->op != PROMQL_OP_TRIM_UPPER && b->op != PROMQL_OP_TRIM_LOWER);
	return &self->op;
}
