/*
 * promql_scan.c
 *    Execution: runs a PromQL query and makes rows of its series.
 *
 * The arguments and the values of conditions are evaluated and the query is started when the first
 * row is asked for, anew after each rescan.  The engine is told what the conditions leave; series
 * and points that it gives beyond that are dropped here, before anything is made of them.  Labels
 * are made once a series, and columns that nobody looks at not at all.
 *
 * Memory: a run lives in run_context, below the executor's query context, and is reset with each
 * rescan; the labels of the current series in label_context; histograms in the per-tuple context.
 */
#include "postgres.h"

#include "query/promql_scan.h"

#include "pg/errmap.h"
#include "pg/time.h"
#include "query/function_plan.h"
#include "query/sql_value.h"

#include "access/parallel.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/memutils.h"

/* --- arguments and conditions ------------------------------------------------------------------- */

Datum
promql_scan_argument(PromqlScan *s, int i, bool *isnull)
{
	return ExecEvalExprSwitchContext(list_nth(s->args, i), s->css.ss.ps.ps_ExprContext, isnull);
}

static bool
eval_call(PromqlScan *s)
{
	Datum args[SQL_CALL_MAX_ARGS];
	bool isnull;

	for (int i = 0; i < sql_call_nargs(s->kind); i++)
	{
		args[i] = promql_scan_argument(s, i, &isnull);
		if (isnull)
			return false;
	}
	sql_call_read(s->kind, args, &s->call);
	return true;
}

bool
promql_scan_eval(PromqlScan *s)
{
	ListCell *lc;

	if (!eval_call(s))
		return false;
	promql_wanted_init(&s->wanted);
	foreach (lc, s->quals)
	{
		const PromqlScanQual *q = lfirst(lc);
		bool isnull = true;
		Datum value = (Datum) 0;

		if (q->value != NULL)
			value = ExecEvalExprSwitchContext(q->value, s->css.ss.ps.ps_ExprContext, &isnull);
		promql_wanted_add(&s->wanted, &q->qual, value, isnull);
	}
	promql_wanted_tell(&s->wanted, &s->call.params);
	s->call.params.any_order = true;
	return true;
}

/* --- running -------------------------------------------------------------------------------- */

/* Is there anything that conditions do not rule out from the beginning? */
static bool
wants_any(const PromqlScan *s)
{
	const PromqlParams *p = &s->call.params;

	if (s->wanted.nothing)
		return false;
	/* the points of an instant query have its time, but for the samples of a range selector */
	return !p->instant || query_run_type(s->run) == PROMQL_MATRIX ||
		   promql_wanted_time(&s->wanted, time_from_ms(p->start_ms));
}

static void
begin_run(PromqlScan *s)
{
	const QueryParts *parts = s->parallel != NULL ? promql_parallel_parts(s) : NULL;
	Err err = ERR_INIT;

	s->run = query_run_begin_parts(s->call.tenants, s->call.query, &s->call.params, parts, &err);
	if (s->run == NULL)
		errmap_raise_query(&err, s->call.query);
	query_run_need_samples(s->run);
	if (!wants_any(s))
	{
		query_run_end(s->run);
		s->run = NULL;
		return;
	}
	if (s->css.ss.ps.state->es_instrument != 0 && !s->text_varies)
		promql_tree_trace(promql_scan_tree(s, s->run), query_run_plan(s->run),
						  query_run_exec(s->run));
}

static void
start(PromqlScan *s)
{
	MemoryContext old = MemoryContextSwitchTo(s->run_context);

	s->started = true;
	s->series.n = s->point = s->end = 0;
	query_need_store();
	if (s->parallel != NULL ? promql_parallel_eval(s) : promql_scan_eval(s))
		begin_run(s);
	MemoryContextSwitchTo(old);
}

void
promql_scan_finish(PromqlScan *s)
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

/* The points of the series that lie in the wanted window: they are in order of time. */
static void
set_window(PromqlScan *s)
{
	const PromqlSeries *series = &s->series;

	s->point = 0;
	s->end = series->n;
	if (!s->wanted.has_window)
		return;
	while (s->point < s->end && time_from_ms(series->t[s->point]) < s->wanted.from)
		s->point++;
	while (s->end > s->point && time_from_ms(series->t[s->end - 1]) > s->wanted.to)
		s->end--;
}

