/*
 * op_histogram.c
 *    histogram_quantile, histogram_quantiles and histogram_fraction, over native and classic
 *    histograms.
 *
 * The buckets of a classic histogram are series that differ in the label le, in no given order: all
 * are read before the first result.  A native histogram gives its result at once, but is kept
 * back too, because a classic one with the same labels at the same step makes both void.
 *
 * Held: for each bucket one float and for each native series one float per quantile, each at every
 * step.
 */
#include "model/histogram_math.h"
#include "promql/exec/exec.h"
#include "promql/exec/label_map.h"
#include "promql/functions/classic.h"
#include "promql/functions/families.h"
#include "promql/functions/quantile.h"
#include "util/cancel.h"
#include "util/text.h"

#include <stdlib.h>

#define MAX_QUANTILES 10

/* A series of cumulative counts. */
typedef struct BucketSeries
{
	double upper;
	uint8_t *kind; /* PROMQL_FLOAT or PROMQL_ABSENT at each step */
	double *v;
	int order; /* of arrival: makes the sort stable */
} BucketSeries;

/* All that has the same labels: those of a native series, or of buckets without le. */
typedef struct HistogramGroup
{
	BucketSeries *buckets;
	int nbuckets;
	int cap;
	uint8_t *native_kind;			 /* NULL: no native series */
	double *native_v[MAX_QUANTILES]; /* result for each quantile */
} HistogramGroup;

/* What had to be done to the classic histograms of one metric, over all steps. */
typedef struct MonotonicNote
{
	StrView name; /* empty: unknown */
	ClassicFix fix;
	int64_t from_ms, to_ms;
	int samples;
} MonotonicNote;

/*
 * One pass of results over all groups.  histogram_quantiles names the quantile in a label, so where
 * it changes from step to step each of its values is a pass of its own.
 */
typedef struct HistogramResult
{
	int k;			/* which quantile */
	bool all_steps; /* else only where it is q */
	double q;
} HistogramResult;

typedef struct HistogramOp
{
	PromqlOp op;
	PromqlCall call;
	int input;				  /* which argument is the vector */
	int nresults;			  /* per histogram and step: one, or one for each quantile */
	HistogramResult *results; /* what is yielded, in this order */
	int nyields;
	int first_scalar; /* argument number of the quantile, or of the fraction's lower end */
	bool fraction;
	StrView label; /* histogram_quantiles: where the quantile goes */
	PromqlLabelMap map;
	HistogramGroup *groups;
	int cap;
	MonotonicNote *notes;
	int nnotes;
	bool loaded;
	int pass, at; /* next to yield: result, group */
	bool classic; /* natives of this pass are out */
	PromqlVector vec;
	ClassicBucket *scratch;
} HistogramOp;

/* --- annotations ------------------------------------------------------------------------------ */

/*
 * metric_suffix -- " for metric name ...": where the name is taken off at once, it is not known here
 * any more to Prometheus, and its texts do without.
 */
static const char *
metric_suffix(const HistogramOp *self, StrView name)
{
	if (name.len == 0 || !self->call.flags->delayed_name_removal)
		return "";
	return mem_printf(" for metric name %s", promql_quoted(name));
}

static int
input_pos(const HistogramOp *self)
{
	return self->call.arg_pos[self->input];
}

static void
warn_bucket_label(HistogramOp *self, Labels labels, StrView le)
{
	promql_warn(self->op.exec, input_pos(self),
				"bucket label \"le\" is missing or has a malformed value of %s%s",
				promql_quoted(le), metric_suffix(self, labels_metric_name(labels)));
}

static void
note_nan(HistogramOp *self, Labels labels, HistogramNan nan)
{
	const char *suffix;

	if (nan == HISTOGRAM_NAN_NONE)
		return;
	suffix = metric_suffix(self, labels_metric_name(labels));
	if (self->fraction)
		promql_info(self->op.exec, input_pos(self),
					"input to histogram_fraction has NaN observations, which are excluded from "
					"all fractions%s",
					suffix);
	else
		promql_info(self->op.exec, input_pos(self),
					"input to histogram_quantile has NaN observations, result is %s%s",
					nan == HISTOGRAM_NAN_RESULT ? "NaN" : "skewed higher", suffix);
}

