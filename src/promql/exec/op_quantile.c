/*
 * op_quantile.c
 *    quantile by group and step: the one aggregation that needs all values at once.
 *
 * Values are kept per group and step in growing arrays and sorted when the group is yielded.
 */
#include "promql/exec/aggregate.h"
#include "promql/exec/ops.h"
#include "promql/functions/quantile.h"
#include "util/cancel.h"

typedef struct Values
{
	double *items;
	int n;
	int cap;
} Values;

typedef struct QuantileOp
{
	PromqlOp op;
	const double *q;
	PromqlGroups groups; /* state: Values for each step */
	PromqlVector vec;
	int at;
	bool loaded;
	bool told_ignored;
} QuantileOp;

/*
 * warn_range -- one warning for all steps: of the values out of range, the farthest out.
 */
static void
warn_range(QuantileOp *self)
{
	double worst = 0.5;
	bool bad = false;

	for (int i = 0; i < self->op.grid->nsteps; i++)
	{
		double q = self->q[i];

		if (q >= 0 && q <= 1)
			continue;
		if (!bad || isnan(q) || fabs(q - 0.5) > fabs(worst - 0.5))
			worst = q;
		bad = true;
	}
	if (bad)
		promql_warn(self->op.exec, self->op.plan->aggregate.param_pos,
					"quantile value should be between 0 and 1, got %s", promql_number_text(worst));
}

static bool
quantile_open(PromqlOp *op, Err *err)
{
	QuantileOp *self = (QuantileOp *) op;

	promql_groups_init(&self->groups, op);
	promql_vector_init(&self->vec, op->grid->nsteps);
	if (!promql_aggregate_param(op, &self->q, err))
		return false;
	warn_range(self);
	return true;
}

static bool
add_series(QuantileOp *self, const PromqlOpSeries *s, Err *err)
{
	int n = self->op.grid->nsteps;
	int group = promql_groups_add(&self->groups, &self->op, s, sizeof(Values) * n);
	Values *values = self->groups.state[group];
	MemScope *old = mem_scope_switch(self->op.mem);
	int held = 0;

	for (int i = 0; i < n; i++)
	{
		Values *v = &values[i];

		if (s->vec.kind[i] == PROMQL_HISTOGRAM && !self->told_ignored)
		{
			promql_histogram_ignored(&self->op);
			self->told_ignored = true;
		}
		cancel_poll_at(i);
		if (s->vec.kind[i] != PROMQL_FLOAT)
			continue;
		if (v->n == v->cap)
		{
			v->cap = v->cap == 0 ? 4 : v->cap * 2;
			v->items = mem_realloc(v->items, sizeof(double) * v->cap);
		}
		v->items[v->n++] = s->vec.v[i];
		held++;
	}
	mem_scope_switch(old);
	return promql_exec_hold(self->op.exec, held, err);
}

static int
quantile_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	QuantileOp *self = (QuantileOp *) op;
	PromqlOpSeries s;
	int rc;

	if (!self->loaded)
	{
		self->loaded = true;
		while ((rc = promql_op_next(op->children[0], &s, err)) > 0)
		{
			op->stats.series_in++;
			if (!add_series(self, &s, err))
				return -1;
		}
		if (rc < 0)
			return -1;
	}
	while (self->at < self->groups.map.n)
	{
		int id = self->at++;
		Values *values = self->groups.state[id];
		bool found = false;

		for (int i = 0; i < op->grid->nsteps; i++)
		{
			self->vec.kind[i] = values[i].n > 0 ? PROMQL_FLOAT : PROMQL_ABSENT;
			cancel_poll_at(values[i].n > 1000 ? 0 : i);
			if (values[i].n > 0)
			{
				promql_quantile_sort(values[i].items, values[i].n);
				self->vec.v[i] = promql_quantile(self->q[i], values[i].items, values[i].n);
			}
			found |= values[i].n > 0;
		}
		if (!found)
			continue;
		out->labels = self->groups.map.keys[id];
		out->drop_name = self->groups.drop_name[id];
		out->vec = self->vec;
		return 1;
	}
	return 0;
}

PromqlOp *
op_quantile_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	QuantileOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = quantile_open;
	self->op.next = quantile_next;
	return &self->op;
}
