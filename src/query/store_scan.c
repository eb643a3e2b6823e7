/*
 * store_scan.c
 *    Execution: reads the store as the conditions say, filters groups, hands on rows.
 *
 * Arguments and conditions are evaluated when the first row is asked for, anew after each rescan.
 *
 * Memory: what is read lives in run_context, below the executor's query context, and is reset with
 * each rescan; columns of rows in the per-tuple context.
 */
#include "postgres.h"

#include "query/store_scan.h"

#include "query/function_plan.h"
#include "query/run.h"
#include "query/store_cond.h"
#include "types/labels_value.h"
#include "types/selector_value.h"
#include "util/text.h"

#include "commands/explain.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"

typedef struct StoreScan
{
	CustomScanState css; /* first */
	StoreRowsKind kind;
	uint32 columns;
	List *args;	 /* ExprStates of the function's arguments */
	List *exprs; /* ExprStates of the conditions' expressions */
	List *conds;
	List *group_quals; /* expressions, for EXPLAIN */
	ExprState *group_filter;

	MemoryContext run_context;
	StoreFilter filter;
	bool started;	 /* since the last rescan */
	StoreRows *rows; /* NULL: not started, or its end was reached */
	bool in_group;

	/* for EXPLAIN, over all runs */
	StoreRowsStats stats;
	int64 groups_removed;
} StoreScan;

/* ---- running ----------------------------------------------------------------------------------- */

/* Values of expressions; those that only execution knows are skipped if !running. */
static void
evaluate(StoreScan *s, List *exprs, bool running, Datum *values, bool *nulls, bool *known)
{
	ExprContext *econtext = s->css.ss.ps.ps_ExprContext;
	ListCell *lc;
	int i = 0;

	foreach (lc, exprs)
	{
		ExprState *state = lfirst(lc);

		known[i] = running || !function_plan_varies((Node *) state->expr, s->css.ss.ps.state);
		nulls[i] = true;
		if (known[i])
			values[i] = ExecEvalExprSwitchContext(state, econtext, &nulls[i]);
		i++;
	}
}

static bool
all_known(const List *cond, const bool *known)
{
	int name = list_nth_int(cond, STORE_COND_NAME);
	int value = list_nth_int(cond, STORE_COND_VALUE);

	return (name < 0 || known[name]) && (value < 0 || known[value]);
}

/*
 * Make the filter, in CurrentMemoryContext.  While not running, what only execution knows is left
 * out.
 */
static void
make_filter(StoreScan *s, bool running)
{
	Datum args[STORE_ROWS_MAX_ARGS];
	bool arg_nulls[STORE_ROWS_MAX_ARGS];
	bool args_known[STORE_ROWS_MAX_ARGS];
	int n = list_length(s->exprs);
	Datum *values = palloc(sizeof(Datum) * (n + 1));
	bool *nulls = palloc(sizeof(bool) * (n + 1));
	bool *known = palloc(sizeof(bool) * (n + 1));
	bool any_null = false;
	bool complete = true;
	ListCell *lc;

	evaluate(s, s->args, running, args, arg_nulls, args_known);
	evaluate(s, s->exprs, running, values, nulls, known);
	store_filter_init(&s->filter);
	for (int i = 0; i < list_length(s->args); i++)
	{
		complete &= args_known[i];
		any_null |= args_known[i] && arg_nulls[i];
	}
	if (any_null) /* the functions are strict */
		s->filter.nothing = true;
	else if (complete)
		store_filter_args(&s->filter, s->kind, args);
	foreach (lc, s->conds)
		if (all_known(lfirst(lc), known))
			store_cond_apply(lfirst(lc), values, nulls, &s->filter);
}

static void
start(StoreScan *s)
{
	MemoryContext old = MemoryContextSwitchTo(s->run_context);

	s->started = true;
	s->in_group = false;
	make_filter(s, true);
	s->rows = store_rows_begin(s->kind, &s->filter, s->columns);
	MemoryContextSwitchTo(old);
}

