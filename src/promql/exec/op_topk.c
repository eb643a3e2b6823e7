/*
 * op_topk.c
 *    topk bottomk limitk limit_ratio: some of the input series, chosen per group and step.
 *
 * For each step of each group a bounded list of candidates is kept: a heap with the worst on top
 * for topk and bottomk, the first k for limitk, all that the hash lets through for limit_ratio.
 * A candidate refers to its series; a series that is no longer any candidate's gives its memory
 * back, so what is held is what may be in the result.
 *
 * An instant query shows each group's candidates in their rank; over more steps series come in
 * input order, as they will be sorted.
 */
#include "promql/exec/aggregate.h"
#include "promql/exec/ops.h"
#include "util/cancel.h"
#include "util/hash.h"

#include <stdlib.h>

#define INSERTION_SORT_MAX 12

typedef struct Candidate
{
	double v;
	Histogram *h; /* limitk, limit_ratio */
	int series;
} Candidate;

/* Candidates of one step of one group. */
typedef struct Bucket
{
	Candidate *items;
	int n;
	int cap;
} Bucket;

typedef struct Held
{
	uint8_t *labels; /* NULL: given back */
	uint32_t len;
	bool drop_name;
	int refs; /* candidates */
} Held;

typedef struct TopkOp
{
	PromqlOp op;
	PromqlAggregator aggr;
	const double *param;
	bool empty; /* the parameter lets nothing through at any step */
	PromqlGroups groups;
	Held *held; /* by series, in input order */
	int nheld;
	int cap;
	PromqlVector vec;
	bool loaded;
	bool told_ignored;
	int at_group, at_item; /* instant: next candidate; else at_item is the next series */
	Bucket *by_series;	   /* more steps: for each series its values, series = step */
} TopkOp;

/* --- parameters ------------------------------------------------------------------------------- */

static bool
check_k(TopkOp *self, Err *err)
{
	int n = self->op.grid->nsteps;
	double min = INFINITY, max = -INFINITY;
	bool nan = false;
	const double *k = self->param;

	for (int i = 0; i < n; i++)
	{
		nan |= isnan(k[i]);
		min = k[i] < min ? k[i] : min;
		max = k[i] > max ? k[i] : max;
	}
	if (n == 0 || (max < 1 && !nan))
	{
		self->empty = true;
		return true;
	}
	if (nan)
		return err_set(err, ERR_EXECUTION, self->op.plan->aggregate.param_pos,
					   "Parameter value is NaN");
	if (min <= -0x1p63)
		return err_set(err, ERR_EXECUTION, self->op.plan->aggregate.param_pos,
					   "Scalar value %s underflows int64", promql_number_text(min));
	if (max >= 0x1p63 - 1024)
		return err_set(err, ERR_EXECUTION, self->op.plan->aggregate.param_pos,
					   "Scalar value %s overflows int64", promql_number_text(max));
	return true;
}

static bool
check_ratio(TopkOp *self, Err *err)
{
	int n = self->op.grid->nsteps;
	double low = 0, high = 0;
	bool nan = false;

	for (int i = 0; i < n; i++)
	{
		double r = self->param[i];

		nan |= isnan(r);
		low = r < low ? r : low;
		high = r > high ? r : high;
	}
	if (nan)
		return err_set(err, ERR_EXECUTION, self->op.plan->aggregate.param_pos,
					   "Ratio value is NaN");
	self->empty = low == 0 && high == 0;
	if (high > 1)
		promql_warn(self->op.exec, self->op.plan->aggregate.param_pos,
					"ratio value should be between -1 and 1, got %s, capping to 1",
					promql_number_text(high));
	if (low < -1)
		promql_warn(self->op.exec, self->op.plan->aggregate.param_pos,
					"ratio value should be between -1 and 1, got %s, capping to -1",
					promql_number_text(low));
	return true;
}

