/*
 * test_promql_over_time.c
 *    Functions over windows: each fast way against a plain one that looks at every window alone,
 *    bit for bit, and the cases the reference names.
 */
#include "promql/functions/families.h"
#include "promql/functions/over_time.h"
#include "promql/functions/quantile.h"
#include "promql/functions/sorted_window.h"
#include "promql_eval.h"
#include "unit.h"

#include <stdlib.h>

/* --- fast against plain ----------------------------------------------------------------------- */

#define NSAMPLES 400

static uint64_t
next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

typedef struct Data
{
	int64_t t[NSAMPLES];
	double v[NSAMPLES];
} Data;

/* fill -- shape 0: integers, 1: decimals, 2: few values with NaN, infinities and zeros of both signs */
static void
fill(Data *d, int shape, uint64_t *state)
{
	static const double odd[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 1, 1, 2};
	int64_t t = 0;

	for (int i = 0; i < NSAMPLES; i++)
	{
		uint64_t r = next_random(state);

		t += 1 + (int64_t) (r % 3);
		d->t[i] = t;
		if (shape == 0)
			d->v[i] = (double) (r % 100) - 50;
		else if (shape == 1)
			d->v[i] = (double) (r % 1000003) / 997;
		else
			d->v[i] = odd[r % 8];
	}
}

/* windows -- every ms a step: edges fall on samples, beside them, and where there is none. */
static PromqlWindows
windows(const Data *d, int64_t range_ms)
{
	int64_t first = -5, last = d->t[NSAMPLES - 1] + range_ms + 5;
	int n = (int) (last - first);
	int32_t *lo = mem_alloc(sizeof(*lo) * n), *hi = mem_alloc(sizeof(*hi) * n);
	int64_t *ref = mem_alloc(sizeof(*ref) * n);

	for (int i = 0; i < n; i++)
	{
		ref[i] = first + i;
		lo[i] = hi[i] = 0;
		for (int j = 0; j < NSAMPLES; j++)
		{
			lo[i] += d->t[j] <= ref[i] - range_ms;
			hi[i] += d->t[j] <= ref[i];
		}
	}
	return (PromqlWindows){
		.samples = {.n = NSAMPLES, .t = d->t, .v = d->v},
		.nsteps = n,
		.lo = lo,
		.hi = hi,
		.ref = ref,
		.ts = ref,
		.range_ms = range_ms,
	};
}

typedef double Plain(const Data *d, int lo, int hi);

static double
plain_sum(const Data *d, int lo, int hi)
{
	return promql_sum(d->v + lo, hi - lo);
}

static double
plain_avg(const Data *d, int lo, int hi)
{
	return promql_mean(d->v + lo, hi - lo);
}

static double
plain_max(const Data *d, int lo, int hi)
{
	double max = d->v[lo];

	for (int i = lo; i < hi; i++)
		if (d->v[i] > max || isnan(max))
			max = d->v[i];
	return max;
}

static double
plain_min(const Data *d, int lo, int hi)
{
	double min = d->v[lo];

	for (int i = lo; i < hi; i++)
		if (d->v[i] < min || isnan(min))
			min = d->v[i];
	return min;
}

static double
plain_ts_of_max(const Data *d, int lo, int hi)
{
	int at = lo;

	for (int i = lo; i < hi; i++)
		if (d->v[i] >= d->v[at] || isnan(d->v[at]))
			at = i;
	return (double) d->t[at] / 1000;
}

static double
plain_quantile(const Data *d, int lo, int hi)
{
	double v[NSAMPLES];

	memcpy(v, d->v + lo, sizeof(double) * (hi - lo));
	promql_quantile_sort(v, hi - lo);
	return promql_quantile(0.3, v, hi - lo);
}

static double
plain_resets(const Data *d, int lo, int hi)
{
	int n = 0;

	for (int i = lo + 1; i < hi; i++)
		n += d->v[i] < d->v[i - 1];
	return n;
}

static double
plain_changes(const Data *d, int lo, int hi)
{
	int n = 0;

	for (int i = lo + 1; i < hi; i++)
		n += d->v[i] != d->v[i - 1] && !(isnan(d->v[i]) && isnan(d->v[i - 1]));
	return n;
}