/* note_fix -- remember a repair at step i; the query's end tells of all of a metric at once. */
static void
note_fix(HistogramOp *self, Labels labels, const ClassicFix *fix, int i)
{
	StrView name =
		self->call.flags->delayed_name_removal ? labels_metric_name(labels) : (StrView){0};
	int64_t t = self->call.ts[i];
	MonotonicNote *note;
	int k = 0;

	while (k < self->nnotes && !strview_eq(self->notes[k].name, name))
		k++;
	if (k == self->nnotes)
	{
		MemScope *old = mem_scope_switch(self->op.mem);

		self->notes = mem_realloc(self->notes, sizeof(*self->notes) * (k + 1));
		mem_scope_switch(old);
		self->notes[k] = (MonotonicNote){name, *fix, t, t, 0};
		self->nnotes++;
	}
	note = &self->notes[k];
	note->fix.lowest = fmin(note->fix.lowest, fix->lowest);
	note->fix.highest = fmax(note->fix.highest, fix->highest);
	note->fix.max_diff = fmax(note->fix.max_diff, fix->max_diff);
	note->from_ms = t < note->from_ms ? t : note->from_ms;
	note->to_ms = t > note->to_ms ? t : note->to_ms;
	note->samples++;
}

static const char *
time_text(int64_t ms)
{
	Buf b;

	buf_init(&b, 32, 64);
	text_time_rfc3339(&b, ms);
	return b.data;
}

static void
tell_fixes(HistogramOp *self)
{
	for (int k = 0; k < self->nnotes; k++)
	{
		const MonotonicNote *note = &self->notes[k];

		promql_info(self->op.exec, input_pos(self),
					"input to histogram_quantile needed to be fixed for monotonicity (see "
					"https://prometheus.io/docs/prometheus/latest/querying/functions/"
					"#histogram_quantile)%s, from buckets %s to %s, with a max diff of %.2g, over "
					"%d samples from %s to %s",
					metric_suffix(self, note->name), promql_number_text(note->fix.lowest),
					promql_number_text(note->fix.highest), note->fix.max_diff, note->samples,
					time_text(note->from_ms), time_text(note->to_ms));
	}
	self->nnotes = 0;
}

/* warn_quantiles -- each value out of range once. */
static void
warn_quantiles(HistogramOp *self)
{
	for (int k = 0; k < self->nresults; k++)
	{
		const double *q = self->call.scalars[self->first_scalar + k];

		for (int i = 0; i < self->call.nsteps; i++)
			if (!(q[i] >= 0 && q[i] <= 1) && (i == 0 || value_bits(q[i]) != value_bits(q[i - 1])))
				promql_warn(self->op.exec, self->call.arg_pos[self->first_scalar + k],
							"quantile value should be between 0 and 1, got %s",
							promql_number_text(q[i]));
	}
}

/* --- reading ---------------------------------------------------------------------------------- */

static HistogramGroup *
group_of(HistogramOp *self, Labels key)
{
	bool is_new;
	int id = promql_label_map_add(&self->map, key, &is_new);

	if (id >= self->cap)
	{
		self->cap = self->map.cap;
		self->groups = mem_realloc(self->groups, sizeof(*self->groups) * self->cap);
	}
	if (is_new)
		self->groups[id] = (HistogramGroup){0};
	return &self->groups[id];
}

static void
add_bucket(HistogramOp *self, Labels key, double upper, const PromqlVector *vec)
{
	int n = self->call.nsteps;
	HistogramGroup *g = group_of(self, key);
	BucketSeries *b;

	if (g->nbuckets == g->cap)
	{
		g->cap = g->cap == 0 ? 16 : g->cap * 2;
		g->buckets = mem_realloc(g->buckets, sizeof(*g->buckets) * g->cap);
	}
	b = &g->buckets[g->nbuckets];
	*b = (BucketSeries){upper, mem_alloc(n + 1), mem_dup(vec->v, sizeof(double) * n), g->nbuckets};
	for (int i = 0; i < n; i++)
		b->kind[i] = vec->kind[i] == PROMQL_FLOAT ? PROMQL_FLOAT : PROMQL_ABSENT;
	g->nbuckets++;
}

/* native_result -- result k of histogram h at step i. */
static double
native_result(HistogramOp *self, Labels labels, const Histogram *h, int k, int i)
{
	const double *const *arg = self->call.scalars + self->first_scalar;
	HistogramNan nan;
	double v;

	if (self->fraction)
		v = histogram_fraction(h, arg[0][i], arg[1][i], &nan);
	else
		v = histogram_quantile(h, arg[k][i], &nan);
	note_nan(self, labels, nan);
	return v;
}

static void
add_native(HistogramOp *self, Labels labels, const PromqlVector *vec)
{
	int n = self->call.nsteps;
	HistogramGroup *g = group_of(self, labels);

	if (g->native_kind == NULL)
	{
		g->native_kind = mem_alloc0(n + 1);
		for (int k = 0; k < self->nresults; k++)
			g->native_v[k] = mem_alloc(sizeof(double) * (n + 1));
	}
	for (int i = 0; i < n; i++)
	{
		if (vec->kind[i] != PROMQL_HISTOGRAM)
			continue;
		g->native_kind[i] = PROMQL_FLOAT;
		for (int k = 0; k < self->nresults; k++)
			g->native_v[k][i] = native_result(self, labels, vec->h[i], k, i);
	}
}

