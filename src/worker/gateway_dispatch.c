/*
 * gateway_dispatch.c
 *    From whole requests to workers, and from workers' frames to replies.
 *
 * Each pool has its own workers, so that a slow query never delays a push.  Requests that find no
 * free worker wait in FANOUT lists per pool by a hash of the tenant header; workers take from the
 * lists in turn, so that a tenant with many requests delays itself.  A push worker may be handed
 * several at once: it commits what stands in its ring together.
 *
 * Replies are read from a worker's ring only while its client has less than GATEWAY_REPLY_MAX
 * bytes to take: a slow client slows its own query, whose time limit goes on.
 */
#include "postgres.h"

#include "worker/gateway_int.h"

#include "pg/stats.h"
#include "util/hash.h"

#include "utils/memutils.h"

#include <signal.h>

#define FANOUT			 64	 /* tenant lists a pool */
#define QUEUE_MAX		 512 /* requests waiting in a pool */
#define QUEUE_TENANT_MAX 384 /* of these, in one list */
#define PUSH_DEPTH		 8	 /* requests a push worker may have at once */
#define NPOOLS			 (HTTP_POOL_ADMIN + 1)

/* A worker as the gateway sees it. */
typedef struct Peer
{
	bool online;		  /* this gateway moved its slot to ONLINE */
	int running;		  /* requests handed over and not ended */
	dlist_head exchanges; /* these, in the order sent */
	Bytes sending[2];	  /* packed request and its body, not yet in the ring */
	Size sent;			  /* bytes of these two in the ring */
} Peer;

typedef struct Pool
{
	dlist_head lists[FANOUT];
	int counts[FANOUT];
	int next; /* list to look at first */
	int waiting;
} Pool;

static Peer *peers;
static Pool pools[NPOOLS];

void
gateway_dispatch_init(void)
{
	peers = MemoryContextAllocZero(TopMemoryContext, sizeof(Peer) * http_queue->nslots);
	for (int i = 0; i < http_queue->nslots; i++)
		dlist_init(&peers[i].exchanges);
	for (int i = 0; i < NPOOLS; i++)
		for (int k = 0; k < FANOUT; k++)
			dlist_init(&pools[i].lists[k]);
}

bool
gateway_pool_online(HttpPool pool)
{
	for (int i = 0; i < http_queue->nslots; i++)
		if (http_queue->slots[i].pool == pool && peers[i].online)
			return true;
	return false;
}

/* ---- waiting requests -------------------------------------------------------------------------- */

static int
tenant_list(const Exchange *x)
{
	const char *tenant = http_header(&x->req, "x-scope-orgid");

	return tenant ? hash_xxh64(tenant, strlen(tenant)) % FANOUT : 0;
}

void
gateway_dequeue(Exchange *x)
{
	Pool *p = &pools[x->pool];

	Assert(x->state == EXCHANGE_QUEUED);
	dlist_delete(&x->node);
	p->counts[tenant_list(x)]--;
	p->waiting--;
}

static Exchange *
next_waiting(Pool *p)
{
	while (dlist_is_empty(&p->lists[p->next]))
		p->next = (p->next + 1) % FANOUT;
	return dlist_container(Exchange, node, dlist_head_node(&p->lists[p->next]));
}

/* Push what fits of the request into the ring. */
static void
pump_request(int i)
{
	Peer *p = &peers[i];
	QueueSlot *s = &http_queue->slots[i];

	if (p->sending[0].len == 0)
		return;
	if (p->sent < p->sending[0].len)
		p->sent +=
			ring_write(&s->requests, p->sending[0].data + p->sent, p->sending[0].len - p->sent);
	if (p->sent >= p->sending[0].len && p->sending[1].len > 0)
	{
		Size at = p->sent - p->sending[0].len;

		p->sent += ring_write(&s->requests, p->sending[1].data + at, p->sending[1].len - at);
	}
	if (p->sent == p->sending[0].len + p->sending[1].len)
	{
		p->sent = 0;
		bytes_free(&p->sending[0]);
		bytes_free(&p->sending[1]);
	}
	queue_wake_worker(s);
}

