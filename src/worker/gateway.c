/*
 * gateway.c
 *    The process that owns client sockets: libmicrohttpd driven by our own event loop.
 *
 * Life of a request:
 *    RECEIVING --whole--> QUEUED --worker free--> RUNNING --head of the reply--> REPLYING --> done
 *         \---- refused here: 404 405 413 503 ---------------------------------^
 *
 * While a request is queued or running its connection is suspended: libmicrohttpd does not look
 * at it, so its socket stands in an epoll set of ours that tells when the client goes away;
 * then the worker is told to cancel.  When the head of the reply has come the connection is
 * resumed and libmicrohttpd calls the handler again, which queues the response.  A short reply is
 * sent with its length; a long one streams: the body callback takes what has come, and suspends
 * when there is nothing.
 *
 * Memory: bodies and replies live in malloc'd buffers of the connection, counted against
 * mimir.http_buffer_memory; beyond it requests are refused with 503.  Replies are read from a
 * worker's ring only while its connection has less than REPLY_MAX buffered, so a slow client slows
 * its own query only.
 *
 * Fairness: queued requests wait in FANOUT lists per pool by a hash of the tenant header; workers
 * take from the lists in turn.
 *
 * No SQL here, and no other locks than the rings' atomics.
 */
#include "postgres.h"

#include "api/routes.h"
#include "pg/export.h"
#include "pg/guc.h"
#include "pg/stats.h"
#include "pg/wait_event.h"
#include "util/hash.h"
#include "worker/queue.h"

#include "access/xlog.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FANOUT			  64		   /* tenant lists a pool */
#define QUEUE_MAX		  512		   /* requests waiting in a pool */
#define PUSH_DEPTH		  8			   /* requests a push worker may have in its ring */
#define REPLY_MAX		  (512 * 1024) /* bytes buffered of a streaming reply */
#define MAX_HEADERS		  100
#define HEADER_BYTES_MAX  32768 /* memory of a connection: request line and headers */
#define TICK_MS			  1000

MIMIR_WORKER(mimir_gateway_main);

typedef enum ConnState
{
	CONN_RECEIVING, /* the body comes in */
	CONN_REFUSED,	/* the body is read and thrown away, then answered */
	CONN_QUEUED,	/* waits for a worker */
	CONN_RUNNING,	/* a worker has it */
	CONN_REPLYING,	/* the response was queued with libmicrohttpd */
	CONN_GONE		/* the client left; the worker still runs */
} ConnState;

typedef struct Bytes
{
	char *data;
	Size len;
	Size cap;
} Bytes;

typedef struct Conn
{
	dlist_node node; /* in a tenant list (QUEUED), or a worker's list (RUNNING) */
	struct MHD_Connection *mhd;
	ConnState state;
	uint64 id;
	HttpPool pool;
	int fd;
	bool watched;	/* fd stands in our epoll set */
	bool suspended;
	int64 began_ms;

	HttpRequest req;
	HttpHeader headers[MAX_HEADERS];
	char *text; /* copies of method, path, query, headers */
	Bytes body;

	/* refusal */
	int refuse_status;
	const char *refuse_text;

	/* reply */
	int slot; /* -1: none */
	int status;
	bool head_ready;
	bool ended;
	bool broken;	/* the worker failed after the head */
	Bytes out;		/* reply bytes not yet sent */
	Size out_pos;
	char *reply_headers;
} Conn;

/* A worker as the gateway sees it. */
typedef struct Peer
{
	uint32 epoch;
	bool online;
	int running;		  /* requests handed over and not ended */
	dlist_head conns;	  /* RUNNING, in the order sent */
	Bytes sending;		  /* packed request not yet in the ring */
	Size sent;
	/* frame being read */
	uint32 head[2];
	Size got;			  /* bytes of head and payload read */
	char *payload;
} Peer;

typedef struct Pool
{
	dlist_head lists[FANOUT];
	int next; /* list to look at first */
	int waiting;
} Pool;

static struct MHD_Daemon *mhd;
static int watch_fd; /* epoll of suspended connections */
static Peer *peers;
static Pool pools[3];
static uint64 next_id;
static Size buffered; /* bytes in bodies and replies */

static int64
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- buffers ----------------------------------------------------------------------------------- */

