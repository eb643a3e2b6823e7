/*
 * test_promql_exec_binary.c
 *    Vector matching: pairs, groups, fills, errors of a step, set operators.
 */
#include "promql_eval.h"
#include "unit.h"

static PromqlEval ev;

static void
load(void)
{
	double v[2] = {1, 2}, w[2] = {10, 20}, u[2] = {100, 200};

	promql_eval_init(&ev);
	mem_source_load(&ev.source, "l{a=\"1\",b=\"x\"}", 0, 60000, 2, v);
	mem_source_load(&ev.source, "l{a=\"2\",b=\"x\"}", 0, 60000, 2, w);
	mem_source_load(&ev.source, "r{a=\"1\",b=\"x\"}", 0, 60000, 2, u);
	mem_source_load(&ev.source, "info{b=\"x\",note=\"n\"}", 0, 60000, 2, v);
}

UNIT_TEST(promql_exec_one_to_one)
{
	load();
	CHECK_STR(promql_eval_instant(&ev, "l + r", 0), "{a=\"1\", b=\"x\"} 101@0\n");
	CHECK_STR(promql_eval_instant(&ev, "l < r", 0), "l{a=\"1\", b=\"x\"} 1@0\n");
	CHECK_STR(promql_eval_instant(&ev, "l < bool r", 0), "{a=\"1\", b=\"x\"} 1@0\n");
	CHECK_STR(promql_eval_instant(&ev, "l + on(a) r", 0), "{a=\"1\"} 101@0\n");
	CHECK_STR(promql_eval_instant(&ev, "l < ignoring(b) r", 0), "l{a=\"1\"} 1@0\n");
	CHECK_STR(promql_eval_instant(&ev, "l + nosuch", 0), "");
	CHECK_STR(promql_eval_range(&ev, "l + r", 0, 60000, 60000),
			  "{a=\"1\", b=\"x\"} 101@0 202@60000\n");
}

UNIT_TEST(promql_exec_group_left_and_right)
{
	load();
	CHECK_STR(promql_eval_instant(&ev, "l * on(b) group_left(note) info", 0),
			  "{a=\"1\", b=\"x\", note=\"n\"} 1@0\n{a=\"2\", b=\"x\", note=\"n\"} 10@0\n");
	CHECK_STR(promql_eval_instant(&ev, "info - on(b) group_right(note) l", 0),
			  "{a=\"1\", b=\"x\", note=\"n\"} 0@0\n{a=\"2\", b=\"x\", note=\"n\"} -9@0\n");
	CHECK_STR(promql_eval_instant(&ev, "l * on(b) group_left(a) info", 0),
			  "error: multiple matches for labels: grouping labels must ensure unique matches\n");
}

UNIT_TEST(promql_exec_match_errors)
{
	load();
	CHECK_STR(promql_eval_instant(&ev, "r + on(b) l", 0),
			  "error: found duplicate series for the match group {b=\"x\"} on the right hand-side "
			  "of the operation: [{__name__=\"l\", a=\"1\", b=\"x\"}, {__name__=\"l\", a=\"2\", "
			  "b=\"x\"}];many-to-many matching not allowed: matching labels must be unique on one "
			  "side\n");
	CHECK_STR(promql_eval_instant(&ev, "l + on(b) group_right r", 0),
			  "error: found duplicate series for the match group {b=\"x\"} on the left hand-side "
			  "of the operation: [{__name__=\"l\", a=\"1\", b=\"x\"}, {__name__=\"l\", a=\"2\", "
			  "b=\"x\"}];many-to-many matching not allowed: matching labels must be unique on one "
			  "side\n");
	CHECK_STR(promql_eval_instant(&ev, "nosuch + on(b) l", 0), "");
	CHECK_STR(promql_eval_instant(&ev, "l + on(b) r", 0),
			  "error: multiple matches for labels: many-to-one matching must be explicit "
			  "(group_left/group_right)\n");
	CHECK_STR(promql_eval_instant(&ev, "l > on(b) r", 0),
			  "error: multiple matches for labels: many-to-one matching must be explicit "
			  "(group_left/group_right)\n");
}

