/*
 * rows_samples.c
 *    Samples as rows: those of a series are decoded when its first row is asked for.
 */
#include "postgres.h"

#include "query/store_rows_int.h"

#include "pg/time.h"
#include "query/source.h"
#include "query/sql_value.h"
#include "types/labels_value.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

enum
{
	COL_TENANT,
	COL_METRIC,
	COL_LABELS,
	COL_TIME,
	COL_VALUE,
	COL_HISTOGRAM
};

struct StoreRowsPart
{
	TenantSet tenants; /* the one */
	PromqlSeriesSet *set;
	int series; /* the current one + 1 */
	bool decoded;
	PromqlSamples samples;
	int sample; /* next of samples */
};

static StoreRowsPart *
samples_open(StoreRows *r, const Tenant *tenant)
{
	StoreRowsPart *p = palloc0(sizeof(StoreRowsPart));
	PromqlSelect sel = {.matchers = r->filter.matchers,
						.nmatchers = r->filter.nmatchers,
						.mint = r->filter.mint,
						.maxt = r->filter.maxt,
						.func = ""};
	PromqlSource *source;
	Err err = ERR_INIT;

	p->tenants.n = 1;
	p->tenants.tenants = palloc(sizeof(Tenant *));
	p->tenants.tenants[0] = (Tenant *) tenant;
	source = query_source_create(&p->tenants);
	p->set = source->select(source, &sel, &err);
	if (p->set == NULL)
		elog(ERROR, "could not select series: %s", err.msg);
	return p;
}

static bool
samples_next_group(StoreRows *r, StoreRowsPart *p, Datum *values, bool *nulls)
{
	Labels ls;
	StrView metric;

	if (p->series >= p->set->nseries)
		return false;
	ls = p->set->labels(p->set, p->series++);
	p->decoded = false;
	if (store_rows_wants(r, COL_METRIC))
	{
		metric = labels_metric_name(ls);
		values[COL_METRIC] = PointerGetDatum(labels_string_to_text(metric));
		nulls[COL_METRIC] = false;
	}
	if (store_rows_wants(r, COL_LABELS))
	{
		values[COL_LABELS] = labels_to_jsonb(ls);
		nulls[COL_LABELS] = false;
	}
	CHECK_FOR_INTERRUPTS();
	return true;
}

static bool
samples_next(StoreRows *r, StoreRowsPart *p, Datum *values, bool *nulls)
{
	const Histogram *h;

	if (!p->decoded)
	{
		Err err = ERR_INIT;
		MemoryContext old = MemoryContextSwitchTo(r->part_context);

		if (!p->set->samples(p->set, p->series - 1, &p->samples, &err))
			store_rows_corrupt(r, p->set->labels(p->set, p->series - 1), &err);
		MemoryContextSwitchTo(old);
		p->decoded = true;
		p->sample = 0;
	}
	if (p->sample >= p->samples.n)
		return false;
	h = p->samples.h != NULL ? p->samples.h[p->sample] : NULL;
	values[COL_TIME] = TimestampTzGetDatum(time_from_ms(p->samples.t[p->sample]));
	nulls[COL_TIME] = false;
	nulls[COL_VALUE] = h != NULL;
	if (h == NULL)
		values[COL_VALUE] = Float8GetDatum(p->samples.v[p->sample]);
	nulls[COL_HISTOGRAM] = h == NULL || !store_rows_wants(r, COL_HISTOGRAM);
	if (!nulls[COL_HISTOGRAM])
		values[COL_HISTOGRAM] = sql_value_histogram(h);
	if (++p->sample % 1024 == 0)
		CHECK_FOR_INTERRUPTS();
	return true;
}

static void
samples_close(StoreRows *r, StoreRowsPart *p)
{
	r->stats.blocks += p->set->blocks_read;
	r->stats.blocks_pruned += p->set->blocks_pruned;
	r->stats.chunks += p->set->chunks_read;
	r->stats.chunks_head += p->set->chunks_head;
	r->stats.samples += p->set->samples_read;
	p->set->close(p->set);
}

const StoreRowsMethods store_rows_samples = {samples_open, samples_next_group, samples_next,
											 samples_close};
