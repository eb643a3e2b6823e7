/*
 * source.c
 *    The store as a PromqlSource: decodes chunks, merges those that overlap, and joins the
 *    tenants of a federated read.
 *
 * Chunks of a series come by start time and mostly do not overlap: then they are decoded one
 * behind the other into one array.  Where one does overlap, the arrays are merged by time; of two
 * samples with one timestamp the first chunk's stays.
 *
 * Memory: labels and the list of series live with the set; a series' samples in a context of
 * their own, reset for each series.
 */
#include "postgres.h"

#include "query/source.h"

#include "codec/chunk.h"
#include "store/select.h"
#include "util/varint.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#define TENANT_LABEL		  "__tenant_id__"
#define ORIGINAL_TENANT_LABEL "original___tenant_id__"

typedef struct StoreSource
{
	PromqlSource base;
	const TenantSet *tenants;
	const QueryParts *parts; /* NULL: all series */
} StoreSource;

/* A series of the set: which select, which number there. */
typedef struct SetSeries
{
	int part;
	int index;
	Labels labels; /* data NULL: ask the select */
} SetSeries;

typedef struct SampleArrays
{
	int64 *t;
	double *v;
	Histogram **h; /* NULL until the first histogram */
	int n;
	int cap;
} SampleArrays;

typedef struct StoreSet
{
	PromqlSeriesSet base;
	MemoryContext context;
	MemoryContext sample_context; /* histograms of the current series */
	int nparts;
	StoreSelect **parts;
	SetSeries *series; /* NULL: one part, in its own order */
	int64 mint, maxt;
	const QueryParts *deal; /* NULL: series are not dealt out */
	SetSeries *dealt;		/* all series, those of a part together */
	int *dealt_start;		/* of each part, and the end */
	SampleArrays all;		/* reused from series to series */
	SampleArrays chunk;
} StoreSet;

static void
reserve(SampleArrays *a, MemoryContext context, int n)
{
	int cap;

	if (n <= a->cap)
		return;
	cap = Max(n, a->cap * 2);
	if (a->t == NULL)
	{
		a->t = MemoryContextAllocHuge(context, sizeof(int64) * cap);
		a->v = MemoryContextAllocHuge(context, sizeof(double) * cap);
	}
	else
	{
		a->t = repalloc_huge(a->t, sizeof(int64) * cap);
		a->v = repalloc_huge(a->v, sizeof(double) * cap);
	}
	if (a->h)
		a->h = repalloc_huge(a->h, sizeof(Histogram *) * cap);
	a->cap = cap;
}

static void
need_histograms(SampleArrays *a, MemoryContext context)
{
	if (a->h == NULL)
	{
		a->h = MemoryContextAllocHuge(context, sizeof(Histogram *) * Max(a->cap, 1));
		memset(a->h, 0, sizeof(Histogram *) * a->n);
	}
}

static bool
decode_histograms(StoreSet *s, const StoreChunk *c, SampleArrays *out, Err *err)
{
	MemoryContext old = MemoryContextSwitchTo(s->sample_context);
	HistogramSample *samples;
	int n = 0;

	if (c->encoding == STORE_CHUNK_RAW_HISTOGRAM)
	{
		const uint8 *p = c->data;
		const uint8 *end = c->data + c->len;

		samples = palloc0(sizeof(HistogramSample) * Max(c->count, 1));
		for (; n < c->count; n++)
		{
			uint64 u;

			if ((p = varint_get(p, end, &u)) == NULL ||
				(p = histogram_sample_get(p, end, &samples[n])) == NULL)
			{
				n = -1;
				err_set(err, ERR_CORRUPT, -1, "histogram chunk in the head is corrupt");
				break;
			}
			samples[n].t = varint_unzigzag(u);
		}
	}
	else
		n = chunk_histogram_decode(c->encoding, c->data, c->len, &samples, err);
	if (n >= 0)
	{
		reserve(out, s->context, n);
		out->n = 0;
		need_histograms(out, s->context);
		for (int i = 0; i < n; i++)
		{
			Histogram *h = samples[i].f ? samples[i].f : histogram_from_int(samples[i].i);

			out->t[i] = samples[i].t;
			out->v[i] = h->sum; /* so that a stale marker shows in both */
			out->h[i] = h;
		}
		out->n = n;
	}
	MemoryContextSwitchTo(old);
	return n >= 0;
}

