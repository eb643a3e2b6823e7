/*
 * operator.c
 *    What all operators share: life, memory scopes, counters, vectors, names.
 */
#include "promql/exec/operator.h"

#include "model/histogram_math.h"
#include "promql/exec/exec.h"
#include "util/cancel.h"

/* --- life --------------------------------------------------------------------------------------- */

/*
 * promql_op_new -- the struct comes from a scope of its own, which stays current until the caller
 * switches back: build.c does, around every create.
 */
void *
promql_op_new(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, size_t size)
{
	MemScope *mem = mem_scope_create("promql operator");
	MemScope *old = mem_scope_switch(mem);
	PromqlOp *op = mem_alloc0(size);

	op->exec = ex;
	op->plan = plan;
	op->grid = plan->grid;
	op->children = children;
	op->nchildren = plan->nchildren;
	op->mem = mem;
	op->series_mem = mem_scope_create("promql series");
	op->status = 1;
	mem_scope_switch(old);
	return op;
}

bool
promql_op_open(PromqlOp *op, Err *err)
{
	bool ok = true;
	MemScope *old;

	op->is_open = true;
	for (int i = 0; i < op->nchildren; i++)
		if (op->children[i] != NULL && !promql_op_open(op->children[i], err))
			return false;
	old = mem_scope_switch(op->mem);
	if (op->open != NULL)
		ok = op->open(op, err);
	mem_scope_switch(old);
	return ok;
}

/*
 * promql_op_next -- 1: *out is the next series, 0: no more, -1: error.  After 0 or -1 the
 * operator is only good for close.
 */
int
promql_op_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	PromqlExec *ex = op->exec;
	MemScope *old;
	int rc;

	if (ex->tracer.enter != NULL)
		ex->tracer.enter(ex->tracer.arg, op->plan->number);
	cancel_poll();
	mem_scope_reset(op->series_mem);
	old = mem_scope_switch(op->series_mem);
	*out = (PromqlOpSeries){0};
	rc = op->next(op, out, err);
	mem_scope_switch(old);
	if (rc < 0)
		promql_blame_inputs(op->children, op->nchildren, err);
	if (rc > 0)
	{
		op->stats.series_out++;
		/* a histogram may be of some hundred bytes */
		ex->memory_countdown -= ((int64_t) op->grid->nsteps + 16) * (out->vec.h != NULL ? 64 : 1);
		if (ex->memory_countdown < 0 && !promql_exec_check_memory(ex, err))
			rc = -1;
	}
	if (ex->tracer.leave != NULL)
		ex->tracer.leave(ex->tracer.arg, op->plan->number, rc > 0);
	op->status = rc;
	return rc;
}

void
promql_blame_inputs(PromqlOp **inputs, int n, Err *err)
{
	for (int i = 0; i < n && err->code == ERR_EXECUTION; i++)
	{
		PromqlOp *input = inputs[i];
		PromqlOpSeries ignored;
		Err theirs = ERR_INIT;

		if (input == NULL)
			continue;
		while (input->status > 0 && promql_op_next(input, &ignored, &theirs) > 0)
			;
		if (theirs.code != ERR_NONE)
			*err = theirs;
		if (input->status < 0)
			return;
	}
}

void
promql_op_close(PromqlOp *op)
{
	MemScope *old;

	if (!op->is_open)
		return;
	op->is_open = false;
	op->stats.memory_bytes = mem_scope_bytes(op->mem);
	old = mem_scope_switch(op->mem);
	if (op->close != NULL)
		op->close(op);
	mem_scope_switch(old);
	for (int i = 0; i < op->nchildren; i++)
		if (op->children[i] != NULL)
			promql_op_close(op->children[i]);
}

void
promql_op_close_set(PromqlOp *op, PromqlSeriesSet *set)
{
	if (set == NULL)
		return;
	op->stats.chunks += set->chunks_read;
	op->stats.chunks_head += set->chunks_head;
	op->stats.blocks += set->blocks_read;
	op->stats.blocks_pruned += set->blocks_pruned;
	set->close(set);
}

Histogram *
promql_counts_only(const Histogram *h, const Histogram *prev)
{
	Histogram *counts = mem_alloc0(sizeof(*counts));

	counts->hint = h->hint;
	if (h->hint == HISTOGRAM_HINT_UNKNOWN && prev != NULL)
		counts->hint =
			histogram_detect_reset(h, prev) ? HISTOGRAM_HINT_RESET : HISTOGRAM_HINT_NOT_RESET;
	counts->schema = h->schema;
	counts->count = h->count;
	counts->sum = h->sum;
	return counts;
}

/*
 * promql_op_read_scalar -- a copy is made because a scalar operator may reuse its array.
 */
bool
promql_op_read_scalar(PromqlOp *op, const double **values, Err *err)
{
	PromqlOpSeries s;
	int rc = promql_op_next(op, &s, err);

	if (rc < 0)
		return false;
	*values = NULL;
	if (rc > 0)
		*values = mem_dup(s.vec.v, sizeof(double) * op->grid->nsteps);
	else if (op->grid->nsteps > 0)
		return err_set(err, ERR_INTERNAL, -1, "scalar operator without a value");
	return true;
}

/* --- vectors ---------------------------------------------------------------------------------- */

void
promql_vector_init(PromqlVector *vec, int n)
{
	cancel_poll(); /* a vector may be of millions of steps, and there may be many in one series */
	vec->kind = mem_alloc0(n + 1);
	vec->v = mem_alloc(sizeof(double) * (n + 1));
	vec->h = NULL;
}

void
promql_vector_need_h(PromqlVector *vec, int n)
{
	if (vec->h == NULL)
		vec->h = mem_alloc0(sizeof(Histogram *) * (n + 1));
}

int
promql_vector_count(const PromqlVector *vec, int n)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += vec->kind[i] != PROMQL_ABSENT;
	return count;
}

void
promql_vector_copy(PromqlVector *dst, const PromqlVector *src, int n)
{
	dst->kind = mem_dup(src->kind, n);
	dst->v = mem_dup(src->v, sizeof(double) * n);
	dst->h = NULL;
	if (src->h == NULL)
		return;
	for (int i = 0; i < n; i++)
		if (src->kind[i] == PROMQL_HISTOGRAM)
		{
			promql_vector_need_h(dst, n);
			dst->h[i] = histogram_copy(src->h[i]);
		}
}
