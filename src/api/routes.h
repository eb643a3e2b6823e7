/*
 * routes.h
 *    The table of endpoints.
 */
#ifndef MIMIR_API_ROUTES_H
#define MIMIR_API_ROUTES_H

#include "http/message.h"
#include "http/router.h"

/*
 * api_route_pool -- the pool that runs a request; needs no SQL, the gateway calls it.  False: no
 * such path.
 */
extern bool api_route_pool(const char *method, const char *path, HttpPool *pool, bool *method_ok);

/* api_needs_store -- false for endpoints that answer whatever state the store is in. */
extern bool api_needs_store(const HttpRequest *req);

/* api_dispatch -- run the handler of any route but push.  Needs a transaction; may ereport. */
extern void api_dispatch(const HttpRequest *req, HttpResponse *resp);

#endif