static bool
decode_chunk(StoreSet *s, const StoreChunk *c, SampleArrays *out, Err *err)
{
	int n;

	if (c->encoding != CHUNK_XOR)
		return decode_histograms(s, c, out, err);
	reserve(out, s->context, c->count);
	n = chunk_xor_decode(c->data, c->len, out->t, out->v, out->cap, err);
	if (n < 0)
		return false;
	out->n = n;
	if (out->h)
		memset(out->h, 0, sizeof(Histogram *) * n);
	return true;
}

/* all := all merged with chunk by time; on equal times all's stays. */
static void
merge_chunk(StoreSet *s)
{
	SampleArrays *a = &s->all;
	SampleArrays *c = &s->chunk;
	SampleArrays m = {0};
	int i = 0;
	int k = 0;

	if (c->h)
		need_histograms(a, s->context);
	reserve(&m, s->context, a->n + c->n);
	if (a->h)
		m.h = MemoryContextAllocHuge(s->context, sizeof(Histogram *) * Max(m.cap, 1));
	while (i < a->n || k < c->n)
	{
		bool from_all = k >= c->n || (i < a->n && a->t[i] <= c->t[k]);
		SampleArrays *src = from_all ? a : c;
		int at = from_all ? i : k;

		if (from_all && k < c->n && a->t[i] == c->t[k])
			k++;
		m.t[m.n] = src->t[at];
		m.v[m.n] = src->v[at];
		if (m.h)
			m.h[m.n] = src->h ? src->h[at] : NULL;
		m.n++;
		if (from_all)
			i++;
		else
			k++;
	}
	pfree(a->t);
	pfree(a->v);
	if (a->h)
		pfree(a->h);
	*a = m;
}

static void
append_chunk(StoreSet *s)
{
	SampleArrays *a = &s->all;
	SampleArrays *c = &s->chunk;

	reserve(a, s->context, a->n + c->n);
	if (c->h)
		need_histograms(a, s->context);
	memcpy(a->t + a->n, c->t, sizeof(int64) * c->n);
	memcpy(a->v + a->n, c->v, sizeof(double) * c->n);
	if (a->h)
	{
		if (c->h)
			memcpy(a->h + a->n, c->h, sizeof(Histogram *) * c->n);
		else
			memset(a->h + a->n, 0, sizeof(Histogram *) * c->n);
	}
	a->n += c->n;
}

