/*
 * request.c
 *    Headers and parameters of a complete request.
 */
#include "http/message.h"

#include "util/mem.h"

#define MAX_PARAMS 10000

const char *
http_header(const HttpRequest *req, const char *lower_name)
{
	for (int i = 0; i < req->nheaders; i++)
		if (strcmp(req->headers[i].name, lower_name) == 0)
			return req->headers[i].value;
	return NULL;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *
http_url_decode(const char *s, size_t len, bool plus_is_space, size_t *out_len)
{
	char *out = mem_alloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
	{
		if (s[i] == '%' && i + 2 < len && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0)
		{
			out[n++] = (char) (hex(s[i + 1]) << 4 | hex(s[i + 2]));
			i += 2;
		}
		else
			out[n++] = plus_is_space && s[i] == '+' ? ' ' : s[i];
	}
	out[n] = '\0';
	if (out_len)
		*out_len = n;
	return out;
}

typedef struct ParamList
{
	HttpParam *items;
	int n;
	int cap;
} ParamList;

static void
add_pairs(ParamList *l, const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end && l->n < MAX_PARAMS)
	{
		const char *amp = memchr(s, '&', (size_t) (end - s));
		const char *stop = amp ? amp : end;
		const char *eq = memchr(s, '=', (size_t) (stop - s));
		const char *name_end = eq ? eq : stop;

		if (stop > s)
		{
			if (l->n == l->cap)
			{
				l->cap = l->cap ? l->cap * 2 : 16;
				l->items = mem_realloc(l->items, sizeof(HttpParam) * (size_t) l->cap);
			}
			l->items[l->n].name = http_url_decode(s, (size_t) (name_end - s), true, NULL);
			l->items[l->n++].value =
				eq ? http_url_decode(eq + 1, (size_t) (stop - eq - 1), true, NULL) : mem_strdup("");
		}
		s = stop + 1;
	}
}

int
http_params(const HttpRequest *req, HttpParam **out)
{
	ParamList l = {NULL, 0, 0};
	const char *type = http_header(req, "content-type");
	static const char form[] = "application/x-www-form-urlencoded";

	if (strcmp(req->method, "POST") == 0 && type != NULL &&
		strncmp(type, form, sizeof(form) - 1) == 0)
		add_pairs(&l, (const char *) req->body, req->body_len);
	add_pairs(&l, req->query, strlen(req->query));
	*out = l.items;
	return l.n;
}

const char *
http_param(const HttpParam *params, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(params[i].name, name) == 0)
			return params[i].value;
	return NULL;
}