static bool
bytes_add(Bytes *b, const void *data, Size len)
{
	if (b->len + len > b->cap)
	{
		Size cap = Max(b->cap * 2, b->len + len);
		char *grown;

		if (buffered + cap - b->cap > (Size) mimir_http_buffer_memory * 1024 * 1024)
			return false;
		grown = realloc(b->data, cap);
		if (grown == NULL)
			return false;
		buffered += cap - b->cap;
		b->data = grown;
		b->cap = cap;
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return true;
}

static void
bytes_free(Bytes *b)
{
	buffered -= b->cap;
	free(b->data);
	memset(b, 0, sizeof(*b));
}

/* ---- connections ------------------------------------------------------------------------------- */

static void
watch(Conn *c)
{
	struct epoll_event ev = {.events = EPOLLRDHUP | EPOLLHUP | EPOLLERR, .data.ptr = c};

	if (!c->watched && epoll_ctl(watch_fd, EPOLL_CTL_ADD, c->fd, &ev) == 0)
		c->watched = true;
}

static void
unwatch(Conn *c)
{
	if (c->watched)
		epoll_ctl(watch_fd, EPOLL_CTL_DEL, c->fd, NULL);
	c->watched = false;
}

static void
suspend(Conn *c)
{
	if (!c->suspended)
	{
		MHD_suspend_connection(c->mhd);
		c->suspended = true;
		watch(c);
	}
}

static void
resume(Conn *c)
{
	if (c->suspended)
	{
		unwatch(c);
		c->suspended = false;
		MHD_resume_connection(c->mhd);
	}
}

static void
free_conn(Conn *c)
{
	unwatch(c);
	bytes_free(&c->body);
	bytes_free(&c->out);
	free(c->reply_headers);
	free(c->text);
	free(c);
}

/* Tell the worker that nobody waits for the answer. */
static void
cancel_running(Conn *c)
{
	QueueSlot *s = &http_queue->slots[c->slot];

	if (c->pool == HTTP_POOL_PUSH || pg_atomic_read_u64(&s->current_id) != c->id)
		return;
	pg_atomic_write_u64(&s->cancel_id, c->id);
	pg_memory_barrier();
	if (pg_atomic_read_u64(&s->current_id) == c->id && s->pid > 0)
		kill(s->pid, SIGINT);
	stats_add(STAT_HTTP_CANCELED, 1);
}

/* ---- handing over ------------------------------------------------------------------------------ */

static void
enqueue(Conn *c)
{
	Pool *p = &pools[c->pool];
	const char *tenant = http_header(&c->req, "x-scope-orgid");
	uint64 h = tenant ? hash_xxh64(tenant, strlen(tenant)) : 0;

	c->state = CONN_QUEUED;
	p->waiting++;
	dlist_push_tail(&p->lists[h % FANOUT], &c->node);
}

static Conn *
dequeue(Pool *p)
{
	for (int i = 0; i < FANOUT; i++)
	{
		dlist_head *l = &p->lists[(p->next + i) % FANOUT];

		if (dlist_is_empty(l))
			continue;
		p->next = (p->next + i + 1) % FANOUT;
		p->waiting--;
		return dlist_container(Conn, node, dlist_pop_head_node(l));
	}
	return NULL;
}

/* Push what fits of the packed request into the ring. */
static void
pump_request(int i)
{
	Peer *p = &peers[i];
	QueueSlot *s = &http_queue->slots[i];

	if (p->sending.len == 0)
		return;
	p->sent += ring_write(&s->requests, p->sending.data + p->sent, p->sending.len - p->sent);
	if (p->sent == p->sending.len)
	{
		p->sent = 0;
		bytes_free(&p->sending);
	}
	if (s->latch)
		SetLatch(s->latch);
}

static bool
hand_over(int i, Conn *c)
{
	Peer *p = &peers[i];
	Buf packed;
	uint32 head[2];

	buf_init(&packed, c->req.body_len + 4096, MaxAllocHugeSize / 4);
	queue_pack_request(&packed, c->id, &c->req);
	head[0] = QUEUE_REQUEST;
	head[1] = (uint32) packed.len;
	if (!bytes_add(&p->sending, head, sizeof(head)) ||
		!bytes_add(&p->sending, packed.data, packed.len))
	{
		bytes_free(&p->sending);
		buf_free(&packed);
		return false;
	}
	buf_free(&packed);
	bytes_free(&c->body);
	c->state = CONN_RUNNING;
	c->slot = i;
	dlist_push_tail(&p->conns, &c->node);
	p->running++;
	pump_request(i);
	return true;
}

static void
refuse_waiting(Conn *c, int status, const char *text)
{
	c->refuse_status = status;
	c->refuse_text = text;
	c->state = CONN_REFUSED;
	resume(c);
}

static void
dispatch(void)
{
	for (int i = 0; i < http_queue->nslots; i++)
	{
		Peer *p = &peers[i];
		Pool *pool = &pools[http_queue->slots[i].pool];
		int depth = http_queue->slots[i].pool == HTTP_POOL_PUSH ? PUSH_DEPTH : 1;

		while (p->online && p->running < depth && p->sending.len == 0 && pool->waiting > 0)
		{
			Conn *c = dequeue(pool);

			if (!hand_over(i, c))
				refuse_waiting(c, 503, "the server is short of buffer memory\n");
		}
	}
}

/* ---- replies from workers ---------------------------------------------------------------------- */

static void
take_frame(Peer *p)
{
	uint64 id;
	Conn *c = NULL;
	dlist_iter it;
	const char *data = p->payload + sizeof(id);
	Size len = p->head[1] - sizeof(id);

	memcpy(&id, p->payload, sizeof(id));
	dlist_foreach(it, &p->conns)
	{
		c = dlist_container(Conn, node, it.cur);
		if (c->id == id)
			break;
		c = NULL;
	}
	if (c == NULL)
		return;
	switch (p->head[0])
	{
		case QUEUE_HEAD:
			memcpy(&c->status, data, sizeof(c->status));
			c->reply_headers = strndup(data + sizeof(c->status), len - sizeof(c->status));
			c->head_ready = true;
			break;
		case QUEUE_DATA:
			if (c->state != CONN_GONE && !bytes_add(&c->out, data, len))
				c->broken = true;
			break;
		case QUEUE_END:
			{
				uint32 ok;

				memcpy(&ok, data, sizeof(ok));
				c->broken |= !ok;
				c->ended = true;
				dlist_delete(&c->node);
				c->slot = -1;
				p->running--;
				if (c->state == CONN_GONE)
				{
					free_conn(c);
					return;
				}
				break;
			}
	}
	/* answer when it is whole, or when it is long */
	if (c->state != CONN_GONE && (c->ended || c->out.len - c->out_pos > REPLY_MAX / 4))
		resume(c);
}

/* Is the connection that this worker answers full? */
static bool
blocked(const Peer *p)
{
	const Conn *c;

	if (dlist_is_empty((dlist_head *) &p->conns))
		return false;
	c = dlist_container(Conn, node, ((dlist_head *) &p->conns)->head.next);
	return c->state != CONN_GONE && c->out.len - c->out_pos > REPLY_MAX;
}

static void
pump_reply(int i)
{
	Peer *p = &peers[i];
	QueueSlot *s = &http_queue->slots[i];
	bool took = false;

	while (!blocked(p))
	{
		if (p->got < sizeof(p->head))
		{
			if (ring_readable(&s->replies) < sizeof(p->head))
				break;
			p->got += ring_read(&s->replies, p->head, sizeof(p->head));
			p->payload = malloc(p->head[1] + 1);
			if (p->payload == NULL)
				elog(FATAL, "out of memory");
		}
		else
		{
			Size have = p->got - sizeof(p->head);
			Size n = ring_read(&s->replies, p->payload + have, p->head[1] - have);

			p->got += n;
			if (p->got - sizeof(p->head) == p->head[1])
			{
				take_frame(p);
				free(p->payload);
				p->payload = NULL;
				p->got = 0;
			}
			else if (n == 0)
				break;
		}
		took = true;
	}
	if (took && s->latch)
		SetLatch(s->latch);
}

/* A worker came or went: what it had under way is lost for its clients. */
static void
reset_peer(int i)
{
	Peer *p = &peers[i];

	while (!dlist_is_empty(&p->conns))
	{
		Conn *c = dlist_container(Conn, node, dlist_pop_head_node(&p->conns));

		c->slot = -1;
		if (c->state == CONN_GONE)
			free_conn(c);
		else if (c->state == CONN_REPLYING)
		{
			c->ended = c->broken = true;
			resume(c);
		}
		else
			refuse_waiting(c, 503, "the worker was restarted; try again\n");
	}
	p->running = 0;
	p->sent = 0;
	bytes_free(&p->sending);
	free(p->payload);
	p->payload = NULL;
	p->got = 0;
}

static void
look_at_peers(void)
{
	for (int i = 0; i < http_queue->nslots; i++)
	{
		QueueSlot *s = &http_queue->slots[i];
		bool online = pg_atomic_read_u32(&s->online) != 0;
		uint32 epoch = pg_atomic_read_u32(&s->epoch);

		if (online != peers[i].online || epoch != peers[i].epoch)
			reset_peer(i);
		peers[i].online = online;
		peers[i].epoch = epoch;
		if (online)
		{
			pump_request(i);
			pump_reply(i);
		}
	}
}

static bool
pool_online(HttpPool pool)
{
	for (int i = 0; i < http_queue->nslots; i++)
		if (http_queue->slots[i].pool == pool && peers[i].online)
			return true;
	return false;
}

/* ---- libmicrohttpd ----------------------------------------------------------------------------- */

static ssize_t
send_more(void *cls, uint64_t pos, char *buf, size_t max)
{
	Conn *c = cls;
	Size n = Min(max, c->out.len - c->out_pos);

	if (n > 0)
	{
		memcpy(buf, c->out.data + c->out_pos, n);
		c->out_pos += n;
		if (c->out_pos == c->out.len)
			c->out_pos = c->out.len = 0;
		return n;
	}
	if (c->broken)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (c->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	suspend(c);
	return 0;
}

static void
add_headers(struct MHD_Response *r, char *lines)
{
	char *save = NULL;

	for (char *line = strtok_r(lines, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save))
	{
		char *colon = strstr(line, ": ");

		if (colon == NULL)
			continue;
		*colon = '\0';
		MHD_add_response_header(r, line, colon + 2);
	}
}

static enum MHD_Result
send_reply(Conn *c)
{
	struct MHD_Response *r;
	enum MHD_Result res;

	if (c->ended && !c->broken)
		r = MHD_create_response_from_buffer(c->out.len - c->out_pos, c->out.data + c->out_pos,
											MHD_RESPMEM_MUST_COPY);
	else
		r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 65536, send_more, c, NULL);
	if (r == NULL)
		return MHD_NO;
	if (c->reply_headers)
		add_headers(r, c->reply_headers);
	c->state = CONN_REPLYING;
	res = MHD_queue_response(c->mhd, c->status, r);
	MHD_destroy_response(r);
	return res;
}

static enum MHD_Result
send_refusal(Conn *c)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		strlen(c->refuse_text), (void *) c->refuse_text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result res;

	if (c->refuse_status == 503 || c->refuse_status == 429)
		MHD_add_response_header(r, "Retry-After", "5");
	if (c->refuse_status != 204)
		MHD_add_response_header(r, "Content-Type", "text/plain; charset=utf-8");
	if (c->refuse_status == 413)
		MHD_add_response_header(r, "Connection", "close");
	stats_add(STAT_HTTP_REJECTED, c->refuse_status == 503);
	c->state = CONN_REPLYING;
	res = MHD_queue_response(c->mhd, c->refuse_status, r);
	MHD_destroy_response(r);
	return res;
}

