/*
 * op_count_values.c
 *    count_values: how often each value occurs, by group and step.
 *
 * The value becomes a label, so a group falls apart into series by the text of its values; the
 * text, not the bits, tells values apart, as the label will.
 */
#include "model/histogram_math.h"
#include "promql/exec/aggregate.h"
#include "promql/exec/ops.h"
#include "util/cancel.h"
#include "util/text.h"

#define MEASURE_BYTES (1024 * 1024) /* of new counts, before memory is measured */

typedef struct CountValuesOp
{
	PromqlOp op;
	PromqlGrouping grouping;
	PromqlLabelMap map; /* label sets of the output */
	double **counts;	/* by output series and step */
	int cap;
	MemScope *scratch; /* of one lookup */
	int64_t uncounted; /* bytes of counts since memory was measured */
	bool label_goes;   /* without () takes the value's label away again */
	PromqlVector vec;
	int at;
	bool loaded;
} CountValuesOp;

static bool
count_values_open(PromqlOp *op, Err *err)
{
	CountValuesOp *self = (CountValuesOp *) op;
	const PromqlAggregatePlan *a = &op->plan->aggregate;

	if (a->label.len == 0 || !text_utf8_valid(a->label.s, a->label.len))
		return err_set(err, ERR_EXECUTION, a->param_pos, "invalid label name %s",
					   promql_quoted(a->label));
	promql_grouping_init(&self->grouping, a->grouping, a->ngrouping, !a->without, op->mem);
	self->label_goes = a->without && strview_eq_cstr(a->label, LABELS_NAME);
	for (int i = 0; a->without && i < a->ngrouping; i++)
		self->label_goes |= strview_eq(a->grouping[i], a->label);
	self->scratch = mem_scope_create("mimir count_values");
	promql_label_map_init(&self->map, op->mem);
	promql_vector_init(&self->vec, op->grid->nsteps);
	return true;
}

/* value_text -- as a label value; in the current scope. */
static StrView
value_text(const PromqlVector *vec, int i)
{
	if (vec->kind[i] == PROMQL_HISTOGRAM)
	{
		Buf b;

		buf_init(&b, 128, 1 << 20);
		histogram_text(&b, vec->h[i]);
		return strview(b.data, b.len);
	}
	char *text = mem_alloc(TEXT_DOUBLE_MAX);
	int len = text_double_f(text, vec->v[i]);

	return strview(text, len);
}

/* output_id -- the output series of a group and the value at step i; -1: error. */
static int
output_id(CountValuesOp *self, Labels key, const PromqlVector *vec, int i, Err *err)
{
	MemScope *outer = mem_scope_switch(self->scratch);
	LabelsBuilder builder;
	bool is_new;
	int id;

	labels_builder_init(&builder);
	labels_builder_from(&builder, key);
	if (!self->label_goes)
		labels_builder_set(&builder, self->op.plan->aggregate.label, value_text(vec, i));
	id = promql_label_map_add(&self->map, labels_builder_finish(&builder), &is_new);
	mem_scope_switch(outer);
	mem_scope_reset(self->scratch);
	if (is_new)
	{
		MemScope *old = mem_scope_switch(self->op.mem);

		if (id >= self->cap)
		{
			self->cap = self->map.cap;
			self->counts = mem_realloc(self->counts, sizeof(*self->counts) * self->cap);
		}
		self->counts[id] = mem_alloc0(sizeof(double) * self->op.grid->nsteps);
		mem_scope_switch(old);
		cancel_poll();
		if (!promql_exec_hold(self->op.exec, self->op.grid->nsteps, err))
			return -1;
		self->uncounted += sizeof(double) * self->op.grid->nsteps;
		if (self->uncounted > MEASURE_BYTES)
		{
			self->uncounted = 0;
			if (!promql_exec_check_memory(self->op.exec, err))
				return -1;
		}
	}
	return id;
}

/* add_series -- runs of equal values look their output series up once. */
static bool
add_series(CountValuesOp *self, const PromqlOpSeries *s, Err *err)
{
	Labels key = promql_grouping_key(&self->grouping, s->labels);
	int id = -1;
	uint64_t bits = 0; /* of the float id stands for */

	for (int i = 0; i < self->op.grid->nsteps; i++)
	{
		bool is_float = s->vec.kind[i] == PROMQL_FLOAT;

		cancel_poll_at(i);
		if (s->vec.kind[i] == PROMQL_ABSENT)
			continue;
		if (id < 0 || !is_float || value_bits(s->vec.v[i]) != bits)
		{
			id = output_id(self, key, &s->vec, i, err);
			if (id < 0)
				return false;
			bits = is_float ? value_bits(s->vec.v[i]) : 0;
		}
		self->counts[id][i]++;
		if (!is_float)
			id = -1;
	}
	return true;
}

static int
count_values_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	CountValuesOp *self = (CountValuesOp *) op;
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
	if (self->at >= self->map.n)
		return 0;
	for (int i = 0; i < op->grid->nsteps; i++)
	{
		self->vec.v[i] = self->counts[self->at][i];
		self->vec.kind[i] = self->vec.v[i] > 0 ? PROMQL_FLOAT : PROMQL_ABSENT;
	}
	out->labels = self->map.keys[self->at++];
	out->vec = self->vec;
	return 1;
}

PromqlOp *
op_count_values_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	CountValuesOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = count_values_open;
	self->op.next = count_values_next;
	return &self->op;
}
