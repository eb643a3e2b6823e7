/*
 * store_sql.c
 *    SQL functions of the store.
 */
#include "postgres.h"

#include "fmgr.h"
#include "pg/export.h"
#include "pg/errmap.h"
#include "pg/time.h"
#include "promql/promql.h"
#include "store/compact.h"
#include "store/flush.h"
#include "store/serving.h"
#include "store/select.h"
#include "store/tombstone.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

MIMIR_FUNCTION(mimir_compact);
MIMIR_FUNCTION(mimir_compaction_state);
MIMIR_FUNCTION(mimir_delete_series);
MIMIR_FUNCTION(mimir_flush);

/* mimir.compact(full) -- see compact_request_and_wait. */
Datum
mimir_compact(PG_FUNCTION_ARGS)
{
	PreventCommandDuringRecovery("mimir.compact()");
	compact_request_and_wait(PG_GETARG_BOOL(0));
	PG_RETURN_VOID();
}

/* mimir.compaction_state() -- one row: what the compactor does and did. */
Datum
mimir_compaction_state(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	CompactState c;
	Datum values[12];
	bool nulls[12] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	LWLockAcquire(&compact_state->lock, LW_SHARED);
	c = *compact_state;
	LWLockRelease(&compact_state->lock);
	nulls[0] = nulls[1] = nulls[2] = nulls[3] = nulls[4] = nulls[5] = nulls[6] =
		c.day == PG_INT32_MIN;
	values[0] = Int32GetDatum(c.day);
	values[1] = Int32GetDatum((int32) c.tenant);
	values[2] = Int64GetDatum(c.series_done);
	values[3] = Int64GetDatum(c.series_total);
	values[4] = Int64GetDatum(c.samples);
	values[5] = Int64GetDatum(c.bytes);
	values[6] = TimestampTzGetDatum(time_from_ms(c.started_ms));
	values[7] = Int64GetDatum(c.blocks_written);
	values[8] = Int64GetDatum(c.blocks_removed);
	values[9] = Int64GetDatum(c.samples_compacted);
	values[10] = Int64GetDatum(c.bytes_written);
	nulls[11] = c.last_ms == 0;
	values[11] = TimestampTzGetDatum(time_from_ms(c.last_ms));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/*
 * mimir.delete_series(selector, from, to) -- see tombstone_add; both times included.  Returns how
 * many series of the tenant the selector matches.
 */
Datum
mimir_delete_series(PG_FUNCTION_ARGS)
{
	char *selector = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int64 mint = time_to_ms(PG_GETARG_TIMESTAMPTZ(1));
	int64 maxt = time_to_ms(PG_GETARG_TIMESTAMPTZ(2));
	const Tenant *tenant;
	Matcher *matchers;
	int nmatchers;
	Err err = ERR_INIT;
	StoreSelect *select;
	int64 n;

	PreventCommandIfReadOnly("mimir.delete_series()");
	PreventCommandDuringRecovery("mimir.delete_series()");
	store_need();
	tenant = tenancy_writable();
	if (!promql_parse_selector(selector, strlen(selector), &matchers, &nmatchers, &err))
		errmap_raise_query(&err, selector);
	if (maxt < mint)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("end of the deleted range must not be before its start")));
	select = store_select_begin(tenant->id, matchers, nmatchers, mint, maxt, false);
	n = store_select_nseries(select);
	store_select_end(select);
	tombstone_add(tenant->id, selector, mint, maxt);
	PG_RETURN_INT64(n);
}

/* mimir.flush() -- see store_flush_request_and_wait. */
Datum
mimir_flush(PG_FUNCTION_ARGS)
{
	PreventCommandDuringRecovery("mimir.flush()");
	store_flush_request_and_wait();
	PG_RETURN_VOID();
}
