/*
 * test_promql_functions.c
 *    Functions of instant vectors: math, calendar, scalars, labels, order, absence.
 */
#include "promql/functions/natural.h"
#include "promql_eval.h"
#include "unit.h"

typedef struct Case
{
	const char *query;
	const char *want;
} Case;

static void
check_cases(PromqlEval *ev, const Case *cases, int n, int64_t t)
{
	for (int i = 0; i < n; i++)
	{
		const char *got = promql_eval_instant(ev, cases[i].query, t);

		if (strcmp(got, cases[i].want) != 0)
			unit_fail(__FILE__, __LINE__, "%s\n# got:  %s# want: %s", cases[i].query, got,
					  cases[i].want);
	}
}

#define CHECK_CASES(ev, cases, t) check_cases(ev, cases, sizeof(cases) / sizeof((cases)[0]), t)

UNIT_TEST(promql_fn_math)
{
	static const Case cases[] = {
		{"abs(vector(-2))", "{} 2@0\n"},
		{"ceil(vector(-1.5))", "{} -1@0\n"},
		{"floor(vector(-1.5))", "{} -2@0\n"},
		{"sqrt(vector(9))", "{} 3@0\n"},
		{"ln(vector(0))", "{} -Inf@0\n"},
		{"ln(vector(-1))", "{} NaN@0\n"},
		{"log2(vector(8))", "{} 3@0\n"},
		{"log10(vector(1000))", "{} 3@0\n"},
		{"exp(vector(0))", "{} 1@0\n"},
		{"sgn(vector(-3))", "{} -1@0\n"},
		{"sgn(vector(3))", "{} 1@0\n"},
		{"sgn(vector(-0))", "{} -0@0\n"},
		{"sgn(vector(NaN))", "{} NaN@0\n"},
		{"round(vector(2.5))", "{} 3@0\n"},
		{"round(vector(-2.5))", "{} -2@0\n"},
		{"round(vector(2.34), 0.5)", "{} 2.5@0\n"},
		{"round(vector(1), 0)", "{} NaN@0\n"},
		{"clamp(vector(5), 1, 3)", "{} 3@0\n"},
		{"clamp(vector(5), 3, 1)", ""},
		{"clamp(vector(5), NaN, 3)", "{} NaN@0\n"},
		{"clamp_min(vector(-0), 0)", "{} 0@0\n"},
		{"clamp_max(vector(0), -0)", "{} -0@0\n"},
		{"clamp_max(vector(-Inf), NaN)", "{} -Inf@0\n"},
		{"clamp_min(vector(+Inf), NaN)", "{} +Inf@0\n"},
		{"clamp_min(vector(1), NaN)", "{} NaN@0\n"},
		{"acos(vector(2))", "{} NaN@0\n"},
		{"deg(vector(pi()))", "{} 180@0\n"},
		{"rad(vector(180)) == pi()", "{} 3.141592653589793@0\n"},
		{"tanh(vector(0)) + atanh(vector(0)) + asinh(vector(0))", "{} 0@0\n"},
		{"max_of(1, NaN)", "{} NaN@0\n"},
		{"max_of(+Inf, NaN)", "{} +Inf@0\n"},
		{"min_of(scalar(vector(4)), 3)", "{} 3@0\n"},
	};
	PromqlEval ev;

	promql_eval_init(&ev);
	CHECK_CASES(&ev, cases, 0);
}

