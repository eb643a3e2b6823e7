/*
 * store_cond.c
 *    Planning: which clauses a scan of the store can take over.
 *
 * Taken over are, with a value that does not depend on the scan (V below):
 *    metric = V, metric <> V, metric = ANY (V), metric <> ALL (V), and the same of tenant
 *    metric LIKE V, metric ~ V for the patterns that promql_pattern.h knows, and the same of tenant
 *    labels ->> V compared in the same ways, labels ->> V IS NOT NULL, labels ? V
 *    labels @> V, labels =~ V, labels !~ V
 *    time < V, <= V, = V, >= V, > V, where V is a timestamp with or without time zone or a date
 * labels may be a jsonb or a mimir.labels column, with a cast to the other.
 */
#include "postgres.h"

#include "query/store_cond.h"

#include "tables/relation.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/pg_locale.h"
#include "utils/typcache.h"

typedef struct CondFinder
{
	PlannerInfo *root;
	RelOptInfo *rel;
	const StoreRowsInfo *info;
	List **exprs;
} CondFinder;

/* Our own functions, told by name. */
typedef enum OwnFunction
{
	OWN_NONE,
	OWN_TO_JSONB,
	OWN_FROM_JSONB,
	OWN_GET,
	OWN_HAS,
	OWN_CONTAINS,
	OWN_MATCH,
	OWN_MATCH_NOT
} OwnFunction;

static const char *const own_names[] = {
	[OWN_TO_JSONB] = "labels_to_jsonb",
	[OWN_FROM_JSONB] = "labels_from_jsonb",
	[OWN_GET] = "labels_get",
	[OWN_HAS] = "labels_has",
	[OWN_CONTAINS] = "labels_contains",
	[OWN_MATCH] = "labels_match",
	[OWN_MATCH_NOT] = "labels_match_not",
};

static OwnFunction
own_function(Oid funcid)
{
	Oid schema = tables_schema();
	char *name;

	if (!OidIsValid(schema) || get_func_namespace(funcid) != schema)
		return OWN_NONE;
	name = get_func_name(funcid);
	for (int i = 1; name != NULL && i < lengthof(own_names); i++)
		if (strcmp(name, own_names[i]) == 0)
			return i;
	return OWN_NONE;
}

/* ---- pieces of a clause ------------------------------------------------------------------------ */

