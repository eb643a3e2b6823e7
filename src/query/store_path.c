/*
 * store_path.c
 *    Planning: mimir.samples() and its like, and so the views over them, become CustomScans.
 *
 * The clauses of the scan are looked at in three ways:
 *    - what store_cond.c recognises becomes the scan's matchers, times and tenants;
 *    - what looks at columns of the group only (a series' tenant, metric, labels) is checked once a
 *      group, before its samples or chunks are read;
 *    - the rest is checked row by row.
 * The first does not excuse from the other two, so the result is that of the plain function.
 *
 * Join clauses of the first sort make parameterized paths, as an index would have: the inner side
 * of a nested loop that reads the series of one outer row.
 *
 * A clause is taken before others of a lower security level only if it is leakproof: a security
 * barrier is as tight as it is over a table.
 */
#include "postgres.h"

#include "query/store_scan.h"

#include "pg/guc.h"
#include "query/function_plan.h"
#include "query/store_cond.h"

#include "access/sysattr.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"

/* Finding the series and blocks of one more outer row, in units of the planner. */
#define RESCAN_COST 10.0

static set_rel_pathlist_hook_type next_hook;

static Plan *plan_path(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
					   List *clauses, List *custom_plans);

static const CustomPathMethods path_methods = {
	.CustomName = "Mimir Store",
	.PlanCustomPath = plan_path,
};

static FuncExpr *
call_of(const RangeTblEntry *rte, StoreRowsKind *kind)
{
	FuncExpr *call = function_plan_call(rte);

	if (call == NULL)
		return NULL;
	*kind = store_rows_kind(call->funcid, list_length(call->args));
	return *kind != STORE_ROWS_NONE ? call : NULL;
}

/* ---- paths ------------------------------------------------------------------------------------- */

static void
add_store_path(PlannerInfo *root, RelOptInfo *rel, const Path *function_scan, Relids outer)
{
	CustomPath *path = makeNode(CustomPath);
	double part = 1;

	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.param_info = get_baserel_parampathinfo(root, rel, outer);
	path->path.rows = function_scan->rows;
	path->path.startup_cost = function_scan->startup_cost;
	if (path->path.param_info != NULL && !bms_is_subset(outer, rel->lateral_relids))
	{
		path->path.rows = path->path.param_info->ppi_rows;
		path->path.startup_cost += RESCAN_COST;
		part = path->path.rows / Max(function_scan->rows, 1);
	}
	path->path.total_cost =
		path->path.startup_cost + (function_scan->total_cost - function_scan->startup_cost) * part;
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->methods = &path_methods;
	add_path(rel, &path->path);
}

/* Could the scan take the clause over, given the other relations? */
static bool
is_takeable(PlannerInfo *root, RelOptInfo *rel, StoreRowsKind kind, RestrictInfo *rinfo)
{
	List *exprs = NIL;

	return !rinfo->pseudoconstant && restriction_is_securely_promotable(rinfo, rel) &&
		   store_cond_find(root, rel, kind, (Node *) rinfo->clause, &exprs) != NIL;
}

static List *
add_outer(PlannerInfo *root, RelOptInfo *rel, StoreRowsKind kind, RestrictInfo *rinfo, List *outers)
{
	Relids outer;
	ListCell *lc;

	if (!join_clause_is_movable_to(rinfo, rel) || !is_takeable(root, rel, kind, rinfo))
		return outers;
	outer = bms_union(rinfo->clause_relids, rel->lateral_relids);
	outer = bms_del_member(outer, rel->relid);
	foreach (lc, outers)
		if (bms_equal(lfirst(lc), outer))
			return outers;
	return bms_is_empty(outer) ? outers : lappend(outers, outer);
}

/* Any member over this relation alone: which of them help is_takeable says. */
static bool
is_own_member(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec, EquivalenceMember *em,
			  void *arg)
{
	return bms_equal(em->em_relids, rel->relids);
}

