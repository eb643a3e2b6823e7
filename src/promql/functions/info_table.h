/*
 * info_table.h
 *    The info series that info() adds labels from, found by the labels that identify a target.
 */
#ifndef MIMIR_PROMQL_FUNCTIONS_INFO_TABLE_H
#define MIMIR_PROMQL_FUNCTIONS_INFO_TABLE_H

#include "promql/exec/label_map.h"
#include "promql/exec/operator.h"

#define PROMQL_INFO_IDENTIFYING 2
/* The labels that identify a target: instance and job. */
extern const StrView promql_info_identifying[PROMQL_INFO_IDENTIFYING];

/* The info series of one name and target; at each step the one with the newest sample counts. */
typedef struct PromqlInfoGroup
{
	int32_t *pick; /* number of the series, -1: none */
	double *time;  /* of its sample, seconds */
} PromqlInfoGroup;

/* The groups of one target. */
typedef struct PromqlInfoTarget
{
	int *groups;
	int n;
} PromqlInfoTarget;

typedef struct PromqlInfoTable
{
	MemScope *mem;
	int nsteps;
	PromqlLabelMap targets_by_labels; /* identifying labels */
	PromqlInfoTarget *targets;
	int targets_cap;
	PromqlLabelMap groups_by_labels; /* the same and the name */
	PromqlInfoGroup *groups;
	int groups_cap;
	Labels *series;
	int nseries;
	int series_cap;
} PromqlInfoTable;

/*
 * promql_info_table_load -- read what sel selects over the steps of op.  Errors: a histogram, and two
 * series of one group whose newest samples are of one time.
 */
extern bool promql_info_table_load(PromqlInfoTable *t, PromqlOp *op, const PromqlSelectorPlan *sel,
								   Err *err);
/* promql_info_table_target -- of the series with these labels; NULL: nothing is known of it. */
extern const PromqlInfoTarget *promql_info_table_target(const PromqlInfoTable *t, Labels labels);

#endif
