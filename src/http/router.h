/*
 * router.h
 *    Method and path to a route: a static table, one optional {name} segment per pattern.
 */
#ifndef MIMIR_HTTP_ROUTER_H
#define MIMIR_HTTP_ROUTER_H

#include "http/message.h"

/* Which worker pool runs a route; pushes have workers of their own. */
typedef enum HttpPool
{
	HTTP_POOL_PUSH,
	HTTP_POOL_QUERY,
	HTTP_POOL_ADMIN /* cheap: answered even when all query workers are busy */
} HttpPool;

typedef struct HttpRoute
{
	const char *methods; /* "GET,POST" */
	const char *pattern; /* "/api/v1/label/{name}/values" */
	HttpPool pool;
	int id; /* the table owner's enum */
} HttpRoute;

typedef struct HttpMatch
{
	const HttpRoute *route; /* NULL: no such path */
	bool method_ok;
	const char *segment; /* {name}, raw; not NUL-terminated */
	size_t segment_len;
} HttpMatch;

extern HttpMatch http_route(const HttpRoute *table, int n, const char *method, const char *path);

#endif
