/*
 * compact_state.c
 *    What the compactor shows of itself, and how one asks it for work.
 *
 * Concurrency: all under the LWLock mimir_compaction, held for a few assignments only.
 */
#include "postgres.h"

#include "store/compact.h"

#include "pg/compat.h"
#include "pg/shmem.h"
#include "pg/time.h"
#include "pg/wait_event.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#define NO_DAY PG_INT32_MIN

CompactState *compact_state;

Size
compact_shmem_size(void)
{
	return sizeof(CompactState);
}

void
compact_shmem_init(void)
{
	bool found;

	compact_state = ShmemInitStruct("mimir_pg compaction", sizeof(CompactState), &found);
	Assert(!found);
	memset(compact_state, 0, sizeof(CompactState));
	LWLockInitialize(&compact_state->lock, mimir_lwlock_tranche("mimir_compaction"));
	ConditionVariableInit(&compact_state->cv);
	compact_state->procno = -1;
	compact_state->day = NO_DAY;
}

/*
 * compact_request_and_wait -- ask for a round and wait for its end; full: of all days, not only of
 * those that are due.  Ereports if the round fails or nobody is there to do it.
 */
void
compact_request_and_wait(bool full)
{
	CompactState *c = compact_state;
	uint64 mine;
	bool done = false;
	bool failed = false;

	LWLockAcquire(&c->lock, LW_EXCLUSIVE);
	mine = ++c->asked;
	if (full)
		c->asked_full = mine;
	if (c->procno >= 0)
		SetLatch(&ProcGlobal->allProcs[c->procno].procLatch);
	LWLockRelease(&c->lock);

	ConditionVariablePrepareToSleep(&c->cv);
	while (!done)
	{
		bool gone;

		LWLockAcquire(&c->lock, LW_SHARED);
		done = c->done >= mine;
		failed = c->failed;
		gone = c->procno < 0;
		LWLockRelease(&c->lock);
		if (done)
			break;
		if (gone)
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("the compactor is not running")));
		ConditionVariableTimedSleep(&c->cv, 1000, mimir_wait_event(MIMIR_WAIT_COMPACT));
	}
	ConditionVariableCancelSleep();
	if (failed)
		ereport(ERROR, (errcode(ERRCODE_IO_ERROR), errmsg("could not compact all blocks"),
						errdetail("Nothing is lost; the server log has the reason."),
						errhint("What failed is tried again.")));
}

void
compact_attach(void)
{
	LWLockAcquire(&compact_state->lock, LW_EXCLUSIVE);
	compact_state->procno = compat_my_proc_number();
	LWLockRelease(&compact_state->lock);
}

void
compact_detach(void)
{
	LWLockAcquire(&compact_state->lock, LW_EXCLUSIVE);
	compact_state->procno = -1;
	compact_state->day = NO_DAY;
	LWLockRelease(&compact_state->lock);
	ConditionVariableBroadcast(&compact_state->cv);
}

void
compact_wake(void)
{
	LWLockAcquire(&compact_state->lock, LW_SHARED);
	if (compact_state->procno >= 0)
		SetLatch(&ProcGlobal->allProcs[compact_state->procno].procLatch);
	LWLockRelease(&compact_state->lock);
}

/* compact_round_begin -- is a round asked for, and a full one?  upto: requests it will answer. */
void
compact_round_begin(bool *asked, bool *full, uint64 *upto)
{
	LWLockAcquire(&compact_state->lock, LW_SHARED);
	*upto = compact_state->asked;
	*asked = compact_state->asked > compact_state->done;
	*full = compact_state->asked_full > compact_state->done;
	LWLockRelease(&compact_state->lock);
}

void
compact_round_end(uint64 upto, bool failed)
{
	LWLockAcquire(&compact_state->lock, LW_EXCLUSIVE);
	compact_state->done = Max(compact_state->done, upto);
	compact_state->failed = failed;
	compact_state->day = NO_DAY;
	LWLockRelease(&compact_state->lock);
	ConditionVariableBroadcast(&compact_state->cv);
}

/* ---- progress ---------------------------------------------------------------------------------- */

void
compact_progress_begin(int32 day)
{
	LWLockAcquire(&compact_state->lock, LW_EXCLUSIVE);
	compact_state->day = day;
	compact_state->tenant = 0;
	compact_state->series_done = compact_state->series_total = 0;
	compact_state->samples = compact_state->bytes = 0;
	compact_state->started_ms = time_now_ms();
	LWLockRelease(&compact_state->lock);
}

void
compact_progress_tenant(TenantId tenant, int64 series_total)
{
	LWLockAcquire(&compact_state->lock, LW_EXCLUSIVE);
	compact_state->tenant = tenant;
	compact_state->series_total += series_total;
	LWLockRelease(&compact_state->lock);
}

/* compact_progress_add -- series and samples more; bytes: all that were written so far. */
void
compact_progress_add(int64 series, int64 samples, int64 bytes)
{
	LWLockAcquire(&compact_state->lock, LW_EXCLUSIVE);
	compact_state->series_done += series;
	compact_state->samples += samples;
	compact_state->bytes = bytes;
	LWLockRelease(&compact_state->lock);
}

/* compact_progress_end -- the block was committed (written: it holds something). */
void
compact_progress_end(bool written, int64 removed)
{
	LWLockAcquire(&compact_state->lock, LW_EXCLUSIVE);
	compact_state->blocks_written += written;
	compact_state->blocks_removed += removed;
	compact_state->samples_compacted += compact_state->samples;
	compact_state->bytes_written += compact_state->bytes;
	compact_state->last_ms = time_now_ms();
	compact_state->day = NO_DAY;
	LWLockRelease(&compact_state->lock);
}
