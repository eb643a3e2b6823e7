/*
 * changes.c
 *    changes and resets: how often neighbouring samples of a window differ in a certain way.
 *
 * Whether sample i is an event, compared with the one before it, does not depend on the window: the
 * events of a window are a difference of two counts.
 */
#include "model/histogram_math.h"
#include "promql/functions/families.h"
#include "promql/functions/rate_int.h"

typedef bool IsEvent(const PromqlCall *call, const PromqlSamples *s, int i);

static bool
is_histogram(const PromqlSamples *s, int i)
{
	return s->h != NULL && s->h[i] != NULL;
}

static bool
is_change(const PromqlCall *call, const PromqlSamples *s, int i)
{
	if (is_histogram(s, i) != is_histogram(s, i - 1))
		return true;
	if (is_histogram(s, i))
		return !histogram_equal(s->h[i], s->h[i - 1]);
	return s->v[i] != s->v[i - 1] && !(isnan(s->v[i]) && isnan(s->v[i - 1]));
}

static bool
is_reset(const PromqlCall *call, const PromqlSamples *s, int i)
{
	if (is_histogram(s, i) != is_histogram(s, i - 1) || promql_rate_st_reset(call, s, i))
		return true;
	if (is_histogram(s, i))
		return histogram_detect_reset(s->h[i], s->h[i - 1]);
	return s->v[i] < s->v[i - 1];
}

/*
 * first_sample -- of step's window.  An anchored one begins with the last sample at or before the
 * start of its range; -1 if nothing lies behind that start.
 */
static int
first_sample(const PromqlWindows *w, int step)
{
	const int64_t *t = w->samples.t;
	int64_t start = w->ref[step] - w->range_ms;
	int lo = w->lo[step], hi = w->hi[step];

	if (lo == hi || w->extend == PROMQL_EXTEND_NONE)
		return lo < hi ? lo : -1;
	if (t[hi - 1] <= start)
		return -1;
	while (t[lo] <= start && t[lo + 1] <= start)
		lo++;
	return lo;
}

static bool
count_events(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, IsEvent *is_event)
{
	int32_t *events = mem_alloc(sizeof(*events) * ((size_t) w->samples.n + 1)); /* up to sample i */

	events[0] = 0;
	for (int i = 1; i < w->samples.n; i++)
		events[i] = events[i - 1] + is_event(call, &w->samples, i);
	for (int i = 0; i < w->nsteps; i++)
	{
		int first = first_sample(w, i);

		if (first < 0)
			continue;
		out->kind[i] = PROMQL_FLOAT;
		out->v[i] = events[w->hi[i] - 1] - events[first];
	}
	return true;
}

bool
promql_fn_changes(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	return count_events(call, w, out, is_change);
}

bool
promql_fn_resets(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	return count_events(call, w, out, is_reset);
}