UNIT_TEST(promql_fn_calendar)
{
	static const Case cases[] = {
		{"year(vector(-1))", "{} 1969@0\n"},
		{"month(vector(-1))", "{} 12@0\n"},
		{"day_of_month(vector(-1))", "{} 31@0\n"},
		{"hour(vector(-1))", "{} 23@0\n"},
		{"minute(vector(-0.5))", "{} 0@0\n"},
		{"day_of_week(vector(0))", "{} 4@0\n"},
		{"day_of_week(vector(-345600))", "{} 0@0\n"},
		/* 2000-02-29, 2100-03-01, 1600-12-31 */
		{"day_of_year(vector(951782400))", "{} 60@0\n"},
		{"days_in_month(vector(951782400))", "{} 29@0\n"},
		{"day_of_year(vector(4107542400))", "{} 60@0\n"},
		{"days_in_month(vector(4102444800 + 31 * 86400))", "{} 28@0\n"},
		{"day_of_year(vector(-11644560000))", "{} 366@0\n"},
		{"month()", "{} 1@0\n"},
		{"timestamp(vector(7))", "{} 0@0\n"},
		{"start_timestamp(vector(7))", ""},
	};
	PromqlEval ev;

	promql_eval_init(&ev);
	CHECK_CASES(&ev, cases, 0);
	CHECK_STR(promql_eval_range(&ev, "minute()", 59000, 120000, 30000),
			  "{} 0@59000 1@89000 1@119000\n");
	CHECK_STR(promql_eval_range(&ev, "time()", 1500, 2500, 500), "{} 1.5@1500 2@2000 2.5@2500\n");
}

UNIT_TEST(promql_fn_scalar)
{
	static const Case cases[] = {
		{"scalar(x{a=\"1\"})", "{} 1@60000\n"}, {"scalar(x)", "{} NaN@60000\n"},
		{"scalar(nothing)", "{} NaN@60000\n"},	{"vector(scalar(nothing))", "{} NaN@60000\n"},
		{"vector(time())", "{} 60@60000\n"},
	};
	PromqlEval ev;

	promql_eval_init(&ev);
	mem_source_load(&ev.source, "x{a=\"1\"}", 0, 60000, 2, (double[]){0, 1});
	mem_source_load(&ev.source, "x{a=\"2\"}", 0, 60000, 1, (double[]){2});
	mem_source_load(&ev.source, "x{a=\"3\"}", 0, 60000, 1, (double[]){3});
	CHECK_CASES(&ev, cases, 60000);
}

/* three series of one job at 60 s */
static void
load_instances(PromqlEval *ev)
{
	promql_eval_init(ev);
	mem_source_load(&ev->source, "x{i=\"a10\"}", 0, 60000, 2, (double[]){0, 2});
	mem_source_load(&ev->source, "x{i=\"a2\"}", 0, 60000, 2, (double[]){0, NAN});
	mem_source_load(&ev->source, "x{i=\"b\"}", 0, 60000, 2, (double[]){0, 1});
}

UNIT_TEST(promql_fn_label)
{
	static const Case cases[] = {
		{"label_replace(x{i=\"b\"}, \"j\", \"<$1>\", \"i\", \"(.*)\")",
		 "x{i=\"b\", j=\"<b>\"} 1@60000\n"},
		{"label_replace(x{i=\"b\"}, \"i\", \"\", \"i\", \".*\")", "x 1@60000\n"},
		{"label_replace(x{i=\"b\"}, \"j\", \"y\", \"i\", \"bb\")", "x{i=\"b\"} 1@60000\n"},
		{"label_replace(x{i=\"b\"}, \"j\", \"y\", \"none\", \"\")",
		 "x{i=\"b\", j=\"y\"} 1@60000\n"},
		{"label_replace(x, \"i\", \"same\", \"i\", \".*\")",
		 "error: vector cannot contain metrics with the same labelset\n"},
		{"label_replace(x, \"j\", \"\", \"i\", \"(\")",
		 "error: invalid regular expression in label_replace(): (\n"},
		{"label_replace(x, \"\", \"\", \"i\", \"\")",
		 "error: invalid destination label name in label_replace(): \n"},
		{"label_join(x{i=\"b\"}, \"j\", \"-\", \"i\", \"none\", \"i\")",
		 "x{i=\"b\", j=\"b--b\"} 1@60000\n"},
		{"label_join(x{i=\"b\"}, \"i\", \"-\")", "x 1@60000\n"},
		{"label_join(x, \"j\", \"-\", \"\")",
		 "error: invalid source label name in label_join(): \n"},
		{"label_join(x, \"\\xff\", \"-\", \"i\")",
		 "error: invalid destination label name in label_join(): \xff\n"},
	};
	PromqlEval ev;

	load_instances(&ev);
	CHECK_CASES(&ev, cases, 60000);
	ev.flags.delayed_name_removal = true;
	CHECK_STR(promql_eval_instant(
				  &ev, "label_replace(abs(x{i=\"b\"}), \"__name__\", \"y\", \"i\", \".*\")", 60000),
			  "y{i=\"b\"} 1@60000\n");
	CHECK_STR(
		promql_eval_instant(
			&ev, "label_replace(abs(x{i=\"b\"}), \"n\", \"$1\", \"__name__\", \"(.*)\")", 60000),
		"{i=\"b\", n=\"x\"} 1@60000\n");
}

