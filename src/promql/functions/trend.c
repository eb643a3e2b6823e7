/*
 * trend.c
 *    deriv, predict_linear and double_exponential_smoothing: where the floats of a window go.
 */
#include "promql/functions/families.h"
#include "promql/functions/float_windows.h"
#include "util/cancel.h"
#include "util/kahan.h"

/* --- regression ------------------------------------------------------------------------------- */

typedef struct Line
{
	double slope; /* per second */
	double intercept;
} Line;

/*
 * regression -- least squares through n samples, x in seconds since origin ms.  Equal values give a
 * flat line without a detour over rounded sums; equal infinities give no line (NaN).
 */
static Line
regression(const int64_t *t, const double *v, int n, int64_t origin)
{
	double sx = 0, sy = 0, sxy = 0, sx2 = 0;
	double cx = 0, cy = 0, cxy = 0, cx2 = 0;
	bool constant = true;
	Line line;

	for (int i = 0; i < n; i++)
	{
		double x = (double) (t[i] - origin) / 1000;

		constant &= i == 0 || v[i] == v[0];
		kahan_inc(x, &sx, &cx);
		kahan_inc(v[i], &sy, &cy);
		kahan_inc(x * v[i], &sxy, &cxy);
		kahan_inc(x * x, &sx2, &cx2);
	}
	if (constant)
		return isinf(v[0]) ? (Line){value_nan(), value_nan()} : (Line){0, v[0]};
	sx += cx;
	sy += cy;
	sxy += cxy;
	sx2 += cx2;
	line.slope = (sxy - sx * sy / n) / (sx2 - sx * sx / n);
	line.intercept = sy / n - line.slope * sx / n;
	return line;
}

bool
promql_fn_deriv(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	PromqlFloatWindows fw;

	promql_float_windows(call, 0, w, &fw);
	for (int i = 0; i < fw.nsteps; i++)
	{
		int lo = fw.lo[i], n = fw.hi[i] - lo;

		cancel_poll();
		if (n < 2)
			continue;
		out->kind[i] = PROMQL_FLOAT;
		out->v[i] = regression(fw.t + lo, fw.v + lo, n, fw.t[lo]).slope;
	}
	return true;
}

/* promql_fn_predict_linear -- from the evaluation time, wherever offset and @ put the window. */
bool
promql_fn_predict_linear(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	PromqlFloatWindows fw;

	promql_float_windows(call, 0, w, &fw);
	for (int i = 0; i < fw.nsteps; i++)
	{
		int lo = fw.lo[i], n = fw.hi[i] - lo;
		Line line;

		cancel_poll();
		if (n < 2)
			continue;
		line = regression(fw.t + lo, fw.v + lo, n, w->ts[i]);
		out->kind[i] = PROMQL_FLOAT;
		out->v[i] = line.slope * call->scalars[1][i] + line.intercept;
	}
	return true;
}

/* --- smoothing -------------------------------------------------------------------------------- */

/* smooth -- Holt's linear method; n is at least 2. */
static double
smooth(const double *v, int n, double level_factor, double trend_factor)
{
	double before = 0, level = v[0], trend = v[1] - v[0];

	for (int i = 1; i < n; i++)
	{
		double x = level_factor * v[i];
		double y;

		if (i > 1)
			trend = trend_factor * (level - before) + (1 - trend_factor) * trend;
		y = (1 - level_factor) * (level + trend);
		before = level;
		level = x + y;
	}
	return level;
}

bool
promql_fn_double_exponential_smoothing(PromqlCall *call, const PromqlWindows *w, PromqlVector *out,
									   Err *err)
{
	PromqlFloatWindows fw;

	for (int i = 0; i < w->nsteps; i++)
	{
		double sf = call->scalars[1][i], tf = call->scalars[2][i];

		if (w->lo[i] == w->hi[i])
			continue;
		if (sf <= 0 || sf >= 1)
			return err_set(err, ERR_EXECUTION, call->arg_pos[1],
						   "invalid smoothing factor. Expected: 0 < sf < 1, got: %f", sf);
		if (tf <= 0 || tf >= 1)
			return err_set(err, ERR_EXECUTION, call->arg_pos[2],
						   "invalid trend factor. Expected: 0 < tf < 1, got: %f", tf);
	}
	promql_float_windows(call, 0, w, &fw);
	for (int i = 0; i < fw.nsteps; i++)
	{
		int lo = fw.lo[i], n = fw.hi[i] - lo;

		cancel_poll();
		if (n < 2)
			continue;
		out->kind[i] = PROMQL_FLOAT;
		out->v[i] = smooth(fw.v + lo, n, call->scalars[1][i], call->scalars[2][i]);
	}
	return true;
}
