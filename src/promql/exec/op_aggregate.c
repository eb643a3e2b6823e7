/*
 * op_aggregate.c
 *    sum avg count min max group stddev stdvar: groups in memory, never the input.
 *
 * A group keeps a few arrays over the steps; each input series is added into them and
 * forgotten.  The arithmetic is Prometheus', step for step (reference 2.9, 2.10): which formula
 * runs is chosen once for a series, not for a sample.
 *
 * sum and avg take histograms too.  A step of a group that saw both kinds has no result.
 */
#include "promql/exec/aggregate.h"
#include "promql/exec/aggregate_histogram.h"
#include "promql/exec/ops.h"
#include "util/kahan.h"

/* What a step of a group holds; the first three are PromqlKind. */
typedef enum StepState
{
	STEP_EMPTY = PROMQL_ABSENT,
	STEP_FLOAT = PROMQL_FLOAT,
	STEP_HISTOGRAM = PROMQL_HISTOGRAM,
	STEP_MIXED,		  /* floats and histograms */
	STEP_INCOMPATIBLE /* histograms that do not add up */
} StepState;

/* State of a group, an entry for each step.  Which arrays exist depends on the aggregation. */
typedef struct Group
{
	uint8_t *state;			/* StepState */
	double *a;				/* sum, mean, extreme or count */
	double *b;				/* compensation, or sum of squared deviations */
	double *count;			/* values added: avg, stddev, stdvar */
	uint8_t *incremental;	/* avg: a is the mean already, as the sum overflowed */
	PromqlHistogramSum **h; /* sum, avg: NULL until a histogram is seen */
} Group;

typedef struct AggregateOp AggregateOp;
typedef void (*AddFn)(AggregateOp *self, Group *g, const PromqlOpSeries *s);

struct AggregateOp
{
	PromqlOp op;
	PromqlAggregator aggr;
	AddFn add;
	int ndoubles, nbytes; /* arrays of each a group has: a, b, count; state, incremental */
	PromqlGroups groups;
	PromqlVector vec; /* of the group being yielded */
	int at;			  /* next group to yield */
	bool loaded;
	bool told_ignored; /* annotations already given */
	bool told_mixed;
};

/* --- floats ----------------------------------------------------------------------------------- */

static void
add_sum_histogram(AggregateOp *self, Group *g, const PromqlOpSeries *s, int i)
{
	int n = self->op.grid->nsteps;
	MemScope *old;

	if (g->state[i] == STEP_FLOAT)
		g->state[i] = STEP_MIXED;
	if (g->state[i] > STEP_HISTOGRAM)
		return;
	old = mem_scope_switch(self->op.mem);
	if (g->h == NULL)
		g->h = mem_alloc0(sizeof(*g->h) * n);
	g->state[i] =
		promql_histogram_sum_add(&g->h[i], s->vec.h[i], self->aggr == PROMQL_AGGR_AVG,
								 self->op.exec, self->op.plan->aggregate.expr_pos, s->labels)
			? STEP_HISTOGRAM
			: STEP_INCOMPATIBLE;
	mem_scope_switch(old);
}

static void
add_sum(AggregateOp *self, Group *g, const PromqlOpSeries *s)
{
	int n = self->op.grid->nsteps;

	for (int i = 0; i < n; i++)
	{
		if (s->vec.kind[i] == PROMQL_FLOAT)
		{
			if (g->state[i] == STEP_FLOAT)
				kahan_inc(s->vec.v[i], &g->a[i], &g->b[i]);
			else if (g->state[i] == STEP_EMPTY)
			{
				g->state[i] = STEP_FLOAT;
				g->a[i] = s->vec.v[i];
			}
			else if (g->state[i] == STEP_HISTOGRAM)
				g->state[i] = STEP_MIXED;
		}
		else if (s->vec.kind[i] == PROMQL_HISTOGRAM)
			add_sum_histogram(self, g, s, i);
	}
}

/* mean_inc -- one more value, the count-th, into a mean kept as sum or, after overflow, as mean. */
static inline void
mean_inc(Group *g, int i, double x)
{
	double n = ++g->count[i];

	if (!g->incremental[i])
	{
		double sum = g->a[i], c = g->b[i];

		kahan_inc(x, &sum, &c);
		if (!isinf(sum))
		{
			g->a[i] = sum;
			g->b[i] = c;
			return;
		}
		g->incremental[i] = true;
		g->a[i] /= n - 1;
		g->b[i] /= n - 1;
	}
	double q = (n - 1) / n;
	double mean = q * g->a[i], c = q * g->b[i];

	kahan_inc(x / n, &mean, &c);
	g->a[i] = mean;
	g->b[i] = c;
}

