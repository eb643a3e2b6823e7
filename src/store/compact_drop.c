/*
 * compact_drop.c
 *    Tables of blocks that nobody knows any more are dropped.
 *
 * A table is in use as long as a row of mimir.block names it.  When there is none, a snapshot
 * taken before may still see the row: the table is dropped once the transaction that was next
 * when its row was first missed is older than every snapshot.  This needs no memory of what was
 * compacted, so it also finds what a crash left.
 *
 * A partition of mimir.chunk_data may be taken into use again by a flush.  The flush holds a lock on
 * mimir.chunk_data from before it looks for the partition until its commit; so under an
 * exclusive lock on that the look here is final.  Locks are waited for shortly: next time will do.
 */
#include "postgres.h"

#include "store/compact.h"

#include "tables/relation.h"

#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define LOCK_TIMEOUT "SET LOCAL lock_timeout = '200ms'"

#define UNUSED                                                                                     \
	"SELECT c.relname FROM pg_catalog.pg_class c"                                                  \
	" WHERE c.relnamespace = 'mimir'::regnamespace AND c.relkind = 'r' AND ("                      \
	"  (c.relname ~ '^block_[0-9]+$' AND NOT EXISTS (SELECT FROM mimir.block b"                    \
	"    WHERE b.level = 2 AND 'block_' || b.block_id = c.relname))"                               \
	"  OR (c.relname ~ '^chunk_data_-?[0-9]+$' AND NOT EXISTS (SELECT FROM mimir.block b"          \
	"    WHERE b.level = 1 AND 'chunk_data_' || b.day = c.relname)))"

typedef struct UnusedTable
{
	char name[NAMEDATALEN];
	FullTransactionId since;
	bool seen; /* in this look */
} UnusedTable;

static UnusedTable *unused; /* in TopMemoryContext */
static int nunused, cap_unused;

static void
note_unused(const char *name)
{
	for (int i = 0; i < nunused; i++)
		if (strcmp(unused[i].name, name) == 0)
		{
			unused[i].seen = true;
			return;
		}
	if (nunused == cap_unused)
	{
		cap_unused = Max(16, cap_unused * 2);
		unused = unused ? repalloc(unused, sizeof(UnusedTable) * cap_unused)
						: MemoryContextAlloc(TopMemoryContext, sizeof(UnusedTable) * cap_unused);
	}
	strlcpy(unused[nunused].name, name, NAMEDATALEN);
	unused[nunused].since = ReadNextFullTransactionId();
	unused[nunused++].seen = true;
}

/*
 * compact_drop_forget -- a compaction took the day's partition out of use: if it was seen unused
 * before, a flush has used it since, and the wait for old snapshots begins anew.
 */
void
compact_drop_forget(int32 day)
{
	char name[NAMEDATALEN];
	int kept = 0;

	snprintf(name, sizeof(name), "chunk_data_%d", day);
	for (int i = 0; i < nunused; i++)
		if (strcmp(unused[i].name, name) != 0)
			unused[kept++] = unused[i];
	nunused = kept;
}

/* List what is unused now; returns the oldest transaction some snapshot may not see. */
static TransactionId
look(void)
{
	Relation rel;
	TransactionId horizon;
	int kept = 0;

	for (int i = 0; i < nunused; i++)
		unused[i].seen = false;
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	if (SPI_execute(UNUSED, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not list unused tables");
	for (uint64 i = 0; i < SPI_processed; i++)
		note_unused(SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
	SPI_finish();
	PopActiveSnapshot();
	rel = tables_open("block", AccessShareLock);
	horizon = GetOldestNonRemovableTransactionId(rel);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	for (int i = 0; i < nunused; i++)
		if (unused[i].seen)
			unused[kept++] = unused[i];
	nunused = kept;
	return horizon;
}

static void
execute(const char *sql)
{
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
}

/* Drop it, unless a flush has taken it into use again.  Raises if a lock is not to be had. */
static void
drop_table(const char *name)
{
	bool partition = strncmp(name, "chunk_data_", strlen("chunk_data_")) == 0;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	execute(LOCK_TIMEOUT);
	if (partition)
		execute("LOCK TABLE mimir.chunk_data IN ACCESS EXCLUSIVE MODE");
	execute(psprintf(UNUSED " AND c.relname = %s", quote_literal_cstr(name)));
	if (SPI_processed > 0)
		execute(psprintf("DROP TABLE mimir.%s", quote_identifier(name)));
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/* compact_drop_unused -- drop what no snapshot knows; what is locked stays for the next look. */
void
compact_drop_unused(void)
{
	TransactionId horizon = look();
	MemoryContext context = CurrentMemoryContext;

	for (int i = 0; i < nunused; i++)
	{
		/* since had not begun: every snapshot whose xmin is not below sees what came before */
		if (!TransactionIdPrecedesOrEquals(XidFromFullTransactionId(unused[i].since), horizon))
			continue;
		PG_TRY();
		{
			drop_table(unused[i].name);
		}
		PG_CATCH();
		{
			int code = geterrcode();

			MemoryContextSwitchTo(context);
			if (code != ERRCODE_LOCK_NOT_AVAILABLE)
				PG_RE_THROW();
			HOLD_INTERRUPTS();
			AbortCurrentTransaction();
			FlushErrorState();
			RESUME_INTERRUPTS();
		}
		PG_END_TRY();
		CHECK_FOR_INTERRUPTS();
	}
}
