/*
 * compactor.c
 *    The compactor's loop: waits for the store to be ready, then compacts what is due.
 */
#include "postgres.h"

#include "pg/export.h"
#include "pg/wait_event.h"
#include "store/compact.h"
#include "store/serving.h"
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

/* One round; an ERROR is logged and the work is tried again later. */
static long
one_tick(void)
{
	MemoryContext old = CurrentMemoryContext;
	volatile long next = NOT_READY_MS;

	if (!store_is_ready())
		return next;
	PG_TRY();
	{
		pgstat_report_activity(STATE_RUNNING, "compacting");
		next = store_compact_tick();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		HOLD_INTERRUPTS();
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		store_compact_failed();
		RESUME_INTERRUPTS();
		next = FAILED_MS;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	pgstat_report_activity(STATE_IDLE, NULL);
	pgstat_report_stat(false);
	return next;
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
