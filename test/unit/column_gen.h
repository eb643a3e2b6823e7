/*
 * column_gen.h
 *    Made-up series for the tests of columns: every kind that metrics have, and some they have not.
 */
#ifndef MIMIR_TEST_COLUMN_GEN_H
#define MIMIR_TEST_COLUMN_GEN_H

#include <stdint.h>

typedef enum GenValues
{
	GEN_CONSTANT,
	GEN_STEADY,	  /* a counter that never varies */
	GEN_COUNTER,  /* integer increments, a restart now and then */
	GEN_SLOW,	  /* rarely changes */
	GEN_WALK,	  /* two decimals */
	GEN_DRIFT,	  /* three decimals around a slow wave */
	GEN_PAGES,	  /* multiples of 4096, often unchanged */
	GEN_STATES,	  /* a few distinct doubles */
	GEN_FRACTION, /* random multiples of 2^-53 */
	GEN_SUMS,	  /* nanoseconds summed up as doubles */
	GEN_FLOAT,	  /* a walk that uses all bits */
	GEN_LARGE,	  /* integers beyond 2^53 */
	GEN_SPECIAL,  /* decimals among NaN, infinities, zeros of both signs, staleness */
	GEN_BITS,	  /* any 64 bits */
	GEN_VALUES
} GenValues;

typedef enum GenTimes
{
	GEN_REGULAR,
	GEN_GAPS,
	GEN_JITTER,
	GEN_JITTER_GAPS,
	GEN_SECONDS, /* whole seconds, irregular */
	GEN_ANYTIME,
	GEN_TIMES
} GenTimes;

extern uint64_t gen_random(uint64_t *state);
extern void gen_values(GenValues kind, uint64_t seed, double *v, int n);
extern void gen_times(GenTimes kind, uint64_t seed, int64_t *t, int n);

#endif
