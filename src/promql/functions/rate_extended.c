/*
 * rate_extended.c
 *    rate, increase and delta over anchored and smoothed windows (reference 2.16).
 *
 * The values at the edges are known or interpolated, so nothing is extrapolated: the result is
 * right less left, plus, for counters, what was lost in resets on the way.
 */
#include "model/histogram_math.h"
#include "promql/functions/extended.h"
#include "promql/functions/rate_int.h"

bool
promql_rate_extended(PromqlCall *call, const PromqlWindows *w, int step, RateKind kind, double *out)
{
	const PromqlSamples *s = &w->samples;
	PromqlEdges e;
	double prev, left, right, result;

	if (!promql_extended_edges(w, step, &e))
		return false;
	left = promql_edge_left(&e, s, kind.counter);
	right = promql_edge_right(&e, s, kind.counter);
	result = right - left;
	prev = left;
	for (int i = e.first; kind.counter && i <= e.last; i++)
	{
		if (s->t[i] <= e.start || s->t[i] >= e.end)
			continue;
		if (s->v[i] < prev)
			result += prev;
		prev = s->v[i];
	}
	if (kind.counter && right < prev)
		result += prev;
	*out = kind.per_second ? result / ((double) w->range_ms / 1000) : result;
	return true;
}

/* --- histograms --------------------------------------------------------------------------------- */

static bool
check_kinds(PromqlCall *call, const PromqlSamples *s, const PromqlEdges *e, RateKind kind)
{
	for (int i = e->first; i <= e->last; i++)
	{
		if (histogram_is_custom(s->h[i]) != histogram_is_custom(s->h[e->first]))
		{
			promql_rate_warn_incompatible(call);
			return false;
		}
		if (kind.counter && s->h[i]->hint == HISTOGRAM_HINT_GAUGE)
			promql_rate_warn_not_counter(call);
	}
	if (!kind.counter && (s->h[e->first]->hint != HISTOGRAM_HINT_GAUGE ||
						  s->h[e->last]->hint != HISTOGRAM_HINT_GAUGE))
		promql_rate_warn_not_gauge(call);
	return true;
}

/* edge -- the histogram at t between samples i and i + 1. */
static Histogram *
edge(PromqlCall *call, const PromqlSamples *s, int i, int64_t t, RateKind kind)
{
	HistogramOpInfo info = {0};
	double fraction = (double) (t - s->t[i]) / (double) (s->t[i + 1] - s->t[i]);
	Histogram *h =
		promql_interpolate_histogram(s->h[i], s->h[i + 1], fraction, kind.counter, &info);

	if (info.bounds_reconciled)
		promql_rate_info_reconciled(call, "subtraction");
	return h;
}

/* add -- *sum += h, telling of reconciled bounds. */
static void
add(PromqlCall *call, Histogram *sum, const Histogram *h)
{
	HistogramOpInfo info = {0};

	histogram_add(sum, h, &info);
	if (info.bounds_reconciled)
		promql_rate_info_reconciled(call, "addition");
}

Histogram *
promql_rate_extended_histogram(PromqlCall *call, const PromqlWindows *w, int step, RateKind kind)
{
	const PromqlSamples *s = &w->samples;
	PromqlEdges e;
	HistogramOpInfo info = {0};
	const Histogram *left, *right, *prev;
	Histogram *result;
	int next;

	if (!promql_extended_edges(w, step, &e) || !check_kinds(call, s, &e, kind))
		return NULL;
	left = e.left_between ? edge(call, s, e.first, e.start, kind) : s->h[e.first];
	right = e.right_between ? edge(call, s, e.last - 1, e.end, kind) : s->h[e.last];
	result = histogram_copy(right);
	histogram_sub(result, left, &info);
	if (info.bounds_reconciled)
		promql_rate_info_reconciled(call, "subtraction");

	prev = left;
	next = e.first + 1;
	if (kind.counter && e.left_between && next < e.last &&
		histogram_detect_reset(s->h[next], s->h[e.first]))
		prev = s->h[next++]; /* the interpolation began anew at this reset already */
	for (; kind.counter && next < e.last; next++)
	{
		if (histogram_detect_reset(s->h[next], prev))
			add(call, result, prev);
		prev = s->h[next];
	}
	if (kind.counter && histogram_detect_reset(right, prev))
		add(call, result, prev);

	result->hint = HISTOGRAM_HINT_GAUGE;
	histogram_compact(result);
	if (kind.per_second)
		histogram_mul(result, 1 / ((double) w->range_ms / 1000));
	return result;
}
