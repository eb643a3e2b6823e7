/*
 * families.h
 *    The implementations that table.c gathers, by family; each family is a file.
 */
#ifndef MIMIR_PROMQL_FUNCTIONS_FAMILIES_H
#define MIMIR_PROMQL_FUNCTIONS_FAMILIES_H

#include "promql/exec/operator.h"

typedef PromqlOp *PromqlOpBody(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children,
							   Err *err); /* what a PromqlOpCreate points to */

/* --- math.c --------------------------------------------------------------------------------- */
extern PromqlPointBody promql_fn_abs, promql_fn_ceil, promql_fn_exp, promql_fn_floor, promql_fn_ln,
	promql_fn_log10, promql_fn_log2, promql_fn_round, promql_fn_sgn, promql_fn_sqrt;
extern PromqlPointBody promql_fn_clamp, promql_fn_clamp_max, promql_fn_clamp_min;
extern PromqlPointBody promql_fn_acos, promql_fn_acosh, promql_fn_asin, promql_fn_asinh,
	promql_fn_atan, promql_fn_atanh, promql_fn_cos, promql_fn_cosh, promql_fn_sin, promql_fn_sinh,
	promql_fn_tan, promql_fn_tanh;
extern PromqlPointBody promql_fn_deg, promql_fn_rad;
/* Go's math.Max and math.Min: NaN wins over all but the infinity, -0 is below +0. */
extern double promql_max(double a, double b);
extern double promql_min(double a, double b);

/* --- date.c --------------------------------------------------------------------------------- */
extern PromqlOpBody promql_date_create; /* hour, minute, day_of_month, ... */
extern PromqlPointBody promql_fn_timestamp, promql_fn_start_timestamp;

/* --- scalar.c ------------------------------------------------------------------------------- */
extern PromqlOpBody promql_max_of_create, promql_min_of_create, promql_pi_create,
	promql_scalar_create, promql_time_create, promql_vector_create;

/* --- absent.c ------------------------------------------------------------------------------- */
extern PromqlOpBody promql_absent_create; /* absent_over_time too */

/* --- label.c -------------------------------------------------------------------------------- */
extern PromqlOpBody promql_label_join_create, promql_label_replace_create;

/* --- sort.c --------------------------------------------------------------------------------- */
extern PromqlOpBody promql_sort_create; /* all four */

/* --- over_time.c ---------------------------------------------------------------------------- */
extern PromqlRangeBody promql_fn_avg_over_time, promql_fn_count_over_time,
	promql_fn_first_over_time, promql_fn_last_over_time, promql_fn_present_over_time,
	promql_fn_stddev_over_time, promql_fn_stdvar_over_time, promql_fn_sum_over_time,
	promql_fn_ts_of_first_over_time, promql_fn_ts_of_last_over_time;

/* --- extreme.c ------------------------------------------------------------------------------ */
extern PromqlRangeBody promql_fn_max_over_time, promql_fn_min_over_time,
	promql_fn_ts_of_max_over_time, promql_fn_ts_of_min_over_time;

/* --- quantile.c ----------------------------------------------------------------------------- */
extern PromqlRangeBody promql_fn_mad_over_time, promql_fn_quantile_over_time;

/* --- changes.c ------------------------------------------------------------------------------ */
extern PromqlRangeBody promql_fn_changes, promql_fn_resets;

/* --- trend.c -------------------------------------------------------------------------------- */
extern PromqlRangeBody promql_fn_deriv, promql_fn_double_exponential_smoothing,
	promql_fn_predict_linear;

/* --- histogram.c ---------------------------------------------------------------------------- */
extern PromqlPointBody promql_fn_histogram_avg, promql_fn_histogram_count,
	promql_fn_histogram_stddev, promql_fn_histogram_stdvar, promql_fn_histogram_sum;

/* --- op_histogram.c ------------------------------------------------------------------------- */
extern PromqlOpBody promql_histogram_create; /* quantile, quantiles, fraction */

/* --- irate.c -------------------------------------------------------------------------------- */
extern PromqlRangeBody promql_fn_idelta, promql_fn_irate;

/* --- info.c --------------------------------------------------------------------------------- */
extern PromqlOpBody promql_info_create;

#endif
