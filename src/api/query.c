/*
 * query.c
 *    /query, /query_range, /format_query, /parse_query: parameters in Prometheus' order and words,
 *    results streamed series by series.
 */
#include "api/handlers.h"

#include "pg/deadline.h"
#include "pg/stats.h"
#include "pg/time.h"
#include "promql/promql.h"
#include "query/run.h"
#include "util/text.h"
#include "wire/json.h"

#include "utils/timestamp.h"

#define STREAM_BYTES	32768 /* JSON collected before it is written */
#define MAX_POINTS		11000
#define ANNOTATIONS_MAX 10

/* timeout=: lowers the server's limit for this query. */
static bool
timeout_param(ApiCall *call)
{
	int64 ms;

	if (api_param(call, "timeout") == NULL)
		return true;
	if (!api_duration_param(call, "timeout", &ms))
		return false;
	deadline_lower(ms);
	return true;
}

static bool
lookback_param(ApiCall *call, PromqlParams *p)
{
	int64 ms;

	if (api_param(call, "lookback_delta") == NULL)
		return true;
	if (!api_duration_param(call, "lookback_delta", &ms))
	{
		char *inner = strstr(call->err.msg, "cannot");
		char *msg = psprintf("error parsing lookback delta duration: %s", inner);

		call->err = (Err) ERR_INIT;
		return err_set(&call->err, ERR_BAD_REQUEST, -1, "%s", msg);
	}
	if (ms > 0)
		p->lookback_ms = ms;
	return true;
}

/* A histogram as a point: [ts,{...}]. */
static void
histogram_point(Buf *b, int64 t, const Histogram *h)
{
	buf_char(b, '[');
	json_timestamp(b, t);
	buf_char(b, ',');
	json_histogram(b, h);
	buf_char(b, ']');
}

static void
write_points(ApiCall *call, Buf *b, const PromqlSeries *s, bool histograms)
{
	bool first = true;

	buf_str(b, histograms ? ",\"histograms\":[" : ",\"values\":[");
	for (int i = 0; i < s->n; i++)
	{
		bool is_h = s->h != NULL && s->h[i] != NULL;

		if (is_h != histograms)
			continue;
		if (!first)
			buf_char(b, ',');
		first = false;
		if (is_h)
			histogram_point(b, s->t[i], s->h[i]);
		else
			json_float_point(b, s->t[i], s->v[i]);
		api_flush(call, b, STREAM_BYTES);
	}
	buf_char(b, ']');
}

static void
write_matrix_series(ApiCall *call, Buf *b, const PromqlSeries *s)
{
	bool floats = false;
	bool histograms = false;

	for (int i = 0; i < s->n && !(floats && histograms); i++)
	{
		if (s->h != NULL && s->h[i] != NULL)
			histograms = true;
		else
			floats = true;
	}
	buf_str(b, "{\"metric\":");
	labels_json(b, s->labels);
	if (floats)
		write_points(call, b, s, false);
	if (histograms)
		write_points(call, b, s, true);
	buf_char(b, '}');
}

static void
write_vector_series(Buf *b, const PromqlSeries *s)
{
	buf_str(b, "{\"metric\":");
	labels_json(b, s->labels);
	if (s->h != NULL && s->h[0] != NULL)
	{
		buf_str(b, ",\"histogram\":");
		histogram_point(b, s->t[0], s->h[0]);
	}
	else
	{
		buf_str(b, ",\"value\":");
		json_float_point(b, s->t[0], s->v[0]);
	}
	buf_char(b, '}');
}

/* Scalars always in plain decimal form; their time with the fewest digits. */
static void
write_scalar(Buf *b, int64 t, double v)
{
	char text[TEXT_DOUBLE_MAX];

	buf_char(b, '[');
	text_double_f(text, (double) t / 1000);
	buf_str(b, text);
	buf_str(b, ",\"");
	text_double_f(text, v);
	buf_str(b, text);
	buf_str(b, "\"]");
}

static void
next_item(Buf *b, int *n)
{
	if ((*n)++ > 0)
		buf_char(b, ',');
}

/* stats_is_odd -- a value of the parameter "stats" that is only tolerated. */
static bool
stats_is_odd(const char *stats)
{
	return stats != NULL && strcmp(stats, "true") != 0 && strcmp(stats, "all") != 0;
}

