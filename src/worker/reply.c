/*
 * reply.c
 *    A worker's side of its slot: being taken on by the gateway, requests in, replies out.
 *
 * A reply is collected until QUEUE_REPLY_MAX bytes stand, so that a short one goes as a whole with
 * its length and an error in the middle of making it can still become an error reply.
 *
 * Memory: requests and collected bytes live in the caller's current context.
 */
#include "postgres.h"

#include "worker/reply.h"

#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#define PAYLOAD_MAX (QUEUE_REPLY_MAX - sizeof(QueueFrameHead) - sizeof(uint64))

QueueSlot *worker_slot;

bool
worker_lost_gateway(void)
{
	return pg_atomic_read_u32(&http_queue->gateway_epoch) != worker_slot->gateway_epoch;
}

void
worker_meet_gateway(void)
{
	do
	{
		pg_atomic_write_u32(&worker_slot->state, QUEUE_WAITING);
		queue_wake_gateway();
		while (pg_atomic_read_u32(&worker_slot->state) != QUEUE_ONLINE)
			worker_wait(MIMIR_WAIT_REQUEST, -1);
		pg_read_barrier();
	} while (worker_lost_gateway());
}

void
worker_wait(MimirWait why, long timeout_ms)
{
	int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (timeout_ms >= 0 ? WL_TIMEOUT : 0);

	WaitLatch(MyLatch, events, timeout_ms, mimir_wait_event(why));
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

bool
worker_request_waiting(void)
{
	return ring_readable(&worker_slot->requests) >= sizeof(QueueFrameHead);
}

bool
worker_read_request(WorkerRequest *w)
{
	QueueFrameHead head;
	Size got = 0;
	char *data;

	ring_read(&worker_slot->requests, &head, sizeof(head));
	data = MemoryContextAllocHuge(CurrentMemoryContext, (Size) head.len + 1);
	while (got < head.len)
	{
		Size n = ring_read(&worker_slot->requests, data + got, head.len - got);

		got += n;
		if (worker_lost_gateway())
			return false;
		if (n > 0)
			queue_wake_gateway();
		else
			worker_wait(MIMIR_WAIT_REQUEST, -1);
	}
	if (head.type != QUEUE_REQUEST || !queue_unpack_request(data, head.len, &w->id, &w->req))
		elog(FATAL, "malformed request in the queue");
	reply_init(w);
	return true;
}

/*
 * Send one frame, as a whole: the gateway never sees half of one.  Waits for room, letting itself
 * be interrupted.
 */
static void
send_frame(QueueFrame type, uint64 id, const void *data, Size len)
{
	static char frame[QUEUE_REPLY_MAX];
	QueueFrameHead head = {type, (uint32) (sizeof(id) + len)};
	Size whole = sizeof(head) + head.len;

	Assert(len <= PAYLOAD_MAX);
	while (ring_writable(&worker_slot->replies) < whole && !worker_lost_gateway())
		worker_wait(MIMIR_WAIT_REPLY, -1);
	if (worker_lost_gateway())
		return;
	memcpy(frame, &head, sizeof(head));
	memcpy(frame + sizeof(head), &id, sizeof(id));
	memcpy(frame + sizeof(head) + sizeof(id), data, len);
	ring_write(&worker_slot->replies, frame, whole);
	queue_wake_gateway();
}

static void
send_head(WorkerRequest *w)
{
	char head[PAYLOAD_MAX];
	int32 status = w->resp.status;
	Size len = Min(w->resp.headers.len, sizeof(head) - sizeof(status));

	memcpy(head, &status, sizeof(status));
	if (len > 0)
		memcpy(head + sizeof(status), w->resp.headers.data, len);
	send_frame(QUEUE_HEAD, w->id, head, sizeof(status) + len);
	w->resp.head_sent = true;
}

static void
flush(WorkerRequest *w)
{
	if (!w->resp.head_sent)
		send_head(w);
	for (Size at = 0; at < w->body.len; at += PAYLOAD_MAX)
		send_frame(QUEUE_DATA, w->id, w->body.data + at, Min(PAYLOAD_MAX, w->body.len - at));
	buf_reset(&w->body);
}

static void
sink_send(HttpResponse *r, const void *data, size_t len)
{
	WorkerRequest *w = r->sink;
	const char *p = data;

	while (len > 0)
	{
		Size n = Min(len, PAYLOAD_MAX - w->body.len);

		buf_append(&w->body, p, n);
		p += n;
		len -= n;
		if (w->body.len == PAYLOAD_MAX)
			flush(w);
	}
}

void
reply_init(WorkerRequest *w)
{
	memset(&w->resp, 0, sizeof(w->resp));
	w->resp.status = 200;
	w->resp.send = sink_send;
	w->resp.sink = w;
	buf_init(&w->body, 1024, PAYLOAD_MAX);
}

static void
send_end(WorkerRequest *w, uint32 ok)
{
	HOLD_CANCEL_INTERRUPTS();
	if (ok)
		flush(w);
	send_frame(QUEUE_END, w->id, &ok, sizeof(ok));
	RESUME_CANCEL_INTERRUPTS();
}

void
reply_end(WorkerRequest *w)
{
	send_end(w, true);
}

void
reply_break(WorkerRequest *w)
{
	pg_atomic_write_u64(&worker_slot->failed_id, w->id);
	queue_wake_gateway();
	send_end(w, false);
}
