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

#include "access/xact.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
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

/* A flat JSON object of strings to a label set. */
static Labels
labels_from_jsonb(Jsonb *j)
{
	LabelsBuilder b;
	JsonbIterator *it;
	JsonbValue v;
	JsonbIteratorToken tok;
	StrView name = {NULL, 0};

	if (!JB_ROOT_IS_OBJECT(j))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("labels must be a JSON object")));
	labels_builder_init(&b);
	it = JsonbIteratorInit(&j->root);
	while ((tok = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (tok == WJB_KEY)
			name = strview(v.val.string.val, v.val.string.len);
		else if (tok == WJB_VALUE)
		{
			if (v.type != jbvString)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("value of label \"%.*s\" must be a string", (int) name.len,
									   name.s)));
			labels_builder_set(&b, name, strview(v.val.string.val, v.val.string.len));
		}
	}
	return labels_builder_finish(&b);
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
