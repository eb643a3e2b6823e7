/*
 * source.h
 *    Where a query's samples come from: filled by src/query over the store in the server, by an
 *    in-memory table in tests.
 *
 * select() resolves matchers to a set of series; then labels() and samples() are asked series by
 * series.  A set is read in ascending i, once, by one operator; what samples() returns lives
 * until the next call on the set.  A reader asks for nseries again after each samples(): a source
 * may add series then.
 */
#ifndef MIMIR_PROMQL_SOURCE_H
#define MIMIR_PROMQL_SOURCE_H

#include "model/histogram.h"
#include "model/labels.h"
#include "model/matcher.h"

/* Samples of one series, ascending by time, at most one per timestamp, stale markers included. */
typedef struct PromqlSamples
{
	int n;
	const int64_t *t;	 /* ms */
	const double *v;	 /* undefined where h[i] != NULL */
	Histogram *const *h; /* NULL: the series has no histogram in this range */
	const int64_t *st;	 /* start timestamps, ms, 0 unknown; NULL: none known */
} PromqlSamples;

/* What the operator will do with the samples; the source may use it to read less. */
typedef struct PromqlSelect
{
	const Matcher *matchers;
	int nmatchers;
	int64_t mint, maxt; /* ms, both inclusive */
	int64_t step_ms;	/* 0 for instant queries */
	int64_t range_ms;	/* 0 for an instant selector */
	const char *func;	/* enclosing function or aggregation, "" if none */
} PromqlSelect;

typedef struct PromqlSeriesSet PromqlSeriesSet;
struct PromqlSeriesSet
{
	int nseries; /* sorted by labels_cmp, label sets distinct */
	/* labels of series i; they live as long as the set */
	Labels (*labels)(PromqlSeriesSet *set, int i);
	bool (*samples)(PromqlSeriesSet *set, int i, PromqlSamples *out, Err *err);
	void (*close)(PromqlSeriesSet *set);
	/* counters for EXPLAIN, kept by the source */
	int64_t chunks_read;
	int64_t samples_read;
	int64_t blocks_read;
	int64_t blocks_pruned;
	int64_t chunks_head; /* of chunks_read, how many came from the head */
};

typedef struct PromqlSource PromqlSource;
struct PromqlSource
{
	PromqlSeriesSet *(*select)(PromqlSource *src, const PromqlSelect *sel, Err *err);
};

#endif
