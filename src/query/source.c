/*
 * source.c
 *    The store as a PromqlSource: decodes chunks, merges those that overlap, and joins the
 *    tenants of a federated read.
 *
 * Memory: labels and the list of series live with the set; a series' samples in a context of
 * their own, reset for each series.
 */
#include "postgres.h"

#include "query/source.h"

#include "codec/sample_run.h"
#include "store/select.h"

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
	SampleRun all;			/* reused from series to series */
	SampleRun chunk;
} StoreSet;

static bool
decode_chunk(StoreSet *s, const StoreChunk *c, SampleRun *out, Err *err)
{
	if (c->mark.count > 0)
		return sample_run_decode_after(out, &c->mark, c->data, c->len, err);
	if (c->encoding != STORE_CHUNK_COLUMN)
		return sample_run_decode(out, c->encoding, c->data, c->len, c->count,
								 (MemScope *) s->sample_context, err);
	return sample_run_decode_column(out, c->times, c->count, c->data, c->len, s->mint, s->maxt,
									err);
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
	int index = s->series ? s->series[i].index : i;
	int n = store_select_chunks(part, index, &chunks);
	TimeInterval *gone;
	int ngone;
	MemoryContext old;
	bool ok = true;
	int lo;
	int hi;

	CHECK_FOR_INTERRUPTS();
	if (s->deal != NULL && i == base->nseries - 1)
		claim_series(s);
	MemoryContextReset(s->sample_context);
	s->all.n = 0;
	old = MemoryContextSwitchTo(s->context);
	for (int k = 0; ok && k < n; k++)
	{
		/* the first chunk goes straight to its place */
		SampleRun *target = s->all.n == 0 ? &s->all : &s->chunk;

		ok = decode_chunk(s, &chunks[k], target, err);
		base->chunks_read++;
		base->chunks_head += chunks[k].from_head;
		if (ok && target == &s->chunk)
			sample_run_merge(&s->all, &s->chunk);
	}
	MemoryContextSwitchTo(old);
	if (!ok)
		return false;
	ngone = store_select_deleted(part, index, &gone);
	if (ngone > 0)
	{
		tombstones_apply(gone, ngone, &s->all);
		pfree(gone);
	}
	lo = sample_run_lower_bound(s->all.t, s->all.n, Max(s->mint, store_select_mint(part)));
	hi = s->all.n;
	if (s->maxt < PG_INT64_MAX)
		hi = sample_run_lower_bound(s->all.t, s->all.n, s->maxt + 1);
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
	sample_run_reserve(&s->all, 512);
	sample_run_reserve(&s->chunk, 512);
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
