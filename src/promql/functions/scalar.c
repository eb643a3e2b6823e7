/*
 * scalar.c
 *    Functions that yield one series without labels: scalar, vector, time, pi, max_of, min_of.
 *
 * All are one operator that computes its only series when first asked.
 */
#include "promql/functions/families.h"

typedef struct OneSeriesOp OneSeriesOp;
struct OneSeriesOp
{
	PromqlOp op;
	bool (*fill)(OneSeriesOp *self, double *v, Err *err); /* a float for every step */
	PromqlCall call;
	bool done;
};

static bool
one_series_open(PromqlOp *op, Err *err)
{
	return promql_call_prepare(op, &((OneSeriesOp *) op)->call, err);
}

static int
one_series_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	OneSeriesOp *self = (OneSeriesOp *) op;

	if (self->done)
		return 0;
	self->done = true;
	promql_vector_init(&out->vec, op->grid->nsteps);
	memset(out->vec.kind, PROMQL_FLOAT, op->grid->nsteps);
	return self->fill(self, out->vec.v, err) ? 1 : -1;
}

static PromqlOp *
create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children,
	   bool (*fill)(OneSeriesOp *, double *, Err *))
{
	OneSeriesOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = one_series_open;
	self->op.next = one_series_next;
	self->fill = fill;
	return &self->op;
}

/* --- what the functions compute --------------------------------------------------------------- */

static bool
fill_max_of(OneSeriesOp *self, double *v, Err *err)
{
	for (int i = 0; i < self->call.nsteps; i++)
		v[i] = promql_max(self->call.scalars[0][i], self->call.scalars[1][i]);
	return true;
}

static bool
fill_min_of(OneSeriesOp *self, double *v, Err *err)
{
	for (int i = 0; i < self->call.nsteps; i++)
		v[i] = promql_min(self->call.scalars[0][i], self->call.scalars[1][i]);
	return true;
}

static bool
fill_pi(OneSeriesOp *self, double *v, Err *err)
{
	for (int i = 0; i < self->call.nsteps; i++)
		v[i] = M_PI;
	return true;
}

static bool
fill_time(OneSeriesOp *self, double *v, Err *err)
{
	for (int i = 0; i < self->call.nsteps; i++)
		v[i] = (double) self->call.ts[i] / 1000;
	return true;
}

static bool
fill_vector(OneSeriesOp *self, double *v, Err *err)
{
	memcpy(v, self->call.scalars[0], sizeof(double) * self->call.nsteps);
	return true;
}

/* fill_scalar -- the only float of a step, NaN if there is none or more than one. */
static bool
fill_scalar(OneSeriesOp *self, double *v, Err *err)
{
	int n = self->call.nsteps;
	uint8_t *seen = mem_alloc0(n + 1); /* floats of each step, 2 for more than one */
	PromqlOpSeries s;
	int rc;

	for (int i = 0; i < n; i++)
		v[i] = value_nan();
	while ((rc = promql_op_next(self->op.children[0], &s, err)) > 0)
	{
		self->op.stats.series_in++;
		for (int i = 0; i < n; i++)
		{
			if (s.vec.kind[i] != PROMQL_FLOAT || seen[i] == 2)
				continue;
			seen[i]++;
			v[i] = seen[i] == 1 ? s.vec.v[i] : value_nan();
		}
	}
	return rc == 0;
}

/* --- constructors ------------------------------------------------------------------------------ */

PromqlOp *
promql_max_of_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	return create(ex, plan, children, fill_max_of);
}

PromqlOp *
promql_min_of_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	return create(ex, plan, children, fill_min_of);
}

PromqlOp *
promql_pi_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	return create(ex, plan, children, fill_pi);
}

PromqlOp *
promql_scalar_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	return create(ex, plan, children, fill_scalar);
}

PromqlOp *
promql_time_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	return create(ex, plan, children, fill_time);
}

PromqlOp *
promql_vector_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	return create(ex, plan, children, fill_vector);
}
