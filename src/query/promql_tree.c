/*
 * promql_tree.c
 *    The operators of a PromQL query as plan nodes that EXPLAIN shows.
 *
 * The operators run inside the scan; here each has a CustomScan with a state that is never executed
 * but carries its properties, its instrumentation and its counters.  The nodes are made when the
 * query starts and not when it is planned, because a cached plan knows neither the times nor, with
 * a parameter, the text, and the tree depends on both.
 */
#include "postgres.h"

#include "query/promql_tree.h"

#include "query/promql_guess.h"

#include "commands/explain.h"
#include "executor/executor.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/memutils.h"

typedef struct TreeNode
{
	CustomScanState css; /* first */
	const PromqlProperty *properties;
	bool times_known;
	bool is_scan; /* reads series from the store */
	PromqlNodeStats stats;
} TreeNode;

struct PromqlTree
{
	int nnodes;
	TreeNode **nodes; /* by number */
	bool traced;	  /* the run under way is counted */
};

static void
node_begin(CustomScanState *css, EState *estate, int eflags)
{
}

static TupleTableSlot *
node_exec(CustomScanState *css)
{
	elog(ERROR, "PromQL operator executed as a plan node");
	return NULL;
}

static void
node_end(CustomScanState *css)
{
	ListCell *lc;

	foreach (lc, css->custom_ps)
		ExecEndNode(lfirst(lc));
}

static void
node_rescan(CustomScanState *css)
{
}

static void
show_stats(const TreeNode *node, ExplainState *es)
{
	const PromqlNodeStats *st = &node->stats;

	if (node->is_scan)
	{
		ExplainPropertyInteger("Series Matched", NULL, st->series_in, es);
		ExplainPropertyInteger("Samples Read", NULL, st->samples, es);
		ExplainPropertyInteger("Chunks Read", NULL, st->chunks, es);
		ExplainPropertyInteger("Chunks from Head", NULL, st->chunks_head, es);
		ExplainPropertyInteger("Blocks Read", NULL, st->blocks, es);
		ExplainPropertyInteger("Blocks Removed by Time", NULL, st->blocks_pruned, es);
	}
	if (es->verbose)
		ExplainPropertyInteger("Memory", "kB", (int64) (st->memory_bytes + 1023) / 1024, es);
}

static void
node_explain(CustomScanState *css, List *ancestors, ExplainState *es)
{
	TreeNode *node = (TreeNode *) css;

	for (const PromqlProperty *p = node->properties; p->name != NULL; p++)
		if (node->times_known || (strcmp(p->name, "From") != 0 && strcmp(p->name, "To") != 0))
			ExplainPropertyText(p->name, p->value, es);
	if (es->analyze)
		show_stats(node, es);
}

static const CustomExecMethods node_exec_methods = {
	.CustomName = "PromQL Operator",
	.BeginCustomScan = node_begin,
	.ExecCustomScan = node_exec,
	.EndCustomScan = node_end,
	.ReScanCustomScan = node_rescan,
	.ExplainCustomScan = node_explain,
};

static Node *
create_state(CustomScan *plan)
{
	TreeNode *node = (TreeNode *) newNode(sizeof(TreeNode), T_CustomScanState);

	node->css.methods = &node_exec_methods;
	return (Node *) node;
}

/* The methods of a kind of operator: EXPLAIN takes the name of a node from them. */
static const CustomScanMethods *
methods_of(const char *name)
{
	static List *known = NIL;
	ListCell *lc;
	CustomScanMethods *m;
	MemoryContext old;

	foreach (lc, known)
	{
		m = lfirst(lc);
		if (strcmp(m->CustomName, name) == 0)
			return m;
	}
	old = MemoryContextSwitchTo(TopMemoryContext);
	m = palloc(sizeof(CustomScanMethods));
	*m = (CustomScanMethods){name, create_state};
	known = lappend(known, m);
	MemoryContextSwitchTo(old);
	return m;
}

static TreeNode *
create_node(EState *estate, PromqlTree *tree, const PromqlPlan *plan, int number, bool times_known)
{
	CustomScan *scan = makeNode(CustomScan);
	TreeNode *node;

	scan->methods = methods_of(promql_plan_node_name(plan, number));
	node = (TreeNode *) ExecInitNode(&scan->scan.plan, estate, 0);
	promql_plan_properties(plan, number, &node->properties);
	node->times_known = times_known;
	node->is_scan = strstr(scan->methods->CustomName, "Scan") != NULL;
	tree->nodes[number] = node;
	for (int i = 0; i < promql_plan_nchildren(plan, number); i++)
		node->css.custom_ps = lappend(
			node->css.custom_ps,
			create_node(estate, tree, plan, promql_plan_child(plan, number, i), times_known));
	return node;
}

