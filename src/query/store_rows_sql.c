/*
 * store_rows_sql.c
 *    mimir.samples(), mimir.list_series(), mimir.chunks() and mimir.list_label_values() as plain
 *    functions: where the plan node cannot stand.
 */
#include "postgres.h"

#include "query/store_rows.h"

#include "pg/export.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

MIMIR_FUNCTION(mimir_samples);
MIMIR_FUNCTION(mimir_list_series);
MIMIR_FUNCTION(mimir_chunks);
MIMIR_FUNCTION(mimir_list_label_values);

static Datum
rows_to_store(FunctionCallInfo fcinfo, StoreRowsKind kind)
{
	ReturnSetInfo *rsi = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext row_context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir row", ALLOCSET_SMALL_SIZES);
	Datum args[STORE_ROWS_MAX_ARGS];
	Datum values[STORE_ROWS_MAX_COLUMNS];
	bool nulls[STORE_ROWS_MAX_COLUMNS];
	StoreFilter filter;
	StoreRows *rows;

	for (int i = 0; i < store_rows_info(kind)->nargs; i++)
		args[i] = PG_GETARG_DATUM(i);
	InitMaterializedSRF(fcinfo, 0);
	store_filter_init(&filter);
	store_filter_args(&filter, kind, args);
	rows = store_rows_begin(kind, &filter, ~0u);
	while (store_rows_next_group(rows, values, nulls))
	{
		MemoryContext old = MemoryContextSwitchTo(row_context);

		while (store_rows_next(rows, values, nulls))
		{
			tuplestore_putvalues(rsi->setResult, rsi->setDesc, values, nulls);
			MemoryContextReset(row_context);
		}
		MemoryContextSwitchTo(old);
	}
	store_rows_end(rows);
	MemoryContextDelete(row_context);
	PG_RETURN_NULL();
}

Datum
mimir_samples(PG_FUNCTION_ARGS)
{
	return rows_to_store(fcinfo, STORE_ROWS_SAMPLES);
}

Datum
mimir_list_series(PG_FUNCTION_ARGS)
{
	return rows_to_store(fcinfo, STORE_ROWS_SERIES);
}

Datum
mimir_chunks(PG_FUNCTION_ARGS)
{
	return rows_to_store(fcinfo, STORE_ROWS_CHUNKS);
}

Datum
mimir_list_label_values(PG_FUNCTION_ARGS)
{
	return rows_to_store(fcinfo, STORE_ROWS_LABEL_VALUES);
}
