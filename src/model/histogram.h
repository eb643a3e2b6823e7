/*
 * histogram.h
 *    Native histograms: one struct for integer and float form, exponential and custom buckets.
 *
 * Buckets are absolute counts as doubles in both forms (the integer form's deltas are resolved
 * on the way in; is_float remembers which chunk encoding and wire form they came from.  Counts
 * above 2^53 of the integer form lose precision exactly as Prometheus' own evaluation does;
 * storage keeps count, zero_count and buckets of the integer form in the *_int arrays).
 *
 * A stale histogram has a sum with the stale NaN bits.
 */
#ifndef MIMIR_MODEL_HISTOGRAM_H
#define MIMIR_MODEL_HISTOGRAM_H

#include "model/value.h"
#include "util/buf.h"
#include "util/err.h"

#define HISTOGRAM_CUSTOM_SCHEMA (-53)

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

/* --- model/histogram_form.c: forms, no arithmetic ------------------------------------------ */
extern Histogram *histogram_copy(const Histogram *h); /* all from mem_alloc */
extern Histogram *histogram_from_int(const IntHistogram *ih);
extern bool histogram_is_stale(const Histogram *h);

/* Validation on ingestion (reference 3.5); false fills err with Prometheus' text. */
extern bool histogram_validate(const Histogram *h, Err *err);
extern bool histogram_validate_int(const IntHistogram *h, Err *err);
/* Schemas 9..52 are reduced to 8 on the way in. */
extern void histogram_reduce_int(IntHistogram *h, int32_t schema);
extern void histogram_reduce(Histogram *h, int32_t schema);

/*
 * Self-contained binary form (docs/formats.md), used by the ingest log, open head chunks and the
 * SQL type.  put appends; get parses hostile bytes, allocates with mem_alloc, returns the
 * byte after or NULL.
 */
extern void histogram_sample_put(Buf *out, const HistogramSample *s); /* without t */
extern const uint8_t *histogram_sample_get(const uint8_t *p, const uint8_t *end,
										   HistogramSample *s);
extern bool histogram_sample_equal(const HistogramSample *a, const HistogramSample *b);

/* --- model/histogram_math.c and friends: owned by the evaluator's needs -------------------- */
/* declared in model/histogram_math.h */

#endif
