/*
 * mimir_pg.c
 *    Module magic and _PG_init: calls each module's init, nothing else.
 */
#include "postgres.h"

#include "pg/export.h"
#include "pg/guc.h"
#include "pg/shmem.h"
#include "pg/stats.h"
#include "query/promql_scan.h"
#include "query/regex_trim.h"
#include "query/store_scan.h"
#include "store/compact.h"
#include "store/head.h"
#include "worker/launcher.h"
#include "worker/queue.h"

#include "miscadmin.h"

MIMIR_MODULE;

static const ShmemModule modules[] = {
	{stats_shmem_size, stats_shmem_init},
	{head_shmem_size, head_shmem_init},
	{compact_shmem_size, compact_shmem_init},
	{queue_shmem_size, queue_shmem_init},
	{NULL, NULL},
};

void
_PG_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("mimir_pg must be loaded via shared_preload_libraries"),
						errhint("Add mimir_pg to shared_preload_libraries in postgresql.conf and "
								"restart the server.")));
	guc_init();
	shmem_install_hooks(modules);
	regex_trim_init();
	promql_path_init();
	store_path_init();
	launcher_register();
}
