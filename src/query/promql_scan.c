/*
 * promql_scan.c
 *    Execution: runs a PromQL query and makes rows of its series.
 *
 * The arguments are evaluated and the query is started when the first row is asked for, anew after
 * each rescan.  Labels are made once a series, and columns that nobody looks at not at all.
 *
 * Memory: a run lives in run_context, below the executor's query context, and is reset with each
 * rescan; the labels of the current series in label_context; histograms in the per-tuple context.
 */
#include "postgres.h"

#include "query/promql_scan.h"

#include "pg/errmap.h"
#include "query/function_plan.h"
#include "query/run.h"
#include "query/sql_call.h"
#include "query/sql_value.h"
#include "util/text.h"

#include "commands/explain.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

typedef struct ScanRun
{
	CustomScanState css; /* first */
	SqlCallKind kind;
	int columns;	  /* PROMQL_SCAN_COLUMNS */
	List *args;		  /* ExprState of each argument */
	bool started;	  /* since the last rescan */
	bool text_varies; /* only execution knows the query's text, it may differ at each rescan */
	bool times_vary;  /* or its times */

	MemoryContext run_context;
	SqlCall call;
	QueryRun *run;		 /* NULL: not started, or its end was reached */
	PromqlSeries series; /* valid until the next is asked for */
	int point;			 /* next one of it */
	MemoryContext label_context;
	Datum labels;

	/* for EXPLAIN */
	PromqlTree *tree;  /* NULL: not made */
	PromqlStats stats; /* of all runs that ended */
} ScanRun;

/* --- running -------------------------------------------------------------------------------- */

static Datum
eval_argument(ScanRun *s, int i, bool *isnull)
{
	return ExecEvalExprSwitchContext(list_nth(s->args, i), s->css.ss.ps.ps_ExprContext, isnull);
}

/* False: an argument is null, and the functions are strict. */
static bool
eval_call(ScanRun *s)
{
	Datum args[SQL_CALL_MAX_ARGS];
	bool isnull;

	for (int i = 0; i < sql_call_nargs(s->kind); i++)
	{
		args[i] = eval_argument(s, i, &isnull);
		if (isnull)
			return false;
	}
	sql_call_read(s->kind, args, &s->call);
	return true;
}

static void
start(ScanRun *s)
{
	EState *estate = s->css.ss.ps.state;
	MemoryContext old = MemoryContextSwitchTo(s->run_context);
	Err err = ERR_INIT;

	s->started = true;
	query_need_store();
	if (eval_call(s))
	{
		s->run = query_run_begin(s->call.tenants, s->call.query, &s->call.params, &err);
		if (s->run == NULL)
			errmap_raise_query(&err, s->call.query);
		query_run_need_samples(s->run);
		if (estate->es_instrument != 0 && !s->text_varies)
		{
			if (s->tree == NULL)
				s->tree = promql_tree_create(estate, query_run_plan(s->run), !s->times_vary);
			promql_tree_trace(s->tree, query_run_plan(s->run), query_run_exec(s->run));
		}
	}
	s->series.n = s->point = 0;
	MemoryContextSwitchTo(old);
}

/* Close the run, keep its figures. */
static void
finish(ScanRun *s)
{
	PromqlStats stats;

	if (s->run == NULL)
		return;
	query_run_close(s->run);
	stats = query_run_stats(s->run);
	s->stats.samples_read += stats.samples_read;
	s->stats.peak_samples = Max(s->stats.peak_samples, stats.peak_samples);
	if (s->tree != NULL)
		promql_tree_collect(s->tree, query_run_exec(s->run));
	query_run_end(s->run);
	s->run = NULL;
}

/* The next series that has points; false at the end. */
static bool
next_series(ScanRun *s)
{
	Err err = ERR_INIT;
	int got;

	do
	{
		CHECK_FOR_INTERRUPTS();
		got = query_run_next(s->run, &s->series, &err);
		if (got < 0)
			errmap_raise_query(&err, s->call.query);
	} while (got > 0 && s->series.n == 0);
	s->point = 0;
	if (got == 0)
	{
		finish(s);
		return false;
	}
	if (s->columns & (1 << SQL_CALL_LABELS))
	{
		MemoryContext old;

		MemoryContextReset(s->label_context);
		old = MemoryContextSwitchTo(s->label_context);
		s->labels = sql_value_labels(s->series.labels);
		MemoryContextSwitchTo(old);
	}
	return true;
}

static TupleTableSlot *
next_row(ScanState *ss)
{
	ScanRun *s = (ScanRun *) ss;
	TupleTableSlot *slot = ss->ss_ScanTupleSlot;
	MemoryContext old;

	ExecClearTuple(slot);
	if (!s->started)
		start(s);
	if (s->run == NULL || (s->point >= s->series.n && !next_series(s)))
		return slot;
	slot->tts_values[SQL_CALL_LABELS] = s->labels;
	slot->tts_isnull[SQL_CALL_LABELS] = !(s->columns & (1 << SQL_CALL_LABELS));
	old = MemoryContextSwitchTo(ss->ps.ps_ExprContext->ecxt_per_tuple_memory);
	sql_value_point(&s->series, s->point++, (s->columns & (1 << SQL_CALL_HISTOGRAM)) != 0,
					slot->tts_values, slot->tts_isnull);
	MemoryContextSwitchTo(old);
	return ExecStoreVirtualTuple(slot);
}

