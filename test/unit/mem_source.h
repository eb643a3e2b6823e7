/*
 * mem_source.h
 *    A PromqlSource over series in memory, for tests of the evaluator.
 *
 * All memory is of the scope that is current at mem_source_init, and appended labels and
 * histograms are copied there.  The counters of a set count what a query asked for.
 */
#ifndef MIMIR_TEST_MEM_SOURCE_H
#define MIMIR_TEST_MEM_SOURCE_H

#include "promql/exec/label_map.h"
#include "promql/source.h"

typedef struct MemSeries
{
	Labels labels;
	int n;
	int cap;
	int64_t *t;
	double *v;
	Histogram **h; /* entries NULL: floats */
	int64_t *st;
	bool has_histograms;
	bool has_start_times;
} MemSeries;

typedef struct MemSource
{
	PromqlSource source; /* first: a MemSource is used as a PromqlSource */
	MemScope *mem;
	PromqlLabelMap map; /* label set -> number in series */
	MemSeries *series;
	int cap;
	int nselects; /* sets handed out */
	int nopen;	  /* of these, not closed yet */
} MemSource;

extern void mem_source_init(MemSource *ms);
/*
 * mem_source_append -- one sample; h NULL: a float.  st 0: start time unknown.  False if t is not
 * behind the series' newest sample.
 */
extern bool mem_source_append(MemSource *ms, Labels labels, int64_t t, double v, const Histogram *h,
							  int64_t st);
/* mem_source_load -- floats at t0, t0 + step, ...; labels as text, like `x{job="a"}`. */
extern void mem_source_load(MemSource *ms, const char *labels, int64_t t0, int64_t step, int n,
							const double *v);
/* mem_source_labels -- a label set from text; values without escapes. */
extern Labels mem_source_labels(const char *text);

#endif
