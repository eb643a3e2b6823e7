/*
 * import_text.c
 *    Samples of an OpenMetrics text become blocks, one a day.
 *
 * Lines of a series may stand apart and in any order of time, so all samples are collected first, a
 * run a series; the text itself is in memory too.  Equal times of a series: the first line counts.
 */
#include "postgres.h"

#include "store/import.h"

#include "pg/errmap.h"
#include "store/backfill.h"
#include "store/head.h"
#include "wire/openmetrics.h"

#include "miscadmin.h"
#include "utils/memutils.h"

typedef struct TextSeries
{
	Labels labels;
	uint32 hash; /* of labels */
	SampleRun run;
	bool ascending;
	char status;
} TextSeries;

#define SH_PREFIX			 text
#define SH_ELEMENT_TYPE		 TextSeries
#define SH_KEY_TYPE			 Labels
#define SH_KEY				 labels
#define SH_HASH_KEY(tb, key) ((uint32) labels_hash(key))
#define SH_EQUAL(tb, a, b)	 labels_equal(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) ((a)->hash)
#define SH_SCOPE		   static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static void
add_sample(text_hash *all, const OmItem *item)
{
	TextSeries *s = text_lookup(all, item->labels);
	bool found;

	if (!item->has_t)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("line %d: sample has no timestamp", item->line)));
	if (s == NULL)
	{
		s = text_insert(all, labels_copy(item->labels), &found);
		memset(&s->run, 0, sizeof(s->run));
		s->ascending = true;
	}
	sample_run_reserve(&s->run, s->run.n + 1);
	if (s->run.n > 0 && item->t <= s->run.t[s->run.n - 1])
		s->ascending = false;
	s->run.t[s->run.n] = item->t;
	s->run.v[s->run.n++] = item->value;
}

typedef struct TextSample
{
	int64 t;
	double v;
	int line; /* order of the text among equal times */
} TextSample;

static int
cmp_samples(const void *a, const void *b)
{
	const TextSample *x = a;
	const TextSample *y = b;

	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	return x->line - y->line;
}

static void
sort_run(SampleRun *run)
{
	TextSample *s = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(TextSample) * run->n);
	int kept = 0;

	for (int i = 0; i < run->n; i++)
		s[i] = (TextSample){run->t[i], run->v[i], i};
	qsort(s, run->n, sizeof(TextSample), cmp_samples);
	for (int i = 0; i < run->n; i++)
	{
		if (kept > 0 && run->t[kept - 1] == s[i].t)
			continue;
		run->t[kept] = s[i].t;
		run->v[kept++] = s[i].v;
	}
	run->n = kept;
	pfree(s);
}

static int
cmp_series(const void *a, const void *b)
{
	return labels_cmp((*(TextSeries *const *) a)->labels, (*(TextSeries *const *) b)->labels);
}

static int64
write_day(TenantId tenant, int32 day, TextSeries **series, int n)
{
	Backfill *b = backfill_begin(tenant, day);
	int64 mint = (int64) day * HEAD_DAY_MS;

	for (int i = 0; i < n; i++)
	{
		const SampleRun *run = &series[i]->run;
		int from = sample_run_lower_bound(run->t, run->n, mint);
		int to = sample_run_lower_bound(run->t, run->n, mint + HEAD_DAY_MS);
		SampleRun part = {.t = run->t + from, .v = run->v + from, .n = to - from};

		backfill_add(b, series[i]->labels, &part, NULL, 0);
	}
	return backfill_end(b);
}

/* The first day after a given one in which a series has a sample; PG_INT32_MAX: none. */
static int32
next_day(TextSeries **series, int n, int64 after)
{
	int32 next = PG_INT32_MAX;

	for (int i = 0; i < n; i++)
	{
		const SampleRun *run = &series[i]->run;
		int at = sample_run_lower_bound(run->t, run->n, (after + 1) * HEAD_DAY_MS);

		if (at < run->n)
			next = Min(next, backfill_day(run->t[at]));
	}
	return next;
}

int64
import_openmetrics(TenantId tenant, const char *text, Size len)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir import text", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	OmReader *r = om_reader_create(om_detect(text, len), text, len);
	text_hash *all = text_create(context, 1024, NULL);
	text_iterator it;
	TextSeries **series;
	TextSeries *s;
	OmItem item;
	Err err = ERR_INIT;
	int64 samples = 0;
	int n = 0;
	int got;

	while ((got = om_next(r, &item, &err)) == 1)
	{
		if (item.kind == OM_SAMPLE)
			add_sample(all, &item);
		CHECK_FOR_INTERRUPTS();
	}
	if (got < 0)
		errmap_raise(&err);
	om_reader_free(r);
	series = palloc_extended(sizeof(TextSeries *) * (all->members + 1), MCXT_ALLOC_HUGE);
	text_start_iterate(all, &it);
	while ((s = text_iterate(all, &it)) != NULL)
	{
		if (!s->ascending)
			sort_run(&s->run);
		series[n++] = s;
	}
	qsort(series, n, sizeof(TextSeries *), cmp_series);
	/* days of before 1970 too, but not further back than there are days */
	for (int32 day = next_day(series, n, -1000000); day != PG_INT32_MAX;
		 day = next_day(series, n, day))
		samples += write_day(tenant, day, series, n);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return samples;
}
