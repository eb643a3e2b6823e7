/*
 * promql_path.c
 *    Planning: a PromQL function in FROM becomes a CustomScan.
 *
 * The hook sees every FROM item.  For a call of ours it replaces the function scan by a CustomScan
 * with scanrelid 0, whose scan tuple is described by custom_scan_tlist and whose arguments are
 * custom_exprs: so parameters, LATERAL references and subqueries in them work as in any node.
 *
 * Conditions that the scan can meet itself (promql_qual.h) go to custom_exprs too, behind the
 * arguments.  The same conditions between our columns and those of another relation make
 * parameterized paths: the scan is then run for each row of the other one, and reads less.
 * Where series can be read apart there is a partial path for parallel workers.
 *
 * Rows and costs are guessed from the text (promql_guess.h); without a guess they are those of the
 * function scan.
 *
 * Left to the function scan: WITH ORDINALITY, ROWS FROM of several functions, and queries that need
 * the row as a whole (row locks and UPDATE ... FROM among them).
 */
#include "postgres.h"

#include "query/promql_scan.h"

#include "pg/guc.h"
#include "query/function_plan.h"
#include "query/promql_guess.h"
#include "query/promql_qual.h"
#include "query/sql_call.h"

#include "nodes/makefuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
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

/* A call that is being planned. */
typedef struct Planning
{
	PlannerInfo *root;
	RelOptInfo *rel;
	FuncExpr *call;
	PromqlGuesser *guesser; /* NULL: nothing is known */
	Path function_scan;		/* its rows and costs, before */
} Planning;

/* --- the call ----------------------------------------------------------------------------------- */

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

/* --- conditions --------------------------------------------------------------------------------- */

/* Can the scan of rel meet this condition, given the columns of other relations in it? */
static PromqlQual *
pushable(PlannerInfo *root, const RelOptInfo *rel, const RestrictInfo *rinfo)
{
	PromqlQual *q = palloc(sizeof(PromqlQual));

	if (rinfo->pseudoconstant || !promql_qual_match(rinfo->clause, rel->relid, q))
		return NULL;
	if (q->value != NULL &&
		(bms_is_member(rel->relid, pull_varnos(root, (Node *) q->value)) ||
		 contain_volatile_functions((Node *) q->value) || contain_subplans((Node *) q->value)))
		return NULL;
	return q;
}

/* Sort clauses into quals that the scan meets, and others that stay to be checked. */
static void
split_clauses(PlannerInfo *root, const RelOptInfo *rel, List *clauses, List **quals, List **pushed,
			  List **checked)
{
	ListCell *lc;

	*quals = *pushed = *checked = NIL;
	foreach (lc, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		PromqlQual *q = pushable(root, rel, rinfo);

		if (q != NULL)
		{
			*quals = lappend(*quals, q);
			*pushed = lappend(*pushed, rinfo);
		}
		if (q == NULL || !q->exact)
			*checked = lappend(*checked, rinfo);
	}
}

/* --- rows and costs ----------------------------------------------------------------------------- */

typedef struct ScanSize
{
	double rows; /* after all checks */
	Cost startup, run;
	PromqlEstimate est; /* zero without a guess */
} ScanSize;

/* A scan that meets, or checks, these clauses; false: there is no guess. */
static bool
guess_size(const Planning *pl, List *clauses, ScanSize *out)
{
	List *quals;
	List *pushed;
	List *checked;
	QualCost check;

	if (pl->guesser == NULL)
		return false;
	split_clauses(pl->root, pl->rel, clauses, &quals, &pushed, &checked);
	if (!promql_guess(pl->guesser, quals, &out->est))
		return false;
	promql_guess_cost(&out->est, &out->startup, &out->run);
	cost_qual_eval(&check, checked, pl->root);
	out->startup += check.startup;
	out->run += check.per_tuple * out->est.rows;
	if (function_plan_columns(pl->rel, extract_actual_clauses(checked, false), SQL_CALL_NCOLUMNS) &
		(1 << SQL_CALL_LABELS))
		out->run += promql_guess_labels_cost(&out->est);
	/* a condition that is met and checked has been counted */
	out->rows =
		out->est.rows *
		clauselist_selectivity(pl->root, list_difference_ptr(checked, pushed), 0, JOIN_INNER, NULL);
	out->rows = clamp_row_est(out->rows);
	return true;
}

