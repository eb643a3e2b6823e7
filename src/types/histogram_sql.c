/*
 * histogram_sql.c
 *    mimir.histogram: input and output, and what PromQL's functions say about one.
 *
 * A staleness marker is a histogram without content: these functions answer null.
 */
#include "postgres.h"

#include "types/histogram_value.h"

#include "model/histogram_math.h"
#include "pg/compat.h"
#include "pg/export.h"
#include "wire/json.h"

#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

MIMIR_FUNCTION(mimir_histogram_in);
MIMIR_FUNCTION(mimir_histogram_out);
MIMIR_FUNCTION(mimir_histogram_recv);
MIMIR_FUNCTION(mimir_histogram_send);
MIMIR_FUNCTION(mimir_histogram_count);
MIMIR_FUNCTION(mimir_histogram_sum);
MIMIR_FUNCTION(mimir_histogram_avg);
MIMIR_FUNCTION(mimir_histogram_quantile);
MIMIR_FUNCTION(mimir_histogram_fraction);
MIMIR_FUNCTION(mimir_histogram_to_json);
MIMIR_FUNCTION(mimir_histogram_to_jsonb);

/* mimir.histogram_in(cstring) -- the notation of the test language (model/histogram_notation.c). */
Datum
mimir_histogram_in(PG_FUNCTION_ARGS)
{
	char *text = PG_GETARG_CSTRING(0);
	Err err = ERR_INIT;
	HistogramSample s;

	if (!histogram_sample_parse(text, strlen(text), &s, &err))
		compat_ereturn(fcinfo->context, (Datum) 0,
					   (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("invalid input syntax for type %s: \"%s\"", "mimir.histogram", text),
						err.pos >= 0 ? errdetail("At byte %d: %s.", err.pos + 1, err.msg)
									 : errdetail("The %s.", err.msg)));
	return histogram_to_datum(&s);
}

Datum
mimir_histogram_out(PG_FUNCTION_ARGS)
{
	HistogramSample s = histogram_of_varlena(PG_GETARG_VARLENA_PP(0));
	Buf b;

	buf_init(&b, 256, HISTOGRAM_TEXT_MAX);
	histogram_sample_text(&b, &s);
	if (b.overflow)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("histogram is too large")));
	PG_RETURN_CSTRING(b.data);
}

Datum
mimir_histogram_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int len = in->len - in->cursor;
	const uint8 *p = (const uint8 *) pq_getmsgbytes(in, len);
	HistogramSample s;

	if (histogram_sample_get(p, p + len, &s) != p + len)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid binary form of type %s", "mimir.histogram")));
	return histogram_to_datum(&s);
}

Datum
mimir_histogram_send(PG_FUNCTION_ARGS)
{
	struct varlena *v = PG_GETARG_VARLENA_PP(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbytes(&out, VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* ---- functions --------------------------------------------------------------------------------- */

/* The argument in its float form; NULL: a staleness marker. */
static const Histogram *
float_arg(FunctionCallInfo fcinfo, int n)
{
	HistogramSample s = histogram_of_varlena(PG_GETARG_VARLENA_PP(n));

	return histogram_sample_is_stale(&s) ? NULL : histogram_float_form(&s);
}

Datum
mimir_histogram_count(PG_FUNCTION_ARGS)
{
	const Histogram *h = float_arg(fcinfo, 0);

	if (h == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(h->count);
}

Datum
mimir_histogram_sum(PG_FUNCTION_ARGS)
{
	const Histogram *h = float_arg(fcinfo, 0);

	if (h == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(h->sum);
}

Datum
mimir_histogram_avg(PG_FUNCTION_ARGS)
{
	const Histogram *h = float_arg(fcinfo, 0);

	if (h == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(h->sum / h->count);
}

/* mimir.histogram_quantile(phi, h) */
Datum
mimir_histogram_quantile(PG_FUNCTION_ARGS)
{
	const Histogram *h = float_arg(fcinfo, 1);
	HistogramNan nan;

	if (h == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(histogram_quantile(h, PG_GETARG_FLOAT8(0), &nan));
}

/* mimir.histogram_fraction(lower, upper, h) */
Datum
mimir_histogram_fraction(PG_FUNCTION_ARGS)
{
	const Histogram *h = float_arg(fcinfo, 2);
	HistogramNan nan;

	if (h == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(histogram_fraction(h, PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), &nan));
}

/* As the HTTP API writes it: count, sum and buckets with their bounds. */
static void
put_json(FunctionCallInfo fcinfo, Buf *b)
{
	HistogramSample s = histogram_of_varlena(PG_GETARG_VARLENA_PP(0));

	buf_init(b, 256, HISTOGRAM_TEXT_MAX);
	json_histogram(b, histogram_float_form(&s));
	if (b->overflow)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("histogram is too large")));
}

Datum
mimir_histogram_to_jsonb(PG_FUNCTION_ARGS)
{
	Buf b;

	put_json(fcinfo, &b);
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(b.data));
}

/* What row_to_json() and its like look for. */
Datum
mimir_histogram_to_json(PG_FUNCTION_ARGS)
{
	Buf b;

	put_json(fcinfo, &b);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(b.data, (int) b.len));
}
