/*
 * shmem.c
 *    Shared memory of all modules.
 *
 * Tranche ids are handed out in the postmaster and inherited by fork.
 */
#include "postgres.h"

#include "pg/shmem.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#define MAX_TRANCHES 16

static const ShmemModule *all_modules;
static shmem_request_hook_type prev_request;
static shmem_startup_hook_type prev_startup;

static struct
{
	const char *name;
	int id;
} tranches[MAX_TRANCHES];
static int ntranches;

static void
request(void)
{
	if (prev_request)
		prev_request();
	for (const ShmemModule *m = all_modules; m->size != NULL; m++)
		RequestAddinShmemSpace(MAXALIGN(m->size()));
}

static void
startup(void)
{
	if (prev_startup)
		prev_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (const ShmemModule *m = all_modules; m->size != NULL; m++)
		m->init();
	LWLockRelease(AddinShmemInitLock);
}

void
shmem_install_hooks(const ShmemModule *modules)
{
	all_modules = modules;
	prev_request = shmem_request_hook;
	shmem_request_hook = request;
	prev_startup = shmem_startup_hook;
	shmem_startup_hook = startup;
}

int
mimir_lwlock_tranche(const char *name)
{
	for (int i = 0; i < ntranches; i++)
		if (strcmp(tranches[i].name, name) == 0)
			return tranches[i].id;
	Assert(ntranches < MAX_TRANCHES);
	tranches[ntranches].name = name;
	tranches[ntranches].id = LWLockNewTrancheId();
	LWLockRegisterTranche(tranches[ntranches].id, name);
	return tranches[ntranches++].id;
}
