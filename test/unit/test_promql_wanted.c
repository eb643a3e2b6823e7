/*
 * test_promql_wanted.c
 *    What a caller does not want is left out, and what it wants stays the same: label filters,
 *    windows of steps, any order.
 */
#include "promql/plan/plan.h"
#include "promql_eval.h"
#include "unit.h"

#include <stdlib.h>

/* --- data ------------------------------------------------------------------------------------- */

static Histogram *
native(double count)
{
	Histogram *h = mem_alloc0(sizeof(*h));
	HistogramSpan *span = mem_alloc0(sizeof(*span));
	double *bucket = mem_alloc0(sizeof(*bucket));

	span->length = 1;
	*bucket = count;
	h->count = h->sum = count;
	h->n_pos_spans = h->n_pos = 1;
	h->pos_spans = span;
	h->pos = bucket;
	return h;
}

/* Two metrics of the same labels, buckets, a metric with gaps and missing labels, histograms. */
static void
load(PromqlEval *ev)
{
	static const char *const jobs[] = {"a", "b", "c"};
	static const char *const les[] = {"1", "5", "+Inf"};
	double v[60];

	promql_eval_init(ev);
	for (int j = 0; j < 3; j++)
		for (int k = 0; k < 2; k++)
		{
			for (int i = 0; i < 60; i++)
				v[i] = i * (j + 1) % 17 + k * 0.5;
			mem_source_load(&ev->source, mem_printf("x{job=\"%s\",i=\"%d\"}", jobs[j], k), 0, 15000,
							60, v);
			if (j < 2 || k == 0)
				mem_source_load(&ev->source, mem_printf("y{job=\"%s\",i=\"%d\"}", jobs[j], k), 0,
								15000, 40, v);
			for (int b = 0; b < 3; b++)
			{
				for (int i = 0; i < 60; i++)
					v[i] = i * (b + 1) * (k + 1);
				mem_source_load(
					&ev->source,
					mem_printf("h_bucket{job=\"%s\",i=\"%d\",le=\"%s\"}", jobs[j], k, les[b]), 5000,
					15000, 60, v);
			}
		}
	for (int i = 0; i < 60; i++)
		v[i] = i;
	mem_source_load(&ev->source, "one{job=\"a\",zone=\"z1\"}", 0, 30000, 30, v);
	mem_source_load(&ev->source, "one{job=\"b\",zone=\"z2\"}", 0, 30000, 30, v);
	mem_source_load(&ev->source, "z{zone=\"z1\"}", 0, 60000, 12, v);
	mem_source_load(&ev->source, "z{Zone=\"A\",job=\"a\"}", 0, 60000, 12, v);
	mem_source_load(&ev->source, "x_info{job=\"a\",i=\"0\",instance=\"q\",data=\"d\"}", 0, 15000,
					60, v);
	for (int i = 0; i < 20; i++)
	{
		mem_source_append(&ev->source, mem_source_labels("nh{job=\"a\"}"), i * 30000, 0,
						  native(i % 7 + 1), 0);
		mem_source_append(&ev->source, mem_source_labels("nh{job=\"b\"}"), i * 30000, 0,
						  native(i + 1), 0);
	}
}

