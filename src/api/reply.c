/*
 * reply.c
 *    Beginning, streaming and ending a reply; compression.
 */
#include "api/handlers.h"

#include "wire/gzip.h"

static void
to_response(void *arg, const void *data, size_t len)
{
	http_write(arg, data, len);
}

/* The first of gzip and deflate that Accept-Encoding names. */
static void
choose_encoding(ApiCall *call)
{
	const char *accept = http_header(call->req, "accept-encoding");
	const char *gzip = accept ? strstr(accept, "gzip") : NULL;
	const char *deflate = accept ? strstr(accept, "deflate") : NULL;
	bool use_deflate;

	if (gzip == NULL && deflate == NULL)
		return;
	use_deflate = gzip == NULL || (deflate != NULL && deflate < gzip);
	call->gzip = gzip_create(use_deflate, to_response, call->resp);
	if (call->gzip)
		http_set_header(call->resp, "Content-Encoding", use_deflate ? "deflate" : "gzip");
}

void
api_begin_json(ApiCall *call)
{
	http_set_header(call->resp, "Content-Type", "application/json");
	choose_encoding(call);
}

void
api_write(ApiCall *call, const void *data, size_t len)
{
	if (call->gzip)
		gzip_write(call->gzip, data, len);
	else
		http_write(call->resp, data, len);
}

void
api_flush(ApiCall *call, Buf *b, size_t threshold)
{
	if (b->len <= threshold)
		return;
	api_write(call, b->data, b->len);
	buf_reset(b);
}

void
api_end(ApiCall *call)
{
	if (call->gzip)
		gzip_finish(call->gzip);
}

void
api_success_text(ApiCall *call, const Buf *data)
{
	static const char head[] = "{\"status\":\"success\",\"data\":";

	api_begin_json(call);
	api_write(call, head, sizeof(head) - 1);
	api_write(call, data->data, data->len);
	api_write(call, "}", 1);
	api_end(call);
}
