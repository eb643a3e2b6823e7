/*
 * fuzz_histogram_sample.c
 *    Any bytes as the binary form of a native histogram; what is read can be validated, reduced,
 *    and written and read again without a change, as bytes and, normalized, as text, and computed with.
 */
#include "model/histogram.h"
#include "model/histogram_math.h"
#include "util/mem.h"
#include "wire/json.h"

#include <stdlib.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/* What SQL functions compute of one. */
static void
use_float(const Histogram *h)
{
	static const double quantiles[] = {-1, 0, 0.5, 1, 2, NAN};
	HistogramNan nan;
	Buf b;

	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		histogram_quantile(h, quantiles[i], &nan);
	histogram_fraction(h, -1, 1, &nan);
	histogram_fraction(h, -INFINITY, INFINITY, &nan);
	buf_init(&b, 64, 1 << 24);
	json_histogram(&b, h);
	check(!b.overflow);
}

static void
use(HistogramSample *s)
{
	Err err = ERR_INIT;
	Buf form;
	HistogramSample back, again;

	buf_init(&form, 64, 1 << 24);
	histogram_sample_put(&form, s);
	check(!form.overflow);
	check(histogram_sample_get((uint8_t *) form.data, (uint8_t *) form.data + form.len, &back) ==
		  (uint8_t *) form.data + form.len);
	check(histogram_sample_equal(s, &back));
	histogram_sample_normalize(&back);
	buf_reset(&form);
	histogram_sample_text(&form, &back);
	check(!form.overflow && histogram_sample_parse(form.data, form.len, &again, &err));
	check(histogram_sample_equal(&back, &again));
	use_float(s->i != NULL ? histogram_from_int(s->i) : s->f);
	if (s->i != NULL)
	{
		histogram_validate_int(s->i, &err);
		if (s->i->schema > HISTOGRAM_MIN_SCHEMA)
			histogram_reduce_int(s->i, HISTOGRAM_MIN_SCHEMA);
	}
	else
	{
		histogram_validate(s->f, &err);
		if (s->f->schema > HISTOGRAM_MIN_SCHEMA)
			histogram_reduce(s->f, HISTOGRAM_MIN_SCHEMA);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MemScope *scope = mem_scope_create("fuzz"), *outer = mem_scope_switch(scope);
	HistogramSample s;
	const uint8_t *end = histogram_sample_get(data, data + size, &s);

	if (end != NULL)
	{
		check(end > data && end <= data + size);
		use(&s);
	}
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