/* Sets of other relations whose columns the scan could take conditions from. */
static List *
find_outers(PlannerInfo *root, RelOptInfo *rel, StoreRowsKind kind)
{
	List *outers = NIL;
	ListCell *lc;

	foreach (lc, rel->joininfo)
		outers = add_outer(root, rel, kind, lfirst_node(RestrictInfo, lc), outers);
	if (rel->has_eclass_joins)
		foreach (lc, generate_implied_equalities_for_column(root, rel, is_own_member, NULL,
															rel->lateral_referencers))
			outers = add_outer(root, rel, kind, lfirst_node(RestrictInfo, lc), outers);
	return outers;
}

static void
consider_rel(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	StoreRowsKind kind;
	Path *function_scan;
	ListCell *lc;

	if (next_hook != NULL)
		next_hook(root, rel, rti, rte);
	if (!mimir_enable_store_plan || call_of(rte, &kind) == NULL || rel->pathlist == NIL ||
		IS_DUMMY_REL(rel) || function_plan_whole_row(rel))
		return;
	function_scan = linitial(rel->pathlist);
	rel->pathlist = NIL;
	add_store_path(root, rel, function_scan, rel->lateral_relids);
	foreach (lc, find_outers(root, rel, kind))
		add_store_path(root, rel, function_scan, lfirst(lc));
}

/* ---- plans ------------------------------------------------------------------------------------- */

/* Does the clause look at columns of the group only, and may it be checked before the others? */
static bool
is_of_group(const RelOptInfo *rel, const StoreRowsInfo *info, RestrictInfo *rinfo)
{
	Node *clause = (Node *) rinfo->clause;
	Bitmapset *attnos = NULL;
	bool rows = false; /* has the kind columns of rows? */
	int attno = -1;

	for (int c = 0; c < info->ncolumns; c++)
		rows |= !info->columns[c].of_group;
	pull_varattnos(clause, rel->relid, &attnos);
	if (!rows || bms_is_empty(attnos))
		return false;
	while ((attno = bms_next_member(attnos, attno)) >= 0)
	{
		int c = attno + FirstLowInvalidHeapAttributeNumber - 1;

		if (c < 0 || c >= info->ncolumns || !info->columns[c].of_group)
			return false;
	}
	return !contain_volatile_functions(clause) && !contain_subplans(clause) &&
		   restriction_is_securely_promotable(rinfo, (RelOptInfo *) rel);
}

static Plan *
plan_path(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist, List *clauses,
		  List *custom_plans)
{
	RangeTblEntry *rte = root->simple_rte_array[rel->relid];
	CustomScan *scan = makeNode(CustomScan);
	StoreRowsKind kind = STORE_ROWS_NONE;
	FuncExpr *call = call_of(rte, &kind);
	const StoreRowsInfo *info = store_rows_info(kind);
	List *row_quals = NIL;
	List *group_quals = NIL;
	List *conds = NIL;
	List *exprs = NIL;
	ListCell *lc;

	foreach (lc, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		List *cond;

		if (rinfo->pseudoconstant)
			continue;
		if (restriction_is_securely_promotable(rinfo, rel) &&
			(cond = store_cond_find(root, rel, kind, (Node *) rinfo->clause, &exprs)) != NIL)
			conds = lappend(conds, cond);
		if (is_of_group(rel, info, rinfo))
			group_quals = lappend(group_quals, rinfo->clause);
		else
			row_quals = lappend(row_quals, rinfo->clause);
	}
	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = row_quals;
	scan->flags = best_path->flags;
	scan->custom_exprs =
		list_concat(list_concat(copyObject(call->args), exprs), copyObject(group_quals));
	scan->custom_scan_tlist = function_plan_tlist(rte, rel->relid);
	scan->custom_private =
		lcons(list_make4_int(kind, (int) call->funcid,
							 (int) function_plan_columns(rel, list_concat(group_quals, row_quals),
														 info->ncolumns),
							 list_length(exprs)),
			  conds);
	scan->methods = store_scan_methods(kind);
	return &scan->scan.plan;
}

void
store_path_init(void)
{
	for (int k = 0; k < STORE_ROWS_NKINDS; k++)
		RegisterCustomScanMethods(store_scan_methods(k));
	next_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = consider_rel;
}
