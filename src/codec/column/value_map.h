/*
 * value_map.h
 *    Doubles as integers: the mappings of value columns.
 */
#ifndef MIMIR_CODEC_COLUMN_VALUE_MAP_H
#define MIMIR_CODEC_COLUMN_VALUE_MAP_H

#include "model/value.h"

typedef enum ValueKind
{
	VALUE_DECIMAL, /* m / 10^digits */
	VALUE_BINARY,  /* m * 2^-scale */
	VALUE_ORDERED, /* m: the bits, made to ascend with the value */
	VALUE_DRIFTED  /* m / 10^digits, and some steps to the next doubles */
} ValueKind;

#define VALUE_MAX_DIGITS 18
#define VALUE_MAX_SCALE	 1074 /* of the smallest double */
#define VALUE_MIN_SCALE	 (-1023)

/* --- choosing and mapping ------------------------------------------------------------------ */

/* A mapping of values that are being encoded: init, then next until it says false, then free. */
typedef struct ValueMapping
{
	const double *v;
	int n;
	int tried; /* mappings given so far, as bits 1 << kind */

	ValueKind kind;
	unsigned digits; /* decimal, drifted */
	int scale;		 /* binary */
	int64_t *ints;	 /* n */
	int64_t *drift;	 /* n, drifted only */
	int exceptions;
	int *places; /* of the exceptions, ascending */
} ValueMapping;

extern void value_mapping_init(ValueMapping *m, const double *v, int n);
extern bool value_mapping_next(ValueMapping *m);
extern void value_mapping_free(ValueMapping *m);

/* --- and back ------------------------------------------------------------------------------ */

extern void value_from_decimal(const int64_t *m, int n, unsigned digits, double *v);
extern void value_from_drifted(const int64_t *m, const int64_t *drift, int n, unsigned digits,
							   double *v);
extern void value_from_binary(const int64_t *m, int n, int scale, double *v);
extern void value_from_ordered(const int64_t *m, int n, double *v);

/* value_order -- the bits of v as an integer that ascends with v: -0 is -1, NaN beyond infinity. */
static inline int64_t
value_order(double v)
{
	uint64_t b = value_bits(v);

	return (int64_t) (b ^ (b >> 63 != 0 ? UINT64_MAX >> 1 : 0));
}

static inline double
value_unorder(int64_t m)
{
	uint64_t b = (uint64_t) m;

	return value_from_bits(b ^ (b >> 63 != 0 ? UINT64_MAX >> 1 : 0));
}

#endif
