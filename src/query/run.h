/*
 * run.h
 *    Running a PromQL query for a set of tenants.
 */
#ifndef MIMIR_QUERY_RUN_H
#define MIMIR_QUERY_RUN_H

#include "postgres.h"

#include "promql/promql.h"
#include "query/source.h"
#include "tenancy/tenant.h"

typedef struct QueryRun QueryRun;

extern PromqlFlags query_flags(void); /* from the settings mimir.promql_* */

/* query_default_params -- look-back, limits and flags of the settings and the tenants. */
extern PromqlParams query_default_params(const TenantSet *tenants);

/*
 * query_plan -- parse and plan only; NULL with err on failure.  Memory: CurrentMemoryContext, the
 * copy of the text that the plan refers to included.
 */
extern PromqlPlan *query_plan(const char *query, const PromqlParams *params, Err *err);

/*
 * query_run_begin -- parse, plan and start; NULL with err on failure.  Needs a transaction with an
 * active snapshot.  Memory: a child of CurrentMemoryContext, freed by query_run_end or with it.
 */
extern QueryRun *query_run_begin(const TenantSet *tenants, const char *query,
								 const PromqlParams *params, Err *err);
/* query_run_begin_parts -- of the query's only selector, the series of parts as they are claimed. */
extern QueryRun *query_run_begin_parts(const TenantSet *tenants, const char *query,
									   const PromqlParams *params, const QueryParts *parts,
									   Err *err);

/* query_run_next -- 1, 0, -1; the message of an error is of the caller's context. */
extern int query_run_next(QueryRun *run, PromqlSeries *out, Err *err);
extern PromqlType query_run_type(QueryRun *run);
extern const char *query_run_string(QueryRun *run);
extern int query_run_annotations(QueryRun *run, const PromqlAnnotation **out);
extern PromqlStats query_run_stats(QueryRun *run);
extern void query_run_end(QueryRun *run);

/* query_need_store -- ereports unless the store can be read. */
extern void query_need_store(void);
/* query_run_need_samples -- ereports if the result is a string: SQL rows hold samples. */
extern void query_run_need_samples(QueryRun *run);
/*
 * query_run_close -- lets go what the run reads before its end, so that its statistics are
 * complete; only query_run_end and looking at them may follow.
 */
extern void query_run_close(QueryRun *run);

/* The pieces, for the CustomScan tree. */
extern PromqlExec *query_run_exec(QueryRun *run);
extern PromqlPlan *query_run_plan(QueryRun *run);

#endif