static void
add_avg(AggregateOp *self, Group *g, const PromqlOpSeries *s)
{
	int n = self->op.grid->nsteps;

	for (int i = 0; i < n; i++)
	{
		if (s->vec.kind[i] == PROMQL_FLOAT)
		{
			if (g->state[i] == STEP_FLOAT)
				mean_inc(g, i, s->vec.v[i]);
			else if (g->state[i] == STEP_EMPTY)
			{
				g->state[i] = STEP_FLOAT;
				g->a[i] = s->vec.v[i];
				g->count[i] = 1;
			}
			else if (g->state[i] == STEP_HISTOGRAM)
				g->state[i] = STEP_MIXED;
		}
		else if (s->vec.kind[i] == PROMQL_HISTOGRAM)
			add_sum_histogram(self, g, s, i);
	}
}

static void
add_count(AggregateOp *self, Group *g, const PromqlOpSeries *s)
{
	int n = self->op.grid->nsteps;

	for (int i = 0; i < n; i++)
	{
		bool present = s->vec.kind[i] != PROMQL_ABSENT;

		g->state[i] |= present; /* STEP_FLOAT */
		g->a[i] += present;
	}
}

static void
add_group(AggregateOp *self, Group *g, const PromqlOpSeries *s)
{
	int n = self->op.grid->nsteps;

	for (int i = 0; i < n; i++)
		if (s->vec.kind[i] != PROMQL_ABSENT)
		{
			g->state[i] = STEP_FLOAT;
			g->a[i] = 1;
		}
}

/* ignore_histogram -- min, max, stddev, stdvar skip them with an info. */
static void
ignore_histogram(AggregateOp *self)
{
	if (!self->told_ignored)
		promql_histogram_ignored(&self->op);
	self->told_ignored = true;
}

static void
add_min(AggregateOp *self, Group *g, const PromqlOpSeries *s)
{
	int n = self->op.grid->nsteps;

	for (int i = 0; i < n; i++)
	{
		double x = s->vec.v[i];

		if (s->vec.kind[i] == PROMQL_HISTOGRAM)
			ignore_histogram(self);
		else if (s->vec.kind[i] == PROMQL_FLOAT &&
				 (g->state[i] == STEP_EMPTY || g->a[i] > x || isnan(g->a[i])))
		{
			g->state[i] = STEP_FLOAT;
			g->a[i] = x;
		}
	}
}

static void
add_max(AggregateOp *self, Group *g, const PromqlOpSeries *s)
{
	int n = self->op.grid->nsteps;

	for (int i = 0; i < n; i++)
	{
		double x = s->vec.v[i];

		if (s->vec.kind[i] == PROMQL_HISTOGRAM)
			ignore_histogram(self);
		else if (s->vec.kind[i] == PROMQL_FLOAT &&
				 (g->state[i] == STEP_EMPTY || g->a[i] < x || isnan(g->a[i])))
		{
			g->state[i] = STEP_FLOAT;
			g->a[i] = x;
		}
	}
}

/* Welford's recurrence, without compensation: as Prometheus. */
static void
add_variance(AggregateOp *self, Group *g, const PromqlOpSeries *s)
{
	int n = self->op.grid->nsteps;

	for (int i = 0; i < n; i++)
	{
		double x = s->vec.v[i];

		if (s->vec.kind[i] == PROMQL_HISTOGRAM)
			ignore_histogram(self);
		else if (s->vec.kind[i] == PROMQL_FLOAT && g->state[i] == STEP_EMPTY)
		{
			g->state[i] = STEP_FLOAT;
			g->a[i] = x;
			g->b[i] = isfinite(x) ? 0 : value_nan();
			g->count[i] = 1;
		}
		else if (s->vec.kind[i] == PROMQL_FLOAT)
		{
			double delta = x - g->a[i];

			g->count[i]++;
			g->a[i] += delta / g->count[i];
			g->b[i] += delta * (x - g->a[i]);
		}
	}
}

/* --- the operator ----------------------------------------------------------------------------- */

/*
 * state_size, make_arrays -- a group is one block: the struct, its arrays of doubles, its arrays of
 * bytes.  Many small groups would otherwise cost several allocations each.
 */
static size_t
state_size(const AggregateOp *self)
{
	return sizeof(Group) + self->op.grid->nsteps * (self->ndoubles * sizeof(double) + self->nbytes);
}

static void
make_arrays(const AggregateOp *self, Group *g)
{
	int n = self->op.grid->nsteps;
	double *doubles = (double *) (g + 1);
	uint8_t *bytes = (uint8_t *) (doubles + (size_t) n * self->ndoubles);

	g->a = doubles;
	g->b = self->ndoubles > 1 ? doubles + n : NULL;
	g->count = self->ndoubles > 2 ? doubles + (size_t) 2 * n : NULL;
	g->state = bytes;
	g->incremental = self->nbytes > 1 ? bytes + n : NULL;
}