static bool
has_kind(const PromqlVector *vec, int n, PromqlKind kind)
{
	return memchr(vec->kind, kind, n) != NULL;
}

/* read_series -- a series may be a bucket at some steps and a native histogram at others. */
static bool
read_series(HistogramOp *self, const PromqlOpSeries *s, Err *err)
{
	int n = self->call.nsteps;

	if (has_kind(&s->vec, n, PROMQL_FLOAT))
	{
		LabelsBuilder builder;
		StrView le;
		double upper;

		labels_get(s->labels, strview_cstr("le"), &le);
		if (text_parse_double(le.s, le.len, &upper))
		{
			labels_builder_init(&builder);
			labels_builder_from(&builder, s->labels);
			labels_builder_del(&builder, strview_cstr("le"));
			add_bucket(self, labels_builder_finish(&builder), upper, &s->vec);
		}
		else
			warn_bucket_label(self, s->labels, le);
	}
	if (has_kind(&s->vec, n, PROMQL_HISTOGRAM))
		add_native(self, s->labels, &s->vec);
	return promql_exec_hold(self->op.exec, promql_vector_count(&s->vec, n), err);
}

static int
bucket_cmp(const void *pa, const void *pb)
{
	const BucketSeries *a = pa, *b = pb;
	int c = promql_quantile_cmp(&a->upper, &b->upper);

	return c != 0 ? c : a->order - b->order;
}

/* drop_conflicts -- native and classic histograms of the same labels at one step: neither counts. */
static void
drop_conflicts(HistogramOp *self, HistogramGroup *g, Labels labels)
{
	if (g->native_kind == NULL)
		return;
	for (int i = 0; i < self->call.nsteps; i++)
	{
		bool conflict = false;

		for (int j = 0; j < g->nbuckets && g->native_kind[i] != PROMQL_ABSENT; j++)
		{
			conflict |= g->buckets[j].kind[i] != PROMQL_ABSENT;
			g->buckets[j].kind[i] = PROMQL_ABSENT;
		}
		if (!conflict)
			continue;
		g->native_kind[i] = PROMQL_ABSENT;
		promql_warn(self->op.exec, input_pos(self),
					"vector contains a mix of classic and native histograms%s",
					metric_suffix(self, labels_metric_name(labels)));
	}
}

static bool
load(HistogramOp *self, Err *err)
{
	PromqlOp *child = self->op.children[self->op.plan->call.args[self->input].child];
	MemScope *old = mem_scope_switch(self->op.mem);
	PromqlOpSeries s;
	bool ok = true;
	int rc = 0;

	while (ok && (rc = promql_op_next(child, &s, err)) > 0)
	{
		self->op.stats.series_in++;
		ok = read_series(self, &s, err);
	}
	for (int id = 0; id < self->map.n; id++)
	{
		HistogramGroup *g = &self->groups[id];

		if (g->nbuckets > 1)
			qsort(g->buckets, g->nbuckets, sizeof(*g->buckets), bucket_cmp);
		drop_conflicts(self, g, self->map.keys[id]);
	}
	mem_scope_switch(old);
	return ok && rc == 0;
}

/* --- results ---------------------------------------------------------------------------------- */

/* in_pass -- does step i belong to the running pass? */
static bool
in_pass(const HistogramOp *self, int i)
{
	const HistogramResult *r = &self->results[self->pass];
	double q;

	if (r->all_steps)
		return true;
	q = self->call.scalars[self->first_scalar + r->k][i];
	return value_bits(q) == value_bits(r->q);
}

/* classic_result -- of the n buckets in scratch, at step i. */
static double
classic_result(HistogramOp *self, Labels labels, int n, int i)
{
	const double *const *arg = self->call.scalars + self->first_scalar;
	ClassicFix fix;
	double v;

	if (self->fraction)
		return promql_classic_fraction(arg[0][i], arg[1][i], self->scratch, n);
	v = promql_classic_quantile(arg[self->results[self->pass].k][i], self->scratch, n, &fix);
	if (fix.any)
		note_fix(self, labels, &fix, i);
	return v;
}

static void
fill_classic(HistogramOp *self, const HistogramGroup *g, Labels labels)
{
	for (int i = 0; i < self->call.nsteps; i++)
	{
		int n = 0;

		for (int j = 0; j < g->nbuckets && in_pass(self, i); j++)
			if (g->buckets[j].kind[i] == PROMQL_FLOAT)
				self->scratch[n++] = (ClassicBucket){g->buckets[j].upper, g->buckets[j].v[i]};
		self->vec.kind[i] = n > 0 ? PROMQL_FLOAT : PROMQL_ABSENT;
		if (n > 0)
			self->vec.v[i] = classic_result(self, labels, n, i);
	}
}

