/*
 * plan_int.h
 *    The passes of promql_plan(), in the order they run.
 */
#ifndef MIMIR_PROMQL_PLAN_PLAN_INT_H
#define MIMIR_PROMQL_PLAN_PLAN_INT_H

#include "promql/plan/plan.h"

/* promql_plan_node -- a fresh node with room for nchildren. */
extern PromqlPlanNode *promql_plan_node(PromqlPlanKind kind, PromqlType type, int pos,
										int nchildren);

/* 0. steps that nobody looks at; before anything is worked out for the others */
extern void promql_plan_narrow(PromqlPlan *plan, const PromqlExpr *e);
/* 1. tree of the text to nodes; constants, durations and @ worked out */
extern PromqlPlanNode *promql_plan_translate(PromqlPlan *plan, const PromqlExpr *e, Err *err);
/* 1a. label filters to matchers of selectors */
extern void promql_plan_filter(const PromqlPlan *plan, PromqlPlanNode *root);
/* the same for one filter; returns how many selectors it came to */
extern int promql_plan_filter_one(PromqlPlanNode *root, const Matcher *filter);
/* 2. which nodes give the same at every step */
extern bool promql_plan_invariant(PromqlPlanNode *node);
/* 3. the steps of each node, the time window of each selector; one step for invariant parts */
extern bool promql_plan_grids(PromqlPlan *plan, PromqlPlanNode **root, Err *err);
/* 4. what is known of label sets; checks where they might collide */
extern void promql_plan_unique(PromqlPlan *plan, PromqlPlanNode **root);

/* 5. selectors that must tell resets */
extern void promql_plan_hints(PromqlPlanNode *root);

/* 6. selectors that read the same; after nodes are numbered */
extern void promql_plan_share(PromqlPlan *plan);

/* 7. can it be evaluated part by part? */
extern bool promql_plan_series_by_series(const PromqlPlan *plan);

/* promql_plan_window -- mint and maxt of a selector evaluated over grid. */
extern void promql_plan_window(const PromqlPlan *plan, PromqlSelectorPlan *sel,
							   const PromqlGrid *grid);

#endif