static const char *const queries[] = {
	"1",
	"time()",
	"vector(1)",
	"x",
	"{job=\"a\"}",
	"{__name__=~\"x|y\"}",
	"x{job=~\"a|b\"}",
	"x{job!=\"a\"}",
	"z",
	"x offset 1m",
	"x @ 120",
	"x @ end()",
	"x @ start() + 1",
	"x + (end() - start())",
	"rate(x[1m])",
	"rate(x[step() * 4])",
	"sum_over_time(x[1m] offset step())",
	"rate(x[1m] offset 30s @ 300)",
	"increase({__name__=~\"x|z\"}[1m])",
	"-x",
	"-{__name__=~\"x|z\"}",
	"x * 2 + 1",
	"2 ^ x",
	"x > 5",
	"5 < x",
	"x > bool 5",
	"scalar(z{zone=\"z1\"}) * x",
	"clamp(x, 1, scalar(z{zone=\"z1\"}))",
	"quantile_over_time(scalar(z{zone=\"z1\"}) / 100, x[2m])",
	"predict_linear(x[2m], 60)",
	"first_over_time(x[1m])",
	"last_over_time(x[1m])",
	"count_over_time(nh[2m])",
	"histogram_sum(rate(nh[2m]))",
	"histogram_quantile(0.5, nh)",
	"abs(x - 10)",
	"timestamp(x)",
	"day_of_week()",
	"hour(x)",
	"absent(x{job=\"q\"})",
	"absent(x)",
	"absent_over_time(x{job=\"q\"}[1m])",
	"sort(x)",
	"sort_desc(x)",
	"sort_by_label(x, \"i\")",
	"sum(x)",
	"sum by (job) (x)",
	"sum by (job, i) (rate(x[1m]))",
	"sum by (zone) (one)",
	"sum without (i) (x)",
	"sum without (job) (x)",
	"sum without () (x)",
	"avg by (__name__) (x)",
	"sum by (job) (sum without (i) (x))",
	"sum by (job) (sum by (i) (x))",
	"topk(1, x)",
	"topk by (job) (1, x)",
	"bottomk without (job) (1, x)",
	"topk(scalar(one{job=\"a\"}), x)",
	"limitk(2, x)",
	"limitk by (job) (1, x)",
	"limit_ratio(0.5, x)",
	"count_values(\"job\", x)",
	"count_values(\"job\", x) by (job)",
	"count_values(\"v\", x) by (job)",
	"quantile by (i) (0.5, x)",
	"stddev by (job) (x)",
	"group by (zone, job) (z)",
	"x + y",
	"x - on (job, i) y",
	"x / ignoring (i) group_left () one",
	"x * on (job) group_left (zone) one",
	"x * on (job) group_left () one",
	"one * on (job) group_right (zone) x",
	"x * on (i) group_left (job) (y{job=\"a\"} > 0)",
	"x == y",
	"x > bool y",
	"x > on (job) group_left (zone) one",
	"one + ignoring (zone) sum by (job) (x)",
	"x + fill (0) y",
	"x + on (job, i) fill_left (1) y",
	"x * on (job) group_left (zone) fill (7) one",
	"x and y",
	"x and on (job) one",
	"x and on (i) y{job=\"b\"}",
	"x unless y",
	"x unless on (job) one{job=\"a\"}",
	"x unless ignoring (job) y{job=\"b\"}",
	"y or x",
	"y or on (job) x",
	"y{job=\"a\"} or on (i) x",
	"y or ignoring (job) x",
	"x or z",
	"label_replace(x, \"job\", \"$1!\", \"job\", \"(.*)\")",
	"label_replace(x, \"zone\", \"$1\", \"job\", \"(.*)\")",
	"label_replace(x, \"job\", \"\", \"job\", \".*\")",
	"label_replace(z, \"job\", \"a\", \"\", \"\")",
	"label_join(x, \"job\", \"-\", \"job\", \"i\")",
	"label_join(x, \"zone\", \"-\", \"job\", \"i\")",
	"info(x)",
	"info(label_replace(x, \"instance\", \"q\", \"\", \"\"))",
	"histogram_quantile(0.9, rate(h_bucket[1m]))",
	"histogram_quantile(0.9, sum by (le, job) (rate(h_bucket[1m])))",
	"histogram_quantiles(sum by (le, job) (rate(h_bucket[1m])), \"job\", 0.5, 0.9)",
	"histogram_quantiles(sum by (le, job) (rate(h_bucket[1m])), \"q\", 0.5, 0.9)",
	"histogram_fraction(0, 2, h_bucket)",
	"max_over_time(sum by (job) (rate(x[1m]))[3m:30s])",
	"max_over_time((x > 3)[2m:20s] offset 10s)",
	"avg_over_time(x[2m:20s] @ 200)",
	"avg_over_time(x[2m:step()])",
	"sum_over_time((x or z)[2m:30s])",
	"rate(x[1m] anchored)",
	"rate(x[1m] smoothed)",
	"x anchored",
	"x smoothed",
	"(x > 2) / on (job, i) group_left () (y + 1) unless on (job) one{zone=\"z2\"}",
	NULL,
};

