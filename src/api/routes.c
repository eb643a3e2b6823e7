/*
 * routes.c
 *    The table of endpoints, and calling their handlers.
 */
#include "postgres.h"

#include "api/routes.h"

#include "api/error.h"
#include "api/handlers.h"
#include "pg/stats.h"
#include "tenancy/gate.h"

typedef struct ApiRoute
{
	ApiHandler handler; /* NULL: push */
	bool tenant;		/* needs one */
	bool store;			/* needs the head */
	bool raw_body;		/* the body is no form, whatever its type says */
} ApiRoute;

enum
{
	ROUTE_PUSH,
	ROUTE_QUERY,
	ROUTE_QUERY_RANGE,
	ROUTE_FORMAT,
	ROUTE_PARSE,
	ROUTE_LABELS,
	ROUTE_LABEL_VALUES,
	ROUTE_SERIES,
	ROUTE_METADATA,
	ROUTE_EXEMPLARS,
	ROUTE_BUILDINFO,
	ROUTE_READY,
	ROUTE_METRICS,
	ROUTE_SERVICES,
	ROUTE_RING,
	ROUTE_DELETE_SERIES,
	ROUTE_CLEAN_TOMBSTONES,
	ROUTE_READ,
	ROUTE_UPLOAD_START,
	ROUTE_UPLOAD_FILES,
	ROUTE_UPLOAD_FINISH,
	ROUTE_UPLOAD_CHECK
};

static const ApiRoute actions[] = {
	[ROUTE_PUSH] = {NULL, true, true},
	[ROUTE_QUERY] = {api_query, true, true},
	[ROUTE_QUERY_RANGE] = {api_query_range, true, true},
	[ROUTE_FORMAT] = {api_format_query, false, false},
	[ROUTE_PARSE] = {api_parse_query, false, false},
	[ROUTE_LABELS] = {api_labels, true, true},
	[ROUTE_LABEL_VALUES] = {api_label_values, true, true},
	[ROUTE_SERIES] = {api_series, true, true},
	[ROUTE_METADATA] = {api_metadata, true, true},
	[ROUTE_EXEMPLARS] = {api_query_exemplars, true, true},
	[ROUTE_BUILDINFO] = {api_buildinfo, false, false},
	[ROUTE_READY] = {api_ready, false, true},
	[ROUTE_METRICS] = {api_metrics, false, false},
	[ROUTE_SERVICES] = {api_services, false, false},
	[ROUTE_RING] = {api_ring, false, false},
	[ROUTE_DELETE_SERIES] = {api_delete_series, true, true},
	[ROUTE_CLEAN_TOMBSTONES] = {api_clean_tombstones, true, true},
	[ROUTE_READ] = {api_read, true, true, true},
	[ROUTE_UPLOAD_START] = {api_upload_start, true, true, true},
	[ROUTE_UPLOAD_FILES] = {api_upload_files, true, true, true},
	[ROUTE_UPLOAD_FINISH] = {api_upload_finish, true, true, true},
	[ROUTE_UPLOAD_CHECK] = {api_upload_check, true, true},
};

/* The query API stands with and without the prefix. */
#define BOTH(methods, pattern, pool, id)                                                           \
	{methods, "/prometheus" pattern, pool, id},                                                    \
	{                                                                                              \
		methods, pattern, pool, id                                                                 \
	}

