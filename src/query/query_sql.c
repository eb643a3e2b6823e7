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
#include "query/sql_call.h"
#include "query/sql_value.h"
#include "store/select.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

MIMIR_FUNCTION(mimir_promql_query);
MIMIR_FUNCTION(mimir_promql_query_range);
MIMIR_FUNCTION(mimir_promql_format);
MIMIR_FUNCTION(mimir_promql_parse);
MIMIR_FUNCTION(mimir_list_series);
MIMIR_FUNCTION(mimir_samples);
MIMIR_FUNCTION(mimir_list_counters);

/* Run and put every point as a row into the caller's tuple store. */
static void
run_to_tuples(FunctionCallInfo fcinfo, SqlCallKind kind)
{
	ReturnSetInfo *rsi = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum args[SQL_CALL_MAX_ARGS];
	Err err = ERR_INIT;
	SqlCall call;
	QueryRun *run;
	PromqlSeries s;
	int got;

	query_need_store();
	for (int i = 0; i < sql_call_nargs(kind); i++)
		args[i] = PG_GETARG_DATUM(i);
	sql_call_read(kind, args, &call);
	InitMaterializedSRF(fcinfo, 0);
	run = query_run_begin(call.tenants, call.query, &call.params, &err);
	if (run == NULL)
		errmap_raise_query(&err, call.query);
	query_run_need_samples(run);
	while ((got = query_run_next(run, &s, &err)) == 1)
	{
		Datum values[SQL_CALL_NCOLUMNS] = {sql_value_labels(s.labels)};

		for (int i = 0; i < s.n; i++)
		{
			bool nulls[SQL_CALL_NCOLUMNS] = {false};

			sql_value_point(&s, i, true, values, nulls);
			tuplestore_putvalues(rsi->setResult, rsi->setDesc, values, nulls);
		}
		CHECK_FOR_INTERRUPTS();
	}
	if (got < 0)
		errmap_raise_query(&err, call.query);
	query_run_end(run);
}

Datum
mimir_promql_query(PG_FUNCTION_ARGS)
{
	run_to_tuples(fcinfo, SQL_CALL_INSTANT);
	PG_RETURN_NULL();
}

Datum
mimir_promql_query_range(PG_FUNCTION_ARGS)
{
	run_to_tuples(fcinfo, SQL_CALL_RANGE);
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
	PromqlExpr *e = parse_or_raise(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Buf b;

	buf_init(&b, 256, SQL_VALUE_TEXT_MAX);
	promql_print(&b, e, true);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(b.data, b.len));
}

Datum
mimir_promql_parse(PG_FUNCTION_ARGS)
{
	PromqlExpr *e = parse_or_raise(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Buf b;

	buf_init(&b, 1024, SQL_VALUE_TEXT_MAX);
	promql_print_json(&b, e);
	PG_RETURN_DATUM(sql_value_jsonb(&b));
}

/* mimir.list_series() -- (tenant, series_id, metric, labels) of every series of the role's tenants. */
Datum
mimir_list_series(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsi = (ReturnSetInfo *) fcinfo->resultinfo;
	const TenantSet *tenants = tenancy_visible();

	query_need_store();
	InitMaterializedSRF(fcinfo, 0);
	for (int t = 0; t < tenants->n; t++)
	{
		StoreSelect *s =
			store_select_begin(tenants->tenants[t]->id, NULL, 0, PG_INT64_MIN, PG_INT64_MAX, true);

		for (int i = 0; i < store_select_nseries(s); i++)
		{
			Labels ls = store_select_labels(s, i);
			StrView metric = labels_metric_name(ls);
			Datum values[4] = {CStringGetTextDatum(tenants->tenants[t]->name),
							   Int64GetDatum(store_select_series_id(s, i)),
							   PointerGetDatum(cstring_to_text_with_len(metric.s, metric.len)),
							   sql_value_labels(ls)};
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
	Datum values[5] = {CStringGetTextDatum(tenant), sql_value_labels(ls)};
	bool nulls[5] = {0};

	for (int i = 0; i < samples->n; i++)
	{
		bool is_h = samples->h != NULL && samples->h[i] != NULL;

		values[2] = TimestampTzGetDatum(time_from_ms(samples->t[i]));
		values[3] = is_h ? (Datum) 0 : Float8GetDatum(samples->v[i]);
		values[4] = is_h ? sql_value_histogram(samples->h[i]) : (Datum) 0;
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
	char *selector = text_to_cstring(PG_GETARG_TEXT_PP(0));
	PromqlSelect sel = {.mint = time_to_ms(PG_GETARG_TIMESTAMPTZ(1)),
						.maxt = time_to_ms(PG_GETARG_TIMESTAMPTZ(2)),
						.func = ""};
	Matcher *matchers;
	Err err = ERR_INIT;

	query_need_store();
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
