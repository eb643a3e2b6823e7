/*
 * follow.c
 *    The head of a hot standby.
 *
 * The primary's log tables arrive by replication like any table.  The follower reads what is
 * new in them every second and applies it, so queries on the standby see what was acknowledged
 * up to a second or so ago.
 *
 * A log table is read page by page from the first page that may still change.  A row is taken once
 * its transaction is visible; rows of transactions under way keep their page from being passed,
 * and what was taken is remembered until the table is truncated.
 *
 * A generation leaves the head as soon as its flush is visible here; readers take their snapshot
 * after they pinned the head (select.c), so they see the flush too.
 *
 * Series are read from mimir.series_active when a row names one that is not known.  Those that
 * the primary evicted are looked for from time to time.
 */
#include "postgres.h"

#include "store/flush.h"

#include "pg/stats.h"
#include "pg/time.h"
#include "store/log_record.h"
#include "store/recover_int.h"
#include "store/serving.h"
#include "tables/relation.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/procarray.h"
#include "util/hash.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define SWEEP_MS INT64CONST(300000)

/* Rows of a log table that were applied: block and offset. */
typedef struct TakenRow
{
	uint64 tid;
	char status;
} TakenRow;

#define SH_PREFIX			 taken
#define SH_ELEMENT_TYPE		 TakenRow
#define SH_KEY_TYPE			 uint64
#define SH_KEY				 tid
#define SH_HASH_KEY(tb, key) ((uint32) (((key) *UINT64CONST(0x9E3779B97F4A7C15)) >> 32))
#define SH_EQUAL(tb, a, b)	 ((a) == (b))
#define SH_SCOPE			 static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct FollowedLog
{
	uint32 gen; /* 0: none */
	BlockNumber from;
	MemoryContext context;
	taken_hash *taken;
} FollowedLog;

typedef struct Follower
{
	bool started;
	Oid block_relid; /* to notice that the extension was made anew */
	MemoryContext context;
	IdMap map;
	int64 min_t; /* of flushed blocks when it started */
	FollowedLog logs[HEAD_LOG_SLOTS];
	int64 next_sweep;
} Follower;

static Follower follower;

/* ---- generations ------------------------------------------------------------------------------- */

typedef struct GenRow
{
	int64 gen;
	bool flushed;
} GenRow;

static int
read_generations(GenRow **out)
{
	MemoryContext context = CurrentMemoryContext;
	int n;

	SPI_connect();
	if (SPI_execute("SELECT generation, state = 'flushed' FROM mimir.generation"
					" ORDER BY generation",
					true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read mimir.generation");
	n = (int) SPI_processed;
	*out = MemoryContextAlloc(context, sizeof(GenRow) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		bool isnull;

		(*out)[i].gen =
			DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		(*out)[i].flushed =
			DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull));
	}
	SPI_finish();
	return n;
}

static void
forget_log(FollowedLog *log)
{
	if (log->context != NULL)
		MemoryContextDelete(log->context);
	memset(log, 0, sizeof(*log));
}

static FollowedLog *
log_of(uint32 gen)
{
	FollowedLog *log = &follower.logs[gen % HEAD_LOG_SLOTS];

	if (log->gen != gen)
	{
		forget_log(log);
		log->gen = gen;
		log->context =
			AllocSetContextCreate(follower.context, "mimir followed log", ALLOCSET_DEFAULT_SIZES);
		log->taken = taken_create(log->context, 1024, NULL);
	}
	return log;
}

/* ---- rows -------------------------------------------------------------------------------------- */

static SeriesRef
series_of(int64 id)
{
	SeriesRef *ref = id_map_slot(&follower.map, id);

	if (*ref == 0)
	{
		recover_load_series(&follower.map, follower.min_t);
		ref = id_map_slot(&follower.map, id);
	}
	return *ref;
}

