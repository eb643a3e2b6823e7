/*
 * import_sql.c
 *    mimir.import_remote_read().
 */
#include "postgres.h"

#include "fmgr.h"
#include "pg/errmap.h"
#include "pg/export.h"
#include "pg/time.h"
#include "promql/promql.h"
#include "remote/read_client.h"
#include "store/serving.h"
#include "tenancy/owner_rights.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

MIMIR_FUNCTION(mimir_import_remote_read);

/* {"NAME": "value", ...} to headers; ereports if it is anything else. */
static int
read_headers(Jsonb *j, FetchHeader **out)
{
	JsonbIterator *it = JsonbIteratorInit(&j->root);
	JsonbValue v;
	JsonbIteratorToken token;
	FetchHeader *headers = palloc(sizeof(FetchHeader) * Max(JB_ROOT_COUNT(j), 1));
	int n = 0;

	if (!JB_ROOT_IS_OBJECT(j))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("headers must be an object of strings")));
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			headers[n].name = pnstrdup(v.val.string.val, v.val.string.len);
		else if (token == WJB_VALUE)
		{
			if (v.type != jbvString)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("headers must be an object of strings")));
			headers[n].value = pnstrdup(v.val.string.val, v.val.string.len);
			fetch_check_header(headers[n].name, headers[n].value);
			n++;
		}
	}
	*out = headers;
	return n;
}

/*
 * mimir.import_remote_read(url, matchers, from, to, headers) -- see read_client_import; to is not
 * included, infinity means now.
 */
Datum
mimir_import_remote_read(PG_FUNCTION_ARGS)
{
	char *selector = text_to_cstring(PG_GETARG_TEXT_PP(1));
	ReadSource source = {.url = text_to_cstring(PG_GETARG_TEXT_PP(0)), .selector = selector};
	TimestampTz from = PG_GETARG_TIMESTAMPTZ(2);
	TimestampTz to = PG_GETARG_TIMESTAMPTZ(3);
	FetchHeader *headers;
	Matcher *matchers;
	const Tenant *tenant;
	OwnerRights rights;
	Err err = ERR_INIT;
	int64 samples;

	PreventCommandIfReadOnly("mimir.import_remote_read()");
	PreventCommandDuringRecovery("mimir.import_remote_read()");
	store_need();
	tenant = tenancy_writable();
	fetch_check_url(source.url);
	source.nheaders = read_headers(PG_GETARG_JSONB_P(4), &headers);
	source.headers = headers;
	if (!promql_parse_selector(selector, strlen(selector), &matchers, &source.nmatchers, &err))
		errmap_raise_query(&err, selector);
	source.matchers = matchers;
	if (TIMESTAMP_IS_NOEND(to))
		to = GetCurrentTimestamp();
	if (TIMESTAMP_NOT_FINITE(from) || TIMESTAMP_NOT_FINITE(to))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the time to import from must be finite")));
	if (to < from)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("end of the imported range must not be before its start")));
	owner_rights_begin(&rights);
	samples =
		read_client_import(tenant->id, &source, time_to_ms(from + 999), time_to_ms(to + 999) - 1);
	owner_rights_end(&rights);
	PG_RETURN_INT64(samples);
}
