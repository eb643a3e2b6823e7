/*
 * sorted_window.h
 *    The values of a sliding window, in order.
 */
#ifndef MIMIR_PROMQL_FUNCTIONS_SORTED_WINDOW_H
#define MIMIR_PROMQL_FUNCTIONS_SORTED_WINDOW_H

#include <stdint.h>

typedef struct SortedWindow SortedWindow;

/* sorted_window -- over samples[], of which it holds none yet; in the current memory scope. */
extern SortedWindow *sorted_window(const double *samples);

/*
 * sorted_window_slide -- make it hold samples [lo, hi), lo and hi not less than before.  Costs the changes
 * times about the root of the window, or a sort of it if that is less; can be interrupted.
 */
extern void sorted_window_slide(SortedWindow *w, int lo, int hi);

/* sorted_window_at -- value k, 0 .. hi - lo - 1, in the order of promql_quantile_cmp. */
extern double sorted_window_at(const SortedWindow *w, int k);

/* sorted_window_copy -- all hi - lo values, in order. */
extern void sorted_window_copy(const SortedWindow *w, double *out);

#endif
