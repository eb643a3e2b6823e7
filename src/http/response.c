/*
 * response.c
 *    Writing a response: status and headers, then the body.
 */
#include "http/message.h"

#define MAX_HEADERS 16384 /* bytes */

void
http_set_header(HttpResponse *r, const char *name, const char *value)
{
	if (r->headers.data == NULL)
		buf_init(&r->headers, 256, MAX_HEADERS);
	/* a line break would let a value forge headers */
	if (strpbrk(value, "\r\n") != NULL)
		return;
	buf_printf(&r->headers, "%s: %s\r\n", name, value);
}

void
http_write(HttpResponse *r, const void *data, size_t len)
{
	if (len > 0)
		r->send(r, data, len);
}

void
http_write_str(HttpResponse *r, const char *s)
{
	http_write(r, s, strlen(s));
}

void
http_reply(HttpResponse *r, int status, const char *content_type, const char *body)
{
	r->status = status;
	http_set_header(r, "Content-Type", content_type);
	http_write_str(r, body);
}

const char *
http_status_text(int status)
{
	static const struct
	{
		int status;
		const char *text;
	} texts[] = {
		{200, "OK"},
		{202, "Accepted"},
		{204, "No Content"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{408, "Request Timeout"},
		{413, "Request Entity Too Large"},
		{415, "Unsupported Media Type"},
		{422, "Unprocessable Entity"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{499, "Client Closed Request"},
		{500, "Internal Server Error"},
		{503, "Service Unavailable"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Unknown";
}
