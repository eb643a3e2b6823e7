/*
 * histogram_gen.h
 *    Native histograms for tests: from literals and at random.
 */
#ifndef MIMIR_TEST_HISTOGRAM_GEN_H
#define MIMIR_TEST_HISTOGRAM_GEN_H

#include "model/histogram.h"

/* A xorshift generator: the same numbers on every machine. */
static inline uint64_t
gen_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#define GEN_BUCKETS 24 /* of one side */

/* A growing histogram: absolute counts of buckets first .. first + GEN_BUCKETS - 1. */
typedef struct GenState
{
	uint64_t random;
	int32_t schema; /* HISTOGRAM_CUSTOM_SCHEMA: bounds 1, 2, 3, ... */
	int32_t first;
	uint64_t pos[GEN_BUCKETS], neg[GEN_BUCKETS], zero;
	double sum;
} GenState;

extern void gen_observe(GenState *g, int n, int spread);
extern HistogramSample gen_sample(GenState *g, int64_t t, bool is_float, bool empty_buckets);
extern HistogramSample gen_stale(int64_t t, bool is_float);
/* gen_count -- count of the bucket of a sample by side and index; 0 if it has none. */
extern double gen_count(const HistogramSample *s, bool negative, int32_t index);

#endif