static bool
same(double a, double b)
{
	return value_bits(a) == value_bits(b) || (isnan(a) && isnan(b));
}

static void
compare(const char *name, PromqlRangeFn fn, Plain *plain, const Data *d, const PromqlWindows *w)
{
	PromqlFlags flags = {0};
	double *q = mem_alloc(sizeof(double) * w->nsteps);
	const double *scalars[] = {q};
	PromqlCall call = {.flags = &flags, .scalars = scalars, .nsteps = w->nsteps, .ts = w->ts};
	PromqlVector out;
	Err err = ERR_INIT;

	for (int i = 0; i < w->nsteps; i++)
		q[i] = 0.3;
	promql_vector_init(&out, w->nsteps);
	CHECK(fn(&call, w, &out, &err));
	for (int i = 0; i < w->nsteps; i++)
	{
		double want;

		CHECK_INT(out.kind[i], w->lo[i] < w->hi[i] ? PROMQL_FLOAT : PROMQL_ABSENT);
		if (w->lo[i] == w->hi[i])
			continue;
		want = plain(d, w->lo[i], w->hi[i]);
		if (!same(out.v[i], want) && !unit_failed())
			unit_fail(__FILE__, __LINE__, "%s, range %d, step %d: %a, want %a", name,
					  (int) w->range_ms, i, out.v[i], want);
	}
}

UNIT_TEST(promql_over_time_fast_equals_plain)
{
	static const int64_t ranges[] = {1, 2, 7, 60, 2000};
	uint64_t state = 1;

	for (int shape = 0; shape < 3; shape++)
	{
		Data d;

		fill(&d, shape, &state);
		CHECK((promql_exact_prefix(d.v, NSAMPLES) != NULL) == (shape == 0));
		for (size_t r = 0; r < sizeof(ranges) / sizeof(ranges[0]); r++)
		{
			PromqlWindows w = windows(&d, ranges[r]);

			compare("sum", promql_fn_sum_over_time, plain_sum, &d, &w);
			compare("avg", promql_fn_avg_over_time, plain_avg, &d, &w);
			compare("max", promql_fn_max_over_time, plain_max, &d, &w);
			compare("min", promql_fn_min_over_time, plain_min, &d, &w);
			compare("ts_of_max", promql_fn_ts_of_max_over_time, plain_ts_of_max, &d, &w);
			compare("quantile", promql_fn_quantile_over_time, plain_quantile, &d, &w);
			compare("resets", promql_fn_resets, plain_resets, &d, &w);
			compare("changes", promql_fn_changes, plain_changes, &d, &w);
		}
	}
}

/* Sizes around the runs in which many values are sorted; bits tell -0 from 0. */
UNIT_TEST(promql_quantile_sorts_any_number)
{
	static const int sizes[] = {0, 1, 32767, 32768, 32769, 65536, 98305, 200000};
	uint64_t state = 3;

	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++)
	{
		int n = sizes[k];
		double *v = malloc(sizeof(double) * (n + 1)), *plain = malloc(sizeof(double) * (n + 1));

		for (int i = 0; i < n; i++)
		{
			uint64_t r = next_random(&state);

			v[i] = r % 50 == 0 ? NAN : r % 50 == 1 ? -0.0 : (double) (r >> 8 & 0xFFFF) - 99;
			plain[i] = v[i];
		}
		promql_quantile_sort(v, n);
		qsort(plain, n, sizeof(double), promql_quantile_cmp);
		CHECK(memcmp(v, plain, sizeof(double) * n) == 0);
		free(v);
		free(plain);
	}
}

