/*
 * test_histogram_quantile.c
 *    Quantile, fraction and variance of histograms, native and classic, odd ones included.
 */
#include "model/histogram_math.h"
#include "promql/functions/classic.h"
#include "unit.h"

/* a histogram whose positive buckets begin at index 1, (1,2] in schema 0 */
static Histogram
positive(int n, double *counts)
{
	HistogramSpan *span = mem_alloc(sizeof(*span));
	Histogram h = {.n_pos_spans = 1, .pos_spans = span, .n_pos = n, .pos = counts};

	*span = (HistogramSpan){1, (uint32_t) n};
	for (int i = 0; i < n; i++)
		h.count += counts[i];
	return h;
}

static Histogram
custom(int n, double *counts, double *bounds)
{
	Histogram h = positive(n, counts);

	h.pos_spans->offset = 0;
	h.schema = HISTOGRAM_CUSTOM_SCHEMA;
	h.n_custom = n - 1;
	h.custom = bounds;
	return h;
}

static double
quantile(const Histogram *h, double q)
{
	HistogramNan nan;

	return histogram_quantile(h, q, &nan);
}

static double
fraction(const Histogram *h, double lower, double upper)
{
	HistogramNan nan;

	return histogram_fraction(h, lower, upper, &nan);
}

static bool
near(double a, double b)
{
	return fabs(a - b) <= 1e-12 * (fabs(a) + fabs(b));
}

UNIT_TEST(histogram_quantile_exponential)
{
	double counts[] = {12};
	Histogram h = positive(1, counts);

	CHECK(near(quantile(&h, 0.5), 1.4142135623730951));
	CHECK(near(quantile(&h, 0), 1));
	CHECK(near(quantile(&h, 1), 2));
	CHECK(quantile(&h, -0.1) == -INFINITY);
	CHECK(quantile(&h, 1.1) == INFINITY);
	CHECK(isnan(quantile(&h, NAN)));
}

UNIT_TEST(histogram_quantile_zero_bucket_takes_the_sign_of_the_others)
{
	double counts[] = {1};
	Histogram h = positive(1, counts);
	Histogram mirrored = h;

	h.zero_threshold = 0.5;
	h.zero_count = 3;
	h.count = 4;
	CHECK(near(quantile(&h, 0.375), 0.25));
	CHECK(near(fraction(&h, 0, 0.25), 0.375));

	mirrored = (Histogram){.n_neg_spans = 1,
						   .neg_spans = h.pos_spans,
						   .n_neg = 1,
						   .neg = counts,
						   .zero_threshold = 0.5,
						   .zero_count = 3,
						   .count = 4};
	CHECK(near(quantile(&mirrored, 0.625), -0.25));
	CHECK(near(fraction(&mirrored, -0.25, 0), 0.375));
}

UNIT_TEST(histogram_quantile_custom_edges)
{
	double counts[] = {2, 2, 2};
	double above_zero[] = {5, 10}, below_zero[] = {-10, -5}, around_zero[] = {-5, 5};
	Histogram h = custom(3, counts, above_zero);

	CHECK(near(quantile(&h, 1.0 / 6), 2.5));
	CHECK(quantile(&h, 1) == 10);
	CHECK(near(fraction(&h, -INFINITY, 2.5), 1.0 / 6));
	CHECK(near(fraction(&h, 7.5, INFINITY), 0.5));

	h.custom = below_zero;
	CHECK(quantile(&h, 0.1) == -10);
	CHECK(near(quantile(&h, 0.5), -7.5));
	/* nothing is known of where in the first bucket an observation lies */
	CHECK(near(fraction(&h, -INFINITY, -20), 1.0 / 3));

	h.custom = around_zero;
	CHECK(near(quantile(&h, 0.5), 0));
	/* without buckets of negative numbers its observations count as positive ones, unlike for a quantile */
	CHECK(near(fraction(&h, -5, 0), 0));
	CHECK(near(fraction(&h, 0, 2.5), 1.0 / 6));
}

UNIT_TEST(histogram_quantile_of_nan_observations)
{
	double counts[] = {4};
	Histogram h = positive(1, counts);
	HistogramNan nan;

	h.count = 5;
	h.sum = NAN;
	CHECK(isnan(histogram_quantile(&h, 1, &nan)));
	CHECK_INT(nan, HISTOGRAM_NAN_RESULT);
	CHECK(near(histogram_quantile(&h, 0.4, &nan), 1.4142135623730951));
	CHECK_INT(nan, HISTOGRAM_NAN_SKEW);
	CHECK(near(histogram_fraction(&h, -INFINITY, INFINITY, &nan), 0.8));
	CHECK_INT(nan, HISTOGRAM_NAN_SKEW);
	h.sum = 6;
	histogram_quantile(&h, 0.4, &nan);
	CHECK_INT(nan, HISTOGRAM_NAN_NONE);
}

