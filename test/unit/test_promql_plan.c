/*
 * test_promql_plan.c
 *    Plans: shape and numbering, properties, time windows, what is worked out beforehand.
 */
#include "promql/plan/plan.h"
#include "unit.h"
#include "util/text.h"

static Err err;

static const PromqlPlan *
make_plan(const char *query, int64_t start, int64_t end, int64_t step, bool delayed)
{
	PromqlParams params = {
		.start_ms = start,
		.end_ms = end,
		.step_ms = step,
		.instant = step == 0,
		.lookback_ms = 300000,
		.default_subquery_step_ms = 60000,
		.flags = {.experimental_functions = true,
				  .extended_range = true,
				  .delayed_name_removal = delayed},
	};
	const PromqlExpr *expr;

	err = (Err) ERR_INIT;
	expr = promql_parse(query, strlen(query), &params.flags, &err);
	return expr != NULL ? promql_plan(expr, &params, &err) : NULL;
}

static void
shape(Buf *out, const PromqlPlan *plan, int node)
{
	buf_printf(out, "%d %s", node, promql_plan_node_name(plan, node) + strlen("PromQL "));
	for (int i = 0; i < promql_plan_nchildren(plan, node); i++)
	{
		buf_str(out, i == 0 ? " (" : ", ");
		shape(out, plan, promql_plan_child(plan, node, i));
	}
	if (promql_plan_nchildren(plan, node) > 0)
		buf_char(out, ')');
}

/* the tree as "0 Aggregate (1 Series Scan)" */
static const char *
plan_shape(const char *query, int64_t start, int64_t end, int64_t step, bool delayed)
{
	const PromqlPlan *plan = make_plan(query, start, end, step, delayed);
	Buf out;

	if (plan == NULL)
		return err.msg;
	buf_init(&out, 128, 1 << 16);
	shape(&out, plan, 0);
	return out.data;
}

UNIT_TEST(promql_plan_numbers_nodes_in_preorder)
{
	CHECK_STR(plan_shape("sum by (a) (rate(x[5m])) / on(a) count(y) > 1", 0, 0, 0, false),
			  "0 Binary Scalar (1 Binary Match (2 Aggregate (3 Range Function (4 Range Scan)), "
			  "5 Aggregate (6 Series Scan)), 7 Number)");
	CHECK_STR(plan_shape("(x) and +y", 0, 0, 0, false),
			  "0 Set Operation (1 Series Scan, 2 Series Scan)");
	CHECK_STR(plan_shape("topk(scalar(x), -y)", 0, 0, 0, false),
			  "0 Aggregate (1 Negate (2 Series Scan), 3 Function (4 Series Scan))");
}

UNIT_TEST(promql_plan_works_out_constants)
{
	CHECK_STR(plan_shape("end() - start() + step() * -(2)", 0, 60000, 10000, false), "0 Number");
	CHECK(
		make_plan("end() - start() + step() * -(2)", 0, 60000, 10000, false)->root->number_value ==
		40);
	CHECK(make_plan("step() + range()", 5000, 5000, 10000, false)->root->number_value == 0);
	CHECK(make_plan("1 < bool 2", 0, 0, 0, false)->root->number_value == 1);
	CHECK_INT(make_plan("rate(x[1m * 2])", 0, 0, 0, false)->nodes[1]->select.range_ms, 120000);
}

UNIT_TEST(promql_plan_evaluates_invariant_parts_once)
{
	CHECK_STR(plan_shape("sum(x @ 1) + y", 0, 60000, 10000, false),
			  "0 Binary Match (1 Step Invariant (2 Aggregate (3 Series Scan)), 4 Series Scan)");
	CHECK_STR(plan_shape("sum(x @ 1)", 0, 0, 0, false), "0 Aggregate (1 Series Scan)");
	CHECK_STR(plan_shape("timestamp(x @ 1)", 0, 60000, 10000, false),
			  "0 Step Invariant (1 Function (2 Series Scan))");
	CHECK_STR(plan_shape("timestamp(x @ 1 + 0)", 0, 60000, 10000, false),
			  "0 Function (1 Step Invariant (2 Binary Scalar (3 Series Scan, 4 Number)))");
	CHECK_STR(plan_shape("predict_linear(x[5m] @ 1, 60)", 0, 60000, 10000, false),
			  "0 Range Function (1 Range Scan)");
	CHECK_STR(plan_shape("rate(x[5m] @ 1)", 0, 60000, 10000, false),
			  "0 Step Invariant (1 Range Function (2 Range Scan))");
}

