/*
 * test_text_number.c
 *    Number texts against Go's (reference 0.2 and Appendix F) and ParseFloat.
 */
#include "unit.h"

#include "util/text.h"

#include <math.h>
#include <stdlib.h>

typedef struct NumberCase
{
	double v;
	const char *f, *json, *e, *g, *openmetrics;
} NumberCase;

static const NumberCase number_cases[] = {
	{1, "1", "1", "1e+00", "1", "1.0"},
	{0.1, "0.1", "0.1", "1e-01", "0.1", "0.1"},
	{1e6, "1000000", "1000000", "1e+06", "1e+06", "1e+06"},
	{1234567.5, "1234567.5", "1234567.5", "1.2345675e+06", "1.2345675e+06", "1.2345675e+06"},
	{1e-7, "0.0000001", "1e-07", "1e-07", "1e-07", "1e-07"},
	{1e21, "1000000000000000000000", "1e+21", "1e+21", "1e+21", "1e+21"},
	{-0.0, "-0", "-0", "-0e+00", "-0", "0.0"},
	{INFINITY, "+Inf", "+Inf", "+Inf", "+Inf", "+Inf"},
	{-INFINITY, "-Inf", "-Inf", "-Inf", "-Inf", "-Inf"},
	{NAN, "NaN", "NaN", "NaN", "NaN", "NaN"},
	{0, "0", "0", "0e+00", "0", "0.0"},
	{100000, "100000", "100000", "1e+05", "100000", "100000.0"},
	{1234567, "1234567", "1234567", "1.234567e+06", "1.234567e+06", "1.234567e+06"},
	{0.0001, "0.0001", "0.0001", "1e-04", "0.0001", "0.0001"},
	{0.00001, "0.00001", "0.00001", "1e-05", "1e-05", "1e-05"},
	{1e-6, "0.000001", "0.000001", "1e-06", "1e-06", "1e-06"},
	{-12.75, "-12.75", "-12.75", "-1.275e+01", "-12.75", "-12.75"},
	{0.001, "0.001", "0.001", "1e-03", "0.001", "0.001"},
	{123456789.125, "123456789.125", "123456789.125", "1.23456789125e+08", "1.23456789125e+08",
	 "1.23456789125e+08"},
	{999999999999999.0, "999999999999999", "999999999999999", "9.99999999999999e+14",
	 "9.99999999999999e+14", "9.99999999999999e+14"},
	{9007199254740993.0, "9007199254740992", "9007199254740992", "9.007199254740992e+15",
	 "9.007199254740992e+15", "9.007199254740992e+15"},
	{1.0 / 3, "0.3333333333333333", "0.3333333333333333", "3.333333333333333e-01",
	 "0.3333333333333333", "0.3333333333333333"},
	{0.1 + 0.2, "0.30000000000000004", "0.30000000000000004", "3.0000000000000004e-01",
	 "0.30000000000000004", "0.30000000000000004"},
	{0x1p70, "1180591620717411300000", "1.1805916207174113e+21", "1.1805916207174113e+21",
	 "1.1805916207174113e+21", "1.1805916207174113e+21"},
};

UNIT_TEST(text_number_forms)
{
	char out[TEXT_DOUBLE_MAX];

	for (size_t i = 0; i < sizeof(number_cases) / sizeof(number_cases[0]); i++)
	{
		const NumberCase *c = &number_cases[i];

		CHECK_INT(text_double_f(out, c->v), strlen(c->f));
		CHECK_STR(out, c->f);
		CHECK_INT(text_double_json(out, c->v), strlen(c->json));
		CHECK_STR(out, c->json);
		CHECK_INT(text_double_e(out, c->v), strlen(c->e));
		CHECK_STR(out, c->e);
		CHECK_INT(text_double_shortest_g(out, c->v), strlen(c->g));
		CHECK_STR(out, c->g);
		CHECK_INT(text_double_openmetrics(out, c->v), strlen(c->openmetrics));
		CHECK_STR(out, c->openmetrics);
	}
}

UNIT_TEST(text_number_extremes)
{
	char out[TEXT_DOUBLE_MAX];

	text_double_e(out, 0x1p-1074);
	CHECK_STR(out, "5e-324");
	text_double_json(out, -0x1.fffffffffffffp+1023);
	CHECK_STR(out, "-1.7976931348623157e+308");
	CHECK_INT(text_double_f(out, 0x1.fffffffffffffp+1023), 309);
	CHECK_INT(text_double_f(out, -0x1p-1074), 3 + 323 + 1);
	CHECK(text_double_f(out, -0x0.fffffffffffffp-1022) < TEXT_DOUBLE_MAX);
	CHECK_INT(strncmp(out, "-0.00000", 8), 0);
}

