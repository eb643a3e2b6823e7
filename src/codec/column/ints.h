/*
 * ints.h
 *    Sequences of 64-bit integers: what times and values come down to.
 *
 * The writer chooses the predictor and the code that need the fewest bytes.  A sequence does not
 * hold its number of integers; whoever stores it does.  Arithmetic is modulo 2^64.
 *
 * Integers are coded in blocks of INTS_BLOCK, and a reader decodes only the blocks it is asked
 * for; it finds them through a directory of a few bytes each.
 */
#ifndef MIMIR_CODEC_COLUMN_INTS_H
#define MIMIR_CODEC_COLUMN_INTS_H

#include "codec/column/tans.h"
#include "util/buf.h"

#define INTS_BLOCK 1024

/* How the residuals are coded. */
typedef enum IntsCode
{
	INTS_CONSTANT, /* they are all equal */
	INTS_PACKED,   /* bits of one width in each block */
	INTS_TANS,	   /* bins, entropy-coded */
	INTS_SPARSE	   /* one value but for a list of exceptions */
} IntsCode;

extern void ints_encode(const int64_t *y, int n, Buf *out);

/*
 * Predictors.  Coded are residuals r:
 *    order 0   y = r, plus a line if there is a slope
 *    order 1   y = r + level, where level is the integer before
 *    order 2   y = the integer before + r + level, where level is its difference to the one before
 * Damped, level is instead the eighth part of the sum of all r before: the mean of what level would be
 * otherwise, older ones counting less and less.  (The sum s takes r = x - s/8, where x is what is
 * predicted: s moves towards 8x by an eighth of the distance.)
 */
typedef struct IntsState
{
	uint64_t y;		/* the integer before; order 2 only */
	uint64_t level; /* order 1 and 2; eight times it if damped */
} IntsState;

#define INTS_DAMPING 3 /* bits */

/* Where a reader that goes on in sequence stands: before a block. */
typedef struct IntsCursor
{
	int block;
	const uint8_t *p; /* its header */
	IntsState state;  /* before the block before it (block 0: before itself) */
} IntsCursor;

typedef struct IntsReader
{
	int n;
	IntsCode code;
	int order;
	unsigned damping; /* 0, or INTS_DAMPING */
	uint64_t slope;	  /* order 0: of a line that is added, in 1/65536 */
	uint64_t factor;  /* residual = offset + factor * what is coded */
	uint64_t offset;  /* INTS_CONSTANT and INTS_SPARSE: the common residual */
	IntsCursor start;
	const uint8_t *end;
	IntsCursor cursor;
	TansTable *table;		   /* INTS_TANS only, else NULL */
	struct IntsSparse *sparse; /* INTS_SPARSE only, else NULL */
} IntsReader;

extern bool ints_open(IntsReader *r, const uint8_t *p, size_t len, int n);
extern void ints_close(IntsReader *r);
extern bool ints_read(IntsReader *r, int from, int to, int64_t *y);

/* ints_level -- what is predicted from a state's level */
static inline uint64_t
ints_level(uint64_t level, unsigned damping)
{
	return (uint64_t) ((int64_t) level >> damping);
}

/* ints_line -- the line's integer at index i, for a slope in 1/65536 */
static inline uint64_t
ints_line(uint64_t slope, int i)
{
	return (uint64_t) ((int64_t) ((uint64_t) i * slope) >> 16);
}

/* Bits of the first byte. */
#define INTS_CODE_MASK	 0x03
#define INTS_ORDER_SHIFT 2
#define INTS_ORDER_MASK	 0x03
#define INTS_HAS_SLOPE	 0x10
#define INTS_HAS_FACTOR	 0x20
#define INTS_IS_DAMPED	 0x40

#endif
