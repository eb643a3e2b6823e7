/*
 * result.c
 *    The top of a query: final names, duplicates, order, points.
 *
 * An instant vector keeps the root's order and streams; if equal labels cannot be ruled out by
 * the plan, the label sets seen are remembered.  A range query's series are sorted by label set,
 * so they are collected first (points only, not empty steps), unless the root yields them in
 * that order; series that are equal after sorting are joined.  Matrix results of instant queries
 * are sorted too.  A caller who needs no order gets them as they come where none can be equal.
 */
#include "promql/exec/result.h"

#include "promql/exec/exec.h"
#include "promql/exec/extended_points.h"
#include "promql/exec/label_map.h"

#include <stdlib.h>

typedef struct Collected
{
	Labels labels;
	int n;
	int64_t *t;
	double *v;
	Histogram **h; /* NULL: floats only */
	int order;	   /* of appearance: makes the sort stable */
} Collected;

struct PromqlResult
{
	PromqlExec *ex;
	bool is_matrix; /* the root yields windows */
	bool collect;
	bool check; /* streaming, and equal labels are possible */
	bool started;
	PromqlLabelMap seen;
	Collected *items;
	int nitems;
	int cap;
	int at;
	Collected out; /* arrays of the streamed series, one entry for each step */
};

PromqlResult *
promql_result_create(PromqlExec *ex)
{
	const PromqlPlanNode *root = ex->plan->root;
	bool may_drop = ex->params->flags.delayed_name_removal && root->kind != PROMQL_PLAN_SELECT;
	PromqlResult *r = mem_alloc0(sizeof(*r));

	r->ex = ex;
	r->is_matrix = root->type == PROMQL_MATRIX;
	r->collect = !(root->sorted && root->labels_unique && !may_drop) &&
				 !(ex->params->any_order && ex->plan->series_wise) &&
				 (r->is_matrix || !ex->params->instant);
	r->check = !root->names_unique && (may_drop || !root->labels_unique);
	promql_label_map_init(&r->seen, ex->scope);
	if (!r->collect && !r->is_matrix)
	{
		int n = root->grid->nsteps;

		r->out.t = mem_alloc(sizeof(int64_t) * (n + 1));
		r->out.v = mem_alloc(sizeof(double) * (n + 1));
	}
	return r;
}

static bool
duplicate(Err *err)
{
	return err_set(err, ERR_EXECUTION, -1, "vector cannot contain metrics with the same labelset");
}

/* --- points ----------------------------------------------------------------------------------- */

/* pack_vector -- the steps that have a value, into c's arrays. */
static void
pack_vector(Collected *c, const PromqlVector *vec, const PromqlGrid *grid)
{
	c->n = 0;
	for (int i = 0; i < grid->nsteps; i++)
	{
		if (vec->kind[i] == PROMQL_ABSENT)
			continue;
		c->t[c->n] = grid->ts[i];
		if (c->h != NULL)
			c->h[c->n] = vec->kind[i] == PROMQL_HISTOGRAM ? vec->h[i] : NULL;
		c->v[c->n] = vec->kind[i] == PROMQL_FLOAT ? vec->v[i] : 0;
		c->n++;
	}
}

static void
make_arrays(Collected *c, int n, bool histograms)
{
	c->t = mem_alloc(sizeof(int64_t) * (n + 1));
	c->v = mem_alloc(sizeof(double) * (n + 1));
	c->h = histograms ? mem_alloc(sizeof(Histogram *) * (n + 1)) : NULL;
}

/* --- collecting ------------------------------------------------------------------------------- */

/* collect_one -- keep a series of the root; labels are final already. */
static bool
collect_one(PromqlResult *r, const PromqlOpSeries *s, Err *err)
{
	PromqlExec *ex = r->ex;
	Collected *c;
	int64_t weight;

	if (r->nitems == r->cap)
	{
		r->cap = r->cap == 0 ? 64 : r->cap * 2;
		r->items = mem_realloc(r->items, sizeof(*r->items) * r->cap);
	}
	c = &r->items[r->nitems];
	*c = (Collected){.labels = labels_copy(s->labels), .order = r->nitems};
	if (r->is_matrix)
	{
		PromqlSamples points;

		if (!promql_window_points(s->win, &points, err))
			return false;
		make_arrays(c, points.n, points.h != NULL);
		c->n = points.n;
		memcpy(c->t, points.t, sizeof(int64_t) * points.n);
		memcpy(c->v, points.v, sizeof(double) * points.n);
		if (c->h != NULL)
			memcpy(c->h, points.h, sizeof(Histogram *) * points.n);
	}
	else
	{
		make_arrays(c, promql_vector_count(&s->vec, ex->plan->root->grid->nsteps),
					s->vec.h != NULL);
		pack_vector(c, &s->vec, ex->plan->root->grid);
	}
	weight = c->n;
	if (c->h != NULL)
		for (int i = 0; i < c->n; i++)
			if (c->h[i] != NULL)
			{
				c->h[i] = histogram_copy(c->h[i]);
				weight += promql_histogram_weight(c->h[i]) - 1;
			}
	r->nitems++;
	return promql_exec_hold(ex, weight, err);
}

