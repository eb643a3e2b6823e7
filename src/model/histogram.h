/*
 * histogram.h
 *    Native histograms: float form, integer form, and a sample that is one of them.
 *
 * PromQL computes with the float form, whose buckets are absolute counts.  Integer histograms are
 * stored and sent as such, buckets as deltas, so that nothing is lost; histogram_from_int resolves
 * them.  Spans name the buckets: the first offset is the index of the first bucket, a later one
 * the gap behind the span before.
 *
 * A stale histogram has a sum with the stale NaN bits; nothing else of it counts.
 */
#ifndef MIMIR_MODEL_HISTOGRAM_H
#define MIMIR_MODEL_HISTOGRAM_H

#include "model/value.h"
#include "util/buf.h"
#include "util/err.h"

#define HISTOGRAM_CUSTOM_SCHEMA		  (-53)
#define HISTOGRAM_MIN_SCHEMA		  (-4)
#define HISTOGRAM_MAX_SCHEMA		  8
#define HISTOGRAM_MAX_RESERVED_SCHEMA 52 /* accepted and reduced to HISTOGRAM_MAX_SCHEMA */

typedef enum HistogramHint
{
	HISTOGRAM_HINT_UNKNOWN = 0,
	HISTOGRAM_HINT_RESET = 1,
	HISTOGRAM_HINT_NOT_RESET = 2,
	HISTOGRAM_HINT_GAUGE = 3
} HistogramHint;

typedef struct HistogramSpan
{
	int32_t offset;
	uint32_t length;
} HistogramSpan;

/* A float histogram: what PromQL computes with. */
typedef struct Histogram
{
	HistogramHint hint;
	int32_t schema;
	double zero_threshold;
	double zero_count;
	double count;
	double sum;
	int n_pos_spans, n_neg_spans;
	int n_pos, n_neg; /* buckets */
	int n_custom;	  /* upper bounds, +Inf not among them */
	HistogramSpan *pos_spans, *neg_spans;
	double *pos, *neg; /* absolute counts */
	double *custom;
} Histogram;

/* An integer histogram as it is stored and sent. */
typedef struct IntHistogram
{
	HistogramHint hint;
	int32_t schema;
	double zero_threshold;
	uint64_t zero_count;
	uint64_t count;
	double sum;
	int n_pos_spans, n_neg_spans;
	int n_pos, n_neg;
	int n_custom;
	HistogramSpan *pos_spans, *neg_spans;
	int64_t *pos, *neg; /* deltas: first absolute, each next relative to the bucket before */
	double *custom;
} IntHistogram;

/* One histogram sample on its way in or out of storage: exactly one of i and f is set. */
typedef struct HistogramSample
{
	int64_t t; /* ms */
	IntHistogram *i;
	Histogram *f;
} HistogramSample;

/* What is fixed about the buckets of a histogram; a view that owns nothing. */
typedef struct HistogramLayout
{
	int32_t schema;
	double zero_threshold;
	int n_pos_spans, n_neg_spans, n_custom;
	const HistogramSpan *pos_spans, *neg_spans;
	const double *custom;
} HistogramLayout;

/* --- model/histogram_form.c: forms, no arithmetic ------------------------------------------ */
extern Histogram *histogram_copy(const Histogram *h); /* all from mem_alloc */
extern Histogram *histogram_from_int(const IntHistogram *ih);
extern bool histogram_is_stale(const Histogram *h);
extern bool histogram_sample_is_stale(const HistogramSample *s);
extern HistogramLayout histogram_sample_layout(const HistogramSample *s);

/*
 * Self-contained binary form (docs/formats.md), used by the ingest log, open head chunks and the
 * SQL type.  put appends; get parses hostile bytes, allocates with mem_alloc, returns the
 * byte after or NULL.
 */
extern void histogram_sample_put(Buf *out, const HistogramSample *s); /* without t */
extern const uint8_t *histogram_sample_get(const uint8_t *p, const uint8_t *end,
										   HistogramSample *s);
extern bool histogram_sample_equal(const HistogramSample *a, const HistogramSample *b);

/* --- model/histogram_notation.c -------------------------------------------------------------- */
/* The notation of the test language, {{schema:1 count:2 ...}}; reading back gives the same. */
extern void histogram_sample_text(Buf *out, const HistogramSample *s);
extern bool histogram_sample_parse(const char *text, size_t len, HistogramSample *out, Err *err);
/*
 * histogram_sample_normalize -- one of the forms that mean the same, in place: the samples of a
 * chunk share spans, so copy one before.
 */
extern bool histogram_sample_is_normal(const HistogramSample *s);
extern void histogram_sample_normalize(HistogramSample *s);

/* --- model/histogram_validate.c ------------------------------------------------------------- */
/* Validation on ingestion (reference 3.5); false fills err with Prometheus' text. */
extern bool histogram_validate(const Histogram *h, Err *err);
extern bool histogram_validate_int(const IntHistogram *h, Err *err);

#define HISTOGRAM_MAX_BUCKETS 200000 /* of one side: a bound for what is read from bytes */

/*
 * Bucket indexes go from -HISTOGRAM_MAX_INDEX to HISTOGRAM_MAX_INDEX, so that their differences and
 * neighbours are ints, too.  The largest double falls into bucket 2^18 of schema 8.
 */
#define HISTOGRAM_MAX_INDEX (1 << 30)

/* histogram_layout_check -- is a layout read from bytes one that others can work with? */
extern bool histogram_layout_check(const HistogramLayout *l, int *n_pos, int *n_neg);

/* --- model/histogram_reduce.c ---------------------------------------------------------------- */
/* Merge buckets down to a lower schema; schemas 9..52 are reduced to 8 on the way in. */
extern void histogram_reduce_int(IntHistogram *h, int32_t schema);
extern void histogram_reduce(Histogram *h, int32_t schema);

/* --- model/histogram_math.c and friends: owned by the evaluator's needs -------------------- */
/* declared in model/histogram_math.h */

#endif