/* write_annotations -- what the evaluation noticed, and warnings of the request itself. */
static void
write_annotations(ApiCall *call, Buf *b, QueryRun *run, bool truncated)
{
	const char *stats = api_param(call, "stats");
	const PromqlAnnotation *a;
	int n = query_run_annotations(run, &a);

	for (int warnings = 1; warnings >= 0; warnings--)
	{
		const char *kind = warnings ? "warning" : "info";
		int shown = 0;
		int total = 0;

		for (int i = 0; i < n; i++)
			total += a[i].is_warning == (bool) warnings;
		total += warnings && truncated;
		total += warnings && stats_is_odd(stats);
		if (total == 0)
			continue;
		buf_printf(b, ",\"%ss\":[", kind);
		if (warnings && truncated)
		{
			next_item(b, &shown);
			buf_str(b, "\"results truncated due to limit\"");
		}
		if (warnings && stats_is_odd(stats))
		{
			char *text =
				psprintf("value \"%s\" for parameter \"stats\" is deprecated and will be rejected "
						 "in the next major release, use \"true\" or \"all\"",
						 stats);

			next_item(b, &shown);
			text_json_string(b, text, strlen(text), true);
		}
		for (int i = 0; i < n && shown < ANNOTATIONS_MAX; i++)
		{
			if (a[i].is_warning != (bool) warnings)
				continue;
			next_item(b, &shown);
			text_json_string(b, a[i].text, strlen(a[i].text), true);
		}
		if (total > ANNOTATIONS_MAX)
			buf_printf(b, ",\"%d more %s annotations omitted\"", total - ANNOTATIONS_MAX, kind);
		buf_char(b, ']');
	}
}

static void
write_stats(ApiCall *call, Buf *b, QueryRun *run, TimestampTz began)
{
	PromqlStats st = query_run_stats(run);
	double elapsed = (GetCurrentTimestamp() - began) / 1e6;

	if (api_param(call, "stats") == NULL)
		return;
	buf_printf(b,
			   ",\"stats\":{\"timings\":{\"evalTotalTime\":%g,\"resultSortTime\":0,"
			   "\"queryPreparationTime\":0,\"innerEvalTime\":%g,\"execQueueTime\":0,"
			   "\"execTotalTime\":%g},\"samples\":{\"totalQueryableSamples\":%lld,\"samplesRead\":"
			   "%lld,\"peakSamples\":%lld}}",
			   elapsed, elapsed, elapsed, (long long) st.samples_read, (long long) st.samples_read,
			   (long long) st.peak_samples);
}

static const char *
type_name(PromqlType type)
{
	switch (type)
	{
		case PROMQL_SCALAR:
			return "scalar";
		case PROMQL_STRING:
			return "string";
		case PROMQL_MATRIX:
			return "matrix";
		default:
			return "vector";
	}
}

/*
 * The first series is computed before anything is written, so that an error of the evaluation
 * has its status.  Errors that only the end shows break the connection off.
 */
static bool
stream_result(ApiCall *call, QueryRun *run, const PromqlParams *p, int64 limit, TimestampTz began)
{
	PromqlType type = query_run_type(run);
	PromqlSeries s;
	Buf b;
	int64 n = 0;
	bool truncated = false;
	int got = 0;

	if (!p->instant)
		type = PROMQL_MATRIX;
	if (type != PROMQL_STRING && (got = query_run_next(run, &s, &call->err)) < 0)
		return false;
	buf_init(&b, STREAM_BYTES * 2, API_BODY_MAX);
	api_begin_json(call);
	buf_printf(
		&b, "{\"status\":\"success\",\"data\":{\"resultType\":\"%s\",\"result\":", type_name(type));
	if (type == PROMQL_STRING)
	{
		const char *text = query_run_string(run);
		char t[TEXT_DOUBLE_MAX];

		text_double_f(t, (double) p->start_ms / 1000);
		buf_printf(&b, "[%s,", t);
		text_json_string(&b, text, strlen(text), false);
		buf_char(&b, ']');
	}
	else if (type == PROMQL_SCALAR)
		write_scalar(&b, p->start_ms, got == 1 && s.n > 0 ? s.v[0] : NAN);
	else
	{
		buf_char(&b, '[');
		for (; got == 1; got = query_run_next(run, &s, &call->err))
		{
			if (limit > 0 && n >= limit)
			{
				truncated = true;
				break;
			}
			if (n++ > 0)
				buf_char(&b, ',');
			if (type == PROMQL_VECTOR)
				write_vector_series(&b, &s);
			else
				write_matrix_series(call, &b, &s);
			api_flush(call, &b, STREAM_BYTES);
		}
		if (got < 0)
		{
			if (!call->resp->head_sent && call->gzip == NULL)
				return false;
			ereport(ERROR, (errmsg("%s", call->err.msg)));
		}
		buf_char(&b, ']');
	}
	write_stats(call, &b, run, began);
	buf_char(&b, '}');
	write_annotations(call, &b, run, truncated);
	buf_char(&b, '}');
	api_write(call, b.data, b.len);
	api_end(call);
	return true;
}

