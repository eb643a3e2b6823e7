/*
 * write_sql.c
 *    mimir.write(): samples from SQL, with the caller's transaction.
 *
 * Samples are collected in one push batch per transaction.  Before the commit their log rows are
 * written, after it they are applied to the head; a rollback gives them back.
 */
#include "postgres.h"

#include "ingest/push.h"
#include "pg/errmap.h"
#include "pg/export.h"
#include "pg/time.h"
#include "tenancy/tenant.h"
#include "types/labels_value.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

MIMIR_FUNCTION(mimir_write);

static PushBatch *batch;

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (batch == NULL)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			push_write(batch);
			break;
		case XACT_EVENT_COMMIT:
			push_apply(batch);
			push_end(batch);
			batch = NULL;
			break;
		case XACT_EVENT_PRE_PREPARE:
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("cannot PREPARE a transaction that has written samples")));
			break;
		case XACT_EVENT_ABORT:
			push_abort(batch);
			push_end(batch);
			batch = NULL;
			break;
		default:
			break;
	}
}

Datum
mimir_write(PG_FUNCTION_ARGS)
{
	static bool registered = false;
	const Tenant *tenant;
	PushResult res;

	PreventCommandIfReadOnly("mimir.write()");
	PreventCommandDuringRecovery("mimir.write()");
	if (GetCurrentTransactionNestLevel() > 1)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot write samples inside a subtransaction")));
	tenant = tenancy_writable();
	if (!registered)
	{
		RegisterXactCallback(at_transaction_end, NULL);
		registered = true;
	}
	if (batch == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		batch = push_begin();
		MemoryContextSwitchTo(old);
	}
	if (!push_add_sample(batch, tenant, labels_from_jsonb(PG_GETARG_JSONB_P(0)),
						 time_to_ms(PG_GETARG_TIMESTAMPTZ(1)), PG_GETARG_FLOAT8(2), &res))
		errmap_raise(&res.err);
	GetTopTransactionId(); /* the commit must be a real one */
	PG_RETURN_VOID();
}