/* --- comparing ---------------------------------------------------------------------------------- */

static Matcher
filter(MatchType type, const char *name, const char *value)
{
	Matcher m;
	Err err = ERR_INIT;

	CHECK(matcher_init(&m, type, strview_cstr(name), strview_cstr(value), &err));
	return m;
}

static int
line_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* sorted -- a result without order and without annotations. */
static const char *
sorted(const char *text)
{
	char *copy = mem_strdup(text);
	char *lines[1000];
	int n = 0;
	Buf out;

	for (char *line = strtok(copy, "\n"); line != NULL && n < 1000; line = strtok(NULL, "\n"))
		if (strncmp(line, "PromQL ", 7) != 0)
			lines[n++] = line;
	qsort(lines, n, sizeof(*lines), line_cmp);
	buf_init(&out, 256, 1 << 24);
	for (int i = 0; i < n; i++)
		buf_printf(&out, "%s\n", lines[i]);
	return out.len > 0 ? out.data : "";
}

/* compare -- one query with and without the engine knowing what is wanted; returns samples saved. */
static int64_t
compare(PromqlEval *ev, const char *query, bool instant)
{
	const char *all, *some;
	int64_t read;

	ev->tell_wanted = false;
	all = sorted(instant ? promql_eval_instant(ev, query, 420000)
						 : promql_eval_range(ev, query, 60000, 840000, 30000));
	read = ev->stats.samples_read;
	if (strncmp(all, "error", 5) == 0)
		return 0;
	ev->tell_wanted = true;
	some = sorted(instant ? promql_eval_instant(ev, query, 420000)
						  : promql_eval_range(ev, query, 60000, 840000, 30000));
	if (strcmp(all, some) != 0)
		unit_fail(__FILE__, __LINE__, "%s (%s):\nall:\n%ssome:\n%s", query,
				  instant ? "instant" : "range", all, some);
	return read - ev->stats.samples_read;
}

UNIT_TEST(promql_wanted_label_filters_change_nothing)
{
	const Matcher filters[] = {
		filter(MATCH_EQUAL, "job", "a"),
		filter(MATCH_EQUAL, "job", "nobody"),
		filter(MATCH_EQUAL, "job", ""),
		filter(MATCH_NOT_EQUAL, "job", "a"),
		filter(MATCH_NOT_EQUAL, "job", ""),
		filter(MATCH_REGEX, "job", "a|b"),
		filter(MATCH_REGEX, "job", "a.*"),
		filter(MATCH_NOT_REGEX, "job", "a|b"),
		filter(MATCH_EQUAL, "i", "0"),
		filter(MATCH_EQUAL, "le", "5"),
		filter(MATCH_EQUAL, "zone", "z1"),
		filter(MATCH_NOT_EQUAL, "zone", "z1"),
		filter(MATCH_EQUAL, "__name__", "x"),
		filter(MATCH_EQUAL, "q", "0.5"),
		filter(MATCH_EQUAL, "v", "5"),
		filter(MATCH_EQUAL, "Zone", "A"),
		filter(MATCH_NOT_EQUAL, "__name__", "x"),
		filter(MATCH_REGEX, "instance", "q?"),
		filter(MATCH_EQUAL, "data", "d"),
	};
	const int n = sizeof(filters) / sizeof(filters[0]);
	int64_t saved = 0;

	for (int delayed = 0; delayed < 2; delayed++)
		for (int q = 0; queries[q] != NULL; q++)
		{
			PromqlEval ev;

			load(&ev);
			ev.flags.delayed_name_removal = delayed;
			for (int i = 0; i < n && !unit_failed(); i++)
			{
				ev.label_filters = &filters[i];
				ev.nlabel_filters = i + 1 < n && (q + i) % 3 == 0 ? 2 : 1;
				saved += compare(&ev, queries[q], false);
				saved += compare(&ev, queries[q], true);
			}
		}
	CHECK(saved > 0);
}

