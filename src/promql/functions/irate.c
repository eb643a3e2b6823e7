/*
 * irate.c
 *    irate and idelta: the last two samples of a window (reference 2.13).
 */
#include "model/histogram_math.h"
#include "promql/functions/families.h"
#include "promql/functions/rate_int.h"

/* float_result -- between samples i-1 and i; a counter that was reset began again at zero. */
static double
float_result(PromqlCall *call, const PromqlSamples *s, int i, RateKind kind)
{
	if (kind.counter && (s->v[i] < s->v[i - 1] || promql_rate_st_reset(call, s, i)))
		return s->v[i];
	return s->v[i] - s->v[i - 1];
}

/* histogram_result -- NULL, with a warning, if the two have no difference. */
static Histogram *
histogram_result(PromqlCall *call, const PromqlSamples *s, int i, RateKind kind)
{
	const Histogram *last = s->h[i], *before = s->h[i - 1];
	int ngauges = (last->hint == HISTOGRAM_HINT_GAUGE) + (before->hint == HISTOGRAM_HINT_GAUGE);
	HistogramOpInfo info = {0};
	Histogram *h = histogram_copy(last);

	if (kind.counter && ngauges > 0)
		promql_rate_warn_not_counter(call);
	if (!kind.counter && ngauges < 2)
		promql_rate_warn_not_gauge(call);
	if (!kind.counter ||
		!(histogram_detect_reset(last, before) || promql_rate_st_reset(call, s, i)))
	{
		if (!histogram_sub(h, before, &info))
		{
			promql_rate_warn_incompatible(call);
			return NULL;
		}
		if (info.bounds_reconciled)
			promql_rate_info_reconciled(call, "subtraction");
	}
	h->hint = HISTOGRAM_HINT_GAUGE;
	histogram_compact(h);
	return h;
}

/* step -- the result of step i of the query. */
static void
step(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, int i, RateKind kind)
{
	const PromqlSamples *s = &w->samples;
	int last = w->hi[i] - 1;
	double seconds;
	bool is_histogram;

	if (last <= w->lo[i])
		return;
	seconds = (double) (s->t[last] - s->t[last - 1]) / 1000;
	is_histogram = s->h != NULL && s->h[last] != NULL;
	if (s->h != NULL && is_histogram != (s->h[last - 1] != NULL))
	{
		promql_rate_warn_mixed(call);
		return;
	}
	if (is_histogram)
	{
		Histogram *h = histogram_result(call, s, last, kind);

		if (h == NULL)
			return;
		if (kind.per_second)
			histogram_div(h, seconds);
		promql_vector_need_h(out, w->nsteps);
		out->kind[i] = PROMQL_HISTOGRAM;
		out->h[i] = h;
		return;
	}
	out->kind[i] = PROMQL_FLOAT;
	out->v[i] = float_result(call, s, last, kind);
	if (kind.per_second)
		out->v[i] /= seconds;
}

bool
promql_fn_irate(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	for (int i = 0; i < w->nsteps; i++)
		step(call, w, out, i, (RateKind){.counter = true, .per_second = true});
	return true;
}

bool
promql_fn_idelta(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	for (int i = 0; i < w->nsteps; i++)
		step(call, w, out, i, (RateKind){0});
	return true;
}
