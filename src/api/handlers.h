/*
 * handlers.h
 *    Handlers of the query and admin endpoints, and what they share.
 *
 * A handler runs in a transaction, writes its reply and returns; it tells an error by filling err
 * (before it has written anything) or by ereport.
 */
#ifndef MIMIR_API_HANDLERS_H
#define MIMIR_API_HANDLERS_H

#include "postgres.h"

#include "http/message.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "tenancy/tenant.h"
#include "util/err.h"

typedef struct ApiCall
{
	const HttpRequest *req;
	HttpResponse *resp;
	const char *segment; /* {name} of the path, decoded; NULL: none */
	TenantSet tenants;
	HttpParam *params;
	int nparams;
	Err err;
	struct GzipStream *gzip; /* NULL: the reply is sent as it is */
} ApiCall;

typedef bool (*ApiHandler)(ApiCall *call);

extern bool api_query(ApiCall *call);
extern bool api_query_range(ApiCall *call);
extern bool api_format_query(ApiCall *call);
extern bool api_parse_query(ApiCall *call);
extern bool api_labels(ApiCall *call);
extern bool api_label_values(ApiCall *call);
extern bool api_series(ApiCall *call);
extern bool api_metadata(ApiCall *call);
extern bool api_query_exemplars(ApiCall *call);
extern bool api_buildinfo(ApiCall *call);
extern bool api_ready(ApiCall *call);
extern bool api_metrics(ApiCall *call);
extern bool api_services(ApiCall *call);
extern bool api_ring(ApiCall *call);
extern bool api_delete_series(ApiCall *call);
extern bool api_clean_tombstones(ApiCall *call);
extern bool api_read(ApiCall *call);
extern bool api_upload_start(ApiCall *call);
extern bool api_upload_files(ApiCall *call);
extern bool api_upload_finish(ApiCall *call);
extern bool api_upload_check(ApiCall *call);

/* --- shared: api/reply.c ------------------------------------------------------------------------ */

/* api_begin_json -- headers of a 200 JSON reply; the body follows through api_write. */
extern void api_begin_json(ApiCall *call);
extern void api_write(ApiCall *call, const void *data, size_t len);
extern void api_flush(ApiCall *call, Buf *b, size_t threshold); /* write and reset if longer */
extern void api_end(ApiCall *call);

/* api_success_text -- {"status":"success","data":TEXT} with TEXT as JSON. */
extern void api_success_text(ApiCall *call, const Buf *data);

/* --- shared: api/params.c ----------------------------------------------------------------------- */
extern const char *api_param(ApiCall *call, const char *name); /* NULL: absent or empty */
extern bool api_time_param(ApiCall *call, const char *name, int64 def, bool required, int64 *ms);
extern bool api_duration_param(ApiCall *call, const char *name, int64 *ms);
extern bool api_limit_param(ApiCall *call, const char *name, int64 *limit);

/* api_matcher_params -- all match[] selectors. */
struct StoreMatcherSet;
extern bool api_matcher_params(ApiCall *call, struct StoreMatcherSet **sets, int *n);

/* --- shared: api/federation.c ------------------------------------------------------------------- */
#define API_TENANT_LABEL "__tenant_id__"

/*
 * api_matchers_of_tenant -- matchers as they apply to one tenant of the request: those on the tenant
 * label are taken out if they match; false: one does not.
 */
extern bool api_matchers_of_tenant(ApiCall *call, const Tenant *tenant, const Matcher *m, int n,
								   struct StoreMatcherSet *out);

/* api_labels_of_tenant -- the labels, with the tenant if the request names several. */
extern Labels api_labels_of_tenant(ApiCall *call, const Tenant *tenant, Labels labels);

#define API_BODY_MAX ((size_t) 1 << 32) /* of a reply's piece in memory; flushed long before */

#endif
