/*
 * ast.h
 *    The tree of a parsed and typed PromQL query.
 *
 * One node type, PromqlExpr: a kind, the byte range it came from, its value type, and a union
 * with one struct per kind.  The tree is as the user wrote it: parentheses are nodes, durations
 * keep whether they were expressions, so that printing gives the query back.
 *
 * promql_parse allocates the nodes with mem_alloc in the current MemScope; they are never freed
 * one by one.  Strings are views of memory of that scope too, not of the query text.  After
 * promql_parse nobody changes the tree.
 *
 * A node of kind PROMQL_DURATION_EXPR stands only inside a PromqlDuration.
 */
#ifndef MIMIR_PROMQL_AST_H
#define MIMIR_PROMQL_AST_H

#include "promql/functions/signatures.h"
#include "promql/promql.h"

/* The longest query, in bytes. */
#define PROMQL_MAX_QUERY (4 * 1024 * 1024)

/* The deepest tree the parser makes; deeper input is an error.  Recursion over it is safe. */
#define PROMQL_MAX_DEPTH 1000

typedef enum PromqlExprKind
{
	PROMQL_EXPR_NUMBER,
	PROMQL_EXPR_STRING,
	PROMQL_EXPR_SELECTOR, /* instant vector selector */
	PROMQL_EXPR_RANGE,	  /* matrix selector: a selector and a range */
	PROMQL_EXPR_SUBQUERY,
	PROMQL_EXPR_AGGREGATE,
	PROMQL_EXPR_BINARY,
	PROMQL_EXPR_CALL,
	PROMQL_EXPR_PAREN,
	PROMQL_EXPR_UNARY,
	PROMQL_EXPR_DURATION /* operator of a duration expression */
} PromqlExprKind;

/* Operators, binary and unary (ADD, SUB); promql_op_text gives the spelling. */
typedef enum PromqlOperator
{
	PROMQL_OP_ADD,
	PROMQL_OP_SUB,
	PROMQL_OP_MUL,
	PROMQL_OP_DIV,
	PROMQL_OP_MOD,
	PROMQL_OP_POW,
	PROMQL_OP_ATAN2,
	PROMQL_OP_EQL, /* == */
	PROMQL_OP_NEQ,
	PROMQL_OP_LTE,
	PROMQL_OP_LSS,
	PROMQL_OP_GTE,
	PROMQL_OP_GTR,
	PROMQL_OP_TRIM_UPPER, /* </ */
	PROMQL_OP_TRIM_LOWER, /* >/ */
	PROMQL_OP_AND,
	PROMQL_OP_OR,
	PROMQL_OP_UNLESS,
	PROMQL_OP_STEP,	 /* step(), in duration expressions only, like the next three */
	PROMQL_OP_RANGE, /* range() */
	PROMQL_OP_MAX_OF,
	PROMQL_OP_MIN_OF
} PromqlOperator;

typedef enum PromqlAggregator
{
	PROMQL_AGGR_SUM,
	PROMQL_AGGR_AVG,
	PROMQL_AGGR_COUNT,
	PROMQL_AGGR_MIN,
	PROMQL_AGGR_MAX,
	PROMQL_AGGR_GROUP,
	PROMQL_AGGR_STDDEV,
	PROMQL_AGGR_STDVAR,
	PROMQL_AGGR_TOPK, /* from here on with a parameter */
	PROMQL_AGGR_BOTTOMK,
	PROMQL_AGGR_COUNT_VALUES,
	PROMQL_AGGR_QUANTILE,
	PROMQL_AGGR_LIMITK,
	PROMQL_AGGR_LIMIT_RATIO
} PromqlAggregator;

typedef enum PromqlCard
{
	PROMQL_ONE_TO_ONE,
	PROMQL_MANY_TO_ONE, /* group_left */
	PROMQL_ONE_TO_MANY, /* group_right */
	PROMQL_MANY_TO_MANY /* set operators */
} PromqlCard;

/*
 * A range, step or offset.  A plain literal is in ms (expr NULL); an expression depends on the
 * query's step and range and is computed by promql_duration_eval.
 */
typedef struct PromqlDuration
{
	const PromqlExpr *expr; /* NULL: literal */
	int64_t ms;				/* of the literal, nanoseconds truncated; 0 if expr is set */
	bool is_set;			/* false: not written, or an offset literal of zero */
} PromqlDuration;

typedef enum PromqlAtKind
{
	PROMQL_AT_NONE,
	PROMQL_AT_TIME,
	PROMQL_AT_START, /* @ start() */
	PROMQL_AT_END
} PromqlAtKind;

typedef struct PromqlAt
{
	PromqlAtKind kind;
	int64_t ms; /* PROMQL_AT_TIME: since the epoch */
} PromqlAt;

typedef struct PromqlExprList
{
	PromqlExpr **items;
	int n;
} PromqlExprList;

typedef struct PromqlStrList
{
	StrView *items;
	int n;
} PromqlStrList;

