/*
 * rate_histogram.c
 *    rate, increase and delta of native histograms (reference 2.13).
 *
 * The difference of the last and the first histogram, plus, for counters, what was counted before
 * each reset.  If the counter was reset right behind the first sample, that sample does not
 * matter, and neither do its buckets: an empty one takes its place.
 */
#include "promql/functions/rate_int.h"

#include "model/histogram_math.h"
#include "util/mem.h"

static bool
is_gauge(const Histogram *h)
{
	return h->hint == HISTOGRAM_HINT_GAUGE;
}

/* empty_like -- a histogram without observations in the layout of h. */
static Histogram *
empty_like(const Histogram *h)
{
	Histogram *e = mem_alloc0(sizeof(*e));

	e->schema = h->schema;
	e->n_custom = h->n_custom;
	e->custom = h->custom;
	return e;
}

/*
 * check_inner -- the samples between the first and the last, of a counter: all of one bucket kind,
 * none a gauge.  *schema becomes the lowest seen.
 */
static bool
check_inner(PromqlCall *call, const PromqlWindows *w, int step, bool custom, int32_t *schema)
{
	for (int i = w->lo[step] + 1; i < w->hi[step] - 1; i++)
	{
		const Histogram *h = w->samples.h[i];

		if (is_gauge(h))
			promql_rate_warn_not_counter(call);
		if (h->schema < *schema)
			*schema = h->schema;
		if (histogram_is_custom(h) != custom)
			return false;
	}
	return true;
}

/* add_resets -- what each reset lost, onto result; prev: the histogram before sample lo + 1. */
static void
add_resets(PromqlCall *call, const PromqlWindows *w, int step, const Histogram *prev,
		   Histogram *result)
{
	for (int i = w->lo[step] + 1; i < w->hi[step]; i++)
	{
		const Histogram *h = w->samples.h[i];
		HistogramOpInfo info = {0};

		if (histogram_detect_reset(h, prev) || promql_rate_st_reset(call, &w->samples, i))
		{
			histogram_add(result, prev, &info);
			if (info.bounds_reconciled)
				promql_rate_info_reconciled(call, "addition");
		}
		prev = h;
	}
}

/* difference -- increase between the first and the last sample; NULL: there is none. */
static Histogram *
difference(PromqlCall *call, const PromqlWindows *w, int step, RateKind kind)
{
	const PromqlSamples *s = &w->samples;
	int lo = w->lo[step], last = w->hi[step] - 1;
	const Histogram *first = s->h[lo];
	bool gauges = is_gauge(first) && is_gauge(s->h[last]);
	HistogramOpInfo info = {0};
	int32_t schema;
	Histogram *h;

	if (kind.counter && (is_gauge(first) || is_gauge(s->h[last])))
		promql_rate_warn_not_counter(call);
	if (kind.counter && last > lo &&
		(histogram_detect_reset(s->h[lo + 1], first) || promql_rate_st_reset(call, s, lo + 1)))
		first = empty_like(s->h[lo + 1]);
	schema = first->schema < s->h[last]->schema ? first->schema : s->h[last]->schema;
	if (histogram_is_custom(first) != histogram_is_custom(s->h[last]) ||
		(kind.counter && !check_inner(call, w, step, histogram_is_custom(first), &schema)))
	{
		promql_rate_warn_incompatible(call);
		return NULL;
	}
	h = histogram_copy(s->h[last]);
	if (schema < h->schema)
		histogram_reduce(h, schema);
	histogram_sub(h, first, &info);
	if (info.bounds_reconciled)
		promql_rate_info_reconciled(call, "subtraction");
	if (kind.counter)
		add_resets(call, w, step, first, h);
	else if (!gauges)
		promql_rate_warn_not_gauge(call);
	return h;
}

Histogram *
promql_rate_histogram(PromqlCall *call, const PromqlWindows *w, int step, RateKind kind)
{
	const Histogram *first = w->samples.h[w->lo[step]];
	Histogram *h = difference(call, w, step, kind);
	HistogramOpInfo info = {0};

	if (h == NULL)
		return NULL;
	if (promql_rate_st_inside(call, w, step, kind))
		histogram_add(h, first, &info);
	h->hint = HISTOGRAM_HINT_GAUGE;
	histogram_compact(h);
	histogram_mul(h, promql_rate_factor(call, w, step, kind, first->count, h->count));
	return h;
}
