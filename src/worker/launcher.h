/*
 * launcher.h
 *    Registration of all background workers.
 */
#ifndef MIMIR_WORKER_LAUNCHER_H
#define MIMIR_WORKER_LAUNCHER_H

extern void launcher_register(void); /* from _PG_init */

#endif