/* Every form reads back to the same bits, and no shorter precision of printf does. */
UNIT_TEST(text_number_round_trip)
{
	uint64_t state = 88172645463325252u;

	for (int i = 0; i < 200000; i++)
	{
		char out[TEXT_DOUBLE_MAX], shorter[64];
		double v, back;
		int n, digits = 0;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		if (i % 4 == 0) /* decimals with a few places, the fast path and its edge */
			v = (double) (int64_t) (state >> (state % 50)) / (i % 8 ? 1000 : 100);
		else
			memcpy(&v, &state, sizeof(v));
		if (!isfinite(v) || v == 0)
			continue;
		n = text_double_json(out, v);
		CHECK(text_parse_double(out, (size_t) n, &back) && memcmp(&v, &back, sizeof(v)) == 0);
		n = text_double_f(out, v);
		CHECK(text_parse_double(out, (size_t) n, &back) && memcmp(&v, &back, sizeof(v)) == 0);
		n = text_double_e(out, v);
		for (int k = 0; out[k] != 'e'; k++)
			digits += out[k] >= '0' && out[k] <= '9';
		if (digits > 1)
		{
			snprintf(shorter, sizeof(shorter), "%.*e", digits - 2, v);
			CHECK(strtod(shorter, NULL) != v);
		}
		if (unit_failed())
			return;
	}
}

typedef struct ParseCase
{
	const char *text;
	bool ok;
	double v;
} ParseCase;

static const ParseCase parse_cases[] = {
	{"0", true, 0},
	{"-0", true, -0.0},
	{"+1", true, 1},
	{"1.", true, 1},
	{".5", true, 0.5},
	{"1e3", true, 1000},
	{"1E+3", true, 1000},
	{"1e-3", true, 0.001},
	{"1_000", true, 1000},
	{"1_23.50_0_0e+1_2", true, 1.235e14},
	{"0x1p-2", true, 0.25},
	{"0X1.8P1", true, 3},
	{"0x_1_2.3_4_5p+1_2", true, 74565},
	{"0x.8p0", true, 0.5},
	{"-0x1p4", true, -16},
	{"inf", true, INFINITY},
	{"+Inf", true, INFINITY},
	{"-INFINITY", true, -INFINITY},
	{"1e-400", true, 0},
	{"-1e-400", true, -0.0},
	{"0e999999999999", true, 0},
	{"0x1p-2000", true, 0},
	{"4.9e-324", true, 0x1p-1074},
	{"1.7976931348623157e308", true, 0x1.fffffffffffffp+1023},
	{"0.000000000000000000000000000000000000000000000000000000000000001e63", true, 1},
	/* out of range: false, but the infinity is there */
	{"1e999", false, INFINITY},
	{"-1e999", false, -INFINITY},
	{"1e99999999999999999999", false, INFINITY},
	{"0x1p1024", false, INFINITY},
	/* syntax */
	{"", false, 0},
	{"+", false, 0},
	{".", false, 0},
	{"e5", false, 0},
	{"1e", false, 0},
	{"1e+", false, 0},
	{" 1", false, 0},
	{"1 ", false, 0},
	{"1.2.3", false, 0},
	{"+nan", false, 0},
	{"infx", false, 0},
	{"0x1", false, 0},
	{"0x", false, 0},
	{"0xp1", false, 0},
	{"_1", false, 0},
	{"1_", false, 0},
	{"1__2", false, 0},
	{"1_.5", false, 0},
	{"1._5", false, 0},
	{"1e_5", false, 0},
	{"1e5_", false, 0},
	{"0x1p1f", false, 0},
};

UNIT_TEST(text_number_parse)
{
	double v;

	for (size_t i = 0; i < sizeof(parse_cases) / sizeof(parse_cases[0]); i++)
	{
		const ParseCase *c = &parse_cases[i];
		bool ok = text_parse_double(c->text, strlen(c->text), &v);

		if (ok != c->ok || memcmp(&v, &c->v, sizeof(v)) != 0)
			unit_fail(__FILE__, __LINE__, "\"%s\" -> %d %g", c->text, ok, v);
	}
	CHECK(!text_parse_double("1\0", 2, &v));
	CHECK(text_parse_double("NaN", 3, &v) && isnan(v));
	CHECK(text_parse_double("12345", 3, &v) && v == 123);
}
