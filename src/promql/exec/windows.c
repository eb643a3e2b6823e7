/*
 * windows.c
 *    From samples of a series to the window of each step.
 *
 * Two indexes walk over the samples once while the steps advance: O(samples + steps), however
 * much the windows overlap.  A window is left-open: a sample exactly range_ms old is out.
 */
#include "promql/exec/windows.h"

#include "model/value.h"
#include "util/cancel.h"

void
promql_windower_init(PromqlWindower *w, const PromqlGrid *grid, int64_t range_ms, int64_t offset_ms,
					 bool pinned, int64_t at_ms, PromqlExtend extend, int64_t lookback_ms)
{
	int n = grid->nsteps;

	*w = (PromqlWindower){0};
	w->lo = mem_alloc(sizeof(int32_t) * (n + 1));
	w->hi = mem_alloc(sizeof(int32_t) * (n + 1));
	w->ref = mem_alloc(sizeof(int64_t) * (n + 1));
	for (int i = 0; i < n; i++)
		w->ref[i] = (pinned ? at_ms : grid->ts[i]) - offset_ms;
	w->before_ms = range_ms + (extend != PROMQL_EXTEND_NONE ? lookback_ms : 0);
	w->after_ms = extend == PROMQL_EXTEND_SMOOTHED ? lookback_ms : 0;
	w->win.nsteps = n;
	w->win.lo = w->lo;
	w->win.hi = w->hi;
	w->win.ref = w->ref;
	w->win.ts = grid->ts;
	w->win.range_ms = range_ms;
	w->win.extend = extend;
}

static inline bool
sample_is_stale(const PromqlSamples *s, int i)
{
	if (s->h != NULL && s->h[i] != NULL)
		return histogram_is_stale(s->h[i]);
	return value_is_stale(s->v[i]);
}

/*
 * drop_stale -- samples without their stale markers.  Most series have none: then nothing is
 * copied.
 */
static PromqlSamples
drop_stale(PromqlWindower *w, MemScope *mem, const PromqlSamples *s)
{
	int i = 0, n;

	if (s->h == NULL)
		while (i < s->n && !value_is_stale(s->v[i]))
			i++;
	else
		while (i < s->n && !sample_is_stale(s, i))
			i++;
	if (i == s->n)
		return *s;

	if (w->cap < s->n)
	{
		MemScope *old = mem_scope_switch(mem);

		w->cap = s->n + s->n / 2;
		mem_free(w->t);
		mem_free(w->v);
		mem_free(w->h);
		mem_free(w->st);
		w->t = mem_alloc(sizeof(int64_t) * w->cap);
		w->v = mem_alloc(sizeof(double) * w->cap);
		w->h = mem_alloc(sizeof(Histogram *) * w->cap);
		w->st = mem_alloc(sizeof(int64_t) * w->cap);
		mem_scope_switch(old);
	}
	n = 0;
	for (i = 0; i < s->n; i++)
	{
		cancel_poll_at(i);
		if (sample_is_stale(s, i))
			continue;
		w->t[n] = s->t[i];
		w->v[n] = s->v[i];
		w->h[n] = s->h != NULL ? s->h[i] : NULL;
		w->st[n] = s->st != NULL ? s->st[i] : 0;
		n++;
	}
	return (PromqlSamples){n, w->t, w->v, s->h != NULL ? w->h : NULL, s->st != NULL ? w->st : NULL};
}

int64_t
promql_windower_set(PromqlWindower *w, MemScope *mem, const PromqlSamples *s)
{
	PromqlSamples kept = drop_stale(w, mem, s);
	const int64_t *t = kept.t;
	int n = kept.n;
	int lo = 0, hi = 0;
	int64_t total = 0;

	w->win.samples = kept;
	for (int i = 0; i < w->win.nsteps; i++)
	{
		int64_t first = w->ref[i] - w->before_ms; /* excluded */
		int64_t last = w->ref[i] + w->after_ms;	  /* included */

		cancel_poll_at(i);
		while (hi < n && t[hi] <= last)
			hi++;
		while (lo < hi && t[lo] <= first)
			lo++;
		w->lo[i] = lo;
		w->hi[i] = hi;
		total += hi - lo;
	}
	return total;
}
