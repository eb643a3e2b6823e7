/*
 * histogram_math.h
 *    Arithmetic on float histograms (reference 2.12).
 *
 * A function that changes a histogram does so in place: arrays it replaces are freed, new ones
 * come from the current scope.  Copy first what is shared.
 */
#ifndef MIMIR_MODEL_HISTOGRAM_MATH_H
#define MIMIR_MODEL_HISTOGRAM_MATH_H

#include "model/histogram.h"

/* What an addition or subtraction had to do, for the annotations of a query. */
typedef struct HistogramOpInfo
{
	bool reset_collision;	/* one hint says reset, the other not_reset */
	bool bounds_reconciled; /* custom bounds differed */
} HistogramOpInfo;

/* One bucket, bounds worked out. */
typedef struct HistogramBucket
{
	double lower, upper;
	bool lower_inclusive, upper_inclusive;
	double count;
	int32_t index;
} HistogramBucket;

/* --- histogram_bounds.c ----------------------------------------------------------------------- */
/* histogram_bound -- upper bound of exponential bucket index of a schema -4 .. 8. */
extern double histogram_bound(int32_t index, int32_t schema);
/* histogram_upper -- upper bound of positive bucket index of h, exponential or custom. */
extern double histogram_upper(const Histogram *h, int32_t index);

/* --- histogram_math.c --------------------------------------------------------------------------- */
extern bool histogram_is_custom(const Histogram *h);
/* False, and h unchanged: one is exponential, the other custom. */
extern bool histogram_add(Histogram *h, const Histogram *other, HistogramOpInfo *info);
extern bool histogram_sub(Histogram *h, const Histogram *other, HistogramOpInfo *info);
/*
 * histogram_kahan_add -- add with compensation.  *compensation is a histogram of h's layout, made
 * when NULL; the sum is h + *compensation.
 */
extern bool histogram_kahan_add(Histogram *h, const Histogram *other, Histogram **compensation,
								HistogramOpInfo *info);
/* histogram_add_compensation -- what histogram_kahan_add left aside, into h. */
extern void histogram_add_compensation(Histogram *h, const Histogram *compensation);

/* --- histogram_scale.c ------------------------------------------------------------------------ */
extern void histogram_mul(Histogram *h, double factor);
extern void histogram_div(Histogram *h, double divisor);			 /* by 0: no buckets are left */
extern void histogram_compact(Histogram *h);						 /* no empty buckets are left */
extern bool histogram_equal(const Histogram *a, const Histogram *b); /* bitwise, hints ignored */
extern void histogram_free(Histogram *h);							 /* h may be NULL */

/* --- histogram_reset.c ------------------------------------------------------------------------ */
/* histogram_detect_reset -- has the counter begun anew between prev and cur?  Hints come first. */
extern bool histogram_detect_reset(const Histogram *cur, const Histogram *prev);

/* --- histogram_trim.c ------------------------------------------------------------------------- */
/* histogram_trim -- upper: keep the observations below x, else those above. */
extern void histogram_trim(Histogram *h, double x, bool upper);

/* --- histogram_quantile.c ---------------------------------------------------------------------- */
/* Observations of NaN are counted but lie in no bucket: what that did to a result. */
typedef enum HistogramNan
{
	HISTOGRAM_NAN_NONE,
	HISTOGRAM_NAN_RESULT, /* the quantile lies among them: NaN */
	HISTOGRAM_NAN_SKEW	  /* the quantile is higher for them; or: no fraction contains them */
} HistogramNan;
extern double histogram_quantile(const Histogram *h, double q, HistogramNan *nan);
/* histogram_fraction -- of the observations, estimated, in (lower, upper]. */
extern double histogram_fraction(const Histogram *h, double lower, double upper, HistogramNan *nan);
extern double histogram_variance(const Histogram *h);

/* --- histogram_buckets.c ---------------------------------------------------------------------- */
/*
 * histogram_buckets -- all buckets ascending: negative ones, the zero bucket if it is populated,
 * positive ones.  Bounds that overlap the zero bucket are clipped to it.  From the current scope.
 */
extern int histogram_buckets(const Histogram *h, HistogramBucket **out);
/* histogram_text -- `{count:C, sum:S, (lo,hi]:n, ...}` (reference 2.12.8). */
extern void histogram_text(Buf *out, const Histogram *h);

#endif
