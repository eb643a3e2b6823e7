/*
 * head_stats.c
 *    What the head's index tells of a selector without reading samples.
 *
 * A selector is looked at through a sample of its series.  The matcher with the fewest series
 * (by the sizes of postings) gives the candidates; up to PEEK_SERIES of them, one at random from
 * each of as many equal parts, are held against all matchers.  The part that matches tells how many
 * series there are in all; labels and times of those that do tell the rest: groups, how far
 * their samples reach, how far these are apart.  Random means a fixed sequence: the same
 * question has the same answer.
 *
 * Series that are not in the head any more are not counted: they were without samples for an hour.
 *
 * The index lock is held shared for each tenant's look.  Its cost is bounded: PEEK_SERIES series,
 * PEEK_VALUES values of a label, one walk over the blocks of a postings list.
 */
#include "postgres.h"

#include "query/head_stats.h"

#include "index/index.h"
#include "query/source.h"
#include "store/head.h"

#include "nodes/pg_list.h"

#define PEEK_SERIES		 128
#define PEEK_VALUES		 128   /* of a label that a regular expression is tried on */
#define PEEK_INTERVALS	 8	   /* series whose open chunk tells the scrape interval */
#define PEEK_TENANTS	 16	   /* looked at; the others are taken for alike */
#define DEFAULT_INTERVAL 15000 /* ms */

/* A series of the sample. */
typedef struct PeekSeries
{
	Labels labels;
	int64 first, last; /* ms; its samples lie between */
} PeekSeries;

/* What a look at one selector found. */
typedef struct Peek
{
	const Matcher *ms; /* identifies it, with n */
	int n;
	double series; /* that match, whatever their times and unknown values */
	int nsample;
	PeekSeries *sample;
	double interval_ms;
} Peek;

typedef struct HeadStats
{
	PromqlStatistics base;
	const TenantSet *tenants;
	List *peeks;
} HeadStats;

/* Postings to draw candidates from. */
typedef struct Candidates
{
	const Postings *lists[PEEK_VALUES];
	int nlists;
	double count; /* series in all lists, and in those that were not looked at */
} Candidates;

/* --- candidates ------------------------------------------------------------------------------- */

static void
add_pair(Candidates *c, uint32 pair)
{
	if (pair == 0 || c->nlists == PEEK_VALUES)
		return;
	c->lists[c->nlists++] = &index_pair(pair)->postings;
	c->count += index_pair(pair)->postings.count;
}

/* The values of a label that a regular expression matches, of the first PEEK_VALUES. */
static void
add_matching_values(Candidates *c, uint32 name, const Matcher *m)
{
	uint32 visited = 0;

	for (uint32 p = index_name(name)->pairs; p != 0 && visited < PEEK_VALUES;
		 p = index_pair(p)->next_of_name)
	{
		visited++;
		if (matcher_matches(m, strview(index_pair(p)->text, index_pair(p)->len)))
			add_pair(c, p);
	}
	if (visited > 0)
		c->count *= (double) index_name(name)->npairs / visited;
}

/* Series that one matcher selects; false: it only takes away, or is not known. */
static bool
candidates_of(uint32 tenant, const Matcher *m, Candidates *c)
{
	uint32 name = index_find_name(tenant, m->name);
	const StrView *literals = NULL;
	int nliterals = 0;

	c->nlists = 0;
	c->count = 0;
	if (promql_value_is_unknown(m->value) || matcher_matches_empty(m))
		return false;
	if (name == 0)
		return true;
	if (m->type == MATCH_EQUAL)
	{
		add_pair(c, index_find_pair(tenant, m->name, m->value));
		return true;
	}
	if (m->type == MATCH_REGEX)
		nliterals = regex_literals(m->re, &literals);
	if (nliterals > 0 && nliterals <= PEEK_VALUES)
		for (int i = 0; i < nliterals; i++)
			add_pair(c, index_find_pair(tenant, m->name, literals[i]));
	else
		add_matching_values(c, name, m);
	return true;
}