/* End a run, keep its figures. */
static void
finish(StoreScan *s)
{
	StoreRowsStats st;
	StoreRows *rows = s->rows;

	if (rows == NULL)
		return;
	s->rows = NULL;
	st = store_rows_end(rows);
	s->stats.groups += st.groups;
	s->stats.blocks += st.blocks;
	s->stats.blocks_pruned += st.blocks_pruned;
	s->stats.chunks += st.chunks;
	s->stats.chunks_head += st.chunks_head;
	s->stats.samples += st.samples;
}

/* The next group that the filter lets through; false at the end. */
static bool
next_group(StoreScan *s, TupleTableSlot *slot)
{
	ExprContext *econtext = s->css.ss.ps.ps_ExprContext;

	for (;;)
	{
		ExecClearTuple(slot);
		if (!store_rows_next_group(s->rows, slot->tts_values, slot->tts_isnull))
			return false;
		if (s->group_filter == NULL)
			return true;
		econtext->ecxt_scantuple = ExecStoreVirtualTuple(slot);
		if (ExecQual(s->group_filter, econtext))
			return true;
		s->groups_removed++;
		ResetExprContext(econtext);
		CHECK_FOR_INTERRUPTS();
	}
}

static TupleTableSlot *
next_row(ScanState *ss)
{
	StoreScan *s = (StoreScan *) ss;
	TupleTableSlot *slot = ss->ss_ScanTupleSlot;
	MemoryContext per_tuple = ss->ps.ps_ExprContext->ecxt_per_tuple_memory;

	if (!s->started)
		start(s);
	while (s->rows != NULL)
	{
		MemoryContext old;
		bool got;

		if (!s->in_group && !next_group(s, slot))
		{
			finish(s);
			break;
		}
		s->in_group = true;
		ExecClearTuple(slot);
		old = MemoryContextSwitchTo(per_tuple);
		got = store_rows_next(s->rows, slot->tts_values, slot->tts_isnull);
		MemoryContextSwitchTo(old);
		if (got)
			return ExecStoreVirtualTuple(slot);
		s->in_group = false;
	}
	return ExecClearTuple(slot);
}

static bool
recheck_row(ScanState *ss, TupleTableSlot *slot)
{
	return true; /* rows cannot change */
}

/* ---- methods ----------------------------------------------------------------------------------- */

static void
scan_begin(CustomScanState *css, EState *estate, int eflags)
{
	StoreScan *s = (StoreScan *) css;
	CustomScan *plan = (CustomScan *) css->ss.ps.plan;
	List *fixed = linitial(plan->custom_private);
	int nexprs = list_nth_int(fixed, STORE_SCAN_NEXPRS);
	int nargs;
	int i = 0;
	ListCell *lc;

	s->kind = list_nth_int(fixed, STORE_SCAN_KIND);
	s->columns = (uint32) list_nth_int(fixed, STORE_SCAN_COLUMNS);
	s->conds = list_copy_tail(plan->custom_private, 1);
	function_plan_check((Oid) list_nth_int(fixed, STORE_SCAN_FUNCID));
	nargs = store_rows_info(s->kind)->nargs;
	foreach (lc, plan->custom_exprs)
	{
		if (i < nargs)
			s->args = lappend(s->args, ExecInitExpr(lfirst(lc), &css->ss.ps));
		else if (i < nargs + nexprs)
			s->exprs = lappend(s->exprs, ExecInitExpr(lfirst(lc), &css->ss.ps));
		else
			s->group_quals = lappend(s->group_quals, lfirst(lc));
		i++;
	}
	s->group_filter = ExecInitQual(s->group_quals, &css->ss.ps);
	s->run_context =
		AllocSetContextCreate(estate->es_query_cxt, "mimir store scan", ALLOCSET_DEFAULT_SIZES);
}

static TupleTableSlot *
scan_exec(CustomScanState *css)
{
	return ExecScan(&css->ss, next_row, recheck_row);
}

static void
scan_rescan(CustomScanState *css)
{
	StoreScan *s = (StoreScan *) css;

	finish(s);
	MemoryContextReset(s->run_context);
	s->started = false;
	ExecScanReScan(&css->ss);
}