/* Windows that grow, slide in small and large steps, shrink to nothing and jump. */
UNIT_TEST(promql_sorted_window_is_sorted)
{
	enum
	{
		N = 20000
	};
	static const double odd[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 7};
	double *v = malloc(sizeof(double) * N), *plain = malloc(sizeof(double) * N),
		   *copy = malloc(sizeof(double) * N);
	uint64_t state = 5;

	for (int i = 0; i < N; i++)
		v[i] = next_random(&state) % 10 == 0
				   ? odd[next_random(&state) % 6]
				   : (double) (int64_t) (next_random(&state) % 4000) - 2000;
	for (int size = 1; size < 6000; size = size * 5 + 3)
	{
		SortedWindow *w = sorted_window(v);
		int lo = 0, hi = 0;

		while (hi < N)
		{
			int n;

			hi += 1 + (int) (next_random(&state) %
							 (next_random(&state) % 8 == 0 ? size * 2 : size / 9 + 1));
			hi = hi < N ? hi : N;
			if (hi - lo > size)
				lo = hi - (int) (next_random(&state) % (size + 1));
			n = hi - lo;
			sorted_window_slide(w, lo, hi);
			memcpy(plain, v + lo, sizeof(double) * n);
			qsort(plain, n, sizeof(double), promql_quantile_cmp);
			sorted_window_copy(w, copy);
			for (int i = 0; i < n; i++)
				if (promql_quantile_cmp(&plain[i], &copy[i]) != 0)
				{
					CHECK_INT(i, -1);
					return;
				}
			for (int i = 0; i < n; i += n / 7 + 1)
			{
				double x = sorted_window_at(w, i);

				CHECK(promql_quantile_cmp(&plain[i], &x) == 0);
			}
		}
	}
	free(v);
	free(plain);
	free(copy);
}

UNIT_TEST(promql_exact_prefix_refuses_what_would_round)
{
	double big[] = {0x1p52, 0x1p52};
	double below[] = {0x1p52, -(0x1p52 - 1)};
	double half[] = {1, 0.5};
	double infinite[] = {1, INFINITY};
	double nan[] = {NAN};
	double zeros[] = {-0.0, -0.0};

	CHECK(promql_exact_prefix(big, 2) == NULL);
	CHECK(promql_exact_prefix(below, 2) != NULL);
	CHECK(promql_exact_prefix(half, 2) == NULL);
	CHECK(promql_exact_prefix(infinite, 2) == NULL);
	CHECK(promql_exact_prefix(nan, 1) == NULL);
	/* the reference begins with +0, so the sum of negative zeros is +0 both ways */
	CHECK(promql_exact_prefix(zeros, 2) != NULL && same(promql_sum(zeros, 2), 0.0) &&
		  same(promql_mean(zeros, 2), 0.0));
}

/* --- kernels ---------------------------------------------------------------------------------- */

UNIT_TEST(promql_mean_survives_overflow)
{
	double huge[] = {1.5e308, 1.5e308, 1.5e308, -1.5e308};
	double infinite[] = {INFINITY, 1, 2};
	double opposite[] = {INFINITY, -INFINITY};
	double late[] = {1e308, 1e308, INFINITY};

	CHECK(fabs(promql_mean(huge, 4) - 0.75e308) < 1e294);
	CHECK(promql_mean(infinite, 3) == INFINITY);
	CHECK(isnan(promql_mean(opposite, 2)));
	CHECK(promql_mean(late, 3) == INFINITY);
	CHECK(promql_sum(huge, 2) == INFINITY);
}

UNIT_TEST(promql_sum_is_compensated)
{
	double v[] = {1, 1e100, 1, -1e100};

	CHECK(promql_sum(v, 4) == 2);
	CHECK(promql_mean(v, 4) == 0.5);
}

UNIT_TEST(promql_variance_is_stable)
{
	double v[] = {1e9 + 2, 1e9 + 4, 1e9 + 6};

	CHECK(fabs(promql_variance(v, 3) - 8.0 / 3) < 1e-12);
	CHECK(promql_variance(v, 1) == 0);
}

UNIT_TEST(promql_quantile_edges)
{
	double v[] = {NAN, 1, 2};

	CHECK(isnan(promql_quantile(0.5, v, 0)));
	CHECK(promql_quantile(-0.1, v, 3) == -INFINITY);
	CHECK(promql_quantile(1.1, v, 3) == INFINITY);
	CHECK(isnan(promql_quantile(NAN, v + 1, 2)));
	CHECK(promql_quantile(1, v, 3) == 2);
	CHECK(promql_quantile(0.25, v + 1, 2) == 1.25);
}

/* --- through queries -------------------------------------------------------------------------- */