static void
fill_native(HistogramOp *self, const HistogramGroup *g)
{
	const double *v = g->native_v[self->results[self->pass].k];

	for (int i = 0; i < self->call.nsteps; i++)
	{
		self->vec.kind[i] = in_pass(self, i) ? g->native_kind[i] : PROMQL_ABSENT;
		self->vec.v[i] = v[i];
	}
}

/* with_quantile -- labels of the running pass: the quantile too, where a label for it is named. */
static Labels
with_quantile(HistogramOp *self, Labels labels)
{
	LabelsBuilder builder;
	char text[TEXT_DOUBLE_MAX];
	int len;

	if (self->label.len == 0)
		return labels;
	len = text_double_openmetrics(text, self->results[self->pass].q);
	labels_builder_init(&builder);
	labels_builder_from(&builder, labels);
	labels_builder_set(&builder, self->label, strview(text, len));
	return labels_builder_finish(&builder);
}

/* advance -- the next group that has a native (classic) part; NULL: all passes are done. */
static const HistogramGroup *
advance(HistogramOp *self, Labels *labels)
{
	while (self->pass < self->nyields)
	{
		while (self->at < self->map.n)
		{
			const HistogramGroup *g = &self->groups[self->at];

			*labels = self->map.keys[self->at++];
			if (self->classic ? g->nbuckets > 0 : g->native_kind != NULL)
				return g;
		}
		self->at = 0;
		self->pass += self->classic;
		self->classic = !self->classic;
	}
	return NULL;
}

static int
histogram_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	HistogramOp *self = (HistogramOp *) op;
	const HistogramGroup *g;
	Labels labels;

	if (!self->loaded)
	{
		int most = 0;
		MemScope *old;

		self->loaded = true;
		if (!load(self, err))
			return -1;
		for (int id = 0; id < self->map.n; id++)
			if (self->groups[id].nbuckets > most)
				most = self->groups[id].nbuckets;
		old = mem_scope_switch(op->mem);
		self->scratch = mem_alloc(sizeof(*self->scratch) * (most + 1));
		mem_scope_switch(old);
	}
	while ((g = advance(self, &labels)) != NULL)
	{
		cancel_poll();
		if (self->classic)
			fill_classic(self, g, labels);
		else
			fill_native(self, g);
		if (promql_vector_count(&self->vec, op->grid->nsteps) == 0)
			continue;
		out->labels = with_quantile(self, labels);
		out->vec = self->vec;
		promql_series_call_name(op, out);
		return 1;
	}
	tell_fixes(self);
	return 0;
}

/* list_results -- one pass for each quantile, or, where it goes into a label, for each value. */
static void
list_results(HistogramOp *self)
{
	int n = self->call.nsteps;
	double *values = mem_alloc(sizeof(double) * (n + 1));
	int cap = self->nresults * (self->label.len > 0 ? n : 1);

	self->results = mem_alloc(sizeof(*self->results) * (cap + 1));
	for (int k = 0; k < self->nresults; k++)
	{
		if (self->label.len == 0)
		{
			self->results[self->nyields++] = (HistogramResult){.k = k, .all_steps = true};
			continue;
		}
		memcpy(values, self->call.scalars[self->first_scalar + k], sizeof(double) * n);
		promql_quantile_sort(values, n);
		for (int i = 0; i < n; i++)
			if (i == 0 || value_bits(values[i]) != value_bits(values[i - 1]))
				self->results[self->nyields++] = (HistogramResult){.k = k, .q = values[i]};
	}
	mem_free(values);
}

static bool
histogram_open(PromqlOp *op, Err *err)
{
	HistogramOp *self = (HistogramOp *) op;

	promql_label_map_init(&self->map, op->mem);
	promql_vector_init(&self->vec, op->grid->nsteps);
	if (!promql_call_prepare(op, &self->call, err))
		return false;
	switch (op->plan->call.sig->fn)
	{
		case PROMQL_FN_histogram_fraction:
			self->input = 2;
			self->nresults = 1;
			self->fraction = true;
			list_results(self);
			return true;
		case PROMQL_FN_histogram_quantiles:
			self->first_scalar = 2;
			self->nresults = self->call.nargs - 2;
			self->label = self->call.strings[1];
			break;
		default:
			self->input = 1;
			self->nresults = 1;
			break;
	}
	list_results(self);
	warn_quantiles(self);
	return true;
}

PromqlOp *
promql_histogram_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	HistogramOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = histogram_open;
	self->op.next = histogram_next;
	return &self->op;
}
