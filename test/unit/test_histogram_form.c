/*
 * test_histogram_form.c
 *    Native histograms: validation texts, reduction, the binary form, hostile bytes.
 */
#include "unit.h"

#include "histogram_gen.h"

#include <math.h>

/* --- validation ----------------------------------------------------------------------------- */

/* A valid integer histogram; each case below spoils something. */
typedef struct Parts
{
	HistogramSpan pos_spans[2], neg_spans[1];
	int64_t pos[3], neg[1];
	double custom[3];
	IntHistogram h;
} Parts;

static Parts *
exponential(void)
{
	Parts *p = mem_alloc0(sizeof(*p));

	*p = (Parts){.pos_spans = {{-1, 2}, {3, 1}},
				 .neg_spans = {{0, 1}},
				 .pos = {3, -1, 2},
				 .neg = {1},
				 .h = {.schema = 3,
					   .zero_threshold = 0.01,
					   .zero_count = 2,
					   .count = 12,
					   .sum = 3,
					   .n_pos_spans = 2,
					   .n_neg_spans = 1,
					   .n_pos = 3,
					   .n_neg = 1}};
	p->h.pos_spans = p->pos_spans;
	p->h.neg_spans = p->neg_spans;
	p->h.pos = p->pos;
	p->h.neg = p->neg;
	return p;
}

static Parts *
custom(void)
{
	Parts *p = mem_alloc0(sizeof(*p));

	*p = (Parts){.pos_spans = {{1, 1}, {1, 1}},
				 .pos = {3, -1},
				 .custom = {1, 2.5, 5},
				 .h = {.schema = HISTOGRAM_CUSTOM_SCHEMA,
					   .count = 5,
					   .sum = 3,
					   .n_pos_spans = 2,
					   .n_pos = 2,
					   .n_custom = 3}};
	p->h.pos_spans = p->pos_spans;
	p->h.pos = p->pos;
	p->h.neg = p->neg;
	p->h.neg_spans = p->neg_spans;
	p->h.custom = p->custom;
	return p;
}

/* check_int -- NULL: valid. */
static void
check_int(int line, const Parts *p, const char *want)
{
	Err err = ERR_INIT;
	bool ok = histogram_validate_int(&p->h, &err);

	if (ok != (want == NULL) || (!ok && strcmp(err.msg, want) != 0))
		unit_fail(__FILE__, line, "got \"%s\", want \"%s\"", ok ? "valid" : err.msg,
				  want ? want : "valid");
}

static void
check_float(int line, const Parts *p, double count, const char *want)
{
	Histogram *h = histogram_from_int(&p->h);
	Err err = ERR_INIT;
	bool ok;

	h->count = count;
	ok = histogram_validate(h, &err);
	if (ok != (want == NULL) || (!ok && strcmp(err.msg, want) != 0))
		unit_fail(__FILE__, line, "got \"%s\", want \"%s\"", ok ? "valid" : err.msg,
				  want ? want : "valid");
}

#define SPOIL(make, change, want)                                                                  \
	do                                                                                             \
	{                                                                                              \
		Parts *p = make();                                                                         \
		change;                                                                                    \
		check_int(__LINE__, p, want);                                                              \
	} while (0)

UNIT_TEST(histogram_validate_exponential)
{
	SPOIL(exponential, (void) 0, NULL);
	SPOIL(exponential, p->h.schema = 9,
		  "histogram has an invalid schema, which must be between -4 and 8 for exponential "
		  "buckets, or -53 for custom buckets, got schema 9");
	SPOIL(exponential, p->pos_spans[1].offset = -1,
		  "positive side: span number 2 with offset -1: histogram has a span whose offset is "
		  "negative");
	SPOIL(exponential, p->pos_spans[1].length = 4,
		  "positive side: spans need 6 buckets, have 3 buckets: histogram spans specify different "
		  "number of buckets than provided");
	SPOIL(exponential, p->h.n_neg = 0,
		  "negative side: spans need 1 buckets, have 0 buckets: histogram spans specify different "
		  "number of buckets than provided");
	SPOIL(exponential, p->pos[1] = -4,
		  "positive side: bucket number 2 has observation count of -1: histogram has a bucket "
		  "whose observation count is negative");
	SPOIL(exponential, p->neg[0] = INT64_MIN,
		  "negative side: bucket number 1 has observation count of -9223372036854775808: histogram "
		  "has a bucket whose observation count is negative");
	SPOIL(exponential, p->h.count = 13,
		  "12 observations found in buckets, but the Count field is 13: histogram's observation "
		  "count should equal the number of observations found in the buckets (in absence of NaN)");
	SPOIL(exponential, (p->h.count = 13, p->h.sum = NAN), NULL);
	SPOIL(exponential, (p->h.count = 11, p->h.sum = NAN),
		  "12 observations found in buckets, but the Count field is 11: histogram's observation "
		  "count should be at least the number of observations found in the buckets");
	SPOIL(exponential, (p->h.n_custom = 1, p->h.custom = p->custom),
		  "histogram with exponential schema must not have custom bounds");
	SPOIL(exponential, (p->pos_spans[0].offset = INT32_MAX, p->pos_spans[1].offset = 5),
		  "positive side: histogram has a bucket whose index is out of range");
	SPOIL(exponential, (p->h.schema = 99, p->h.sum = value_from_bits(VALUE_STALE_BITS)), NULL);
	check_float(__LINE__, exponential(), 12, NULL);
	check_float(__LINE__, exponential(), 99, NULL); /* not checked for floats */
	check_float(__LINE__, exponential(), -1, "histogram's observation count is negative");
}

