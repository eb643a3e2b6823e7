/*
 * ints_encode.c
 *    Sequences of integers: choosing a code, writing.
 *
 * Call tree:
 *    ints_encode
 *      difference          residuals of one predictor
 *      plan                the cheapest code for them: constant, packed, bins, sparse
 *        tans_fit
 *        plan_sparse       encodes the two lists, which gives their size
 *      emit
 *
 * All predictors that promise to be near the best are planned: what an entropy coder makes of
 * residuals is not seen from their size.  Costs are in bits.
 */
#include "codec/column/ints.h"

#include "util/mem.h"
#include "util/varint.h"

#include <assert.h>
#include <stdlib.h>

typedef struct Predictor
{
	int order;
	unsigned damping;
	uint64_t slope;
	IntsState start;
} Predictor;

typedef struct Plan
{
	uint64_t bits;
	IntsCode code;
	uint64_t factor;
	int64_t offset;
	int exceptions;
	Buf gaps; /* INTS_SPARSE: the lists, encoded */
	Buf values;
	TansModel model;
} Plan;

/* Memory for one sequence, reused for all predictors. */
typedef struct Scratch
{
	int64_t *v;		 /* residuals */
	int64_t *sorted; /* and in order */
	int64_t *spare;
} Scratch;

static unsigned
uvarint_bits(uint64_t v)
{
	return (bit_width(v | 1) + 6) / 7 * 8;
}

static unsigned
varint_bits(int64_t v)
{
	return uvarint_bits(varint_zigzag(v));
}

static int
block_count(int n)
{
	return (n + INTS_BLOCK - 1) / INTS_BLOCK;
}

static int
block_size(int n, int block)
{
	return n - block * INTS_BLOCK < INTS_BLOCK ? n - block * INTS_BLOCK : INTS_BLOCK;
}

/* --- predictors ---------------------------------------------------------------------------- */

/* line_slope -- of the line from the first integer to the last, in 1/65536; 0 if it is too steep */
static uint64_t
line_slope(const int64_t *y, int n)
{
	int64_t rise = (int64_t) ((uint64_t) y[n - 1] - (uint64_t) y[0]), slope;

	if (rise > INT64_MAX >> 17 || rise < INT64_MIN >> 17)
		return 0;
	slope = rise * 65536 / (n - 1);
	/* whole steps where that is all there is to it */
	if ((slope + 32768) >> 16 != 0 && llabs(rise - ((slope + 32768) >> 16) * (n - 1)) <= n / 8)
		slope = ((slope + 32768) >> 16) * 65536;
	return (uint64_t) slope;
}

/*
 * difference -- residuals of n integers of y, and the state before the first one.
 *
 * The first residuals of orders 1 and 2, which nothing comes before, are made equal to the next.
 */
static void
difference(const int64_t *y, int from, int n, Predictor *p, int64_t *v)
{
	uint64_t level;

	y += from;
	if (p->order == 0)
	{
		for (int i = 0; i < n; i++)
			v[i] = (int64_t) ((uint64_t) y[i] - ints_line(p->slope, from + i));
		return;
	}
	if (p->order == 2)
	{
		assert(n >= 3);
		for (int i = 1; i < n; i++)
			v[i] = (int64_t) ((uint64_t) y[i] - (uint64_t) y[i - 1]);
		level =
			2 * (uint64_t) v[1] - (uint64_t) v[2]; /* as if the difference had always changed so */
		v[0] = (int64_t) level;
		p->start.y = (uint64_t) y[0] - level;
		level -= (uint64_t) v[2] - (uint64_t) v[1];
		y = v;
	}
	else
		level = n > 1 ? 2 * (uint64_t) y[0] - (uint64_t) y[1] : (uint64_t) y[0];
	level <<= p->damping;
	p->start.level = level;
	for (int i = 0; i < n; i++)
	{
		v[i] = (int64_t) ((uint64_t) y[i] - ints_level(level, p->damping));
		level += (uint64_t) v[i];
	}
}