/* Copies of everything textual: libmicrohttpd's memory may move. */
typedef struct Collect
{
	Conn *c;
	Bytes text;
	Size offsets[2 * MAX_HEADERS];
	int n;
} Collect;

static enum MHD_Result
collect_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	Collect *k = cls;

	if (k->n >= MAX_HEADERS)
		return MHD_NO;
	k->offsets[2 * k->n] = k->text.len;
	if (!bytes_add(&k->text, name, strlen(name) + 1))
		return MHD_NO;
	for (char *p = k->text.data + k->offsets[2 * k->n]; *p; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	k->offsets[2 * k->n + 1] = k->text.len;
	if (!bytes_add(&k->text, value ? value : "", strlen(value ? value : "") + 1))
		return MHD_NO;
	k->n++;
	return MHD_YES;
}

static void
refuse(Conn *c, int status, const char *text)
{
	c->state = CONN_REFUSED;
	c->refuse_status = status;
	c->refuse_text = text;
}

/* The raw request target: path and query are cut here, decoded by the handlers. */
static void *
on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
	Conn *c = calloc(1, sizeof(Conn));
	Size len = strlen(uri);

	if (c == NULL)
		return NULL;
	c->mhd = connection;
	c->slot = -1;
	c->id = ++next_id;
	c->began_ms = now_ms();
	c->text = malloc(len + 1);
	memcpy(c->text, uri, len + 1);
	return c;
}

