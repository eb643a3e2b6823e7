/*
 * fuzz_histogram_math.c
 *    Two native histograms from any bytes, and every operation on them: no operation reads beyond
 *    them or leaves what is none, whatever counts, bounds and layouts.
 *
 * The input is two samples in their binary form, as a chunk or the log would hold them; what
 * follows gives numbers for the operations.
 */
#include "model/histogram_math.h"
#include "util/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/*
 * check_buckets -- they can be listed and written, as many as there are.  Their order is not checked:
 * a zero bucket that is wider than the buckets beside it is stored as it came.
 */
static void
check_buckets(const Histogram *h)
{
	HistogramBucket *b;
	Buf text;

	check(histogram_buckets(h, &b) == h->n_neg + h->n_pos + (h->zero_count > 0));
	buf_init(&text, 64, 1 << 20);
	histogram_text(&text, h);
}

static double
take_number(const uint8_t **p, const uint8_t *end)
{
	static const double odd[] = {0,		 -0.0,	 1,		   -1,		  0.5, 1e308,
								 -1e308, 5e-324, INFINITY, -INFINITY, NAN};
	double v;

	if (*p == end)
		return 0.5;
	if (end - *p < 9)
		return odd[*(*p)++ % (sizeof(odd) / sizeof(odd[0]))];
	memcpy(&v, *p + 1, 8);
	*p += 9;
	return v;
}

static void
measure(const Histogram *h, double x, double y)
{
	HistogramNan nan;

	histogram_quantile(h, x, &nan);
	histogram_quantile(h, y, &nan);
	histogram_fraction(h, x, y, &nan);
	histogram_variance(h);
}

static void
combine(const Histogram *a, const Histogram *b, double x)
{
	Histogram *sum = histogram_copy(a), *difference = histogram_copy(a);
	Histogram *mean = histogram_copy(a), *compensation = NULL;
	HistogramOpInfo info = {0};
	bool ok = histogram_add(sum, b, &info);

	check(ok == (histogram_is_custom(a) == histogram_is_custom(b)));
	check(histogram_sub(difference, b, &info) == ok);
	check(histogram_kahan_add(mean, b, &compensation, &info) == ok);
	if (!ok)
		return;
	check(histogram_kahan_add(mean, a, &compensation, &info));
	histogram_add_compensation(mean, compensation);
	histogram_div(mean, x);
	for (int i = 0; i < 3; i++)
	{
		Histogram *h = i == 0 ? sum : i == 1 ? difference : mean;

		check_buckets(h);
		histogram_compact(h);
		check_buckets(h);
		measure(h, x, 0.5);
	}
	histogram_detect_reset(a, b);
	histogram_detect_reset(b, sum);
}

static void
change(const Histogram *a, double x)
{
	Histogram *h;

	for (int i = 0; i < 4; i++)
	{
		h = histogram_copy(a);
		if (i == 0)
			histogram_mul(h, x);
		else if (i == 1)
			histogram_div(h, x);
		else
			histogram_trim(h, x, i == 2);
		check_buckets(h);
		histogram_compact(h);
		check_buckets(h);
		histogram_equal(h, a);
	}
	h = histogram_copy(a);
	check(histogram_equal(h, a) || isnan(a->zero_threshold));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MemScope *scope = mem_scope_create("fuzz"), *outer = mem_scope_switch(scope);
	const uint8_t *end = data + size, *p = data;
	const Histogram *h[2];
	HistogramSample s;
	Err err = ERR_INIT;
	bool ok = true;

	for (int i = 0; i < 2 && ok; i++)
	{
		p = histogram_sample_get(p, end, &s);
		ok = p != NULL;
		if (!ok)
			break;
		h[i] = s.i != NULL ? histogram_from_int(s.i) : s.f;
		/* only valid ones are stored; arithmetic may see any counts */
		ok = s.i != NULL ? histogram_validate_int(s.i, &err) : histogram_validate(s.f, &err);
	}
	if (ok)
	{
		double x = take_number(&p, end), y = take_number(&p, end);

		measure(h[0], x, y);
		change(h[0], x);
		change(h[1], y);
		combine(h[0], h[1], x);
		combine(h[1], h[0], y);
	}
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
