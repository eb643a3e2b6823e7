/*
 * test_promql_exec_names.c
 *    The metric name under both modes of removal, and series that come to have equal labels.
 */
#include "promql_eval.h"
#include "unit.h"

static PromqlEval ev;

#define DUPLICATE "error: vector cannot contain metrics with the same labelset\n"

/* x and y with the same labels; z follows x in time without meeting it */
static void
load(bool delayed)
{
	double v[2] = {1, 2};

	promql_eval_init(&ev);
	ev.flags.delayed_name_removal = delayed;
	mem_source_load(&ev.source, "x{a=\"1\"}", 0, 60000, 2, v);
	mem_source_load(&ev.source, "y{a=\"1\"}", 0, 60000, 2, v);
	mem_source_load(&ev.source, "z{a=\"1\"}", 600000, 60000, 2, v);
}

UNIT_TEST(promql_exec_arithmetic_drops_the_name)
{
	for (int delayed = 0; delayed < 2; delayed++)
	{
		load(delayed);
		CHECK_STR(promql_eval_instant(&ev, "x + 1", 0), "{a=\"1\"} 2@0\n");
		CHECK_STR(promql_eval_instant(&ev, "x > 0", 0), "x{a=\"1\"} 1@0\n");
		CHECK_STR(promql_eval_instant(&ev, "0 < x", 0), "x{a=\"1\"} 1@0\n");
		CHECK_STR(promql_eval_instant(&ev, "x > bool 0", 0), "{a=\"1\"} 1@0\n");
		CHECK_STR(promql_eval_instant(&ev, "+x", 0), "x{a=\"1\"} 1@0\n");
		CHECK_STR(promql_eval_instant(&ev, "-x", 0), "{a=\"1\"} -1@0\n");
		CHECK_STR(promql_eval_instant(&ev, "x and y", 0), "x{a=\"1\"} 1@0\n");
	}
}

UNIT_TEST(promql_exec_equal_labels_at_one_step_are_an_error)
{
	for (int delayed = 0; delayed < 2; delayed++)
	{
		load(delayed);
		CHECK_STR(promql_eval_instant(&ev, "{a=\"1\"} + 1", 0), DUPLICATE);
		CHECK_STR(promql_eval_range(&ev, "{a=\"1\"} + 1", 0, 60000, 60000), DUPLICATE);
		CHECK_STR(promql_eval_instant(&ev, "-{a=\"1\"}", 0), DUPLICATE);
	}
	load(false);
	CHECK_STR(promql_eval_instant(&ev, "sum({a=\"1\"} + 1)", 0), DUPLICATE);
	load(true);
	CHECK_STR(promql_eval_instant(&ev, "sum({a=\"1\"} + 1)", 0), "{} 4@0\n");
	CHECK_STR(promql_eval_instant(&ev, "sum by (__name__) ({a=\"1\"} + 1)", 0),
			  "error: vector cannot contain metrics with the same labelset\n");
}

UNIT_TEST(promql_exec_equal_labels_at_different_steps_are_one_series)
{
	for (int delayed = 0; delayed < 2; delayed++)
	{
		load(delayed);
		CHECK_STR(promql_eval_range(&ev, "-{__name__=~\"x|z\"}", 0, 600000, 300000),
				  "{a=\"1\"} -1@0 -2@300000 -1@600000\n");
		CHECK_STR(promql_eval_instant(&ev, "(-{__name__=~\"x|z\"})[11m:5m]", 600000),
				  "{a=\"1\"} -1@0 -2@300000 -1@600000\n");
	}
}

UNIT_TEST(promql_exec_name_survives_until_the_end_when_delayed)
{
	load(true);
	CHECK_STR(promql_eval_instant(&ev, "count by (__name__) (x + 1)", 0), "{} 1@0\n");
	CHECK_STR(promql_eval_instant(&ev, "topk(1, x + 1)", 0), "{a=\"1\"} 2@0\n");
}