static bool
recheck_row(ScanState *ss, TupleTableSlot *slot)
{
	return true; /* rows cannot change */
}

/* --- methods -------------------------------------------------------------------------------- */

static void
scan_begin(CustomScanState *css, EState *estate, int eflags)
{
	ScanRun *s = (ScanRun *) css;
	CustomScan *plan = (CustomScan *) css->ss.ps.plan;

	s->kind = list_nth_int(plan->custom_private, PROMQL_SCAN_KIND);
	s->columns = list_nth_int(plan->custom_private, PROMQL_SCAN_COLUMNS);
	function_plan_check((Oid) list_nth_int(plan->custom_private, PROMQL_SCAN_FUNCID));
	s->text_varies = function_plan_varies(linitial(plan->custom_exprs), estate);
	s->times_vary = function_plan_varies((Node *) list_copy_tail(plan->custom_exprs, 1), estate);
	s->args = ExecInitExprList(plan->custom_exprs, &css->ss.ps);
	s->run_context =
		AllocSetContextCreate(estate->es_query_cxt, "PromQL scan", ALLOCSET_DEFAULT_SIZES);
	s->label_context =
		AllocSetContextCreate(estate->es_query_cxt, "PromQL scan labels", ALLOCSET_SMALL_SIZES);
}

static TupleTableSlot *
scan_exec(CustomScanState *css)
{
	return ExecScan(&css->ss, next_row, recheck_row);
}

static void
scan_rescan(CustomScanState *css)
{
	ScanRun *s = (ScanRun *) css;

	finish(s);
	MemoryContextReset(s->run_context);
	s->started = false;
	if (s->tree != NULL)
		promql_tree_end_loop(s->tree);
	ExecScanReScan(&css->ss);
}

static void
scan_end(CustomScanState *css)
{
	ListCell *lc;

	finish((ScanRun *) css);
	foreach (lc, css->custom_ps)
		ExecEndNode(lfirst(lc));
}

/* --- EXPLAIN -------------------------------------------------------------------------------- */

/*
 * A plan to show when the query did not run.  Times that only execution knows have stand-ins: the
 * shape is as good.
 */
static PromqlPlan *
plan_to_show(ScanRun *s)
{
	Err err = ERR_INIT;
	PromqlPlan *plan;
	bool isnull;
	Datum query;

	if (!s->times_vary)
	{
		if (!eval_call(s))
			return NULL;
	}
	else
	{
		query = eval_argument(s, 0, &isnull);
		if (isnull)
			return NULL;
		s->call.tenants = tenancy_visible();
		s->call.params = query_default_params(s->call.tenants);
		s->call.query = TextDatumGetCString(query);
		s->call.params.instant = s->kind == SQL_CALL_INSTANT;
		s->call.params.step_ms = s->call.params.instant ? 0 : 1;
		s->call.params.end_ms = s->call.params.instant ? 0 : 1;
	}
	plan = query_plan(s->call.query, &s->call.params, &err);
	if (plan == NULL)
		errmap_raise_query(&err, s->call.query);
	return plan;
}

static void
show_time(const char *name, int64 ms, ExplainState *es)
{
	Buf b;

	buf_init(&b, 32, 64);
	text_time_rfc3339(&b, ms);
	ExplainPropertyText(name, b.data, es);
}

static void
show_call(const ScanRun *s, ExplainState *es)
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
scan_explain(CustomScanState *css, List *ancestors, ExplainState *es)
{
	ScanRun *s = (ScanRun *) css;
	EState *estate = css->ss.ps.state;
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);

	finish(s);
	if (s->tree == NULL && !s->text_varies)
	{
		PromqlPlan *plan = plan_to_show(s);

		if (plan != NULL)
			s->tree = promql_tree_create(estate, plan, !s->times_vary);
	}
	if (s->tree != NULL)
		show_call(s, es);
	if (s->tree != NULL && css->custom_ps == NIL)
		css->custom_ps = list_make1(promql_tree_root(s->tree));
	MemoryContextSwitchTo(old);
	if (es->analyze)
	{
		ExplainPropertyInteger("Samples Read", NULL, s->stats.samples_read, es);
		ExplainPropertyInteger("Samples Held", NULL, s->stats.peak_samples, es);
	}
}

static const CustomExecMethods exec_methods = {
	.CustomName = "PromQL Query",
	.BeginCustomScan = scan_begin,
	.ExecCustomScan = scan_exec,
	.EndCustomScan = scan_end,
	.ReScanCustomScan = scan_rescan,
	.ExplainCustomScan = scan_explain,
};

static Node *
create_state(CustomScan *plan)
{
	ScanRun *s = (ScanRun *) newNode(sizeof(ScanRun), T_CustomScanState);

	s->css.methods = &exec_methods;
	return (Node *) s;
}

const CustomScanMethods promql_scan_methods = {
	.CustomName = "PromQL Query",
	.CreateCustomScanState = create_state,
};
