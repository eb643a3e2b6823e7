/*
 * sql_value.c
 *    Labels, histograms and points as SQL values.
 */
#include "postgres.h"

#include "query/sql_value.h"

#include "pg/time.h"
#include "query/sql_call.h"
#include "types/labels_value.h"
#include "wire/json.h"

#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

Datum
sql_value_jsonb(const Buf *json)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json->data));
}

Datum
sql_value_labels(Labels ls)
{
	return labels_to_jsonb(ls);
}

Datum
sql_value_histogram(const Histogram *h)
{
	Buf b;
	Datum d;

	buf_init(&b, 256, SQL_VALUE_TEXT_MAX);
	json_histogram(&b, h);
	d = sql_value_jsonb(&b);
	buf_free(&b);
	return d;
}

void
sql_value_point(const PromqlSeries *s, int i, bool want_histogram, Datum *values, bool *nulls)
{
	bool is_histogram = s->h != NULL && s->h[i] != NULL;

	values[SQL_CALL_TIME] = TimestampTzGetDatum(time_from_ms(s->t[i]));
	nulls[SQL_CALL_TIME] = false;
	nulls[SQL_CALL_VALUE] = is_histogram;
	if (!is_histogram)
		values[SQL_CALL_VALUE] = Float8GetDatum(s->v[i]);
	nulls[SQL_CALL_HISTOGRAM] = !is_histogram || !want_histogram;
	if (!nulls[SQL_CALL_HISTOGRAM])
		values[SQL_CALL_HISTOGRAM] = sql_value_histogram(s->h[i]);
}
