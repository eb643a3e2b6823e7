/*
 * op_call.c
 *    Functions that map a series to a series: over windows (rate) or step by step (abs).
 *
 * Both kinds hand the function whole arrays.  Which argument is the vector is found by its
 * type: no function takes two.
 */
#include "promql/exec/exec.h"
#include "promql/exec/ops.h"
#include "promql/functions/table.h"

typedef struct CallOp
{
	PromqlOp op;
	const PromqlFunction *fn;
	PromqlOp *input;
	PromqlCall call;
	PromqlVector vec;
} CallOp;

bool
promql_call_prepare(PromqlOp *op, PromqlCall *call, Err *err)
{
	const PromqlCallPlan *plan = &op->plan->call;
	int n = op->grid->nsteps;
	const double **scalars = mem_alloc0(sizeof(double *) * (plan->nargs + 1));
	StrView *strings = mem_alloc0(sizeof(StrView) * (plan->nargs + 1));

	*call = (PromqlCall){0};
	call->exec = op->exec;
	call->pos = op->plan->pos;
	call->flags = &op->exec->params->flags;
	call->scalars = scalars;
	call->strings = strings;
	call->nargs = plan->nargs;
	call->nsteps = n;
	call->ts = op->grid->ts;
	for (int k = 0; k < plan->nargs; k++)
	{
		const PromqlArgPlan *arg = &plan->args[k];

		if (k < (int) (sizeof(call->arg_pos) / sizeof(call->arg_pos[0])))
			call->arg_pos[k] = arg->pos;
		strings[k] = arg->string;
		if (arg->type != PROMQL_SCALAR)
			continue;
		if (arg->child >= 0)
		{
			if (!promql_op_read_scalar(op->children[arg->child], &scalars[k], err))
				return false;
			continue;
		}
		double *values = mem_alloc(sizeof(double) * (n + 1));

		for (int i = 0; i < n; i++)
			values[i] = arg->number;
		scalars[k] = values;
	}
	return true;
}

static bool
call_open(PromqlOp *op, Err *err)
{
	CallOp *self = (CallOp *) op;

	promql_vector_init(&self->vec, op->grid->nsteps);
	return promql_call_prepare(op, &self->call, err);
}

static int
call_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	CallOp *self = (CallOp *) op;
	int n = op->grid->nsteps;
	int rc;

	while ((rc = promql_op_next(self->input, out, err)) > 0)
	{
		bool ok;

		op->stats.series_in++;
		self->call.labels = out->labels;
		if (!op->plan->call.by_selector)
		{
			memset(self->vec.kind, PROMQL_ABSENT, n);
			self->vec.h = NULL;
			if (self->fn->range != NULL)
				ok = self->fn->range(&self->call, out->win, &self->vec, err);
			else
				ok = self->fn->point(&self->call, &out->vec, &self->vec, err);
			if (!ok)
				return -1;
			if (promql_vector_count(&self->vec, n) == 0)
				continue;
			out->vec = self->vec;
		}
		out->win = NULL;
		promql_series_call_name(op, out);
		return 1;
	}
	return rc;
}

/*
 * op_call_create -- for range and point functions; a function with an operator of its own is made
 * by that.
 */
PromqlOp *
op_call_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	const PromqlFunction *fn = promql_function_impl(plan->call.sig->fn);
	CallOp *self;

	if (fn->create != NULL && !plan->call.by_selector)
		return fn->create(ex, plan, children, err);
	if (fn->range == NULL && fn->point == NULL && !plan->call.by_selector)
	{
		err_set(err, ERR_EXECUTION, plan->pos, "function \"%s\" is not supported",
				plan->call.sig->name);
		return NULL;
	}

	self = promql_op_new(ex, plan, children, sizeof(*self));
	self->op.open = call_open;
	self->op.next = call_next;
	self->fn = fn;
	for (int k = 0; k < plan->call.nargs; k++)
		if (plan->call.args[k].type == PROMQL_VECTOR || plan->call.args[k].type == PROMQL_MATRIX)
			self->input = children[plan->call.args[k].child];
	return &self->op;
}
