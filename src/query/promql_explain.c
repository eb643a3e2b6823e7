/*
 * promql_explain.c
 *    What EXPLAIN shows of a PromQL scan: the call, the conditions it meets, its operators.
 *
 * A query that ran shows the plan it ran with.  One that did not is planned for show, with what is
 * known before execution: times that only execution knows have stand-ins (the shape is as
 * good, and what follows from them is not shown), conditions whose values vary are left out of the
 * selectors.
 */
#include "postgres.h"

#include "query/promql_scan.h"

#include "pg/errmap.h"
#include "pg/time.h"
#include "query/head_stats.h"
#include "store/serving.h"
#include "util/text.h"

#include "access/parallel.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/ruleutils.h"

/* --- the plan to show --------------------------------------------------------------------------- */

/* The call before execution; false: an argument is null. */
static bool
eval_call_to_show(PromqlScan *s, SqlCall *call)
{
	Datum args[SQL_CALL_MAX_ARGS];
	bool isnull;

	for (int i = 0; i < sql_call_nargs(s->kind); i++)
	{
		if (s->times_vary && i > 0)
			break;
		args[i] = promql_scan_argument(s, i, &isnull);
		if (isnull)
			return false;
	}
	if (!s->times_vary)
	{
		sql_call_read(s->kind, args, call);
		return true;
	}
	call->tenants = tenancy_visible();
	call->params = query_default_params(call->tenants);
	call->query = TextDatumGetCString(args[0]);
	call->params.instant = s->kind == SQL_CALL_INSTANT;
	call->params.step_ms = call->params.instant ? 0 : 1;
	call->params.end_ms = call->params.instant ? 0 : 1;
	return true;
}

static PromqlPlan *
plan_to_show(PromqlScan *s, SqlCall *call)
{
	PromqlWanted wanted;
	Err err = ERR_INIT;
	PromqlPlan *plan;
	ListCell *lc;

	if (!eval_call_to_show(s, call))
		return NULL;
	promql_wanted_init(&wanted);
	foreach (lc, s->quals)
	{
		const PromqlScanQual *q = lfirst(lc);
		bool isnull = true;
		Datum value = (Datum) 0;

		if (q->varies || (s->times_vary && promql_qual_is_time(&q->qual)))
			continue;
		if (q->value != NULL)
			value = ExecEvalExprSwitchContext(q->value, s->css.ss.ps.ps_ExprContext, &isnull);
		promql_wanted_add(&wanted, &q->qual, value, isnull);
	}
	promql_wanted_tell(&wanted, &call->params);
	call->params.any_order = true;
	plan = query_plan(call->query, &call->params, &err);
	if (plan == NULL)
		errmap_raise_query(&err, call->query);
	return plan;
}

static bool
quals_vary(const PromqlScan *s)
{
	ListCell *lc;

	foreach (lc, s->quals)
		if (((const PromqlScanQual *) lfirst(lc))->varies)
			return true;
	return false;
}

/* Rows and costs of the nodes; times that are not known are now. */
static void
guess_nodes(const PromqlScan *s, PromqlTree *tree, const SqlCall *call)
{
	PromqlParams params = call->params;
	Err err = ERR_INIT;
	PromqlPlan *plan;

	if (!store_is_ready() || IsParallelWorker())
		return;
	if (s->times_vary)
	{
		params.end_ms += time_now_ms() - params.start_ms;
		params.start_ms = time_now_ms();
	}
	plan = query_plan(call->query, &params, &err);
	if (plan == NULL || promql_plan_nnodes(plan) != promql_tree_nnodes(tree))
		return;
	promql_plan_guess(plan, head_stats_create(call->tenants));
	promql_tree_guess(tree, plan);
}

PromqlTree *
promql_scan_tree(PromqlScan *s, QueryRun *run)
{
	EState *estate = s->css.ss.ps.state;
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	SqlCall call = s->call;
	PromqlPlan *plan;

	if (s->tree == NULL)
	{
		plan = run != NULL && !quals_vary(s) ? query_run_plan(run) : plan_to_show(s, &call);
		if (plan != NULL)
		{
			s->tree = promql_tree_create(estate, plan, !s->times_vary);
			guess_nodes(s, s->tree, &call);
		}
		if (run == NULL)
			s->call = call;
	}
	MemoryContextSwitchTo(old);
	return s->tree;
}

/* --- properties --------------------------------------------------------------------------------- */

static void
show_time(const char *name, int64 ms, ExplainState *es)
{
	Buf b;

	buf_init(&b, 32, 64);
	text_time_rfc3339(&b, ms);
	ExplainPropertyText(name, b.data, es);
}

static void
show_call(const PromqlScan *s, ExplainState *es)
{
	const SqlCall *call = &s->call;
	Buf b;

	ExplainPropertyText("Query", call->query, es);
	if (s->times_vary)
		return;
	if (s->kind == SQL_CALL_INSTANT)
	{
		show_time("Time", call->params.start_ms, es);
		return;
	}
	show_time("Start", call->params.start_ms, es);
	show_time("End", call->params.end_ms, es);
	buf_init(&b, 32, 64);
	text_duration(&b, call->params.step_ms);
	ExplainPropertyText("Step", b.data, es);
}

static void
show_quals(const char *name, bool times, PromqlScan *s, List *ancestors, ExplainState *es)
{
	List *clauses = NIL;
	List *context;
	ListCell *lc;

	foreach (lc, s->quals)
	{
		const PromqlScanQual *q = lfirst(lc);

		if (promql_qual_is_time(&q->qual) == times)
			clauses = lappend(clauses, q->clause);
	}
	if (clauses == NIL)
		return;
	context = set_deparse_context_plan(es->deparse_cxt, s->css.ss.ps.plan, ancestors);
	ExplainPropertyText(
		name, deparse_expression((Node *) make_ands_explicit(clauses), context, es->verbose, false),
		es);
}

void
promql_scan_explain(CustomScanState *css, List *ancestors, ExplainState *es)
{
	PromqlScan *s = (PromqlScan *) css;
	MemoryContext old;

	promql_scan_finish(s);
	old = MemoryContextSwitchTo(css->ss.ps.state->es_query_cxt);
	if (!s->text_varies && promql_scan_tree(s, NULL) != NULL)
	{
		show_call(s, es);
		if (css->custom_ps == NIL)
			css->custom_ps = list_make1(promql_tree_root(s->tree));
	}
	show_quals("Label Filter", false, s, ancestors, es);
	show_quals("Time Filter", true, s, ancestors, es);
	if (s->parallel != NULL)
		promql_parallel_collect(s);
	MemoryContextSwitchTo(old);
	if (es->analyze)
	{
		ExplainPropertyInteger("Samples Read", NULL, s->stats.samples_read, es);
		ExplainPropertyInteger("Samples Held", NULL, s->stats.peak_samples, es);
	}
}