static const HttpRoute routes[] = {
	{"POST", "/api/v1/push", HTTP_POOL_PUSH, ROUTE_PUSH},
	{"POST", "/api/v1/write", HTTP_POOL_PUSH, ROUTE_PUSH},
	BOTH("GET,POST", "/api/v1/query", HTTP_POOL_QUERY, ROUTE_QUERY),
	BOTH("GET,POST", "/api/v1/query_range", HTTP_POOL_QUERY, ROUTE_QUERY_RANGE),
	BOTH("POST", "/api/v1/read", HTTP_POOL_QUERY, ROUTE_READ),
	BOTH("GET,POST", "/api/v1/format_query", HTTP_POOL_ADMIN, ROUTE_FORMAT),
	BOTH("GET,POST", "/api/v1/parse_query", HTTP_POOL_ADMIN, ROUTE_PARSE),
	BOTH("GET,POST", "/api/v1/labels", HTTP_POOL_QUERY, ROUTE_LABELS),
	BOTH("GET", "/api/v1/label/{name}/values", HTTP_POOL_QUERY, ROUTE_LABEL_VALUES),
	BOTH("GET,POST", "/api/v1/series", HTTP_POOL_QUERY, ROUTE_SERIES),
	BOTH("GET", "/api/v1/metadata", HTTP_POOL_QUERY, ROUTE_METADATA),
	BOTH("GET,POST", "/api/v1/query_exemplars", HTTP_POOL_QUERY, ROUTE_EXEMPLARS),
	BOTH("GET", "/api/v1/status/buildinfo", HTTP_POOL_ADMIN, ROUTE_BUILDINFO),
	BOTH("POST,PUT", "/api/v1/admin/tsdb/delete_series", HTTP_POOL_QUERY, ROUTE_DELETE_SERIES),
	BOTH("POST,PUT", "/api/v1/admin/tsdb/clean_tombstones", HTTP_POOL_QUERY,
		 ROUTE_CLEAN_TOMBSTONES),
	{"POST", "/api/v1/upload/block/{block}/start", HTTP_POOL_QUERY, ROUTE_UPLOAD_START},
	{"POST", "/api/v1/upload/block/{block}/files", HTTP_POOL_QUERY, ROUTE_UPLOAD_FILES},
	{"POST", "/api/v1/upload/block/{block}/finish", HTTP_POOL_QUERY, ROUTE_UPLOAD_FINISH},
	{"GET", "/api/v1/upload/block/{block}/check", HTTP_POOL_QUERY, ROUTE_UPLOAD_CHECK},
	{"GET", "/ready", HTTP_POOL_ADMIN, ROUTE_READY},
	{"GET", "/metrics", HTTP_POOL_ADMIN, ROUTE_METRICS},
	{"GET", "/services", HTTP_POOL_ADMIN, ROUTE_SERVICES},
	{"GET", "/ingester/ring", HTTP_POOL_ADMIN, ROUTE_RING},
};

bool
api_route_pool(const char *method, const char *path, HttpPool *pool, bool *method_ok)
{
	HttpMatch m = http_route(routes, lengthof(routes), method, path);

	if (m.route == NULL)
		return false;
	*pool = m.route->pool;
	*method_ok = m.method_ok;
	return true;
}

bool
api_needs_store(const HttpRequest *req)
{
	HttpMatch m = http_route(routes, lengthof(routes), req->method, req->path);

	return m.route != NULL && actions[m.route->id].store;
}

static void
cors_headers(ApiCall *call)
{
	http_set_header(call->resp, "Vary", "Accept-Encoding, Origin");
	if (http_header(call->req, "origin") == NULL)
		return;
	http_set_header(call->resp, "Access-Control-Allow-Headers",
					"Accept, Authorization, Content-Type, Origin");
	http_set_header(call->resp, "Access-Control-Allow-Methods", "GET, POST, OPTIONS");
	http_set_header(call->resp, "Access-Control-Allow-Origin", "*");
	http_set_header(call->resp, "Access-Control-Expose-Headers", "Date");
}

void
api_dispatch(const HttpRequest *req, HttpResponse *resp)
{
	HttpMatch m = http_route(routes, lengthof(routes), req->method, req->path);
	ApiCall call = {.req = req, .resp = resp, .err = ERR_INIT};
	HttpRequest head = *req;
	const ApiRoute *action;
	bool ok;

	if (m.route == NULL || actions[m.route->id].handler == NULL)
	{
		http_reply(resp, 404, "text/plain; charset=utf-8", "404 page not found\n");
		return;
	}
	action = &actions[m.route->id];
	cors_headers(&call);
	if (m.segment)
		call.segment = http_url_decode(m.segment, m.segment_len, false, NULL);
	if (action->raw_body)
		head.body_len = 0;
	call.nparams = http_params(&head, &call.params);
	ok = !action->tenant || (tenancy_for_request(req, false, &call.tenants, &call.err));
	if (ok && action->tenant)
		tenancy_enter(&call.tenants);
	if (ok)
		ok = action->handler(&call);
	if (!ok)
		api_error_reply(req, resp, &call.err);
}
