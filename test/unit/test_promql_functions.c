/*
 * test_promql_functions.c
 *    Functions of single values: math, calendar, scalars.
 */
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
	CHECK_STR(promql_eval_range(&ev, "time()", 1500, 2500, 500),
			  "{} 1.5@1500 2@2000 2.5@2500\n");
}

UNIT_TEST(promql_fn_scalar)
{
	static const Case cases[] = {
		{"scalar(x{a=\"1\"})", "{} 1@60000\n"},
		{"scalar(x)", "{} NaN@60000\n"},
		{"scalar(nothing)", "{} NaN@60000\n"},
		{"vector(scalar(nothing))", "{} NaN@60000\n"},
		{"vector(time())", "{} 60@60000\n"},
	};
	PromqlEval ev;

	promql_eval_init(&ev);
	mem_source_load(&ev.source, "x{a=\"1\"}", 0, 60000, 2, (double[]){0, 1});
	mem_source_load(&ev.source, "x{a=\"2\"}", 0, 60000, 1, (double[]){2});
	mem_source_load(&ev.source, "x{a=\"3\"}", 0, 60000, 1, (double[]){3});
	CHECK_CASES(&ev, cases, 60000);
}
