/*
 * extended.c
 *    Values at the edges of an anchored or smoothed window (reference 2.16).
 *
 * An anchored window starts with the last sample at or before its start; a smoothed one has
 * values interpolated at both its ends.  The window holds the samples needed for that beyond
 * its edges.
 */
#include "promql/functions/extended.h"

bool
promql_extended_edges(const PromqlWindows *w, int step, PromqlEdges *out)
{
	const PromqlSamples *s = &w->samples;
	bool smoothed = w->extend == PROMQL_EXTEND_SMOOTHED;
	int lo = w->lo[step], newest = w->hi[step] - 1;
	PromqlEdges e = {.start = w->ref[step] - w->range_ms, .end = w->ref[step]};

	if (newest < lo)
		return false;
	e.first = lo;
	while (e.first + 1 < newest && s->t[e.first + 1] <= e.start)
		e.first++;
	e.last = newest;
	if (smoothed)
	{
		e.last = lo;
		while (e.last < newest && s->t[e.last] < e.end)
			e.last++;
	}
	if (s->t[e.last] <= e.start || (smoothed && s->t[e.first] > e.end))
		return false;
	e.left_between = smoothed && s->t[e.first] < e.start;
	e.right_between = smoothed && e.last > lo && s->t[e.last] > e.end;
	*out = e;
	return true;
}

double
promql_interpolate(const PromqlSamples *s, int i, int64_t t, bool counter)
{
	double y1 = s->v[i], y2 = s->v[i + 1];

	if (counter && y2 < y1)
		y1 = 0;
	return y1 + (y2 - y1) * (double) (t - s->t[i]) / (double) (s->t[i + 1] - s->t[i]);
}

double
promql_edge_left(const PromqlEdges *e, const PromqlSamples *s, bool counter)
{
	return e->left_between ? promql_interpolate(s, e->first, e->start, counter) : s->v[e->first];
}

double
promql_edge_right(const PromqlEdges *e, const PromqlSamples *s, bool counter)
{
	return e->right_between ? promql_interpolate(s, e->last - 1, e->end, counter) : s->v[e->last];
}

/*
 * The part of b's increase is added to a; across a reset the counter starts from zero.  Reset hints
 * say something about neighbours in storage, which the result has none of.
 */
Histogram *
promql_interpolate_histogram(const Histogram *a, const Histogram *b, double fraction, bool counter,
							 HistogramOpInfo *info)
{
	HistogramHint hint = counter ? HISTOGRAM_HINT_UNKNOWN : HISTOGRAM_HINT_GAUGE;
	Histogram *part = histogram_copy(b);
	Histogram *result;

	part->hint = hint;
	if (counter && histogram_detect_reset(b, a))
	{
		histogram_mul(part, fraction);
		return part;
	}
	result = histogram_copy(a);
	result->hint = hint;
	histogram_sub(part, result, info);
	histogram_mul(part, fraction);
	histogram_add(result, part, info);
	result->hint = hint;
	return result;
}
