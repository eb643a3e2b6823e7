/*
 * queue.h
 *    Requests and replies between the gateway and the HTTP workers, in shared memory.
 *
 * Each worker has a slot with two byte rings: requests come in, replies go out.  A ring has one
 * writer and one reader, so positions are two atomics and no lock:
 *    - the writer copies bytes, then (barrier) raises `written`, then sets the reader's latch;
 *    - the reader copies bytes out, then raises `read`, then sets the writer's latch.
 * Everything is framed: a u32 of type and a u32 of length, then the bytes.  A frame may be larger
 * than the ring; it streams through.
 *
 * Slot life: a worker takes its slot at start (state ONLINE, epoch raised), the gateway notices
 * the new epoch and forgets what it had under way there.  A gateway that starts raises
 * gateway_epoch; workers drop what they have and reset their rings.  The postmaster restarts
 * everything after a crash, so a half-written ring is never met.
 *
 * Cancel: the gateway writes the request's id to cancel_id and signals the worker (SIGINT).  The
 * worker's handler compares it with the id of what it is doing, so that a late cancel hits
 * nothing else.
 */
#ifndef MIMIR_WORKER_QUEUE_H
#define MIMIR_WORKER_QUEUE_H

#include "postgres.h"

#include "http/router.h"
#include "port/atomics.h"
#include "storage/latch.h"

#define QUEUE_REQUEST_RING (256 * 1024) /* bytes */
#define QUEUE_REPLY_RING   (256 * 1024)

typedef struct QueueRing
{
	pg_atomic_uint64 written; /* bytes ever */
	pg_atomic_uint64 read;
	uint32 size;
	char *data;
} QueueRing;

typedef enum QueueFrame
{
	QUEUE_REQUEST = 1, /* id, method, path, query, headers, body: see queue_pack_request */
	QUEUE_HEAD,		   /* u64 id, i32 status, header lines */
	QUEUE_DATA,		   /* u64 id, body bytes */
	QUEUE_END		   /* u64 id, u32 ok: 0 = break the connection off */
} QueueFrame;

typedef struct QueueSlot
{
	HttpPool pool;
	pg_atomic_uint32 online;
	pg_atomic_uint32 epoch;
	pid_t pid;
	Latch *latch;
	pg_atomic_uint64 current_id; /* request being answered, 0 = none */
	pg_atomic_uint64 cancel_id;
	QueueRing requests;
	QueueRing replies;
} QueueSlot;

typedef struct Queue
{
	pg_atomic_uint32 gateway_epoch;
	Latch *gateway_latch; /* NULL: no gateway */
	int nslots;
	QueueSlot slots[FLEXIBLE_ARRAY_MEMBER];
} Queue;

extern Queue *http_queue;

extern Size queue_shmem_size(void);
extern void queue_shmem_init(void);
extern int queue_nslots(void);
extern HttpPool queue_slot_pool(int slot);

/* Copy up to len bytes; returns how many fitted or were there.  The caller sets the latch. */
extern Size ring_write(QueueRing *r, const void *data, Size len);
extern Size ring_read(QueueRing *r, void *data, Size len);
extern Size ring_readable(QueueRing *r);
extern Size ring_writable(QueueRing *r);
extern void ring_reset(QueueRing *r);

/* A packed request: strings with their NUL, one behind the other. */
extern void queue_pack_request(Buf *out, uint64 id, const HttpRequest *req);
/* queue_unpack_request -- pointers into data; header array palloc'd; false = malformed. */
extern bool queue_unpack_request(const char *data, Size len, uint64 *id, HttpRequest *req);

#endif
