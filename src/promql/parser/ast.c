/*
 * ast.c
 *    Texts of operators and walking of the tree.
 */
#include "promql/parser/ast.h"

#include <assert.h>
#include <stddef.h>

const char *
promql_op_text(PromqlOperator op)
{
	static const char *const texts[] = {
		[PROMQL_OP_ADD] = "+",		   [PROMQL_OP_SUB] = "-",		  [PROMQL_OP_MUL] = "*",
		[PROMQL_OP_DIV] = "/",		   [PROMQL_OP_MOD] = "%",		  [PROMQL_OP_POW] = "^",
		[PROMQL_OP_ATAN2] = "atan2",   [PROMQL_OP_EQL] = "==",		  [PROMQL_OP_NEQ] = "!=",
		[PROMQL_OP_LTE] = "<=",		   [PROMQL_OP_LSS] = "<",		  [PROMQL_OP_GTE] = ">=",
		[PROMQL_OP_GTR] = ">",		   [PROMQL_OP_TRIM_UPPER] = "</", [PROMQL_OP_TRIM_LOWER] = ">/",
		[PROMQL_OP_AND] = "and",	   [PROMQL_OP_OR] = "or",		  [PROMQL_OP_UNLESS] = "unless",
		[PROMQL_OP_STEP] = "step",	   [PROMQL_OP_RANGE] = "range",	  [PROMQL_OP_MAX_OF] = "max_of",
		[PROMQL_OP_MIN_OF] = "min_of",
	};

	return texts[op];
}

const char *
promql_aggregator_text(PromqlAggregator op)
{
	static const char *const texts[] = {
		[PROMQL_AGGR_SUM] = "sum",
		[PROMQL_AGGR_AVG] = "avg",
		[PROMQL_AGGR_COUNT] = "count",
		[PROMQL_AGGR_MIN] = "min",
		[PROMQL_AGGR_MAX] = "max",
		[PROMQL_AGGR_GROUP] = "group",
		[PROMQL_AGGR_STDDEV] = "stddev",
		[PROMQL_AGGR_STDVAR] = "stdvar",
		[PROMQL_AGGR_TOPK] = "topk",
		[PROMQL_AGGR_BOTTOMK] = "bottomk",
		[PROMQL_AGGR_COUNT_VALUES] = "count_values",
		[PROMQL_AGGR_QUANTILE] = "quantile",
		[PROMQL_AGGR_LIMITK] = "limitk",
		[PROMQL_AGGR_LIMIT_RATIO] = "limit_ratio",
	};

	return texts[op];
}

bool
promql_aggregator_has_param(PromqlAggregator op)
{
	return op >= PROMQL_AGGR_TOPK;
}

bool
promql_op_is_comparison(PromqlOperator op)
{
	return op >= PROMQL_OP_EQL && op <= PROMQL_OP_GTR;
}

bool
promql_op_is_set(PromqlOperator op)
{
	return op == PROMQL_OP_AND || op == PROMQL_OP_OR || op == PROMQL_OP_UNLESS;
}

const char *
promql_type_name(PromqlType type)
{
	switch (type)
	{
		case PROMQL_SCALAR:
			return "scalar";
		case PROMQL_VECTOR:
			return "instant vector";
		case PROMQL_MATRIX:
			return "range vector";
		case PROMQL_STRING:
			return "string";
		case PROMQL_NONE:
			break;
	}
	return "none";
}

const char *
promql_type_raw_name(PromqlType type)
{
	switch (type)
	{
		case PROMQL_VECTOR:
			return "vector";
		case PROMQL_MATRIX:
			return "matrix";
		default:
			return promql_type_name(type);
	}
}

PromqlType
promql_expr_type(const PromqlExpr *e)
{
	return e->type;
}

const PromqlExpr *
promql_expr_unparen(const PromqlExpr *e)
{
	while (e->kind == PROMQL_EXPR_PAREN)
		e = e->paren;
	return e;
}

int
promql_expr_nchildren(const PromqlExpr *e)
{
	switch (e->kind)
	{
		case PROMQL_EXPR_RANGE:
		case PROMQL_EXPR_SUBQUERY:
		case PROMQL_EXPR_PAREN:
		case PROMQL_EXPR_UNARY:
			return 1;
		case PROMQL_EXPR_AGGREGATE:
			return e->aggregate.param != NULL ? 2 : 1;
		case PROMQL_EXPR_BINARY:
			return 2;
		case PROMQL_EXPR_CALL:
			return e->call.args.n;
		default:
			return 0;
	}
}

PromqlExpr *
promql_expr_child(const PromqlExpr *e, int i)
{
	assert(i >= 0 && i < promql_expr_nchildren(e));
	switch (e->kind)
	{
		case PROMQL_EXPR_RANGE:
			return e->range.selector;
		case PROMQL_EXPR_SUBQUERY:
			return e->subquery.expr;
		case PROMQL_EXPR_PAREN:
			return e->paren;
		case PROMQL_EXPR_UNARY:
			return e->unary.expr;
		case PROMQL_EXPR_AGGREGATE:
			return i == 0 && e->aggregate.param != NULL ? e->aggregate.param : e->aggregate.expr;
		case PROMQL_EXPR_BINARY:
			return i == 0 ? e->binary.lhs : e->binary.rhs;
		default:
			return e->call.args.items[i];
	}
}
