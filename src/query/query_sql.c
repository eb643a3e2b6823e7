/*
 * query_sql.c
 *    SQL functions over PromQL and the store: unpack, call, pack.
 */
#include "postgres.h"

#include "pg/errmap.h"
#include "pg/export.h"
#include "pg/stats.h"
#include "pg/time.h"
#include "query/run.h"
#include "query/source.h"
#include "store/flush.h"
#include "store/select.h"
#include "wire/json.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

MIMIR_FUNCTION(mimir_promql_query);
MIMIR_FUNCTION(mimir_promql_query_range);
MIMIR_FUNCTION(mimir_promql_format);
MIMIR_FUNCTION(mimir_promql_parse);
MIMIR_FUNCTION(mimir_list_series);
MIMIR_FUNCTION(mimir_samples);
MIMIR_FUNCTION(mimir_list_counters);

#define TEXT_MAX ((size_t) 512 * 1024 * 1024)

static void
need_store(void)
{
	if (!store_is_ready())
		ereport(ERROR, (errcode(ERRCODE_CANNOT_CONNECT_NOW),
						errmsg("the head is not ready: it is being recovered, or the server is a "
							   "standby")));
}

static Datum
jsonb_from_buf(const Buf *b)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(b->data));
}

static Datum
labels_datum(Labels ls)
{
	Buf b;
	Datum d;

	buf_init(&b, 256, TEXT_MAX);
	labels_json(&b, ls);
	d = jsonb_from_buf(&b);
	buf_free(&b);
	return d;
}

static Datum
histogram_datum(const Histogram *h)
{
	Buf b;

	buf_init(&b, 256, TEXT_MAX);
	json_histogram(&b, h);
	return jsonb_from_buf(&b);
}

static char *
query_text(text *t)
{
	return text_to_cstring(t);
}

/* Run and put every point as a row into the caller's tuple store. */
static void
run_to_tuples(FunctionCallInfo fcinfo, const char *query, PromqlParams *p, const TenantSet *tenants)
{
	ReturnSetInfo *rsi = (ReturnSetInfo *) fcinfo->resultinfo;
	Err err = ERR_INIT;
	QueryRun *run;
	PromqlSeries s;
	int got;

	InitMaterializedSRF(fcinfo, 0);
	run = query_run_begin(tenants, query, p, &err);
	if (run == NULL)
		errmap_raise_query(&err, query);
	if (query_run_type(run) == PROMQL_STRING)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("PromQL query returns a string, not samples")));
	while ((got = query_run_next(run, &s, &err)) == 1)
	{
		Datum labels = labels_datum(s.labels);

		for (int i = 0; i < s.n; i++)
		{
			Datum values[4] = {labels, TimestampTzGetDatum(time_from_ms(s.t[i])), 0, 0};
			bool nulls[4] = {false, false, false, true};

			if (s.h != NULL && s.h[i] != NULL)
			{
				values[3] = histogram_datum(s.h[i]);
				nulls[2] = true;
				nulls[3] = false;
			}
			else
				values[2] = Float8GetDatum(s.v[i]);
			tuplestore_putvalues(rsi->setResult, rsi->setDesc, values, nulls);
		}
		CHECK_FOR_INTERRUPTS();
	}
	if (got < 0)
		errmap_raise_query(&err, query);
	query_run_end(run);
}

Datum
mimir_promql_query(PG_FUNCTION_ARGS)
{
	const TenantSet *tenants = tenancy_visible();
	PromqlParams p = query_default_params(tenants);

	need_store();
	p.instant = true;
	p.start_ms = p.end_ms = time_to_ms(PG_GETARG_TIMESTAMPTZ(1));
	run_to_tuples(fcinfo, query_text(PG_GETARG_TEXT_PP(0)), &p, tenants);
	PG_RETURN_NULL();
}

static int64
interval_ms(const Interval *iv)
{
	if (iv->month != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("step must not contain months")));
	return (int64) iv->day * 86400000 + iv->time / 1000;
}

Datum
mimir_promql_query_range(PG_FUNCTION_ARGS)
{
	const TenantSet *tenants = tenancy_visible();
	PromqlParams p = query_default_params(tenants);

	need_store();
	p.start_ms = time_to_ms(PG_GETARG_TIMESTAMPTZ(1));
	p.end_ms = time_to_ms(PG_GETARG_TIMESTAMPTZ(2));
	p.step_ms = interval_ms(PG_GETARG_INTERVAL_P(3));
	if (p.step_ms <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("step must be greater than zero")));
	if (p.end_ms < p.start_ms)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("end must not be before start")));
	if ((p.end_ms - p.start_ms) / p.step_ms > 1000000)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("query has more than 1000000 steps")));
	run_to_tuples(fcinfo, query_text(PG_GETARG_TEXT_PP(0)), &p, tenants);
	PG_RETURN_NULL();
}

static PromqlExpr *
parse_or_raise(const char *query)
{
	PromqlFlags flags = query_flags();
	Err err = ERR_INIT;
	PromqlExpr *e = promql_parse(query, strlen(query), &flags, &err);

	if (e == NULL)
		errmap_raise_query(&err, query);
	return e;
}

