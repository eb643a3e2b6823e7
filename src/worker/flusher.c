/*
 * flusher.c
 *    The flusher's loop: waits for the extension, recovers the head, then ticks.
 */
#include "postgres.h"

#include "pg/export.h"
#include "pg/guc.h"
#include "pg/wait_event.h"
#include "store/flush.h"
#include "tables/relation.h"

#include "access/xact.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define ABSENT_TICK_MS 500

MIMIR_WORKER(mimir_flusher_main);

static Oid
extension_oid(void)
{
	Oid oid;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	oid = get_extension_oid("mimir_pg", true);
	PopActiveSnapshot();
	CommitTransactionCommand();
	return oid;
}

/* One unit of work; an ERROR is logged and the work is tried again at the next tick. */
static long
one_tick(Oid *served)
{
	MemoryContext old = CurrentMemoryContext;
	volatile long next = ABSENT_TICK_MS;

	PG_TRY();
	{
		Oid now = extension_oid();

		if (now != *served)
		{
			store_shutdown();
			*served = InvalidOid;
			if (OidIsValid(now))
			{
				pgstat_report_activity(STATE_RUNNING, "recovering the head");
				store_startup();
				*served = now;
			}
		}
		if (OidIsValid(*served))
		{
			pgstat_report_activity(STATE_RUNNING, "flushing");
			next = store_flush_tick();
		}
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		HOLD_INTERRUPTS();
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		if (OidIsValid(*served))
			store_flush_failed();
		RESUME_INTERRUPTS();
		next = 1000;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	pgstat_report_activity(STATE_IDLE, NULL);
	pgstat_report_stat(false);
	return next;
}

static void
shutdown_at_exit(int code, Datum arg)
{
	store_shutdown();
}

void
mimir_flusher_main(Datum arg)
{
	Oid served = InvalidOid;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(mimir_database, NULL, 0);
	before_shmem_exit(shutdown_at_exit, 0);
	for (;;)
	{
		long wait = one_tick(&served);

		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, wait,
				  mimir_wait_event(MIMIR_WAIT_FLUSHER));
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
}