static int
collected_cmp(const void *pa, const void *pb)
{
	const Collected *a = pa, *b = pb;
	int c = labels_cmp(a->labels, b->labels);

	return c != 0 ? c : a->order - b->order;
}

/* join -- the points of a and b by time into *a; false if they share one. */
static bool
join(Collected *a, const Collected *b, Err *err)
{
	Collected c = *a;
	int i = 0, j = 0;

	make_arrays(&c, a->n + b->n, a->h != NULL || b->h != NULL);
	c.n = 0;
	while (i < a->n || j < b->n)
	{
		bool left = j == b->n || (i < a->n && a->t[i] < b->t[j]);
		const Collected *from = left ? a : b;
		int k = left ? i++ : j++;

		if (c.n > 0 && c.t[c.n - 1] == from->t[k])
			return duplicate(err);
		c.t[c.n] = from->t[k];
		c.v[c.n] = from->v[k];
		if (c.h != NULL)
			c.h[c.n] = from->h != NULL ? from->h[k] : NULL;
		c.n++;
	}
	*a = c;
	return true;
}

/* collect -- read the root to its end, sort, join what is equal. */
static bool
collect(PromqlResult *r, Err *err)
{
	PromqlOpSeries s;
	int rc, n = 0;

	while ((rc = promql_op_next(r->ex->root, &s, err)) > 0)
	{
		if (s.drop_name)
			s.labels = promql_drop_name(s.labels);
		if (!collect_one(r, &s, err))
			return false;
	}
	if (rc < 0)
		return false;
	if (r->nitems > 1)
		qsort(r->items, r->nitems, sizeof(*r->items), collected_cmp);
	for (int i = 0; i < r->nitems; i++)
	{
		if (n > 0 && labels_equal(r->items[n - 1].labels, r->items[i].labels))
		{
			if (!join(&r->items[n - 1], &r->items[i], err))
				return false;
			continue;
		}
		r->items[n++] = r->items[i];
	}
	r->nitems = n;
	return true;
}

static int
collected_next(PromqlResult *r, PromqlSeries *out, Err *err)
{
	const Collected *c;

	if (!r->started)
	{
		MemScope *old = mem_scope_switch(r->ex->scope);
		bool ok;

		r->started = true;
		ok = collect(r, err);
		mem_scope_switch(old);
		if (!ok)
			return -1;
	}
	if (r->at == r->nitems)
		return 0;
	c = &r->items[r->at++];
	*out = (PromqlSeries){c->labels, c->n, c->t, c->v, c->h};
	return 1;
}

/* --- streaming -------------------------------------------------------------------------------- */

static int
streamed_next(PromqlResult *r, PromqlSeries *out, Err *err)
{
	const PromqlGrid *grid = r->ex->plan->root->grid;
	Collected *c = &r->out;
	PromqlOpSeries s;
	int rc = promql_op_next(r->ex->root, &s, err);

	if (rc <= 0)
		return rc;
	if (s.drop_name)
	{
		MemScope *old = mem_scope_switch(r->ex->root->series_mem);

		s.labels = promql_drop_name(s.labels);
		mem_scope_switch(old);
	}
	if (r->check)
	{
		bool is_new;

		promql_label_map_add(&r->seen, s.labels, &is_new);
		if (!is_new)
		{
			duplicate(err);
			promql_blame_inputs(&r->ex->root, 1, err);
			return -1;
		}
	}
	if (r->is_matrix)
	{
		MemScope *old = mem_scope_switch(r->ex->root->series_mem);
		PromqlSamples points;
		bool ok = promql_window_points(s.win, &points, err);

		mem_scope_switch(old);
		*out = (PromqlSeries){s.labels, points.n, points.t, points.v, points.h};
		return ok ? 1 : -1;
	}
	if (s.vec.h != NULL && c->h == NULL)
	{
		MemScope *old = mem_scope_switch(r->ex->scope);

		c->h = mem_alloc(sizeof(Histogram *) * (grid->nsteps + 1));
		mem_scope_switch(old);
	}
	if (c->h != NULL && s.vec.h == NULL)
		memset(c->h, 0, sizeof(Histogram *) * grid->nsteps);
	pack_vector(c, &s.vec, grid);
	*out = (PromqlSeries){s.labels, c->n, c->t, c->v, s.vec.h != NULL ? c->h : NULL};
	return 1;
}

/*
 * promql_result_next -- a series without points (a scalar of a query without steps) is not shown.
 */
int
promql_result_next(PromqlResult *r, PromqlSeries *out, Err *err)
{
	int rc;

	do
		rc = r->collect ? collected_next(r, out, err) : streamed_next(r, out, err);
	while (rc > 0 && out->n == 0);
	return rc;
}