static void
begin_request(Conn *c, const char *method)
{
	Collect k = {.c = c};
	char *uri = c->text;
	char *mark = strchr(uri, '?');
	const union MHD_ConnectionInfo *info;
	Size path_at;
	Size query_at;
	bool method_ok;
	const char *length;

	if (mark)
		*mark = '\0';
	bytes_add(&k.text, method, strlen(method) + 1);
	path_at = k.text.len;
	bytes_add(&k.text, uri, strlen(uri) + 1);
	query_at = k.text.len;
	bytes_add(&k.text, mark ? mark + 1 : "", strlen(mark ? mark + 1 : "") + 1);
	MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, collect_header, &k);
	free(c->text);
	c->text = k.text.data;
	buffered -= k.text.cap; /* bounded by the connection limit, not by the pool */
	c->req.method = c->text;
	c->req.path = c->text + path_at;
	c->req.query = c->text + query_at;
	for (int i = 0; i < k.n; i++)
		c->headers[i] = (HttpHeader){c->text + k.offsets[2 * i], c->text + k.offsets[2 * i + 1]};
	c->req.headers = c->headers;
	c->req.nheaders = k.n;
	info = MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	c->fd = info ? info->connect_fd : -1;

	if (!api_route_pool(method, c->req.path, &c->pool, &method_ok))
		refuse(c, 404, "404 page not found\n");
	else if (strcmp(method, "OPTIONS") == 0)
		refuse(c, 204, "");
	else if (!method_ok)
		refuse(c, 405, "Method Not Allowed\n");
	else if (c->pool == HTTP_POOL_PUSH && !pool_online(HTTP_POOL_PUSH) && pool_online(HTTP_POOL_ADMIN))
		refuse(c, 503, "pushes are not possible: the server is a standby or starting\n");
	else if (!pool_online(c->pool))
		refuse(c, 503, "starting\n");
	else if (pools[c->pool].waiting >= QUEUE_MAX)
		refuse(c, 503, "too many requests are waiting\n");
	else if ((length = http_header(&c->req, "content-length")) != NULL &&
			 strtoull(length, NULL, 10) > (uint64) mimir_http_max_request_size * 1024)
		refuse(c, 413, "request body exceeds the size limit of the server\n");
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
		   const char *version, const char *upload, size_t *upload_len, void **con_cls)
{
	Conn *c = *con_cls;

	if (c == NULL)
		return MHD_NO;
	if (c->req.method == NULL)
	{
		begin_request(c, method);
		/* an oversized body is not read at all */
		if (c->state == CONN_REFUSED && c->refuse_status == 413)
			return send_refusal(c);
		return MHD_YES;
	}
	if (*upload_len > 0)
	{
		if (c->state == CONN_RECEIVING)
		{
			if (c->body.len + *upload_len > (Size) mimir_http_max_request_size * 1024)
				refuse(c, 413, "request body exceeds the size limit of the server\n");
			else if (!bytes_add(&c->body, upload, *upload_len))
				refuse(c, 503, "the server is short of buffer memory\n");
		}
		if (c->state == CONN_REFUSED)
			bytes_free(&c->body);
		*upload_len = 0;
		return MHD_YES;
	}
	switch (c->state)
	{
		case CONN_REFUSED:
			return send_refusal(c);
		case CONN_RECEIVING:
			c->req.body = (const uint8 *) (c->body.data ? c->body.data : "");
			c->req.body_len = c->body.len;
			suspend(c);
			enqueue(c);
			dispatch();
			return MHD_YES;
		case CONN_RUNNING:
			if (c->head_ready)
				return send_reply(c);
			suspend(c);
			return MHD_YES;
		default:
			return MHD_YES;
	}
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
			 enum MHD_RequestTerminationCode why)
{
	Conn *c = *con_cls;

