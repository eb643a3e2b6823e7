/*
 * promql.h
 *    The public face of the PromQL engine: text in, result series out.
 *
 * Life of a query:
 *    promql_parse()        text -> PromqlExpr tree, typed            (promql/parser)
 *    promql_plan()         tree + params -> read-only plan tree      (promql/plan)
 *    promql_exec_create()  plan + source -> operators                (promql/exec)
 *    promql_exec_next()    one output series at a time, over all steps
 *    promql_exec_close()   only to stop before the end
 * All memory is the current MemScope's at promql_exec_create.
 */
#ifndef MIMIR_PROMQL_PROMQL_H
#define MIMIR_PROMQL_PROMQL_H

#include "promql/source.h"

typedef struct PromqlExpr PromqlExpr; /* promql/parser/ast.h */
typedef struct PromqlPlan PromqlPlan; /* promql/plan/plan.h */
typedef struct PromqlExec PromqlExec; /* promql/exec/exec.h */
typedef struct PromqlOp PromqlOp;	  /* promql/exec/operator.h */

typedef enum PromqlType
{
	PROMQL_NONE,
	PROMQL_SCALAR,
	PROMQL_VECTOR,
	PROMQL_MATRIX,
	PROMQL_STRING
} PromqlType;

/* Language flags (settings mimir.promql_*); all false = Prometheus' defaults. */
typedef struct PromqlFlags
{
	bool experimental_functions; /* also limitk, limit_ratio, info() */
	bool extended_range;		 /* anchored, smoothed */
	bool binop_fill;
	bool delayed_name_removal;
	bool start_timestamps;
	bool type_and_unit_labels;
} PromqlFlags;

typedef struct PromqlParams
{
	int64_t start_ms, end_ms;		  /* equal for an instant query */
	int64_t step_ms;				  /* 0 for an instant query */
	bool instant;					  /* an instant query (result may be any type) */
	int64_t lookback_ms;			  /* 300000 */
	int64_t default_subquery_step_ms; /* 60000 */
	int64_t max_samples;			  /* 0 = unlimited */
	size_t max_memory;				  /* bytes, 0 = unlimited */
	PromqlFlags flags;
	StrView query; /* its text, for the LINE:COL of annotations; empty: taken as one line */

	/*
	 * What of the result is wanted.  The rest may be left out, where that is cheaper and changes
	 * nothing of what is wanted, but need not be: whoever cares looks at what comes.
	 */
	const Matcher *label_filters; /* series that have the label of each, with a value it matches */
	int nlabel_filters;
	bool has_window; /* steps of a range query in [window_from_ms, window_to_ms] */
	int64_t window_from_ms, window_to_ms;
	bool any_order; /* series may come in any order */
} PromqlParams;

/*
 * promql_parse -- err->pos is the byte offset; err->msg is "LINE:COL: parse error: MESSAGE" as
 * Prometheus writes it.
 */
extern PromqlExpr *promql_parse(const char *query, size_t len, const PromqlFlags *flags, Err *err);
extern PromqlType promql_expr_type(const PromqlExpr *e);
/* promql_print -- canonical one-line or pretty text (reference 1.13). */
extern void promql_print(Buf *out, const PromqlExpr *e, bool pretty);
extern void promql_print_json(Buf *out, const PromqlExpr *e); /* parse_query's AST */

/*
 * promql_parse_matchers -- a match[] selector: metric name and/or braces only.
 * Matchers from mem_alloc.
 */
extern bool promql_parse_selector(const char *text, size_t len, Matcher **out, int *n, Err *err);

/* promql_collect_selectors -- every vector selector's matchers in the tree (query_exemplars). */
typedef struct PromqlMatcherSet
{
	Matcher *m;
	int n;
} PromqlMatcherSet;
extern int promql_collect_selectors(const PromqlExpr *e, PromqlMatcherSet **out);

extern PromqlPlan *promql_plan(const PromqlExpr *e, const PromqlParams *params, Err *err);
/*
 * promql_plan_is_series_wise -- every output series comes from one series of the query's only
 * selector, so parts of that selector's series may be evaluated apart and their results put
 * together in any order.
 */
extern bool promql_plan_is_series_wise(const PromqlPlan *plan);

/* One output series over all steps (vector, scalar), or its raw points (matrix). */
typedef struct PromqlSeries
{
	Labels labels;		 /* final: names dropped as they must be */
	int n;				 /* points present */
	const int64_t *t;	 /* ms */
	const double *v;	 /* undefined where h[i] != NULL */
	Histogram *const *h; /* NULL: floats only */
} PromqlSeries;

typedef struct PromqlAnnotation
{
	bool is_warning;  /* else info */
	const char *text; /* complete: "PromQL warning: ... (1:5)" */
} PromqlAnnotation;

/* promql_exec_type -- of the result: PROMQL_MATRIX for every range query. */
extern PromqlType promql_exec_type(const PromqlExec *ex);
extern PromqlExec *promql_exec_create(PromqlPlan *plan, PromqlSource *source, Err *err);

/*
 * promql_exec_next -- 1: *out is the next output series (valid until the next call), 0: end,
 * -1: error.  Series come in the order the API shows them (reference 2.8).  A scalar is one
 * series without labels; a string result is read by promql_exec_string.
 */
extern int promql_exec_next(PromqlExec *ex, PromqlSeries *out, Err *err);
/* promql_exec_close -- let go of the source before the end; after the end it does nothing. */
extern void promql_exec_close(PromqlExec *ex);
extern const char *promql_exec_string(PromqlExec *ex);
extern int promql_exec_annotations(PromqlExec *ex, const PromqlAnnotation **out);

typedef struct PromqlStats
{
	int64_t samples_read; /* "totalQueryableSamples" */
	int64_t peak_samples;
} PromqlStats;
extern PromqlStats promql_exec_stats(const PromqlExec *ex);

/*
 * Plan nodes seen from outside, for the CustomScan tree and EXPLAIN: a node per operator,
 * children in order, numbered in preorder from 0.  The same query text and params always
 * give the same numbering.
 */
extern int promql_plan_nnodes(const PromqlPlan *plan);
extern int promql_plan_nchildren(const PromqlPlan *plan, int node);
extern int promql_plan_child(const PromqlPlan *plan, int node, int i);		/* node number */
extern const char *promql_plan_node_name(const PromqlPlan *plan, int node); /* "PromQL Aggregate" */
/* property lines of a node, "Matchers: {job=\"x\"}", "Function: rate", ...; NULL ends */
typedef struct PromqlProperty
{
	const char *name;
	const char *value;
} PromqlProperty;
extern int promql_plan_properties(const PromqlPlan *plan, int node, const PromqlProperty **out);

/* Runtime counters of a node after execution. */
typedef struct PromqlNodeStats
{
	int64_t series_in, series_out, samples, chunks, chunks_head, blocks, blocks_pruned;
	size_t memory_bytes;
} PromqlNodeStats;
extern PromqlNodeStats promql_exec_node_stats(const PromqlExec *ex, int node);

/*
 * Hooks around a node's next(), so that a plan node of the server can count time and rows for
 * each operator.  Called with the node number; may be NULL.
 */
typedef struct PromqlTracer
{
	void (*enter)(void *arg, int node);
	void (*leave)(void *arg, int node, int nseries);
	void *arg;
} PromqlTracer;
extern void promql_exec_set_tracer(PromqlExec *ex, const PromqlTracer *tracer);

#endif
