/*
 * float_windows.c
 *    The floats of a series and their windows.
 */
#include "promql/functions/float_windows.h"

#include "promql/exec/annotate.h"
#include "util/mem.h"

/*
 * float_counts -- for each i of 0 .. n the number of floats among the first i samples.
 */
static int32_t *
float_counts(const PromqlSamples *s)
{
	int32_t *counts = mem_alloc(sizeof(*counts) * ((size_t) s->n + 1));

	counts[0] = 0;
	for (int i = 0; i < s->n; i++)
		counts[i + 1] = counts[i] + (s->h[i] == NULL);
	return counts;
}

static void
copy_floats(const PromqlSamples *s, int n, PromqlFloatWindows *out)
{
	int64_t *t = mem_alloc(sizeof(*t) * ((size_t) n + 1));
	double *v = mem_alloc(sizeof(*v) * ((size_t) n + 1));

	out->t = t;
	out->v = v;
	out->n = 0;
	for (int i = 0; i < s->n; i++)
	{
		if (s->h[i] != NULL)
			continue;
		t[out->n] = s->t[i];
		v[out->n++] = s->v[i];
	}
}

void
promql_float_windows(PromqlCall *call, int arg, const PromqlWindows *w, PromqlFloatWindows *out)
{
	const PromqlSamples *s = &w->samples;
	int32_t *counts, *lo, *hi;
	bool mixed = false;

	*out = (PromqlFloatWindows){s->n, s->t, s->v, w->nsteps, w->lo, w->hi};
	if (s->h == NULL)
		return;
	counts = float_counts(s);
	copy_floats(s, counts[s->n], out);
	out->lo = lo = mem_alloc(sizeof(*lo) * ((size_t) w->nsteps + 1));
	out->hi = hi = mem_alloc(sizeof(*hi) * ((size_t) w->nsteps + 1));
	for (int i = 0; i < w->nsteps; i++)
	{
		lo[i] = counts[w->lo[i]];
		hi[i] = counts[w->hi[i]];
		mixed |= hi[i] > lo[i] && hi[i] - lo[i] < w->hi[i] - w->lo[i];
	}
	if (mixed)
		promql_info(call->exec, call->arg_pos[arg],
					"ignored histograms in a range containing both floats and histograms for "
					"metric name %s",
					promql_quoted(labels_metric_name(call->labels)));
}
