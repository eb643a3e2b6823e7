/*
 * test_histogram_notation.c
 *    Native histograms as text: what is read, what is written, that the two agree; normal form.
 */
#include "unit.h"

#include "histogram_gen.h"

#define USUAL "z_bucket_w:2.938735877055719e-39"

typedef struct TextCase
{
	const char *text;
	const char *canonical; /* NULL: refused */
	const char *message;   /* NULL: any */
	int pos;
} TextCase;

static const TextCase text_cases[] = {
	{"{{}}", "{{}}", NULL, 0},
	{" {{ } }", NULL, "expected a key or \"}}\"", 4},
	{" {{ }} ", "{{}}", NULL, 0},
	{"{{count:2 sum:-0 schema:1 buckets:[1 1] offset:-3}}",
	 "{{schema:1 count:2 sum:-0 offset:-3 buckets:[1 1]}}", NULL, 0},
	{"{{kind:float offset:4 z_bucket:0.5 z_bucket_w:1e-3}}", "{{z_bucket:0.5 z_bucket_w:0.001}}",
	 NULL, 0},
	{"{{buckets:[ _x2 1 _x0 2 ]}}", NULL, "gap is out of range", 18},
	{"{{buckets:[_x2 1 _ _x2 2 _x9]}}", "{{offset:2 buckets:[1 _x3 2]}}", NULL, 0},
	{"{{kind:integer count:18446744073709551615 z_bucket:7 buckets:[5 9223372036854775807 -3]}}",
	 "{{kind:integer count:18446744073709551615 z_bucket:7 buckets:[5 9223372036854775807 -3]}}",
	 NULL, 0},
	{"{{kind:integer count:18446744073709551616}}", NULL, "integer is out of range", 21},
	{"{{kind:integer buckets:[1.5]}}", NULL, "expected an integer", 24},
	{"{{kind:integer count:-1}}", NULL, "expected an integer", 21},
	{"{{kind:other}}", NULL, "expected \"integer\" or \"float\" as \"kind\"", 7},
	{"{{sum:stale}}", "{{sum:stale}}", NULL, 0},
	{"{{kind:integer schema:2 sum:stale buckets:[1] counter_reset_hint:gauge}}",
	 "{{kind:integer sum:stale counter_reset_hint:gauge}}", NULL, 0},
	{"{{count:stale}}", NULL, "expected a number", 8},
	{"{{sum:NaN count:+Inf n_buckets:[1e300 0x1p-1074] n_offset:-5}}",
	 "{{count:+Inf sum:NaN n_offset:-5 n_buckets:[1e+300 5e-324]}}", NULL, 0},
	{"{{schema:-53 custom_values:[1 2.5] buckets:[1 2 3]}}",
	 "{{schema:-53 custom_values:[1 2.5] buckets:[1 2 3]}}", NULL, 0},
	{"{{schema:-53 buckets:[1]}}", "{{schema:-53 custom_values:[] buckets:[1]}}", NULL, 0},
	{"{{schema:-53 custom_values:[1 2.5] buckets:[1 2 3 4]}}", NULL,
	 "schema, buckets and custom values do not make a histogram", -1},
	{"{{custom_values:[1]}}", NULL, NULL, -1},
	{"{{schema:9}}", NULL, NULL, -1},
	{"{{schema:-5}}", NULL, NULL, -1},
	{"{{schema:-53 custom_values:[2 1]}}", NULL, NULL, -1},
	{"{{schema:-53 n_buckets:[1]}}", NULL, NULL, -1},
	{"{{offset:2147483647 buckets:[1 1]}}", NULL, NULL, -1},
	{"{{offset:1073741825 buckets:[1]}}", NULL, NULL, -1},
	{"{{offset:1073741824 buckets:[1 1]}}", NULL, NULL, -1},
	{"{{offset:-1073741825 buckets:[1]}}", NULL, NULL, -1},
	{"{{offset:1073741824 buckets:[1]}}", "{{offset:1073741824 buckets:[1]}}", NULL, 0},
	{"{{offset:-1073741824 buckets:[1 _x2147483647 1]}}",
	 "{{offset:-1073741824 buckets:[1 _x2147483647 1]}}", NULL, 0},
	{"{{schema:2147483648}}", NULL, "integer is out of range in \"schema\"", 9},
	{"{{counter_reset_hint:reset}}", "{{counter_reset_hint:reset}}", NULL, 0},
	{"{{counter_reset_hint:unknown}}", "{{}}", NULL, 0},
	{"{{counter_reset_hint:maybe}}", NULL, "unknown \"counter_reset_hint\"", 21},
	{"{{buckets:[1] buckets:[2]}}", NULL, "key is given twice", 14},
	{"{{bucket:[1]}}", NULL, "unknown key", 2},
	{"{{sum}}", NULL, "expected \":\" behind the key", 5},
	{"{{sum:}}", NULL, "expected a value", 6},
	{"{{buckets:1}}", NULL, "expected \"[\"", 10},
	{"{{buckets:[1}}", NULL, "expected a number or \"]\"", 12},
	{"{{buckets:[_y1]}}", NULL, "expected _xN, a gap of N buckets", 11},
	{"{{buckets:[_x]}}", NULL, "expected an integer", 13},
	{"{{sum:1}", NULL, "expected a key or \"}}\"", 7},
	{"{{sum:1}} 2", NULL, "unexpected text behind the histogram", 10},
	{"{sum:1}", NULL, "expected \"{{\"", 0},
	{"", NULL, "expected \"{{\"", 0},
};

