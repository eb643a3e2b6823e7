/*
 * compactor.c
 *    The compactor's loop: waits for the store to be ready, then compacts what is due
 *    and imports blocks that were uploaded.
 */
#include "postgres.h"

#include "pg/export.h"
#include "pg/wait_event.h"
#include "store/compact.h"
#include "store/serving.h"
#include "store/upload.h"
#include "worker/session.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#define NOT_READY_MS 500
#define FAILED_MS	 10000

MIMIR_WORKER(mimir_compactor_main);

/* Do some work; an ERROR is logged, and the work is tried again later.  Returns whether it was done. */
static bool
guarded(const char *activity, void (*work)(void))
{
	MemoryContext old = CurrentMemoryContext;
	volatile bool done = false;

	PG_TRY();
	{
		pgstat_report_activity(STATE_RUNNING, activity);
		work();
		done = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		HOLD_INTERRUPTS();
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	pgstat_report_activity(STATE_IDLE, NULL);
	pgstat_report_stat(false);
	return done;
}

static long next_ms; /* until the next look, as the compaction says */

static void
compact(void)
{
	next_ms = store_compact_tick();
}

/* One round. */
static long
one_tick(void)
{
	if (!store_is_ready())
		return NOT_READY_MS;
	if (!guarded("compacting", compact))
	{
		store_compact_failed();
		next_ms = FAILED_MS;
	}
	if (!guarded("importing uploaded blocks", upload_tick))
		next_ms = Min(next_ms, FAILED_MS);
	return next_ms;
}

static void
detach_at_exit(int code, Datum arg)
{
	compact_detach();
}

void
mimir_compactor_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	worker_connect(WORKER_FLUSHER);
	before_shmem_exit(detach_at_exit, 0);
	compact_attach();
	for (;;)
	{
		long wait = one_tick();

		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, wait,
				  mimir_wait_event(MIMIR_WAIT_COMPACTOR));
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
}
