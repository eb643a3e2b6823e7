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

/* What is wrong with the times of a call. */
typedef struct TimesProblem
{
	int sqlstate;
	const char *msg; /* NULL: nothing */
} TimesProblem;

static const TimesProblem no_problem = {0, NULL};

static TimesProblem
problem(const char *msg)
{
	return (TimesProblem){ERRCODE_INVALID_PARAMETER_VALUE, msg};
}

static TimesProblem
read_range(const Datum *args, PromqlParams *p)
{
	const Interval *step = DatumGetIntervalP(args[3]);

	if (step->month != 0)
		return problem("step must not contain months");
	p->step_ms = (int64) step->day * 86400000 + step->time / 1000;
	if (p->step_ms <= 0)
		return problem("step must be greater than zero");
	if (p->end_ms < p->start_ms)
		return problem("end must not be before start");
	if ((p->end_ms - p->start_ms) / p->step_ms > MAX_STEPS)
		return (TimesProblem){ERRCODE_PROGRAM_LIMIT_EXCEEDED,
							  psprintf("query has more than %d steps", MAX_STEPS)};
	return no_problem;
}

static TimesProblem
read_times(SqlCallKind kind, const Datum *args, PromqlParams *p)
{
	TimestampTz start = DatumGetTimestampTz(args[1]);
	TimestampTz end = kind == SQL_CALL_RANGE ? DatumGetTimestampTz(args[2]) : start;

	if (TIMESTAMP_NOT_FINITE(start) || TIMESTAMP_NOT_FINITE(end))
		return problem("time of a PromQL query must be finite");
	p->start_ms = time_to_ms(start);
	p->end_ms = time_to_ms(end);
	p->instant = kind == SQL_CALL_INSTANT;
	p->step_ms = 0;
	return p->instant ? no_problem : read_range(args, p);
}

bool
sql_call_times_valid(SqlCallKind kind, const Datum *args, PromqlParams *p)
{
	return read_times(kind, args, p).msg == NULL;
}

void
sql_call_read(SqlCallKind kind, const Datum *args, SqlCall *out)
{
	TimesProblem wrong;

	out->tenants = tenancy_visible();
	out->params = query_default_params(out->tenants);
	out->query = TextDatumGetCString(args[0]);
	wrong = read_times(kind, args, &out->params);
	if (wrong.msg != NULL)
		ereport(ERROR, (errcode(wrong.sqlstate), errmsg("%s", wrong.msg)));
}