static void
apply_row(uint32 gen, const uint8 *data, uint32 len)
{
	LogReader r;
	LogRecord rec;
	int got = -1;

	if (log_reader_init(&r, data, len))
	{
		if (r.gen != gen)
			return; /* left from a generation before */
		while ((got = log_reader_next(&r, &rec)) == 1)
		{
			SeriesRef ref = series_of(rec.series_id);

			if (ref == 0)
				continue; /* evicted: its samples are in blocks */
			if (rec.is_histogram)
				head_apply_histogram(ref, gen, rec.t, rec.form, rec.form_len,
									 hash_xxh64(rec.form, rec.form_len));
			else
				head_apply_float(ref, gen, rec.t, rec.v);
			index_note_time(head_series(ref)->ix.tenant, rec.t);
		}
	}
	if (got < 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("ingest log row of generation %u is corrupt", gen)));
}

/* What a page holds of rows that are visible and were not taken; false: some are to come. */
static bool
read_page(Relation rel, FollowedLog *log, BlockNumber block, Snapshot snapshot, HeapTuple *rows,
		  int *nrows)
{
	Buffer buf = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL, NULL);
	Page page;
	OffsetNumber max;
	bool complete = true;

	*nrows = 0;
	LockBuffer(buf, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buf);
	max = PageIsNew(page) ? 0 : PageGetMaxOffsetNumber(page);
	for (OffsetNumber off = FirstOffsetNumber; off <= max; off++)
	{
		ItemId item = PageGetItemId(page, off);
		HeapTupleData tuple;
		bool found;

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_tableOid = RelationGetRelid(rel);
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		ItemPointerSet(&tuple.t_self, block, off);
		if (HeapTupleSatisfiesVisibility(&tuple, snapshot, buf))
		{
			taken_insert(log->taken, (uint64) block << 16 | off, &found);
			if (!found)
				rows[(*nrows)++] = heap_copytuple(&tuple);
		}
		else
		{
			TransactionId xmin = HeapTupleHeaderGetXmin(tuple.t_data);

			complete &= !TransactionIdIsInProgress(xmin) && !TransactionIdDidCommit(xmin);
		}
	}
	UnlockReleaseBuffer(buf);
	return complete;
}

static void
read_log(uint32 gen, Snapshot snapshot)
{
	FollowedLog *log = log_of(gen);
	char name[NAMEDATALEN];
	Relation rel;
	BlockNumber n;
	bool complete = true; /* all pages so far */

	snprintf(name, sizeof(name), "log_%u", gen % HEAD_LOG_SLOTS);
	rel = tables_open(name, AccessShareLock);
	n = RelationGetNumberOfBlocks(rel);
	for (BlockNumber block = log->from; block < n; block++)
	{
		HeapTuple rows[MaxHeapTuplesPerPage];
		int nrows;
		bool done = read_page(rel, log, block, snapshot, rows, &nrows);

		for (int i = 0; i < nrows; i++)
		{
			bool isnull;
			struct varlena *raw = (struct varlena *) DatumGetPointer(
				heap_getattr(rows[i], 1, RelationGetDescr(rel), &isnull));
			struct varlena *row = pg_detoast_datum_packed(raw);

			apply_row(gen, (const uint8 *) VARDATA_ANY(row), VARSIZE_ANY_EXHDR(row));
			if (row != raw)
				pfree(row);
			heap_freetuple(rows[i]);
		}
		/* the last page may still be filled */
		complete &= done && block + 1 < n;
		if (complete)
			log->from = block + 1;
		CHECK_FOR_INTERRUPTS();
	}
	table_close(rel, AccessShareLock);
}

/* ---- starting and sweeping --------------------------------------------------------------------- */

static int64
min_flushed_time(void)
{
	bool isnull;
	int64 t;

	SPI_connect();
	if (SPI_execute("SELECT min(min_time), max(max_time) FROM mimir.block WHERE level = 1", true,
					1) != SPI_OK_SELECT)
		elog(ERROR, "could not read mimir.block");
	t = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	head->recovered_max_t = isnull ? PG_INT64_MIN : t;
	t = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return isnull ? PG_INT64_MAX : t;
}

