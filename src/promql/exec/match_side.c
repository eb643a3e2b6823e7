/*
 * match_side.c
 *    The "one" side of a vector match: held whole, found by signature and step.
 *
 * Two series may share a signature as long as they never have a value at the same step.  Where
 * they do, the query is in error, but only if the other side has anything at that step: so the
 * pair is noted here and raised by the operator.
 */
#include "promql/exec/match_side.h"

#include "promql/exec/exec.h"

void
promql_one_side_init(PromqlOneSide *side, PromqlOp *op)
{
	const PromqlBinaryPlan *b = &op->plan->binary;

	*side = (PromqlOneSide){.op = op};
	promql_grouping_init(&side->grouping, b->matching, b->nmatching, b->on, op->mem);
	promql_label_map_init(&side->sigs, op->mem);
}

int
promql_one_side_sig(PromqlOneSide *side, Labels ls, bool add)
{
	Labels key = promql_grouping_key(&side->grouping, ls);
	bool is_new;
	int sig;

	if (!add)
		return promql_label_map_find(&side->sigs, key);
	sig = promql_label_map_add(&side->sigs, key, &is_new);
	if (sig >= side->last_cap)
	{
		MemScope *old = mem_scope_switch(side->op->mem);

		side->last_cap = side->sigs.cap;
		side->last = mem_realloc(side->last, sizeof(*side->last) * side->last_cap);
		mem_scope_switch(old);
	}
	if (is_new)
		side->last[sig] = -1;
	return sig;
}

int
promql_one_side_find(const PromqlOneSide *side, int sig, int i)
{
	int k = side->last[sig];

	while (k >= 0 && side->series[k].vec.kind[i] == PROMQL_ABSENT)
		k = side->series[k].prev;
	return k;
}

/* note_duplicates -- where series k meets an earlier one of its signature. */
static void
note_duplicates(PromqlOneSide *side, int k)
{
	const PromqlOneSeries *s = &side->series[k];
	int n = side->op->grid->nsteps;

	for (int p = s->prev; p >= 0; p = side->series[p].prev)
		for (int i = 0; i < n; i++)
		{
			if (s->vec.kind[i] == PROMQL_ABSENT || side->series[p].vec.kind[i] == PROMQL_ABSENT)
				continue;
			if (side->dup_a == NULL)
			{
				side->dup_a = mem_alloc(sizeof(int) * n);
				side->dup_b = mem_alloc(sizeof(int) * n);
				for (int j = 0; j < n; j++)
					side->dup_a[j] = -1;
			}
			if (side->dup_a[i] < 0)
			{
				side->dup_a[i] = p;
				side->dup_b[i] = k;
			}
		}
}

bool
promql_one_side_load(PromqlOneSide *side, PromqlOp *input, Err *err)
{
	PromqlOpSeries s;
	int n = side->op->grid->nsteps;
	int rc;

	while ((rc = promql_op_next(input, &s, err)) > 0)
	{
		int sig = promql_one_side_sig(side, s.labels, true);
		MemScope *old = mem_scope_switch(side->op->mem);
		PromqlOneSeries *one;

		if (side->nseries == side->cap)
		{
			side->cap = side->cap == 0 ? 64 : side->cap * 2;
			side->series = mem_realloc(side->series, sizeof(*side->series) * side->cap);
		}
		one = &side->series[side->nseries];
		one->labels = labels_copy(s.labels);
		one->sig = sig;
		one->prev = side->last[sig];
		promql_vector_copy(&one->vec, &s.vec, n);
		side->last[sig] = side->nseries++;
		if (one->prev >= 0)
			note_duplicates(side, side->nseries - 1);
		mem_scope_switch(old);
		side->op->stats.series_in++;
		if (!promql_exec_hold(side->op->exec, promql_vector_count(&s.vec, n), err))
			return false;
	}
	return rc == 0;
}

bool
promql_one_side_duplicate(const PromqlOneSide *side, int i, Err *err)
{
	const PromqlBinaryPlan *b = &side->op->plan->binary;
	const PromqlOneSeries *first = &side->series[side->dup_a[i]];
	const PromqlOneSeries *second = &side->series[side->dup_b[i]];
	const char *a = promql_labels_plain(first->labels);
	const char *c = promql_labels_plain(second->labels);
	bool in_order = strcmp(a, c) <= 0;

	return err_set(err, ERR_EXECUTION, side->op->plan->pos,
				   "found duplicate series for the match group %s on the %s hand-side of the "
				   "operation: [%s, %s];many-to-many matching not allowed: matching labels must "
				   "be unique on one side",
				   promql_labels_plain(side->sigs.keys[first->sig]),
				   b->card == PROMQL_ONE_TO_MANY ? "left" : "right", in_order ? a : c,
				   in_order ? c : a);
}
