/*
 * promql_scan.h
 *    PromQL functions in FROM as plan nodes.
 *
 * A call of mimir.promql_query() or mimir.promql_query_range() as a FROM item becomes a CustomScan
 * (promql_path.c), which runs the query and makes rows of its series (promql_scan.c), or of a
 * part of them in each of several processes (promql_parallel.c).  For EXPLAIN (promql_explain.c)
 * the operators of the query hang below it as nodes of their own (promql_tree.c).
 */
#ifndef MIMIR_QUERY_PROMQL_SCAN_H
#define MIMIR_QUERY_PROMQL_SCAN_H

#include "postgres.h"

#include "query/promql_qual.h"
#include "query/promql_tree.h"
#include "query/run.h"
#include "query/sql_call.h"

#include "nodes/execnodes.h"
#include "nodes/extensible.h"

extern void promql_path_init(void); /* from _PG_init */

extern const CustomScanMethods promql_scan_methods;

/* custom_private of the plan node: a list of integers. */
typedef enum PromqlScanPrivate
{
	PROMQL_SCAN_KIND,	 /* SqlCallKind */
	PROMQL_SCAN_FUNCID,	 /* OID of the function, for its privileges */
	PROMQL_SCAN_COLUMNS, /* bit c: column c of the result is looked at (SqlCallColumn) */
} PromqlScanPrivate;

/*
 * custom_exprs of the plan node: the arguments of the call, then conditions that the scan meets
 * (promql_qual.h), as they stood in the query.
 */

/* Such a condition, ready to run. */
typedef struct PromqlScanQual
{
	PromqlQual qual;
	Expr *clause;	  /* for EXPLAIN */
	ExprState *value; /* NULL: none */
	bool varies;	  /* its value may differ at each rescan */
} PromqlScanQual;

typedef struct PromqlParallel PromqlParallel; /* promql_parallel.c */

typedef struct PromqlScan
{
	CustomScanState css; /* first */
	SqlCallKind kind;
	int columns;	  /* PROMQL_SCAN_COLUMNS */
	List *args;		  /* ExprState of each argument */
	List *quals;	  /* of PromqlScanQual */
	bool started;	  /* since the last rescan */
	bool text_varies; /* only execution knows the query's text, it may differ at each rescan */
	bool times_vary;  /* or its times, or those of conditions */

	MemoryContext run_context;
	SqlCall call;
	PromqlWanted wanted;
	QueryRun *run;		 /* NULL: not started, or its end was reached */
	PromqlSeries series; /* valid until the next is asked for */
	int point;			 /* next one of it */
	int end;			 /* behind the last one that is wanted */
	MemoryContext label_context;
	Datum labels;
	PromqlParallel *parallel; /* NULL: this process reads all */

	/* for EXPLAIN */
	PromqlTree *tree;  /* NULL: not made */
	PromqlStats stats; /* of all runs that ended */
} PromqlScan;

/* --- promql_scan.c -------------------------------------------------------------------------- */

/*
 * promql_scan_eval -- fill s->call and s->wanted from the arguments and conditions; false: an
 * argument is null, and the functions are strict.  Memory: CurrentMemoryContext.
 */
extern bool promql_scan_eval(PromqlScan *s);
extern Datum promql_scan_argument(PromqlScan *s, int i, bool *isnull);
extern void promql_scan_finish(PromqlScan *s); /* close the run, keep its figures */

/* --- promql_explain.c ----------------------------------------------------------------------- */

extern void promql_scan_explain(CustomScanState *css, List *ancestors, ExplainState *es);
/*
 * promql_scan_tree -- the tree of a scan whose text does not vary, made if it is not there; run: a
 * run under way, or NULL.  NULL: an argument is null.
 */
extern PromqlTree *promql_scan_tree(PromqlScan *s, QueryRun *run);

/* --- promql_parallel.c ---------------------------------------------------------------------- */

extern Size promql_parallel_estimate(CustomScanState *css, ParallelContext *pcxt);
extern void promql_parallel_init(CustomScanState *css, ParallelContext *pcxt, void *coordinate);
extern void promql_parallel_reinit(CustomScanState *css, ParallelContext *pcxt, void *coordinate);
extern void promql_parallel_init_worker(CustomScanState *css, shm_toc *toc, void *coordinate);

/*
 * promql_parallel_eval -- fill s->call and s->wanted with what the leader found, in any of the
 * processes.  False: there is nothing to read, or nothing left.
 */
extern bool promql_parallel_eval(PromqlScan *s);
extern const QueryParts *promql_parallel_parts(PromqlScan *s); /* NULL: read all */
extern void promql_parallel_report(PromqlScan *s);			   /* a worker's figures, at its end */
extern void promql_parallel_collect(PromqlScan *s); /* the workers' figures, for EXPLAIN */

#endif
