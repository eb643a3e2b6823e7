/*
 * op_unique.c
 *    Series of equal labels: an error where they overlap; joined where they must be whole.
 *
 * The check (UNIQUE) streams: it remembers for each label set the steps seen.  Of a function over
 * ranges Prometheus checks the whole result, so that series that never meet are refused too.  The join (MERGE)
 * keeps every series until the input ends.  Where plan/unique.c puts which is told there.
 */
#include "promql/exec/exec.h"
#include "promql/exec/label_map.h"
#include "promql/exec/ops.h"

typedef struct UniqueOp
{
	PromqlOp op;
	PromqlLabelMap map;
	uint64_t **seen;		/* UNIQUE: by label set, a bit for each step */
	PromqlOpSeries *merged; /* MERGE: by label set */
	int cap;				/* of seen or merged */
	int at;					/* MERGE: next to yield */
	bool loaded;
} UniqueOp;

static bool
unique_open(PromqlOp *op, Err *err)
{
	UniqueOp *self = (UniqueOp *) op;

	promql_label_map_init(&self->map, op->mem);
	return true;
}

static bool
duplicate(const UniqueOp *self, Err *err)
{
	return err_set(err, ERR_EXECUTION, self->op.plan->pos,
				   "vector cannot contain metrics with the same labelset");
}

/* check -- note the steps of s under its label set; false on a step noted before. */
static bool
check(UniqueOp *self, const PromqlOpSeries *s, Err *err)
{
	int n = self->op.grid->nsteps;
	bool is_new;
	int id = promql_label_map_add(&self->map, s->labels, &is_new);
	uint64_t *seen;

	if (self->op.plan->children[0]->kind == PROMQL_PLAN_RANGE_CALL)
		return is_new || duplicate(self, err);
	if (is_new)
	{
		MemScope *old = mem_scope_switch(self->op.mem);

		if (id >= self->cap)
		{
			self->cap = self->map.cap;
			self->seen = mem_realloc(self->seen, sizeof(*self->seen) * self->cap);
		}
		self->seen[id] = mem_alloc0(sizeof(uint64_t) * ((n + 63) / 64));
		mem_scope_switch(old);
	}
	seen = self->seen[id];
	for (int i = 0; i < n; i++)
	{
		uint64_t bit = UINT64_C(1) << (i & 63);

		if (s->vec.kind[i] == PROMQL_ABSENT)
			continue;
		if (seen[i / 64] & bit)
			return duplicate(self, err);
		seen[i / 64] |= bit;
	}
	return true;
}

static int
unique_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	int rc = promql_op_next(op->children[0], out, err);

	if (rc > 0 && !check((UniqueOp *) op, out, err))
		return -1;
	return rc;
}

/* merge_into -- the steps of s that have a value become dst's; false where dst has one too. */
static bool
merge_into(const UniqueOp *self, PromqlOpSeries *dst, const PromqlOpSeries *s, Err *err)
{
	int n = self->op.grid->nsteps;

	for (int i = 0; i < n; i++)
	{
		if (s->vec.kind[i] == PROMQL_ABSENT)
			continue;
		if (dst->vec.kind[i] != PROMQL_ABSENT)
			return duplicate(self, err);
		dst->vec.kind[i] = s->vec.kind[i];
		if (s->vec.kind[i] == PROMQL_FLOAT)
			dst->vec.v[i] = s->vec.v[i];
		else
		{
			promql_vector_need_h(&dst->vec, n);
			dst->vec.h[i] = histogram_copy(s->vec.h[i]);
		}
	}
	dst->drop_name |= s->drop_name;
	return true;
}

static bool
merge_load(UniqueOp *self, Err *err)
{
	int n = self->op.grid->nsteps;
	MemScope *old = mem_scope_switch(self->op.mem);
	PromqlOpSeries s;
	bool ok = true;
	int rc;

	while (ok && (rc = promql_op_next(self->op.children[0], &s, err)) > 0)
	{
		bool is_new;
		int id = promql_label_map_add(&self->map, s.labels, &is_new);

		if (!is_new)
		{
			ok = merge_into(self, &self->merged[id], &s, err);
			continue;
		}
		if (id >= self->cap)
		{
			self->cap = self->map.cap;
			self->merged = mem_realloc(self->merged, sizeof(*self->merged) * self->cap);
		}
		self->merged[id] = (PromqlOpSeries){.drop_name = s.drop_name};
		promql_vector_copy(&self->merged[id].vec, &s.vec, n);
		ok = promql_exec_hold(self->op.exec, promql_vector_count(&s.vec, n), err);
	}
	mem_scope_switch(old);
	return ok && rc == 0;
}

static int
merge_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	UniqueOp *self = (UniqueOp *) op;

	if (!self->loaded)
	{
		self->loaded = true;
		if (!merge_load(self, err))
			return -1;
	}
	if (self->at >= self->map.n)
		return 0;
	*out = self->merged[self->at];
	out->labels = self->map.keys[self->at];
	self->at++;
	return 1;
}

PromqlOp *
op_unique_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	UniqueOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = unique_open;
	self->op.next = plan->kind == PROMQL_PLAN_MERGE ? merge_next : unique_next;
	return &self->op;
}
