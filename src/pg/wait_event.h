/*
 * wait_event.h
 *    Wait events shown in pg_stat_activity: one shared "Extension" event before 17.
 */
#ifndef MIMIR_PG_WAIT_EVENT_H
#define MIMIR_PG_WAIT_EVENT_H

#include "postgres.h"

typedef enum MimirWait
{
	MIMIR_WAIT_GATEWAY,	  /* the gateway waits for sockets or workers */
	MIMIR_WAIT_REQUEST,	  /* a worker waits for a request */
	MIMIR_WAIT_REPLY,	  /* a worker waits for room in the reply ring */
	MIMIR_WAIT_FLUSHER,	  /* the flusher waits for work */
	MIMIR_WAIT_LAUNCHER,  /* the launcher waits */
	MIMIR_WAIT_DRAIN,	  /* the flusher waits for pushes of a generation to end */
	MIMIR_WAIT_FLUSH,	  /* mimir.flush() waits for the flusher */
	MIMIR_WAIT_COMPACTOR, /* the compactor waits for work */
	MIMIR_WAIT_COMPACT,	  /* mimir.compact() waits for the compactor */
	MIMIR_NWAITS
} MimirWait;

extern uint32 mimir_wait_event(MimirWait w); /* wait_event_info for WaitLatch and friends */

#endif