static void
hand_over(int i, Exchange *x)
{
	Peer *p = &peers[i];
	Buf packed;
	QueueFrameHead head = {.type = QUEUE_REQUEST};

	buf_init(&packed, 4096, MaxAllocSize);
	queue_pack_request(&packed, x->id, &x->req);
	head.len = (uint32) (packed.len + x->body.len);
	if (!bytes_add(&p->sending[0], &head, sizeof(head)) ||
		!bytes_add(&p->sending[0], packed.data, packed.len))
		elog(FATAL, "out of memory");
	buf_free(&packed);
	p->sending[1] = x->body;
	memset(&x->body, 0, sizeof(x->body));
	x->req.body = NULL;
	x->state = EXCHANGE_RUNNING;
	x->slot = i;
	dlist_push_tail(&p->exchanges, &x->node);
	p->running++;
	pump_request(i);
}

/* The worker of a pool with the least to do, -1 if all have their hands full. */
static int
free_worker(HttpPool pool)
{
	int depth = pool == HTTP_POOL_PUSH ? PUSH_DEPTH : 1;
	int best = -1;

	for (int i = 0; i < http_queue->nslots; i++)
	{
		const Peer *p = &peers[i];

		if (http_queue->slots[i].pool == pool && p->online && p->sending[0].len == 0 &&
			p->running < depth && (best < 0 || p->running < peers[best].running))
			best = i;
	}
	return best;
}

static void
dispatch(HttpPool pool)
{
	Pool *p = &pools[pool];
	int i;

	while (p->waiting > 0 && (i = free_worker(pool)) >= 0)
	{
		Exchange *x = next_waiting(p);

		gateway_dequeue(x);
		p->next = (p->next + 1) % FANOUT;
		hand_over(i, x);
	}
}

bool
gateway_enqueue(Exchange *x)
{
	Pool *p = &pools[x->pool];
	int list = tenant_list(x);

	if (p->waiting >= QUEUE_MAX || p->counts[list] >= QUEUE_TENANT_MAX)
		return false;
	x->state = EXCHANGE_QUEUED;
	dlist_push_tail(&p->lists[list], &x->node);
	p->counts[list]++;
	p->waiting++;
	dispatch(x->pool);
	return true;
}

void
gateway_cancel(Exchange *x)
{
	QueueSlot *s;

	if (x->slot < 0 || x->ended || x->pool == HTTP_POOL_PUSH || x->broken)
		return;
	s = &http_queue->slots[x->slot];
	pg_atomic_write_u64(&s->cancel_id, x->id);
	kill(s->pid, SIGINT);
	stats_add(STAT_HTTP_CANCELED, 1);
}

/* ---- replies ----------------------------------------------------------------------------------- */

static Exchange *
find_exchange(Peer *p, uint64 id)
{
	dlist_iter it;

	dlist_foreach (it, &p->exchanges)
	{
		Exchange *x = dlist_container(Exchange, node, it.cur);

		if (x->id == id)
			return x;
	}
	return NULL;
}

/* The worker has done with it. */
static void
end_exchange(Peer *p, Exchange *x)
{
	dlist_delete(&x->node);
	x->slot = -1;
	x->ended = true;
	p->running--;
	if (x->state == EXCHANGE_GONE)
		gateway_exchange_free(x);
	else
		gateway_resume(x);
}

static void
break_off(Exchange *x)
{
	x->broken = true;
	bytes_free(&x->out);
	x->out_sent = 0;
	gateway_resume(x);
}

