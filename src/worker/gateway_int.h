/*
 * gateway_int.h
 *    What the files of the gateway share.  One process, one thread: no locks.
 *
 * Life of a request:
 *
 *    RECEIVING --whole--> QUEUED --worker free--> RUNNING --enough of the reply--> REPLYING --> freed
 *        |                   |                       |                                |
 *        +----> REFUSED <----+-----------------------+                                |
 *                  |  (answered by the gateway itself: REPLYING)                      |
 *                  +------------------------------------------------------------------+
 *
 * and from RUNNING or REPLYING to GONE when the client leaves: freed at the end of its reply.
 */
#ifndef MIMIR_WORKER_GATEWAY_INT_H
#define MIMIR_WORKER_GATEWAY_INT_H

#include "postgres.h"

#include "http/router.h"
#include "worker/queue.h"

#include "lib/ilist.h"

#include <microhttpd.h>

#define GATEWAY_REPLY_MAX	(512 * 1024) /* bytes of a reply held back for a slow client */
#define GATEWAY_HEADERS_MAX 100

typedef enum ExchangeState
{
	EXCHANGE_RECEIVING, /* the body comes in */
	EXCHANGE_REFUSED,	/* what comes in is thrown away, then the refusal is sent */
	EXCHANGE_QUEUED,	/* waits for a worker */
	EXCHANGE_RUNNING,	/* a worker has it */
	EXCHANGE_REPLYING,	/* the response was queued with libmicrohttpd */
	EXCHANGE_GONE		/* the client left; the worker still runs */
} ExchangeState;

/* malloc'd bytes, counted in gateway_buffered */
typedef struct Bytes
{
	char *data;
	Size len;
	Size cap;
} Bytes;

/* A connection of a client; lives from accept to close. */
typedef struct Client
{
	dlist_node node; /* in the list of all */
	int fd;
	bool tls;
	int64 deadline_ms;		   /* of gateway_now_ms; when to close it, 0 = never */
	struct Exchange *exchange; /* the request under way, NULL = idle */
} Client;

/* A request and its reply. */
typedef struct Exchange
{
	dlist_node node; /* QUEUED: in a tenant list; while a worker has it: in the peer's list */
	ExchangeState state;
	uint64 id;
	HttpPool pool;
	struct MHD_Connection *mhd;
	Client *client;
	bool suspended; /* libmicrohttpd does not look at the connection */
	bool watched;	/* its socket stands in the set of gateway_watch.c */

	/* request */
	HttpRequest req;
	HttpHeader headers[GATEWAY_HEADERS_MAX];
	char *text; /* what req points to; at first the raw request target */
	Bytes body;

	/* refusal */
	int refuse_status;
	const char *refuse_text; /* static */

	/* reply */
	int slot; /* of the worker that has it, -1 = none */
	int32 status;
	char *reply_headers; /* malloc'd lines, NULL until the head has come */
	Bytes out;			 /* body bytes that have come */
	Size out_sent;		 /* of these, taken by libmicrohttpd */
	bool ended;			 /* all of the reply has come */
	bool broken;		 /* it broke off: so will the connection */
} Exchange;

/* --- gateway_bytes.c ----------------------------------------------------------------------- */
extern int64 gateway_now_ms(void); /* monotonic */
extern bool gateway_memory_short(Size more);
extern bool bytes_add(Bytes *b, const void *data, Size len); /* false: no memory at all */
extern void bytes_free(Bytes *b);
extern char *bytes_give(Bytes *b); /* to a caller who will free() */

/* --- gateway_watch.c ----------------------------------------------------------------------- */
extern int gateway_watch_init(void); /* a descriptor to wait for */
extern void gateway_suspend(Exchange *x);
extern void gateway_resume(Exchange *x);
extern void gateway_unwatch(Exchange *x);
extern void gateway_look_at_watched(void);

/* --- gateway_dispatch.c -------------------------------------------------------------------- */
extern void gateway_dispatch_init(void);
extern bool gateway_pool_online(HttpPool pool);

/* gateway_enqueue -- to the workers; false: too many requests wait. */
extern bool gateway_enqueue(Exchange *x);
extern void gateway_dequeue(Exchange *x); /* QUEUED only */
extern void gateway_cancel(Exchange *x);  /* tell the worker that nobody waits for the answer */
extern void gateway_look_at_workers(void);

/* --- gateway_client.c ---------------------------------------------------------------------- */
extern struct MHD_Daemon *gateway_listen(const struct sockaddr *addr, const char *cert,
										 const char *key); /* NULL: errno says why */
extern void gateway_refuse(Exchange *x, int status, const char *static_text);
extern void gateway_exchange_free(Exchange *x);
extern void gateway_close_overdue(void);

#endif