static unsigned
predictor_bits(const Predictor *p)
{
	unsigned bits = 8;

	if (p->slope != 0)
		bits += varint_bits((int64_t) p->slope);
	if (p->order == 2)
		bits += varint_bits((int64_t) p->start.y);
	if (p->order >= 1)
		bits += varint_bits((int64_t) p->start.level);
	return bits;
}

/* --- sorting ------------------------------------------------------------------------------- */

static void
block_range(const int64_t *v, int n, int64_t *min, int64_t *max)
{
	*min = *max = v[0];
	for (int i = 1; i < n; i++)
	{
		*min = v[i] < *min ? v[i] : *min;
		*max = v[i] > *max ? v[i] : *max;
	}
}

#define DIGIT_BITS 11

/* sort -- ascending, by digits from the lowest on, of what the values are above the least one */
static void
sort(const int64_t *v, int n, int64_t *out, int64_t *spare)
{
	int64_t min, max, *from = out, *to = spare;
	unsigned bits, passes, digit;

	block_range(v, n, &min, &max);
	bits = bit_width((uint64_t) max - (uint64_t) min);
	passes = (bits + DIGIT_BITS - 1) / DIGIT_BITS;
	digit = passes > 0 ? (bits + passes - 1) / passes : 0;
	memcpy(out, v, sizeof(*v) * (size_t) n);
	for (unsigned shift = 0; shift < bits; shift += digit)
	{
		int count[1 << DIGIT_BITS], at = 0;
		uint64_t mask = low_mask(digit);
		int64_t *swap = from;

		memset(count, 0, sizeof(*count) << digit);
		for (int i = 0; i < n; i++)
			count[((uint64_t) from[i] - (uint64_t) min) >> shift & mask]++;
		for (int d = 0; d < 1 << digit; d++)
		{
			int c = count[d];

			count[d] = at;
			at += c;
		}
		for (int i = 0; i < n; i++)
			to[count[((uint64_t) from[i] - (uint64_t) min) >> shift & mask]++] = from[i];
		from = to;
		to = swap;
	}
	if (from != out)
		memcpy(out, from, sizeof(*v) * (size_t) n);
}

/* --- codes --------------------------------------------------------------------------------- */

/* divide -- residuals to what is coded */
static void
divide(int64_t *v, int n, const Plan *p)
{
	if (p->factor > 1)
		for (int i = 0; i < n; i++)
			v[i] = (int64_t) (((uint64_t) v[i] - (uint64_t) p->offset) / p->factor);
}

/* take_factor -- divide the residuals by their common factor, if there is one */
static void
take_factor(int64_t *v, int n, Plan *p)
{
	uint64_t g = 0;
	int64_t least = v[0];

	p->factor = 1;
	p->offset = 0;
	for (int i = 1; i < n && g != 1; i++)
	{
		uint64_t a = g, b = (uint64_t) v[i] - (uint64_t) v[0];

		if (v[i] < v[0])
			b = -b;
		while (b != 0)
		{
			uint64_t rest = a % b;

			a = b;
			b = rest;
		}
		g = a;
		least = v[i] < least ? v[i] : least;
	}
	if (g <= 1)
		return;
	p->factor = g;
	p->offset = least;
	divide(v, n, p);
}

/* packed_width -- bits of a block's packed integers, and what is taken off them beforehand */
static unsigned
packed_width(const int64_t *v, int n, int64_t *least)
{
	int64_t max;
	unsigned width;

	block_range(v, n, least, &max);
	width = bit_width((uint64_t) max - (uint64_t) *least);
	if (width == 64)
		*least = 0;
	return width;
}

static uint64_t
packed_bits(const int64_t *v, int n)
{
	uint64_t bits = 0;

	for (int b = 0; b < block_count(n); b++)
	{
		int count = block_size(n, b);
		int64_t least;
		unsigned width = packed_width(v + b * INTS_BLOCK, count, &least);

		bits += 8 + varint_bits(least) + 8 * bitpack_size(count, width);
	}
	return bits;
}

/* tans_block_bits -- what blocks cost besides bins and places: lengths, states, less what states tell */
static uint64_t
tans_block_bits(int n, const TansModel *m)
{
	return (uint64_t) block_count(n) * (16 + 4 + (n >= 256 ? 4 : 1) * (m->log / 2));
}

