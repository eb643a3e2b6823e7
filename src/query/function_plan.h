/*
 * function_plan.h
 *    Planning of a function in FROM as a CustomScan: what every such node needs.
 *
 * The scan has scanrelid 0; custom_scan_tlist describes its tuple, the function's columns.
 */
#ifndef MIMIR_QUERY_FUNCTION_PLAN_H
#define MIMIR_QUERY_FUNCTION_PLAN_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "nodes/extensible.h"
#include "nodes/pathnodes.h"

/*
 * function_plan_call -- the call that a FROM item consists of, or NULL.  Not WITH ORDINALITY, nor
 * ROWS FROM of several functions.
 */
extern FuncExpr *function_plan_call(const RangeTblEntry *rte);

/* function_plan_whole_row -- does somebody need the row as a whole?  A virtual tuple has none. */
extern bool function_plan_whole_row(const RelOptInfo *rel);

extern List *function_plan_tlist(RangeTblEntry *rte, Index rti);

/*
 * function_plan_columns -- bit c: somebody looks at column c, from 0; quals are those of the scan.
 * (The tlist does not tell, it may be replaced later.)
 */
extern uint32 function_plan_columns(const RelOptInfo *rel, List *quals, int ncolumns);

/* function_plan_check -- ereports unless the current role may call the function. */
extern void function_plan_check(Oid funcid);

/*
 * function_plan_varies -- does only execution know the expression's value?  So it is with the
 * parameters of other plan nodes, and with those of a statement when EXPLAIN shows a generic plan.
 */
extern bool function_plan_varies(Node *expr, EState *estate);

#endif