PromqlTree *
promql_tree_create(EState *estate, const PromqlPlan *plan, bool times_known)
{
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	PromqlTree *tree = palloc0(sizeof(PromqlTree));

	tree->nnodes = promql_plan_nnodes(plan);
	tree->nodes = palloc0(sizeof(TreeNode *) * tree->nnodes);
	create_node(estate, tree, plan, 0, times_known);
	MemoryContextSwitchTo(old);
	return tree;
}

PlanState *
promql_tree_root(PromqlTree *tree)
{
	return &tree->nodes[0]->css.ss.ps;
}

void
promql_tree_guess(PromqlTree *tree, const PromqlPlan *plan)
{
	for (int i = 0; i < tree->nnodes; i++)
	{
		const PromqlEstimate *guess = promql_plan_node_guess(plan, i);
		Plan *node = tree->nodes[i]->css.ss.ps.plan;
		Cost run;

		promql_guess_cost(guess, &node->startup_cost, &run);
		node->total_cost = node->startup_cost + run;
		node->plan_rows = clamp_row_est(guess->rows);
	}
}

int
promql_tree_nnodes(const PromqlTree *tree)
{
	return tree->nnodes;
}

/* --- counting ------------------------------------------------------------------------------- */

static void
enter_node(void *arg, int number)
{
	InstrStartNode(((PromqlTree *) arg)->nodes[number]->css.ss.ps.instrument);
}

static void
leave_node(void *arg, int number, int nseries)
{
	InstrStopNode(((PromqlTree *) arg)->nodes[number]->css.ss.ps.instrument, nseries);
}

static bool
same_shape(const PromqlTree *tree, const PromqlPlan *plan)
{
	if (promql_plan_nnodes(plan) != tree->nnodes)
		return false;
	for (int i = 0; i < tree->nnodes; i++)
	{
		CustomScan *scan = (CustomScan *) tree->nodes[i]->css.ss.ps.plan;

		if (strcmp(scan->methods->CustomName, promql_plan_node_name(plan, i)) != 0 ||
			list_length(tree->nodes[i]->css.custom_ps) != promql_plan_nchildren(plan, i))
			return false;
	}
	return true;
}

void
promql_tree_trace(PromqlTree *tree, const PromqlPlan *plan, PromqlExec *exec)
{
	PromqlTracer tracer = {enter_node, leave_node, tree};

	tree->traced = same_shape(tree, plan);
	if (tree->traced)
		promql_exec_set_tracer(exec, &tracer);
}

static void
add_stats(PromqlNodeStats *sum, const PromqlNodeStats *st)
{
	sum->series_in += st->series_in;
	sum->series_out += st->series_out;
	sum->samples += st->samples;
	sum->chunks += st->chunks;
	sum->chunks_head += st->chunks_head;
	sum->blocks += st->blocks;
	sum->blocks_pruned += st->blocks_pruned;
	sum->memory_bytes = Max(sum->memory_bytes, st->memory_bytes);
}

void
promql_tree_collect(PromqlTree *tree, const PromqlExec *exec)
{
	for (int i = 0; tree->traced && i < tree->nnodes; i++)
	{
		PromqlNodeStats st = promql_exec_node_stats(exec, i);

		add_stats(&tree->nodes[i]->stats, &st);
	}
	tree->traced = false;
}

void
promql_tree_end_loop(PromqlTree *tree)
{
	for (int i = 0; i < tree->nnodes; i++)
		InstrEndLoop(tree->nodes[i]->css.ss.ps.instrument);
}

void
promql_tree_get(PromqlTree *tree, PromqlTreeFigures *out)
{
	promql_tree_end_loop(tree);
	for (int i = 0; i < tree->nnodes; i++)
	{
		out[i].instrument = *tree->nodes[i]->css.ss.ps.instrument;
		out[i].stats = tree->nodes[i]->stats;
	}
}

/* The other process' loops count beside ours, as with the server's own nodes. */
void
promql_tree_add(PromqlTree *tree, const PromqlTreeFigures *figures)
{
	promql_tree_end_loop(tree);
	for (int i = 0; i < tree->nnodes; i++)
	{
		Instrumentation other = figures[i].instrument;

		InstrAggNode(tree->nodes[i]->css.ss.ps.instrument, &other);
		add_stats(&tree->nodes[i]->stats, &figures[i].stats);
	}
}
