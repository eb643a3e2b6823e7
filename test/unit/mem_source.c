/*
 * mem_source.c
 *    A PromqlSource over series in memory, for tests of the evaluator.
 */
#include "mem_source.h"

#include <stdlib.h>
#include <string.h>

typedef struct MemSet
{
	PromqlSeriesSet set;
	MemSource *ms;
	const MemSeries **series;
	int64_t mint, maxt;
	int last; /* series asked for last: asserts the order of source.h */
} MemSet;

static Labels
set_labels(PromqlSeriesSet *set, int i)
{
	return ((MemSet *) set)->series[i]->labels;
}

static bool
set_samples(PromqlSeriesSet *set, int i, PromqlSamples *out, Err *err)
{
	MemSet *self = (MemSet *) set;
	const MemSeries *s = self->series[i];
	int lo = 0, hi = s->n;

	if (i <= self->last)
		return err_set(err, ERR_INTERNAL, -1, "series asked for out of order");
	self->last = i;
	while (lo < s->n && s->t[lo] < self->mint)
		lo++;
	while (hi > lo && s->t[hi - 1] > self->maxt)
		hi--;
	set->samples_read += hi - lo;
	*out = (PromqlSamples){hi - lo, s->t + lo, s->v + lo, s->has_histograms ? s->h + lo : NULL,
						   s->has_start_times ? s->st + lo : NULL};
	return true;
}

static void
set_close(PromqlSeriesSet *set)
{
	((MemSet *) set)->ms->nopen--;
}

static int
series_cmp(const void *a, const void *b)
{
	return labels_cmp((*(const MemSeries *const *) a)->labels,
					  (*(const MemSeries *const *) b)->labels);
}

static PromqlSeriesSet *
source_select(PromqlSource *src, const PromqlSelect *sel, Err *err)
{
	MemSource *ms = (MemSource *) src;
	MemSet *self = mem_alloc0(sizeof(*self));

	self->ms = ms;
	self->mint = sel->mint;
	self->maxt = sel->maxt;
	self->last = -1;
	self->series = mem_alloc(sizeof(*self->series) * (ms->map.n + 1));
	for (int i = 0; i < ms->map.n; i++)
		if (matchers_match(sel->matchers, sel->nmatchers, ms->series[i].labels))
			self->series[self->set.nseries++] = &ms->series[i];
	if (self->set.nseries > 1)
		qsort(self->series, self->set.nseries, sizeof(*self->series), series_cmp);
	self->set.labels = set_labels;
	self->set.samples = set_samples;
	self->set.close = set_close;
	ms->nselects++;
	ms->nopen++;
	return &self->set;
}

void
mem_source_init(MemSource *ms)
{
	*ms = (MemSource){.source.select = source_select, .mem = mem_scope_current()};
	promql_label_map_init(&ms->map, ms->mem);
}

bool
mem_source_append(MemSource *ms, Labels labels, int64_t t, double v, const Histogram *h, int64_t st)
{
	bool is_new;
	int id = promql_label_map_add(&ms->map, labels, &is_new);
	MemScope *old = mem_scope_switch(ms->mem);
	MemSeries *s;
	bool ok;

	if (id >= ms->cap)
	{
		ms->cap = ms->map.cap;
		ms->series = mem_realloc(ms->series, sizeof(*ms->series) * ms->cap);
	}
	s = &ms->series[id];
	if (is_new)
		*s = (MemSeries){.labels = ms->map.keys[id]};
	ok = s->n == 0 || t > s->t[s->n - 1];
	if (ok)
	{
		if (s->n == s->cap)
		{
			s->cap = s->cap == 0 ? 16 : s->cap * 2;
			s->t = mem_realloc(s->t, sizeof(*s->t) * s->cap);
			s->v = mem_realloc(s->v, sizeof(*s->v) * s->cap);
			s->h = mem_realloc(s->h, sizeof(*s->h) * s->cap);
			s->st = mem_realloc(s->st, sizeof(*s->st) * s->cap);
		}
		s->t[s->n] = t;
		s->v[s->n] = v;
		s->h[s->n] = h != NULL ? histogram_copy(h) : NULL;
		s->st[s->n] = st;
		s->has_histograms |= h != NULL;
		s->has_start_times |= st != 0;
		s->n++;
	}
	mem_scope_switch(old);
	return ok;
}

void
mem_source_load(MemSource *ms, const char *labels, int64_t t0, int64_t step, int n, const double *v)
{
	Labels ls = mem_source_labels(labels);

	for (int i = 0; i < n; i++)
		mem_source_append(ms, ls, t0 + i * step, v[i], NULL, 0);
}

Labels
mem_source_labels(const char *text)
{
	LabelsBuilder b;
	const char *p = strchr(text, '{');
	size_t name_len = p != NULL ? (size_t) (p - text) : strlen(text);

	labels_builder_init(&b);
	if (name_len > 0)
		labels_builder_set(&b, strview_cstr(LABELS_NAME), strview(text, name_len));
	while (p != NULL && *p != '}')
	{
		const char *name = p + 1 + strspn(p + 1, " ,");
		const char *eq = strchr(name, '=');
		const char *end = eq != NULL ? strchr(eq + 2, '"') : NULL;

		if (end == NULL)
			break;
		labels_builder_set(&b, strview(name, eq - name), strview(eq + 2, end - eq - 2));
		p = end + 1;
	}
	return labels_builder_finish(&b);
}