/* What validation lets through or arithmetic may leave: no answer matters, but there is one. */
UNIT_TEST(histogram_quantile_of_odd_histograms)
{
	double counts[] = {-1, 0, 2};
	Histogram odd = positive(3, counts);
	Histogram empty = {0};
	Histogram no_buckets = {.count = 3, .sum = 1};

	CHECK(isnan(quantile(&empty, 0.5)) && isnan(fraction(&empty, 0, 1)));
	CHECK(isnan(histogram_variance(&empty)));
	CHECK(quantile(&no_buckets, 0.5) == 0);
	CHECK(fraction(&no_buckets, 0, 1) == 0);
	CHECK(histogram_variance(&no_buckets) == 0);
	CHECK(quantile(&odd, 0.9) <= 8);
	odd.count = INFINITY;
	CHECK(!(quantile(&odd, 0.9) < 0));
}

UNIT_TEST(histogram_variance_uses_middles)
{
	double counts[] = {1, 1};
	double bounds[] = {2};
	Histogram h = positive(2, counts); /* middles sqrt(2), sqrt(8) */
	Histogram c = custom(2, counts, bounds);

	h.sum = sqrt(2) + sqrt(8);
	CHECK(near(histogram_variance(&h), 0.5));
	/* a middle between a bound and infinity is infinite */
	c.sum = 3;
	CHECK(histogram_variance(&c) == INFINITY);
}

/* --- classic ---------------------------------------------------------------------------------- */

UNIT_TEST(classic_quantile)
{
	ClassicFix fix;

#define BUCKETS(...)                                                                               \
	(ClassicBucket[]){__VA_ARGS__}, sizeof((ClassicBucket[]){__VA_ARGS__}) / sizeof(ClassicBucket)
	CHECK(
		near(promql_classic_quantile(0.5, BUCKETS({0.1, 1}, {0.2, 3}, {INFINITY, 4}), &fix), 0.15));
	CHECK(promql_classic_quantile(0.9, BUCKETS({0.1, 1}, {0.2, 3}, {INFINITY, 4}), &fix) == 0.2);
	/* the first bucket begins at 0, unless it ends at or below it */
	CHECK(promql_classic_quantile(0.5, BUCKETS({2, 4}, {INFINITY, 4}), &fix) == 1);
	CHECK(promql_classic_quantile(0.5, BUCKETS({-2, 4}, {INFINITY, 4}), &fix) == -2);
	CHECK(isnan(promql_classic_quantile(0.5, BUCKETS({1, 4}, {2, 4}), &fix)));
	CHECK(isnan(promql_classic_quantile(0.5, BUCKETS({INFINITY, 4}), &fix)));
	CHECK(isnan(promql_classic_quantile(0.5, BUCKETS({1, 0}, {INFINITY, 0}), &fix)));
	CHECK(isnan(promql_classic_quantile(NAN, BUCKETS({1, 1}, {INFINITY, 1}), &fix)));
	CHECK(promql_classic_quantile(-1, BUCKETS({1, 1}, {INFINITY, 1}), &fix) == -INFINITY);
	CHECK(promql_classic_quantile(2, BUCKETS({1, 1}, {INFINITY, 1}), &fix) == INFINITY);
	/* equal bounds count together */
	CHECK(promql_classic_quantile(0.5, BUCKETS({1, 1}, {1, 1}, {2, 4}, {INFINITY, 4}), &fix) == 1);
}

UNIT_TEST(classic_quantile_makes_counts_rise)
{
	ClassicFix fix;

	promql_classic_quantile(0.5, BUCKETS({1, 10}, {2, 7}, {3, 8}, {4, 12}, {INFINITY, 9}), &fix);
	CHECK(fix.any && fix.lowest == 2 && fix.highest == INFINITY && fix.max_diff == 3);
	/* a difference of rounding is no news */
	promql_classic_quantile(0.5, BUCKETS({1, 1}, {2, 1 - 1e-13}, {INFINITY, 1 + 1e-13}), &fix);
	CHECK(!fix.any);
	promql_classic_quantile(0.5, BUCKETS({1, 1}, {2, 1 - 1e-9}, {INFINITY, 1}), &fix);
	CHECK(fix.any);
}

UNIT_TEST(classic_fraction)
{
	CHECK(promql_classic_fraction(0, 1, BUCKETS({2, 4}, {INFINITY, 8})) == 0.25);
	CHECK(promql_classic_fraction(2, 100, BUCKETS({2, 4}, {INFINITY, 8})) == 0);
	CHECK(promql_classic_fraction(2, INFINITY, BUCKETS({2, 4}, {INFINITY, 8})) == 0.5);
	CHECK(promql_classic_fraction(1, 1, BUCKETS({2, 4}, {INFINITY, 8})) == 0);
	CHECK(promql_classic_fraction(-INFINITY, -5, BUCKETS({-2, 4}, {INFINITY, 8})) == 0.5);
	CHECK(isnan(promql_classic_fraction(NAN, 1, BUCKETS({2, 4}, {INFINITY, 8}))));
	CHECK(isnan(promql_classic_fraction(0, 1, BUCKETS({2, 4}))));
	CHECK(isnan(promql_classic_fraction(0, 1, BUCKETS({2, 0}, {INFINITY, 0}))));
}
