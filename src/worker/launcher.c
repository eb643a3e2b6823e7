/*
 * launcher.c
 *    Registration of all background workers with the postmaster, which starts each one, and
 *    starts it again when it ends.
 *
 * The gateway needs shared memory only.  Query and admin workers run on a hot standby too; push
 * workers, the flusher and the compactor wait for promotion.
 *
 * The server's default of max_worker_processes would not hold all of ours, and the postmaster
 * only logs that it left some out.  So the setting is raised, while that is still possible: it
 * is read after the libraries were loaded.
 */
#include "postgres.h"

#include "worker/launcher.h"

#include "pg/guc.h"
#include "worker/queue.h"

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/guc.h"

#define RESTART_SECONDS 1
#define OTHER_WORKERS	8 /* left to everybody else: the server's own default */

static void
make_room(int workers)
{
	int need = workers + OTHER_WORKERS;

	if (max_worker_processes >= need)
		return;
	ereport(LOG,
			(errmsg("raising \"max_worker_processes\" from %d to %d for the workers of mimir_pg",
					max_worker_processes, need)));
	SetConfigOption("max_worker_processes", psprintf("%d", need), PGC_POSTMASTER, PGC_S_OVERRIDE);
}

static void
add(const char *function, const char *type, int arg, int flags, BgWorkerStartTime start)
{
	BackgroundWorker w;

	memset(&w, 0, sizeof(w));
	w.bgw_flags = flags;
	w.bgw_start_time = start;
	w.bgw_restart_time = RESTART_SECONDS;
	strlcpy(w.bgw_library_name, "mimir_pg", sizeof(w.bgw_library_name));
	strlcpy(w.bgw_function_name, function, sizeof(w.bgw_function_name));
	strlcpy(w.bgw_name, type, sizeof(w.bgw_name));
	strlcpy(w.bgw_type, type, sizeof(w.bgw_type));
	w.bgw_main_arg = Int32GetDatum(arg);
	RegisterBackgroundWorker(&w);
}

void
launcher_register(void)
{
	int db = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;

	/* pg_upgrade drops databases that a worker would be connected to, and nothing may be written */
	if (IsBinaryUpgrade)
		return;
	make_room(3 + (mimir_http_port == 0 ? 0 : 1 + queue_nslots()));
	add("mimir_flusher_main", "mimir flusher", 0, db, BgWorkerStart_RecoveryFinished);
	add("mimir_follower_main", "mimir follower", 0, db, BgWorkerStart_ConsistentState);
	add("mimir_compactor_main", "mimir compactor", 0, db, BgWorkerStart_RecoveryFinished);
	if (mimir_http_port == 0)
		return;
	add("mimir_gateway_main", "mimir gateway", 0, BGWORKER_SHMEM_ACCESS,
		BgWorkerStart_PostmasterStart);
	for (int i = 0; i < queue_nslots(); i++)
	{
		bool push = queue_slot_pool(i) == HTTP_POOL_PUSH;

		add("mimir_http_worker_main", push ? "mimir push" : "mimir http", i, db,
			push ? BgWorkerStart_RecoveryFinished : BgWorkerStart_ConsistentState);
	}
}
