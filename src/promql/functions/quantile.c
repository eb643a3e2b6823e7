/*
 * quantile.c
 *    Quantiles of floats: of a set, and of the windows of a series (reference 2.9).
 */
#include "promql/functions/quantile.h"

#include "promql/exec/annotate.h"
#include "promql/functions/families.h"
#include "promql/functions/float_windows.h"
#include "promql/functions/sorted_window.h"
#include "util/cancel.h"

#include <stdlib.h>

#define SORT_RUN 32768 /* values sorted at once */

int
promql_quantile_cmp(const void *pa, const void *pb)
{
	double a = *(const double *) pa, b = *(const double *) pb;

	if (isnan(a) || isnan(b))
		return isnan(b) - isnan(a);
	if (a == b)
		return (signbit(b) != 0) - (signbit(a) != 0);
	return (a > b) - (a < b);
}

/* merge -- of the sorted [0, middle) and [middle, n) of from, into to. */
static void
merge(double *to, const double *from, int middle, int n)
{
	int a = 0, b = middle;

	for (int i = 0; i < n; i++)
	{
		bool first = b == n || (a < middle && promql_quantile_cmp(&from[a], &from[b]) <= 0);

		cancel_poll_at(i);
		to[i] = first ? from[a++] : from[b++];
	}
}

/*
 * promql_quantile_sort -- many values are sorted in runs that are then merged, so that it can be
 * interrupted, and takes its memory from the query's.
 */
void
promql_quantile_sort(double *v, int n)
{
	double *from = v, *to;

	for (int i = 0; i < n; i += SORT_RUN)
	{
		cancel_poll();
		qsort(v + i, n - i < SORT_RUN ? n - i : SORT_RUN, sizeof(double), promql_quantile_cmp);
	}
	if (n <= SORT_RUN)
		return;
	to = mem_alloc(sizeof(double) * n);
	for (int64_t width = SORT_RUN; width < n; width *= 2)
	{
		double *swap = from;

		for (int64_t i = 0; i < n; i += 2 * width)
		{
			int size = n - i < 2 * width ? (int) (n - i) : (int) (2 * width);

			cancel_poll();
			merge(to + i, from + i, size < width ? size : (int) width, size);
		}
		from = to;
		to = swap;
	}
	if (from != v)
		memcpy(v, from, sizeof(double) * n);
	mem_free(from != v ? from : to);
}

/*
 * find_rank -- the values that quantile q of n lies between, and the weight of the upper one.  If it is none
 * of the values, false, with the result in *weight.
 */
static bool
find_rank(double q, int n, int *lo, int *hi, double *weight)
{
	double rank = q * (n - 1);

	*weight = n == 0 || isnan(q) ? value_nan() : q < 0 ? -INFINITY : INFINITY;
	if (n == 0 || !(q >= 0 && q <= 1))
		return false;
	*lo = (int) floor(rank);
	*hi = *lo + 1 < n ? *lo + 1 : n - 1;
	*weight = rank - floor(rank);
	return true;
}

double
promql_quantile(double q, const double *v, int n)
{
	double weight;
	int lo, hi;

	if (!find_rank(q, n, &lo, &hi, &weight))
		return weight;
	return v[lo] * (1 - weight) + v[hi] * weight;
}

static double
window_quantile(double q, const SortedWindow *w, int n)
{
	double weight;
	int lo, hi;

	if (!find_rank(q, n, &lo, &hi, &weight))
		return weight;
	return sorted_window_at(w, lo) * (1 - weight) + sorted_window_at(w, hi) * weight;
}

/* --- functions -------------------------------------------------------------------------------- */

bool
promql_fn_quantile_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	PromqlFloatWindows fw;
	SortedWindow *sorted;

	promql_float_windows(call, 1, w, &fw);
	sorted = sorted_window(fw.v);
	for (int i = 0; i < fw.nsteps; i++)
	{
		double q = call->scalars[0][i];

		cancel_poll();
		if (fw.lo[i] == fw.hi[i])
			continue;
		if (!(q >= 0 && q <= 1))
			promql_warn(call->exec, call->arg_pos[0],
						"quantile value should be between 0 and 1, got %s", promql_number_text(q));
		sorted_window_slide(sorted, fw.lo[i], fw.hi[i]);
		out->kind[i] = PROMQL_FLOAT;
		out->v[i] = window_quantile(q, sorted, fw.hi[i] - fw.lo[i]);
	}
	return true;
}

/* promql_fn_mad_over_time -- the median of how far the values are from their median. */
bool
promql_fn_mad_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	PromqlFloatWindows fw;
	SortedWindow *sorted;
	double *deviations;

	promql_float_windows(call, 0, w, &fw);
	sorted = sorted_window(fw.v);
	deviations = mem_alloc(sizeof(double) * ((size_t) fw.n + 1));
	for (int i = 0; i < fw.nsteps; i++)
	{
		int n = fw.hi[i] - fw.lo[i];
		double median;

		cancel_poll();
		if (n == 0)
			continue;
		sorted_window_slide(sorted, fw.lo[i], fw.hi[i]);
		out->kind[i] = PROMQL_FLOAT;
		out->v[i] = value_nan();
		if (isnan(sorted_window_at(sorted, 0)))
			continue;
		median = window_quantile(0.5, sorted, n);
		sorted_window_copy(sorted, deviations);
		for (int j = 0; j < n; j++)
			deviations[j] = fabs(deviations[j] - median);
		promql_quantile_sort(deviations, n);
		out->v[i] = promql_quantile(0.5, deviations, n);
	}
	return true;
}
