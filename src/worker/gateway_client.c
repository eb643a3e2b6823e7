/*
 * gateway_client.c
 *    Connections and requests as libmicrohttpd tells of them.
 *
 * Its callbacks: a connection is accepted or closed, a request line has come, the request's head,
 * pieces of body, the end of the request, room for more of the reply, the end of it all.
 *
 * Time limits are ours, for the library knows silence only, and a client that sends a byte now
 * and then is not silent: a request must be whole mimir.http_request_timeout after its first
 * line, an idle connection must begin one within mimir.http_idle_timeout.
 */
#include "postgres.h"

#include "worker/gateway_int.h"

#include "api/routes.h"
#include "pg/guc.h"
#include "pg/stats.h"

#include "access/xlog.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define HEAD_BYTES_MAX 32768 /* of a connection: request line and headers; beyond: 431 */
#define BACKLOG		   1024

static dlist_head clients = DLIST_STATIC_INIT(clients);
static uint64 last_id;

/* ---- time limits ------------------------------------------------------------------------------- */

static void
set_deadline(Client *c, int seconds)
{
	c->deadline_ms = seconds > 0 ? gateway_now_ms() + seconds * INT64CONST(1000) : 0;
}

static bool
is_receiving(const Exchange *x)
{
	return x != NULL && (x->state == EXCHANGE_RECEIVING || x->state == EXCHANGE_REFUSED);
}

/* libmicrohttpd finds the socket at its end, and closes the connection. */
void
gateway_close_overdue(void)
{
	static const char answer[] = "HTTP/1.1 408 Request Timeout\r\n"
								 "Connection: close\r\nContent-Length: 0\r\n\r\n";
	int64 now = gateway_now_ms();
	dlist_iter it;

	dlist_foreach (it, &clients)
	{
		Client *c = dlist_container(Client, node, it.cur);

		if (c->deadline_ms == 0 || now < c->deadline_ms)
			continue;
		if (is_receiving(c->exchange) && !c->tls)
			(void) send(c->fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		shutdown(c->fd, SHUT_RDWR);
		c->deadline_ms = 0;
	}
}

/* ---- connections ------------------------------------------------------------------------------- */

static void
on_connection(void *tls, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode what)
{
	Client *c = *socket_context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED)
	{
		int one = 1;

		c = calloc(1, sizeof(*c));
		if (c == NULL)
			elog(FATAL, "out of memory");
		c->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		c->tls = tls != NULL;
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		dlist_push_tail(&clients, &c->node);
		set_deadline(c, mimir_http_idle_timeout);
		*socket_context = c;
		stats_add(STAT_HTTP_CONNECTIONS, 1);
		return;
	}
	*socket_context = NULL;
	dlist_delete(&c->node);
	free(c);
	stats_sub(STAT_HTTP_CONNECTIONS, 1);
}

/* ---- replies ----------------------------------------------------------------------------------- */

static ssize_t
on_room(void *cls, uint64_t pos, char *buf, size_t max)
{
	Exchange *x = cls;
	Size n = Min(max, x->out.len - x->out_sent);

	if (x->broken)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n > 0)
	{
		memcpy(buf, x->out.data + x->out_sent, n);
		x->out_sent += n;
		if (x->out_sent == x->out.len)
			x->out_sent = x->out.len = 0;
		if (x->slot >= 0)
			queue_wake_gateway(); /* there is room for more of the worker's */
		return n;
	}
	if (x->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	gateway_suspend(x);
	return 0;
}

