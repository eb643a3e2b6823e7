/*
 * test_histogram_math.c
 *    Arithmetic of native histograms: layouts that differ, resets, trims, text.
 */
#include "model/histogram_math.h"
#include "promqltest/series_desc.h"
#include "unit.h"

/* h -- a histogram from the test language's keys. */
static Histogram *
h(const char *keys)
{
	char *text = mem_printf("x {{%s}}", keys);
	Err err = ERR_INIT;
	SeriesDesc desc;

	if (!series_desc_parse(text, strlen(text), NULL, &desc, &err))
	{
		unit_fail(__FILE__, __LINE__, "%s: %s", keys, err.msg);
		return NULL;
	}
	return histogram_copy(desc.values[0].h);
}

static const char *
text_of(const Histogram *hist)
{
	Buf b;

	buf_init(&b, 128, 1 << 16);
	histogram_text(&b, hist);
	return b.data;
}

static const char *
sum_of(const char *a, const char *b, HistogramOpInfo *info)
{
	Histogram *x = h(a);

	*info = (HistogramOpInfo){0};
	if (!histogram_add(x, h(b), info))
		return "incompatible";
	histogram_compact(x);
	return text_of(x);
}

UNIT_TEST(histogram_add_brings_layouts_together)
{
	HistogramOpInfo info;

	CHECK_STR(sum_of("count:3 sum:4 buckets:[1 2]", "count:3 sum:5 offset:1 buckets:[1 2]", &info),
			  "{count:6, sum:9, (0.5,1]:1, (1,2]:3, (2,4]:2}");
	/* schema 1 buckets 1 and 2 are bucket 1 of schema 0 */
	CHECK_STR(sum_of("count:1 sum:1 offset:1 buckets:[1]",
					 "schema:1 count:5 sum:5 offset:1 buckets:[2 3]", &info),
			  "{count:6, sum:6, (1,2]:6}");
	CHECK_STR(
		sum_of("count:1 buckets:[1]", "schema:-53 count:1 custom_values:[1] buckets:[1]", &info),
		"incompatible");
}

UNIT_TEST(histogram_add_widens_the_zero_bucket)
{
	HistogramOpInfo info;

	/* the wider zero bucket takes in (0.5,1] */
	CHECK_STR(sum_of("count:3 z_bucket:1 z_bucket_w:1 offset:1 buckets:[2]",
					 "count:4 z_bucket:1 z_bucket_w:0.001 buckets:[3]", &info),
			  "{count:7, sum:0, [-1,1]:5, (1,2]:2}");
	/* a threshold inside a populated bucket moves to its end, on both sides */
	CHECK_STR(sum_of("count:3 z_bucket:1 z_bucket_w:0.75 offset:1 buckets:[2]",
					 "count:4 z_bucket:1 z_bucket_w:0.001 buckets:[3]", &info),
			  "{count:7, sum:0, [-1,1]:5, (1,2]:2}");
}

UNIT_TEST(histogram_add_meets_on_shared_custom_bounds)
{
	HistogramOpInfo info;

	CHECK_STR(sum_of("schema:-53 count:6 custom_values:[1 2 3] buckets:[1 2 3]",
					 "schema:-53 count:3 custom_values:[2 3] buckets:[1 1 1]", &info),
			  "{count:9, sum:0, [-Inf,2]:4, (2,3]:4, (3,+Inf]:1}");
	CHECK(info.bounds_reconciled);
	CHECK_STR(sum_of("schema:-53 count:1 custom_values:[1] buckets:[1]",
					 "schema:-53 count:1 custom_values:[2] buckets:[1]", &info),
			  "{count:2, sum:0, [-Inf,+Inf]:2}");
}

UNIT_TEST(histogram_add_combines_hints)
{
	HistogramOpInfo info = {0};
	Histogram *a = h("count:1 counter_reset_hint:reset");

	histogram_add(a, h("count:1 counter_reset_hint:not_reset"), &info);
	CHECK(info.reset_collision);
	CHECK_INT(a->hint, HISTOGRAM_HINT_UNKNOWN);
	a = h("count:1 counter_reset_hint:gauge");
	info = (HistogramOpInfo){0};
	histogram_add(a, h("count:1 counter_reset_hint:reset"), &info);
	CHECK(!info.reset_collision);
	CHECK_INT(a->hint, HISTOGRAM_HINT_GAUGE);
}

