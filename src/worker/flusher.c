/*
 * flusher.c
 *    The flusher's loop: waits for the extension, recovers the head, then does its jobs.
 */
#include "postgres.h"

#include "pg/export.h"
#include "pg/wait_event.h"
#include "store/flush.h"
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
#include "utils/snapmgr.h"

#define TICK_MS		   1000
#define ABSENT_TICK_MS 500
#define RESTART_MIN_MS 1000 /* after a failed recovery; doubled at each */
#define RESTART_MAX_MS 60000

MIMIR_WORKER(mimir_flusher_main);

static Oid served; /* extension that the head was recovered from; InvalidOid = none */

static Oid
extension_oid(void)
{
	Oid oid;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	oid = store_installed_extension();
	PopActiveSnapshot();
	CommitTransactionCommand();
	return oid;
}

/* Follow CREATE, DROP and ALTER EXTENSION: what is not of our version is as good as none. */
static void
follow_extension(void)
{
	Oid now = extension_oid();

	if (now == served)
		return;
	store_shutdown();
	served = InvalidOid;
	if (!OidIsValid(now))
		return;
	pgstat_report_activity(STATE_RUNNING, "recovering the head");
	store_startup();
	served = now;
}

/* One job; an ERROR is logged, and the job is tried again later.  False: it failed. */
static bool
run_job(void (*job)(void), MemoryContext context)
{
	volatile bool ok = true;

	MemoryContextReset(context);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		job();
	}
	PG_CATCH();
	{
		ok = false;
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(context);
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	return ok;
}

/* All that is due; returns milliseconds until the next look (the latch wakes earlier). */
static long
work(MemoryContext context)
{
	static long restart_ms;

	if (!run_job(follow_extension, context))
	{
		store_startup_failed();
		restart_ms = Min(Max(restart_ms * 2, RESTART_MIN_MS), RESTART_MAX_MS);
		return restart_ms;
	}
	restart_ms = 0;
	if (!OidIsValid(served))
		return ABSENT_TICK_MS;
	pgstat_report_activity(STATE_RUNNING, "flushing");
	if (!run_job(store_flush, context))
		store_flush_failed();
	run_job(store_truncate_logs, context);
	run_job(store_evict, context);
	store_report();
	return TICK_MS;
}

static void
shutdown_at_exit(int code, Datum arg)
{
	store_shutdown();
}

void
mimir_flusher_main(Datum arg)
{
	MemoryContext context;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	worker_connect(WORKER_FLUSHER);
	before_shmem_exit(shutdown_at_exit, 0);
	context = AllocSetContextCreate(TopMemoryContext, "mimir flusher", ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		long wait = work(context);

		MemoryContextSwitchTo(TopMemoryContext);
		MemoryContextReset(context);
		pgstat_report_activity(STATE_IDLE, NULL);
		pgstat_report_stat(false);
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