static Node *
strip_relabel(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/* Role of the scan's column that the node is; PLAIN: it is none, or one without a role. */
static StoreColumnRole
role_of(const CondFinder *f, Node *node)
{
	Var *var = (Var *) strip_relabel(node);

	if (var == NULL || !IsA(var, Var) || var->varno != f->rel->relid || var->varlevelsup != 0 ||
		var->varattno < 1 || var->varattno > f->info->ncolumns)
		return STORE_COLUMN_PLAIN;
	return f->info->columns[var->varattno - 1].role;
}

/* Function and arguments of an operator or a call of two arguments. */
static bool
binary_call(Node *node, Oid *funcid, Node **left, Node **right)
{
	List *args;

	if (IsA(node, OpExpr))
	{
		set_opfuncid((OpExpr *) node);
		*funcid = ((OpExpr *) node)->opfuncid;
		args = ((OpExpr *) node)->args;
	}
	else if (IsA(node, FuncExpr))
	{
		*funcid = ((FuncExpr *) node)->funcid;
		args = ((FuncExpr *) node)->args;
	}
	else
		return false;
	if (list_length(args) != 2)
		return false;
	*left = linitial(args);
	*right = lsecond(args);
	return true;
}

/* The labels of the row, whatever type they were cast to. */
static bool
is_labels(const CondFinder *f, Node *node)
{
	node = strip_relabel(node);
	while (node != NULL && IsA(node, FuncExpr))
	{
		FuncExpr *call = (FuncExpr *) node;
		OwnFunction own = own_function(call->funcid);

		if (own != OWN_TO_JSONB && own != OWN_FROM_JSONB)
			return false;
		node = strip_relabel(linitial(call->args));
	}
	return node != NULL && role_of(f, node) == STORE_COLUMN_LABELS;
}

/* An expression whose value is known before the scan reads anything. */
static bool
is_independent(const CondFinder *f, Node *node)
{
	return !bms_is_member(f->rel->relid, pull_varnos(f->root, node)) &&
		   !contain_volatile_functions(node) && !contain_subplans(node);
}

/* What is compared: a column, or labels ->> name. */
static StoreCondTarget
target_of(const CondFinder *f, Node *node, Node **name)
{
	Oid funcid;
	Node *left;
	Node *right;

	*name = NULL;
	switch (role_of(f, node))
	{
		case STORE_COLUMN_METRIC:
			return STORE_TARGET_METRIC;
		case STORE_COLUMN_TENANT:
			return STORE_TARGET_TENANT;
		case STORE_COLUMN_LABEL_NAME:
			return STORE_TARGET_LABEL_NAME;
		default:
			break;
	}
	node = strip_relabel(node);
	if (node == NULL || !binary_call(node, &funcid, &left, &right) ||
		!(funcid == F_JSONB_OBJECT_FIELD_TEXT || own_function(funcid) == OWN_GET) ||
		!is_labels(f, left) || !is_independent(f, right))
		return STORE_TARGET_NONE;
	*name = right;
	return STORE_TARGET_LABEL;
}

static int
add_expr(const CondFinder *f, Node *expr)
{
	if (expr == NULL)
		return -1;
	*f->exprs = lappend(*f->exprs, copyObject(expr));
	return list_length(*f->exprs) - 1;
}

static List *
make_cond(const CondFinder *f, StoreCondKind kind, StoreCondTarget target, bool negated,
		  int strategy, Node *name, Node *value)
{
	List *cond = list_make4_int(kind, target, negated, strategy);

	cond = lappend_int(cond, add_expr(f, name));
	cond = lappend_int(cond, add_expr(f, value));
	return lappend_int(cond, value != NULL ? (int) exprType(value) : InvalidOid);
}

/* ---- clauses ----------------------------------------------------------------------------------- */

/* Equal texts have equal bytes? */
static bool
compares_bytes(Oid collation)
{
	return OidIsValid(collation) && get_collation_isdeterministic(collation);
}

static List *
find_pattern(const CondFinder *f, OpExpr *op)
{
	Node *right = lsecond(op->args);
	Node *name;
	StoreCondTarget target = target_of(f, linitial(op->args), &name);

	if (target == STORE_TARGET_NONE || !is_independent(f, right))
		return NIL;
	return make_cond(f, op->opfuncid == F_TEXTLIKE ? STORE_COND_LIKE : STORE_COND_REGEX, target,
					 false, 0, name, right);
}

static List *
find_compare(const CondFinder *f, OpExpr *op)
{
	Node *left = linitial(op->args);
	Node *right = lsecond(op->args);
	Node *name;
	StoreCondTarget target;

	set_opfuncid(op);
	if (!compares_bytes(op->inputcollid))
		return NIL;
	if (op->opfuncid == F_TEXTLIKE || op->opfuncid == F_TEXTREGEXEQ)
		return find_pattern(f, op);
	if (op->opfuncid != F_TEXTEQ && op->opfuncid != F_TEXTNE)
		return NIL;
	target = target_of(f, left, &name);
	if (target == STORE_TARGET_NONE)
	{
		target = target_of(f, right, &name);
		right = left;
	}
	if (target == STORE_TARGET_NONE || !is_independent(f, right))
		return NIL;
	return make_cond(f, STORE_COND_COMPARE, target, op->opfuncid == F_TEXTNE, 0, name, right);
}

static List *
find_any(const CondFinder *f, ScalarArrayOpExpr *op)
{
	Node *right = lsecond(op->args);
	Node *name;
	StoreCondTarget target;

	set_sa_opfuncid(op);
	if (op->opfuncid != (op->useOr ? F_TEXTEQ : F_TEXTNE) || !compares_bytes(op->inputcollid))
		return NIL;
	target = target_of(f, linitial(op->args), &name);
	if (target == STORE_TARGET_NONE || !is_independent(f, right) || exprType(right) != TEXTARRAYOID)
		return NIL;
	return make_cond(f, STORE_COND_ANY, target, !op->useOr, 0, name, right);
}

/* time OP value or value OP time */
static List *
find_time(const CondFinder *f, OpExpr *op)
{
	Oid opno = op->opno;
	Node *left = linitial(op->args);
	Node *right = lsecond(op->args);
	Oid type;
	int strategy;

	if (role_of(f, left) != STORE_COLUMN_TIME)
	{
		Node *swap = left;

		left = right;
		right = swap;
		opno = get_commutator(opno);
	}
	type = exprType(right);
	if (role_of(f, left) != STORE_COLUMN_TIME || !OidIsValid(opno) || !is_independent(f, right) ||
		(type != TIMESTAMPTZOID && type != TIMESTAMPOID && type != DATEOID))
		return NIL;
	/* the family has the operators between the three types */
	strategy = get_op_opfamily_strategy(
		opno, lookup_type_cache(TIMESTAMPTZOID, TYPECACHE_BTREE_OPFAMILY)->btree_opf);
	if (strategy == 0)
		return NIL;
	return make_cond(f, STORE_COND_TIME, STORE_TARGET_NONE, false, strategy, NULL, right);
}

/* labels @> V, ? V, =~ V, !~ V, as operators or calls */
static List *
find_labels(const CondFinder *f, Node *clause)
{
	Oid funcid;
	Node *left;
	Node *right;
	OwnFunction own;

	if (!binary_call(clause, &funcid, &left, &right) || !is_labels(f, left) ||
		!is_independent(f, right))
		return NIL;
	own = own_function(funcid);
	if (funcid == F_JSONB_CONTAINS || own == OWN_CONTAINS)
		return make_cond(f, STORE_COND_CONTAINS, STORE_TARGET_LABEL, false, 0, NULL, right);
	if (funcid == F_JSONB_EXISTS || own == OWN_HAS)
		return make_cond(f, STORE_COND_EXISTS, STORE_TARGET_LABEL, false, 0, right, NULL);
	if (own == OWN_MATCH || own == OWN_MATCH_NOT)
		return make_cond(f, STORE_COND_MATCHES, STORE_TARGET_LABEL, own == OWN_MATCH_NOT, 0, NULL,
						 right);
	return NIL;
}

static List *
find_not_null(const CondFinder *f, NullTest *test)
{
	Node *name;

	if (test->nulltesttype != IS_NOT_NULL || test->argisrow ||
		target_of(f, (Node *) test->arg, &name) != STORE_TARGET_LABEL)
		return NIL;
	return make_cond(f, STORE_COND_EXISTS, STORE_TARGET_LABEL, false, 0, name, NULL);
}

List *
store_cond_find(PlannerInfo *root, RelOptInfo *rel, StoreRowsKind kind, Node *clause, List **exprs)
{
	CondFinder f = {root, rel, store_rows_info(kind), exprs};
	List *cond = NIL;

	if (IsA(clause, NullTest))
		return find_not_null(&f, (NullTest *) clause);
	if (IsA(clause, ScalarArrayOpExpr))
		return find_any(&f, (ScalarArrayOpExpr *) clause);
	if (IsA(clause, OpExpr) && list_length(((OpExpr *) clause)->args) == 2)
	{
		cond = find_compare(&f, (OpExpr *) clause);
		if (cond == NIL)
			cond = find_time(&f, (OpExpr *) clause);
	}
	return cond != NIL ? cond : find_labels(&f, clause);
}