static void
scan_end(CustomScanState *css)
{
	finish((StoreScan *) css);
}

/* ---- EXPLAIN ----------------------------------------------------------------------------------- */

static char *
deparse(StoreScan *s, Node *expr, List *ancestors, ExplainState *es)
{
	List *context = set_deparse_context_plan(es->deparse_cxt, s->css.ss.ps.plan, ancestors);

	return deparse_expression(expr, context, es->verbose, false);
}

static Node *
expr_of(const StoreScan *s, int i)
{
	return (Node *) ((ExprState *) list_nth(s->exprs, i))->expr;
}

/* A condition whose value only execution knows, as text. */
static char *
cond_text(StoreScan *s, const List *cond, List *ancestors, ExplainState *es)
{
	static const char *const strategies[] = {"", "<", "<=", "=", ">=", ">"};
	int name_at = list_nth_int(cond, STORE_COND_NAME);
	int value_at = list_nth_int(cond, STORE_COND_VALUE);
	bool negated = list_nth_int(cond, STORE_COND_NEGATED);
	const char *target = NULL;
	char *name = NULL;
	char *value = NULL;

	if (name_at >= 0)
		name = deparse(s, expr_of(s, name_at), ancestors, es);
	if (value_at >= 0)
		value = deparse(s, expr_of(s, value_at), ancestors, es);
	switch ((StoreCondTarget) list_nth_int(cond, STORE_COND_TARGET))
	{
		case STORE_TARGET_METRIC:
			target = "metric";
			break;
		case STORE_TARGET_TENANT:
			target = "tenant";
			break;
		case STORE_TARGET_LABEL_NAME:
			target = "name";
			break;
		case STORE_TARGET_LABEL:
			target = name != NULL ? psprintf("labels ->> %s", name) : NULL;
			break;
		case STORE_TARGET_NONE:
			break;
	}
	switch ((StoreCondKind) list_nth_int(cond, STORE_COND_KIND))
	{
		case STORE_COND_COMPARE:
			return psprintf("%s %s %s", target, negated ? "<>" : "=", value);
		case STORE_COND_ANY:
			return psprintf("%s %s (%s)", target, negated ? "<> ALL" : "= ANY", value);
		case STORE_COND_LIKE:
			return psprintf("%s LIKE %s", target, value);
		case STORE_COND_REGEX:
			return psprintf("%s ~ %s", target, value);
		case STORE_COND_EXISTS:
			return psprintf("labels ? %s", name);
		case STORE_COND_CONTAINS:
			return psprintf("labels @> %s", value);
		case STORE_COND_MATCHES:
			return psprintf("labels %s %s", negated ? "!~" : "=~", value);
		case STORE_COND_TIME:
			return psprintf("time %s %s", strategies[list_nth_int(cond, STORE_COND_STRATEGY)],
							value);
	}
	return "";
}

static void
show_run_time_conditions(StoreScan *s, List *ancestors, ExplainState *es)
{
	List *texts = NIL;
	ListCell *lc;

	foreach (lc, s->conds)
	{
		const List *cond = lfirst(lc);
		bool varies = false;

		for (int f = STORE_COND_NAME; f <= STORE_COND_VALUE; f++)
		{
			int at = list_nth_int(cond, f);

			varies |= at >= 0 && function_plan_varies(expr_of(s, at), s->css.ss.ps.state);
		}
		if (varies)
			texts = lappend(texts, cond_text(s, cond, ancestors, es));
	}
	if (texts != NIL)
		ExplainPropertyList("Run-Time Conditions", texts, es);
}

static void
show_time(const char *name, int64 ms, ExplainState *es)
{
	Buf b;

	if (ms == PG_INT64_MIN || ms == PG_INT64_MAX)
		return;
	buf_init(&b, 32, 64);
	text_time_rfc3339(&b, ms);
	ExplainPropertyText(name, b.data, es);
}

