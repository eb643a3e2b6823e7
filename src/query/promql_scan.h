/*
 * promql_scan.h
 *    PromQL functions in FROM as plan nodes.
 *
 * A call of mimir.promql_query() or mimir.promql_query_range() as a FROM item becomes a CustomScan
 * (promql_path.c), which runs the query and makes rows of its series (promql_scan.c).  For EXPLAIN
 * the operators of the query hang below it as nodes of their own (promql_tree.c).
 */
#ifndef MIMIR_QUERY_PROMQL_SCAN_H
#define MIMIR_QUERY_PROMQL_SCAN_H

#include "postgres.h"

#include "promql/promql.h"

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

/* --- promql_tree.c ------------------------------------------------------------------------- */

typedef struct PromqlTree PromqlTree;

/*
 * promql_tree_create -- a plan state for each node of the plan, instrumented as the estate says.
 * times_known: the plan was made for the times of the call, so that properties that follow from
 * them may be shown.  Memory: the estate's.
 */
extern PromqlTree *promql_tree_create(EState *estate, const PromqlPlan *plan, bool times_known);
extern PlanState *promql_tree_root(PromqlTree *tree);

/* promql_tree_trace -- count the work of a run, if its plan has the shape of the tree. */
extern void promql_tree_trace(PromqlTree *tree, const PromqlPlan *plan, PromqlExec *exec);
/* promql_tree_collect -- add the counters of a traced run that was closed. */
extern void promql_tree_collect(PromqlTree *tree, const PromqlExec *exec);
extern void promql_tree_end_loop(PromqlTree *tree); /* before the scan begins anew */

#endif
