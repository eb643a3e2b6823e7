/*
 * shared.c
 *    Reading a selector's series, once for all selectors of a query that want the same.
 *
 * Readers of a shared set each walk the series in order, at their own pace.  The one in front reads
 * from the source and leaves a copy of the samples; those behind take the copies; the last to
 * take one frees it.  Two readers side by side, as in `x / x`, hold one series; one that is read
 * to its end before the other begins holds all, so copies have a budget.  Beyond it, and for
 * series with histograms, no copies are left, and a reader that misses one selects for itself.
 *
 * The source's set belongs to the shared state and is closed with its last reader.
 */
#include "promql/exec/shared.h"

#include "promql/exec/exec.h"

#define COPY_BUDGET (64 * 1024 * 1024) /* bytes */

/* A copy of the samples of one series. */
typedef struct Copy
{
	void *block; /* t, v and st; NULL: not kept, or taken by all */
	PromqlSamples samples;
	int left; /* readers that have not taken it */
} Copy;

struct PromqlShared
{
	PromqlSeriesSet *base;
	int nreaders; /* selectors of the plan that share */
	int open;	  /* of these, open now */
	int front;	  /* series read from base so far */
	Copy *copies;
	size_t bytes; /* of the copies held */
	MemScope *mem;
};

typedef struct Reader
{
	PromqlSeriesSet set;
	PromqlShared *shared;
	PromqlOp *op;
	const PromqlSelectorPlan *sel;
	PromqlSeriesSet *own; /* a selection for itself, after it missed a copy */
	void *taken;		  /* block to free with the next call */
} Reader;

static PromqlSeriesSet *
select_from_source(PromqlOp *op, const PromqlSelectorPlan *sel, Err *err)
{
	PromqlSelect request = {
		.matchers = sel->matchers,
		.nmatchers = sel->nmatchers,
		.mint = sel->mint,
		.maxt = sel->maxt,
		.step_ms = op->grid->nsteps > 1 ? op->grid->step_ms : 0,
		.range_ms = sel->range_ms,
		.func = sel->func,
	};

	return op->exec->source->select(op->exec->source, &request, err);
}

/* keep -- leave a copy of series i for the readers behind, if the budget allows. */
static void
keep(PromqlShared *sh, int i, const PromqlSamples *s)
{
	size_t n = (size_t) s->n;
	size_t bytes = n * (s->st != NULL ? 24 : 16);
	Copy *copy = &sh->copies[i];
	MemScope *old;
	char *p;

	if (s->h != NULL || sh->bytes + bytes > COPY_BUDGET)
		return;
	old = mem_scope_switch(sh->mem);
	p = copy->block = mem_alloc(bytes + 1);
	mem_scope_switch(old);
	sh->bytes += bytes;
	copy->left = sh->nreaders - 1;
	copy->samples = (PromqlSamples){.n = s->n, .t = (int64_t *) p, .v = (double *) (p + n * 8)};
	if (n > 0)
	{
		memcpy(p, s->t, n * 8);
		memcpy(p + n * 8, s->v, n * 8);
	}
	if (s->st != NULL)
	{
		copy->samples.st = (int64_t *) (p + n * 16);
		memcpy(p + n * 16, s->st, n * 8);
	}
}

/* charge -- what a read from the source cost is shown under the reader that made it. */
static void
charge(PromqlSeriesSet *set, const PromqlSeriesSet *now, const PromqlSeriesSet *before)
{
	set->chunks_read += now->chunks_read - before->chunks_read;
	set->chunks_head += now->chunks_head - before->chunks_head;
	set->samples_read += now->samples_read - before->samples_read;
	set->blocks_read += now->blocks_read - before->blocks_read;
	set->blocks_pruned += now->blocks_pruned - before->blocks_pruned;
}

static Labels
reader_labels(PromqlSeriesSet *set, int i)
{
	PromqlSeriesSet *base = ((Reader *) set)->shared->base;

	return base->labels(base, i);
}

/* take -- the copy of series i; false if there is none. */
static bool
take(Reader *r, int i, PromqlSamples *out)
{
	PromqlShared *sh = r->shared;
	Copy *copy = &sh->copies[i];

	if (copy->block == NULL)
		return false;
	*out = copy->samples;
	if (--copy->left == 0)
	{
		r->taken = copy->block;
		copy->block = NULL;
		sh->bytes -= (size_t) out->n * (out->st != NULL ? 24 : 16);
	}
	return true;
}

static bool
reader_samples(PromqlSeriesSet *set, int i, PromqlSamples *out, Err *err)
{
	Reader *r = (Reader *) set;
	PromqlShared *sh = r->shared;

	mem_free(r->taken);
	r->taken = NULL;
	if (r->own == NULL && i >= sh->front)
	{
		PromqlSeriesSet before = *sh->base;

		if (!sh->base->samples(sh->base, i, out, err))
			return false;
		charge(set, sh->base, &before);
		sh->front = i + 1;
		keep(sh, i, out);
		return true;
	}
	if (take(r, i, out))
		return true;
	if (r->own == NULL)
	{
		MemScope *old = mem_scope_switch(sh->mem);

		r->own = select_from_source(r->op, r->sel, err);
		mem_scope_switch(old);
	}
	return r->own != NULL && r->own->samples(r->own, i, out, err);
}

/* reader_close -- the source's set goes with its last reader. */
static void
reader_close(PromqlSeriesSet *set)
{
	Reader *r = (Reader *) set;
	PromqlShared *sh = r->shared;

	if (r->own != NULL)
		r->own->close(r->own);
	if (--sh->open == 0)
	{
		sh->base->close(sh->base);
		sh->base = NULL;
	}
}

static int
count_users(const PromqlPlan *plan, int share)
{
	int n = 0;

	for (int i = 0; i < plan->nnodes; i++)
	{
		const PromqlPlanNode *node = plan->nodes[i];

		n += (node->kind == PROMQL_PLAN_SELECT || node->kind == PROMQL_PLAN_RANGE_SELECT) &&
			 node->select.share == share;
	}
	return n;
}

/* find_or_make -- the shared state of sel's share number, its set selected. */
static PromqlShared *
find_or_make(PromqlOp *op, const PromqlSelectorPlan *sel, Err *err)
{
	PromqlExec *ex = op->exec;
	PromqlShared **slot = &ex->shared[sel->share - 1];
	MemScope *old = mem_scope_switch(ex->scope);
	PromqlShared *sh = *slot;

	if (sh == NULL || sh->base == NULL)
	{
		sh = mem_alloc0(sizeof(*sh));
		sh->mem = ex->scope;
		sh->nreaders = count_users(ex->plan, sel->share);
		sh->base = select_from_source(op, sel, err);
		if (sh->base != NULL)
			sh->copies = mem_alloc0(sizeof(Copy) * ((size_t) sh->base->nseries + 1));
		*slot = sh;
	}
	mem_scope_switch(old);
	return sh->base != NULL ? sh : NULL;
}

PromqlSeriesSet *
promql_select_open(PromqlOp *op, const PromqlSelectorPlan *sel, Err *err)
{
	PromqlShared *sh;
	Reader *r;

	if (sel->share == 0)
		return select_from_source(op, sel, err);
	sh = find_or_make(op, sel, err);
	if (sh == NULL)
		return NULL;
	sh->open++;
	r = mem_alloc0(sizeof(*r));
	r->set.nseries = sh->base->nseries;
	r->set.labels = reader_labels;
	r->set.samples = reader_samples;
	r->set.close = reader_close;
	r->shared = sh;
	r->op = op;
	r->sel = sel;
	return &r->set;
}
