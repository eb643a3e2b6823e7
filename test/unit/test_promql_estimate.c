/*
 * test_promql_estimate.c
 *    Guesses of how much a query reads and gives, over statistics that know everything.
 *
 * The data: x with 3 jobs of 4 instances, h_bucket with 10 buckets for each, y with one series a
 * job; a sample every 15 s, all the time.
 */
#include "promql/estimate.h"

#include "mem_source.h"
#include "unit.h"

#include <math.h>

#define NSERIES (12 + 120 + 3)

static Labels series[NSERIES];

static void
make_series(void)
{
	int n = 0;

	for (int j = 0; j < 3; j++)
	{
		for (int i = 0; i < 4; i++)
		{
			series[n++] = mem_source_labels(mem_printf("x{job=\"%d\",i=\"%d\"}", j, i));
			for (int b = 0; b < 10; b++)
				series[n++] = mem_source_labels(
					mem_printf("h_bucket{job=\"%d\",i=\"%d\",le=\"%d\"}", j, i, b));
		}
		series[n++] = mem_source_labels(mem_printf("y{job=\"%d\",zone=\"z\"}", j));
	}
	CHECK_INT(n, NSERIES);
}

/* An unknown value is taken for one of three. */
static double
matching(const Matcher *ms, int n, Labels *out)
{
	double unknown = 1;
	int found = 0;

	for (int s = 0; s < NSERIES; s++)
	{
		bool ok = true;

		unknown = 1;
		for (int i = 0; i < n; i++)
		{
			StrView value;

			labels_get(series[s], ms[i].name, &value);
			if (promql_value_is_unknown(ms[i].value))
				unknown /= 3;
			else
				ok &= matcher_matches(&ms[i], value);
		}
		if (ok)
			out[found++] = series[s];
	}
	return found * unknown;
}

static PromqlSelection
selection(PromqlStatistics *st, const Matcher *ms, int n, int64_t mint, int64_t maxt)
{
	Labels found[NSERIES];

	return (PromqlSelection){matching(ms, n, found), (double) (maxt - mint + 1) / 15000, 1};
}

static double
groups(PromqlStatistics *st, const Matcher *ms, int n, const StrView *names, int nnames, bool keep)
{
	Labels found[NSERIES], keys[NSERIES];
	int nfound = (int) round(matching(ms, n, found));
	int nkeys = 0;

	for (int s = 0; s < nfound; s++)
	{
		LabelsBuilder b;
		LabelsIter it;
		Label label;
		bool is_new = true;

		labels_builder_init(&b);
		labels_iter_init(&it, found[s]);
		while (labels_next(&it, &label))
		{
			bool named = false;

			for (int i = 0; i < nnames; i++)
				named |= strview_eq(names[i], label.name);
			if (named == keep && !strview_eq_cstr(label.name, LABELS_NAME))
				labels_builder_set(&b, label.name, label.value);
		}
		keys[nkeys] = labels_builder_finish(&b);
		for (int k = 0; k < nkeys; k++)
			is_new &= !labels_equal(keys[k], keys[nkeys]);
		nkeys += is_new;
	}
	return nkeys;
}

static PromqlEstimate
estimate_wanted(const char *query, int64_t end, int64_t step, const Matcher *filter, int64_t to)
{
	PromqlStatistics st = {selection, groups};
	PromqlParams params = {
		.start_ms = step == 0 ? end : 0,
		.end_ms = end,
		.step_ms = step,
		.instant = step == 0,
		.lookback_ms = 300000,
		.default_subquery_step_ms = 60000,
		.flags = {.experimental_functions = true},
		.label_filters = filter,
		.nlabel_filters = filter != NULL,
		.has_window = to >= 0,
		.window_to_ms = to,
	};
	PromqlEstimate est;
	Err err = ERR_INIT;
	const PromqlExpr *e = promql_parse(query, strlen(query), &params.flags, &err);

	make_series();
	if (e == NULL || !promql_estimate(e, &params, &st, &est, &err))
		unit_fail(__FILE__, __LINE__, "%s: %s", query, err.msg);
	return est;
}

static PromqlEstimate
estimate(const char *query, int64_t end, int64_t step)
{
	return estimate_wanted(query, end, step, NULL, -1);
}

