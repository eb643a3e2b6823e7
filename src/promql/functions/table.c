/*
 * table.c
 *    How each function is run, by its number in signatures.def.
 *
 * A function that is in the language but not here has an empty entry; calling it is an error of
 * the query (exec/op_call.c).
 */
#include "promql/functions/table.h"

#include "promql/functions/families.h"
#include "promql/functions/rate.h"

static const PromqlFunction functions[PROMQL_NFUNCTIONS] = {
	[PROMQL_FN_abs] = {.point = promql_fn_abs},
	[PROMQL_FN_absent] = {.create = promql_absent_create},
	[PROMQL_FN_absent_over_time] = {.create = promql_absent_create},
	[PROMQL_FN_acos] = {.point = promql_fn_acos},
	[PROMQL_FN_acosh] = {.point = promql_fn_acosh},
	[PROMQL_FN_asin] = {.point = promql_fn_asin},
	[PROMQL_FN_asinh] = {.point = promql_fn_asinh},
	[PROMQL_FN_atan] = {.point = promql_fn_atan},
	[PROMQL_FN_atanh] = {.point = promql_fn_atanh},
	[PROMQL_FN_avg_over_time] = {.range = promql_fn_avg_over_time},
	[PROMQL_FN_ceil] = {.point = promql_fn_ceil},
	[PROMQL_FN_changes] = {.range = promql_fn_changes},
	[PROMQL_FN_clamp] = {.point = promql_fn_clamp},
	[PROMQL_FN_clamp_max] = {.point = promql_fn_clamp_max},
	[PROMQL_FN_clamp_min] = {.point = promql_fn_clamp_min},
	[PROMQL_FN_cos] = {.point = promql_fn_cos},
	[PROMQL_FN_cosh] = {.point = promql_fn_cosh},
	[PROMQL_FN_count_over_time] = {.range = promql_fn_count_over_time},
	[PROMQL_FN_day_of_month] = {.create = promql_date_create},
	[PROMQL_FN_day_of_week] = {.create = promql_date_create},
	[PROMQL_FN_day_of_year] = {.create = promql_date_create},
	[PROMQL_FN_days_in_month] = {.create = promql_date_create},
	[PROMQL_FN_deg] = {.point = promql_fn_deg},
	[PROMQL_FN_delta] = {.range = promql_fn_delta},
	[PROMQL_FN_deriv] = {.range = promql_fn_deriv},
	[PROMQL_FN_double_exponential_smoothing] = {.range = promql_fn_double_exponential_smoothing},
	[PROMQL_FN_exp] = {.point = promql_fn_exp},
	[PROMQL_FN_first_over_time] = {.range = promql_fn_first_over_time},
	[PROMQL_FN_floor] = {.point = promql_fn_floor},
	[PROMQL_FN_histogram_avg] = {.point = promql_fn_histogram_avg},
	[PROMQL_FN_histogram_count] = {.point = promql_fn_histogram_count},
	[PROMQL_FN_histogram_fraction] = {.create = promql_histogram_create},
	[PROMQL_FN_histogram_quantile] = {.create = promql_histogram_create},
	[PROMQL_FN_histogram_quantiles] = {.create = promql_histogram_create},
	[PROMQL_FN_histogram_stddev] = {.point = promql_fn_histogram_stddev},
	[PROMQL_FN_histogram_stdvar] = {.point = promql_fn_histogram_stdvar},
	[PROMQL_FN_histogram_sum] = {.point = promql_fn_histogram_sum},
	[PROMQL_FN_hour] = {.create = promql_date_create},
	[PROMQL_FN_increase] = {.range = promql_fn_increase},
	[PROMQL_FN_label_join] = {.create = promql_label_join_create},
	[PROMQL_FN_label_replace] = {.create = promql_label_replace_create},
	[PROMQL_FN_last_over_time] = {.range = promql_fn_last_over_time},
	[PROMQL_FN_ln] = {.point = promql_fn_ln},
	[PROMQL_FN_log10] = {.point = promql_fn_log10},
	[PROMQL_FN_log2] = {.point = promql_fn_log2},
	[PROMQL_FN_mad_over_time] = {.range = promql_fn_mad_over_time},
	[PROMQL_FN_max_of] = {.create = promql_max_of_create},
	[PROMQL_FN_max_over_time] = {.range = promql_fn_max_over_time},
	[PROMQL_FN_min_of] = {.create = promql_min_of_create},
	[PROMQL_FN_min_over_time] = {.range = promql_fn_min_over_time},
	[PROMQL_FN_minute] = {.create = promql_date_create},
	[PROMQL_FN_month] = {.create = promql_date_create},
	[PROMQL_FN_pi] = {.create = promql_pi_create},
	[PROMQL_FN_predict_linear] = {.range = promql_fn_predict_linear},
	[PROMQL_FN_present_over_time] = {.range = promql_fn_present_over_time},
	[PROMQL_FN_quantile_over_time] = {.range = promql_fn_quantile_over_time},
	[PROMQL_FN_rad] = {.point = promql_fn_rad},
	[PROMQL_FN_rate] = {.range = promql_fn_rate},
	[PROMQL_FN_resets] = {.range = promql_fn_resets},
	[PROMQL_FN_round] = {.point = promql_fn_round},
	[PROMQL_FN_scalar] = {.create = promql_scalar_create},
	[PROMQL_FN_sgn] = {.point = promql_fn_sgn},
	[PROMQL_FN_sin] = {.point = promql_fn_sin},
	[PROMQL_FN_sinh] = {.point = promql_fn_sinh},
	[PROMQL_FN_sort] = {.create = promql_sort_create},
	[PROMQL_FN_sort_by_label] = {.create = promql_sort_create},
	[PROMQL_FN_sort_by_label_desc] = {.create = promql_sort_create},
	[PROMQL_FN_sort_desc] = {.create = promql_sort_create},
	[PROMQL_FN_sqrt] = {.point = promql_fn_sqrt},
	[PROMQL_FN_start_timestamp] = {.point = promql_fn_start_timestamp},
	[PROMQL_FN_stddev_over_time] = {.range = promql_fn_stddev_over_time},
	[PROMQL_FN_stdvar_over_time] = {.range = promql_fn_stdvar_over_time},
	[PROMQL_FN_sum_over_time] = {.range = promql_fn_sum_over_time},
	[PROMQL_FN_tan] = {.point = promql_fn_tan},
	[PROMQL_FN_tanh] = {.point = promql_fn_tanh},
	[PROMQL_FN_time] = {.create = promql_time_create},
	[PROMQL_FN_timestamp] = {.point = promql_fn_timestamp},
	[PROMQL_FN_ts_of_first_over_time] = {.range = promql_fn_ts_of_first_over_time},
	[PROMQL_FN_ts_of_last_over_time] = {.range = promql_fn_ts_of_last_over_time},
	[PROMQL_FN_ts_of_max_over_time] = {.range = promql_fn_ts_of_max_over_time},
	[PROMQL_FN_ts_of_min_over_time] = {.range = promql_fn_ts_of_min_over_time},
	[PROMQL_FN_vector] = {.create = promql_vector_create},
	[PROMQL_FN_year] = {.create = promql_date_create},
};

const PromqlFunction *
promql_function_impl(PromqlFn fn)
{
	return &functions[fn];
}
