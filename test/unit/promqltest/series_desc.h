/*
 * series_desc.h
 *    Series descriptions of the Prometheus test language: a metric and its points.
 *
 *    name{a="b"} 1 2 _ 3x4 0+10x3 stale {{schema:1 count:3 buckets:[1 2]}}x2
 *
 * The notation is expanded: `3x4` gives five values, `0+10x3` gives 0 10 20 30.
 * All results are from mem_alloc; values expanded from one notation may share a Histogram.
 */
#ifndef MIMIR_TEST_SERIES_DESC_H
#define MIMIR_TEST_SERIES_DESC_H

#include "model/histogram.h"
#include "model/labels.h"

#define SERIES_MAX_VALUES 1000000 /* more in one description is an error */

typedef struct SeriesValue
{
	bool omitted;
	double v;	   /* undefined if omitted or h is set */
	Histogram *h;  /* NULL: float */
	bool has_hint; /* counter_reset_hint was stated: an expectation compares it */
} SeriesValue;

typedef struct SeriesDesc
{
	Labels labels;
	SeriesValue *values;
	int n;
} SeriesDesc;

/* Position of a sample's start timestamp: relative to the sample's own time. */
typedef struct SeriesStart
{
	bool omitted; /* unknown */
	int64_t ms;
} SeriesStart;

typedef struct SeriesStarts
{
	Labels labels;
	SeriesStart *starts;
	int n;
} SeriesStarts;

/*
 * What `{{a}}+{{b}}x3` does: a new histogram a + b, or a - b if subtract; a and b stay as they
 * are.  NULL: fills err.
 */
typedef Histogram *(*SeriesCombine)(const Histogram *a, const Histogram *b, bool subtract,
									Err *err);

/* series_desc_parse -- err->msg is "LINE:COL: parse error: ..." as of promql_parse. */
extern bool series_desc_parse(const char *text, size_t len, SeriesCombine combine, SeriesDesc *out,
							  Err *err);

/* series_starts_is -- does the line have "@st" after its metric? */
extern bool series_starts_is(const char *text, size_t len);
/* series_starts_parse -- a line `metric@st items`. */
extern bool series_starts_parse(const char *text, size_t len, SeriesStarts *out, Err *err);

#endif
