/*
 * test_series_desc.c
 *    Series descriptions of the test language.
 */
#include "promqltest/series_desc.h"
#include "unit.h"

#include "util/text.h"

/* combine_sums -- enough of histogram arithmetic to see what was asked for. */
static Histogram *
combine_sums(const Histogram *a, const Histogram *b, bool subtract, Err *err)
{
	Histogram *h = histogram_copy(a);

	h->sum += subtract ? -b->sum : b->sum;
	return h;
}

/* expand -- the values in short: floats, "_", histograms as {schema,sum}. */
static const char *
expand(const char *text)
{
	SeriesDesc d;
	Err err = ERR_INIT;
	Buf b;

	buf_init(&b, 64, SIZE_MAX / 2);
	if (!series_desc_parse(text, strlen(text), combine_sums, &d, &err))
		return err.msg;
	labels_text(&b, d.labels);
	for (int i = 0; i < d.n; i++)
	{
		const SeriesValue *v = &d.values[i];
		char number[TEXT_DOUBLE_MAX];

		if (v->omitted)
			buf_str(&b, " _");
		else if (v->h != NULL)
			buf_printf(&b, " {%d,%g%s}", (int) v->h->schema, v->h->sum, v->has_hint ? ",hint" : "");
		else if (value_is_stale(v->v))
			buf_str(&b, " stale");
		else
		{
			text_double_f(number, v->v);
			buf_printf(&b, " %s", number);
		}
	}
	return b.data;
}

UNIT_TEST(series_values)
{
	static const struct
	{
		const char *text;
		const char *values;
	} cases[] = {
		{"foo 1 2 3", "foo 1 2 3"},
		{"foo", "foo"},
		{"{} 1", "{} 1"},
		{"foo{a=\"b\", c='}'}  1\t-2.5  ", "foo{a=\"b\", c=\"}\"} 1 -2.5"},
		{"{\"a.b\", \"c.d\"=\"e\"} 1", "{\"a.b\", \"c.d\"=\"e\"} 1"},
		{"foo 1x2", "foo 1 1 1"},
		{"foo 0+10x3", "foo 0 10 20 30"},
		{"foo 5-2x2", "foo 5 3 1"},
		{"foo -1+2x1 1x0", "foo -1 1 1"},
		{"foo _ _x2 1", "foo _ _ _ 1"},
		{"foo stale Inf -inf NaN 1e3 .5", "foo stale +Inf -Inf NaN 1000 0.5"},
		{"foo Inf+1x1", "foo +Inf +Inf"},
		{"foo {{schema:1 sum:5}} {{}}x1", "foo {1,5} {0,0} {0,0}"},
		{"foo {{sum:5}}+{{sum:2}}x2", "foo {0,5} {0,7} {0,9}"},
		{"foo {{sum:5 counter_reset_hint:gauge}}-{{sum:2}}x1", "foo {0,5} {0,3}"},
		{"foo {{sum:5}}-{{sum:2 counter_reset_hint:gauge}}x1", "foo {0,5,hint} {0,3,hint}"},
		{"foo {{counter_reset_hint:not_reset}}", "foo {0,0,hint}"},
		{"foo 1 2x", "1:9: parse error: unexpected end of input in series values, expected a "
					 "repetition"},
		{"foo 1+2", "1:8: parse error: unexpected end of input in series values"},
		{"foo x", "1:5: parse error: unexpected character 'x' in series values, expected number "
				  "or \"stale\""},
		{"foo 1,2", "1:6: parse error: unexpected character ',' in series values"},
		{"foo{a!=\"b\"} 1", "1:1: parse error: unexpected matcher in label set, expected \"=\""},
		{"foo 1x9999999999", "1:14: parse error: too many series values"},
		{"foo {{sum:1 sum:2}}", "1:16: parse error: duplicate key \"sum\" in histogram"},
		{"foo {{schema:2}}+{{schema:1}}x1", "1:32: parse error: error combining histograms: cannot "
											"merge from schema 1 to 2"},
		{"foo {{nope:1}}", "1:11: parse error: unexpected character ':' in histogram description, "
						   "expected histogram description key, e.g. buckets:[5 10 7]"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK_STR(expand(cases[i].text), cases[i].values);
}

UNIT_TEST(series_histogram_fields)
{
	static const char text[] =
		"foo {{schema:-53 count:6 sum:-1.5 z_bucket:2 z_bucket_w:0.001 buckets:[1 2 3] offset:-2 "
		"n_buckets:[4] n_offset:1 custom_values:[5 10] counter_reset_hint:reset }}";
	SeriesDesc d;
	Err err = ERR_INIT;
	Histogram *h;

	CHECK(series_desc_parse(text, strlen(text), combine_sums, &d, &err));
	CHECK_INT(d.n, 1);
	h = d.values[0].h;
	CHECK_INT(h->schema, HISTOGRAM_CUSTOM_SCHEMA);
	CHECK(h->count == 6 && h->sum == -1.5 && h->zero_count == 2 && h->zero_threshold == 0.001);
	CHECK_INT(h->n_pos, 3);
	CHECK(h->pos[2] == 3);
	CHECK_INT(h->n_pos_spans, 1);
	CHECK_INT(h->pos_spans[0].offset, -2);
	CHECK_INT(h->pos_spans[0].length, 3);
	CHECK_INT(h->n_neg, 1);
	CHECK_INT(h->neg_spans[0].offset, 1);
	CHECK_INT(h->n_custom, 2);
	CHECK_INT(h->hint, HISTOGRAM_HINT_RESET);
}

UNIT_TEST(series_start_timestamps)
{
	static const char text[] = "foo{a=\"b\"}@st _ _x2 -30s-1mx2 1ms 0 0-1mx1 -59999msx1";
	static const SeriesStart want[] = {
		{true, 0},	{true, 0},	{true, 0},	{false, -30000}, {false, -90000}, {false, -150000},
		{false, 1}, {false, 0}, {false, 0}, {false, -60000}, {false, -59999}, {false, -59999},
	};
	SeriesStarts s;
	Err err = ERR_INIT;

	CHECK(series_starts_is(text, strlen(text)));
	CHECK(!series_starts_is("foo 1 2", 7));
	CHECK(!series_starts_is("foo{a=\"@st 1\"} 1", 16));
	if (!series_starts_parse(text, strlen(text), &s, &err))
		unit_fail(__FILE__, __LINE__, "%s", err.msg);
	CHECK_INT(s.n, sizeof(want) / sizeof(*want));
	for (int i = 0; i < s.n; i++)
	{
		CHECK_INT(s.starts[i].omitted, want[i].omitted);
		if (!s.starts[i].omitted)
			CHECK_INT(s.starts[i].ms, want[i].ms);
	}
	CHECK(!series_starts_parse("foo@st _x0", 10, &s, &err));
}