/* What is known of the filter before execution. */
static void
show_filter(StoreScan *s, ExplainState *es)
{
	const StoreFilter *f = &s->filter;
	Buf b;

	if (f->nmatchers > 0)
	{
		buf_init(&b, 128, LABELS_TEXT_MAX);
		selector_text(&b, f->matchers, f->nmatchers);
		ExplainPropertyText("Matchers", b.data, es);
	}
	if (f->label_name.s != NULL)
		ExplainPropertyText("Label", pnstrdup(f->label_name.s, f->label_name.len), es);
	show_time("From", f->mint, es);
	show_time("To", f->maxt, es);
}

static void
show_stats(const StoreScan *s, ExplainState *es)
{
	const StoreRowsInfo *info = store_rows_info(s->kind);
	const StoreRowsStats *st = &s->stats;

	if (s->kind == STORE_ROWS_LABEL_VALUES)
		return;
	ExplainPropertyInteger("Series Matched", NULL, st->groups, es);
	if (info->nargs == 0)
		return;
	if (s->group_filter != NULL)
		ExplainPropertyInteger("Series Removed by Filter", NULL, s->groups_removed, es);
	if (s->kind == STORE_ROWS_SAMPLES)
		ExplainPropertyInteger("Samples Read", NULL, st->samples, es);
	ExplainPropertyInteger("Chunks Read", NULL, st->chunks, es);
	ExplainPropertyInteger("Chunks from Head", NULL, st->chunks_head, es);
	ExplainPropertyInteger("Blocks Read", NULL, st->blocks, es);
	ExplainPropertyInteger("Blocks Removed by Time", NULL, st->blocks_pruned, es);
}

static void
scan_explain(CustomScanState *css, List *ancestors, ExplainState *es)
{
	StoreScan *s = (StoreScan *) css;

	MemoryContext old;

	finish(s);
	/* the last run's filter may be for values that vary: show what holds for every run */
	MemoryContextReset(s->run_context);
	old = MemoryContextSwitchTo(s->run_context);
	make_filter(s, false);
	MemoryContextSwitchTo(old);
	show_filter(s, es);
	show_run_time_conditions(s, ancestors, es);
	if (s->group_quals != NIL)
		ExplainPropertyText(s->kind == STORE_ROWS_LABEL_VALUES ? "Label Filter" : "Series Filter",
							deparse(s, (Node *) make_ands_explicit(s->group_quals), ancestors, es),
							es);
	if (es->analyze)
		show_stats(s, es);
}

static const CustomExecMethods exec_methods[STORE_ROWS_NKINDS] = {
#define METHODS(kind, name)                                                                        \
	[kind] = {                                                                                     \
		.CustomName = name,                                                                        \
		.BeginCustomScan = scan_begin,                                                             \
		.ExecCustomScan = scan_exec,                                                               \
		.EndCustomScan = scan_end,                                                                 \
		.ReScanCustomScan = scan_rescan,                                                           \
		.ExplainCustomScan = scan_explain,                                                         \
	}
	METHODS(STORE_ROWS_SAMPLES, "Mimir Samples"),
	METHODS(STORE_ROWS_SERIES, "Mimir Series"),
	METHODS(STORE_ROWS_CHUNKS, "Mimir Chunks"),
	METHODS(STORE_ROWS_LABEL_VALUES, "Mimir Label Values"),
#undef METHODS
};

static Node *
create_state(CustomScan *plan)
{
	StoreScan *s = (StoreScan *) newNode(sizeof(StoreScan), T_CustomScanState);

	s->css.methods = &exec_methods[list_nth_int(linitial(plan->custom_private), STORE_SCAN_KIND)];
	return (Node *) s;
}

static const CustomScanMethods scan_methods[STORE_ROWS_NKINDS] = {
	[STORE_ROWS_SAMPLES] = {"Mimir Samples", create_state},
	[STORE_ROWS_SERIES] = {"Mimir Series", create_state},
	[STORE_ROWS_CHUNKS] = {"Mimir Chunks", create_state},
	[STORE_ROWS_LABEL_VALUES] = {"Mimir Label Values", create_state},
};

const CustomScanMethods *
store_scan_methods(StoreRowsKind kind)
{
	return &scan_methods[kind];
}