static bool
topk_open(PromqlOp *op, Err *err)
{
	TopkOp *self = (TopkOp *) op;

	promql_groups_init(&self->groups, op);
	promql_vector_init(&self->vec, op->grid->nsteps);
	if (!promql_aggregate_param(op, &self->param, err))
		return false;
	return self->aggr == PROMQL_AGGR_LIMIT_RATIO ? check_ratio(self, err) : check_k(self, err);
}

/* --- candidates ------------------------------------------------------------------------------- */

/*
 * below -- the order of the heap, worst first, in which every NaN is below everything.  This and
 * the two ways through the heap are those of Prometheus and Go's container/heap: of candidates with
 * equal values, which one has to go depends on them.
 */
static inline bool
below(const TopkOp *self, const Candidate *a, const Candidate *b)
{
	if (isnan(a->v))
		return true;
	return self->aggr == PROMQL_AGGR_TOPK ? a->v < b->v : a->v > b->v;
}

/* beats -- whether a newcomer takes the place of the worst. */
static inline bool
beats(const TopkOp *self, const Candidate *c, const Candidate *worst)
{
	if (isnan(worst->v))
		return !isnan(c->v);
	return self->aggr == PROMQL_AGGR_TOPK ? c->v > worst->v : c->v < worst->v;
}

static inline void
swap(Candidate *a, Candidate *b)
{
	Candidate c = *a;

	*a = *b;
	*b = c;
}