/* majority -- the value that more than half of the values have, if there is one; its count */
static int
majority(const int64_t *v, int n, int64_t *value)
{
	int lead = 0, count = 0;

	for (int i = 0; i < n; i++)
	{
		if (lead == 0)
			*value = v[i];
		lead += v[i] == *value ? 1 : -1;
	}
	for (int i = 0; i < n; i++)
		count += v[i] == *value;
	return count;
}

static void encode(const int64_t *y, int n, Buf *out, bool nested);

/* plan_sparse -- the lists of exceptions to the value common, encoded */
static void
plan_sparse(const int64_t *v, int n, int64_t common, int exceptions, Plan *best)
{
	int64_t *gaps = mem_alloc(sizeof(*gaps) * (size_t) exceptions);
	int64_t *values = mem_alloc(sizeof(*values) * (size_t) exceptions);
	int k = 0, last = -1;
	Plan p = {.code = INTS_SPARSE, .factor = 1, .offset = common, .exceptions = exceptions};

	for (int i = 0; i < n; i++)
		if (v[i] != common)
		{
			gaps[k] = i - last - 1;
			values[k++] = v[i];
			last = i;
		}
	assert(k == exceptions);
	buf_init(&p.gaps, 64, SIZE_MAX / 2);
	buf_init(&p.values, 64, SIZE_MAX / 2);
	encode(gaps, k, &p.gaps, true);
	encode(values, k, &p.values, true);
	p.bits = 8 * (p.gaps.len + p.values.len) + varint_bits(common) + uvarint_bits((uint64_t) k) +
			 uvarint_bits(p.gaps.len);
	mem_free(gaps);
	mem_free(values);
	if (p.bits < best->bits)
		*best = p;
	else
	{
		buf_free(&p.gaps);
		buf_free(&p.values);
	}
}

static void
plan_free(Plan *p)
{
	if (p->code == INTS_SPARSE)
	{
		buf_free(&p->gaps);
		buf_free(&p->values);
	}
}

/* Fewer integers than this are not worth a model. */
#define TANS_MIN_N 24

/*
 * plan -- the cheapest code for residuals s->v, which are divided by a common factor on the way
 *
 * A list of exceptions has none itself; damped predictors know nothing of common residuals.
 */
static void
plan(Scratch *s, int n, const Predictor *q, uint64_t estimated, bool nested, Plan *p)
{
	int64_t min, max, common;
	uint64_t slow = 0;
	int count;
	Plan sparse = {.bits = UINT64_MAX};

	block_range(s->v, n, &min, &max);
	if (min == max && q->damping == 0)
	{
		*p = (Plan){.bits = varint_bits(min), .code = INTS_CONSTANT, .offset = min, .factor = 1};
		return;
	}
	count = majority(s->v, n, &common);
	if (!nested && q->damping == 0 && n >= 8 && n - count <= n / 4)
		plan_sparse(s->v, n, common, n - count, &sparse);

	p->code = INTS_PACKED;
	take_factor(s->v, n, p);
	p->bits = packed_bits(s->v, n);
	if (n >= TANS_MIN_N && estimated < p->bits)
	{
		uint64_t bits;

		sort(s->v, n, s->sorted, s->spare);
		bits = tans_fit(&p->model, s->sorted, n) + tans_block_bits(n, &p->model);
		if (bits + bits / 64 < p->bits)
		{
			p->code = INTS_TANS;
			p->bits = bits;
		}
	}
	if (p->factor > 1)
		p->bits += uvarint_bits(p->factor) + varint_bits(p->offset);
	/* an exception takes the time of some ten residuals */
	if (sparse.bits != UINT64_MAX && n - count > n / 32)
		slow = sparse.bits / 32;
	if (sparse.bits != UINT64_MAX && sparse.bits + slow < p->bits)
		*p = sparse;
	else if (sparse.bits != UINT64_MAX)
		plan_free(&sparse);
}

/* --- writing ------------------------------------------------------------------------------- */