UNIT_TEST(promql_over_time_queries)
{
	static const struct
	{
		const char *query, *want;
	} cases[] = {
		{"count_over_time(x[3m])", "{} 3@240000\n"},
		{"present_over_time(x[3m])", "{} 1@240000\n"},
		{"first_over_time(x[3m])", "x 2@240000\n"},
		{"last_over_time(x[3m])", "x 8@240000\n"},
		{"ts_of_first_over_time(x[3m])", "{} 120@240000\n"},
		{"ts_of_last_over_time(x[3m])", "{} 240@240000\n"},
		{"ts_of_min_over_time(x[1h])", "{} 0@240000\n"},
		{"stdvar_over_time(x[2m])", "{} 4@240000\n"},
		{"stddev_over_time(x[2m])", "{} 2@240000\n"},
		{"mad_over_time(x[1h])", "{} 1@240000\n"},
		{"quantile_over_time(2, x[1h])",
		 "{} +Inf@240000\n"
		 "PromQL warning: quantile value should be between 0 and 1, got 2 (1:20)\n"},
		{"deriv(x[2m])", "{} 0.06666666666666667@240000\n"},
		{"deriv(x[1m])", ""},
		{"predict_linear(x[2m], 60)", "{} 12@240000\n"},
		{"predict_linear(x[2m] offset 1m, 60)", "{} 8@240000\n"},
		{"double_exponential_smoothing(x[2m], 0.5, 0.5)", "{} 8@240000\n"},
		{"double_exponential_smoothing(x[2m], 0, 0.5)",
		 "error: invalid smoothing factor. Expected: 0 < sf < 1, got: 0.000000\n"},
		{"double_exponential_smoothing(x[2m], 0.5, 1)",
		 "error: invalid trend factor. Expected: 0 < tf < 1, got: 1.000000\n"},
		{"double_exponential_smoothing(nothing[2m], 5, 5)", ""},
		{"resets(x[1h])", "{} 1@240000\n"},
		{"changes(x[1h])", "{} 4@240000\n"},
		{"changes(x[2m] anchored)", "{} 2@240000\n"},
		{"resets(x[3m] anchored)", "{} 1@240000\n"},
		{"resets(x[3m])", "{} 0@240000\n"},
	};
	PromqlEval ev;

	promql_eval_init(&ev);
	mem_source_load(&ev.source, "x", 0, 60000, 5, (double[]){0, 3, 2, 4, 8});
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const char *got = promql_eval_instant(&ev, cases[i].query, 240000);

		if (strcmp(got, cases[i].want) != 0)
			unit_fail(__FILE__, __LINE__, "%s\n# got:  %s# want: %s", cases[i].query, got,
					  cases[i].want);
	}
}

UNIT_TEST(promql_over_time_beside_histograms)
{
	static const struct
	{
		const char *query, *want;
	} cases[] = {
		{"count_over_time(x[3m])", "{} 3@120000\n"},
		{"max_over_time(x[3m])",
		 "{} 5@120000\n"
		 "PromQL info: ignored histograms in a range containing both floats and histograms for "
		 "metric name \"x\" (1:15)\n"},
		{"min_over_time(x[1m])", ""},
		{"sum_over_time(x[1m])", "{} h@120000\n"},
		{"sum_over_time(x[3m])",
		 "PromQL warning: encountered a mix of histograms and floats for metric name \"x\" "
		 "(1:15)\n"},
		{"last_over_time(x[3m])", "x h@120000\n"},
		{"first_over_time(x[3m])", "x 5@120000\n"},
		{"changes(x[3m])", "{} 1@120000\n"},
		{"resets(x[3m])", "{} 1@120000\n"},
	};
	Histogram h = {.count = 2, .sum = 3, .zero_count = 2};
	Labels labels = mem_source_labels("x");
	PromqlEval ev;

	promql_eval_init(&ev);
	mem_source_append(&ev.source, labels, 0, 5, NULL, 0);
	mem_source_append(&ev.source, labels, 60000, 0, &h, 0);
	mem_source_append(&ev.source, labels, 120000, 0, &h, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const char *got = promql_eval_instant(&ev, cases[i].query, 120000);

		if (strcmp(got, cases[i].want) != 0)
			unit_fail(__FILE__, __LINE__, "%s\n# got:  %s# want: %s", cases[i].query, got,
					  cases[i].want);
	}
}
