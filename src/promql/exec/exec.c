/*
 * exec.c
 *    The life of one execution: create, next, annotations and statistics; its limits.
 *
 * Operators are opened by the first next, so that a tracer set after create sees all work.
 * A failed execution closes its operators at once: what the source holds open for the query is
 * let go even if the caller only drops the memory afterwards.
 */
#include "promql/exec/exec.h"

#include "promql/exec/build.h"
#include "promql/exec/result.h"

/* How many steps of series go by before memory is measured again. */
#define MEMORY_INTERVAL (256 * 1024)

PromqlExec *
promql_exec_create(PromqlPlan *plan, PromqlSource *source, Err *err)
{
	MemScope *scope = mem_scope_create("promql query");
	MemScope *old = mem_scope_switch(scope);
	PromqlExec *ex = mem_alloc0(sizeof(*ex));
	bool ok = true;

	ex->plan = plan;
	ex->params = &plan->params;
	ex->source = source;
	ex->scope = scope;
	ex->memory_countdown = MEMORY_INTERVAL;
	ex->ops = mem_alloc0(sizeof(*ex->ops) * plan->nnodes);
	ex->shared = mem_alloc0(sizeof(*ex->shared) * (plan->nshared + 1));
	if (plan->root->type != PROMQL_STRING)
	{
		ex->root = promql_build(ex, plan->root, err);
		ok = ex->root != NULL;
		if (ok)
			ex->result = promql_result_create(ex);
	}
	mem_scope_switch(old);
	return ok ? ex : NULL;
}

PromqlType
promql_exec_type(const PromqlExec *ex)
{
	return ex->params->instant ? ex->plan->root->type : PROMQL_MATRIX;
}

int
promql_exec_next(PromqlExec *ex, PromqlSeries *out, Err *err)
{
	int rc = -1;

	if (ex->root == NULL || ex->done)
		return 0;
	if (ex->opened || promql_op_open(ex->root, err))
	{
		ex->opened = true;
		rc = promql_result_next(ex->result, out, err);
	}
	if (rc <= 0)
		promql_exec_close(ex);
	return rc;
}

void
promql_exec_close(PromqlExec *ex)
{
	if (ex->root != NULL && !ex->done)
		promql_op_close(ex->root);
	ex->done = true;
}

const char *
promql_exec_string(PromqlExec *ex)
{
	const PromqlPlanNode *root = ex->plan->root;

	if (root->type != PROMQL_STRING)
		return NULL;
	return mem_strndup(root->string.s, root->string.len);
}

int
promql_exec_annotations(PromqlExec *ex, const PromqlAnnotation **out)
{
	*out = ex->annotations.items;
	return ex->annotations.n;
}

PromqlStats
promql_exec_stats(const PromqlExec *ex)
{
	return (PromqlStats){ex->samples_read, ex->peak_samples};
}

/* promql_exec_node_stats -- memory is known once the operator is closed. */
PromqlNodeStats
promql_exec_node_stats(const PromqlExec *ex, int node)
{
	return ex->ops[node] != NULL ? ex->ops[node]->stats : (PromqlNodeStats){0};
}

void
promql_exec_set_tracer(PromqlExec *ex, const PromqlTracer *tracer)
{
	ex->tracer = tracer != NULL ? *tracer : (PromqlTracer){0};
}

/* --- limits ------------------------------------------------------------------------------------- */

bool
promql_exec_hold(PromqlExec *ex, int64_t n, Err *err)
{
	ex->held_samples += n;
	if (ex->held_samples > ex->peak_samples)
		ex->peak_samples = ex->held_samples;
	if (ex->params->max_samples > 0 && ex->held_samples > ex->params->max_samples)
		return err_set(err, ERR_TOO_MANY_SAMPLES, -1,
					   "query processing would load too many samples into memory in query "
					   "execution");
	return true;
}

/* promql_histogram_weight -- in float samples, as Prometheus counts (reference 2.18). */
int64_t
promql_histogram_weight(const Histogram *h)
{
	int64_t size =
		168 + 8 * ((int64_t) h->n_pos_spans + h->n_neg_spans + h->n_pos + h->n_neg + h->n_custom);

	return (size + 8) / 16;
}

bool
promql_exec_check_memory(PromqlExec *ex, Err *err)
{
	ex->memory_countdown = MEMORY_INTERVAL;
	if (ex->params->max_memory > 0 && mem_scope_bytes(ex->scope) > ex->params->max_memory)
		return err_set(err, ERR_TOO_MUCH_MEMORY, -1, "query needs more than %zu bytes of memory",
					   ex->params->max_memory);
	return true;
}