static void
sift_up(TopkOp *self, Bucket *b, int i)
{
	while (i > 0 && below(self, &b->items[i], &b->items[(i - 1) / 2]))
	{
		swap(&b->items[i], &b->items[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

static void
sift_down(TopkOp *self, Bucket *b)
{
	int i = 0;

	for (int child = 1; child < b->n; child = 2 * i + 1)
	{
		if (child + 1 < b->n && below(self, &b->items[child + 1], &b->items[child]))
			child++;
		if (!below(self, &b->items[child], &b->items[i]))
			return;
		swap(&b->items[i], &b->items[child]);
		i = child;
	}
}

static void
release(TopkOp *self, int series)
{
	Held *h = &self->held[series];

	if (--h->refs > 0 || h->labels == NULL)
		return;
	mem_free(h->labels);
	h->labels = NULL;
	promql_exec_hold(self->op.exec, -1, NULL);
}

static void
push(TopkOp *self, Bucket *b, const Candidate *c)
{
	if (b->n == b->cap)
	{
		b->cap = b->cap == 0 ? 4 : b->cap * 2;
		b->items = mem_realloc(b->items, sizeof(*b->items) * b->cap);
	}
	b->items[b->n++] = *c;
	self->held[c->series].refs++;
}

/* offer -- c may enter the bucket of its step. */
static void
offer(TopkOp *self, Bucket *b, const Candidate *c, double param)
{
	int64_t k;

	if (self->aggr == PROMQL_AGGR_LIMIT_RATIO)
	{
		push(self, b, c);
		return;
	}
	k = (int64_t) param; /* within int64, checked */
	if (k < 1)
		return;
	if (b->n < k)
	{
		push(self, b, c);
		if (self->aggr != PROMQL_AGGR_LIMITK)
			sift_up(self, b, b->n - 1);
		return;
	}
	if (self->aggr == PROMQL_AGGR_LIMITK || !beats(self, c, &b->items[0]))
		return;
	self->held[c->series].refs++;
	release(self, b->items[0].series);
	b->items[0] = *c;
	sift_down(self, b);
}

/* in_ratio -- limit_ratio's sampling (reference 2.10.1); offset in [0, 1]. */
static inline bool
in_ratio(double offset, double r)
{
	if (r > 1)
		r = 1;
	if (r < -1)
		r = -1;
	return (r >= 0 && offset < r) || (r < 0 && offset >= 1 + r);
}

/* add_series -- offer the values of s at all steps. */
static bool
add_series(TopkOp *self, const PromqlOpSeries *s, Err *err)
{
	int n = self->op.grid->nsteps;
	int group = promql_groups_add(&self->groups, &self->op, s, sizeof(Bucket) * n);
	Bucket *buckets = self->groups.state[group];
	bool ratio = self->aggr == PROMQL_AGGR_LIMIT_RATIO;
	bool limit = ratio || self->aggr == PROMQL_AGGR_LIMITK;
	double offset = ratio ? (double) labels_hash(s->labels) / 0x1p64 : 0;
	MemScope *old = mem_scope_switch(self->op.mem);
	Held *held;

	if (self->nheld == self->cap)
	{
		self->cap = self->cap == 0 ? 64 : self->cap * 2;
		self->held = mem_realloc(self->held, sizeof(*self->held) * self->cap);
	}
	held = &self->held[self->nheld];
	/* one reference of our own keeps it alive while it is offered */
	*held = (Held){.drop_name = s->drop_name, .refs = 1};
	for (int i = 0; i < n; i++)
	{
		Candidate c = {.v = s->vec.v[i], .series = self->nheld};

		cancel_poll_at(i);
		if (s->vec.kind[i] == PROMQL_ABSENT)
			continue;
		if (s->vec.kind[i] == PROMQL_HISTOGRAM)
		{
			if (!limit)
			{
				if (!self->told_ignored)
					promql_histogram_ignored(&self->op);
				self->told_ignored = true;
				continue;
			}
			c.v = 0;
			c.h = s->vec.h[i];
		}
		if (!ratio || in_ratio(offset, self->param[i]))
			offer(self, &buckets[i], &c, self->param[i]);
	}
	if (held->refs > 1)
	{
		held->labels = mem_dup(s->labels.data, s->labels.len);
		held->len = s->labels.len;
		for (int i = 0; limit && s->vec.h != NULL && i < n; i++)
		{
			Candidate *last = buckets[i].n > 0 ? &buckets[i].items[buckets[i].n - 1] : NULL;

			if (last != NULL && last->series == self->nheld && last->h != NULL)
				last->h = histogram_copy(last->h);
		}
	}
	self->nheld++;
	mem_scope_switch(old);
	release(self, self->nheld - 1);
	return held->refs == 0 || promql_exec_hold(self->op.exec, 1, err);
}

/* --- results ---------------------------------------------------------------------------------- */

/* rank_cmp -- best first, NaN last, equal ones in the order of the heap, which series holds here. */
static int
rank_cmp(const void *pa, const void *pb)
{
	const Candidate *a = pa, *b = pb;

	if (isnan(a->v) || isnan(b->v))
		return isnan(a->v) == isnan(b->v) ? a->series - b->series : isnan(a->v) ? 1 : -1;
	return a->v > b->v ? -1 : a->v < b->v ? 1 : a->series - b->series;
}

/*
 * sort_bucket -- into rank order.  A short list is sorted by insertion, as Go does, which for NaNs
 * shows: they come out turned around.
 */
static void
sort_bucket(TopkOp *self, Bucket *b)
{
	bool top = self->aggr == PROMQL_AGGR_TOPK;
	int *series;

	if (!top && self->aggr != PROMQL_AGGR_BOTTOMK)
		return;
	if (b->n <= INSERTION_SORT_MAX)
	{
		for (int i = 1; i < b->n; i++)
			for (int j = i; j > 0 && below(self, &b->items[j - 1], &b->items[j]); j--)
				swap(&b->items[j], &b->items[j - 1]);
		return;
	}
	series = mem_alloc(sizeof(int) * b->n);
	for (int i = 0; i < b->n; i++)
	{
		series[i] = b->items[i].series;
		b->items[i].series = i;
		b->items[i].v = top ? b->items[i].v : -b->items[i].v;
	}
	qsort(b->items, b->n, sizeof(*b->items), rank_cmp);
	for (int i = 0; i < b->n; i++)
	{
		b->items[i].series = series[b->items[i].series];
		b->items[i].v = top ? b->items[i].v : -b->items[i].v;
	}
	mem_free(series);
}

/* turn -- from lists by group and step to lists by series. */
static void
turn(TopkOp *self)
{
	MemScope *old = mem_scope_switch(self->op.mem);

	self->by_series = mem_alloc0(sizeof(Bucket) * (self->nheld + 1));
	for (int g = 0; g < self->groups.map.n; g++)
		for (int i = 0; i < self->op.grid->nsteps; i++)
		{
			Bucket *from = (Bucket *) self->groups.state[g] + i;

			for (int k = 0; k < from->n; k++)
			{
				Candidate c = from->items[k];
				Bucket *to = &self->by_series[c.series];

				if (to->n == to->cap)
				{
					to->cap = to->cap == 0 ? 4 : to->cap * 2;
					to->items = mem_realloc(to->items, sizeof(*to->items) * to->cap);
				}
				c.series = i;
				to->items[to->n++] = c;
			}
			mem_free(from->items);
		}
	mem_scope_switch(old);
}

static bool
load(TopkOp *self, Err *err)
{
	PromqlOpSeries s;
	int rc;

	while ((rc = promql_op_next(self->op.children[0], &s, err)) > 0)
	{
		self->op.stats.series_in++;
		if (self->empty) /* still, what the input warns of is told */
			continue;
		if (!add_series(self, &s, err))
			return false;
	}
	if (rc < 0 || self->empty)
		return rc == 0;
	if (self->op.grid->nsteps == 1)
		for (int g = 0; g < self->groups.map.n; g++)
			sort_bucket(self, self->groups.state[g]);
	else
		turn(self);
	return true;
}

static void
put(TopkOp *self, int step, const Candidate *c)
{
	self->vec.kind[step] = c->h != NULL ? PROMQL_HISTOGRAM : PROMQL_FLOAT;
	self->vec.v[step] = c->v;
	if (c->h != NULL)
	{
		promql_vector_need_h(&self->vec, self->op.grid->nsteps);
		self->vec.h[step] = c->h;
	}
}

static void
show(TopkOp *self, const Held *held, PromqlOpSeries *out)
{
	out->labels = (Labels){held->labels, held->len};
	out->drop_name = held->drop_name;
	out->vec = self->vec;
}

/* instant_next -- by group, each in rank order. */
static int
instant_next(TopkOp *self, PromqlOpSeries *out)
{
	while (self->at_group < self->groups.map.n)
	{
		Bucket *b = self->groups.state[self->at_group];

		if (self->at_item < b->n)
		{
			Candidate *c = &b->items[self->at_item++];

			self->vec.h = NULL;
			put(self, 0, c);
			show(self, &self->held[c->series], out);
			return 1;
		}
		self->at_group++;
		self->at_item = 0;
	}
	return 0;
}

/* range_next -- by series. */
static int
range_next(TopkOp *self, PromqlOpSeries *out)
{
	while (self->at_item < self->nheld)
	{
		const Bucket *b = &self->by_series[self->at_item];
		const Held *held = &self->held[self->at_item++];

		if (b->n == 0)
			continue;
		memset(self->vec.kind, PROMQL_ABSENT, self->op.grid->nsteps);
		self->vec.h = NULL;
		for (int k = 0; k < b->n; k++)
			put(self, b->items[k].series, &b->items[k]);
		show(self, held, out);
		return 1;
	}
	return 0;
}

static int
topk_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	TopkOp *self = (TopkOp *) op;

	if (!self->loaded)
	{
		self->loaded = true;
		if (!load(self, err))
			return -1;
	}
	if (self->empty)
		return 0;
	return op->grid->nsteps == 1 ? instant_next(self, out) : range_next(self, out);
}

PromqlOp *
op_topk_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	TopkOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = topk_open;
	self->op.next = topk_next;
	self->aggr = plan->aggregate.op;
	return &self->op;
}