UNIT_TEST(promql_estimate_series_of_results)
{
	static const struct
	{
		const char *query;
		double series;
	} cases[] = {
		{"1", 1},
		{"time()", 1},
		{"vector(1)", 1},
		{"scalar(x)", 1},
		{"x", 12},
		{"nothing", 0},
		{"x{job=\"1\"}", 4},
		{"rate(x[5m])", 12},
		{"-x * 2", 12},
		{"2 - x", 12},
		{"sum(x)", 1},
		{"sum(nothing)", 0},
		{"sum by (job) (x)", 3},
		{"sum by (job, i) (x)", 12},
		{"sum without (i) (x)", 3},
		{"sum by (job) (sum by (job, i) (rate(x[5m])))", 3},
		{"topk(5, x)", 5},
		{"topk(50, x)", 12},
		{"topk by (job) (2, x)", 6},
		{"limit_ratio(-0.25, x)", 3},
		{"count_values(\"v\", x)", 10},
		{"quantile(0.5, x)", 1},
		{"histogram_quantile(0.9, rate(h_bucket[5m]))", 12},
		{"histogram_quantile(0.9, sum by (le, job) (rate(h_bucket[5m])))", 12},
		{"histogram_quantiles(h_bucket, \"q\", 0.5, 0.9)", 24},
		{"x / y", 3},
		{"x / on (job) group_left () y", 12},
		{"y * on (job) group_right () x", 12},
		{"x / on (job) group_left () nothing", 0},
		{"x and y", 6},
		{"x and nothing", 0},
		{"x unless nothing", 12},
		{"x or y", 15},
		{"absent(x)", 1},
		{"max_over_time(sum by (job) (rate(x[1m]))[1h:1m])", 3},
	};

	for (int i = 0; i < (int) (sizeof(cases) / sizeof(cases[0])); i++)
	{
		PromqlEstimate est = estimate(cases[i].query, 0, 0);

		if (fabs(est.series - cases[i].series) > 1e-9)
			unit_fail(__FILE__, __LINE__, "%s: %g series, want %g", cases[i].query, est.series,
					  cases[i].series);
	}
	CHECK(estimate("x > 1", 0, 0).series < 12);
	CHECK(estimate("x > bool 1", 0, 0).series == 12);
}

UNIT_TEST(promql_estimate_rows_and_samples)
{
	PromqlEstimate est = estimate("x", 3600000, 60000);

	CHECK(est.rows == 12 * 61);
	CHECK(est.points == 12 * 61);
	CHECK(fabs(est.samples_read - 12 * (3600000 + 300000) / 15000) < 1);
	CHECK(est.series_wise);
	/* an instant matrix has its samples as rows */
	CHECK(fabs(estimate("x[1h]", 7200000, 0).rows - 12 * 240) < 1);
	CHECK(fabs(estimate("x[1h:1m]", 7200000, 0).rows - 12 * 61) < 1);
	/* steps of a subquery are counted, not made */
	est = estimate("max_over_time(rate(x[1m])[100y:1s])", 0, 0);
	CHECK(est.rows == 12);
	CHECK(est.points > 1e9);
	est = estimate("sum(rate(x[5m])) + sum(y)", 600000, 60000);
	CHECK_INT(est.selectors, 2);
	CHECK(est.series_read == 15);
	CHECK(est.rows == 11);
	CHECK(!est.series_wise);
}

UNIT_TEST(promql_estimate_what_is_wanted)
{
	Matcher job = {MATCH_EQUAL, strview_cstr("job"), strview_cstr("1"), NULL};
	Matcher unknown = {MATCH_EQUAL, strview_cstr("job"), promql_unknown_value, NULL};

	CHECK(estimate_wanted("sum by (job) (x)", 600000, 60000, &job, -1).rows == 11);
	CHECK(estimate_wanted("sum by (job) (x)", 600000, 60000, &job, -1).series_read == 4);
	CHECK(estimate_wanted("sum(x)", 600000, 60000, &job, -1).series_read == 12);
	CHECK(estimate_wanted("x", 0, 0, &unknown, -1).series == 4);
	CHECK(estimate_wanted("x", 600000, 60000, NULL, 150000).rows == 12 * 3);
	CHECK(estimate_wanted("x @ end()", 600000, 60000, NULL, 150000).rows == 12 * 11);
}

UNIT_TEST(promql_estimate_refuses_what_the_planner_refuses)
{
	PromqlStatistics st = {selection, groups};
	PromqlParams params = {.instant = true, .flags = {.extended_range = true}};
	PromqlEstimate est;
	Err err = ERR_INIT;
	const char *query = "changes(x[5m] smoothed)";
	const PromqlExpr *e = promql_parse(query, strlen(query), &params.flags, &err);

	CHECK(e != NULL && !promql_estimate(e, &params, &st, &est, &err));
	CHECK(err.code == ERR_EXECUTION);
}

UNIT_TEST(promql_estimate_for_each_node)
{
	PromqlStatistics st = {selection, groups};
	PromqlParams params = {.end_ms = 600000, .step_ms = 60000, .lookback_ms = 300000};
	const char *query = "sum by (job) (rate(x[5m])) + on () group_left () sum(y @ 100)";
	Err err = ERR_INIT;
	const PromqlExpr *e = promql_parse(query, strlen(query), &params.flags, &err);
	PromqlPlan *plan = promql_plan(e, &params, &err);
	/* match, aggregate, rate, range scan, invariant, aggregate, scan */
	static const double series[] = {3, 3, 12, 12, 1, 1, 3};
	static const double points[] = {12 * 11 + 3, 12 * 11, 12 * 11, 12 * 11, 3, 3, 3};

	make_series();
	promql_plan_guess(plan, &st);
	CHECK_INT(promql_plan_nnodes(plan), 7);
	for (int i = 0; i < promql_plan_nnodes(plan); i++)
	{
		CHECK(promql_plan_node_guess(plan, i)->series == series[i]);
		CHECK(promql_plan_node_guess(plan, i)->points == points[i]);
	}
}