static void
start(const GenRow *gens, int n)
{
	uint32 first = (uint32) gens[n - 1].gen;
	MemoryContext old;

	for (int i = n - 1; i >= 0 && !gens[i].flushed; i--)
		first = (uint32) gens[i].gen;
	store_follow_stop();
	head_empty();
	head->extension = tables_relid("generation");
	head->gen = first - 1;
	head->min_gen = head->free_gen = first;
	follower.min_t = min_flushed_time();
	follower.context =
		AllocSetContextCreate(TopMemoryContext, "mimir follower", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(follower.context);
	id_map_init(&follower.map, 65536);
	MemoryContextSwitchTo(old);
	follower.block_relid = tables_relid("block");
	follower.next_sweep = time_now_ms() + SWEEP_MS;
	follower.started = true;
	recover_load_series(&follower.map, follower.min_t);
}

void
store_follow_stop(void)
{
	store_shutdown();
	store_forget_evicted();
	for (int i = 0; i < HEAD_LOG_SLOTS; i++)
		forget_log(&follower.logs[i]);
	if (follower.context != NULL)
		MemoryContextDelete(follower.context);
	memset(&follower, 0, sizeof(follower));
}

void
store_follow_begin(void)
{
	pg_atomic_write_u32(&head->followed, 1);
}

void
store_follow_end(void)
{
	store_follow_stop();
	pg_atomic_write_u32(&head->followed, 0);
}

typedef struct LiveId
{
	int64 id;
	char status;
} LiveId;

#define SH_PREFIX			 live
#define SH_ELEMENT_TYPE		 LiveId
#define SH_KEY_TYPE			 int64
#define SH_KEY				 id
#define SH_HASH_KEY(tb, key) ((uint32) (((uint64) (key) *UINT64CONST(0x9E3779B97F4A7C15)) >> 32))
#define SH_EQUAL(tb, a, b)	 ((a) == (b))
#define SH_SCOPE			 static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Series that the primary evicted leave this head too. */
static void
sweep(Snapshot snapshot)
{
	Relation rel = tables_open("series_active", AccessShareLock);
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	live_hash *live = live_create(CurrentMemoryContext, head_index->nseries + 64, NULL);
	SeriesRef *refs = palloc(sizeof(SeriesRef) * (head_index->series.n + 1));
	uint32 n = head_index->series.n;
	int nrefs = 0;
	bool found;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool isnull;

		live_insert(live, DatumGetInt64(slot_getattr(slot, 2, &isnull)), &found);
		CHECK_FOR_INTERRUPTS();
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	for (SeriesRef ref = 1; ref < n; ref++)
	{
		HeadSeries *s = head_series(ref);

		if (s->ix.pairs == NULL || s->ix.dead || live_lookup(live, s->ix.series_id) != NULL)
			continue;
		s->registered = false;
		*id_map_slot(&follower.map, s->ix.series_id) = 0;
		refs[nrefs++] = ref;
	}
	stats_add(STAT_HEAD_SERIES_REMOVED, evict_unlink(refs, nrefs));
}

/* ---- the tick ---------------------------------------------------------------------------------- */

static void
close_flushed(const GenRow *gens, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (!gens[i].flushed || gens[i].gen < head->min_gen || gens[i].gen >= head->gen)
			continue;
		head_close_chunks((uint32) gens[i].gen);
		head_gen_flushed((uint32) gens[i].gen);
	}
	head_free_flushed();
}

/*
 * store_follow_tick -- apply what was replayed since the last tick; the store is ready after the
 * first one.  Called by the follower, outside a transaction.
 */
void
store_follow_tick(void)
{
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "mimir follow tick", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Snapshot snapshot;
	GenRow *gens;
	int n;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(context);
	snapshot = GetActiveSnapshot();
	n = OidIsValid(store_installed_extension()) ? read_generations(&gens) : 0;
	if (n == 0)
		store_follow_stop(); /* no extension of our version, or one that never ran */
	else
	{
		if (!follower.started || follower.block_relid != tables_relid("block"))
			start(gens, n);
		for (int i = 0; i < n; i++)
		{
			if (gens[i].gen < head->min_gen)
				continue;
			if (gens[i].gen > head->gen)
				head_gen_rotate((uint32) gens[i].gen);
			if (!gens[i].flushed)
				read_log((uint32) gens[i].gen, snapshot);
		}
		close_flushed(gens, n);
		if (evict_free_limbo() && time_now_ms() >= follower.next_sweep)
		{
			sweep(snapshot);
			follower.next_sweep = time_now_ms() + SWEEP_MS;
		}
		head_set_ready(true);
		stats_set(STAT_HEAD_BYTES, arena_used(head->arena));
		stats_set(STAT_HEAD_SERIES, head_index->nseries);
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
