/*
 * sort.c
 *    sort, sort_desc, sort_by_label, sort_by_label_desc: the order of an instant query's result.
 *
 * A range query's result is always in label order, so there series only pass through.  sort and
 * sort_desc have no place for histograms and leave them out.
 */
#include "promql/exec/annotate.h"
#include "promql/exec/exec.h"
#include "promql/functions/families.h"
#include "promql/functions/natural.h"

#include <stdlib.h>

typedef struct SortItem
{
	const struct SortOp *op;
	PromqlOpSeries series; /* of one step */
	int order;			   /* of arrival: makes the sort stable */
} SortItem;

typedef struct SortOp
{
	PromqlOp op;
	int (*compare)(const SortItem *a, const SortItem *b);
	bool floats_only;
	PromqlVector vec; /* passing through: the series without its histograms */
	SortItem *items;
	int n;
	int cap;
	int at;
	bool loaded;
} SortOp;

/* --- orders ----------------------------------------------------------------------------------- */

/* by_value -- ascending, NaN last. */
static int
by_value(const SortItem *a, const SortItem *b)
{
	double x = a->series.vec.v[0], y = b->series.vec.v[0];

	if (isnan(x) || isnan(y))
		return isnan(x) - isnan(y);
	return (x > y) - (x < y);
}

/* by_value_desc -- NaN last here too. */
static int
by_value_desc(const SortItem *a, const SortItem *b)
{
	double x = a->series.vec.v[0], y = b->series.vec.v[0];

	if (isnan(x) || isnan(y))
		return isnan(x) - isnan(y);
	return (x < y) - (x > y);
}

/*
 * by_labels -- by the labels named, in turn, then by all.  Values that natural order puts before
 * each other count as equal, or the sort would have no order to follow.
 */
static int
by_labels(const SortItem *a, const SortItem *b)
{
	const PromqlCallPlan *call = &a->op->op.plan->call;

	for (int k = 1; k < call->nargs; k++)
	{
		StrView x, y;
		bool less;

		labels_get(a->series.labels, call->args[k].string, &x);
		labels_get(b->series.labels, call->args[k].string, &y);
		less = promql_natural_less(x, y);
		if (!strview_eq(x, y) && less != promql_natural_less(y, x))
			return less ? -1 : 1;
	}
	return labels_cmp(a->series.labels, b->series.labels);
}

static int
by_labels_desc(const SortItem *a, const SortItem *b)
{
	return by_labels(b, a);
}

static int
item_cmp(const void *pa, const void *pb)
{
	const SortItem *a = pa, *b = pb;
	int c = a->op->compare(a, b);

	return c != 0 ? c : a->order - b->order;
}

/* --- the operator ------------------------------------------------------------------------------ */

static bool
sort_open(PromqlOp *op, Err *err)
{
	promql_vector_init(&((SortOp *) op)->vec, op->grid->nsteps);
	if (op->grid->nsteps > 1)
		promql_warn(op->exec, op->plan->pos,
					"sort is ineffective for range queries since results are always ordered by "
					"labels");
	return true;
}

/* next_input -- the next series that has something to sort. */
static int
next_input(SortOp *self, PromqlOpSeries *out, Err *err)
{
	int n = self->op.grid->nsteps;
	int rc;

	while ((rc = promql_op_next(self->op.children[0], out, err)) > 0)
	{
		self->op.stats.series_in++;
		if (!self->floats_only || out->vec.h == NULL)
			return 1;
		for (int i = 0; i < n; i++)
		{
			self->vec.kind[i] = out->vec.kind[i] == PROMQL_FLOAT ? PROMQL_FLOAT : PROMQL_ABSENT;
			self->vec.v[i] = out->vec.v[i];
		}
		out->vec = self->vec;
		if (promql_vector_count(&out->vec, n) > 0)
			return 1;
	}
	return rc;
}

static bool
load(SortOp *self, Err *err)
{
	MemScope *old = mem_scope_switch(self->op.mem);
	PromqlOpSeries s;
	bool ok = true;
	int rc = 0;

	while (ok && (rc = next_input(self, &s, err)) > 0)
	{
		SortItem *item;

		if (self->n == self->cap)
		{
			self->cap = self->cap == 0 ? 64 : self->cap * 2;
			self->items = mem_realloc(self->items, sizeof(*self->items) * self->cap);
		}
		item = &self->items[self->n];
		*item = (SortItem){.op = self, .series = s, .order = self->n};
		item->series.labels = labels_copy(s.labels);
		promql_vector_copy(&item->series.vec, &s.vec, 1);
		self->n++;
		ok = promql_exec_hold(self->op.exec, 1, err);
	}
	mem_scope_switch(old);
	if (!ok || rc < 0)
		return false;
	if (self->n > 1)
		qsort(self->items, self->n, sizeof(*self->items), item_cmp);
	return true;
}

static int
sort_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	SortOp *self = (SortOp *) op;

	if (op->grid->nsteps > 1)
		return next_input(self, out, err);
	if (!self->loaded)
	{
		self->loaded = true;
		if (!load(self, err))
			return -1;
	}
	if (self->at == self->n)
		return 0;
	*out = self->items[self->at++].series;
	return 1;
}

PromqlOp *
promql_sort_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	SortOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = sort_open;
	self->op.next = sort_next;
	switch (plan->call.sig->fn)
	{
		case PROMQL_FN_sort:
			self->compare = by_value;
			self->floats_only = true;
			break;
		case PROMQL_FN_sort_desc:
			self->compare = by_value_desc;
			self->floats_only = true;
			break;
		case PROMQL_FN_sort_by_label:
			self->compare = by_labels;
			break;
		default:
			self->compare = by_labels_desc;
			break;
	}
	return &self->op;
}