static void
fewest_candidates(uint32 tenant, const Matcher *ms, int n, Candidates *best)
{
	Candidates c;
	bool found = false;

	for (int i = 0; i < n; i++)
	{
		if (!candidates_of(tenant, &ms[i], &c) || (found && c.count >= best->count))
			continue;
		*best = c;
		found = true;
	}
	if (found)
		return;
	best->nlists = 1;
	best->lists[0] = &index_tenant(tenant)->all;
	best->count = best->lists[0]->count;
}

/* --- sampling --------------------------------------------------------------------------------- */

/* A fixed pseudo-random number in [0, 1) (the finalizer of MurmurHash3). */
static double
fraction_at(uint32 i)
{
	i = (i + 1) * 0x9E3779B9U;
	i ^= i >> 16;
	i *= 0x85EBCA6BU;
	i ^= i >> 13;
	i *= 0xC2B2AE35U;
	i ^= i >> 16;
	return (double) i / 4294967296.0;
}

/* Draw up to PEEK_SERIES references, spread over all lists; returns how many. */
static int
draw(const Candidates *c, SeriesRef *out)
{
	uint64 total = 0;
	uint64 before = 0; /* references of the blocks passed */
	uint64 want;
	int n;
	int drawn = 0;

	for (int i = 0; i < c->nlists; i++)
		total += c->lists[i]->count;
	n = (int) Min(total, PEEK_SERIES);
	for (int i = 0; i < c->nlists && drawn < n; i++)
		for (const PostingsBlock *b = c->lists[i]->first; b != NULL && drawn < n; b = b->next)
		{
			for (; drawn < n; drawn++)
			{
				want = total <= PEEK_SERIES
						   ? (uint64) drawn
						   : (uint64) (((double) drawn + fraction_at(drawn)) * total / n);
				if (want >= before + b->n)
					break;
				out[drawn] = b->refs[want - before];
			}
			before += b->n;
		}
	return drawn;
}

static bool
matches(SeriesRef ref, const Matcher *ms, int n)
{
	for (int i = 0; i < n; i++)
		if (!promql_value_is_unknown(ms[i].value) &&
			!matcher_matches(&ms[i], index_label_value(ref, ms[i].name)))
			return false;
	return true;
}

/* Milliseconds between samples of a series by its newest chunk; 0: not known. */
static double
interval_of(SeriesRef ref)
{
	const HeadSeries *hs = head_series(ref);
	LWLock *stripe = head_stripe(ref);
	double interval = 0;

	LWLockAcquire(stripe, LW_SHARED);
	if (hs->open != NULL && hs->w.count > 1)
		interval = (double) (hs->w.t - hs->open->min_t) / (hs->w.count - 1);
	else if (hs->closed != NULL && hs->closed->count > 1)
		interval = (double) (hs->closed->max_t - hs->closed->min_t) / (hs->closed->count - 1);
	LWLockRelease(stripe);
	return interval;
}

static void
note_series(PeekSeries *out, SeriesRef ref)
{
	const HeadSeries *hs = head_series(ref);

	out->labels = index_labels(ref);
	/* older samples of a series that was read back at start may be in blocks */
	out->first = hs->recovered ? PG_INT64_MIN : hs->first_t;
	out->last = hs->recovered ? Max(hs->applied_t, head->recovered_max_t) : hs->applied_t;
}

/* --- looking ---------------------------------------------------------------------------------- */

typedef struct IntervalSum
{
	double ms;
	int n;
} IntervalSum;

