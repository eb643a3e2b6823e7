/*
 * errmap.c
 *    Between Err of the pure layers and ereport.
 */
#include "postgres.h"

#include "pg/errmap.h"

#include "mb/pg_wchar.h"

static int
sqlstate_of(const Err *err)
{
	const char *s = err_sqlstate(err->code);

	return MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4]);
}

void
errmap_raise(const Err *err)
{
	ereport(ERROR, (errcode(sqlstate_of(err)), errmsg("%s", err->msg)));
	pg_unreachable();
}

void
errmap_raise_query(const Err *err, const char *query)
{
	/* bytes from 0 to characters from 1 */
	if (err->pos >= 0)
		ereport(ERROR, (errcode(sqlstate_of(err)), errmsg("%s", err->msg), internalerrquery(query),
						internalerrposition(pg_mbstrlen_with_len(query, err->pos) + 1)));
	errmap_raise(err);
}

void
errmap_from_report(const ErrorData *edata, Err *err)
{
	ErrCode code = ERR_INTERNAL;

	switch (edata->sqlerrcode)
	{
		case ERRCODE_QUERY_CANCELED:
			/* statement_timeout and a cancel share the SQLSTATE; the worker knows which it was */
			code = ERR_CANCELED;
			break;
		case ERRCODE_OUT_OF_MEMORY:
			code = ERR_TOO_MUCH_MEMORY;
			break;
		case ERRCODE_DATA_CORRUPTED:
			code = ERR_CORRUPT;
			break;
		case ERRCODE_READ_ONLY_SQL_TRANSACTION:
			code = ERR_READ_ONLY;
			break;
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_DISK_FULL:
		case ERRCODE_IO_ERROR:
		case ERRCODE_ADMIN_SHUTDOWN:
		case ERRCODE_CANNOT_CONNECT_NOW:
			code = ERR_UNAVAILABLE;
			break;
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			code = ERR_FORBIDDEN;
			break;
		default:
			break;
	}
	err_set(err, code, -1, "%s", edata->message ? edata->message : "unknown error");
}