	*con_cls = NULL;
	if (c == NULL)
		return;
	unwatch(c);
	if (c->slot >= 0)
	{
		cancel_running(c);
		c->state = CONN_GONE; /* freed at the end of its reply */
		bytes_free(&c->out);
		c->out_pos = 0;
		return;
	}
	if (c->state == CONN_QUEUED)
	{
		dlist_delete(&c->node);
		pools[c->pool].waiting--;
	}
	free_conn(c);
}

static void
on_connection(void *cls, struct MHD_Connection *connection, void **socket_cls,
			  enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
	{
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		int one = 1;

		if (info)
			setsockopt(info->connect_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		stats_add(STAT_HTTP_CONNECTIONS, 1);
	}
	else
		stats_sub(STAT_HTTP_CONNECTIONS, 1);
}

/* Clients that went away while their request was queued or running. */
static void
look_at_watched(void)
{
	struct epoll_event events[64];
	int n = epoll_wait(watch_fd, events, lengthof(events), 0);

	for (int i = 0; i < n; i++)
	{
		Conn *c = events[i].data.ptr;

		if (c->slot >= 0)
			cancel_running(c);
		c->broken = true;
		/* libmicrohttpd finds the socket closed and completes the request */
		if (c->state == CONN_QUEUED)
		{
			dlist_delete(&c->node);
			pools[c->pool].waiting--;
			refuse(c, 503, "the client went away\n");
		}
		else if (!c->head_ready)
		{
			unwatch(c); /* the worker's answer will end it */
			continue;
		}
		resume(c);
	}
}

static struct MHD_Daemon *
start_daemon(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(mimir_http_port)};
	struct MHD_Daemon *d;

	if (inet_pton(AF_INET, mimir_http_listen, &addr.sin_addr) != 1)
		ereport(FATAL, (errcode(ERRCODE_CONFIG_FILE_ERROR),
						errmsg("\"%s\" is not an IPv4 address", mimir_http_listen),
						errhint("Set mimir.http_listen to an address such as 127.0.0.1 or 0.0.0.0.")));
	d = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, mimir_http_port, NULL, NULL, on_request, NULL,
		MHD_OPTION_SOCK_ADDR, (struct sockaddr *) &addr, MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
		NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned) mimir_http_max_connections,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) mimir_http_idle_timeout,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) HEADER_BYTES_MAX,
		MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u, MHD_OPTION_END);
	if (d == NULL)
		ereport(FATAL, (errcode_for_socket_access(),
						errmsg("could not listen on %s port %d: %m", mimir_http_listen,
							   mimir_http_port)));
	return d;
}

