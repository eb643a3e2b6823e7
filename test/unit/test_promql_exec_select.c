/*
 * test_promql_exec_select.c
 *    Selectors: window edges in milliseconds, staleness, offset, @, subqueries, result order.
 */
#include "promql_eval.h"
#include "unit.h"

#include "model/value.h"

static PromqlEval ev;

/* x has 1, 2, 3, ... at 0, 10, 20, ... seconds */
static void
load_steps(int n)
{
	double v[100];

	for (int i = 0; i < n; i++)
		v[i] = i + 1;
	promql_eval_init(&ev);
	mem_source_load(&ev.source, "x{a=\"1\"}", 0, 10000, n, v);
}

UNIT_TEST(promql_exec_instant_lookback_is_left_open)
{
	double v = 7;

	promql_eval_init(&ev);
	mem_source_load(&ev.source, "x", 1000, 1, 1, &v);
	CHECK_STR(promql_eval_instant(&ev, "x", 999), "");
	CHECK_STR(promql_eval_instant(&ev, "x", 1000), "x 7@1000\n");
	CHECK_STR(promql_eval_instant(&ev, "x", 300999), "x 7@300999\n");
	CHECK_STR(promql_eval_instant(&ev, "x", 301000), "");
}

UNIT_TEST(promql_exec_range_window_is_left_open)
{
	load_steps(10);
	CHECK_STR(promql_eval_instant(&ev, "x[20s]", 50000), "x{a=\"1\"} 5@40000 6@50000\n");
	CHECK_STR(promql_eval_instant(&ev, "x[20s]", 49999), "x{a=\"1\"} 4@30000 5@40000\n");
	CHECK_STR(promql_eval_instant(&ev, "x[20001ms]", 50000),
			  "x{a=\"1\"} 4@30000 5@40000 6@50000\n");
	CHECK_STR(promql_eval_instant(&ev, "x[5s]", 49000), "");
}

UNIT_TEST(promql_exec_stale_marker_ends_an_instant_but_not_a_range)
{
	Labels ls;

	load_steps(3);
	ls = mem_source_labels("x{a=\"1\"}");
	mem_source_append(&ev.source, ls, 30000, value_from_bits(VALUE_STALE_BITS), NULL, 0);
	mem_source_append(&ev.source, ls, 40000, value_nan(), NULL, 0);
	CHECK_STR(promql_eval_instant(&ev, "x", 29999), "x{a=\"1\"} 3@29999\n");
	CHECK_STR(promql_eval_instant(&ev, "x", 30000), "");
	CHECK_STR(promql_eval_instant(&ev, "x", 40000), "x{a=\"1\"} NaN@40000\n");
	CHECK_STR(promql_eval_instant(&ev, "x[1m]", 40000),
			  "x{a=\"1\"} 1@0 2@10000 3@20000 NaN@40000\n");
}

UNIT_TEST(promql_exec_offset_and_at)
{
	load_steps(10);
	CHECK_STR(promql_eval_instant(&ev, "x offset 30s", 50000), "x{a=\"1\"} 3@50000\n");
	CHECK_STR(promql_eval_instant(&ev, "x offset -30s", 50000), "x{a=\"1\"} 9@50000\n");
	CHECK_STR(promql_eval_instant(&ev, "x @ 20", 50000), "x{a=\"1\"} 3@50000\n");
	CHECK_STR(promql_eval_instant(&ev, "x @ 20 offset 10s", 50000), "x{a=\"1\"} 2@50000\n");
	CHECK_STR(promql_eval_range(&ev, "x @ 20", 0, 20000, 10000),
			  "x{a=\"1\"} 3@0 3@10000 3@20000\n");
	CHECK_STR(promql_eval_range(&ev, "x @ end() - x @ start()", 0, 20000, 10000),
			  "{a=\"1\"} 2@0 2@10000 2@20000\n");
	CHECK_STR(promql_eval_instant(&ev, "x[20s] @ 30 offset 10s", 90000),
			  "x{a=\"1\"} 2@10000 3@20000\n");
}

UNIT_TEST(promql_exec_subquery_grid_is_aligned_to_the_epoch)
{
	load_steps(10);
	CHECK_STR(promql_eval_instant(&ev, "x[50s:10s]", 85000),
			  "x{a=\"1\"} 5@40000 6@50000 7@60000 8@70000 9@80000\n");
	CHECK_STR(promql_eval_instant(&ev, "x[50s:10s]", 80000),
			  "x{a=\"1\"} 5@40000 6@50000 7@60000 8@70000 9@80000\n");
	CHECK_STR(promql_eval_instant(&ev, "x[20s:10s] offset 10s", 80000),
			  "x{a=\"1\"} 7@60000 8@70000\n");
	CHECK_STR(promql_eval_instant(&ev, "x[20s:10s] @ 30", 80000), "x{a=\"1\"} 3@20000 4@30000\n");
	CHECK_STR(promql_eval_instant(&ev, "x[5s:10s]", 84999), "x{a=\"1\"} 9@80000\n");
	CHECK_STR(promql_eval_instant(&ev, "x[5s:10s]", 85000), "");
}

