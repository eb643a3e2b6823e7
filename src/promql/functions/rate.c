/*
 * rate.c
 *    rate, increase and delta: the difference over a window, extrapolated to its edges
 *    (reference 2.13).
 *
 * Samples rarely lie on the edges of a window.  The increase between the first and the last one is
 * stretched to the edges if they are about one sample distance away, else by half of that; a
 * counter is not stretched to before it was zero.
 *
 * Drops of floats are counted once for a series, so that a window without any, the usual one,
 * costs the same whatever it holds; the values lost are added window by window, in order, to
 * equal Prometheus to the last bit.  Histograms and extended windows have files of their own.
 */
#include "promql/functions/rate.h"

#include "promql/exec/annotate.h"
#include "promql/functions/rate_int.h"
#include "util/cancel.h"
#include "util/mem.h"

/* --- start timestamps ------------------------------------------------------------------------- */

static bool
has_start_times(const PromqlCall *call, const PromqlSamples *s)
{
	return s->st != NULL && call->flags->start_timestamps;
}

bool
promql_rate_st_inside(const PromqlCall *call, const PromqlWindows *w, int step, RateKind kind)
{
	const PromqlSamples *s = &w->samples;
	int first = w->lo[step];

	return kind.counter && has_start_times(call, s) && s->st[first] > w->ref[step] - w->range_ms &&
		   s->st[first] < s->t[first] && s->st[first] != 0;
}

bool
promql_rate_st_reset(const PromqlCall *call, const PromqlSamples *s, int i)
{
	int64_t before, start;

	if (!has_start_times(call, s))
		return false;
	before = s->st[i - 1];
	start = s->st[i];
	if (start == 0 || start >= s->t[i] || start < s->t[i - 1])
		return false;
	if (start > s->t[i - 1])
		return true;
	return before <= s->t[i - 1] && before != 0 && before != s->t[i - 1];
}

/* warn_overlap -- a sample that began to count before its predecessor was taken, but not with it. */
static void
warn_overlap(PromqlCall *call, const PromqlWindows *w)
{
	const PromqlSamples *s = &w->samples;

	if (!has_start_times(call, s))
		return;
	for (int step = 0; step < w->nsteps; step++)
		for (int i = w->lo[step] + 1; i < w->hi[step]; i++)
			if (s->st[i] != 0 && s->st[i] < s->t[i - 1] && s->st[i] != s->st[i - 1])
			{
				promql_warn(call->exec, call->arg_pos[0],
							"sample has start time that overlaps with previous sample timestamp "
							"for metric %s",
							promql_quoted(labels_metric_name(call->labels)));
				return;
			}
}

/* --- annotations ------------------------------------------------------------------------------ */

static const char *
quoted_name(const PromqlCall *call)
{
	return promql_quoted(labels_metric_name(call->labels));
}

void
promql_rate_warn_mixed(PromqlCall *call)
{
	promql_warn(call->exec, call->arg_pos[0],
				"encountered a mix of histograms and floats for metric name %s", quoted_name(call));
}

void
promql_rate_warn_incompatible(PromqlCall *call)
{
	promql_warn(call->exec, call->arg_pos[0],
				"vector contains a mix of histograms with exponential and custom buckets schemas "
				"for metric name %s",
				quoted_name(call));
}

void
promql_rate_warn_not_counter(PromqlCall *call)
{
	promql_warn(call->exec, call->arg_pos[0], "this native histogram metric is not a counter: %s",
				quoted_name(call));
}

void
promql_rate_warn_not_gauge(PromqlCall *call)
{
	promql_warn(call->exec, call->arg_pos[0], "this native histogram metric is not a gauge: %s",
				quoted_name(call));
}

void
promql_rate_info_reconciled(PromqlCall *call, const char *operation)
{
	promql_info(call->exec, call->arg_pos[0], "mismatched custom buckets were reconciled during %s",
				operation);
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
	StrView type;

	if (name.len == 0)
		return;
	if (call->flags->type_and_unit_labels)
	{
		labels_get(call->labels, strview_cstr("__type__"), &type);
		if (!strview_eq_cstr(type, "counter") && !strview_eq_cstr(type, "histogram"))
			promql_info(call->exec, call->arg_pos[0],
						"metric might not be a counter, __type__ label is not set to \"counter\" "
						"or \"histogram\", got %s: %s",
						promql_quoted(type), promql_quoted(name));
		return;
	}
	if (!has_suffix(name, "_total") && !has_suffix(name, "_sum") && !has_suffix(name, "_count") &&
		!has_suffix(name, "_bucket"))
		promql_info(call->exec, call->arg_pos[0],
					"metric might not be a counter, name does not end in "
					"_total/_sum/_count/_bucket: %s",
					promql_quoted(name));
}

/* --- extrapolation ------------------------------------------------------------------------------ */

