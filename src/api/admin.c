/*
 * admin.c
 *    /admin/tsdb: deleting series, removing what was deleted from disk.
 *
 * Off unless mimir.admin_api is on, as with Prometheus: whoever reaches the port may ask for it.
 */
#include "postgres.h"

#include "api/handlers.h"

#include "pg/guc.h"
#include "store/compact.h"
#include "store/select.h"
#include "store/tombstone.h"

static bool
enabled(ApiCall *call)
{
	if (mimir_admin_api)
		return true;
	return err_set(&call->err, ERR_UNAVAILABLE, -1, "admin APIs disabled");
}

/* delete_series: match[] (one or more), start, end -> 204 */
bool
api_delete_series(ApiCall *call)
{
	struct StoreMatcherSet *sets;
	int nsets;
	int64 mint;
	int64 maxt;

	if (!enabled(call))
		return false;
	if (!api_time_param(call, "start", PG_INT64_MIN, false, &mint) ||
		!api_time_param(call, "end", PG_INT64_MAX, false, &maxt) ||
		!api_matcher_params(call, &sets, &nsets))
		return false;
	if (nsets == 0)
		return err_set(&call->err, ERR_BAD_REQUEST, -1, "no match[] parameter provided");
	if (call->tenants.n != 1)
		return err_set(&call->err, ERR_BAD_REQUEST, -1,
					   "series of one tenant at a time can be deleted");
	for (int i = 0; i < call->nparams; i++)
		if (strcmp(call->params[i].name, "match[]") == 0)
			tombstone_add(call->tenants.tenants[0]->id, call->params[i].value, mint, maxt);
	call->resp->status = 204;
	return true;
}

/* clean_tombstones -> 204 */
bool
api_clean_tombstones(ApiCall *call)
{
	if (!enabled(call))
		return false;
	compact_request_and_wait(true);
	call->resp->status = 204;
	return true;
}