UNIT_TEST(histogram_validate_custom)
{
	SPOIL(custom, (void) 0, NULL);
	SPOIL(custom, p->custom[1] = 1,
		  "custom buckets: previous bound is 1.000000 and current is 1.000000: histogram custom "
		  "bounds must be in strictly increasing order");
	SPOIL(custom, p->custom[2] = INFINITY,
		  "custom buckets: last +Inf bound must not be explicitly defined: histogram custom bounds "
		  "must be finite");
	SPOIL(custom, p->custom[2] = NAN, "custom buckets: histogram custom bounds must not be NaN");
	SPOIL(custom, p->pos_spans[0].offset = -1,
		  "custom buckets: span number 1 with offset -1: histogram has a span whose offset is "
		  "negative");
	SPOIL(custom, p->pos_spans[1].length = 2,
		  "custom buckets: spans need 3 buckets, have 2 buckets: histogram spans specify different "
		  "number of buckets than provided");
	SPOIL(custom, p->pos_spans[1].offset = 2,
		  "custom buckets: only 3 custom bounds defined which is insufficient to cover total span "
		  "length of 5: histogram custom bounds are too few");
	SPOIL(custom, (p->h.zero_count = 1, p->h.count = 6),
		  "custom buckets: must have zero count of 0");
	SPOIL(custom, p->h.zero_threshold = 1, "custom buckets: must have zero threshold of 0");
	SPOIL(custom, p->h.n_neg_spans = 1, "custom buckets: must not have negative spans");
	SPOIL(custom, p->h.n_neg = 1, "custom buckets: must not have negative buckets");
	SPOIL(custom, p->h.n_custom = 0,
		  "custom buckets: only 0 custom bounds defined which is insufficient to cover total span "
		  "length of 4: histogram custom bounds are too few");
}

/* --- reduction ------------------------------------------------------------------------------ */

UNIT_TEST(histogram_reduction)
{
	/* schema 2 to 0: indexes -7..-4, 0 and 1..5 fall into -1, 0, 1 and 2 */
	HistogramSpan spans[] = {{-7, 4}, {3, 6}};
	int64_t deltas[] = {1, 0, 0, 0, 9, -9, 0, 0, 0, 6};
	IntHistogram i = {
		.schema = 2, .n_pos_spans = 2, .pos_spans = spans, .n_pos = 10, .pos = deltas};
	Histogram *f = histogram_from_int(&i);
	HistogramSample si = {.i = &i}, sf = {.f = f};

	histogram_reduce_int(&i, 0);
	histogram_reduce(f, 0);
	CHECK_INT(i.schema, 0);
	CHECK_INT(i.n_pos, 4);
	CHECK_INT(i.n_pos_spans, 1);
	CHECK_INT(i.pos_spans[0].offset, -1);
	CHECK_INT(gen_count(&si, false, -1), 4);
	CHECK_INT(gen_count(&si, false, 0), 10);
	CHECK_INT(gen_count(&si, false, 1), 4);
	CHECK_INT(gen_count(&si, false, 2), 7);
	for (int k = -3; k < 5; k++)
		CHECK(gen_count(&si, false, k) == gen_count(&sf, false, k));
	/* spans and buckets that do not agree are left alone */
	i = (IntHistogram){
		.schema = 2, .n_pos_spans = 2, .pos_spans = spans, .n_pos = 9, .pos = deltas};
	histogram_reduce_int(&i, 0);
	CHECK_INT(i.schema, 2);
	spans[1].offset = INT32_MAX;
	i.n_pos = 10;
	histogram_reduce_int(&i, 0);
	CHECK_INT(i.schema, 2);
}

/* Reducing keeps what is above 2^53 exact. */
UNIT_TEST(histogram_reduction_is_exact)
{
	HistogramSpan span = {1, 2};
	int64_t deltas[] = {(INT64_C(1) << 60) + 1, -(INT64_C(1) << 60)};
	IntHistogram h = {.schema = 9, .n_pos_spans = 1, .pos_spans = &span, .n_pos = 2, .pos = deltas};

	histogram_reduce_int(&h, 8);
	CHECK_INT(h.n_pos, 1);
	CHECK_INT(h.pos[0], (INT64_C(1) << 60) + 2);
}

/* --- binary form ---------------------------------------------------------------------------- */

