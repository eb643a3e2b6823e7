/*
 * column_gen.c
 *    Made-up series for the tests of columns.
 */
#include "column_gen.h"

#include "model/value.h"

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators") */
uint64_t
gen_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

static double
uniform(uint64_t *state)
{
	return (double) (gen_random(state) >> 11) / 9007199254740992.0;
}

static double
special(uint64_t *state)
{
	static const uint64_t bits[] = {VALUE_STALE_BITS,
									VALUE_NAN_BITS,
									UINT64_C(0x8000000000000000),
									UINT64_C(0x7ff0000000000000),
									UINT64_C(0xfff0000000000000),
									UINT64_C(0xffffffffffffffff),
									1,
									0};

	return value_from_bits(bits[gen_random(state) % 8]);
}

/* The next value of a kind from the one before; x is the kind's own state. */
static double
next_value(GenValues kind, uint64_t *state, double *x, int i)
{
	static const double states[] = {1.0 / 3, -7.25e-200, 1e17 / 7, 5e300};
	uint64_t r = gen_random(state);

	switch (kind)
	{
		case GEN_CONSTANT:
			return *x;
		case GEN_STEADY:
			return *x += 7;
		case GEN_COUNTER:
			*x = r % 2000 == 0 ? 0 : *x + floor(40 * uniform(state));
			return *x;
		case GEN_SLOW:
			return *x += r % 40 == 0 ? (double) (r >> 20 & 1) * 2 - 1 : 0;
		case GEN_WALK:
			*x += (double) (r % 21) - 10;
			return *x / 100;
		case GEN_DRIFT:
			return floor(50000 + 20000 * sin(i / 300.0) + (double) (r % 100)) / 1000;
		case GEN_PAGES:
			*x += r % 4 == 0 ? (double) (r >> 20 & 1023) - 500 : 0;
			return *x * 4096;
		case GEN_STATES:
			return states[r % 4];
		case GEN_FRACTION:
			return uniform(state);
		case GEN_SUMS:
			return *x += floor(1e7 * uniform(state)) / 1e9;
		case GEN_FLOAT:
			return *x += uniform(state) - 0.5;
		case GEN_LARGE:
			return *x += 0x1p70 * (double) (r >> 50);
		case GEN_SPECIAL:
			return r % 8 == 0 ? special(state) : (double) (r >> 40 & 1023) / 10;
		default:
			return value_from_bits(r);
	}
}

void
gen_values(GenValues kind, uint64_t seed, double *v, int n)
{
	uint64_t state = seed * 2 + 1;
	double x = floor(uniform(&state) * 1e6);

	for (int i = 0; i < n; i++)
		v[i] = next_value(kind, &state, &x, i);
}

void
gen_times(GenTimes kind, uint64_t seed, int64_t *t, int n)
{
	uint64_t state = seed * 2 + 1;
	int64_t now = 1700000000000 + (int64_t) (gen_random(&state) % 15000);

	for (int i = 0; i < n; i++)
	{
		uint64_t r = gen_random(&state);

		if ((kind == GEN_GAPS || kind == GEN_JITTER_GAPS) && r % 200 == 0)
			now += 15000 * (int64_t) (r >> 20 & 63);
		t[i] = now;
		if (kind == GEN_JITTER || kind == GEN_JITTER_GAPS)
			t[i] += (int64_t) (r >> 40 & 7) - 4;
		if (kind == GEN_SECONDS)
			now += 1000 * (1 + (int64_t) (r >> 40 & 31));
		else if (kind == GEN_ANYTIME)
			now += 1 + (int64_t) (r >> (20 + (r & 31)));
		else
			now += 15000;
	}
}
