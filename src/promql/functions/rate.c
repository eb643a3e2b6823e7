/*
 * rate.c
 *    rate, increase and delta of floats: the difference over a window, extrapolated to its edges
 *    (reference 2.13).
 *
 * Drops are counted once for a series, so that a window without any, the usual one, costs the same
 * whatever it holds.  A window with a histogram in it has no result.
 */
#include "promql/functions/rate.h"

#include "promql/exec/annotate.h"
#include "util/mem.h"

typedef struct RateKind
{
	bool counter; /* resets and the zero point matter */
	bool per_second;
} RateKind;

/*
 * resets -- for each sample the number of drops up to it, NULL if there is none.  The values
 * lost are added window by window, in order, to stay equal to Prometheus to the last bit.
 */
static int32_t *
resets(const PromqlSamples *s)
{
	int32_t *drops;
	int i = 1, n = 0;

	while (i < s->n && !(s->v[i] < s->v[i - 1]))
		i++;
	if (i >= s->n)
		return NULL;
	drops = mem_alloc(sizeof(int32_t) * (size_t) s->n);
	drops[0] = 0;
	for (i = 1; i < s->n; i++)
	{
		n += s->v[i] < s->v[i - 1];
		drops[i] = n;
	}
	return drops;
}

/* window -- the result over samples lo .. hi-1, at least two. */
static double
window(const PromqlWindows *w, const int32_t *drops, int step, RateKind kind)
{
	const int64_t *t = w->samples.t;
	const double *v = w->samples.v;
	int lo = w->lo[step], last = w->hi[step] - 1;
	double result = v[last] - v[lo];
	double to_start = (double) (t[lo] - (w->ref[step] - w->range_ms)) / 1000;
	double to_end = (double) (w->ref[step] - t[last]) / 1000;
	double span = (double) (t[last] - t[lo]) / 1000;
	double average = span / (last - lo);
	double threshold = average * 1.1;
	double factor;

	if (kind.counter && drops != NULL && drops[last] > drops[lo])
		for (int i = lo + 1; i <= last; i++)
			if (v[i] < v[i - 1])
				result += v[i - 1];
	if (to_start >= threshold)
		to_start = average / 2;
	if (kind.counter && result > 0 && v[lo] >= 0)
	{
		double to_zero = span * (v[lo] / result);

		if (to_zero < to_start)
			to_start = to_zero;
	}
	if (to_end >= threshold)
		to_end = average / 2;
	factor = (span + to_start + to_end) / span;
	if (kind.per_second)
		factor /= (double) w->range_ms / 1000;
	return result * factor;
}

static bool
has_suffix(StrView name, const char *suffix)
{
	size_t len = strlen(suffix);

	return name.len >= len && memcmp(name.s + name.len - len, suffix, len) == 0;
}

/* note_name -- the info about a metric that does not look like a counter. */
static void
note_name(PromqlCall *call)
{
	StrView name = labels_metric_name(call->labels);

	if (name.len == 0 || has_suffix(name, "_total") || has_suffix(name, "_sum") ||
		has_suffix(name, "_count") || has_suffix(name, "_bucket"))
		return;
	promql_info(call->exec, call->arg_pos[0],
				"metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
				"%s",
				promql_quoted(name));
}

static bool
window_is_floats(const PromqlSamples *s, int lo, int hi)
{
	if (s->h != NULL)
		for (int i = lo; i < hi; i++)
			if (s->h[i] != NULL)
				return false;
	return true;
}

static bool
run(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, RateKind kind)
{
	int32_t *drops = kind.counter ? resets(&w->samples) : NULL;
	bool any = false;

	for (int i = 0; i < w->nsteps; i++)
	{
		if (w->hi[i] - w->lo[i] < 2 || !window_is_floats(&w->samples, w->lo[i], w->hi[i]))
			continue;
		out->kind[i] = PROMQL_FLOAT;
		out->v[i] = window(w, drops, i, kind);
		any = true;
	}
	if (any && kind.counter)
		note_name(call);
	return true;
}

bool
promql_fn_rate(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	return run(call, w, out, (RateKind){.counter = true, .per_second = true});
}

bool
promql_fn_increase(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	return run(call, w, out, (RateKind){.counter = true});
}

bool
promql_fn_delta(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	return run(call, w, out, (RateKind){0});
}
