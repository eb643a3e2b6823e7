/*
 * error.c
 *    Errors as replies.
 */
#include "api/error.h"

#include "wire/json.h"

static bool
is_query_api(const char *path)
{
	if (strncmp(path, "/prometheus", 11) == 0)
		path += 11;
	return strncmp(path, "/api/v1/", 8) == 0 && strcmp(path, "/api/v1/push") != 0 &&
		   strcmp(path, "/api/v1/write") != 0;
}

void
api_error_reply(const HttpRequest *req, HttpResponse *resp, const Err *err)
{
	Buf b;

	resp->status = err_http_status(err->code);
	buf_init(&b, 256, 1024 * 1024);
	/* without a tenant nothing of the API runs: plain text, as Mimir */
	if (is_query_api(req->path) && err->code != ERR_UNAUTHORIZED)
	{
		http_set_header(resp, "Content-Type", "application/json");
		json_error(&b, err_prom_type(err->code), err->msg);
	}
	else
	{
		http_set_header(resp, "Content-Type", "text/plain; charset=utf-8");
		buf_printf(&b, "%s\n", err->msg);
	}
	http_write(resp, b.data, b.len);
}
