/*
 * histogram_validate.c
 *    Is a histogram one that may be stored?  Texts and order of checks are those of Prometheus
 *    (model/histogram, Validate), because senders and tests read them.
 *
 * The float form is not checked for its count equalling the sum of the buckets: rounding would
 * refuse honest histograms.
 */
#include "model/histogram.h"

#include "util/text.h"

#include <math.h>

/* FAIL -- an error in front of which the caller's side is named ("positive side: "). */
#define FAIL(err, ...) err_set((err), ERR_BAD_REQUEST, -1, __VA_ARGS__)

static bool
check_span_offset(const char *side, int i, int32_t offset, Err *err)
{
	if (offset >= 0)
		return true;
	return FAIL(err,
				"%sspan number %d with offset %d: histogram has a span whose offset is negative",
				side, i + 1, offset);
}

static bool
check_bucket_number(const char *side, uint64_t need, int have, Err *err)
{
	if (need == (uint64_t) have)
		return true;
	return FAIL(err,
				"%sspans need %llu buckets, have %d buckets: histogram spans specify different "
				"number of buckets than provided",
				side, (unsigned long long) need, have);
}

/* index_range_ok -- are all spans within HISTOGRAM_MAX_INDEX?  end is behind the last. */
static bool
index_range_ok(const HistogramSpan *spans, int n, int64_t end)
{
	return n == 0 || (spans[0].offset >= -HISTOGRAM_MAX_INDEX && end <= HISTOGRAM_MAX_INDEX + 1);
}

/* check_spans -- one side of an exponential histogram. */
static bool
check_spans(const char *side, const HistogramSpan *spans, int n, int n_buckets, Err *err)
{
	uint64_t need = 0;
	int64_t index = 0;

	for (int i = 0; i < n; i++)
	{
		if (i > 0 && !check_span_offset(side, i, spans[i].offset, err))
			return false;
		need += spans[i].length;
		index += (int64_t) spans[i].offset + spans[i].length;
	}
	if (!check_bucket_number(side, need, n_buckets, err))
		return false;
	if (!index_range_ok(spans, n, index)) /* ours */
		return FAIL(err, "%shistogram has a bucket whose index is out of range", side);
	return true;
}

/* check_custom -- everything that is special about custom buckets. */
static bool
check_custom(const HistogramLayout *l, int n_pos, int n_neg, bool zero_count, Err *err)
{
	static const char side[] = "custom buckets: ";
	double prev = -INFINITY;
	uint64_t need = 0, total = 0;

	for (int i = 0; i < l->n_custom; i++)
	{
		double bound = l->custom[i];

		if (isnan(bound))
			return FAIL(err, "%shistogram custom bounds must not be NaN", side);
		if (i > 0 && bound <= prev)
			return FAIL(err,
						"%sprevious bound is %f and current is %f: histogram custom bounds must be "
						"in strictly increasing order",
						side, prev, bound);
		prev = bound;
	}
	if (isinf(prev) && prev > 0)
		return FAIL(err,
					"%slast +Inf bound must not be explicitly defined: histogram custom bounds "
					"must be finite",
					side);
	for (int i = 0; i < l->n_pos_spans; i++)
	{
		if (!check_span_offset(side, i, l->pos_spans[i].offset, err))
			return false;
		need += l->pos_spans[i].length;
		total += (uint64_t) l->pos_spans[i].length + (uint64_t) l->pos_spans[i].offset;
	}
	if (!check_bucket_number(side, need, n_pos, err))
		return false;
	if ((uint64_t) l->n_custom + 1 < total)
		return FAIL(err,
					"%sonly %d custom bounds defined which is insufficient to cover total span "
					"length of %llu: histogram custom bounds are too few",
					side, l->n_custom, (unsigned long long) total);
	if (zero_count)
		return FAIL(err, "%smust have zero count of 0", side);
	if (l->zero_threshold != 0)
		return FAIL(err, "%smust have zero threshold of 0", side);
	if (l->n_neg_spans > 0)
		return FAIL(err, "%smust not have negative spans", side);
	if (n_neg > 0)
		return FAIL(err, "%smust not have negative buckets", side);
	return true;
}

static bool
check_layout(const HistogramLayout *l, int n_pos, int n_neg, bool zero_count, Err *err)
{
	if (l->schema == HISTOGRAM_CUSTOM_SCHEMA)
		return check_custom(l, n_pos, n_neg, zero_count, err);
	if (l->schema < HISTOGRAM_MIN_SCHEMA || l->schema > HISTOGRAM_MAX_SCHEMA)
		return FAIL(err,
					"histogram has an invalid schema, which must be between %d and %d for "
					"exponential buckets, or %d for custom buckets, got schema %d",
					HISTOGRAM_MIN_SCHEMA, HISTOGRAM_MAX_SCHEMA, HISTOGRAM_CUSTOM_SCHEMA, l->schema);
	return check_spans("positive side: ", l->pos_spans, l->n_pos_spans, n_pos, err) &&
		   check_spans("negative side: ", l->neg_spans, l->n_neg_spans, n_neg, err);
}