double
promql_rate_factor(const PromqlCall *call, const PromqlWindows *w, int step, RateKind kind,
				   double first, double increase)
{
	const PromqlSamples *s = &w->samples;
	int lo = w->lo[step], last = w->hi[step] - 1;
	double to_start = (double) (s->t[lo] - (w->ref[step] - w->range_ms)) / 1000;
	double to_end = (double) (w->ref[step] - s->t[last]) / 1000;
	double span = (double) (s->t[last] - s->t[lo]) / 1000;
	double average = last > lo ? span / (last - lo) : 0;
	double threshold = average * 1.1;
	double factor;

	if (promql_rate_st_inside(call, w, step, kind))
	{
		to_start = 0;
		span = (double) (s->t[last] - s->st[lo]) / 1000;
	}
	else if (to_start >= threshold)
		to_start = average / 2;
	if (kind.counter && increase > 0 && first >= 0)
	{
		double to_zero = span * (first / increase);

		if (to_zero < to_start)
			to_start = to_zero;
	}
	if (to_end >= threshold)
		to_end = average / 2;
	factor = span == 0 ? 1 : (span + to_start + to_end) / span;
	return kind.per_second ? factor / ((double) w->range_ms / 1000) : factor;
}

/* --- floats ----------------------------------------------------------------------------------- */

/* count_drops -- for each sample the number of resets up to it, NULL if there is none. */
static int32_t *
count_drops(const PromqlCall *call, const PromqlSamples *s)
{
	bool by_start = has_start_times(call, s);
	int32_t *drops;
	int i = 1, n = 0;

	while (i < s->n && !(s->v[i] < s->v[i - 1]) && !by_start)
		i++;
	if (i >= s->n)
		return NULL;
	drops = mem_alloc(sizeof(int32_t) * (size_t) s->n);
	drops[0] = 0;
	for (i = 1; i < s->n; i++)
	{
		n += s->v[i] < s->v[i - 1] || promql_rate_st_reset(call, s, i);
		drops[i] = n;
	}
	return drops;
}

static double
rate_floats(const PromqlCall *call, const PromqlWindows *w, const int32_t *drops, int step,
			RateKind kind)
{
	const double *v = w->samples.v;
	int lo = w->lo[step], last = w->hi[step] - 1;
	double increase = v[last] - v[lo];

	if (drops != NULL && drops[last] > drops[lo])
		for (int i = lo + 1; i <= last; i++)
			if (drops[i] > drops[i - 1])
				increase += v[i - 1];
	if (promql_rate_st_inside(call, w, step, kind))
		increase += v[lo];
	return increase * promql_rate_factor(call, w, step, kind, v[lo], increase);
}

/* --- the functions ---------------------------------------------------------------------------- */

typedef enum WindowKind
{
	WINDOW_FLOATS,
	WINDOW_HISTOGRAMS,
	WINDOW_MIXED
} WindowKind;

static WindowKind
window_kind(const PromqlWindows *w, int step)
{
	int histograms = 0;

	if (w->samples.h == NULL)
		return WINDOW_FLOATS;
	for (int i = w->lo[step]; i < w->hi[step]; i++)
		histograms += w->samples.h[i] != NULL;
	if (histograms == 0)
		return WINDOW_FLOATS;
	return histograms == w->hi[step] - w->lo[step] ? WINDOW_HISTOGRAMS : WINDOW_MIXED;
}

static void
put_histogram(PromqlVector *out, const PromqlWindows *w, int step, Histogram *h)
{
	if (h == NULL)
		return;
	if (out->h == NULL)
		out->h = mem_alloc0(sizeof(Histogram *) * (size_t) (w->nsteps + 1));
	out->kind[step] = PROMQL_HISTOGRAM;
	out->h[step] = h;
}

/* run_step -- one window; true: it gave a float. */
static bool
run_step(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, const int32_t *drops,
		 int step, RateKind kind)
{
	int n = w->hi[step] - w->lo[step];
	bool extended = w->extend != PROMQL_EXTEND_NONE;

	if (n == 0 || (n == 1 && !extended && !promql_rate_st_inside(call, w, step, kind)))
		return false;
	switch (window_kind(w, step))
	{
		case WINDOW_MIXED:
			promql_rate_warn_mixed(call);
			return false;
		case WINDOW_HISTOGRAMS:
			put_histogram(out, w, step,
						  extended ? promql_rate_extended_histogram(call, w, step, kind)
								   : promql_rate_histogram(call, w, step, kind));
			return false;
		case WINDOW_FLOATS:
			break;
	}
	if (!extended)
		out->v[step] = rate_floats(call, w, drops, step, kind);
	else if (!promql_rate_extended(call, w, step, kind, &out->v[step]))
		return false;
	out->kind[step] = PROMQL_FLOAT;
	return true;
}

static bool
run(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, RateKind kind)
{
	const int32_t *drops = NULL;
	bool any_float = false;

	if (kind.counter && w->samples.n > 0 && w->extend == PROMQL_EXTEND_NONE)
	{
		drops = count_drops(call, &w->samples);
		warn_overlap(call, w);
	}
	for (int i = 0; i < w->nsteps; i++)
	{
		cancel_poll();
		any_float |= run_step(call, w, out, drops, i, kind);
	}
	if (any_float && kind.counter)
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