UNIT_TEST(promql_exec_duplicates_at_different_steps_match)
{
	double v = 1, w = 2;

	promql_eval_init(&ev);
	mem_source_load(&ev.source, "l{a=\"1\"}", 0, 1, 1, &v);
	mem_source_load(&ev.source, "l{a=\"2\"}", 600000, 1, 1, &w);
	mem_source_load(&ev.source, "r{note=\"old\"}", 0, 1, 1, &v);
	mem_source_load(&ev.source, "r{note=\"new\"}", 600000, 1, 1, &w);
	CHECK_STR(promql_eval_range(&ev, "l + on() r", 0, 600000, 600000), "{} 2@0 4@600000\n");
	CHECK_STR(promql_eval_range(&ev, "l * on() group_left(note) r", 0, 600000, 600000),
			  "{a=\"1\", note=\"old\"} 1@0\n{a=\"2\", note=\"new\"} 4@600000\n");
	CHECK_STR(promql_eval_instant(&ev, "(l + on() r)[20m:10m]", 600000), "{} 2@0 4@600000\n");
}

UNIT_TEST(promql_exec_fill)
{
	load();
	CHECK_STR(promql_eval_instant(&ev, "l + fill_right(0) r", 0),
			  "{a=\"1\", b=\"x\"} 101@0\n{a=\"2\", b=\"x\"} 10@0\n");
	CHECK_STR(promql_eval_instant(&ev, "r - fill_left(7) l", 0),
			  "{a=\"1\", b=\"x\"} 99@0\n{a=\"2\", b=\"x\"} -3@0\n");
	CHECK_STR(promql_eval_instant(&ev, "info - on(b) group_right fill_right(3) r", 0),
			  "{a=\"1\", b=\"x\"} -99@0\n");
	CHECK_STR(promql_eval_instant(&ev, "nosuch - on(b) group_right fill_right(3) r", 0),
			  "{a=\"1\", b=\"x\"} -97@0\n");
	CHECK_STR(promql_eval_instant(&ev, "nosuch + fill(1) r", 0), "{a=\"1\", b=\"x\"} 101@0\n");
	CHECK_STR(promql_eval_instant(&ev, "nosuch + fill(1) nosuch", 0), "");
}

UNIT_TEST(promql_exec_set_operators)
{
	load();
	CHECK_STR(promql_eval_instant(&ev, "l and r", 0), "l{a=\"1\", b=\"x\"} 1@0\n");
	CHECK_STR(promql_eval_instant(&ev, "l unless r", 0), "l{a=\"2\", b=\"x\"} 10@0\n");
	CHECK_STR(promql_eval_instant(&ev, "r or l", 0),
			  "r{a=\"1\", b=\"x\"} 100@0\nl{a=\"2\", b=\"x\"} 10@0\n");
	CHECK_STR(promql_eval_instant(&ev, "l and on() nosuch", 0), "");
	CHECK_STR(promql_eval_instant(&ev, "l unless on() nosuch", 0),
			  "l{a=\"1\", b=\"x\"} 1@0\nl{a=\"2\", b=\"x\"} 10@0\n");
	CHECK_STR(promql_eval_range(&ev, "l and (r > 100)", 0, 60000, 60000),
			  "l{a=\"1\", b=\"x\"} 2@60000\n");
}

UNIT_TEST(promql_exec_vector_and_scalar)
{
	load();
	CHECK_STR(promql_eval_instant(&ev, "2 - r", 0), "{a=\"1\", b=\"x\"} -98@0\n");
	CHECK_STR(promql_eval_instant(&ev, "2 < r", 0), "r{a=\"1\", b=\"x\"} 100@0\n");
	CHECK_STR(promql_eval_instant(&ev, "r < 2", 0), "");
	CHECK_STR(promql_eval_instant(&ev, "r < bool 2", 0), "{a=\"1\", b=\"x\"} 0@0\n");
	CHECK_STR(promql_eval_instant(&ev, "r </ 2", 0),
			  "PromQL info: incompatible sample types encountered for binary operator \"</\": "
			  "float </ float (1:1)\n");
}