static bool
run_and_stream(ApiCall *call, const char *query, const PromqlParams *p, int64 limit)
{
	TimestampTz began = GetCurrentTimestamp();
	Err err = ERR_INIT;
	QueryRun *run = query_run_begin(&call->tenants, query, p, &err);
	bool ok;

	stats_add(STAT_QUERIES, 1);
	if (run == NULL)
	{
		stats_add(STAT_QUERY_FAILURES, 1);
		if (err_http_status(err.code) == 400)
			return err_set(&call->err, ERR_BAD_REQUEST, -1, "invalid parameter \"query\": %s",
						   err.msg);
		call->err = err;
		return false;
	}
	ok = stream_result(call, run, p, limit, began);
	stats_add(STAT_QUERY_SAMPLES, query_run_stats(run).samples_read);
	if (!ok)
		stats_add(STAT_QUERY_FAILURES, 1);
	query_run_end(run);
	return ok;
}

bool
api_query(ApiCall *call)
{
	PromqlParams p = query_default_params(&call->tenants);
	const char *query = http_param(call->params, call->nparams, "query");
	int64 limit;

	p.instant = true;
	if (!api_limit_param(call, "limit", &limit) ||
		!api_time_param(call, "time", time_now_ms(), false, &p.start_ms) || !timeout_param(call) ||
		!lookback_param(call, &p))
		return false;
	p.end_ms = p.start_ms;
	return run_and_stream(call, query ? query : "", &p, limit);
}

bool
api_query_range(ApiCall *call)
{
	PromqlParams p = query_default_params(&call->tenants);
	const char *query = http_param(call->params, call->nparams, "query");
	int64 limit;

	p.instant = false;
	if (!api_limit_param(call, "limit", &limit) ||
		!api_time_param(call, "start", 0, true, &p.start_ms) ||
		!api_time_param(call, "end", 0, true, &p.end_ms))
		return false;
	if (p.end_ms < p.start_ms)
		return err_set(&call->err, ERR_BAD_REQUEST, -1,
					   "invalid parameter \"end\": end timestamp must not be before start time");
	if (!api_duration_param(call, "step", &p.step_ms))
		return false;
	if (p.step_ms <= 0)
		return err_set(&call->err, ERR_BAD_REQUEST, -1,
					   "invalid parameter \"step\": zero or negative query resolution step widths "
					   "are not accepted. Try a positive integer");
	if ((p.end_ms - p.start_ms) / p.step_ms > MAX_POINTS)
		return err_set(
			&call->err, ERR_BAD_REQUEST, -1,
			"exceeded maximum resolution of 11,000 points per timeseries. Try decreasing "
			"the query resolution (?step=XX)");
	if (!timeout_param(call) || !lookback_param(call, &p))
		return false;
	return run_and_stream(call, query ? query : "", &p, limit);
}

static PromqlExpr *
parse_param(ApiCall *call)
{
	const char *query = http_param(call->params, call->nparams, "query");
	PromqlFlags flags = query_flags();
	Err err = ERR_INIT;
	PromqlExpr *e = promql_parse(query ? query : "", query ? strlen(query) : 0, &flags, &err);

	if (e == NULL)
		err_set(&call->err, ERR_BAD_REQUEST, -1, "invalid parameter \"query\": %s", err.msg);
	return e;
}

bool
api_format_query(ApiCall *call)
{
	PromqlExpr *e = parse_param(call);
	Buf text;
	Buf json;

	if (e == NULL)
		return false;
	buf_init(&text, 256, API_BODY_MAX);
	buf_init(&json, 256, API_BODY_MAX);
	promql_print(&text, e, true);
	text_json_string(&json, text.data, text.len, true);
	api_success_text(call, &json);
	return true;
}

bool
api_parse_query(ApiCall *call)
{
	PromqlExpr *e = parse_param(call);
	Buf json;

	if (e == NULL)
		return false;
	buf_init(&json, 1024, API_BODY_MAX);
	promql_print_json(&json, e);
	api_success_text(call, &json);
	return true;
}
