/*
 * float_windows.h
 *    The floats of a series and their windows, for functions that have no use for histograms.
 */
#ifndef MIMIR_PROMQL_FUNCTIONS_FLOAT_WINDOWS_H
#define MIMIR_PROMQL_FUNCTIONS_FLOAT_WINDOWS_H

#include "promql/functions/function.h"

typedef struct PromqlFloatWindows
{
	int n; /* floats */
	const int64_t *t;
	const double *v;
	int nsteps;
	const int32_t *lo; /* the floats of step i are [lo[i], hi[i]) */
	const int32_t *hi;
} PromqlFloatWindows;

/*
 * promql_float_windows -- the floats of w, the argument arg of call.  Where a window holds both
 * kinds, an info says that its histograms are ignored.  Arrays are w's or of the current scope.
 */
extern void promql_float_windows(PromqlCall *call, int arg, const PromqlWindows *w,
								 PromqlFloatWindows *out);

#endif
