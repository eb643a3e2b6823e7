/*
 * test_promql_exec_aggregate.c
 *    Aggregations: groups, order, parameters, extreme values.
 */
#include "promql_eval.h"
#include "unit.h"

#include <math.h>

static PromqlEval ev;

static void
load(void)
{
	double v1[2] = {1, 10}, v2[2] = {2, 20}, v3[2] = {3, 30}, v4[1] = {4};

	promql_eval_init(&ev);
	mem_source_load(&ev.source, "x{g=\"b\",i=\"1\"}", 0, 60000, 2, v1);
	mem_source_load(&ev.source, "x{g=\"a\",i=\"2\"}", 0, 60000, 2, v2);
	mem_source_load(&ev.source, "x{g=\"b\",i=\"3\"}", 0, 60000, 2, v3);
	mem_source_load(&ev.source, "x{i=\"4\"}", 0, 60000, 1, v4);
}

UNIT_TEST(promql_exec_groups_by_and_without)
{
	load();
	CHECK_STR(promql_eval_instant(&ev, "sum(x)", 0), "{} 10@0\n");
	CHECK_STR(promql_eval_instant(&ev, "sum by () (x)", 0), "{} 10@0\n");
	CHECK_STR(promql_eval_instant(&ev, "sum by (g) (x)", 0),
			  "{g=\"a\"} 2@0\n{g=\"b\"} 4@0\n{} 4@0\n");
	CHECK_STR(promql_eval_instant(&ev, "sum without (i) (x)", 0),
			  "{g=\"a\"} 2@0\n{g=\"b\"} 4@0\n{} 4@0\n");
	CHECK_STR(promql_eval_instant(&ev, "sum by (g, nosuch) (x)", 0),
			  "{g=\"a\"} 2@0\n{g=\"b\"} 4@0\n{} 4@0\n");
	CHECK_STR(promql_eval_instant(&ev, "count by (__name__) (x)", 0), "x 4@0\n");
	CHECK_STR(promql_eval_range(&ev, "sum by (g) (x)", 0, 60000, 60000),
			  "{} 4@0 4@60000\n{g=\"a\"} 2@0 20@60000\n{g=\"b\"} 4@0 40@60000\n");
}

UNIT_TEST(promql_exec_simple_aggregations)
{
	load();
	CHECK_STR(promql_eval_instant(&ev, "avg(x)", 0), "{} 2.5@0\n");
	CHECK_STR(promql_eval_instant(&ev, "min(x)", 0), "{} 1@0\n");
	CHECK_STR(promql_eval_instant(&ev, "max(x)", 0), "{} 4@0\n");
	CHECK_STR(promql_eval_instant(&ev, "count(x)", 0), "{} 4@0\n");
	CHECK_STR(promql_eval_instant(&ev, "group(x)", 0), "{} 1@0\n");
	CHECK_STR(promql_eval_instant(&ev, "stdvar(x)", 0), "{} 1.25@0\n");
	CHECK_STR(promql_eval_instant(&ev, "quantile(0.5, x)", 0), "{} 2.5@0\n");
	CHECK_STR(
		promql_eval_instant(&ev, "quantile(2, x)", 0),
		"{} +Inf@0\nPromQL warning: quantile value should be between 0 and 1, got 2 (1:10)\n");
	CHECK_STR(promql_eval_instant(&ev, "count_values by (g) (\"v\", x > 1 < 4)", 0),
			  "{g=\"a\", v=\"2\"} 1@0\n{g=\"b\", v=\"3\"} 1@0\n");
	CHECK_STR(promql_eval_instant(&ev, "count_values(\"\", x)", 0),
			  "error: invalid label name \"\"\n");
}

UNIT_TEST(promql_exec_topk_ranks_within_groups)
{
	load();
	CHECK_STR(promql_eval_instant(&ev, "topk(2, x)", 0),
			  "x{i=\"4\"} 4@0\nx{g=\"b\", i=\"3\"} 3@0\n");
	CHECK_STR(promql_eval_instant(&ev, "bottomk by (g) (1, x)", 0),
			  "x{g=\"a\", i=\"2\"} 2@0\nx{g=\"b\", i=\"1\"} 1@0\nx{i=\"4\"} 4@0\n");
	CHECK_STR(promql_eval_instant(&ev, "limitk(2, x)", 0),
			  "x{g=\"a\", i=\"2\"} 2@0\nx{g=\"b\", i=\"1\"} 1@0\n");
	CHECK_STR(promql_eval_instant(&ev, "topk(0, x)", 0), "");
	CHECK_STR(promql_eval_instant(&ev, "topk(0.9, x)", 0), "");
	CHECK_STR(promql_eval_instant(&ev, "topk(NaN, x)", 0), "error: Parameter value is NaN\n");
	CHECK_STR(promql_eval_instant(&ev, "topk(1e100, x)", 0),
			  "error: Scalar value 1e+100 overflows int64\n");
	CHECK_STR(promql_eval_instant(&ev, "limit_ratio(0, x)", 0), "");
	CHECK_STR(promql_eval_instant(&ev, "count(limit_ratio(1, x))", 0), "{} 4@0\n");
	CHECK_STR(promql_eval_range(&ev, "topk(1, x)", 0, 60000, 60000),
			  "x{g=\"b\", i=\"3\"} 30@60000\nx{i=\"4\"} 4@0\n");
}

UNIT_TEST(promql_exec_extreme_sums)
{
	double v[3] = {1e308, 1e308, -1e308};
	double w[4] = {1, 1e100, 1, -1e100};

	promql_eval_init(&ev);
	for (int i = 0; i < 3; i++)
	{
		char labels[32];

		snprintf(labels, sizeof(labels), "big{i=\"%d\"}", i);
		mem_source_load(&ev.source, labels, 0, 1, 1, &v[i]);
	}
	for (int i = 0; i < 4; i++)
	{
		char labels[32];

		snprintf(labels, sizeof(labels), "lost{i=\"%d\"}", i);
		mem_source_load(&ev.source, labels, 0, 1, 1, &w[i]);
	}
	CHECK_STR(promql_eval_instant(&ev, "sum(lost)", 0), "{} 2@0\n");
	CHECK_STR(promql_eval_instant(&ev, "avg(lost)", 0), "{} 0.5@0\n");
	CHECK_STR(promql_eval_instant(&ev, "avg(big{i!=\"2\"})", 0), "{} 1e+308@0\n");
	CHECK_STR(promql_eval_instant(&ev, "sum(big{i!=\"2\"})", 0), "{} +Inf@0\n");
}

UNIT_TEST(promql_exec_nan_in_extremes)
{
	double nan = NAN, one = 1;

	promql_eval_init(&ev);
	mem_source_load(&ev.source, "x{i=\"1\"}", 0, 1, 1, &nan);
	CHECK_STR(promql_eval_instant(&ev, "min(x)", 0), "{} NaN@0\n");
	mem_source_load(&ev.source, "x{i=\"2\"}", 0, 1, 1, &one);
	CHECK_STR(promql_eval_instant(&ev, "min(x)", 0), "{} 1@0\n");
	CHECK_STR(promql_eval_instant(&ev, "max(x)", 0), "{} 1@0\n");
	CHECK_STR(promql_eval_instant(&ev, "topk(2, x)", 0), "x{i=\"2\"} 1@0\nx{i=\"1\"} NaN@0\n");
	CHECK_STR(promql_eval_instant(&ev, "bottomk(1, x)", 0), "x{i=\"2\"} 1@0\n");
	CHECK_STR(promql_eval_instant(&ev, "stddev(x)", 0), "{} NaN@0\n");
}
