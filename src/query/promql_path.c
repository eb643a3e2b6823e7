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
#include "query/sql_call.h"

#include "access/sysattr.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "parser/parse_relation.h"

static set_rel_pathlist_hook_type next_hook;

static Plan *plan_path(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
					   List *clauses, List *custom_plans);

static const CustomPathMethods path_methods = {
	.CustomName = "PromQL Query",
	.PlanCustomPath = plan_path,
};

/* The call that a FROM item consists of, or NULL. */
static FuncExpr *
call_of(const RangeTblEntry *rte, SqlCallKind *kind)
{
	RangeTblFunction *f;
	FuncExpr *call;

	if (rte->rtekind != RTE_FUNCTION || rte->funcordinality || list_length(rte->functions) != 1)
		return NULL;
	f = linitial_node(RangeTblFunction, rte->functions);
	if (!IsA(f->funcexpr, FuncExpr))
		return NULL;
	call = (FuncExpr *) f->funcexpr;
	*kind = sql_call_kind(call->funcid);
	if (*kind == SQL_CALL_NONE || list_length(call->args) != sql_call_nargs(*kind))
		return NULL;
	return call;
}

static bool
needs_whole_row(const RelOptInfo *rel)
{
	Bitmapset *attnos = NULL;
	ListCell *lc;

	if (!bms_is_empty(rel->attr_needed[InvalidAttrNumber - rel->min_attr]))
		return true;
	foreach (lc, rel->baserestrictinfo)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, lc)->clause, rel->relid, &attnos);
	return bms_is_member(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber, attnos);
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
		IS_DUMMY_REL(rel) || needs_whole_row(rel))
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

/* The columns of the function as the scan's own tuple. */
static List *
scan_tlist(RangeTblEntry *rte, Index rti)
{
	List *vars;
	List *tlist = NIL;
	ListCell *lc;

	expandRTE(rte, rti, 0, -1, false, NULL, &vars);
	foreach (lc, vars)
		tlist =
			lappend(tlist, makeTargetEntry(lfirst(lc), foreach_current_index(lc) + 1, NULL, false));
	return tlist;
}

/* Columns that somebody looks at; the tlist does not tell, it may be replaced later. */
static int
columns_of(const RelOptInfo *rel, List *quals)
{
	Bitmapset *attnos = NULL;
	int columns = 0;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &attnos);
	pull_varattnos((Node *) quals, rel->relid, &attnos);
	for (int c = 0; c < SQL_CALL_NCOLUMNS; c++)
		if (bms_is_member(c + 1 - FirstLowInvalidHeapAttributeNumber, attnos))
			columns |= 1 << c;
	return columns;
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
	scan->custom_scan_tlist = scan_tlist(rte, rel->relid);
	scan->custom_private = list_make3_int(kind, (int) call->funcid, columns_of(rel, quals));
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