static void
add_headers(struct MHD_Response *r, char *lines)
{
	char *rest = NULL;

	for (char *line = strtok_r(lines, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
	{
		char *colon = strstr(line, ": ");

		if (colon == NULL)
			continue;
		*colon = '\0';
		MHD_add_response_header(r, line, colon + 2);
	}
}

static enum MHD_Result
queue_response(Exchange *x, int status, struct MHD_Response *r)
{
	enum MHD_Result res;

	x->state = EXCHANGE_REPLYING;
	res = MHD_queue_response(x->mhd, status, r);
	MHD_destroy_response(r);
	return res;
}

/* A reply that is whole goes with its length, another streams in chunks. */
static enum MHD_Result
send_reply(Exchange *x)
{
	struct MHD_Response *r;

	if (x->ended && !x->broken)
	{
		Size len = x->out.len;

		r = MHD_create_response_from_buffer(len, bytes_give(&x->out), MHD_RESPMEM_MUST_FREE);
	}
	else
	{
		r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 65536, on_room, x, NULL);
		/* a client that takes nothing for so long has a worker wait for it */
		MHD_set_connection_option(x->mhd, MHD_CONNECTION_OPTION_TIMEOUT,
								  (unsigned) mimir_http_request_timeout);
	}
	if (r == NULL)
		return MHD_NO;
	add_headers(r, x->reply_headers);
	return queue_response(x, x->status, r);
}

static enum MHD_Result
send_refusal(Exchange *x)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		strlen(x->refuse_text), (void *) x->refuse_text, MHD_RESPMEM_PERSISTENT);

	if (r == NULL)
		return MHD_NO;
	if (x->refuse_status == 503)
	{
		MHD_add_response_header(r, "Retry-After", "5");
		stats_add(STAT_HTTP_REJECTED, 1);
	}
	if (x->refuse_status != 204)
		MHD_add_response_header(r, "Content-Type", "text/plain; charset=utf-8");
	if (x->refuse_status == 413)
		MHD_add_response_header(r, "Connection", "close");
	return queue_response(x, x->refuse_status, r);
}

void
gateway_refuse(Exchange *x, int status, const char *static_text)
{
	x->state = EXCHANGE_REFUSED;
	x->refuse_status = status;
	x->refuse_text = static_text;
	bytes_free(&x->body);
}

/* ---- requests ---------------------------------------------------------------------------------- */

/* The request line has come; its raw target is cut later, and decoded by the handlers. */
static void *
on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
	Exchange *x = calloc(1, sizeof(*x));
	char *text = strdup(target);

	if (x == NULL || text == NULL)
		elog(FATAL, "out of memory");
	x->mhd = connection;
	x->client =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	x->client->exchange = x;
	x->id = ++last_id;
	x->slot = -1;
	x->text = text;
	set_deadline(x->client, mimir_http_request_timeout);
	return x;
}

/* Copies of everything textual, for the library's own may move: first offsets, then pointers. */
typedef struct Collector
{
	Buf text;
	Size offsets[2 * GATEWAY_HEADERS_MAX];
	int n; /* headers; GATEWAY_HEADERS_MAX + 1: too many */
} Collector;

static Size
collect(Collector *k, const char *s)
{
	Size at = k->text.len;

	buf_append(&k->text, s, strlen(s) + 1);
	return at;
}

static enum MHD_Result
on_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	Collector *k = cls;

	if (k->n >= GATEWAY_HEADERS_MAX)
	{
		k->n = GATEWAY_HEADERS_MAX + 1;
		return MHD_NO;
	}
	k->offsets[2 * k->n] = collect(k, name);
	for (char *p = k->text.data + k->offsets[2 * k->n]; *p; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	k->offsets[2 * k->n + 1] = collect(k, value ? value : "");
	k->n++;
	return MHD_YES;
}

/* Returns false if the request has too many headers. */
static bool
collect_head(Exchange *x, const char *method)
{
	Collector k = {.n = 0};
	char *mark = strchr(x->text, '?');
	Size path;
	Size query;

	buf_init(&k.text, 1024, 2 * HEAD_BYTES_MAX);
	if (mark)
		*mark = '\0';
	collect(&k, method);
	path = collect(&k, x->text);
	query = collect(&k, mark ? mark + 1 : "");
	MHD_get_connection_values(x->mhd, MHD_HEADER_KIND, on_header, &k);
	free(x->text);
	x->text = malloc(k.text.len + 1);
	if (x->text == NULL)
		elog(FATAL, "out of memory");
	memcpy(x->text, k.text.data, k.text.len);
	buf_free(&k.text);
	x->req.method = x->text;
	x->req.path = x->text + path;
	x->req.query = x->text + query;
	x->req.headers = x->headers;
	if (k.n > GATEWAY_HEADERS_MAX || k.text.overflow)
		return false;
	for (int i = 0; i < k.n; i++)
		x->headers[i] = (HttpHeader){x->text + k.offsets[2 * i], x->text + k.offsets[2 * i + 1]};
	x->req.nheaders = k.n;
	return true;
}

static Size
body_max(void)
{
	return (Size) mimir_http_max_request_size * 1024;
}

