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
