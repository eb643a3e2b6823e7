/*
 * aggregate.c
 *    Groups of the aggregation operators.
 *
 * The key of a series is made and hashed once, whatever the number of steps.
 */
#include "promql/exec/aggregate.h"

void
promql_groups_init(PromqlGroups *g, PromqlOp *op)
{
	const PromqlAggregatePlan *plan = &op->plan->aggregate;

	*g = (PromqlGroups){0};
	promql_grouping_init(&g->grouping, plan->grouping, plan->ngrouping, !plan->without, op->mem);
	promql_label_map_init(&g->map, op->mem);
}

int
promql_groups_add(PromqlGroups *g, PromqlOp *op, const PromqlOpSeries *s, size_t state_size)
{
	bool is_new;
	int id = promql_label_map_add(&g->map, promql_grouping_key(&g->grouping, s->labels), &is_new);

	if (is_new)
	{
		MemScope *old = mem_scope_switch(op->mem);

		if (id >= g->cap)
		{
			g->cap = g->map.cap;
			g->drop_name = mem_realloc(g->drop_name, sizeof(*g->drop_name) * g->cap);
			g->state = mem_realloc(g->state, sizeof(*g->state) * g->cap);
		}
		g->drop_name[id] = false;
		g->state[id] = mem_alloc0(state_size);
		mem_scope_switch(old);
	}
	g->drop_name[id] |= s->drop_name;
	return id;
}

bool
promql_aggregate_param(PromqlOp *op, const double **values, Err *err)
{
	const PromqlAggregatePlan *plan = &op->plan->aggregate;
	int n = op->grid->nsteps;
	double *v;

	if (plan->param_child >= 0)
		return promql_op_read_scalar(op->children[plan->param_child], values, err);
	v = mem_alloc(sizeof(double) * (n + 1));
	for (int i = 0; i < n; i++)
		v[i] = plan->param;
	*values = v;
	return true;
}

void
promql_histogram_ignored(PromqlOp *op)
{
	const PromqlAggregatePlan *plan = &op->plan->aggregate;
	bool ranks = plan->op == PROMQL_AGGR_TOPK || plan->op == PROMQL_AGGR_BOTTOMK;

	promql_info(op->exec, ranks ? op->plan->pos : plan->expr_pos,
				"ignored histogram in %s aggregation", promql_aggregator_text(plan->op));
}
