/*
 * elem.h
 *    A binary operator on two elements of a step, floats or histograms (reference 2.11).
 */
#ifndef MIMIR_PROMQL_EXEC_ELEM_H
#define MIMIR_PROMQL_EXEC_ELEM_H

#include "promql/exec/operator.h"

typedef struct PromqlElem
{
	PromqlKind kind;
	double v;
	Histogram *h;
} PromqlElem;

typedef struct PromqlElemOp
{
	PromqlOp *op;	/* whose plan->binary it is */
	unsigned told;	/* annotations given, a bit for each */
	uint8_t *noted; /* by step: the annotation noted last; NULL: they are given at once */
	int step;		/* where in noted */
} PromqlElemOp;

/*
 * promql_elem_apply -- *out = l op r.  False: the pair does not go together, an annotation says
 * so.  A comparison puts its answer in *keep; *out is then l, or 0 or 1 with bool.
 *
 * Between two vectors Prometheus annotates only the last such pair of a step, so where eo->noted is
 * set, the caller sets eo->step and at the end calls promql_elem_tell.
 */
extern bool promql_elem_apply(PromqlElemOp *eo, const PromqlElem *l, const PromqlElem *r,
							  PromqlElem *out, bool *keep);

extern void promql_elem_tell(PromqlElemOp *eo);

static inline PromqlElem
promql_elem_at(const PromqlVector *vec, int i)
{
	PromqlElem e = {vec->kind[i], 0, NULL};

	if (e.kind == PROMQL_HISTOGRAM)
		e.h = vec->h[i];
	else if (e.kind == PROMQL_FLOAT)
		e.v = vec->v[i];
	return e;
}

/* promql_elem_put -- n: steps of vec, in case it needs its histogram array. */
static inline void
promql_elem_put(PromqlVector *vec, int i, int n, const PromqlElem *e)
{
	vec->kind[i] = e->kind;
	if (e->kind == PROMQL_HISTOGRAM)
	{
		promql_vector_need_h(vec, n);
		vec->h[i] = e->h;
	}
	else
		vec->v[i] = e->v;
}

#endif