static void
peek_tenant(Peek *peek, TenantId tenant_id, const Matcher *ms, int n, IntervalSum *intervals)
{
	SeriesRef refs[PEEK_SERIES];
	Candidates c = {.nlists = 0};
	uint32 tenant;
	int ndrawn = 0;
	int before = peek->nsample;

	LWLockAcquire(&head_index->lock, LW_SHARED);
	tenant = index_find_tenant(tenant_id);
	if (tenant != 0)
	{
		fewest_candidates(tenant, ms, n, &c);
		ndrawn = draw(&c, refs);
	}
	for (int i = 0; i < ndrawn; i++)
	{
		double interval;

		if (!matches(refs[i], ms, n))
			continue;
		note_series(&peek->sample[peek->nsample++], refs[i]);
		if (intervals->n < PEEK_INTERVALS && (interval = interval_of(refs[i])) > 0)
		{
			intervals->ms += interval;
			intervals->n++;
		}
	}
	LWLockRelease(&head_index->lock);
	if (ndrawn == 0)
		return;
	/* none of many: somewhat less than one of as many */
	peek->series += peek->nsample > before ? c.count * (peek->nsample - before) / ndrawn
										   : (c.count > ndrawn ? c.count / ndrawn / 2 : 0);
}

static Peek *
look(HeadStats *hs, const Matcher *ms, int n)
{
	const TenantSet *tenants = hs->tenants;
	int ntenants = Min(tenants->n, PEEK_TENANTS);
	Peek *peek = palloc0(sizeof(Peek));
	IntervalSum intervals = {0, 0};

	peek->ms = ms;
	peek->n = n;
	peek->sample = palloc(sizeof(PeekSeries) * PEEK_SERIES * Max(ntenants, 1));
	for (int i = 0; i < ntenants; i++)
	{
		const Tenant *tenant = tenants->tenants[i];
		const Matcher *own = ms;
		Matcher *stripped;
		int nown = n;
		int before = peek->nsample;

		if (tenants->federated)
		{
			if (!query_tenant_matchers(ms, n, tenant, &stripped, &nown))
				continue;
			own = stripped;
		}
		peek_tenant(peek, tenant->id, own, nown, &intervals);
		for (int k = before; tenants->federated && k < peek->nsample; k++)
			peek->sample[k].labels = query_tenant_labels(peek->sample[k].labels, tenant);
	}
	if (ntenants > 0)
		peek->series *= (double) tenants->n / ntenants;
	peek->interval_ms = intervals.n > 0 ? Max(intervals.ms / intervals.n, 1) : DEFAULT_INTERVAL;
	hs->peeks = lappend(hs->peeks, peek);
	return peek;
}

static Peek *
peek_of(HeadStats *hs, const Matcher *ms, int n)
{
	ListCell *lc;

	foreach (lc, hs->peeks)
	{
		Peek *peek = lfirst(lc);

		if (peek->ms == ms && peek->n == n)
			return peek;
	}
	return look(hs, ms, n);
}

/* --- groups ----------------------------------------------------------------------------------- */

static bool
is_among(StrView name, const StrView *names, int n)
{
	for (int i = 0; i < n; i++)
		if (strview_eq(names[i], name))
			return true;
	return false;
}

static uint64
group_hash(Labels ls, const StrView *names, int n, bool keep)
{
	uint64 hash = 0;
	const uint8 *from = ls.data;
	LabelsIter it;
	Label label;

	labels_iter_init(&it, ls);
	while (labels_next(&it, &label))
	{
		bool stays = is_among(label.name, names, n) == keep;

		if (!keep && strview_eq_cstr(label.name, LABELS_NAME))
			stays = false;
		if (stays)
			hash = (hash ^ hash_xxh64(from, it.p - from)) * UINT64CONST(0x9E3779B97F4A7C15);
		from = it.p;
	}
	return hash;
}

static int
cmp_hash(const void *a, const void *b)
{
	uint64 x = *(const uint64 *) a;
	uint64 y = *(const uint64 *) b;

	return x < y ? -1 : x > y;
}

/*
 * Distinct keys among total series, from those of a sample: Haas and Stokes' estimator Duj1, as
 * ANALYZE uses it.
 */