UNIT_TEST(promql_fn_sort)
{
	static const Case cases[] = {
		{"sort(x)", "x{i=\"b\"} 1@60000\nx{i=\"a10\"} 2@60000\nx{i=\"a2\"} NaN@60000\n"},
		{"sort_desc(x)", "x{i=\"a10\"} 2@60000\nx{i=\"b\"} 1@60000\nx{i=\"a2\"} NaN@60000\n"},
		{"sort_by_label(x, \"i\")",
		 "x{i=\"a2\"} NaN@60000\nx{i=\"a10\"} 2@60000\nx{i=\"b\"} 1@60000\n"},
		{"sort_by_label_desc(x, \"none\", \"i\")",
		 "x{i=\"b\"} 1@60000\nx{i=\"a10\"} 2@60000\nx{i=\"a2\"} NaN@60000\n"},
		{"sort_by_label(x)", "x{i=\"a10\"} 2@60000\nx{i=\"a2\"} NaN@60000\nx{i=\"b\"} 1@60000\n"},
	};
	PromqlEval ev;

	load_instances(&ev);
	CHECK_CASES(&ev, cases, 60000);
	CHECK_STR(promql_eval_range(&ev, "sort(x{i=\"b\"})", 0, 60000, 60000),
			  "x{i=\"b\"} 0@0 1@60000\n"
			  "PromQL warning: sort is ineffective for range queries since results are always "
			  "ordered by labels (1:1)\n");
}

UNIT_TEST(promql_natural_order)
{
	static const struct
	{
		const char *a, *b;
		bool less, greater;
	} cases[] = {
		{"a2", "a10", true, false},
		{"a", "a1", true, false},
		{"", "a", false, false},
		{"1", "01", true, true},
		{"a1b", "a1c", true, false},
		{"a01b", "a1c", true, false},
		{"1", "a", true, false},
		{"a1", "a1b", true, false},
		/* beyond an int64 digits are text */
		{"9223372036854775808", "1", false, true},
		{"9223372036854775807", "1", false, true},
		{"10000000000000000000", "9", true, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		StrView a = strview_cstr(cases[i].a), b = strview_cstr(cases[i].b);

		if (promql_natural_less(a, b) != cases[i].less ||
			promql_natural_less(b, a) != cases[i].greater)
			unit_fail(__FILE__, __LINE__, "order of \"%s\" and \"%s\"", cases[i].a, cases[i].b);
	}
}

UNIT_TEST(promql_fn_absent)
{
	static const Case cases[] = {
		{"absent(x)", ""},
		{"absent(y)", "{} 1@60000\n"},
		{"absent(y{a=\"1\", b=~\"2\", c!=\"3\"})", "{a=\"1\"} 1@60000\n"},
		{"absent(y{a=\"1\", a=\"1\", b=\"2\"})", "{b=\"2\"} 1@60000\n"},
		{"absent(y{a=\"1\"} > 5)", "{} 1@60000\n"},
		{"absent_over_time(x[1m])", ""},
		{"absent_over_time(y{a=\"1\"}[1m])", "{a=\"1\"} 1@60000\n"},
		{"absent_over_time(y{a=\"1\"}[1m:])", "{} 1@60000\n"},
	};
	PromqlEval ev;

	load_instances(&ev);
	CHECK_CASES(&ev, cases, 60000);
	CHECK_STR(promql_eval_range(&ev, "absent_over_time(x[1m])", 60000, 180000, 60000),
			  "{} 1@120000 1@180000\n");
	CHECK_STR(promql_eval_range(&ev, "absent(x)", -60000, 0, 60000), "{} 1@-60000\n");
}
