/*
 * over_time.c
 *    Functions that sum up a window: sum, avg, count, stddev, stdvar, present, last, first and
 *    their times.
 *
 * Sums of floats depend on their order and are compensated, so overlapping windows cannot share
 * partial sums: each is summed anew, which is what Prometheus does and all that gives its
 * bits.  The exception is exact: if a series holds nothing but integers whose absolute values
 * add up to less than 2^53, no addition rounds, the compensation stays 0, and differences of
 * integer prefix sums give the same.  Most counters are such series.
 */
#include "promql/exec/aggregate_histogram.h"
#include "promql/exec/annotate.h"
#include "promql/functions/families.h"
#include "promql/functions/float_windows.h"
#include "promql/functions/over_time.h"
#include "util/cancel.h"
#include "util/kahan.h"

#define EXACT_LIMIT 0x1p53

/* --- kernels ---------------------------------------------------------------------------------- */

double
promql_sum(const double *v, int n)
{
	double sum = 0, c = 0;

	for (int i = 0; i < n; i++)
		kahan_inc(v[i], &sum, &c);
	return isinf(sum) ? sum : sum + c;
}

double
promql_mean(const double *v, int n)
{
	double sum = v[0], c = 0;
	int i = 1;

	for (; i < n; i++)
	{
		double next_sum = sum, next_c = c;

		kahan_inc(v[i], &next_sum, &next_c);
		if (isinf(next_sum))
			break;
		sum = next_sum;
		c = next_c;
	}
	if (i == n)
		return sum / n + c / n;

	/* the sum overflows: go on with the mean of what there is */
	double mean = sum / i;

	c /= i;
	for (; i < n; i++)
	{
		double count = i + 1;
		double q = (count - 1) / count;

		mean *= q;
		c *= q;
		kahan_inc(v[i] / count, &mean, &c);
	}
	return mean + c;
}

double
promql_variance(const double *v, int n)
{
	double mean = 0, mean_c = 0, m2 = 0, m2_c = 0;

	for (int i = 0; i < n; i++)
	{
		double delta = v[i] - (mean + mean_c);

		kahan_inc(delta / (i + 1), &mean, &mean_c);
		kahan_inc(delta * (v[i] - (mean + mean_c)), &m2, &m2_c);
	}
	return (m2 + m2_c) / n;
}

int64_t *
promql_exact_prefix(const double *v, int n)
{
	int64_t *prefix;
	double total = 0;

	for (int i = 0; i < n; i++)
	{
		total += fabs(v[i]);
		if (!(total < EXACT_LIMIT) || v[i] != trunc(v[i]))
			return NULL;
	}
	prefix = mem_alloc(sizeof(*prefix) * ((size_t) n + 1));
	prefix[0] = 0;
	for (int i = 0; i < n; i++)
		prefix[i + 1] = prefix[i] + (int64_t) v[i];
	return prefix;
}

/* --- sum and avg ------------------------------------------------------------------------------ */

typedef struct Sums
{
	bool mean;
	const int64_t *prefix; /* NULL: no exact prefix sums */
	const PromqlWindows *w;
} Sums;

static double
float_window(const Sums *s, int lo, int hi)
{
	const double *v = s->w->samples.v + lo;
	int n = hi - lo;

	if (s->prefix != NULL)
	{
		double sum = (double) (s->prefix[hi] - s->prefix[lo]);

		return s->mean ? sum / n : sum;
	}
	return s->mean ? promql_mean(v, n) : promql_sum(v, n);
}

/* histogram_window -- NULL, with a warning, if the histograms cannot be added. */
static Histogram *
histogram_window(PromqlCall *call, const Sums *s, int lo, int hi)
{
	PromqlHistogramSum *sum = NULL;

	for (int i = lo; i < hi; i++)
		if (!promql_histogram_sum_add(&sum, s->w->samples.h[i], s->mean, call->exec,
									  call->arg_pos[0], call->labels))
			return NULL;
	return promql_histogram_sum_result(sum, call->exec, call->arg_pos[0]);
}

/* histograms_in -- how many of the samples [lo, hi) are histograms. */
static int
histograms_in(const PromqlSamples *s, int lo, int hi)
{
	int n = 0;

	for (int i = lo; s->h != NULL && i < hi; i++)
		n += s->h[i] != NULL;
	return n;
}