/* Vector selector. */
typedef struct PromqlSelector
{
	StrView name;	   /* metric name written outside the braces; len 0: none */
	Matcher *matchers; /* __name__ = name among them (the last one) if name is given */
	int nmatchers;
	PromqlDuration offset;
	PromqlAt at;
	bool anchored;
	bool smoothed;
	bool may_match_all; /* second argument of info(): need not have a non-empty matcher */
} PromqlSelector;

/* Range selector.  Offset, @ and anchored/smoothed are those of the selector inside. */
typedef struct PromqlRange
{
	PromqlExpr *selector; /* kind PROMQL_EXPR_SELECTOR */
	PromqlDuration range;
} PromqlRange;

typedef struct PromqlSubquery
{
	PromqlExpr *expr;
	PromqlDuration range;
	PromqlDuration step; /* not set: the query's default subquery step */
	PromqlDuration offset;
	PromqlAt at;
} PromqlSubquery;

typedef struct PromqlAggregate
{
	PromqlAggregator op;
	PromqlExpr *expr;
	PromqlExpr *param; /* NULL if op takes none */
	PromqlStrList grouping;
	bool without;
} PromqlAggregate;

/* One side's fill value: what a missing sample on that side counts as. */
typedef struct PromqlFill
{
	bool is_set;
	double v;
} PromqlFill;

/* Vector matching of a binary operator; meaningful if both operands are vectors. */
typedef struct PromqlMatching
{
	PromqlCard card;
	bool on;			   /* on(labels); else ignoring(labels) */
	PromqlStrList labels;  /* as written */
	PromqlStrList include; /* labels of group_left/group_right */
	PromqlFill fill_left;
	PromqlFill fill_right;
} PromqlMatching;

typedef struct PromqlBinary
{
	PromqlOperator op;
	PromqlExpr *lhs;
	PromqlExpr *rhs;
	bool return_bool;
	bool vectors; /* both operands are vectors: matching applies */
	PromqlMatching matching;
	int op_start; /* byte range of the operator: where its problems are reported */
	int op_end;
} PromqlBinary;

typedef struct PromqlCallExpr
{
	const PromqlSignature *sig;
	PromqlExprList args;
} PromqlCallExpr;

typedef struct PromqlNumber
{
	double v;		  /* a duration literal's value is in seconds */
	bool is_duration; /* prints as a duration */
} PromqlNumber;

typedef struct PromqlUnary
{
	PromqlOperator op; /* ADD or SUB */
	PromqlExpr *expr;
} PromqlUnary;

/*
 * Operator of a duration expression: lhs NULL for a sign (ADD, SUB), both NULL for step() and
 * range().
 */
typedef struct PromqlDurationExpr
{
	PromqlOperator op;
	PromqlExpr *lhs; /* operands are PROMQL_EXPR_NUMBER or PROMQL_EXPR_DURATION */
	PromqlExpr *rhs;
	bool wrapped; /* stood in parentheses */
} PromqlDurationExpr;

struct PromqlExpr
{
	PromqlExprKind kind;
	PromqlType type;
	int start; /* byte offset of the first byte in the query text */
	int end;   /* byte offset after the last byte */
	int depth; /* height of the tree below, 1 for a leaf; at most PROMQL_MAX_DEPTH */
	union
	{
		PromqlNumber number;
		StrView string;
		PromqlSelector selector;
		PromqlRange range;
		PromqlSubquery subquery;
		PromqlAggregate aggregate;
		PromqlBinary binary;
		PromqlCallExpr call;
		PromqlExpr *paren;
		PromqlUnary unary;
		PromqlDurationExpr duration;
	};
};

/* --- ast.c ---------------------------------------------------------------------------------- */
extern const char *promql_type_name(PromqlType type);			/* "instant vector", ... */
extern const char *promql_type_raw_name(PromqlType type);		/* "vector", "matrix", ... */
extern const char *promql_op_text(PromqlOperator op);			/* "+", "atan2", "step", ... */
extern const char *promql_aggregator_text(PromqlAggregator op); /* "sum", ... */
extern bool promql_aggregator_has_param(PromqlAggregator op);
extern bool promql_op_is_comparison(PromqlOperator op); /* trim operators are not */
extern bool promql_op_is_set(PromqlOperator op);
/* promql_expr_unparen -- e without the parentheses around it. */
extern const PromqlExpr *promql_expr_unparen(const PromqlExpr *e);
/* promql_expr_nchildren, promql_expr_child -- operands in the order they are written. */
extern int promql_expr_nchildren(const PromqlExpr *e);
extern PromqlExpr *promql_expr_child(const PromqlExpr *e, int i);

/* --- duration.c ----------------------------------------------------------------------------- */
/*
 * promql_duration_eval -- the value of d in ms, for a query of this step (0: instant) and range
 * (end - start).  positive: a range or step, which must be > 0; an offset may be anything.
 * Errors (code PROMQL_TYPE) have the text "START:END: ...", bytes of the expression.
 */
extern bool promql_duration_eval(const PromqlDuration *d, int64_t step_ms, int64_t range_ms,
								 bool positive, int64_t *ms, Err *err);

#endif
