/*
 * queue.c
 *    Rings and slots in shared memory (queue.h has the protocol).
 */
#include "postgres.h"

#include "worker/queue.h"

#include "pg/guc.h"

#include "storage/shmem.h"

Queue *http_queue;

int
queue_nslots(void)
{
	return mimir_http_push_workers + mimir_http_query_workers + 1;
}

/* Slots: push workers, query workers, the admin worker. */
HttpPool
queue_slot_pool(int slot)
{
	if (slot < mimir_http_push_workers)
		return HTTP_POOL_PUSH;
	if (slot < mimir_http_push_workers + mimir_http_query_workers)
		return HTTP_POOL_QUERY;
	return HTTP_POOL_ADMIN;
}

Size
queue_shmem_size(void)
{
	Size head = MAXALIGN(offsetof(Queue, slots) + sizeof(QueueSlot) * queue_nslots());

	return head + (Size) queue_nslots() * (QUEUE_REQUEST_RING + QUEUE_REPLY_RING);
}

static void
ring_init(QueueRing *r, char *data, uint32 size)
{
	pg_atomic_init_u64(&r->written, 0);
	pg_atomic_init_u64(&r->read, 0);
	r->size = size;
	r->data = data;
}

void
queue_shmem_init(void)
{
	bool found;
	char *p;

	http_queue = ShmemInitStruct("mimir_pg http queue", queue_shmem_size(), &found);
	pg_atomic_init_u32(&http_queue->gateway_epoch, 0);
	http_queue->gateway_latch = NULL;
	http_queue->nslots = queue_nslots();
	p = (char *) http_queue +
		MAXALIGN(offsetof(Queue, slots) + sizeof(QueueSlot) * http_queue->nslots);
	for (int i = 0; i < http_queue->nslots; i++)
	{
		QueueSlot *s = &http_queue->slots[i];

		s->pool = queue_slot_pool(i);
		pg_atomic_init_u32(&s->state, QUEUE_OFFLINE);
		s->gateway_epoch = 0;
		pg_atomic_init_u64(&s->current_id, 0);
		pg_atomic_init_u64(&s->cancel_id, 0);
		pg_atomic_init_u64(&s->failed_id, 0);
		s->pid = 0;
		s->latch = NULL;
		ring_init(&s->requests, p, QUEUE_REQUEST_RING);
		p += QUEUE_REQUEST_RING;
		ring_init(&s->replies, p, QUEUE_REPLY_RING);
		p += QUEUE_REPLY_RING;
	}
}

void
queue_wake_gateway(void)
{
	Latch *latch = *(Latch *volatile *) &http_queue->gateway_latch;

	if (latch != NULL)
		SetLatch(latch);
}

void
queue_wake_worker(QueueSlot *s)
{
	Latch *latch = *(Latch *volatile *) &s->latch;

	if (latch != NULL)
		SetLatch(latch);
}

void
ring_reset(QueueRing *r)
{
	pg_atomic_write_u64(&r->read, 0);
	pg_atomic_write_u64(&r->written, 0);
}

Size
ring_readable(QueueRing *r)
{
	uint64 written = pg_atomic_read_u64(&r->written);

	pg_read_barrier();
	return written - pg_atomic_read_u64(&r->read);
}

Size
ring_writable(QueueRing *r)
{
	return r->size - ring_readable(r);
}

Size
ring_write(QueueRing *r, const void *data, Size len)
{
	uint64 written = pg_atomic_read_u64(&r->written);
	Size room = r->size - (written - pg_atomic_read_u64(&r->read));
	Size at = written % r->size;
	Size first;

	len = Min(len, room);
	first = Min(len, r->size - at);
	pg_memory_barrier(); /* the reader is done with the room */
	memcpy(r->data + at, data, first);
	memcpy(r->data, (const char *) data + first, len - first);
	pg_write_barrier();
	pg_atomic_write_u64(&r->written, written + len);
	return len;
}

Size
ring_read(QueueRing *r, void *data, Size len)
{
	uint64 read = pg_atomic_read_u64(&r->read);
	Size there = ring_readable(r); /* read once: it grows meanwhile */
	Size at = read % r->size;
	Size first;

	len = Min(len, there);
	first = Min(len, r->size - at);
	memcpy(data, r->data + at, first);
	memcpy((char *) data + first, r->data, len - first);
	pg_memory_barrier();
	pg_atomic_write_u64(&r->read, read + len);
	return len;
}

static void
pack_string(Buf *out, const char *s)
{
	buf_append(out, s, strlen(s) + 1);
}

void
queue_pack_request(Buf *out, uint64 id, const HttpRequest *req)
{
	uint32 n = req->nheaders;

	buf_append(out, &id, sizeof(id));
	pack_string(out, req->method);
	pack_string(out, req->path);
	pack_string(out, req->query);
	buf_append(out, &n, sizeof(n));
	for (int i = 0; i < req->nheaders; i++)
	{
		pack_string(out, req->headers[i].name);
		pack_string(out, req->headers[i].value);
	}
}

static const char *
unpack_string(const char **p, const char *end)
{
	const char *s = *p;
	const char *nul = memchr(s, '\0', end - s);

	if (nul == NULL)
		return NULL;
	*p = nul + 1;
	return s;
}

bool
queue_unpack_request(const char *data, Size len, uint64 *id, HttpRequest *req)
{
	const char *p = data + sizeof(*id);
	const char *end = data + len;
	uint32 n;
	HttpHeader *headers;

	if (len < sizeof(*id))
		return false;
	memcpy(id, data, sizeof(*id));
	if ((req->method = unpack_string(&p, end)) == NULL ||
		(req->path = unpack_string(&p, end)) == NULL ||
		(req->query = unpack_string(&p, end)) == NULL || end - p < sizeof(n))
		return false;
	memcpy(&n, p, sizeof(n));
	p += sizeof(n);
	if (n > (Size) (end - p))
		return false;
	headers = palloc(sizeof(HttpHeader) * (n + 1));
	for (uint32 i = 0; i < n; i++)
		if ((headers[i].name = unpack_string(&p, end)) == NULL ||
			(headers[i].value = unpack_string(&p, end)) == NULL)
			return false;
	req->headers = headers;
	req->nheaders = n;
	req->body = (const uint8 *) p;
	req->body_len = end - p;
	return true;
}