/* check_exponential_rest -- what Prometheus checks between the two sides' buckets. */
static bool
check_exponential_rest(const HistogramLayout *l, Err *err)
{
	if (l->schema != HISTOGRAM_CUSTOM_SCHEMA && l->n_custom > 0)
		return FAIL(err, "histogram with exponential schema must not have custom bounds");
	return true;
}

static bool
check_counts(const char *side, const double *counts, int n, Err *err)
{
	for (int i = 0; i < n; i++)
	{
		char text[TEXT_DOUBLE_MAX];

		if (!(counts[i] < 0))
			continue;
		text_double_shortest_g(text, counts[i]);
		return FAIL(err,
					"%sbucket number %d has observation count of %s: histogram has a bucket whose "
					"observation count is negative",
					side, i + 1, text);
	}
	return true;
}

/* check_deltas -- and add the buckets to *total (modulo 2^64, as Go does). */
static bool
check_deltas(const char *side, const int64_t *deltas, int n, uint64_t *total, Err *err)
{
	uint64_t count = 0;

	for (int i = 0; i < n; i++)
	{
		count += (uint64_t) deltas[i];
		if ((int64_t) count < 0)
			return FAIL(err,
						"%sbucket number %d has observation count of %lld: histogram has a bucket "
						"whose observation count is negative",
						side, i + 1, (long long) count);
		*total += count;
	}
	return true;
}

/* histogram_validate -- may this float histogram be stored?  A staleness marker always may. */
bool
histogram_validate(const Histogram *h, Err *err)
{
	HistogramLayout l = histogram_sample_layout(&(HistogramSample){.f = (Histogram *) h});

	if (histogram_is_stale(h))
		return true;
	if (!check_layout(&l, h->n_pos, h->n_neg, h->zero_count != 0, err) ||
		!check_counts("negative side: ", h->neg, h->n_neg, err) ||
		!check_exponential_rest(&l, err) || !check_counts("positive side: ", h->pos, h->n_pos, err))
		return false;
	if (h->count < 0)
		return FAIL(err, "histogram's observation count is negative");
	return true;
}

/* histogram_validate_int -- the same for an integer histogram, and its count must be exact. */
bool
histogram_validate_int(const IntHistogram *h, Err *err)
{
	HistogramLayout l = histogram_sample_layout(&(HistogramSample){.i = (IntHistogram *) h});
	uint64_t total = h->zero_count;
	const char *rule = NULL;

	if (value_is_stale(h->sum))
		return true;
	if (!check_layout(&l, h->n_pos, h->n_neg, h->zero_count != 0, err) ||
		!check_deltas("negative side: ", h->neg, h->n_neg, &total, err) ||
		!check_exponential_rest(&l, err) ||
		!check_deltas("positive side: ", h->pos, h->n_pos, &total, err))
		return false;
	/* observations of NaN are in the count but in no bucket */
	if (isnan(h->sum) && total > h->count)
		rule = "histogram's observation count should be at least the number of observations found "
			   "in the buckets";
	else if (!isnan(h->sum) && total != h->count)
		rule = "histogram's observation count should equal the number of observations found in the "
			   "buckets (in absence of NaN)";
	if (rule != NULL)
		return FAIL(err, "%llu observations found in buckets, but the Count field is %llu: %s",
					(unsigned long long) total, (unsigned long long) h->count, rule);
	return true;
}

/* side_check -- spans of one side: sum of lengths to *n, index of the last bucket to *last. */
static bool
side_check(const HistogramSpan *spans, int n_spans, int *n, int64_t *last)
{
	int64_t index = 0, total = 0;

	for (int i = 0; i < n_spans; i++)
	{
		if (i > 0 && spans[i].offset < 0)
			return false;
		index += (int64_t) spans[i].offset + spans[i].length;
		total += spans[i].length;
		if (total > HISTOGRAM_MAX_BUCKETS || !index_range_ok(spans, n_spans, index))
			return false;
	}
	*n = (int) total;
	*last = index - 1;
	return true;
}

/*
 * histogram_layout_check -- what all code that walks a histogram relies on.
 *
 * The schema is known (9..52 included), spans ascend, indexes are within HISTOGRAM_MAX_INDEX, at most
 * HISTOGRAM_MAX_BUCKETS buckets a side; custom bounds ascend, are finite and cover the
 * buckets, and exist only with the custom schema.  *n_pos and *n_neg get the numbers of buckets
 * the spans speak of.
 */
bool
histogram_layout_check(const HistogramLayout *l, int *n_pos, int *n_neg)
{
	int64_t last_pos, last_neg;

	if (!side_check(l->pos_spans, l->n_pos_spans, n_pos, &last_pos) ||
		!side_check(l->neg_spans, l->n_neg_spans, n_neg, &last_neg))
		return false;
	if (l->schema != HISTOGRAM_CUSTOM_SCHEMA)
		return l->schema >= HISTOGRAM_MIN_SCHEMA && l->schema <= HISTOGRAM_MAX_RESERVED_SCHEMA &&
			   l->n_custom == 0;
	for (int i = 0; i < l->n_custom; i++)
		if (!isfinite(l->custom[i]) || (i > 0 && l->custom[i] <= l->custom[i - 1]))
			return false;
	return l->n_neg_spans == 0 && last_pos <= l->n_custom &&
		   (l->n_pos_spans == 0 || l->pos_spans[0].offset >= 0);
}
