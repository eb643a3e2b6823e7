/*
 * run.c
 *    Running a PromQL query: settings to parameters, parse, plan, execute.
 */
#include "postgres.h"

#include "query/run.h"

#include "pg/guc.h"
#include "query/source.h"
#include "store/serving.h"

#include "utils/memutils.h"

#define SUBQUERY_STEP_MS 60000 /* Prometheus' global evaluation interval */

struct QueryRun
{
	MemoryContext context;
	PromqlPlan *plan;
	PromqlExec *exec;
};

PromqlFlags
query_flags(void)
{
	return (PromqlFlags){
		.experimental_functions = mimir_promql_experimental,
		.extended_range = mimir_promql_experimental,
		.binop_fill = mimir_promql_experimental,
		.delayed_name_removal = mimir_promql_delayed_name_removal,
		.start_timestamps = mimir_promql_start_timestamps,
	};
}

/* The smaller of two limits of which 0 means none. */
static int64
stricter(int64 a, int64 b)
{
	if (a <= 0 || b <= 0)
		return Max(a, b);
	return Min(a, b);
}

PromqlParams
query_default_params(const TenantSet *tenants)
{
	PromqlParams p = {
		.lookback_ms = (int64) mimir_query_lookback_delta * 1000,
		.default_subquery_step_ms = SUBQUERY_STEP_MS,
		.max_samples = mimir_query_max_samples,
		.max_memory = (Size) mimir_query_max_memory * 1024,
		.flags = query_flags(),
	};

	for (int i = 0; i < tenants->n; i++)
	{
		p.max_samples = stricter(p.max_samples, tenants->tenants[i]->limits.max_query_samples);
		p.max_memory = stricter(p.max_memory, tenants->tenants[i]->limits.max_query_memory_bytes);
	}
	return p;
}

PromqlPlan *
query_plan(const char *query, const PromqlParams *params, Err *err)
{
	PromqlParams own = *params;
	PromqlExpr *expr;

	own.query = strview_cstr(pstrdup(query));
	expr = promql_parse(own.query.s, own.query.len, &own.flags, err);
	return expr != NULL ? promql_plan(expr, &own, err) : NULL;
}

QueryRun *
query_run_begin(const TenantSet *tenants, const char *query, const PromqlParams *params, Err *err)
{
	return query_run_begin_parts(tenants, query, params, NULL, err);
}

QueryRun *
query_run_begin_parts(const TenantSet *tenants, const char *query, const PromqlParams *params,
					  const QueryParts *parts, Err *err)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir query", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	QueryRun *run = palloc0(sizeof(QueryRun));
	Err inner = ERR_INIT;

	run->context = context;
	run->plan = query_plan(query, params, &inner);
	if (run->plan != NULL)
		run->exec =
			promql_exec_create(run->plan, query_source_create_parts(tenants, parts), &inner);
	MemoryContextSwitchTo(old);
	if (run->exec == NULL)
	{
		err_set(err, inner.code, inner.pos, "%s", inner.msg);
		MemoryContextDelete(context);
		return NULL;
	}
	return run;
}

int
query_run_next(QueryRun *run, PromqlSeries *out, Err *err)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);
	int got = promql_exec_next(run->exec, out, err);

	MemoryContextSwitchTo(old);
	if (got < 0)
		err->msg = pstrdup(err->msg); /* it is told after query_run_end */
	return got;
}

PromqlType
query_run_type(QueryRun *run)
{
	return promql_exec_type(run->exec);
}

const char *
query_run_string(QueryRun *run)
{
	return promql_exec_string(run->exec);
}

int
query_run_annotations(QueryRun *run, const PromqlAnnotation **out)
{
	return promql_exec_annotations(run->exec, out);
}

PromqlStats
query_run_stats(QueryRun *run)
{
	return promql_exec_stats(run->exec);
}

PromqlExec *
query_run_exec(QueryRun *run)
{
	return run->exec;
}

PromqlPlan *
query_run_plan(QueryRun *run)
{
	return run->plan;
}

void
query_need_store(void)
{
	store_need();
}

void
query_run_need_samples(QueryRun *run)
{
	if (query_run_type(run) == PROMQL_STRING)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("PromQL query returns a string, not samples")));
}

void
query_run_close(QueryRun *run)
{
	promql_exec_close(run->exec);
}

void
query_run_end(QueryRun *run)
{
	MemoryContextDelete(run->context);
}
