/*
 * sql_call.h
 *    A call of mimir.promql_query() or mimir.promql_query_range(): which one, and its arguments.
 *
 * The functions themselves and the plan node that replaces them in FROM share this.
 */
#ifndef MIMIR_QUERY_SQL_CALL_H
#define MIMIR_QUERY_SQL_CALL_H

#include "postgres.h"

#include "promql/promql.h"
#include "tenancy/tenant.h"

typedef enum SqlCallKind
{
	SQL_CALL_NONE, /* not one of ours */
	SQL_CALL_INSTANT,
	SQL_CALL_RANGE
} SqlCallKind;

#define SQL_CALL_MAX_ARGS 4

/* Columns of the result, from 0. */
typedef enum SqlCallColumn
{
	SQL_CALL_LABELS,
	SQL_CALL_TIME,
	SQL_CALL_VALUE,
	SQL_CALL_HISTOGRAM,
	SQL_CALL_NCOLUMNS
} SqlCallColumn;

typedef struct SqlCall
{
	const TenantSet *tenants; /* those the current role sees */
	char *query;
	PromqlParams params;
} SqlCall;

extern SqlCallKind sql_call_kind(Oid funcid);
extern int sql_call_nargs(SqlCallKind kind);

/*
 * sql_call_read -- arguments, none of them null, to a call; ereports what is wrong with them.
 * Memory: CurrentMemoryContext; the tenants' until the end of the transaction.
 */
extern void sql_call_read(SqlCallKind kind, const Datum *args, SqlCall *out);
/* sql_call_times_valid -- only the times, args[1] and on; false where sql_call_read would raise. */
extern bool sql_call_times_valid(SqlCallKind kind, const Datum *args, PromqlParams *p);

#endif
