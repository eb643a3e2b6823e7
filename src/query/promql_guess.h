/*
 * promql_guess.h
 *    What a PromQL scan will give and cost, for the planner.
 */
#ifndef MIMIR_QUERY_PROMQL_GUESS_H
#define MIMIR_QUERY_PROMQL_GUESS_H

#include "postgres.h"

#include "promql/estimate.h"
#include "query/sql_call.h"

#include "nodes/pathnodes.h"

typedef struct PromqlGuesser PromqlGuesser;

/*
 * promql_guesser_create -- for a call whose text is known; NULL if it is not, or does not parse, or
 * nothing can be said now.  Never raises an error because of the call: that is for execution.
 * The plan comes to depend on the role, as the numbers are those of the tenants it sees.
 */
extern PromqlGuesser *promql_guesser_create(PlannerInfo *root, const FuncExpr *call,
											SqlCallKind kind);
extern void promql_guesser_free(PromqlGuesser *g);

/*
 * promql_guess -- under these conditions (a list of PromqlQual); rows and series are those that
 * leave the scan.  False: the planner of queries refuses it.
 */
extern bool promql_guess(PromqlGuesser *g, List *quals, PromqlEstimate *out);

/* promql_guess_cost -- of a scan, without labels as values of SQL and the checks of its rows. */
extern void promql_guess_cost(const PromqlEstimate *est, Cost *startup, Cost *run);
/* promql_guess_labels_cost -- of making these values, once a series. */
extern Cost promql_guess_labels_cost(const PromqlEstimate *est);

/* promql_guess_pages -- samples read, as pages of a table: what worker processes are worth. */
extern double promql_guess_pages(const PromqlEstimate *est);

#endif
