/*
 * series_table.c
 *    Registering series of the head in mimir.series_active.
 *
 * The table has no index: it is read whole at start, and rows leave it in bulk (evict.c).
 */
#include "postgres.h"

#include "store/series_table.h"

#include "store/head.h"
#include "tables/relation.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/tuptable.h"

#define REGISTER_BATCH 500 /* tuples a heap_multi_insert */

void
series_table_register(const SeriesRef *refs, int n)
{
	Relation rel;
	TupleTableSlot *slots[REGISTER_BATCH];
	CommandId cid;

	if (n == 0)
		return;
	rel = tables_open("series_active", RowExclusiveLock);
	cid = GetCurrentCommandId(true);
	for (int from = 0; from < n; from += REGISTER_BATCH)
	{
		int count = Min(n - from, REGISTER_BATCH);

		for (int i = 0; i < count; i++)
		{
			const IndexSeries *s = index_series(refs[from + i]);
			Size size = index_labels_size(refs[from + i]);
			bytea *labels = palloc(VARHDRSZ + size);
			Datum values[3];
			bool nulls[3] = {0};

			SET_VARSIZE(labels, VARHDRSZ + size);
			index_labels_put(refs[from + i], (uint8 *) VARDATA(labels));
			values[0] = Int32GetDatum((int32) index_tenant(s->tenant)->tenant_id);
			values[1] = Int64GetDatum(s->series_id);
			values[2] = PointerGetDatum(labels);
			slots[i] = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsHeapTuple);
			ExecStoreHeapTuple(heap_form_tuple(RelationGetDescr(rel), values, nulls), slots[i],
							   true);
			pfree(labels);
		}
		heap_multi_insert(rel, slots, count, cid, HEAP_INSERT_SKIP_FSM | HEAP_INSERT_NO_LOGICAL,
						  NULL);
		for (int i = 0; i < count; i++)
			ExecDropSingleTupleTableSlot(slots[i]);
	}
	table_close(rel, NoLock);
}
