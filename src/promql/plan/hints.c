/*
 * hints.c
 *    Fifth pass: selectors whose histograms are only asked for count and sum.
 *
 * For these histograms are read without buckets, as Prometheus does, and since resets cannot be
 * detected later without buckets, the reset hint of every histogram is made explicit while reading
 * (reference 2.12.7).  One can tell: sums of such histograms can warn of conflicting resets, but not of
 * different custom bounds, and histograms that differ in buckets alone are equal.
 */
#include "promql/plan/plan_int.h"

/*
 * visit -- counted: below histogram_count() or the like; whole: below something that needs buckets,
 * or a subquery.
 */
static void
visit(PromqlPlanNode *node, bool counted, bool whole)
{
	switch (node->kind)
	{
		case PROMQL_PLAN_SELECT:
		case PROMQL_PLAN_RANGE_SELECT:
			node->select.counts_only = counted && !whole;
			break;
		case PROMQL_PLAN_SUBQUERY:
			whole = true;
			break;
		case PROMQL_PLAN_CALL:
			switch (node->call.sig->fn)
			{
				case PROMQL_FN_histogram_count:
				case PROMQL_FN_histogram_sum:
				case PROMQL_FN_histogram_avg:
					counted = true;
					break;
				case PROMQL_FN_histogram_quantile:
				case PROMQL_FN_histogram_quantiles:
				case PROMQL_FN_histogram_fraction:
					whole = true;
					break;
				default:
					break;
			}
			break;
		case PROMQL_PLAN_BINARY_SCALAR:
			whole |=
				node->binary.op == PROMQL_OP_TRIM_UPPER || node->binary.op == PROMQL_OP_TRIM_LOWER;
			break;
		default:
			break;
	}
	for (int i = 0; i < node->nchildren; i++)
		visit(node->children[i], counted, whole);
}

void
promql_plan_hints(PromqlPlanNode *root)
{
	visit(root, false, false);
}
