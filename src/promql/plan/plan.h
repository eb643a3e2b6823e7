/*
 * plan.h
 *    The plan of a query: a read-only tree of nodes, one operator each.
 *
 * A plan is made for given parameters: the steps of every node, the time window of every
 * selector and all constants are worked out.  It refers to the AST it was made from, which
 * must live as long.
 */
#ifndef MIMIR_PROMQL_PLAN_PLAN_H
#define MIMIR_PROMQL_PLAN_PLAN_H

#include "promql/estimate.h"
#include "promql/functions/function.h"
#include "promql/parser/ast.h"

/* The steps at which a node is evaluated. */
typedef struct PromqlGrid
{
	int64_t start_ms;
	int64_t step_ms;   /* 1 for a single step */
	int nsteps;		   /* may be 0: nothing to evaluate */
	const int64_t *ts; /* nsteps times, ms */
} PromqlGrid;

typedef enum PromqlPlanKind
{
	PROMQL_PLAN_NUMBER,		  /* a constant at every step */
	PROMQL_PLAN_STRING,		  /* a string literal as the whole query */
	PROMQL_PLAN_SELECT,		  /* instant selector */
	PROMQL_PLAN_RANGE_SELECT, /* range selector: windows */
	PROMQL_PLAN_SUBQUERY,	  /* child on its own grid: windows */
	PROMQL_PLAN_RANGE_CALL,	  /* function over windows */
	PROMQL_PLAN_CALL,		  /* any other function */
	PROMQL_PLAN_AGGREGATE,
	PROMQL_PLAN_BINARY_MATCH,  /* vector op vector */
	PROMQL_PLAN_BINARY_SCALAR, /* at least one side a scalar */
	PROMQL_PLAN_SET,		   /* and, or, unless */
	PROMQL_PLAN_NEGATE,
	PROMQL_PLAN_INVARIANT, /* child at one step, its result at every step */
	PROMQL_PLAN_UNIQUE,	   /* an error where series of equal labels overlap */
	PROMQL_PLAN_MERGE	   /* the same, and joins them into one series */
} PromqlPlanKind;

/* What an instant selector yields of the sample it finds. */
typedef enum PromqlEmit
{
	PROMQL_EMIT_VALUE,
	PROMQL_EMIT_TIME,	   /* its time, seconds */
	PROMQL_EMIT_START_TIME /* its start timestamp, seconds; 0 if unknown */
} PromqlEmit;

typedef struct PromqlSelectorPlan
{
	const Matcher *matchers;
	int nmatchers;
	int64_t offset_ms;
	bool pinned; /* has @ */
	int64_t at_ms;
	int64_t range_ms; /* 0: instant selector */
	PromqlExtend extend;
	PromqlEmit emit;
	bool counts_only;	/* read histograms without buckets, with explicit reset hints */
	int64_t mint, maxt; /* samples that may be needed, ms, inclusive */
	int share;			/* selectors of equal number read the same samples; 0: no other does */
	const char *func;	/* enclosing function or aggregation, "" if none */
} PromqlSelectorPlan;

typedef struct PromqlSubqueryPlan
{
	int64_t range_ms;
	int64_t step_ms;
	int64_t offset_ms;
	bool pinned;
	int64_t at_ms;
} PromqlSubqueryPlan;

/* One argument of a call as written; its operator, if it needs one, is a child. */
typedef struct PromqlArgPlan
{
	PromqlType type;
	int pos;
	int child;		/* index in children; -1: a literal */
	double number;	/* child < 0, PROMQL_SCALAR */
	StrView string; /* PROMQL_STRING */
} PromqlArgPlan;

typedef struct PromqlCallPlan
{
	const PromqlSignature *sig;
	const PromqlArgPlan *args;
	int nargs;
	/* timestamp(), start_timestamp() of a selector: the selector emits the times itself */
	bool by_selector;
	/* info(): matchers of the second argument, timing of the first selector of the first */
	const PromqlSelectorPlan *info;
} PromqlCallPlan;

typedef struct PromqlAggregatePlan
{
	PromqlAggregator op;
	bool without;
	const StrView *grouping; /* sorted, unique */
	int ngrouping;
	StrView label;	 /* count_values */
	int param_child; /* index in children of a computed parameter, else -1 */
	double param;	 /* literal parameter */
	int param_pos;
	int expr_pos; /* of the vector operand */
} PromqlAggregatePlan;

typedef struct PromqlBinaryPlan
{
	PromqlOperator op;
	bool is_comparison;
	bool return_bool;
	bool left_scalar, right_scalar; /* BINARY_SCALAR */
	/* BINARY_MATCH and SET */
	PromqlCard card;
	bool on;
	const StrView *matching; /* sorted, unique */
	int nmatching;
	const StrView *include;
	int ninclude;
	bool has_fill_left, has_fill_right;
	double fill_left, fill_right;
} PromqlBinaryPlan;

typedef struct PromqlPlanNode PromqlPlanNode;
struct PromqlPlanNode
{
	PromqlPlanKind kind;
	PromqlType type;
	int number; /* preorder, from 0 */
	int pos;	/* byte offset in the query, for annotations */
	const PromqlGrid *grid;
	int nchildren;
	PromqlPlanNode **children;
	bool invariant; /* the same at every step, so one step is enough */
	/* what is known of the labels of the result */
	bool labels_unique;	  /* no two series have equal labels */
	bool names_unique;	  /* nor equal labels without the name */
	bool sorted;		  /* series come in the order of their label sets */
	PromqlEstimate guess; /* by promql_plan_guess, for EXPLAIN */
	union
	{
		double number_value;
		StrView string;
		PromqlSelectorPlan select; /* SELECT and RANGE_SELECT */
		PromqlSubqueryPlan subquery;
		PromqlCallPlan call; /* RANGE_CALL and CALL */
		PromqlAggregatePlan aggregate;
		PromqlBinaryPlan binary;
	};
};

struct PromqlPlan
{
	PromqlParams params;
	const PromqlExpr *expr;
	PromqlPlanNode *root;
	int nnodes;
	PromqlPlanNode **nodes; /* by number */
	int nshared;			/* highest share number of a selector */
	bool series_wise;		/* promql_plan_is_series_wise */
};

/* promql_plan_line_col -- a byte offset of the query as line and column, both from 1. */
extern void promql_plan_line_col(const PromqlPlan *plan, int pos, int *line, int *col);

#endif
