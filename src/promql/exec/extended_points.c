/*
 * extended_points.c
 *    The points of a range selector that is itself the query.
 *
 * A plain one shows its samples.  An anchored or smoothed one shows the values at its two edges
 * and the samples strictly between them (reference 2.16).
 */
#include "promql/exec/extended_points.h"

#include "promql/functions/extended.h"

static bool
extended(const PromqlWindows *w, PromqlSamples *out, Err *err)
{
	const PromqlSamples *s = &w->samples;
	int lo = w->lo[0], n = w->hi[0] - lo;
	int64_t *t = mem_alloc(sizeof(int64_t) * (n + 2));
	double *v = mem_alloc(sizeof(double) * (n + 2));
	PromqlEdges e;

	for (int i = lo; s->h != NULL && i < w->hi[0]; i++)
		if (s->h[i] != NULL)
			return err_set(err, ERR_EXECUTION, -1, "%s modifier is not supported with histograms",
						   w->extend == PROMQL_EXTEND_ANCHORED ? "anchored" : "smoothed");
	*out = (PromqlSamples){.t = t, .v = v};
	if (!promql_extended_edges(w, 0, &e))
		return true;
	t[out->n] = e.start;
	v[out->n++] = promql_edge_left(&e, s, false);
	for (int i = e.first; i <= e.last; i++)
		if (s->t[i] > e.start && s->t[i] < e.end)
		{
			t[out->n] = s->t[i];
			v[out->n++] = s->v[i];
		}
	t[out->n] = e.end;
	v[out->n++] = promql_edge_right(&e, s, false);
	return true;
}

bool
promql_window_points(const PromqlWindows *w, PromqlSamples *out, Err *err)
{
	const PromqlSamples *s = &w->samples;
	int lo = w->lo[0];

	if (w->extend != PROMQL_EXTEND_NONE)
		return extended(w, out, err);
	*out =
		(PromqlSamples){w->hi[0] - lo, s->t + lo, s->v + lo, s->h != NULL ? s->h + lo : NULL, NULL};
	return true;
}
