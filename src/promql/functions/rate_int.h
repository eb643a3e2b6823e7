/*
 * rate_int.h
 *    What rate.c, rate_histogram.c and rate_extended.c share.
 */
#ifndef MIMIR_PROMQL_FUNCTIONS_RATE_INT_H
#define MIMIR_PROMQL_FUNCTIONS_RATE_INT_H

#include "promql/functions/function.h"

typedef struct RateKind
{
	bool counter; /* rate, increase: resets and the zero point matter */
	bool per_second;
} RateKind;

/* --- rate.c ------------------------------------------------------------------------------------- */
/*
 * promql_rate_st_inside -- the first sample of step's window began to count inside the window, by
 * its start timestamp.
 */
extern bool promql_rate_st_inside(const PromqlCall *call, const PromqlWindows *w, int step,
								  RateKind kind);
/* promql_rate_st_reset -- start timestamps tell of a reset between samples i-1 and i. */
extern bool promql_rate_st_reset(const PromqlCall *call, const PromqlSamples *s, int i);
/*
 * promql_rate_factor -- by what the increase between the first and the last sample is multiplied.
 * first: value (count) of the first sample, increase: what was counted since.
 */
extern double promql_rate_factor(const PromqlCall *call, const PromqlWindows *w, int step,
								 RateKind kind, double first, double increase);
extern void promql_rate_warn_mixed(PromqlCall *call);		 /* floats and histograms */
extern void promql_rate_warn_incompatible(PromqlCall *call); /* exponential and custom */
extern void promql_rate_warn_not_counter(PromqlCall *call);	 /* a gauge histogram */
extern void promql_rate_warn_not_gauge(PromqlCall *call);
extern void promql_rate_info_reconciled(PromqlCall *call, const char *operation);

/* --- rate_histogram.c --------------------------------------------------------------------------- */
/* promql_rate_histogram -- a window of histograms, in the current scope; NULL: no result. */
extern Histogram *promql_rate_histogram(PromqlCall *call, const PromqlWindows *w, int step,
										RateKind kind);

/* --- rate_extended.c ---------------------------------------------------------------------------- */
/* An anchored or smoothed window; false: no result. */
extern bool promql_rate_extended(PromqlCall *call, const PromqlWindows *w, int step, RateKind kind,
								 double *out);
extern Histogram *promql_rate_extended_histogram(PromqlCall *call, const PromqlWindows *w, int step,
												 RateKind kind);

#endif