static void
default_size(const Planning *pl, ScanSize *out)
{
	out->est = (PromqlEstimate){0};
	out->rows = pl->function_scan.rows;
	out->startup = pl->function_scan.startup_cost;
	out->run = pl->function_scan.total_cost - pl->function_scan.startup_cost;
}

/* --- paths -------------------------------------------------------------------------------------- */

static CustomPath *
make_path(const Planning *pl, ParamPathInfo *param_info, const ScanSize *size)
{
	CustomPath *path = makeNode(CustomPath);
	const PathTarget *target = pl->rel->reltarget;

	path->path.pathtype = T_CustomScan;
	path->path.parent = pl->rel;
	path->path.pathtarget = pl->rel->reltarget;
	path->path.param_info = param_info;
	path->path.rows = size->rows;
	path->path.startup_cost = size->startup + target->cost.startup;
	path->path.total_cost =
		path->path.startup_cost + size->run + target->cost.per_tuple * size->rows;
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->methods = &path_methods;
	return path;
}

static void
add_plain_path(const Planning *pl)
{
	RelOptInfo *rel = pl->rel;
	ParamPathInfo *param_info = get_baserel_parampathinfo(pl->root, rel, rel->lateral_relids);
	List *clauses = rel->baserestrictinfo;
	ScanSize size;

	if (param_info != NULL)
		clauses = list_concat_copy(clauses, param_info->ppi_clauses);
	if (!guess_size(pl, clauses, &size))
		default_size(pl, &size);
	else if (param_info != NULL)
		param_info->ppi_rows = size.rows;
	add_path(rel, &make_path(pl, param_info, &size)->path);
}

/* Conditions that tie a label to one expression of several that are equal. */
typedef struct LabelMember
{
	Expr *current; /* the member looked at */
	List *used;
} LabelMember;

static bool
is_label_member(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec, EquivalenceMember *em,
				void *arg)
{
	LabelMember *member = arg;
	Expr *expr = em->em_expr;

	if (member->current != NULL)
		return equal(expr, member->current);
	if (list_member(member->used, expr) || !IsA(expr, OpExpr))
		return false;
	member->current = expr;
	return true;
}

/* Conditions between this relation and others. */
static List *
join_clauses(const Planning *pl)
{
	RelOptInfo *rel = pl->rel;
	List *clauses = NIL;
	ListCell *lc;
	LabelMember member = {NULL, NIL};

	foreach (lc, rel->joininfo)
		if (join_clause_is_movable_to(lfirst_node(RestrictInfo, lc), rel))
			clauses = lappend(clauses, lfirst(lc));
	while (rel->has_eclass_joins)
	{
		List *equal;

		member.current = NULL;
		equal = generate_implied_equalities_for_column(pl->root, rel, is_label_member, &member,
													   rel->lateral_referencers);
		if (member.current == NULL)
			break;
		member.used = lappend(member.used, member.current);
		foreach (lc, equal)
			if (join_clause_is_movable_to(lfirst_node(RestrictInfo, lc), rel))
				clauses = lappend(clauses, lfirst(lc));
	}
	return clauses;
}

/* A path for each set of relations that conditions ask values of. */
static void
add_parameterized_paths(const Planning *pl)
{
	RelOptInfo *rel = pl->rel;
	List *done = NIL;
	ListCell *lc;

	foreach (lc, join_clauses(pl))
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		Relids outer = bms_union(rinfo->clause_relids, rel->lateral_relids);
		ParamPathInfo *param_info;
		ScanSize size;

		outer = bms_del_member(outer, rel->relid);
		if (bms_is_empty(outer) || pushable(pl->root, rel, rinfo) == NULL)
			continue;
		param_info = get_baserel_parampathinfo(pl->root, rel, outer);
		if (list_member_ptr(done, param_info))
			continue;
		done = lappend(done, param_info);
		if (!guess_size(pl, list_concat_copy(rel->baserestrictinfo, param_info->ppi_clauses),
						&size))
			continue;
		param_info->ppi_rows = size.rows;
		add_path(rel, &make_path(pl, param_info, &size)->path);
	}
}