static bool
load(AggregateOp *self, Err *err)
{
	PromqlOpSeries s;
	int rc;

	while ((rc = promql_op_next(self->op.children[0], &s, err)) > 0)
	{
		int before = self->groups.map.n;
		int id = promql_groups_add(&self->groups, &self->op, &s, state_size(self));
		Group *g = self->groups.state[id];

		self->op.stats.series_in++;
		if (id == before)
		{
			make_arrays(self, g);
			if (!promql_exec_hold(self->op.exec, self->op.grid->nsteps, err))
				return false;
		}
		self->add(self, g, &s);
	}
	return rc == 0;
}

/* float_result -- the value of step i of a group of floats. */
static inline double
float_result(const AggregateOp *self, const Group *g, int i)
{
	switch (self->aggr)
	{
		case PROMQL_AGGR_SUM:
			return g->a[i] + g->b[i];
		case PROMQL_AGGR_AVG:
			if (g->incremental[i])
				return g->a[i] + g->b[i];
			return g->a[i] / g->count[i] + g->b[i] / g->count[i];
		case PROMQL_AGGR_STDVAR:
			return g->b[i] / g->count[i];
		case PROMQL_AGGR_STDDEV:
			return sqrt(g->b[i] / g->count[i]);
		default:
			return g->a[i];
	}
}

/* finish -- the group's result into vec; returns how many steps have one. */
static int
finish(AggregateOp *self, const Group *g)
{
	int n = self->op.grid->nsteps;
	int found = 0;

	self->vec.h = NULL;
	for (int i = 0; i < n; i++)
	{
		self->vec.kind[i] = PROMQL_ABSENT;
		switch ((StepState) g->state[i])
		{
			case STEP_EMPTY:
			case STEP_INCOMPATIBLE:
				break;
			case STEP_FLOAT:
				self->vec.kind[i] = PROMQL_FLOAT;
				self->vec.v[i] = float_result(self, g, i);
				found++;
				break;
			case STEP_HISTOGRAM:
				promql_vector_need_h(&self->vec, n);
				self->vec.kind[i] = PROMQL_HISTOGRAM;
				self->vec.h[i] = promql_histogram_sum_result(g->h[i], self->op.exec,
															 self->op.plan->aggregate.expr_pos);
				found++;
				break;
			case STEP_MIXED:
				if (!self->told_mixed)
					promql_warn(self->op.exec, self->op.plan->aggregate.expr_pos,
								"encountered a mix of histograms and floats for aggregation");
				self->told_mixed = true;
				break;
		}
	}
	return found;
}

static bool
aggregate_open(PromqlOp *op, Err *err)
{
	AggregateOp *self = (AggregateOp *) op;

	promql_groups_init(&self->groups, op);
	promql_vector_init(&self->vec, op->grid->nsteps);
	return true;
}

static int
aggregate_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	AggregateOp *self = (AggregateOp *) op;

	if (!self->loaded)
	{
		self->loaded = true;
		if (!load(self, err))
			return -1;
	}
	while (self->at < self->groups.map.n)
	{
		int id = self->at++;

		if (finish(self, self->groups.state[id]) == 0)
			continue;
		out->labels = self->groups.map.keys[id];
		out->drop_name = self->groups.drop_name[id];
		out->vec = self->vec;
		return 1;
	}
	return 0;
}

/* choose -- how aggr adds a series, and what a group of it keeps. */
static void
choose(AggregateOp *self)
{
	self->add = add_group;
	self->ndoubles = 1;
	self->nbytes = 1;
	switch (self->aggr)
	{
		case PROMQL_AGGR_SUM:
			self->add = add_sum;
			self->ndoubles = 2;
			break;
		case PROMQL_AGGR_AVG:
			self->add = add_avg;
			self->ndoubles = 3;
			self->nbytes = 2;
			break;
		case PROMQL_AGGR_COUNT:
			self->add = add_count;
			break;
		case PROMQL_AGGR_MIN:
			self->add = add_min;
			break;
		case PROMQL_AGGR_MAX:
			self->add = add_max;
			break;
		case PROMQL_AGGR_STDDEV:
		case PROMQL_AGGR_STDVAR:
			self->add = add_variance;
			self->ndoubles = 3;
			break;
		default:
			break;
	}
}

PromqlOp *
op_aggregate_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	AggregateOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = aggregate_open;
	self->op.next = aggregate_next;
	self->aggr = plan->aggregate.op;
	choose(self);
	return &self->op;
}