UNIT_TEST(promql_exec_range_query_ends_with_the_last_step_not_after_end)
{
	load_steps(10);
	CHECK_STR(promql_eval_range(&ev, "x", 5000, 29999, 10000),
			  "x{a=\"1\"} 1@5000 2@15000 3@25000\n");
	CHECK_STR(promql_eval_range(&ev, "x", 10000, 0, 10000), "");
	CHECK_STR(promql_eval_range(&ev, "1", 10000, 0, 10000), "");
	CHECK_STR(promql_eval_range(&ev, "1 + 1", 0, 10000, 10000), "{} 2@0 2@10000\n");
}

UNIT_TEST(promql_exec_scalars_and_strings)
{
	promql_eval_init(&ev);
	CHECK_STR(promql_eval_instant(&ev, "-2 ^ 2", 1000), "{} -4@1000\n");
	CHECK_STR(promql_eval_instant(&ev, "1 < bool 2", 1000), "{} 1@1000\n");
	CHECK_STR(promql_eval_instant(&ev, "\"text\"", 1000), "\"text\"\n");
	CHECK_STR(promql_eval_range(&ev, "\"text\"", 0, 1000, 1000),
			  "error: invalid expression type \"string\" for range query, must be Scalar or "
			  "instant Vector\n");
	CHECK_STR(promql_eval_range(&ev, "end() - start() + step()", 0, 60000, 60000),
			  "{} 120@0 120@60000\n");
}

UNIT_TEST(promql_exec_range_results_are_sorted_and_instant_ones_are_not)
{
	double v[3] = {1, 2, 3};

	promql_eval_init(&ev);
	mem_source_load(&ev.source, "x{b=\"2\"}", 0, 10000, 3, v);
	mem_source_load(&ev.source, "x{a=\"2\"}", 0, 10000, 3, v);
	mem_source_load(&ev.source, "y{a=\"1\"}", 0, 10000, 3, v);
	CHECK_STR(promql_eval_instant(&ev, "y or x", 0),
			  "y{a=\"1\"} 1@0\nx{a=\"2\"} 1@0\nx{b=\"2\"} 1@0\n");
	CHECK_STR(promql_eval_range(&ev, "y or x", 0, 0, 1000),
			  "x{a=\"2\"} 1@0\nx{b=\"2\"} 1@0\ny{a=\"1\"} 1@0\n");
}

UNIT_TEST(promql_exec_equal_selectors_are_read_once)
{
	double v[3] = {1, 2, 3};

	promql_eval_init(&ev);
	mem_source_load(&ev.source, "x{a=\"1\"}", 0, 10000, 3, v);
	mem_source_load(&ev.source, "x{a=\"2\"}", 0, 10000, 2, v);
	mem_source_load(&ev.source, "y{a=\"1\"}", 0, 10000, 3, v);
	CHECK_STR(promql_eval_range(&ev, "x / (x + y)", 0, 20000, 10000),
			  "{a=\"1\"} 0.5@0 0.5@10000 0.5@20000\n");
	CHECK_INT(ev.source.nselects, 2);
	ev.source.nselects = 0;
	CHECK_STR(promql_eval_instant(&ev, "sum(x) + sum(x offset 10s) + max(x)", 10000),
			  "{} 8@10000\n");
	CHECK_INT(ev.source.nselects, 2);
}

UNIT_TEST(promql_exec_histograms_are_read_by_each_selector)
{
	Histogram h = {.count = 3, .sum = 4};
	double v = 1;

	promql_eval_init(&ev);
	mem_source_append(&ev.source, mem_source_labels("x{a=\"1\"}"), 0, 0, &h, 0);
	mem_source_load(&ev.source, "x{a=\"2\"}", 0, 1, 1, &v);
	CHECK_STR(promql_eval_instant(&ev, "count(x) + count(x)", 0), "{} 4@0\n");
	CHECK_INT(ev.source.nselects, 2);
}

UNIT_TEST(promql_exec_limits)
{
	load_steps(10);
	ev.max_samples = 5;
	CHECK_STR(promql_eval_range(&ev, "x + 0", 0, 40000, 10000),
			  "{a=\"1\"} 1@0 2@10000 3@20000 4@30000 5@40000\n");
	CHECK_STR(promql_eval_range(&ev, "x + 0", 0, 50000, 10000),
			  "error: query processing would load too many samples into memory in query "
			  "execution\n");
	ev.max_samples = 0;
	ev.max_memory = 1000;
	CHECK_STR(promql_eval_range(&ev, "sum(x)", 0, 300000, 1),
			  "error: query needs more than 1000 bytes of memory\n");
}