UNIT_TEST(promql_wanted_windows_change_nothing)
{
	static const int64_t windows[][2] = {
		{60000, 840000},	 {INT64_MIN, INT64_MAX}, {300000, 420000},
		{300001, 419999},	 {301000, 329000},		 {0, 60000},
		{840000, 900000},	 {841000, 900000},		 {0, 59999},
		{400000, 300000},	 {330000, 330000},		 {INT64_MAX, INT64_MAX},
		{INT64_MIN, 100000}, {INT64_MIN, INT64_MIN},
	};
	int64_t saved = 0;

	for (int q = 0; queries[q] != NULL; q++)
	{
		PromqlEval ev;

		load(&ev);
		ev.has_window = true;
		for (int i = 0; i < (int) (sizeof(windows) / sizeof(windows[0])); i++)
		{
			ev.window_from_ms = windows[i][0];
			ev.window_to_ms = windows[i][1];
			saved += compare(&ev, queries[q], false);
			saved += compare(&ev, queries[q], true);
		}
	}
	CHECK(saved > 0);
}

UNIT_TEST(promql_wanted_in_any_order)
{
	for (int delayed = 0; delayed < 2; delayed++)
		for (int q = 0; queries[q] != NULL; q++)
		{
			PromqlEval ev;
			const char *in_order;

			load(&ev);
			ev.flags.delayed_name_removal = delayed;
			in_order = sorted(promql_eval_range(&ev, queries[q], 60000, 840000, 30000));
			ev.any_order = true;
			CHECK_STR(sorted(promql_eval_range(&ev, queries[q], 60000, 840000, 30000)), in_order);
		}
}

/* --- where filters come to ------------------------------------------------------------------------ */

static const PromqlPlan *
filtered_plan(const char *query, const Matcher *filters, int n)
{
	PromqlParams params = {
		.end_ms = 600000,
		.step_ms = 60000,
		.lookback_ms = 300000,
		.default_subquery_step_ms = 60000,
		.flags = {.experimental_functions = true, .binop_fill = true},
		.label_filters = filters,
		.nlabel_filters = n,
	};
	Err err = ERR_INIT;
	const PromqlExpr *e = promql_parse(query, strlen(query), &params.flags, &err);
	const PromqlPlan *plan = e != NULL ? promql_plan(e, &params, &err) : NULL;

	if (plan == NULL)
		unit_fail(__FILE__, __LINE__, "%s: %s", query, err.msg);
	return plan;
}

/* matchers -- of all selectors, in order. */
static const char *
matchers(const char *query, Matcher m)
{
	const PromqlPlan *plan = filtered_plan(query, &m, 1);
	Buf out;

	buf_init(&out, 128, 1 << 16);
	for (int i = 0; i < plan->nnodes; i++)
	{
		const PromqlPlanNode *node = plan->nodes[i];
		const PromqlProperty *p;

		if (node->kind != PROMQL_PLAN_SELECT && node->kind != PROMQL_PLAN_RANGE_SELECT)
			continue;
		promql_plan_properties(plan, i, &p);
		buf_str(&out, p[0].value);
	}
	return out.data;
}