static double
distinct(uint64 *keys, int n, double total)
{
	int nkeys = 0;
	int once = 0;

	if (n == 0)
		return 0;
	qsort(keys, n, sizeof(uint64), cmp_hash);
	for (int i = 0; i < n;)
	{
		int k = i;

		while (k < n && keys[k] == keys[i])
			k++;
		nkeys++;
		once += k - i == 1;
		i = k;
	}
	total = Max(total, n);
	return Min((double) n * nkeys / (n - once + once * (double) n / total), total);
}

static double
groups_of(const Peek *peek, const StrView *names, int nnames, bool keep)
{
	uint64 *keys = palloc(sizeof(uint64) * Max(peek->nsample, 1));

	for (int i = 0; i < peek->nsample; i++)
		keys[i] = group_hash(peek->sample[i].labels, names, nnames, keep);
	return distinct(keys, peek->nsample, peek->series);
}

/* A bound that the index knows: how many values the labels have. */
static double
combinations(const Tenant *tenant, const StrView *names, int n)
{
	double product = 1;
	uint32 slot;

	LWLockAcquire(&head_index->lock, LW_SHARED);
	slot = index_find_tenant(tenant->id);
	for (int i = 0; i < n && slot != 0; i++)
	{
		uint32 name = index_find_name(slot, names[i]);

		/* and there are series without the label */
		product *= name != 0 ? index_name(name)->npairs + 1 : 1;
	}
	LWLockRelease(&head_index->lock);
	return product;
}

/* Part of the groups that have the value that is not known yet, of a label that they keep. */
static double
unknown_part(const Peek *peek, const StrView *names, int nnames, bool keep)
{
	double part = 1;

	for (int i = 0; i < peek->n; i++)
		if (promql_value_is_unknown(peek->ms[i].value) &&
			is_among(peek->ms[i].name, names, nnames) == keep)
			part /= Max(groups_of(peek, &peek->ms[i].name, 1, true), 1);
	return part;
}

static double
stats_groups(PromqlStatistics *st, const Matcher *ms, int n, const StrView *names, int nnames,
			 bool keep)
{
	HeadStats *hs = (HeadStats *) st;
	Peek *peek = peek_of(hs, ms, n);
	double groups = groups_of(peek, names, nnames, keep);

	if (keep && hs->tenants->n == 1)
		groups = Min(groups, combinations(hs->tenants->tenants[0], names, nnames));
	return groups * unknown_part(peek, names, nnames, keep);
}

/* --- selections ------------------------------------------------------------------------------- */

static PromqlSelection
stats_selection(PromqlStatistics *st, const Matcher *ms, int n, int64_t mint, int64_t maxt)
{
	Peek *peek = peek_of((HeadStats *) st, ms, n);
	double window = (double) maxt - (double) mint + 1;
	double inside = 0; /* ms that series overlap with the window */
	int nin = 0;

	for (int i = 0; i < peek->nsample; i++)
	{
		const PeekSeries *s = &peek->sample[i];

		if (s->last < mint || s->first > maxt)
			continue;
		inside += (double) Min(s->last, maxt) - (double) Max(s->first, mint) + 1;
		nin++;
	}
	if (peek->nsample == 0)
		return (PromqlSelection){peek->series, window / peek->interval_ms, 1};
	if (nin == 0)
		return (PromqlSelection){0, 0, 1};
	inside = Min(inside / nin, window);
	return (PromqlSelection){
		.series = peek->series * nin / peek->nsample * unknown_part(peek, NULL, 0, false),
		.samples = inside / peek->interval_ms + 1,
		.coverage = inside / window,
	};
}

PromqlStatistics *
head_stats_create(const TenantSet *tenants)
{
	HeadStats *hs = palloc0(sizeof(HeadStats));

	hs->base.selection = stats_selection;
	hs->base.groups = stats_groups;
	hs->tenants = tenants;
	return &hs->base;
}