static bool
sums(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, bool mean)
{
	Sums s = {.mean = mean, .w = w};

	if (w->samples.h == NULL)
		s.prefix = promql_exact_prefix(w->samples.v, w->samples.n);
	for (int i = 0; i < w->nsteps; i++)
	{
		int lo = w->lo[i], hi = w->hi[i];
		int nhistograms = histograms_in(&w->samples, lo, hi);

		cancel_poll();
		if (lo == hi)
			continue;
		if (nhistograms == 0)
		{
			out->kind[i] = PROMQL_FLOAT;
			out->v[i] = float_window(&s, lo, hi);
		}
		else if (nhistograms == hi - lo)
		{
			Histogram *h = histogram_window(call, &s, lo, hi);

			if (h == NULL)
				continue;
			promql_vector_need_h(out, w->nsteps);
			out->kind[i] = PROMQL_HISTOGRAM;
			out->h[i] = h;
		}
		else
			promql_warn(call->exec, call->arg_pos[0],
						"encountered a mix of histograms and floats for metric name %s",
						promql_quoted(labels_metric_name(call->labels)));
	}
	return true;
}

bool
promql_fn_avg_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	return sums(call, w, out, true);
}

bool
promql_fn_sum_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	return sums(call, w, out, false);
}

/* --- variance --------------------------------------------------------------------------------- */

bool
promql_fn_stdvar_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	PromqlFloatWindows fw;

	promql_float_windows(call, 0, w, &fw);
	for (int i = 0; i < fw.nsteps; i++)
	{
		cancel_poll();
		if (fw.lo[i] == fw.hi[i])
			continue;
		out->kind[i] = PROMQL_FLOAT;
		out->v[i] = promql_variance(fw.v + fw.lo[i], fw.hi[i] - fw.lo[i]);
	}
	return true;
}

bool
promql_fn_stddev_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	promql_fn_stdvar_over_time(call, w, out, err);
	for (int i = 0; i < w->nsteps; i++)
		if (out->kind[i] == PROMQL_FLOAT)
			out->v[i] = sqrt(out->v[i]);
	return true;
}

/* --- samples of either kind ------------------------------------------------------------------- */

bool
promql_fn_count_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	for (int i = 0; i < w->nsteps; i++)
	{
		out->kind[i] = w->hi[i] > w->lo[i] ? PROMQL_FLOAT : PROMQL_ABSENT;
		out->v[i] = w->hi[i] - w->lo[i];
	}
	return true;
}

bool
promql_fn_present_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	for (int i = 0; i < w->nsteps; i++)
	{
		out->kind[i] = w->hi[i] > w->lo[i] ? PROMQL_FLOAT : PROMQL_ABSENT;
		out->v[i] = 1;
	}
	return true;
}

/* put_sample -- sample j as the result of step i. */
static void
put_sample(const PromqlWindows *w, PromqlVector *out, int i, int j)
{
	const PromqlSamples *s = &w->samples;

	if (s->h != NULL && s->h[j] != NULL)
	{
		promql_vector_need_h(out, w->nsteps);
		out->kind[i] = PROMQL_HISTOGRAM;
		out->h[i] = s->h[j];
		return;
	}
	out->kind[i] = PROMQL_FLOAT;
	out->v[i] = s->v[j];
}

bool
promql_fn_first_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	for (int i = 0; i < w->nsteps; i++)
		if (w->hi[i] > w->lo[i])
			put_sample(w, out, i, w->lo[i]);
	return true;
}

bool
promql_fn_last_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	for (int i = 0; i < w->nsteps; i++)
		if (w->hi[i] > w->lo[i])
			put_sample(w, out, i, w->hi[i] - 1);
	return true;
}

bool
promql_fn_ts_of_first_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out,
								Err *err)
{
	for (int i = 0; i < w->nsteps; i++)
	{
		if (w->hi[i] == w->lo[i])
			continue;
		out->kind[i] = PROMQL_FLOAT;
		out->v[i] = (double) w->samples.t[w->lo[i]] / 1000;
	}
	return true;
}

bool
promql_fn_ts_of_last_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out,
							   Err *err)
{
	for (int i = 0; i < w->nsteps; i++)
	{
		if (w->hi[i] == w->lo[i])
			continue;
		out->kind[i] = PROMQL_FLOAT;
		out->v[i] = (double) w->samples.t[w->hi[i] - 1] / 1000;
	}
	return true;
}
