/*
 * follower.c
 *    On a hot standby: keeps the head up to what was replayed; ends at promotion.
 */
#include "postgres.h"

#include "pg/export.h"
#include "pg/wait_event.h"
#include "store/flush.h"
#include "worker/session.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#define FOLLOW_MS 500

MIMIR_WORKER(mimir_follower_main);

/* An ERROR is logged; the head is built anew, for nobody knows how far the tick came. */
static void
one_tick(void)
{
	MemoryContext old = CurrentMemoryContext;

	PG_TRY();
	{
		pgstat_report_activity(STATE_RUNNING, "following the primary");
		store_follow_tick();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		HOLD_INTERRUPTS();
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		store_follow_stop();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	pgstat_report_activity(STATE_IDLE, NULL);
	pgstat_report_stat(false);
}

static void
stop_at_exit(int code, Datum arg)
{
	store_follow_end();
}

void
mimir_follower_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	if (!RecoveryInProgress())
		proc_exit(0); /* a primary: for good */
	worker_connect(WORKER_FLUSHER);
	before_shmem_exit(stop_at_exit, 0);
	store_follow_begin();
	while (RecoveryInProgress())
	{
		one_tick();
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, FOLLOW_MS,
				  mimir_wait_event(MIMIR_WAIT_FLUSHER));
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
	proc_exit(0);
}
