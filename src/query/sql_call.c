/*
 * sql_call.c
 *    A call of mimir.promql_query() or mimir.promql_query_range(): which one, and its arguments.
 */
#include "postgres.h"

#include "query/sql_call.h"

#include "pg/time.h"
#include "query/run.h"
#include "tables/relation.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#define MAX_STEPS 1000000

/*
 * sql_call_kind -- by schema and name: only the extension has functions of these names there.
 */
SqlCallKind
sql_call_kind(Oid funcid)
{
	Oid schema = tables_schema();
	char *name;

	if (!OidIsValid(schema) || get_func_namespace(funcid) != schema)
		return SQL_CALL_NONE;
	name = get_func_name(funcid);
	if (name != NULL && strcmp(name, "promql_query") == 0)
		return SQL_CALL_INSTANT;
	if (name != NULL && strcmp(name, "promql_query_range") == 0)
		return SQL_CALL_RANGE;
	return SQL_CALL_NONE;
}

int
sql_call_nargs(SqlCallKind kind)
{
	return kind == SQL_CALL_RANGE ? 4 : 2;
}

static int64
finite_ms(Datum d)
{
	TimestampTz t = DatumGetTimestampTz(d);

	if (TIMESTAMP_NOT_FINITE(t))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("time of a PromQL query must be finite")));
	return time_to_ms(t);
}

static int64
step_ms(const Interval *iv)
{
	if (iv->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("step must not contain months")));
	return (int64) iv->day * 86400000 + iv->time / 1000;
}

static void
read_range(const Datum *args, PromqlParams *p)
{
	p->start_ms = finite_ms(args[1]);
	p->end_ms = finite_ms(args[2]);
	p->step_ms = step_ms(DatumGetIntervalP(args[3]));
	if (p->step_ms <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("step must be greater than zero")));
	if (p->end_ms < p->start_ms)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("end must not be before start")));
	if ((p->end_ms - p->start_ms) / p->step_ms > MAX_STEPS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("query has more than %d steps", MAX_STEPS)));
}

void
sql_call_read(SqlCallKind kind, const Datum *args, SqlCall *out)
{
	out->tenants = tenancy_visible();
	out->params = query_default_params(out->tenants);
	out->query = TextDatumGetCString(args[0]);
	if (kind == SQL_CALL_RANGE)
		read_range(args, &out->params);
	else
	{
		out->params.instant = true;
		out->params.start_ms = out->params.end_ms = finite_ms(args[1]);
	}
}
