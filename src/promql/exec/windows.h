/*
 * windows.h
 *    From samples of a series to the window of each step.
 */
#ifndef MIMIR_PROMQL_EXEC_WINDOWS_H
#define MIMIR_PROMQL_EXEC_WINDOWS_H

#include "promql/exec/operator.h"

/*
 * Reusable state of one operator.  The arrays of win.samples are the input's own unless stale
 * markers had to be taken out.
 */
typedef struct PromqlWindower
{
	PromqlWindows win;
	int64_t before_ms; /* a window begins behind ref - before_ms */
	int64_t after_ms;  /* and ends with ref + after_ms */
	int32_t *lo, *hi;
	int64_t *ref;
	int cap; /* of the arrays below */
	int64_t *t;
	double *v;
	Histogram **h;
	int64_t *st;
} PromqlWindower;

/* promql_windower_init -- arrays from the current scope; windows end at_ms or step, less offset. */
extern void promql_windower_init(PromqlWindower *w, const PromqlGrid *grid, int64_t range_ms,
								 int64_t offset_ms, bool pinned, int64_t at_ms, PromqlExtend extend,
								 int64_t lookback_ms);

/*
 * promql_windower_set -- windows over the samples of one series.  Returns how many samples all
 * windows hold together: 0 means that the series has none.  mem is where copies may live: they
 * are reused from series to series.
 */
extern int64_t promql_windower_set(PromqlWindower *w, MemScope *mem, const PromqlSamples *s);

#endif