UNIT_TEST(histogram_kahan_add_keeps_what_is_small)
{
	Histogram *sum = h("count:1 sum:1 buckets:[1]");
	Histogram *rest = NULL;
	HistogramOpInfo info = {0};

	histogram_kahan_add(sum, h("count:1 sum:1e100 buckets:[1e100]"), &rest, &info);
	histogram_kahan_add(sum, h("count:1 sum:1 offset:1 buckets:[1]"), &rest, &info);
	histogram_kahan_add(sum, h("count:1 sum:-1e100 buckets:[-1e100]"), &rest, &info);
	histogram_add_compensation(sum, rest);
	CHECK_STR(text_of(sum), "{count:4, sum:2, (0.5,1]:1, (1,2]:1}");
}

UNIT_TEST(histogram_scaling)
{
	Histogram *a = h("count:3 sum:4 z_bucket:1 z_bucket_w:0.1 buckets:[2]");

	histogram_mul(a, -2);
	CHECK_INT(a->hint, HISTOGRAM_HINT_GAUGE);
	CHECK(a->pos[0] == -4 && a->count == -6 && a->zero_count == -2);
	a = h("count:3 sum:4 buckets:[2]");
	histogram_div(a, 0);
	CHECK_STR(text_of(a), "{count:+Inf, sum:+Inf, [-0,0]:NaN}");
	CHECK(histogram_equal(h("count:1 buckets:[0 1]"), h("count:1 buckets:[0 1]")));
	CHECK(!histogram_equal(h("count:1 buckets:[1]"), h("count:1 offset:1 buckets:[1]")));
}

UNIT_TEST(histogram_resets)
{
	CHECK(!histogram_detect_reset(h("count:3 buckets:[1 2]"), h("count:2 buckets:[1 1]")));
	CHECK(histogram_detect_reset(h("count:3 buckets:[3]"), h("count:2 buckets:[1 1]")));
	CHECK(histogram_detect_reset(h("count:1 buckets:[1]"), h("count:2 buckets:[2]")));
	CHECK(histogram_detect_reset(h("schema:1 count:2 buckets:[2]"), h("count:2 buckets:[2]")));
	CHECK(!histogram_detect_reset(h("count:2 offset:1 buckets:[2]"),
								  h("schema:1 count:2 offset:1 buckets:[1 1]")));
	CHECK(histogram_detect_reset(h("count:2 z_bucket:2 z_bucket_w:0.75"),
								 h("count:2 z_bucket_w:0.1 buckets:[2]")));
	CHECK(histogram_detect_reset(h("schema:-53 count:3 custom_values:[1 2] buckets:[1 2]"),
								 h("schema:-53 count:3 custom_values:[1 3] buckets:[2 1]")));
	CHECK(!histogram_detect_reset(h("schema:-53 count:3 custom_values:[1 2] buckets:[1 2]"),
								  h("schema:-53 count:3 custom_values:[1 3] buckets:[1 2]")));
	CHECK(histogram_detect_reset(h("count:3 buckets:[3] counter_reset_hint:reset"),
								 h("count:2 buckets:[2]")));
}

UNIT_TEST(histogram_trims)
{
	Histogram *a = h("count:6 sum:9 offset:1 buckets:[2 4]");

	histogram_trim(a, 2, true);
	CHECK_STR(text_of(a), "{count:2, sum:2.8284271247461903, (1,2]:2}");
	a = h("count:6 sum:9 offset:1 buckets:[2 4]");
	histogram_trim(a, 100, true);
	CHECK_STR(text_of(a), "{count:6, sum:9, (1,2]:2, (2,4]:4}");
	a = h("schema:-53 count:6 sum:9 custom_values:[1 3] buckets:[2 4]");
	histogram_trim(a, 2, false);
	CHECK_STR(text_of(a), "{count:2, sum:5, (1,3]:2}");
}