/* The next series that has points that are wanted; false at the end. */
static bool
next_series(PromqlScan *s)
{
	Err err = ERR_INIT;
	int got;

	do
	{
		CHECK_FOR_INTERRUPTS();
		got = query_run_next(s->run, &s->series, &err);
		if (got < 0)
			errmap_raise_query(&err, s->call.query);
		if (got == 0)
		{
			promql_scan_finish(s);
			return false;
		}
		set_window(s);
	} while (s->point == s->end || !promql_wanted_labels(&s->wanted, s->series.labels));
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
	PromqlScan *s = (PromqlScan *) ss;
	TupleTableSlot *slot = ss->ss_ScanTupleSlot;
	MemoryContext old;

	ExecClearTuple(slot);
	if (!s->started)
		start(s);
	if (s->run == NULL || (s->point >= s->end && !next_series(s)))
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

static List *
init_quals(List *clauses, PlanState *parent)
{
	List *quals = NIL;
	ListCell *lc;

	foreach (lc, clauses)
	{
		PromqlScanQual *q = palloc0(sizeof(PromqlScanQual));

		q->clause = lfirst(lc);
		if (!promql_qual_match(q->clause, INDEX_VAR, &q->qual))
			elog(ERROR, "condition of a PromQL scan is not recognized");
		if (q->qual.value != NULL)
		{
			q->value = ExecInitExpr(q->qual.value, parent);
			q->varies = function_plan_varies((Node *) q->qual.value, parent->state);
		}
		quals = lappend(quals, q);
	}
	return quals;
}

static void
scan_begin(CustomScanState *css, EState *estate, int eflags)
{
	PromqlScan *s = (PromqlScan *) css;
	CustomScan *plan = (CustomScan *) css->ss.ps.plan;
	List *args;
	ListCell *lc;

	s->kind = list_nth_int(plan->custom_private, PROMQL_SCAN_KIND);
	s->columns = list_nth_int(plan->custom_private, PROMQL_SCAN_COLUMNS);
	function_plan_check((Oid) list_nth_int(plan->custom_private, PROMQL_SCAN_FUNCID));
	args = list_truncate(list_copy(plan->custom_exprs), sql_call_nargs(s->kind));
	s->text_varies = function_plan_varies(linitial(args), estate);
	s->times_vary = function_plan_varies((Node *) list_copy_tail(args, 1), estate);
	s->args = ExecInitExprList(args, &css->ss.ps);
	s->quals = init_quals(list_copy_tail(plan->custom_exprs, sql_call_nargs(s->kind)), &css->ss.ps);
	foreach (lc, s->quals)
	{
		const PromqlScanQual *q = lfirst(lc);

		s->times_vary |= q->varies && promql_qual_is_time(&q->qual);
	}
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
	PromqlScan *s = (PromqlScan *) css;

	promql_scan_finish(s);
	MemoryContextReset(s->run_context);
	s->started = false;
	if (s->tree != NULL)
		promql_tree_end_loop(s->tree);
	ExecScanReScan(&css->ss);
}

/* Also called between two fetches of a cursor: only a worker's scan is over then. */
static void
scan_shutdown(CustomScanState *css)
{
	PromqlScan *s = (PromqlScan *) css;

	if (s->parallel == NULL || !IsParallelWorker())
		return;
	promql_scan_finish(s);
	promql_parallel_report(s);
}

static void
scan_end(CustomScanState *css)
{
	ListCell *lc;

	promql_scan_finish((PromqlScan *) css);
	foreach (lc, css->custom_ps)
		ExecEndNode(lfirst(lc));
}

static const CustomExecMethods exec_methods = {
	.CustomName = "PromQL Query",
	.BeginCustomScan = scan_begin,
	.ExecCustomScan = scan_exec,
	.EndCustomScan = scan_end,
	.ReScanCustomScan = scan_rescan,
	.EstimateDSMCustomScan = promql_parallel_estimate,
	.InitializeDSMCustomScan = promql_parallel_init,
	.ReInitializeDSMCustomScan = promql_parallel_reinit,
	.InitializeWorkerCustomScan = promql_parallel_init_worker,
	.ShutdownCustomScan = scan_shutdown,
	.ExplainCustomScan = promql_scan_explain,
};

static Node *
create_state(CustomScan *plan)
{
	PromqlScan *s = (PromqlScan *) newNode(sizeof(PromqlScan), T_CustomScanState);

	s->css.methods = &exec_methods;
	return (Node *) s;
}

const CustomScanMethods promql_scan_methods = {
	.CustomName = "PromQL Query",
	.CreateCustomScanState = create_state,
};
