/*
 * store_sql.c
 *    SQL functions of the store.
 */
#include "postgres.h"

#include "fmgr.h"
#include "pg/export.h"
#include "store/flush.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "tcop/utility.h"

MIMIR_FUNCTION(mimir_flush);

/* mimir.flush() -- see store_flush_request_and_wait. */
Datum
mimir_flush(PG_FUNCTION_ARGS)
{
	PreventCommandDuringRecovery("mimir.flush()");
	store_flush_request_and_wait();
	PG_RETURN_VOID();
}
