/*
 * math.c
 *    Functions of one float: rounding, logarithms, clamps, trigonometry.
 *
 * All ignore histograms.  Results are those of the C library, which agrees with Go's to the
 * accuracy that Prometheus' own tests ask for.
 */
#include "promql/functions/families.h"

/*
 * POINT_FUNCTION -- promql_fn_NAME gives RESULT, an expression of x, the float of step i.  call is
 * in reach for the scalar arguments.
 */
#define POINT_FUNCTION(name, result)                                                               \
	bool promql_fn_##name(PromqlCall *call, const PromqlVector *in, PromqlVector *out, Err *err)   \
	{                                                                                              \
		for (int i = 0; i < call->nsteps; i++)                                                     \
		{                                                                                          \
			double x = in->v[i];                                                                   \
                                                                                                   \
			out->kind[i] = in->kind[i] == PROMQL_FLOAT ? PROMQL_FLOAT : PROMQL_ABSENT;             \
			if (out->kind[i] == PROMQL_FLOAT)                                                      \
				out->v[i] = (result);                                                              \
		}                                                                                          \
		return true;                                                                               \
	}

double
promql_max(double a, double b)
{
	if (a == INFINITY || b == INFINITY)
		return INFINITY;
	if (isnan(a) || isnan(b))
		return value_nan();
	if (a == 0 && b == 0)
		return signbit(a) ? b : a;
	return a > b ? a : b;
}

double
promql_min(double a, double b)
{
	if (a == -INFINITY || b == -INFINITY)
		return -INFINITY;
	if (isnan(a) || isnan(b))
		return value_nan();
	if (a == 0 && b == 0)
		return signbit(a) ? a : b;
	return a < b ? a : b;
}

/* --- rounding, roots, logarithms -------------------------------------------------------------- */

/* round_to -- ties go up, unlike C's round(). */
static double
round_to(double x, double nearest)
{
	double inverse = 1 / nearest;

	return floor(x * inverse + 0.5) / inverse;
}

POINT_FUNCTION(abs, fabs(x))
POINT_FUNCTION(ceil, ceil(x))
POINT_FUNCTION(exp, exp(x))
POINT_FUNCTION(floor, floor(x))
POINT_FUNCTION(ln, log(x))
POINT_FUNCTION(log10, log10(x))
POINT_FUNCTION(log2, log2(x))
POINT_FUNCTION(round, round_to(x, call->nargs > 1 ? call->scalars[1][i] : 1))
POINT_FUNCTION(sgn, x > 0 ? 1 : x < 0 ? -1 : x)
POINT_FUNCTION(sqrt, sqrt(x))

/* --- clamps ----------------------------------------------------------------------------------- */

POINT_FUNCTION(clamp_max, promql_min(call->scalars[1][i], x))
POINT_FUNCTION(clamp_min, promql_max(call->scalars[1][i], x))

/* promql_fn_clamp -- steps whose bounds exclude each other have no result. */
bool
promql_fn_clamp(PromqlCall *call, const PromqlVector *in, PromqlVector *out, Err *err)
{
	for (int i = 0; i < call->nsteps; i++)
	{
		double min = call->scalars[1][i], max = call->scalars[2][i];
		bool has_result = in->kind[i] == PROMQL_FLOAT && !(max < min);

		out->kind[i] = has_result ? PROMQL_FLOAT : PROMQL_ABSENT;
		if (has_result)
			out->v[i] = promql_max(min, promql_min(max, in->v[i]));
	}
	return true;
}

/* --- angles ----------------------------------------------------------------------------------- */

POINT_FUNCTION(acos, acos(x))
POINT_FUNCTION(acosh, acosh(x))
POINT_FUNCTION(asin, asin(x))
POINT_FUNCTION(asinh, asinh(x))
POINT_FUNCTION(atan, atan(x))
POINT_FUNCTION(atanh, atanh(x))
POINT_FUNCTION(cos, cos(x))
POINT_FUNCTION(cosh, cosh(x))
POINT_FUNCTION(sin, sin(x))
POINT_FUNCTION(sinh, sinh(x))
POINT_FUNCTION(tan, tan(x))
POINT_FUNCTION(tanh, tanh(x))
POINT_FUNCTION(deg, x * 180 / M_PI)
POINT_FUNCTION(rad, x *M_PI / 180)
