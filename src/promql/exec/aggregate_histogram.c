/*
 * aggregate_histogram.c
 *    sum and avg of native histograms: the accumulator of one step of one group, or of a window.
 *
 * The sum carries a compensation histogram beside it, added at the end.  An average is the sum
 * divided by the count, unless a field overflows: then it goes on as an incremental mean, like
 * the average of floats.
 */
#include "promql/exec/aggregate_histogram.h"

#include "model/histogram_math.h"
#include "promql/exec/exec.h"

struct PromqlHistogramSum
{
	Histogram *sum;			 /* or the mean, when incremental */
	Histogram *compensation; /* NULL: none yet */
	double count;
	bool mean;
	bool incremental;
	bool seen_reset, seen_not_reset; /* hints of the inputs */
	bool bounds_reconciled;
};

static void
note_hint(PromqlHistogramSum *s, const Histogram *h)
{
	s->seen_reset |= h->hint == HISTOGRAM_HINT_RESET;
	s->seen_not_reset |= h->hint == HISTOGRAM_HINT_NOT_RESET;
}

static bool
all_finite(const double *v, int n)
{
	for (int i = 0; i < n; i++)
		if (isinf(v[i]))
			return false;
	return true;
}

static bool
overflowed(const Histogram *h)
{
	return isinf(h->count) || isinf(h->sum) || isinf(h->zero_count) ||
		   !all_finite(h->pos, h->n_pos) || !all_finite(h->neg, h->n_neg);
}

/* add_plain -- into the sum. */
static bool
add_plain(PromqlHistogramSum *s, const Histogram *h, HistogramOpInfo *info)
{
	return histogram_kahan_add(s->sum, h, &s->compensation, info);
}

/* add_mean -- into an average; a sum that overflows is taken back and turned into a mean. */
static bool
add_mean(PromqlHistogramSum *s, const Histogram *h, HistogramOpInfo *info)
{
	Histogram *part;
	double q;

	if (!s->incremental)
	{
		Histogram *sum = histogram_copy(s->sum);
		Histogram *compensation = s->compensation != NULL ? histogram_copy(s->compensation) : NULL;

		if (!histogram_kahan_add(sum, h, &compensation, info))
			return false;
		if (!overflowed(sum))
		{
			histogram_free(s->sum);
			histogram_free(s->compensation);
			s->sum = sum;
			s->compensation = compensation;
			return true;
		}
		s->incremental = true;
		histogram_div(s->sum, s->count - 1);
		if (s->compensation != NULL)
			histogram_div(s->compensation, s->count - 1);
	}
	q = (s->count - 1) / s->count;
	histogram_mul(s->sum, q);
	if (s->compensation != NULL)
		histogram_mul(s->compensation, q);
	part = histogram_copy(h);
	histogram_div(part, s->count);
	return histogram_kahan_add(s->sum, part, &s->compensation, info);
}

bool
promql_histogram_sum_add(PromqlHistogramSum **sum, const Histogram *h, bool mean, PromqlExec *ex,
						 int pos, Labels series)
{
	PromqlHistogramSum *s = *sum;
	HistogramOpInfo info = {0};
	bool ok = true;

	if (s == NULL)
	{
		s = *sum = mem_alloc0(sizeof(*s));
		s->sum = histogram_copy(h);
		s->count = 1;
		s->mean = mean;
	}
	else
	{
		s->count++;
		ok = mean ? add_mean(s, h, &info) : add_plain(s, h, &info);
	}
	note_hint(s, h);
	s->bounds_reconciled |= info.bounds_reconciled;
	if (!ok)
		promql_warn(ex, pos,
					"vector contains a mix of histograms with exponential and custom buckets "
					"schemas for metric name %s",
					promql_quoted(labels_metric_name(series)));
	return ok;
}

Histogram *
promql_histogram_sum_result(PromqlHistogramSum *s, PromqlExec *ex, int pos)
{
	Histogram *h = s->sum;

	if (s->mean && !s->incremental)
	{
		histogram_div(h, s->count);
		if (s->compensation != NULL)
			histogram_div(s->compensation, s->count);
	}
	if (s->compensation != NULL)
		histogram_add_compensation(h, s->compensation);
	histogram_compact(h);
	if (s->seen_reset && s->seen_not_reset)
		promql_warn(ex, pos, "conflicting counter resets during histogram aggregation");
	if (s->bounds_reconciled)
		promql_info(ex, pos, "mismatched custom buckets were reconciled during aggregation");
	return h;
}
