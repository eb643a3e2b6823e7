/*
 * promql_path.c
 *    Planning: a PromQL function in FROM becomes a CustomScan.
 *
 * The hook sees every FROM item.  For a call of ours it replaces the function scan by a CustomScan
 * with scanrelid 0, whose scan tuple is described by custom_scan_tlist and whose arguments are
 * custom_exprs: so parameters, LATERAL references and subqueries in them work as in any node.
 *
 * Left to the function scan: WITH ORDINALITY, ROWS FROM of several functions, and queries that need
 * the row as a whole (row locks and UPDATE ... FROM among them).
 */
#include "postgres.h"

#include "query/promql_scan.h"

#include "pg/guc.h"
#include "query/function_plan.h"
#include "query/sql_call.h"

#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"

static set_rel_pathlist_hook_type next_hook;

static Plan *plan_path(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
					   List *clauses, List *custom_plans);

static const CustomPathMethods path_methods = {
	.CustomName = "PromQL Query",
	.PlanCustomPath = plan_path,
};

/* The call that a FROM item consists of, if it is one of ours; else NULL. */
static FuncExpr *
call_of(const RangeTblEntry *rte, SqlCallKind *kind)
{
	FuncExpr *call = function_plan_call(rte);

	if (call == NULL)
		return NULL;
	*kind = sql_call_kind(call->funcid);
	if (*kind == SQL_CALL_NONE || list_length(call->args) != sql_call_nargs(*kind))
		return NULL;
	return call;
}

static void
consider_rel(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	SqlCallKind kind;
	Path *function_scan;
	CustomPath *path;

	if (next_hook != NULL)
		next_hook(root, rel, rti, rte);
	if (!mimir_enable_promql_plan || call_of(rte, &kind) == NULL || rel->pathlist == NIL ||
		IS_DUMMY_REL(rel) || function_plan_whole_row(rel))
		return;
	/* the work is the same, so are the estimates */
	function_scan = linitial(rel->pathlist);
	path = makeNode(CustomPath);
	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.param_info = get_baserel_parampathinfo(root, rel, rel->lateral_relids);
	path->path.rows = function_scan->rows;
	path->path.startup_cost = function_scan->startup_cost;
	path->path.total_cost = function_scan->total_cost;
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->methods = &path_methods;
	rel->pathlist = NIL;
	add_path(rel, &path->path);
}

static Plan *
plan_path(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist, List *clauses,
		  List *custom_plans)
{
	RangeTblEntry *rte = root->simple_rte_array[rel->relid];
	CustomScan *scan = makeNode(CustomScan);
	List *quals = extract_actual_clauses(clauses, false);
	SqlCallKind kind;
	FuncExpr *call = call_of(rte, &kind);

	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = quals;
	scan->flags = best_path->flags;
	scan->custom_exprs = copyObject(call->args);
	scan->custom_scan_tlist = function_plan_tlist(rte, rel->relid);
	scan->custom_private = list_make3_int(
		kind, (int) call->funcid, (int) function_plan_columns(rel, quals, SQL_CALL_NCOLUMNS));
	scan->methods = &promql_scan_methods;
	return &scan->scan.plan;
}

void
promql_path_init(void)
{
	RegisterCustomScanMethods(&promql_scan_methods);
	next_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = consider_rel;
}