Datum
mimir_promql_format(PG_FUNCTION_ARGS)
{
	PromqlExpr *e = parse_or_raise(query_text(PG_GETARG_TEXT_PP(0)));
	Buf b;

	buf_init(&b, 256, TEXT_MAX);
	promql_print(&b, e, true);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(b.data, b.len));
}

Datum
mimir_promql_parse(PG_FUNCTION_ARGS)
{
	PromqlExpr *e = parse_or_raise(query_text(PG_GETARG_TEXT_PP(0)));
	Buf b;

	buf_init(&b, 1024, TEXT_MAX);
	promql_print_json(&b, e);
	PG_RETURN_DATUM(jsonb_from_buf(&b));
}

/* mimir.list_series() -- (tenant, series_id, metric, labels) of every series of the role's tenants. */
Datum
mimir_list_series(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsi = (ReturnSetInfo *) fcinfo->resultinfo;
	const TenantSet *tenants = tenancy_visible();

	need_store();
	InitMaterializedSRF(fcinfo, 0);
	for (int t = 0; t < tenants->n; t++)
	{
		StoreSelect *s = store_select_begin(tenants->tenants[t]->id, NULL, 0, PG_INT64_MIN,
											PG_INT64_MAX, true);

		for (int i = 0; i < store_select_nseries(s); i++)
		{
			Labels ls = store_select_labels(s, i);
			StrView metric = labels_metric_name(ls);
			Datum values[4] = {CStringGetTextDatum(tenants->tenants[t]->name),
							   Int64GetDatum(store_select_series_id(s, i)),
							   PointerGetDatum(cstring_to_text_with_len(metric.s, metric.len)),
							   labels_datum(ls)};
			bool nulls[4] = {0};

			tuplestore_putvalues(rsi->setResult, rsi->setDesc, values, nulls);
			CHECK_FOR_INTERRUPTS();
		}
		store_select_end(s);
	}
	PG_RETURN_NULL();
}

static void
put_samples(ReturnSetInfo *rsi, const char *tenant, Labels ls, const PromqlSamples *samples)
{
	Datum values[5] = {CStringGetTextDatum(tenant), labels_datum(ls)};
	bool nulls[5] = {0};

	for (int i = 0; i < samples->n; i++)
	{
		bool is_h = samples->h != NULL && samples->h[i] != NULL;

		values[2] = TimestampTzGetDatum(time_from_ms(samples->t[i]));
		values[3] = is_h ? (Datum) 0 : Float8GetDatum(samples->v[i]);
		values[4] = is_h ? histogram_datum(samples->h[i]) : (Datum) 0;
		nulls[3] = is_h;
		nulls[4] = !is_h;
		tuplestore_putvalues(rsi->setResult, rsi->setDesc, values, nulls);
		if (i % 1000 == 0)
			CHECK_FOR_INTERRUPTS();
	}
}

/* mimir.samples(selector, from, to) -- raw samples, staleness markers as NaN among them. */
Datum
mimir_samples(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsi = (ReturnSetInfo *) fcinfo->resultinfo;
	const TenantSet *tenants = tenancy_visible();
	char *selector = query_text(PG_GETARG_TEXT_PP(0));
	PromqlSelect sel = {.mint = time_to_ms(PG_GETARG_TIMESTAMPTZ(1)),
						.maxt = time_to_ms(PG_GETARG_TIMESTAMPTZ(2)),
						.func = ""};
	Matcher *matchers;
	Err err = ERR_INIT;

	need_store();
	InitMaterializedSRF(fcinfo, 0);
	if (!promql_parse_selector(selector, strlen(selector), &matchers, &sel.nmatchers, &err))
		errmap_raise_query(&err, selector);
	sel.matchers = matchers;
	for (int t = 0; t < tenants->n; t++)
	{
		TenantSet one = {.n = 1, .tenants = &tenants->tenants[t]};
		PromqlSource *src = query_source_create(&one);
		PromqlSeriesSet *set = src->select(src, &sel, &err);

		for (int i = 0; set != NULL && i < set->nseries; i++)
		{
			PromqlSamples samples;

			if (!set->samples(set, i, &samples, &err))
				errmap_raise(&err);
			put_samples(rsi, tenants->tenants[t]->name, set->labels(set, i), &samples);
		}
		if (set == NULL)
			errmap_raise(&err);
		set->close(set);
	}
	PG_RETURN_NULL();
}

Datum
mimir_list_counters(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsi = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < STAT_NCOUNTERS; i++)
	{
		const StatInfo *s = stats_info(i);
		Datum values[4] = {CStringGetTextDatum(s->metric), CStringGetTextDatum(s->labels),
						   CStringGetTextDatum(s->type), Int64GetDatum((int64) stats_get(i))};
		bool nulls[4] = {0};

		tuplestore_putvalues(rsi->setResult, rsi->setDesc, values, nulls);
	}
	PG_RETURN_NULL();
}
