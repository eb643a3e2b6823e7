/*
 * aggregate.h
 *    What the aggregation operators share: groups, and what their op needs of the plan.
 */
#ifndef MIMIR_PROMQL_EXEC_AGGREGATE_H
#define MIMIR_PROMQL_EXEC_AGGREGATE_H

#include "promql/exec/exec.h"
#include "promql/exec/grouping.h"

/* Numbered groups; the state of each is the operator's own, by number. */
typedef struct PromqlGroups
{
	PromqlGrouping grouping;
	PromqlLabelMap map; /* a group's label set is its key */
	bool *drop_name;	/* by group: a member is marked */
	void **state;		/* by group */
	int cap;
} PromqlGroups;

extern void promql_groups_init(PromqlGroups *g, PromqlOp *op);
/*
 * promql_groups_add -- the number of the group s belongs to; a new group has a state of
 * state_size zeroed bytes from the operator's scope.
 */
extern int promql_groups_add(PromqlGroups *g, PromqlOp *op, const PromqlOpSeries *s,
							 size_t state_size);

/*
 * promql_aggregate_param -- the parameter at every step, read from op's open children or repeated
 * from the plan.
 */
extern bool promql_aggregate_param(PromqlOp *op, const double **values, Err *err);

/* promql_histogram_ignored -- the info of an aggregation that skips a histogram. */
extern void promql_histogram_ignored(PromqlOp *op);

#endif