static void
check_window(const char *query, int node, int64_t mint, int64_t maxt)
{
	const PromqlPlan *plan = make_plan(query, 1000000, 1600000, 60000, false);

	CHECK_INT(plan->nodes[node]->select.mint, mint);
	CHECK_INT(plan->nodes[node]->select.maxt, maxt);
}

UNIT_TEST(promql_plan_windows_of_selectors)
{
	check_window("x", 0, 700001, 1600000);
	check_window("x offset 10s", 0, 690001, 1590000);
	check_window("x offset -10s", 0, 710001, 1610000);
	check_window("x @ 500", 1, 200001, 500000);
	check_window("rate(x[1m])", 1, 940001, 1600000);
	check_window("rate(x[1m] anchored)", 1, 640001, 1600000);
	check_window("rate(x[1m] smoothed)", 1, 640001, 1900000);
	/* the child's steps: multiples of 30 s, from 940 s (excluded) to 1600 s */
	check_window("sum_over_time(x[1m:30s])", 2, 660001, 1590000);
}

UNIT_TEST(promql_plan_checks_labels_only_where_they_may_collide)
{
	CHECK_STR(plan_shape("sum(rate(x[5m]))", 0, 0, 0, false),
			  "0 Aggregate (1 Range Function (2 Range Scan))");
	CHECK_STR(plan_shape("sum(rate({job=\"a\"}[5m]))", 0, 0, 0, false),
			  "0 Aggregate (1 Unique Check (2 Range Function (3 Range Scan)))");
	CHECK_STR(plan_shape("sum(rate({job=\"a\"}[5m]))", 0, 0, 0, true),
			  "0 Aggregate (1 Range Function (2 Range Scan))");
	CHECK_STR(plan_shape("(x or y)[5m:]", 0, 0, 0, false),
			  "0 Subquery (1 Merge (2 Set Operation (3 Series Scan, 4 Series Scan)))");
	CHECK_STR(plan_shape("x[5m:]", 0, 0, 0, false), "0 Subquery (1 Series Scan)");
}

UNIT_TEST(promql_plan_shows_properties)
{
	const PromqlPlan *plan =
		make_plan("quantile by (b, a) (0.5, rate(x{y!=\"z\"}[5m] offset 1m))", 0, 0, 0, false);
	const PromqlProperty *p;

	CHECK_INT(promql_plan_nnodes(plan), 3);
	CHECK_INT(promql_plan_properties(plan, 0, &p), 3);
	CHECK_STR(p[0].value, "quantile");
	CHECK_STR(p[1].name, "Grouping");
	CHECK_STR(p[1].value, "by (a, b)");
	CHECK_STR(p[2].value, "0.5");
	CHECK(p[3].name == NULL);
	CHECK_INT(promql_plan_properties(plan, 1, &p), 1);
	CHECK_STR(p[0].value, "rate");
	promql_plan_properties(plan, 2, &p);
	CHECK_STR(p[0].value, "{y!=\"z\",__name__=\"x\"}");
	CHECK_STR(p[1].value, "5m");
	CHECK_STR(p[2].name, "Offset");
}

UNIT_TEST(promql_plan_refuses)
{
	CHECK_STR(plan_shape("x[5m]", 0, 60000, 10000, false),
			  "invalid expression type \"range vector\" for range query, must be Scalar or instant "
			  "Vector");
	CHECK_STR(plan_shape("max_over_time(x[5m] anchored)", 0, 0, 0, false),
			  "anchored modifier can only be used with: changes, delta, increase, rate, resets - "
			  "not with max_over_time");
	CHECK_STR(plan_shape("x", 0, INT64_C(1) << 50, 1, false),
			  "query processing would load too many samples into memory in query execution");
}
