/*
 * function_plan.c
 *    Planning of a function in FROM as a CustomScan: what every such node needs.
 */
#include "postgres.h"

#include "query/function_plan.h"

#include "pg/compat.h"

#include "access/sysattr.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parse_relation.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

FuncExpr *
function_plan_call(const RangeTblEntry *rte)
{
	RangeTblFunction *f;

	if (rte->rtekind != RTE_FUNCTION || rte->funcordinality || list_length(rte->functions) != 1)
		return NULL;
	f = linitial_node(RangeTblFunction, rte->functions);
	return IsA(f->funcexpr, FuncExpr) ? (FuncExpr *) f->funcexpr : NULL;
}

bool
function_plan_whole_row(const RelOptInfo *rel)
{
	Bitmapset *attnos = NULL;
	ListCell *lc;

	if (!bms_is_empty(rel->attr_needed[InvalidAttrNumber - rel->min_attr]))
		return true;
	foreach (lc, rel->baserestrictinfo)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, lc)->clause, rel->relid, &attnos);
	return bms_is_member(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber, attnos);
}

List *
function_plan_tlist(RangeTblEntry *rte, Index rti)
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

uint32
function_plan_columns(const RelOptInfo *rel, List *quals, int ncolumns)
{
	Bitmapset *attnos = NULL;
	uint32 columns = 0;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &attnos);
	pull_varattnos((Node *) quals, rel->relid, &attnos);
	for (int c = 0; c < ncolumns; c++)
		if (bms_is_member(c + 1 - FirstLowInvalidHeapAttributeNumber, attnos))
			columns |= 1u << c;
	return columns;
}

void
function_plan_check(Oid funcid)
{
	AclResult result = compat_function_aclcheck(funcid, GetUserId(), ACL_EXECUTE);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FUNCTION, get_func_name(funcid));
	InvokeFunctionExecuteHook(funcid);
}

static bool
has_unknown_param(Node *expr, void *estate)
{
	if (expr == NULL)
		return false;
	if (IsA(expr, Param))
		return ((Param *) expr)->paramkind != PARAM_EXTERN ||
			   ((EState *) estate)->es_param_list_info == NULL;
	return expression_tree_walker(expr, has_unknown_param, estate);
}

bool
function_plan_varies(Node *expr, EState *estate)
{
	return has_unknown_param(expr, estate) || contain_volatile_functions(expr);
}
