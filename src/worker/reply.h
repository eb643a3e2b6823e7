/*
 * reply.h
 *    A worker's side of its slot: being taken on by the gateway, requests in, replies out.
 */
#ifndef MIMIR_WORKER_REPLY_H
#define MIMIR_WORKER_REPLY_H

#include "postgres.h"

#include "http/message.h"
#include "pg/wait_event.h"
#include "worker/queue.h"

/* A request in a worker, with the reply under way. */
typedef struct WorkerRequest
{
	uint64 id;
	HttpRequest req;
	HttpResponse resp; /* its sink is this struct */
	Buf body;		   /* reply bytes not yet sent */
} WorkerRequest;

extern QueueSlot *worker_slot; /* of this process */

/* worker_meet_gateway -- wait until a gateway has taken this worker on, empty-handed. */
extern void worker_meet_gateway(void);

/* worker_lost_gateway -- a new gateway started: nobody waits for what is under way here. */
extern bool worker_lost_gateway(void);

/* worker_wait -- for the latch, or timeout_ms (-1: none); interrupts and reload are seen to. */
extern void worker_wait(MimirWait why, long timeout_ms);

/* worker_request_waiting -- does one begin in the ring? */
extern bool worker_request_waiting(void);

/*
 * worker_read_request -- take the next request, waiting until all of it has come.  Memory:
 * CurrentMemoryContext.  False: the gateway was lost meanwhile.
 */
extern bool worker_read_request(WorkerRequest *w);

/* reply_init -- an empty 200; drops what was written and not yet sent. */
extern void reply_init(WorkerRequest *w);

/*
 * reply_end -- send what is left.  Waits for room without letting itself be cancelled: the
 * gateway makes room for every reply, if need be by breaking its connection off.
 */
extern void reply_end(WorkerRequest *w);

/* reply_break -- for an error after the head was sent: the client sees the connection break. */
extern void reply_break(WorkerRequest *w);

#endif
