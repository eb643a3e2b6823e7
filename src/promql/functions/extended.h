/*
 * extended.h
 *    Values at the edges of an anchored or smoothed window of floats (reference 2.16).
 */
#ifndef MIMIR_PROMQL_FUNCTIONS_EXTENDED_H
#define MIMIR_PROMQL_FUNCTIONS_EXTENDED_H

#include "promql/functions/function.h"

typedef struct PromqlEdges
{
	int64_t start, end; /* of the range, ms */
	int first, last;	/* samples that make the edges */
	double left, right; /* values at start and end */
} PromqlEdges;

/*
 * promql_extended_edges -- of step's window; counter: a drop between two samples counts from zero
 * when a value between them is wanted.  False: the window has no result.
 */
extern bool promql_extended_edges(const PromqlWindows *w, int step, bool counter, PromqlEdges *out);
/* promql_interpolate -- the float at t between samples i and i + 1. */
extern double promql_interpolate(const PromqlSamples *s, int i, int64_t t, bool counter);

#endif
