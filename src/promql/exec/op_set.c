/*
 * op_set.c
 *    and, or, unless: elements of one side chosen by the other side's signatures, step by step.
 *
 * Only presence matters on the side that decides, so it is kept as a bit for each step and
 * signature.  and, unless: the right side is read first, the left one streams through.  or: the
 * left side streams out and leaves its bits, then the right one follows.
 */
#include "promql/exec/exec.h"
#include "promql/exec/grouping.h"
#include "promql/exec/ops.h"

typedef struct SetOp
{
	PromqlOp op;
	PromqlOperator kind;
	PromqlGrouping grouping;
	PromqlLabelMap sigs;
	uint64_t *present; /* words entries for each signature */
	int cap;		   /* signatures present has room for */
	int words;
	uint8_t *kinds; /* of the series being yielded */
	bool loaded;	/* and, unless: the right side is read.  or: the left side is through */
} SetOp;

static bool
set_open(PromqlOp *op, Err *err)
{
	SetOp *self = (SetOp *) op;
	const PromqlBinaryPlan *b = &op->plan->binary;

	promql_grouping_init(&self->grouping, b->matching, b->nmatching, b->on, op->mem);
	promql_label_map_init(&self->sigs, op->mem);
	self->words = (op->grid->nsteps + 63) / 64;
	self->kinds = mem_alloc(op->grid->nsteps + 1);
	return true;
}

/* note -- remember at which steps the signature of s occurs. */
static void
note(SetOp *self, const PromqlOpSeries *s)
{
	bool is_new;
	int id =
		promql_label_map_add(&self->sigs, promql_grouping_key(&self->grouping, s->labels), &is_new);
	uint64_t *bits;

	if (id >= self->cap)
	{
		MemScope *old = mem_scope_switch(self->op.mem);

		self->cap = self->sigs.cap;
		self->present =
			mem_realloc(self->present, sizeof(uint64_t) * self->words * (size_t) self->cap);
		mem_scope_switch(old);
	}
	bits = self->present + (size_t) id * self->words;
	if (is_new)
		memset(bits, 0, sizeof(uint64_t) * self->words);
	for (int i = 0; i < self->op.grid->nsteps; i++)
		if (s->vec.kind[i] != PROMQL_ABSENT)
			bits[i / 64] |= UINT64_C(1) << (i & 63);
}

/* filter -- leave of s the steps where its signature is noted (or is not); false if none is. */
static bool
filter(SetOp *self, PromqlOpSeries *s, bool wanted)
{
	int id = promql_label_map_find(&self->sigs, promql_grouping_key(&self->grouping, s->labels));
	const uint64_t *bits = id >= 0 ? self->present + (size_t) id * self->words : NULL;
	bool any = false;

	if (bits == NULL)
		return !wanted;
	for (int i = 0; i < self->op.grid->nsteps; i++)
	{
		bool noted = bits[i / 64] >> (i & 63) & 1;

		self->kinds[i] = noted == wanted ? s->vec.kind[i] : PROMQL_ABSENT;
		any |= self->kinds[i] != PROMQL_ABSENT;
	}
	s->vec.kind = self->kinds;
	return any;
}

static int
and_unless_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	SetOp *self = (SetOp *) op;
	int rc;

	if (!self->loaded)
	{
		self->loaded = true;
		while ((rc = promql_op_next(op->children[1], out, err)) > 0)
			note(self, out);
		if (rc < 0)
			return rc;
	}
	while ((rc = promql_op_next(op->children[0], out, err)) > 0)
		if (filter(self, out, self->kind == PROMQL_OP_AND))
			return 1;
	return rc;
}

static int
or_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	SetOp *self = (SetOp *) op;
	int rc;

	if (!self->loaded)
	{
		rc = promql_op_next(op->children[0], out, err);
		if (rc > 0)
			note(self, out);
		if (rc != 0)
			return rc;
		self->loaded = true;
	}
	while ((rc = promql_op_next(op->children[1], out, err)) > 0)
		if (filter(self, out, false))
			return 1;
	return rc;
}

PromqlOp *
op_set_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	SetOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->kind = plan->binary.op;
	self->op.open = set_open;
	self->op.next = self->kind == PROMQL_OP_OR ? or_next : and_unless_next;
	return &self->op;
}