/* How much of the work one process does, the leader being busy with the others' rows. */
static double
parallel_divisor(int workers)
{
	double leader = parallel_leader_participation ? 1.0 - 0.3 * workers : 0;

	return workers + Max(leader, 0);
}

/*
 * Workers may evaluate arguments, conditions and columns; the rest of the scan is made for them,
 * while the function as such stays with the leader.
 */
static bool
may_run_in_workers(const Planning *pl)
{
	return pl->root->glob->parallelModeOK && bms_is_empty(pl->rel->lateral_relids) &&
		   is_parallel_safe(pl->root, (Node *) pl->call->args) &&
		   is_parallel_safe(pl->root, (Node *) pl->rel->baserestrictinfo) &&
		   is_parallel_safe(pl->root, (Node *) pl->rel->reltarget->exprs);
}

static void
add_parallel_path(const Planning *pl)
{
	RelOptInfo *rel = pl->rel;
	ScanSize size;
	CustomPath *path;
	double divisor;
	int workers;

	if (!may_run_in_workers(pl) || !guess_size(pl, rel->baserestrictinfo, &size) ||
		!size.est.series_wise)
		return;
	workers = compute_parallel_worker(rel, promql_guess_pages(&size.est), -1,
									  max_parallel_workers_per_gather);
	if (workers <= 0)
		return;
	divisor = parallel_divisor(workers);
	size.rows = clamp_row_est(size.rows / divisor);
	size.run /= divisor;
	path = make_path(pl, NULL, &size);
	path->path.parallel_aware = true;
	path->path.parallel_safe = true;
	path->path.parallel_workers = workers;
	rel->consider_parallel = true;
	add_partial_path(rel, &path->path);
}

static void
consider_rel(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	Planning pl = {root, rel};
	SqlCallKind kind;
	ScanSize size;

	if (next_hook != NULL)
		next_hook(root, rel, rti, rte);
	if (!mimir_enable_promql_plan || (pl.call = call_of(rte, &kind)) == NULL ||
		rel->pathlist == NIL || IS_DUMMY_REL(rel) || function_plan_whole_row(rel))
		return;
	pl.function_scan = *(Path *) linitial(rel->pathlist);
	pl.guesser = promql_guesser_create(root, pl.call, kind);
	if (guess_size(&pl, NIL, &size))
		rel->tuples = size.rows;
	if (guess_size(&pl, rel->baserestrictinfo, &size))
		rel->rows = size.rows;
	rel->pathlist = NIL;
	add_plain_path(&pl);
	add_parameterized_paths(&pl);
	add_parallel_path(&pl);
	promql_guesser_free(pl.guesser);
}

/* --- the plan ----------------------------------------------------------------------------------- */

static Plan *
plan_path(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist, List *clauses,
		  List *custom_plans)
{
	RangeTblEntry *rte = root->simple_rte_array[rel->relid];
	CustomScan *scan = makeNode(CustomScan);
	List *quals;
	List *pushed;
	List *checked;
	SqlCallKind kind;
	FuncExpr *call = call_of(rte, &kind);

	split_clauses(root, rel, clauses, &quals, &pushed, &checked);
	checked = extract_actual_clauses(checked, false);
	pushed = extract_actual_clauses(pushed, false);
	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = checked;
	scan->flags = best_path->flags;
	scan->custom_exprs = list_concat(copyObject(call->args), copyObject(pushed));
	scan->custom_scan_tlist = function_plan_tlist(rte, rel->relid);
	scan->custom_private = list_make3_int(
		kind, (int) call->funcid, (int) function_plan_columns(rel, checked, SQL_CALL_NCOLUMNS));
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
