/*
 * shmem.h
 *    Shared memory of all modules: asked for and laid out in one place.
 */
#ifndef MIMIR_PG_SHMEM_H
#define MIMIR_PG_SHMEM_H

#include "postgres.h"

/* A module's part: its size (0 is fine) and its initialisation, run once by the postmaster. */
typedef struct ShmemModule
{
	Size (*size)(void);
	void (*init)(void);
} ShmemModule;

/* shmem_install_hooks -- called by _PG_init with all modules; modules[n].size == NULL ends. */
extern void shmem_install_hooks(const ShmemModule *modules);

/* mimir_lwlock_tranche -- id of a tranche by name, the same in every process. */
extern int mimir_lwlock_tranche(const char *name);

#endif
