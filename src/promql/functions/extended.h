/*
 * extended.h
 *    Values at the edges of an anchored or smoothed window (reference 2.16).
 */
#ifndef MIMIR_PROMQL_FUNCTIONS_EXTENDED_H
#define MIMIR_PROMQL_FUNCTIONS_EXTENDED_H

#include "model/histogram_math.h"
#include "promql/functions/function.h"

typedef struct PromqlEdges
{
	int64_t start, end; /* of the range, ms */
	int first, last;	/* samples that make the edges */
	bool left_between;	/* the value at start lies between samples first and first + 1 */
	bool right_between; /* the value at end lies between samples last - 1 and last */
} PromqlEdges;

/* promql_extended_edges -- of step's window.  False: it has no result. */
extern bool promql_extended_edges(const PromqlWindows *w, int step, PromqlEdges *out);
/* The floats at the edges; counter: a drop between two samples counts from zero. */
extern double promql_edge_left(const PromqlEdges *e, const PromqlSamples *s, bool counter);
extern double promql_edge_right(const PromqlEdges *e, const PromqlSamples *s, bool counter);

/* promql_interpolate -- the float at t between samples i and i + 1. */
extern double promql_interpolate(const PromqlSamples *s, int i, int64_t t, bool counter);
/*
 * promql_interpolate_histogram -- at fraction of the way from a to b, both of one bucket kind; in
 * the current scope.
 */
extern Histogram *promql_interpolate_histogram(const Histogram *a, const Histogram *b,
											   double fraction, bool counter,
											   HistogramOpInfo *info);

#endif