/* put_state -- where the predictor stands before a block, relative to the block before */
static void
put_state(const Predictor *q, const IntsState *before, const IntsState *state, Buf *out)
{
	if (q->order == 2)
		buf_varint(out, (int64_t) (state->y - before->y -
								   ints_level(before->level, q->damping) * INTS_BLOCK));
	if (q->order >= 1)
		buf_varint(out, (int64_t) (state->level - before->level));
}

static void
put_packed(const int64_t *v, int n, Buf *out)
{
	uint64_t packed[INTS_BLOCK];
	uint8_t bytes[INTS_BLOCK * 8 + 8];
	int64_t least;
	unsigned width = packed_width(v, n, &least);

	for (int i = 0; i < n; i++)
		packed[i] = (uint64_t) v[i] - (uint64_t) least;
	buf_char(out, (char) width);
	buf_varint(out, least);
	buf_append(out, bytes, (size_t) (bitpack_put(bytes, packed, n, width) - bytes));
}

static void
put_tans(const TansEncoder *encoder, const int64_t *v, int n, Buf *out)
{
	uint8_t bytes[TANS_BLOCK_BYTES(INTS_BLOCK)];
	size_t len = (size_t) (tans_put(encoder, bytes, v, n) - bytes);

	buf_uvarint(out, len);
	buf_append(out, bytes, len);
}

/* emit_blocks -- for INTS_PACKED and INTS_TANS; y are the integers, v what is coded for them */
static void
emit_blocks(const int64_t *y, const int64_t *v, int n, const Predictor *q, const Plan *p, Buf *out)
{
	TansEncoder *encoder = NULL;
	IntsState before, state = q->start;

	if (p->code == INTS_TANS)
	{
		encoder = mem_alloc(sizeof(*encoder));
		tans_encoder_init(encoder, &p->model);
	}
	for (int b = 0; b < block_count(n); b++)
	{
		int first = b * INTS_BLOCK, count = block_size(n, b);

		if (b > 0)
			put_state(q, &before, &state, out);
		if (p->code == INTS_PACKED)
			put_packed(v + first, count, out);
		else
			put_tans(encoder, v + first, count, out);
		before = state;
		for (int i = first; i < first + count; i++)
			state.level += (uint64_t) p->offset + p->factor * (uint64_t) v[i];
		state.y = (uint64_t) y[first + count - 1];
	}
	mem_free(encoder);
}

static void
emit(const int64_t *y, const int64_t *v, int n, const Predictor *q, const Plan *p, Buf *out)
{
	unsigned head = p->code | (unsigned) q->order << INTS_ORDER_SHIFT;

	head |= q->slope != 0 ? INTS_HAS_SLOPE : 0;
	head |= p->factor > 1 ? INTS_HAS_FACTOR : 0;
	head |= q->damping != 0 ? INTS_IS_DAMPED : 0;
	buf_char(out, (char) head);
	if (q->slope != 0)
		buf_varint(out, (int64_t) q->slope);
	if (q->order == 2)
		buf_varint(out, (int64_t) q->start.y);
	if (q->order >= 1)
		buf_varint(out, (int64_t) q->start.level);
	if (p->factor > 1)
		buf_uvarint(out, p->factor);
	if (p->factor > 1 || p->code == INTS_CONSTANT || p->code == INTS_SPARSE)
		buf_varint(out, p->offset);
	if (p->code == INTS_SPARSE)
	{
		buf_uvarint(out, (uint64_t) p->exceptions);
		buf_uvarint(out, p->gaps.len);
		buf_append(out, p->gaps.data, p->gaps.len);
		buf_append(out, p->values.data, p->values.len);
	}
	else if (p->code != INTS_CONSTANT)
	{
		if (p->code == INTS_TANS)
		{
			uint8_t header[TANS_MODEL_BYTES];

			buf_append(out, header, (size_t) (tans_put_model(header, &p->model) - header));
		}
		emit_blocks(y, v, n, q, p, out);
	}
}

/*
 * Integers that are looked at to choose a predictor: many short runs, as a run knows nothing of
 * how things are elsewhere; the first ones of a run let a damped predictor settle.
 */
