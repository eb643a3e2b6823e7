/*
 * metadata.c
 *    /metadata and /query_exemplars: rows of mimir.metric_metadata and mimir.exemplar.
 */
#include "api/handlers.h"

#include "promql/promql.h"
#include "query/run.h"
#include "util/text.h"
#include "wire/json.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

static Datum
tenant_ids(const TenantSet *set)
{
	Datum *ids = palloc(sizeof(Datum) * Max(set->n, 1));

	for (int i = 0; i < set->n; i++)
		ids[i] = Int32GetDatum((int32) set->tenants[i]->id);
	return PointerGetDatum(construct_array(ids, set->n, INT4OID, 4, true, TYPALIGN_INT));
}

static bool
number_param(ApiCall *call, const char *name, int64 *n)
{
	const char *v = api_param(call, name);
	char *end;

	*n = -1;
	if (v == NULL)
		return true;
	*n = strtoll(v, &end, 10);
	if (*end != '\0')
		return err_set(&call->err, ERR_BAD_REQUEST, -1, "%s must be a number", name);
	return true;
}

static char *
column(int row, int col)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, col);
}

bool
api_metadata(ApiCall *call)
{
	static const char sql[] =
		"SELECT DISTINCT metric, type, help, unit FROM mimir.metric_metadata"
		" WHERE tenant_id = ANY ($1) AND ($2 IS NULL OR metric = $2) ORDER BY 1, 2, 3, 4";
	Oid types[2] = {INT4ARRAYOID, TEXTOID};
	const char *metric = api_param(call, "metric");
	Datum values[2] = {tenant_ids(&call->tenants),
					   metric ? CStringGetTextDatum(metric) : (Datum) 0};
	char nulls[3] = {' ', metric ? ' ' : 'n', '\0'};
	int64 limit;
	int64 per_metric;
	int64 metrics = 0;
	int64 entries = 0;
	char *last = NULL;
	Buf b;

	if (!number_param(call, "limit", &limit) ||
		!number_param(call, "limit_per_metric", &per_metric))
		return false;
	buf_init(&b, 65536, API_BODY_MAX);
	buf_char(&b, '{');
	SPI_connect();
	if (SPI_execute_with_args(sql, 2, types, values, nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read metric metadata");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char *name = column(i, 1);

		if (last == NULL || strcmp(last, name) != 0)
		{
			if (limit >= 0 && metrics >= limit)
				break;
			buf_str(&b, last ? "]," : "");
			text_json_string(&b, name, strlen(name), true);
			buf_str(&b, ":[");
			last = name;
			metrics++;
			entries = 0;
		}
		if (per_metric > 0 && entries >= per_metric)
			continue;
		buf_str(&b, entries++ > 0 ? ",{\"type\":" : "{\"type\":");
		text_json_string(&b, column(i, 2), strlen(column(i, 2)), true);
		buf_str(&b, ",\"unit\":");
		text_json_string(&b, column(i, 4), strlen(column(i, 4)), true);
		buf_str(&b, ",\"help\":");
		text_json_string(&b, column(i, 3), strlen(column(i, 3)), true);
		buf_char(&b, '}');
	}
	buf_str(&b, last ? "]}" : "}");
	api_success_text(call, &b);
	SPI_finish();
	return true;
}

static Labels
bytea_labels(HeapTuple tuple, TupleDesc desc, int col)
{
	bool isnull;
	bytea *raw = DatumGetByteaPP(SPI_getbinval(tuple, desc, col, &isnull));

	return (Labels){(const uint8 *) VARDATA_ANY(raw), VARSIZE_ANY_EXHDR(raw)};
}

static bool
any_set_matches(const PromqlMatcherSet *sets, int nsets, Labels ls)
{
	for (int i = 0; i < nsets; i++)
		if (matchers_match(sets[i].m, sets[i].n, ls))
			return true;
	return false;
}

bool
api_query_exemplars(ApiCall *call)
{
	static const char sql[] =
		"SELECT series_labels, labels, value, time FROM mimir.exemplar"
		" WHERE tenant_id = ANY ($1) AND time BETWEEN $2 AND $3 ORDER BY series_labels, time";
	Oid types[3] = {INT4ARRAYOID, INT8OID, INT8OID};
	Datum values[3];
	const char *query = http_param(call->params, call->nparams, "query");
	PromqlFlags flags = query_flags();
	PromqlExpr *e;
	PromqlMatcherSet *sets;
	int nsets;
	int64 start;
	int64 end;
	Labels last = {NULL, 0};
	bool open = false;
	bool first = true;
	Buf b;

	if (!api_time_param(call, "start", PG_INT64_MIN, false, &start) ||
		!api_time_param(call, "end", PG_INT64_MAX, false, &end))
		return false;
	if (end < start)
		return err_set(&call->err, ERR_BAD_REQUEST, -1,
					   "end timestamp must not be before start timestamp");
	e = promql_parse(query ? query : "", query ? strlen(query) : 0, &flags, &call->err);
	if (e == NULL)
		return false;
	nsets = promql_collect_selectors(e, &sets);
	buf_init(&b, 4096, API_BODY_MAX);
	buf_char(&b, '[');
	values[0] = tenant_ids(&call->tenants);
	values[1] = Int64GetDatum(start);
	values[2] = Int64GetDatum(end);
	SPI_connect();
	if (SPI_execute_with_args(sql, 3, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read exemplars");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple t = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		Labels series = bytea_labels(t, desc, 1);
		bool isnull;

		if (!any_set_matches(sets, nsets, series))
			continue;
		if (!open || !labels_equal(last, series))
		{
			buf_str(&b, open ? "]},{\"seriesLabels\":" : "{\"seriesLabels\":");
			labels_json(&b, series);
			buf_str(&b, ",\"exemplars\":[");
			open = true;
			first = true;
			last = series;
		}
		buf_str(&b, first ? "{\"labels\":" : ",{\"labels\":");
		first = false;
		labels_json(&b, bytea_labels(t, desc, 2));
		buf_str(&b, ",\"value\":");
		json_sample_value(&b, DatumGetFloat8(SPI_getbinval(t, desc, 3, &isnull)));
		buf_str(&b, ",\"timestamp\":");
		json_timestamp(&b, DatumGetInt64(SPI_getbinval(t, desc, 4, &isnull)));
		buf_char(&b, '}');
	}
	buf_str(&b, open ? "]}]" : "]");
	api_success_text(call, &b);
	SPI_finish();
	return true;
}