static void
check_form(const HistogramSample *s)
{
	Buf form;
	HistogramSample back = {.t = 7};
	uint8_t *exact;

	buf_init(&form, 0, 1 << 20);
	histogram_sample_put(&form, s);
	exact = mem_dup(form.data, form.len);
	CHECK(histogram_sample_get(exact, exact + form.len, &back) == exact + form.len);
	CHECK_INT(back.t, 7);
	CHECK(histogram_sample_equal(s, &back));
	for (size_t len = 0; len < form.len; len++)
	{
		uint8_t *cut = mem_dup(form.data, len);

		CHECK(histogram_sample_get(cut, cut + len, &back) == NULL);
		mem_free(cut);
	}
	for (size_t bit = 0; bit < form.len * 8; bit++)
	{
		exact[bit / 8] ^= (uint8_t) (1 << bit % 8);
		if (histogram_sample_get(exact, exact + form.len, &back) != NULL &&
			!histogram_sample_is_stale(&back))
		{
			HistogramLayout l = histogram_sample_layout(&back);
			int n_pos, n_neg;

			CHECK(histogram_layout_check(&l, &n_pos, &n_neg));
			CHECK_INT(n_pos, back.i != NULL ? back.i->n_pos : back.f->n_pos);
			CHECK_INT(n_neg, back.i != NULL ? back.i->n_neg : back.f->n_neg);
			CHECK(l.schema <= HISTOGRAM_MAX_SCHEMA);
		}
		exact[bit / 8] ^= (uint8_t) (1 << bit % 8);
	}
	mem_free(exact);
	buf_free(&form);
}

UNIT_TEST(histogram_forms)
{
	static const int32_t schemas[] = {-4, 0, 8, HISTOGRAM_CUSTOM_SCHEMA};

	for (int i = 0; i < 40; i++)
	{
		GenState g = {
			.random = 31 + (uint64_t) i, .schema = schemas[i % 4], .first = i % 4 == 3 ? 0 : -5};
		HistogramSample s;

		gen_observe(&g, i * 3, 1 + i % GEN_BUCKETS);
		s = gen_sample(&g, 7, i % 2, i % 3 == 0);
		*(s.i != NULL ? &s.i->hint : &s.f->hint) = (HistogramHint) (i / 4 % 4);
		if (i % 5 == 0 && schemas[i % 4] != HISTOGRAM_CUSTOM_SCHEMA)
			*(s.i != NULL ? &s.i->zero_threshold : &s.f->zero_threshold) = 0.25;
		check_form(&s);
	}
	check_form(&(HistogramSample){.i = &exponential()->h});
	check_form(&(HistogramSample){.i = gen_stale(1, false).i});
	check_form(&(HistogramSample){.f = gen_stale(1, true).f});
}

UNIT_TEST(histogram_equality)
{
	HistogramSample a = {.i = &exponential()->h}, b = {.i = &exponential()->h, .t = 5}, f;

	CHECK(histogram_sample_equal(&a, &b));
	b.i->sum = nextafter(b.i->sum, 9);
	CHECK(!histogram_sample_equal(&a, &b));
	f = (HistogramSample){.f = histogram_from_int(a.i)};
	CHECK(!histogram_sample_equal(&a, &f));
	CHECK(histogram_sample_equal(&f, &(HistogramSample){.f = histogram_copy(f.f)}));
}

UNIT_TEST(histogram_layout_bounds)
{
	HistogramSpan spans[] = {{0, 1}, {0, 1}};
	double bounds[] = {1, 2};
	HistogramLayout l = {.schema = 8, .n_pos_spans = 2, .pos_spans = spans};
	int n_pos, n_neg;

	CHECK(histogram_layout_check(&l, &n_pos, &n_neg));
	CHECK_INT(n_pos, 2);
	CHECK_INT(n_neg, 0);
	l.schema = 52;
	CHECK(histogram_layout_check(&l, &n_pos, &n_neg));
	l.schema = 53;
	CHECK(!histogram_layout_check(&l, &n_pos, &n_neg));
	l.schema = -5;
	CHECK(!histogram_layout_check(&l, &n_pos, &n_neg));
	l.schema = 0;
	spans[1].offset = -1;
	CHECK(!histogram_layout_check(&l, &n_pos, &n_neg));
	spans[1] = (HistogramSpan){INT32_MAX, 1};
	CHECK(!histogram_layout_check(&l, &n_pos, &n_neg));
	spans[1] = (HistogramSpan){0, HISTOGRAM_MAX_BUCKETS};
	CHECK(!histogram_layout_check(&l, &n_pos, &n_neg));
	spans[1] = (HistogramSpan){1, 1}; /* buckets 0 and 2 of bounds 1, 2 and the overflow */
	l = (HistogramLayout){.schema = HISTOGRAM_CUSTOM_SCHEMA,
						  .n_pos_spans = 2,
						  .pos_spans = spans,
						  .n_custom = 2,
						  .custom = bounds};
	CHECK(histogram_layout_check(&l, &n_pos, &n_neg));
	spans[1].offset = 2;
	CHECK(!histogram_layout_check(&l, &n_pos, &n_neg));
	spans[1].offset = 1;
	bounds[1] = 1;
	CHECK(!histogram_layout_check(&l, &n_pos, &n_neg));
}
