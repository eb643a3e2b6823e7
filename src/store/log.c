/*
 * log.c
 *    Ingest log tables.
 *
 * mimir.log_<n> are plain heaps without indexes; rows fill pages (log_record.h).  They are
 * written with heap_multi_insert, so a request costs one WAL record a page, and never updated: when
 * the generations that it holds are flushed a log is truncated as a whole.  Usually that is one;
 * while somebody keeps a lock on the table (a dump), later ones are added behind it, and a row tells
 * whose it is.
 */
#include "postgres.h"

#include "store/log.h"

#include "store/head.h"
#include "store/serving.h"
#include "tables/relation.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/heap.h"
#include "commands/tablecmds.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/snapmgr.h"
#include "utils/snapshot.h"

static void
log_name(char *name, uint32 gen)
{
	snprintf(name, NAMEDATALEN, "log_%u", gen % HEAD_LOG_SLOTS);
}

static Relation
log_open(uint32 gen, LOCKMODE lockmode)
{
	char name[NAMEDATALEN];

	log_name(name, gen);
	return tables_open(name, lockmode);
}

void
log_write(uint32 gen, const LogWriter *w)
{
	Relation rel;
	TupleTableSlot **slots;
	CommandId cid = GetCurrentCommandId(true);

	if (w->nrows == 0)
		return;
	rel = log_open(gen, RowExclusiveLock);
	store_check_extension();
	slots = palloc(sizeof(TupleTableSlot *) * w->nrows);
	for (int i = 0; i < w->nrows; i++)
	{
		Datum value = PointerGetDatum(w->rows[i].data);
		bool isnull = false;
		HeapTuple tuple = heap_form_tuple(RelationGetDescr(rel), &value, &isnull);

		slots[i] = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsHeapTuple);
		ExecStoreHeapTuple(tuple, slots[i], true);
	}
	heap_multi_insert(rel, slots, w->nrows, cid, HEAP_INSERT_SKIP_FSM | HEAP_INSERT_NO_LOGICAL,
					  NULL);
	for (int i = 0; i < w->nrows; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
	pfree(slots);
	table_close(rel, NoLock);
}

void
log_scan(uint32 gen, LogScanFn fn, void *arg)
{
	Relation rel = log_open(gen, AccessShareLock);
	TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool isnull;
		struct varlena *raw = (struct varlena *) DatumGetPointer(slot_getattr(slot, 1, &isnull));
		struct varlena *row = pg_detoast_datum_packed(raw);
		LogReader r;
		LogRecord rec;
		int got = -1;

		CHECK_FOR_INTERRUPTS();
		if (log_reader_init(&r, (const uint8 *) VARDATA_ANY(row), VARSIZE_ANY_EXHDR(row)))
		{
			got = 0;
			while (r.gen == gen && (got = log_reader_next(&r, &rec)) == 1)
				fn(&rec, arg);
		}
		if (got < 0)
			ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
							errmsg("ingest log row (%u,%u) of generation %u is corrupt",
								   ItemPointerGetBlockNumber(&slot->tts_tid),
								   ItemPointerGetOffsetNumber(&slot->tts_tid), gen)));
		if (row != raw)
			pfree(row);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	table_close(rel, AccessShareLock);
}

bool
log_is_empty(uint32 slot)
{
	Relation rel = log_open(slot, AccessShareLock);
	bool empty = RelationGetNumberOfBlocks(rel) == 0;

	table_close(rel, AccessShareLock);
	return empty;
}

bool
log_truncate(uint32 slot)
{
	TruncateStmt *stmt = makeNode(TruncateStmt);
	char name[NAMEDATALEN];

	log_name(name, slot);
	if (!ConditionalLockRelationOid(tables_relid(name), AccessExclusiveLock))
		return false;
	stmt->relations = list_make1(makeRangeVar("mimir", pstrdup(name), -1));
	stmt->restart_seqs = false;
	stmt->behavior = DROP_RESTRICT;
	ExecuteTruncate(stmt);
	return true;
}
