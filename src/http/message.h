/*
 * message.h
 *    A complete request and a response under way, as plain structs.
 *
 * The gateway process owns sockets and protocol; a handler (src/api) sees only these.  Tests can
 * fill a request and collect a response without a socket.
 */
#ifndef MIMIR_HTTP_MESSAGE_H
#define MIMIR_HTTP_MESSAGE_H

#include "util/buf.h"

typedef struct HttpHeader
{
	const char *name; /* lower case */
	const char *value;
} HttpHeader;

typedef struct HttpParam
{
	const char *name; /* decoded, NUL-terminated */
	const char *value;
} HttpParam;

typedef struct HttpRequest
{
	const char *method; /* "GET", "POST", ... */
	const char *path;	/* raw, without the query string; decoded by http_path_decode */
	const char *query;	/* raw query string, "" if none */
	int nheaders;
	const HttpHeader *headers;
	const uint8_t *body;
	size_t body_len;
} HttpRequest;

/*
 * HttpResponse -- status and headers first, then any number of writes.  The sink sends the head
 * at the first write (or at the end).  write may block while the client reads slowly and may
 * raise an interrupt if the client has gone.
 */
typedef struct HttpResponse HttpResponse;
struct HttpResponse
{
	int status;	 /* default 200 */
	Buf headers; /* "Name: value\r\n" lines */
	bool head_sent;
	void (*send)(HttpResponse *r, const void *data, size_t len); /* raw body bytes to the sink */
	void *sink;													 /* the sink's own */
};

/* --- http/request.c ------------------------------------------------------------------------ */
extern const char *http_header(const HttpRequest *req, const char *lower_name); /* NULL: absent */

/*
 * http_params -- query string and, for a form POST, the body (body first), percent-decoded.
 * Array from mem_alloc.
 */
extern int http_params(const HttpRequest *req, HttpParam **out);
extern const char *http_param(const HttpParam *params, int n, const char *name); /* first; NULL */
extern char *http_url_decode(const char *s, size_t len, bool plus_is_space, size_t *out_len);

/* --- http/response.c ----------------------------------------------------------------------- */
extern void http_set_header(HttpResponse *r, const char *name, const char *value);
extern void http_write(HttpResponse *r, const void *data, size_t len);
extern void http_write_str(HttpResponse *r, const char *s);
extern void http_reply(HttpResponse *r, int status, const char *content_type, const char *body);
extern const char *http_status_text(int status);

#endif
