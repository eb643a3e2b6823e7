/*
 * extended.c
 *    Values at the edges of an anchored or smoothed window of floats (reference 2.16).
 *
 * An anchored window starts with the last sample at or before its start; a smoothed one has
 * values interpolated at both its ends.  The window holds the samples needed for that beyond
 * its edges.
 */
#include "promql/functions/extended.h"

double
promql_interpolate(const PromqlSamples *s, int i, int64_t t, bool counter)
{
	double y1 = s->v[i], y2 = s->v[i + 1];

	if (counter && y2 < y1)
		y1 = 0;
	return y1 + (y2 - y1) * (double) (t - s->t[i]) / (double) (s->t[i + 1] - s->t[i]);
}

bool
promql_extended_edges(const PromqlWindows *w, int step, bool counter, PromqlEdges *out)
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
	e.left = s->v[e.first];
	if (smoothed && s->t[e.first] < e.start)
		e.left = promql_interpolate(s, e.first, e.start, counter);
	e.right = s->v[e.last];
	if (smoothed && e.last > lo && s->t[e.last] > e.end)
		e.right = promql_interpolate(s, e.last - 1, e.end, counter);
	*out = e;
	return true;
}