static void
begin_request(Exchange *x, const char *method)
{
	bool method_ok;
	const char *length;

	if (!collect_head(x, method))
		gateway_refuse(x, 431, "too many request headers\n");
	else if (!api_route_pool(method, x->req.path, &x->pool, &method_ok))
		gateway_refuse(x, 404, "404 page not found\n");
	else if (strcmp(method, "OPTIONS") == 0)
		gateway_refuse(x, 204, "");
	else if (!method_ok)
		gateway_refuse(x, 405, "Method Not Allowed\n");
	else if ((length = http_header(&x->req, "content-length")) != NULL &&
			 strtoull(length, NULL, 10) > body_max())
		gateway_refuse(x, 413, "request body exceeds the size limit of the server\n");
	else if (x->pool == HTTP_POOL_PUSH && RecoveryInProgress())
		gateway_refuse(x, 503, "the server is in recovery and takes no writes\n");
	else if (!gateway_pool_online(x->pool))
		gateway_refuse(x, 503, "starting\n");
}

static void
add_body(Exchange *x, const char *data, Size len)
{
	if (x->state == EXCHANGE_REFUSED)
		return;
	if (x->body.len + len > body_max())
		gateway_refuse(x, 413, "request body exceeds the size limit of the server\n");
	else if (gateway_memory_short(len) || !bytes_add(&x->body, data, len))
		gateway_refuse(x, 503, "the server is short of buffer memory\n");
}

/* All of the request has come. */
static enum MHD_Result
end_request(Exchange *x)
{
	x->client->deadline_ms = 0;
	if (x->state == EXCHANGE_REFUSED)
		return send_refusal(x);
	x->req.body_len = x->body.len;
	gateway_suspend(x);
	if (!gateway_enqueue(x))
	{
		gateway_refuse(x, 503, "too many requests are waiting\n");
		gateway_resume(x);
	}
	return MHD_YES;
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
		   const char *version, const char *upload, size_t *upload_len, void **context)
{
	Exchange *x = *context;

	if (x->req.method == NULL)
	{
		begin_request(x, method);
		/* a body that is too large is not even read */
		if (x->state == EXCHANGE_REFUSED && x->refuse_status == 413)
			return send_refusal(x);
		return MHD_YES;
	}
	if (*upload_len > 0)
	{
		add_body(x, upload, *upload_len);
		*upload_len = 0;
		return MHD_YES;
	}
	switch (x->state)
	{
		case EXCHANGE_RECEIVING:
		case EXCHANGE_REFUSED:
			return end_request(x);
		case EXCHANGE_RUNNING:
			if (x->reply_headers != NULL)
				return send_reply(x);
			if (x->ended)
				return MHD_NO;
			gateway_suspend(x);
			return MHD_YES;
		default:
			return MHD_YES;
	}
}

void
gateway_exchange_free(Exchange *x)
{
	gateway_unwatch(x);
	bytes_free(&x->body);
	bytes_free(&x->out);
	free(x->reply_headers);
	free(x->text);
	free(x);
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **context,
			 enum MHD_RequestTerminationCode why)
{
	Exchange *x = *context;

	*context = NULL;
	if (x == NULL)
		return;
	x->client->exchange = NULL;
	set_deadline(x->client, mimir_http_idle_timeout);
	if (why == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
	gateway_unwatch(x);
	if (x->state == EXCHANGE_QUEUED)
		gateway_dequeue(x);
	if (x->slot < 0)
	{
		gateway_exchange_free(x);
		return;
	}
	/* freed at the end of its reply */
	gateway_cancel(x);
	x->state = EXCHANGE_GONE;
	bytes_free(&x->out);
	x->out_sent = 0;
	queue_wake_gateway();
}

struct MHD_Daemon *
gateway_listen(const struct sockaddr *addr, const char *cert, const char *key)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
	struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *) cert},
								   {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *) key},
								   {MHD_OPTION_END, 0, NULL}};
	struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};

	if (addr->sa_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	if (cert)
		flags |= MHD_USE_TLS;
	return MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR, addr,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
		NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, (void *) cert,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned) mimir_http_max_connections,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) HEAD_BYTES_MAX,
		MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned) BACKLOG,
		MHD_OPTION_ARRAY, cert ? tls : plain, MHD_OPTION_END);
}