UNIT_TEST(histogram_notation_reads)
{
	Buf b;

	buf_init(&b, 0, 1000);
	for (size_t i = 0; i < sizeof(text_cases) / sizeof(text_cases[0]); i++)
	{
		const TextCase *c = &text_cases[i];
		size_t len = strlen(c->text);
		char *exact = mem_dup(c->text, len);
		Err err = ERR_INIT;
		HistogramSample s, back;
		bool ok = histogram_sample_parse(exact, len, &s, &err);

		if (ok != (c->canonical != NULL))
			unit_fail(__FILE__, __LINE__, "%s: %s", c->text, ok ? "accepted" : err.msg);
		else if (!ok)
		{
			if (c->message != NULL)
				CHECK_STR(err.msg, c->message);
			CHECK_INT(err.pos, c->pos);
		}
		else
		{
			buf_reset(&b);
			histogram_sample_text(&b, &s);
			CHECK_STR(b.data, c->canonical);
			CHECK(histogram_sample_parse(b.data, b.len, &back, &err));
			CHECK(histogram_sample_equal(&s, &back));
		}
		mem_free(exact);
	}
}

/* Whatever is generated reads back to the same bits. */
UNIT_TEST(histogram_notation_round_trips)
{
	static const int32_t schemas[] = {HISTOGRAM_CUSTOM_SCHEMA, -4, 0, 8};
	Buf b;

	buf_init(&b, 0, 100000);
	for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++)
	{
		GenState g = {.random = 7 + i, .schema = schemas[i], .first = schemas[i] < -4 ? 0 : -9};

		for (int k = 0; k < 40; k++)
		{
			HistogramSample s, back;
			Err err = ERR_INIT;

			gen_observe(&g, 20, 8 + k % 16);
			s = k == 39 ? gen_stale(k, true) : gen_sample(&g, k, k % 2 == 0, k % 3 == 0);
			histogram_sample_normalize(&s);
			CHECK(histogram_sample_is_normal(&s));
			buf_reset(&b);
			histogram_sample_text(&b, &s);
			if (!histogram_sample_parse(b.data, b.len, &back, &err))
				unit_fail(__FILE__, __LINE__, "%s: %s", b.data, err.msg);
			else if (!histogram_sample_equal(&s, &back))
				unit_fail(__FILE__, __LINE__, "%s differs", b.data);
		}
	}
}

UNIT_TEST(histogram_normal_form)
{
	HistogramSpan pos[] = {{3, 0}, {-1, 2}, {0, 1}, {0, 0}, {2, 0}, {1, 1}, {4, 0}};
	HistogramSpan neg[] = {{INT32_MIN, 1}, {INT32_MAX, 0}, {5, 0}, {0, 1}};
	double pos_counts[] = {1, 2, 3, value_from_bits(UINT64_C(0xfff8000000000000))};
	double neg_counts[] = {5, value_from_bits(VALUE_STALE_BITS)};
	Histogram h = {.sum = value_from_bits(UINT64_C(0x7ff8000000000000)),
				   .zero_threshold = 0x1p-128,
				   .pos_spans = pos,
				   .n_pos_spans = 7,
				   .neg_spans = neg,
				   .n_neg_spans = 4,
				   .pos = pos_counts,
				   .n_pos = 4,
				   .neg = neg_counts,
				   .n_neg = 2};
	HistogramSample s = {.f = &h};
	Buf b;

	CHECK(!histogram_sample_is_normal(&s));
	histogram_sample_normalize(&s);
	CHECK_INT(h.n_pos_spans, 2);
	CHECK(pos[0].offset == 2 && pos[0].length == 3 && pos[1].offset == 3 && pos[1].length == 1);
	CHECK_INT(h.n_neg_spans, 3);
	CHECK(neg[1].offset == INT32_MAX && neg[1].length == 0 && neg[2].offset == 5);
	CHECK(value_bits(h.sum) == VALUE_NAN_BITS && value_bits(pos_counts[3]) == VALUE_NAN_BITS);
	CHECK(value_bits(neg_counts[1]) == VALUE_NAN_BITS);
	buf_init(&b, 0, 1000);
	histogram_sample_text(&b, &s);
	CHECK_STR(b.data, "{{sum:NaN " USUAL " offset:2 buckets:[1 2 3 _x3 NaN] n_offset:-2147483648 "
					  "n_buckets:[5 _x2147483647 _x5 NaN]}}");
}
