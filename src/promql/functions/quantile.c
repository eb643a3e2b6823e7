/*
 * quantile.c
 *    Quantiles of floats: of a set, and of the windows of a series (reference 2.9).
 *
 * A sliding window is kept sorted: samples that enter and leave are placed by binary search, so
 * that a step costs what changes and not a sort of the whole window.
 */
#include "promql/functions/quantile.h"

#include "promql/exec/annotate.h"
#include "promql/functions/families.h"
#include "promql/functions/float_windows.h"
#include "util/cancel.h"

#include <stdlib.h>

#define SORT_RUN  32768 /* values sorted at once */
#define SLIDE_MAX 128	/* values that come and go before a window is sorted anew */

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

double
promql_quantile(double q, const double *v, int n)
{
	double rank, weight;
	int lo, hi;

	if (n == 0 || isnan(q))
		return value_nan();
	if (q < 0)
		return -INFINITY;
	if (q > 1)
		return INFINITY;
	rank = q * (n - 1);
	lo = (int) floor(rank);
	hi = lo + 1 < n ? lo + 1 : n - 1;
	weight = rank - floor(rank);
	return v[lo] * (1 - weight) + v[hi] * weight;
}

/* --- sorted windows --------------------------------------------------------------------------- */

typedef struct SortedWindow
{
	const double *samples;
	int lo, hi; /* samples held: [lo, hi) */
	double *v;	/* hi - lo values, sorted */
} SortedWindow;

/* place -- how many of the n sorted values are below x. */
static int
place(const double *v, int n, double x)
{
	int lo = 0, hi = n;

	while (lo < hi)
	{
		int mid = (lo + hi) / 2;

		if (promql_quantile_cmp(&v[mid], &x) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * slide -- make w hold [lo, hi), both not less than before.  Each value that comes or goes moves half of
 * the others; many are better sorted anew.
 */
static void
slide(SortedWindow *w, int lo, int hi)
{
	int n = w->hi - w->lo;

	if (lo >= w->hi || lo - w->lo + hi - w->hi > SLIDE_MAX)
	{
		memcpy(w->v, w->samples + lo, sizeof(double) * (size_t) (hi - lo));
		promql_quantile_sort(w->v, hi - lo);
	}
	else
	{
		for (int i = w->lo; i < lo; i++)
		{
			int at = place(w->v, n, w->samples[i]);

			cancel_poll();
			n--;
			memmove(w->v + at, w->v + at + 1, sizeof(double) * (size_t) (n - at));
		}
		for (int i = w->hi; i < hi; i++)
		{
			int at = place(w->v, n, w->samples[i]);

			cancel_poll();
			memmove(w->v + at + 1, w->v + at, sizeof(double) * (size_t) (n - at));
			w->v[at] = w->samples[i];
			n++;
		}
	}
	w->lo = lo;
	w->hi = hi;
}

static SortedWindow
sorted_window(const PromqlFloatWindows *fw)
{
	return (SortedWindow){fw->v, 0, 0, mem_alloc(sizeof(double) * ((size_t) fw->n + 1))};
}

/* --- functions -------------------------------------------------------------------------------- */

bool
promql_fn_quantile_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	PromqlFloatWindows fw;
	SortedWindow sorted;

	promql_float_windows(call, 1, w, &fw);
	sorted = sorted_window(&fw);
	for (int i = 0; i < fw.nsteps; i++)
	{
		double q = call->scalars[0][i];

		cancel_poll();
		if (fw.lo[i] == fw.hi[i])
			continue;
		if (!(q >= 0 && q <= 1))
			promql_warn(call->exec, call->arg_pos[0],
						"quantile value should be between 0 and 1, got %s", promql_number_text(q));
		slide(&sorted, fw.lo[i], fw.hi[i]);
		out->kind[i] = PROMQL_FLOAT;
		out->v[i] = promql_quantile(q, sorted.v, fw.hi[i] - fw.lo[i]);
	}
	return true;
}

/* promql_fn_mad_over_time -- the median of how far the values are from their median. */
bool
promql_fn_mad_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	PromqlFloatWindows fw;
	SortedWindow sorted;
	double *deviations;

	promql_float_windows(call, 0, w, &fw);
	sorted = sorted_window(&fw);
	deviations = mem_alloc(sizeof(double) * ((size_t) fw.n + 1));
	for (int i = 0; i < fw.nsteps; i++)
	{
		int n = fw.hi[i] - fw.lo[i];
		double median;

		cancel_poll();
		if (n == 0)
			continue;
		slide(&sorted, fw.lo[i], fw.hi[i]);
		out->kind[i] = PROMQL_FLOAT;
		out->v[i] = value_nan();
		if (isnan(sorted.v[0]))
			continue;
		median = promql_quantile(0.5, sorted.v, n);
		for (int j = 0; j < n; j++)
			deviations[j] = fabs(sorted.v[j] - median);
		promql_quantile_sort(deviations, n);
		out->v[i] = promql_quantile(0.5, deviations, n);
	}
	return true;
}