static void
leave(int code, Datum arg)
{
	http_queue->gateway_latch = NULL;
	stats_set(STAT_HTTP_CONNECTIONS, 0);
}

static void
raise_file_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < rl.rlim_max)
	{
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
}

void
mimir_gateway_main(Datum arg)
{
	WaitEventSet *set;
	WaitEvent event;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGPIPE, SIG_IGN);
	BackgroundWorkerUnblockSignals();
	raise_file_limit();

	peers = MemoryContextAllocZero(TopMemoryContext, sizeof(Peer) * http_queue->nslots);
	for (int i = 0; i < http_queue->nslots; i++)
		dlist_init(&peers[i].conns);
	for (int i = 0; i < (int) lengthof(pools); i++)
		for (int k = 0; k < FANOUT; k++)
			dlist_init(&pools[i].lists[k]);
	watch_fd = epoll_create1(EPOLL_CLOEXEC);
	mhd = start_daemon();
	before_shmem_exit(leave, 0);
	http_queue->gateway_latch = MyLatch;
	pg_atomic_fetch_add_u32(&http_queue->gateway_epoch, 1);
	for (int i = 0; i < http_queue->nslots; i++)
		if (http_queue->slots[i].latch && pg_atomic_read_u32(&http_queue->slots[i].online))
			SetLatch(http_queue->slots[i].latch);

	set = CreateWaitEventSet(TopMemoryContext, 4);
	AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	AddWaitEventToSet(set, WL_SOCKET_READABLE,
					  MHD_get_daemon_info(mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, NULL, NULL);
	AddWaitEventToSet(set, WL_SOCKET_READABLE, watch_fd, NULL, NULL);

	while (!ShutdownRequestPending)
	{
		unsigned long long timeout = TICK_MS;
		unsigned long long wanted;

		if (MHD_get_timeout(mhd, &wanted) == MHD_YES && wanted < timeout)
			timeout = wanted;
		WaitEventSetWait(set, (long) timeout, &event, 1, mimir_wait_event(MIMIR_WAIT_GATEWAY));
		ResetLatch(MyLatch);
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		look_at_peers();
		look_at_watched();
		MHD_run(mhd);
		dispatch();
		/* what dispatch or replies resumed is worked on at once */
		MHD_run(mhd);
	}
	MHD_quiesce_daemon(mhd);
	proc_exit(0);
}