static void
take_frame(Peer *p, uint32 type, uint64 id, const char *data, Size len)
{
	Exchange *x = find_exchange(p, id);
	uint32 ok;

	if (x == NULL)
		return;
	switch (type)
	{
		case QUEUE_HEAD:
			memcpy(&x->status, data, sizeof(x->status));
			x->reply_headers = strndup(data + sizeof(x->status), len - sizeof(x->status));
			if (x->reply_headers == NULL)
				elog(FATAL, "out of memory");
			break;
		case QUEUE_DATA:
			if (x->state == EXCHANGE_GONE || x->broken)
				break;
			if (!bytes_add(&x->out, data, len))
				break_off(x);
			/* begin to stream what is long */
			else if (x->out.len - x->out_sent > GATEWAY_REPLY_MAX / 4)
				gateway_resume(x);
			break;
		case QUEUE_END:
			memcpy(&ok, data, sizeof(ok));
			x->broken |= !ok;
			end_exchange(p, x);
			break;
		default:
			elog(FATAL, "unknown frame %u in the queue", type);
	}
}

/*
 * Must the next frame of this worker wait?  When the client has enough to take, and, if memory is
 * short, when it has anything.
 */
static bool
is_blocked(Peer *p)
{
	Exchange *x;
	Size pending;

	if (dlist_is_empty(&p->exchanges))
		return false;
	x = dlist_container(Exchange, node, dlist_head_node(&p->exchanges));
	if (x->state == EXCHANGE_GONE)
		return false;
	pending = x->out.len - x->out_sent;
	if (pending > GATEWAY_REPLY_MAX)
		return true;
	if (pending == 0 || !gateway_memory_short(QUEUE_REPLY_MAX))
		return false;
	gateway_resume(x);
	return true;
}

static void
pump_reply(int i)
{
	Peer *p = &peers[i];
	QueueSlot *s = &http_queue->slots[i];
	uint64 failed = pg_atomic_exchange_u64(&s->failed_id, 0);
	bool took = false;

	if (failed != 0)
	{
		Exchange *x = find_exchange(p, failed);

		if (x != NULL && x->state != EXCHANGE_GONE)
			break_off(x);
	}
	while (ring_readable(&s->replies) > 0 && !is_blocked(p))
	{
		static char payload[QUEUE_REPLY_MAX];
		QueueFrameHead head;
		uint64 id;

		ring_read(&s->replies, &head, sizeof(head));
		if (head.len < sizeof(id) || head.len > sizeof(payload))
			elog(FATAL, "frame of %u bytes in the queue", head.len);
		ring_read(&s->replies, payload, head.len);
		memcpy(&id, payload, sizeof(id));
		take_frame(p, head.type, id, payload + sizeof(id), head.len - sizeof(id));
		took = true;
	}
	if (took)
		queue_wake_worker(s);
}

/* The worker went: what it had under way is lost for its clients. */
static void
forget_worker(Peer *p)
{
	while (!dlist_is_empty(&p->exchanges))
	{
		Exchange *x = dlist_container(Exchange, node, dlist_head_node(&p->exchanges));

		if (x->state == EXCHANGE_RUNNING && x->reply_headers == NULL)
			gateway_refuse(x, 503, "the worker was restarted\n");
		else
			x->broken = true;
		end_exchange(p, x);
	}
	p->online = false;
	p->sent = 0;
	bytes_free(&p->sending[0]);
	bytes_free(&p->sending[1]);
}

void
gateway_look_at_workers(void)
{
	for (int i = 0; i < http_queue->nslots; i++)
	{
		Peer *p = &peers[i];
		QueueSlot *s = &http_queue->slots[i];
		uint32 state = pg_atomic_read_u32(&s->state);

		if (p->online && state != QUEUE_ONLINE)
			forget_worker(p);
		if (state == QUEUE_WAITING)
		{
			ring_reset(&s->requests);
			ring_reset(&s->replies);
			pg_atomic_write_u64(&s->failed_id, 0);
			s->gateway_epoch = pg_atomic_read_u32(&http_queue->gateway_epoch);
			pg_write_barrier();
			p->online = pg_atomic_compare_exchange_u32(&s->state, &state, QUEUE_ONLINE);
			queue_wake_worker(s);
		}
		if (p->online)
		{
			pump_request(i);
			pump_reply(i);
		}
	}
	for (int pool = 0; pool < NPOOLS; pool++)
		dispatch(pool);
}