UNIT_TEST(promql_wanted_filters_become_matchers)
{
	const Matcher job = filter(MATCH_EQUAL, "job", "a");
	const Matcher not_a = filter(MATCH_NOT_EQUAL, "job", "a");
	const Matcher any = filter(MATCH_NOT_EQUAL, "job", "");
	const Matcher le = filter(MATCH_EQUAL, "le", "5");
	const Matcher name = filter(MATCH_EQUAL, "__name__", "x");
	const char *x = "{__name__=\"x\"}";
	const char *xa = "{__name__=\"x\",job=\"a\"}";

	CHECK_STR(matchers("x", job), xa);
	CHECK_STR(matchers("x", not_a), "{__name__=\"x\",job!=\"\",job!=\"a\"}");
	CHECK_STR(matchers("x", any), "{__name__=\"x\",job!=\"\"}");
	CHECK_STR(matchers("x{job=\"a\"}", job), "{job=\"a\",__name__=\"x\"}");
	CHECK_STR(matchers("sum by (job) (rate(x[5m]))", job), xa);
	CHECK_STR(matchers("sum(x)", job), x);
	CHECK_STR(matchers("sum without (job) (x)", job), x);
	CHECK_STR(matchers("topk(1, x)", job), x);
	CHECK_STR(matchers("topk by (job) (1, x)", job), xa);
	CHECK_STR(matchers("max_over_time(x[1h:1m])", job), xa);
	CHECK_STR(matchers("x * scalar(y)", job), "{__name__=\"x\",job=\"a\"}{__name__=\"y\"}");
	CHECK_STR(matchers("x / y", job), "{__name__=\"x\",job=\"a\"}{__name__=\"y\",job=\"a\"}");
	CHECK_STR(matchers("x / on (i) y", job), "{__name__=\"x\"}{__name__=\"y\"}");
	CHECK_STR(matchers("x / on (i) group_left () y", job),
			  "{__name__=\"x\",job=\"a\"}{__name__=\"y\"}");
	CHECK_STR(matchers("x / on (i) group_left (job) y", job),
			  "{__name__=\"x\"}{__name__=\"y\",job=\"a\"}");
	CHECK_STR(matchers("x / on (i) group_right (job) y", job),
			  "{__name__=\"x\",job=\"a\"}{__name__=\"y\"}");
	CHECK_STR(matchers("x / on (i) group_left () fill (1) y", job),
			  "{__name__=\"x\"}{__name__=\"y\"}");
	CHECK_STR(matchers("x and on (i) y", job), "{__name__=\"x\",job=\"a\"}{__name__=\"y\"}");
	CHECK_STR(matchers("x or on (i) y", job), "{__name__=\"x\"}{__name__=\"y\",job=\"a\"}");
	CHECK_STR(matchers("x or y", job), "{__name__=\"x\",job=\"a\"}{__name__=\"y\",job=\"a\"}");
	CHECK_STR(matchers("absent(x)", job), x);
	CHECK_STR(matchers("label_replace(x, \"job\", \"\", \"i\", \"\")", job), x);
	CHECK_STR(matchers("label_replace(x, \"i\", \"\", \"job\", \"\")", job), xa);
	CHECK_STR(matchers("info(x)", job), x);
	CHECK_STR(matchers("histogram_quantile(0.9, x)", job), xa);
	CHECK_STR(matchers("histogram_quantile(0.9, x)", le), x);
	CHECK_STR(matchers("count_values(\"job\", x) by (job)", job), x);
	CHECK_STR(matchers("{i=\"1\"}", name), "{i=\"1\",__name__=\"x\"}");
	CHECK_STR(matchers("rate({i=\"1\"}[5m])", name), "{i=\"1\"}");
	CHECK_STR(matchers("{i=\"1\"} > 1", name), "{i=\"1\",__name__=\"x\"}");
	CHECK_STR(matchers("{i=\"1\"} > bool 1", name), "{i=\"1\"}");
}

UNIT_TEST(promql_wanted_series_wise_plans)
{
	static const char *const yes[] = {
		"x",
		"rate(x[5m])",
		"-x * 2",
		"abs(x) > 3",
		"clamp(x, 1, time())",
		"max_over_time(rate(x[1m])[1h:1m])",
		"x @ 10",
		"hour(x)",
	};
	static const char *const no[] = {
		"1",
		"time()",
		"vector(1)",
		"sum by (job) (x)",
		"x + y",
		"x and y",
		"absent(x)",
		"sort(x)",
		"x * scalar(x)",
		"rate({job=\"a\"}[5m])",
		"label_replace(x, \"a\", \"\", \"b\", \"\")",
		"histogram_quantile(0.9, x)",
		"topk(1, x)",
		"info(x)",
		"day_of_week()",
	};

	for (int i = 0; i < (int) (sizeof(yes) / sizeof(yes[0])); i++)
		if (!promql_plan_is_series_wise(filtered_plan(yes[i], NULL, 0)))
			unit_fail(__FILE__, __LINE__, "%s is not series-wise", yes[i]);
	for (int i = 0; i < (int) (sizeof(no) / sizeof(no[0])); i++)
		if (promql_plan_is_series_wise(filtered_plan(no[i], NULL, 0)))
			unit_fail(__FILE__, __LINE__, "%s is series-wise", no[i]);
}
