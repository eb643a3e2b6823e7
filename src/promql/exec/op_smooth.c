/*
 * op_smooth.c
 *    A smoothed instant selector: between two samples, what a straight line says (reference 2.16).
 *
 * Samples within a lookback on either side of a step count.  One exactly at the step is taken as
 * it is; one on each side give a value between them; without a later one the latest earlier
 * value stays.
 */
#include "promql/exec/exec.h"
#include "promql/exec/ops.h"
#include "promql/exec/shared.h"
#include "promql/exec/windows.h"
#include "promql/functions/extended.h"

typedef struct SmoothOp
{
	PromqlOp op;
	PromqlSeriesSet *set;
	int at; /* next series of the set */
	PromqlWindower windower;
	PromqlVector vec;
	Labels labels; /* of the series being evaluated */
} SmoothOp;

static bool
smooth_open(PromqlOp *op, Err *err)
{
	SmoothOp *self = (SmoothOp *) op;
	const PromqlSelectorPlan *sel = &op->plan->select;

	promql_vector_init(&self->vec, op->grid->nsteps);
	promql_windower_init(&self->windower, op->grid, 0, sel->offset_ms, sel->pinned, sel->at_ms,
						 PROMQL_EXTEND_SMOOTHED, op->exec->params->lookback_ms);
	if (op->grid->nsteps == 0)
		return true;
	self->set = promql_select_open(op, sel, err);
	return self->set != NULL;
}

static bool
is_histogram(const PromqlSamples *s, int i)
{
	return s->h != NULL && s->h[i] != NULL;
}

/* one_kind -- whether samples lo .. hi-1 are all floats or all histograms; else a warning. */
static bool
one_kind(SmoothOp *self, const PromqlSamples *s, int lo, int hi)
{
	for (int i = lo + 1; s->h != NULL && i < hi; i++)
		if (is_histogram(s, i) != is_histogram(s, lo))
		{
			promql_warn(self->op.exec, self->op.plan->pos,
						"encountered a mix of histograms and floats for metric name %s",
						promql_quoted(labels_metric_name(self->labels)));
			return false;
		}
	return true;
}

/* between -- the histogram at fraction of the way from a to b; NULL, with a warning: none. */
static Histogram *
between(SmoothOp *self, const Histogram *a, const Histogram *b, double fraction)
{
	bool gauge = a->hint == HISTOGRAM_HINT_GAUGE && b->hint == HISTOGRAM_HINT_GAUGE;
	HistogramOpInfo info = {0};
	Histogram *h;

	if (histogram_is_custom(a) != histogram_is_custom(b))
	{
		promql_warn(self->op.exec, self->op.plan->pos,
					"vector contains a mix of histograms with exponential and custom buckets "
					"schemas for metric name %s",
					promql_quoted(labels_metric_name(self->labels)));
		return NULL;
	}
	h = promql_interpolate_histogram(a, b, fraction, !gauge, &info);
	if (info.bounds_reconciled)
		promql_info(self->op.exec, self->op.plan->pos,
					"mismatched custom buckets were reconciled during subtraction");
	return h;
}

/* evaluate -- step i from the samples around it; false: no value. */
static bool
evaluate(SmoothOp *self, int i)
{
	const PromqlWindows *w = &self->windower.win;
	const PromqlSamples *s = &w->samples;
	int64_t ref = w->ref[i];
	int lo = w->lo[i], hi = w->hi[i];
	int after = lo; /* first sample at or behind ref */
	double fraction;

	while (after < hi && s->t[after] < ref)
		after++;
	if (lo == hi || !one_kind(self, s, lo, hi) || (after == lo && s->t[lo] > ref))
		return false;
	self->vec.kind[i] = is_histogram(s, lo) ? PROMQL_HISTOGRAM : PROMQL_FLOAT;
	if (is_histogram(s, lo))
		promql_vector_need_h(&self->vec, w->nsteps);
	if (after < hi && s->t[after] == ref)
	{
		self->vec.v[i] = s->v[after];
		if (is_histogram(s, after))
			self->vec.h[i] = s->h[after];
		return true;
	}
	if (after == hi)
	{
		self->vec.v[i] = s->v[hi - 1];
		if (is_histogram(s, hi - 1))
		{
			self->vec.h[i] = mem_dup(s->h[hi - 1], sizeof(Histogram));
			self->vec.h[i]->hint = HISTOGRAM_HINT_UNKNOWN;
		}
		return true;
	}
	if (!is_histogram(s, after))
	{
		self->vec.v[i] = promql_interpolate(s, after - 1, ref, false);
		return true;
	}
	fraction = (double) (ref - s->t[after - 1]) / (double) (s->t[after] - s->t[after - 1]);
	self->vec.h[i] = between(self, s->h[after - 1], s->h[after], fraction);
	return self->vec.h[i] != NULL;
}

static int
smooth_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	SmoothOp *self = (SmoothOp *) op;
	PromqlSeriesSet *set = self->set;

	while (set != NULL && self->at < set->nseries)
	{
		PromqlSamples s;
		int i = self->at++;
		int found = 0;

		if (!set->samples(set, i, &s, err))
			return -1;
		op->stats.series_in++;
		if (s.n == 0 || promql_windower_set(&self->windower, op->mem, &s) == 0)
			continue;
		self->labels = set->labels(set, i);
		self->vec.h = NULL;
		for (int step = 0; step < op->grid->nsteps; step++)
		{
			bool has = evaluate(self, step);

			if (!has)
				self->vec.kind[step] = PROMQL_ABSENT;
			found += has;
		}
		if (found == 0)
			continue;
		op->stats.samples += found;
		op->exec->samples_read += found;
		out->labels = self->labels;
		out->vec = self->vec;
		return 1;
	}
	return 0;
}

static void
smooth_close(PromqlOp *op)
{
	SmoothOp *self = (SmoothOp *) op;

	promql_op_close_set(op, self->set);
	self->set = NULL;
}

PromqlOp *
op_smooth_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	SmoothOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = smooth_open;
	self->op.next = smooth_next;
	self->op.close = smooth_close;
	return &self->op;
}
