/*
 * promql_tree.h
 *    The operators of a PromQL query as plan nodes that EXPLAIN shows.
 */
#ifndef MIMIR_QUERY_PROMQL_TREE_H
#define MIMIR_QUERY_PROMQL_TREE_H

#include "postgres.h"

#include "promql/estimate.h"

#include "executor/instrument.h"
#include "nodes/execnodes.h"

typedef struct PromqlTree PromqlTree;

/*
 * promql_tree_create -- a plan state for each node of the plan, instrumented as the estate says.
 * times_known: the plan was made for the times of the call, so that properties that follow from
 * them may be shown.  Memory: the estate's.
 */
extern PromqlTree *promql_tree_create(EState *estate, const PromqlPlan *plan, bool times_known);
/* promql_tree_guess -- rows and costs of the nodes, as promql_plan_guess left them in the plan. */
extern void promql_tree_guess(PromqlTree *tree, const PromqlPlan *plan);
extern PlanState *promql_tree_root(PromqlTree *tree);
extern int promql_tree_nnodes(const PromqlTree *tree);

/* promql_tree_trace -- count the work of a run, if its plan has the shape of the tree. */
extern void promql_tree_trace(PromqlTree *tree, const PromqlPlan *plan, PromqlExec *exec);
/* promql_tree_collect -- add the counters of a traced run that was closed. */
extern void promql_tree_collect(PromqlTree *tree, const PromqlExec *exec);
extern void promql_tree_end_loop(PromqlTree *tree); /* before the scan begins anew */

/* What was counted at a node: plain memory, to pass between processes. */
typedef struct PromqlTreeFigures
{
	Instrumentation instrument;
	PromqlNodeStats stats;
} PromqlTreeFigures;

extern void promql_tree_get(PromqlTree *tree, PromqlTreeFigures *out); /* one for each node */
extern void promql_tree_add(PromqlTree *tree, const PromqlTreeFigures *figures);

#endif
