/*
 * queue.h
 *    Requests and replies between the gateway and the HTTP workers, in shared memory.
 *
 * Each worker has a slot with two byte rings: requests come in, replies go out.  A ring has one
 * writer and one reader, so positions are two atomics and no lock:
 *    - the writer copies bytes, then (barrier) raises `written`, then sets the reader's latch;
 *    - the reader copies bytes out, then raises `read`, then sets the writer's latch.
 * Everything is framed: u32 type, u32 length, then the bytes.  A request may be larger than the
 * ring: it streams through, for the gateway never breaks off.  A reply frame always fits, and is
 * written whole or not at all, so that an interrupt in the worker leaves no half frame behind.
 *
 * A slot's state says who may touch its rings:
 *
 *    OFFLINE --worker starts--> WAITING --gateway--> ONLINE
 *       ^                          ^                    |
 *       |                          +--gateway is new----+  (the worker moves back)
 *       +------------- worker ends, from any state ----------
 *
 * Only a gateway moves WAITING to ONLINE, after it forgot what it had under way there and emptied
 * both rings; the worker uses them in ONLINE only.  A gateway that starts raises gateway_epoch and
 * leaves a slot that it finds ONLINE alone until its worker has moved back.
 *
 * Latches are those of the processes' PGPROCs: a pointer to one stays valid when the process has
 * gone, and waking the next owner does no harm, so they are never cleared.
 *
 * Cancel: the gateway writes the request's id to cancel_id and sends SIGINT.  The worker's handler
 * takes the id out and compares it with what it is doing, so that a late cancel hits nothing
 * else; an early one is remembered.  A SIGINT without an id is pg_cancel_backend() and means
 * whatever is running.
 */
#ifndef MIMIR_WORKER_QUEUE_H
#define MIMIR_WORKER_QUEUE_H

#include "postgres.h"

#include "http/router.h"

#include "port/atomics.h"
#include "storage/latch.h"

#define QUEUE_REQUEST_RING (256 * 1024) /* bytes */
#define QUEUE_REPLY_RING   (256 * 1024)
#define QUEUE_REPLY_MAX	   (32 * 1024) /* bytes of a reply frame, its head included */

typedef struct QueueRing
{
	pg_atomic_uint64 written; /* bytes ever */
	pg_atomic_uint64 read;
	uint32 size;
	char *data;
} QueueRing;

typedef enum QueueFrame
{
	QUEUE_REQUEST = 1, /* u64 id, method, path, query, headers, body: see queue_pack_request */
	QUEUE_HEAD,		   /* u64 id, i32 status, header lines */
	QUEUE_DATA,		   /* u64 id, body bytes */
	QUEUE_END		   /* u64 id, u32 ok: 0 = break the connection off */
} QueueFrame;

typedef struct QueueFrameHead
{
	uint32 type;
	uint32 len; /* bytes that follow */
} QueueFrameHead;

typedef enum QueueState
{
	QUEUE_OFFLINE, /* no worker */
	QUEUE_WAITING, /* the worker waits for the gateway to take it on */
	QUEUE_ONLINE   /* both use the rings */
} QueueState;

typedef struct QueueSlot
{
	HttpPool pool;			/* constant */
	pg_atomic_uint32 state; /* QueueState */
	pid_t pid;				/* of the worker; valid unless OFFLINE, as the latch */
	Latch *latch;
	uint32 gateway_epoch;		 /* of the gateway that moved it to ONLINE, set before */
	pg_atomic_uint64 current_id; /* request that may be cancelled, 0 = none; worker writes */
	pg_atomic_uint64 cancel_id;	 /* request to cancel; gateway writes, worker takes */
	pg_atomic_uint64 failed_id;	 /* reply that broke off after its head; worker writes */
	QueueRing requests;
	QueueRing replies;
} QueueSlot;

typedef struct Queue
{
	pg_atomic_uint32 gateway_epoch; /* raised by each gateway that starts */
	Latch *gateway_latch;			/* NULL: there was no gateway yet */
	int nslots;
	QueueSlot slots[FLEXIBLE_ARRAY_MEMBER];
} Queue;

extern Queue *http_queue;

extern Size queue_shmem_size(void);
extern void queue_shmem_init(void);
extern int queue_nslots(void);
extern HttpPool queue_slot_pool(int slot);

extern void queue_wake_gateway(void);
extern void queue_wake_worker(QueueSlot *s);

/* Copy up to len bytes; returns how many fitted or were there.  The caller wakes the other side. */
extern Size ring_write(QueueRing *r, const void *data, Size len);
extern Size ring_read(QueueRing *r, void *data, Size len);
extern Size ring_readable(QueueRing *r);
extern Size ring_writable(QueueRing *r);
extern void ring_reset(QueueRing *r); /* only while nobody else may touch it */

/*
 * queue_pack_request -- all of a request but its body, which is to follow: strings with their
 * NUL, one behind the other.
 */
extern void queue_pack_request(Buf *out, uint64 id, const HttpRequest *req);

/* queue_unpack_request -- pointers into data; header array palloc'd; false = malformed. */
extern bool queue_unpack_request(const char *data, Size len, uint64 *id, HttpRequest *req);

#endif