static int
lower_bound(const int64 *t, int n, int64 x)
{
	int lo = 0;

	while (lo < n)
	{
		int mid = lo + (n - lo) / 2;

		if (t[mid] < x)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

/* Claim parts until one has series; these join the set. */
static void
claim_series(StoreSet *s)
{
	uint32 part;
	int n = 0;

	while (n == 0 && s->deal->claim(s->deal->arg, &part))
	{
		n = s->dealt_start[part + 1] - s->dealt_start[part];
		memcpy(s->series + s->base.nseries, s->dealt + s->dealt_start[part], sizeof(SetSeries) * n);
		s->base.nseries += n;
	}
}

static bool
set_samples(PromqlSeriesSet *base, int i, PromqlSamples *out, Err *err)
{
	StoreSet *s = (StoreSet *) base;
	StoreSelect *part = s->parts[s->series ? s->series[i].part : 0];
	StoreChunk *chunks;
	int n = store_select_chunks(part, s->series ? s->series[i].index : i, &chunks);
	int lo;
	int hi;

	CHECK_FOR_INTERRUPTS();
	if (s->deal != NULL && i == base->nseries - 1)
		claim_series(s);
	MemoryContextReset(s->sample_context);
	s->all.n = 0;
	for (int k = 0; k < n; k++)
	{
		/* the first float chunk goes straight to its place */
		SampleArrays *target = s->all.n == 0 ? &s->all : &s->chunk;

		if (!decode_chunk(s, &chunks[k], target, err))
			return false;
		base->chunks_read++;
		base->chunks_head += chunks[k].from_head;
		if (target == &s->all || s->chunk.n == 0)
			continue;
		if (s->chunk.t[0] > s->all.t[s->all.n - 1])
			append_chunk(s);
		else
			merge_chunk(s);
	}
	lo = lower_bound(s->all.t, s->all.n, s->mint);
	hi = s->all.n;
	if (s->maxt < PG_INT64_MAX)
		hi = lower_bound(s->all.t, s->all.n, s->maxt + 1);
	out->n = Max(hi - lo, 0);
	out->t = s->all.t + lo;
	out->v = s->all.v + lo;
	out->h = NULL;
	out->st = NULL;
	if (s->all.h)
		for (int k = lo; k < hi && out->h == NULL; k++)
			if (s->all.h[k])
				out->h = s->all.h + lo;
	base->samples_read += out->n;
	return true;
}

static Labels
set_labels(PromqlSeriesSet *base, int i)
{
	StoreSet *s = (StoreSet *) base;
	SetSeries *e;

	if (s->series == NULL)
		return store_select_labels(s->parts[0], i);
	e = &s->series[i];
	return e->labels.data ? e->labels : store_select_labels(s->parts[e->part], e->index);
}

static void
set_close(PromqlSeriesSet *base)
{
	StoreSet *s = (StoreSet *) base;

	for (int i = 0; i < s->nparts; i++)
		store_select_end(s->parts[i]);
	MemoryContextDelete(s->context);
}

/* ---- federation -------------------------------------------------------------------------------- */

bool
query_tenant_matchers(const Matcher *ms, int nms, const Tenant *tenant, Matcher **out, int *n)
{
	*out = palloc(sizeof(Matcher) * Max(nms, 1));
	*n = 0;
	for (int i = 0; i < nms; i++)
	{
		Matcher m = ms[i];

		if (strview_eq_cstr(m.name, TENANT_LABEL))
		{
			if (!matcher_matches(&m, strview_cstr(tenant->name)))
				return false;
			continue;
		}
		if (strview_eq_cstr(m.name, ORIGINAL_TENANT_LABEL))
			m.name = strview_cstr(TENANT_LABEL);
		(*out)[(*n)++] = m;
	}
	return true;
}

Labels
query_tenant_labels(Labels ls, const Tenant *tenant)
{
	LabelsBuilder b;
	StrView own;

	labels_builder_init(&b);
	labels_builder_from(&b, ls);
	if (labels_get(ls, strview_cstr(TENANT_LABEL), &own))
		labels_builder_set(&b, strview_cstr(ORIGINAL_TENANT_LABEL), own);
	labels_builder_set(&b, strview_cstr(TENANT_LABEL), strview_cstr(tenant->name));
	return labels_builder_finish(&b);
}

static int
cmp_series(const void *a, const void *b)
{
	return labels_cmp(((const SetSeries *) a)->labels, ((const SetSeries *) b)->labels);
}

static void
join_tenants(StoreSet *s, const TenantSet *tenants, const int *tenant_of)
{
	int total = 0;
	int n = 0;

	for (int p = 0; p < s->nparts; p++)
		total += store_select_nseries(s->parts[p]);
	s->series = MemoryContextAllocHuge(s->context, sizeof(SetSeries) * Max(total, 1));
	for (int p = 0; p < s->nparts; p++)
	{
		int count = store_select_nseries(s->parts[p]);

		for (int i = 0; i < count; i++)
		{
			SetSeries *e = &s->series[n++];

			e->part = p;
			e->index = i;
			e->labels = query_tenant_labels(store_select_labels(s->parts[p], i),
											tenants->tenants[tenant_of[p]]);
		}
	}
	qsort(s->series, n, sizeof(SetSeries), cmp_series);
	s->base.nseries = n;
}

/* ---- parts ---------------------------------------------------------------------------------------- */

static uint32
part_of(StoreSet *s, int i)
{
	uint64 hash =
		s->series != NULL ? labels_hash(s->series[i].labels) : store_select_hash(s->parts[0], i);

	return (uint32) ((hash >> 32) % s->deal->nparts);
}

/* Sort the series by part, in their order within each, and start with none. */
static void
deal_series(StoreSet *s, const QueryParts *deal)
{
	int n = s->base.nseries;
	uint32 *parts = MemoryContextAllocHuge(s->context, sizeof(uint32) * Max(n, 1));
	int *next = palloc0(sizeof(int) * (deal->nparts + 1));

	s->deal = deal;
	s->dealt = MemoryContextAllocHuge(s->context, sizeof(SetSeries) * Max(n, 1));
	s->dealt_start = palloc0(sizeof(int) * (deal->nparts + 1));
	for (int i = 0; i < n; i++)
		s->dealt_start[(parts[i] = part_of(s, i)) + 1]++;
	for (uint32 p = 0; p < deal->nparts; p++)
		next[p + 1] = s->dealt_start[p + 1] += s->dealt_start[p];
	for (int i = 0; i < n; i++)
	{
		SetSeries *e = &s->dealt[next[parts[i]]++];

		if (s->series != NULL)
			*e = s->series[i];
		else
			*e = (SetSeries){.part = 0, .index = i};
	}
	pfree(parts);
	if (s->series == NULL)
		s->series = MemoryContextAllocHuge(s->context, sizeof(SetSeries) * Max(n, 1));
	s->base.nseries = 0;
	claim_series(s);
}

static PromqlSeriesSet *
source_select(PromqlSource *base, const PromqlSelect *sel, Err *err)
{
	StoreSource *src = (StoreSource *) base;
	const TenantSet *tenants = src->tenants;
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir series set", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	StoreSet *s = palloc0(sizeof(StoreSet));
	int *tenant_of = palloc(sizeof(int) * Max(tenants->n, 1));

	s->context = context;
	s->sample_context =
		AllocSetContextCreate(context, "mimir histogram samples", ALLOCSET_DEFAULT_SIZES);
	s->base.labels = set_labels;
	s->base.samples = set_samples;
	s->base.close = set_close;
	s->mint = sel->mint;
	s->maxt = sel->maxt;
	s->parts = palloc(sizeof(StoreSelect *) * Max(tenants->n, 1));
	for (int i = 0; i < tenants->n; i++)
	{
		const Matcher *ms = sel->matchers;
		Matcher *own;
		int n = sel->nmatchers;
		StoreSelectStats st;

		if (tenants->federated)
		{
			if (!query_tenant_matchers(sel->matchers, sel->nmatchers, tenants->tenants[i], &own,
									   &n))
				continue;
			ms = own;
		}
		tenant_of[s->nparts] = i;
		s->parts[s->nparts] = store_select_begin(tenants->tenants[i]->id, ms, n, sel->mint,
												 sel->maxt, src->parts == NULL);
		st = store_select_stats(s->parts[s->nparts++]);
		s->base.blocks_read += st.blocks;
		s->base.blocks_pruned += st.blocks_pruned;
	}
	if (tenants->federated)
		join_tenants(s, tenants, tenant_of);
	else
		s->base.nseries = s->nparts > 0 ? store_select_nseries(s->parts[0]) : 0;
	if (src->parts != NULL)
		deal_series(s, src->parts);
	reserve(&s->all, context, 512);
	reserve(&s->chunk, context, 512);
	MemoryContextSwitchTo(old);
	return &s->base;
}

PromqlSource *
query_source_create_parts(const TenantSet *tenants, const QueryParts *parts)
{
	StoreSource *src = palloc(sizeof(StoreSource));

	src->base.select = source_select;
	src->tenants = tenants;
	src->parts = parts;
	return &src->base;
}

PromqlSource *
query_source_create(const TenantSet *tenants)
{
	return query_source_create_parts(tenants, NULL);
}