#define SAMPLE_RUNS 16
#define SAMPLE_RUN	32
#define SETTLE		32
#define SAMPLE		(SAMPLE_RUNS * SAMPLE_RUN)

/* estimate -- the bits that the residuals would need, near enough to compare predictors */
static uint64_t
estimate(const int64_t *y, int n, Predictor *p)
{
	int64_t sample[SAMPLE + SETTLE], sorted[SAMPLE], spare[SAMPLE];
	int count = n;

	if (n <= SAMPLE)
		difference(y, 0, n, p, sample);
	else
	{
		int64_t stride = (n - SAMPLE_RUN - SETTLE) / (SAMPLE_RUNS - 1);

		count = SAMPLE;
		for (int i = 0; i < SAMPLE_RUNS; i++)
		{
			int64_t *to = sample + i * SAMPLE_RUN;

			difference(y, (int) (i * stride), SAMPLE_RUN + SETTLE, p, to);
			memmove(to, to + SETTLE, SAMPLE_RUN * sizeof(*to));
		}
	}
	sort(sample, count, sorted, spare);
	return tans_estimate(sorted, count) * (uint64_t) n / (uint64_t) count;
}

static bool
is_constant(const int64_t *y, int n)
{
	int i = 1;

	while (i < n && y[i] == y[0])
		i++;
	return i == n;
}

#define MAX_PREDICTORS 6
#define DAMPED_MIN_N   64 /* means of fewer integers tell little */

/* choose_predictors -- those that may be the best; their number */
static int
choose_predictors(const int64_t *y, int n, Predictor *chosen, uint64_t *estimates)
{
	Predictor all[MAX_PREDICTORS] = {{.order = 0}, {.order = 1}, {.order = 2}};
	uint64_t bits[MAX_PREDICTORS], best = UINT64_MAX;
	int count = n < 3 ? n : 3, k = 0;

	if (is_constant(y, n))
	{
		chosen[0] = all[0];
		estimates[0] = 0;
		return 1;
	}
	if (n > 3 && line_slope(y, n) != 0)
		all[count++] = (Predictor){.order = 0, .slope = line_slope(y, n)};
	if (n >= DAMPED_MIN_N)
	{
		all[count++] = (Predictor){.order = 1, .damping = INTS_DAMPING};
		all[count++] = (Predictor){.order = 2, .damping = INTS_DAMPING};
	}
	for (int i = 0; i < count; i++)
	{
		bits[i] = estimate(y, n, &all[i]);
		best = bits[i] < best ? bits[i] : best;
	}
	for (int i = 0; i < count; i++)
		if (bits[i] <= best + best / 16 + 8)
		{
			chosen[k] = all[i];
			estimates[k++] = bits[i];
		}
	return k;
}

/* encode -- ints_encode; a nested sequence is a list of another one's exceptions. */
static void
encode(const int64_t *y, int n, Buf *out, bool nested)
{
	Scratch s;
	Predictor best, chosen[MAX_PREDICTORS];
	Plan best_plan = {.bits = UINT64_MAX};
	uint64_t estimates[MAX_PREDICTORS];
	int count;

	assert(n >= 1);
	s.v = mem_alloc(sizeof(*s.v) * (size_t) n * 3);
	s.sorted = s.v + n;
	s.spare = s.sorted + n;
	count = choose_predictors(y, n, chosen, estimates);
	for (int i = 0; i < count; i++)
	{
		Plan p;

		difference(y, 0, n, &chosen[i], s.v);
		plan(&s, n, &chosen[i], estimates[i], nested, &p);
		p.bits += predictor_bits(&chosen[i]);
		if (p.bits >= best_plan.bits)
		{
			plan_free(&p);
			continue;
		}
		if (i > 0)
			plan_free(&best_plan);
		best_plan = p;
		best = chosen[i];
	}
	difference(y, 0, n, &best, s.v);
	divide(s.v, n, &best_plan);
	emit(y, s.v, n, &best, &best_plan, out);
	plan_free(&best_plan);
	mem_free(s.v);
}

/* ints_encode -- append the sequence of n (>= 1) integers to out. */
void
ints_encode(const int64_t *y, int n, Buf *out)
{
	encode(y, n, out, false);
}
