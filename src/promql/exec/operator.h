/*
 * operator.h
 *    What every operator of a running query looks like.
 *
 * An operator yields one output series at a time: its labels and one value (or none) for each
 * step of the operator's grid.  Life: created by build.c, then open, next until it answers 0,
 * close.  Always go through promql_op_open/next/close: they keep the memory scopes, the
 * counters and the tracer.
 *
 * Rules of the stream:
 *  - Order is deterministic; it is the order an instant query shows (reference 2.8).
 *  - A series without any value at any step is not yielded.
 *  - Two series may carry equal labels if they never have a value at the same step; consumers
 *    that need a series whole (subquery, the top) sit above a merge node.
 *  - A scalar operator yields exactly one series, no labels, a float at every step.
 *  - A matrix operator fills win instead of vec.
 *
 * Memory: op->mem lives as long as the operator and is current during create, open and close.
 * op->series_mem is reset before each next and current during it; what next yields must lie
 * in one of the two, or in the child's yield, and so lives until the next call.
 * Histograms reached through a yielded series are shared: copy before changing one.
 */
#ifndef MIMIR_PROMQL_EXEC_OPERATOR_H
#define MIMIR_PROMQL_EXEC_OPERATOR_H

#include "promql/functions/function.h"
#include "promql/plan/plan.h"
#include "util/mem.h"

typedef struct PromqlOpSeries
{
	Labels labels;			  /* name still there if it is only marked */
	bool drop_name;			  /* delayed name removal: the name goes at the end of the query */
	PromqlVector vec;		  /* vector and scalar operators: grid->nsteps entries */
	const PromqlWindows *win; /* matrix operators; windows of the consumer's grid */
} PromqlOpSeries;

struct PromqlOp
{
	/* filled by the operator's create; open and close may be NULL */
	bool (*open)(PromqlOp *op, Err *err);
	int (*next)(PromqlOp *op, PromqlOpSeries *out, Err *err); /* 1 series, 0 end, -1 error */
	void (*close)(PromqlOp *op);

	/* filled by promql_op_new */
	PromqlExec *exec;
	const PromqlPlanNode *plan;
	const PromqlGrid *grid; /* plan->grid */
	PromqlOp **children;	/* one for each plan->children */
	int nchildren;
	MemScope *mem;
	MemScope *series_mem;
	bool is_open;
	int status; /* what next answered last; 1 before the first time */
	PromqlNodeStats stats;
};

/*
 * How an operator comes to be.  children are ready made, not open yet.  Called with the
 * operators' scope current; NULL after err_set.
 */
typedef PromqlOp *(*PromqlOpCreate)(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children,
									Err *err);

/*
 * promql_op_new -- a zeroed struct of size bytes that begins with a PromqlOp, scopes and common
 * fields filled.
 */
extern void *promql_op_new(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children,
						   size_t size);
extern bool promql_op_open(PromqlOp *op, Err *err); /* opens the children first */
extern int promql_op_next(PromqlOp *op, PromqlOpSeries *out, Err *err);
extern void promql_op_close(PromqlOp *op); /* children too; harmless if not open */

/*
 * promql_blame_inputs -- an error that an evaluation raised comes after those of its inputs, for
 * Prometheus evaluates each input at all steps before what uses it.  So the n inputs are read to
 * their end; if one fails, its error replaces *err.
 */
extern void promql_blame_inputs(PromqlOp **inputs, int n, Err *err);

/* promql_op_close_set -- close a selector's set (NULL: none), keeping its counters for EXPLAIN. */
extern void promql_op_close_set(PromqlOp *op, PromqlSeriesSet *set);

/*
 * promql_counts_only -- a histogram of h's schema, count and sum, without buckets, in the current scope.
 * An unknown reset hint is made explicit by comparing with prev, the histogram read before it (NULL:
 * none).
 */
extern Histogram *promql_counts_only(const Histogram *h, const Histogram *prev);

/* promql_op_read_scalar -- the values of an open scalar operator, kept in the current scope. */
extern bool promql_op_read_scalar(PromqlOp *op, const double **values, Err *err);

/* --- vectors ---------------------------------------------------------------------------------- */

/* Arrays of n steps from the current scope, kinds all ABSENT, h left NULL. */
extern void promql_vector_init(PromqlVector *vec, int n);
/* promql_vector_need_h -- give vec its histogram array (zeroed) if it has none. */
extern void promql_vector_need_h(PromqlVector *vec, int n);
/* promql_vector_count -- how many of n steps have a value. */
extern int promql_vector_count(const PromqlVector *vec, int n);
/* promql_vector_copy -- deep copy into the current scope, histograms included. */
extern void promql_vector_copy(PromqlVector *dst, const PromqlVector *src, int n);

/* --- calls ------------------------------------------------------------------------------------ */

/*
 * promql_call_prepare -- fill call from the call node of op: positions, strings, and, read from
 * op's open children, one array per scalar argument.  For an operator's open().
 */
extern bool promql_call_prepare(PromqlOp *op, PromqlCall *call, Err *err);

/* --- names ------------------------------------------------------------------------------------ */

/* promql_drop_name -- labels without __name__, __type__ and __unit__; may be a copy. */
extern Labels promql_drop_name(Labels ls);

/*
 * promql_series_drop_name -- what an operation that loses the name does to a series: remove it,
 * or mark it under delayed name removal.
 */
extern void promql_series_drop_name(PromqlOp *op, PromqlOpSeries *series);
/* promql_series_call_name -- what the name rule of op's function does to a series. */
extern void promql_series_call_name(PromqlOp *op, PromqlOpSeries *series);

/* --- selectors made at run time ------------------------------------------------------------------ */

/*
 * promql_select_op -- an instant selector over the steps of parent (for info()): sel must live
 * as long as the operator; the caller opens and closes it.
 */
extern PromqlOp *promql_select_op(PromqlOp *parent, const PromqlSelectorPlan *sel, Err *err);

#endif
