/*
 * value.h
 *    Sample values and the two NaNs that matter.  Compare bits, never values.
 */
#ifndef MIMIR_MODEL_VALUE_H
#define MIMIR_MODEL_VALUE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VALUE_STALE_BITS UINT64_C(0x7ff0000000000002)
#define VALUE_NAN_BITS	 UINT64_C(0x7ff8000000000001)

static inline uint64_t
value_bits(double v)
{
	uint64_t b;

	memcpy(&b, &v, sizeof(b));
	return b;
}

static inline double
value_from_bits(uint64_t b)
{
	double v;

	memcpy(&v, &b, sizeof(v));
	return v;
}

static inline bool
value_is_stale(double v)
{
	return value_bits(v) == VALUE_STALE_BITS;
}

static inline double
value_nan(void)
{
	return value_from_bits(VALUE_NAN_BITS);
}

#endif
