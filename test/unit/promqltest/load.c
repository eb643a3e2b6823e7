/*
 * load.c
 *    The load command: samples at multiples of the step, and native histograms with custom
 *    buckets made from classic ones.
 *
 * Histograms get the reset hints that a store would read back from its chunks: the first of a
 * chunk has none, the others continue the counter, a gauge stays one (reference 3.7.4).
 */
#include "promqltest/load.h"

#include "model/histogram_math.h"
#include "util/mem.h"
#include "util/text.h"

#include <stdlib.h>

/* --- hints -------------------------------------------------------------------------------------- */

static bool
same_bounds(const Histogram *a, const Histogram *b)
{
	if (a->n_custom != b->n_custom)
		return false;
	for (int i = 0; i < a->n_custom; i++)
		if (a->custom[i] != b->custom[i])
			return false;
	return true;
}

/* continues -- would h go into the chunk that ends with prev? */
static bool
continues(const Histogram *h, const Histogram *prev)
{
	Histogram cur = *h;

	if (prev == NULL || histogram_is_stale(prev) || prev->hint == HISTOGRAM_HINT_GAUGE ||
		h->hint == HISTOGRAM_HINT_RESET || h->schema != prev->schema ||
		h->zero_threshold != prev->zero_threshold || !same_bounds(h, prev))
		return false;
	cur.hint = HISTOGRAM_HINT_UNKNOWN;
	return !histogram_detect_reset(&cur, prev);
}

static const Histogram *
newest(const MemSource *ms, Labels labels)
{
	int id = promql_label_map_find(&ms->map, labels);
	const MemSeries *s = id >= 0 ? &ms->series[id] : NULL;

	return s != NULL && s->n > 0 ? s->h[s->n - 1] : NULL;
}

static bool
append(MemSource *ms, Labels labels, int64_t t, const SeriesValue *v, int64_t st, Err *err)
{
	Histogram h;
	bool ok;

	if (v->h == NULL)
		ok = mem_source_append(ms, labels, t, v->v, NULL, st);
	else
	{
		h = *v->h;
		if (h.hint != HISTOGRAM_HINT_GAUGE)
			h.hint = continues(&h, newest(ms, labels)) ? HISTOGRAM_HINT_NOT_RESET
													   : HISTOGRAM_HINT_UNKNOWN;
		ok = mem_source_append(ms, labels, t, 0, &h, st);
	}
	return ok || err_set(err, ERR_EXECUTION, -1, "out of order sample");
}

/* --- classic to native ---------------------------------------------------------------------------- */

/* One series X_bucket, X_count or X_sum, and what it is called as a part of X. */
typedef struct ClassicPart
{
	const SeriesDesc *desc;
	Labels histogram; /* labels of X */
	enum
	{
		PART_BUCKET,
		PART_COUNT,
		PART_SUM
	} kind;
	double le;
} ClassicPart;

static bool
cut_suffix(StrView *name, const char *suffix)
{
	size_t len = strlen(suffix);

	if (name->len <= len || memcmp(name->s + name->len - len, suffix, len) != 0)
		return false;
	name->len -= (uint32_t) len;
	return true;
}

static bool
classic_part(const SeriesDesc *desc, ClassicPart *out)
{
	StrView name = labels_metric_name(desc->labels);
	LabelsBuilder b;
	StrView le;

	*out = (ClassicPart){.desc = desc};
	if (cut_suffix(&name, "_bucket"))
	{
		out->kind = PART_BUCKET;
		labels_get(desc->labels, strview_cstr("le"), &le);
		if (!text_parse_double(le.s, le.len, &out->le) || isnan(out->le))
			return false;
	}
	else if (cut_suffix(&name, "_count"))
		out->kind = PART_COUNT;
	else if (cut_suffix(&name, "_sum"))
		out->kind = PART_SUM;
	else
		return false;
	labels_builder_init(&b);
	labels_builder_from(&b, desc->labels);
	labels_builder_del(&b, strview_cstr("le"));
	labels_builder_set(&b, strview_cstr(LABELS_NAME), name);
	out->histogram = labels_builder_finish(&b);
	return true;
}

static int
part_cmp(const void *pa, const void *pb)
{
	const ClassicPart *a = pa, *b = pb;
	int c = labels_cmp(a->histogram, b->histogram);

	if (c == 0)
		c = (int) a->kind - (int) b->kind;
	return c != 0 ? c : (a->le > b->le) - (a->le < b->le);
}

/*
 * native_at -- the histogram that parts [0, n) describe at position i; NULL if none of them has a
 * value there.  Parts stand in the order of part_cmp.
 */
static Histogram *
native_at(const ClassicPart *parts, int n, int i)
{
	Histogram *h = mem_alloc0(sizeof(*h));
	double cumulative = 0;
	bool any = false, has_count = false;

	h->schema = HISTOGRAM_CUSTOM_SCHEMA;
	h->pos = mem_alloc0(sizeof(double) * (n + 1));
	h->custom = mem_alloc0(sizeof(double) * (n + 1));
	for (int k = 0; k < n; k++)
	{
		const SeriesValue *v = &parts[k].desc->values[i];

		if (i >= parts[k].desc->n || v->omitted || v->h != NULL)
			continue;
		any = true;
		if (parts[k].kind == PART_SUM)
			h->sum = v->v;
		else if (parts[k].kind == PART_COUNT)
		{
			h->count = v->v;
			has_count = true;
		}
		else if (!isinf(parts[k].le))
		{
			h->custom[h->n_custom++] = parts[k].le;
			h->pos[h->n_pos++] = v->v - cumulative;
			cumulative = v->v;
		}
		else if (!has_count)
			h->count = v->v;
	}
	if (!any)
		return NULL;
	if (h->count < cumulative)
		h->count = cumulative;
	h->pos[h->n_pos++] = h->count - cumulative;
	h->pos_spans = mem_alloc0(sizeof(HistogramSpan));
	h->pos_spans[0].length = (uint32_t) h->n_pos;
	h->n_pos_spans = 1;
	histogram_compact(h);
	return h;
}

static bool
load_native(MemSource *ms, const ScriptLoad *load, Err *err)
{
	ClassicPart *parts = mem_alloc(sizeof(*parts) * (load->n + 1));
	int n = 0;

	for (int k = 0; k < load->n; k++)
		n += classic_part(&load->series[k], &parts[n]);
	qsort(parts, n, sizeof(*parts), part_cmp);
	for (int from = 0, to; from < n; from = to)
	{
		int npoints = 0;

		for (to = from; to < n && labels_equal(parts[from].histogram, parts[to].histogram); to++)
			if (parts[to].desc->n > npoints)
				npoints = parts[to].desc->n;
		for (int i = 0; i < npoints; i++)
		{
			SeriesValue v = {.h = native_at(parts + from, to - from, i)};

			if (v.h != NULL && !append(ms, parts[from].histogram, i * load->step_ms, &v, 0, err))
				return false;
		}
	}
	return true;
}

bool
promqltest_load(MemSource *ms, const ScriptLoad *load, Err *err)
{
	for (int k = 0; k < load->n; k++)
	{
		const SeriesDesc *desc = &load->series[k];
		const SeriesStarts *starts = &load->starts[k];

		for (int i = 0; i < desc->n; i++)
		{
			int64_t t = i * load->step_ms;
			bool known = i < starts->n && !starts->starts[i].omitted;

			if (!desc->values[i].omitted && !append(ms, desc->labels, t, &desc->values[i],
													known ? t + starts->starts[i].ms : 0, err))
				return false;
		}
	}
	return !load->with_nhcb || load_native(ms, load, err);
}
