/*
 * sql_value.h
 *    Labels, histograms and points as SQL values; from CurrentMemoryContext.
 */
#ifndef MIMIR_QUERY_SQL_VALUE_H
#define MIMIR_QUERY_SQL_VALUE_H

#include "postgres.h"

#include "promql/promql.h"
#include "util/buf.h"

#define SQL_VALUE_TEXT_MAX ((size_t) 512 * 1024 * 1024)

extern Datum sql_value_jsonb(const Buf *json);
extern Datum sql_value_labels(Labels ls);
extern Datum sql_value_histogram(const Histogram *h);

/*
 * sql_value_point -- point i of a series to the columns after the labels (query/sql_call.h); the
 * histogram is left null unless wanted.
 */
extern void sql_value_point(const PromqlSeries *s, int i, bool want_histogram, Datum *values,
							bool *nulls);

#endif
