/*
 * elem.c
 *    A binary operator on two elements of a step, floats or histograms (reference 2.11).
 *
 *              f op f    h op f    f op h    h op h
 *    + -         f         -         -       h, compacted; - gives a gauge
 *    *           f         h         h         -
 *    /           f         h         -         -
 *    % ^ atan2   f         -         -         -
 *    == !=       f         -         -       bitwise
 *    < <= > >=   f         -         -         -
 *    </ >/       -       h trimmed   -         -
 *
 * "-": the pair has no result, with an info that names the kinds.
 */
#include "promql/exec/elem.h"

#include "model/histogram_math.h"
#include "promql/exec/exec.h"
#include "promql/plan/arith.h"

/* Annotations, as they are noted. */
enum
{
	NOTE_NONE,
	NOTE_LAYOUT,
	NOTE_RECONCILED,
	NOTE_COLLISION,
	NOTE_INCOMPATIBLE, /* and the pair of kinds: KIND_PAIR */
};

#define KIND_PAIR(l, r) (((l) == PROMQL_HISTOGRAM) * 2 + ((r) == PROMQL_HISTOGRAM))

static void
tell(PromqlElemOp *eo, int note)
{
	const PromqlPlanNode *node = eo->op->plan;
	const char *text = promql_op_text(node->binary.op);
	const char *operation = node->binary.op == PROMQL_OP_ADD ? "addition" : "subtraction";
	PromqlExec *ex = eo->op->exec;

	if (eo->told & 1u << note)
		return;
	eo->told |= 1u << note;
	if (note == NOTE_LAYOUT)
		promql_warn(ex, node->pos, "incompatible bucket layout encountered for binary operator %s",
					text);
	else if (note == NOTE_RECONCILED)
		promql_info(ex, node->pos, "mismatched custom buckets were reconciled during %s",
					operation);
	else if (note == NOTE_COLLISION)
		promql_warn(ex, node->pos, "conflicting counter resets during histogram %s", operation);
	else
		promql_info(ex, node->pos,
					"incompatible sample types encountered for binary operator \"%s\": %s %s %s",
					text, (note - NOTE_INCOMPATIBLE) & 2 ? "histogram" : "float", text,
					(note - NOTE_INCOMPATIBLE) & 1 ? "histogram" : "float");
}

static void
annotate(PromqlElemOp *eo, int note)
{
	if (eo->noted != NULL)
		eo->noted[eo->step] = note;
	else
		tell(eo, note);
}

void
promql_elem_tell(PromqlElemOp *eo)
{
	for (int i = 0; i < eo->op->grid->nsteps; i++)
		if (eo->noted[i] != NOTE_NONE)
			tell(eo, eo->noted[i]);
}

static bool
incompatible(PromqlElemOp *eo, const PromqlElem *l, const PromqlElem *r)
{
	annotate(eo, NOTE_INCOMPATIBLE + KIND_PAIR(l->kind, r->kind));
	return false;
}

/* add_or_sub -- of two histograms; false where their buckets or resets do not go together. */
static bool
add_or_sub(PromqlElemOp *eo, const PromqlElem *l, const PromqlElem *r, PromqlElem *out)
{
	bool add = eo->op->plan->binary.op == PROMQL_OP_ADD;
	HistogramOpInfo info = {0};
	Histogram *h = histogram_copy(l->h);

	if (!(add ? histogram_add(h, r->h, &info) : histogram_sub(h, r->h, &info)))
	{
		annotate(eo, NOTE_LAYOUT);
		return false;
	}
	if (info.reset_collision)
	{
		annotate(eo, NOTE_COLLISION);
		return false;
	}
	if (info.bounds_reconciled)
		annotate(eo, NOTE_RECONCILED);
	if (!add)
		h->hint = HISTOGRAM_HINT_GAUGE;
	histogram_compact(h);
	*out = (PromqlElem){PROMQL_HISTOGRAM, 0, h};
	return true;
}

static bool
both_histograms(PromqlElemOp *eo, const PromqlElem *l, const PromqlElem *r, PromqlElem *out,
				bool *keep)
{
	switch (eo->op->plan->binary.op)
	{
		case PROMQL_OP_ADD:
		case PROMQL_OP_SUB:
			return add_or_sub(eo, l, r, out);
		case PROMQL_OP_EQL:
			*keep = histogram_equal(l->h, r->h);
			return true;
		case PROMQL_OP_NEQ:
			*keep = !histogram_equal(l->h, r->h);
			return true;
		default:
			return incompatible(eo, l, r);
	}
}

/* one_histogram -- h op v, or v op h if swapped. */
static bool
one_histogram(PromqlElemOp *eo, const PromqlElem *l, const PromqlElem *r, PromqlElem *out)
{
	bool swapped = r->kind == PROMQL_HISTOGRAM;
	PromqlOperator op = eo->op->plan->binary.op;
	double v = swapped ? l->v : r->v;
	Histogram *h;

	if (op != PROMQL_OP_MUL && (swapped || (op != PROMQL_OP_DIV && op != PROMQL_OP_TRIM_UPPER &&
											op != PROMQL_OP_TRIM_LOWER)))
		return incompatible(eo, l, r);
	h = histogram_copy(swapped ? r->h : l->h);
	switch (op)
	{
		case PROMQL_OP_MUL:
			histogram_mul(h, v);
			break;
		case PROMQL_OP_DIV:
			histogram_div(h, v);
			break;
		default:
			histogram_trim(h, v, op == PROMQL_OP_TRIM_UPPER);
			break;
	}
	if (op == PROMQL_OP_MUL || op == PROMQL_OP_DIV)
		histogram_compact(h);
	*out = (PromqlElem){PROMQL_HISTOGRAM, 0, h};
	return true;
}

bool
promql_elem_apply(PromqlElemOp *eo, const PromqlElem *l, const PromqlElem *r, PromqlElem *out,
				  bool *keep)
{
	const PromqlBinaryPlan *b = &eo->op->plan->binary;
	bool ok = true;

	*keep = true;
	*out = *l;
	if (l->kind == PROMQL_HISTOGRAM && r->kind == PROMQL_HISTOGRAM)
		ok = both_histograms(eo, l, r, out, keep);
	else if (l->kind == PROMQL_HISTOGRAM || r->kind == PROMQL_HISTOGRAM)
		ok = one_histogram(eo, l, r, out);
	else if (b->op == PROMQL_OP_TRIM_UPPER || b->op == PROMQL_OP_TRIM_LOWER)
		ok = incompatible(eo, l, r);
	else if (b->is_comparison)
		*keep = promql_float_compare(b->op, l->v, r->v);
	else
		out->v = promql_float_arith(b->op, l->v, r->v);
	if (ok && b->return_bool)
		*out = (PromqlElem){PROMQL_FLOAT, *keep ? 1 : 0, NULL};
	return ok;
}
