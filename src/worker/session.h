/*
 * session.h
 *    Connecting a worker to its database.
 */
#ifndef MIMIR_WORKER_SESSION_H
#define MIMIR_WORKER_SESSION_H

#include "postgres.h"

typedef enum WorkerKind
{
	WORKER_PUSH,
	WORKER_QUERY,
	WORKER_FLUSHER
} WorkerKind;

/* worker_connect -- open a session in mimir.database whose settings suit the worker. */
extern void worker_connect(WorkerKind kind);

#endif
