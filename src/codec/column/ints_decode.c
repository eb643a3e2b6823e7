/*
 * ints_decode.c
 *    Sequences of integers: reading.
 *
 * A block is decoded in steps of one loop each over a buffer in the level-1 cache: residuals, factor,
 * sums.  What leads to a block in the middle are the headers of the blocks before it, each
 * telling where the predictor stands and how long the block is.
 *
 * Trust: the bytes are input.  Every read is bounded, arithmetic wraps around, and work is
 * bounded by the number of integers asked for plus the number of blocks or exceptions before.
 */
#include "codec/column/ints.h"

#include "util/mem.h"
#include "util/varint.h"

#include <assert.h>
#include <limits.h>

/* varint -- a signed one, as a number modulo 2^64 */
static const uint8_t *
get_varint(const uint8_t *p, const uint8_t *end, uint64_t *v)
{
	p = varint_get(p, end, v);
	*v = p != NULL ? (uint64_t) varint_unzigzag(*v) : 0;
	return p;
}

/* --- opening ------------------------------------------------------------------------------- */

/* A sequence with exceptions: their list, read a block at a time, and where reading stands. */
typedef struct IntsSparse
{
	IntsReader gaps; /* residuals between the exceptions */
	IntsReader values;
	int n;		/* exceptions in the list */
	int loaded; /* of them, so far; the last block of them is in gap and value */
	int next;	/* the one to come */

	int place;		  /* index of the next exception, or the sequence's length */
	int64_t residual; /* and its residual */
	int at;			  /* index of the next integer */
	IntsState state;  /* before it */

	int64_t gap[INTS_BLOCK];
	int64_t value[INTS_BLOCK];
} IntsSparse;

static bool open_reader(IntsReader *r, const uint8_t *p, size_t len, int n, bool nested);

/* open_sparse -- the part of the header that only INTS_SPARSE has, and the lists */
static bool
open_sparse(IntsReader *r, const uint8_t *p)
{
	uint64_t exceptions, bytes;
	IntsSparse *s;

	p = varint_get(p, r->end, &exceptions);
	if (p == NULL || exceptions < 1 || exceptions > (uint64_t) r->n)
		return false;
	p = varint_get(p, r->end, &bytes);
	if (p == NULL || bytes > (size_t) (r->end - p))
		return false;
	r->sparse = s = mem_alloc(sizeof(*s));
	s->n = (int) exceptions;
	s->gaps = s->values = (IntsReader){0};
	s->at = INT_MAX; /* nowhere yet */
	return open_reader(&s->gaps, p, (size_t) bytes, s->n, true) &&
		   open_reader(&s->values, p + bytes, (size_t) (r->end - p) - (size_t) bytes, s->n, true);
}

static bool
open_tans(IntsReader *r, const uint8_t *p)
{
	TansModel model;

	p = tans_get_model(p, r->end, &model);
	if (p == NULL)
		return false;
	r->table = tans_table_create(&model);
	r->start.p = p;
	return true;
}

/* open_code -- what the header has behind the predictor */
static bool
open_code(IntsReader *r, const uint8_t *p, bool has_factor, bool nested)
{
	if (has_factor)
		p = varint_get(p, r->end, &r->factor);
	if (p != NULL && (has_factor || r->code == INTS_CONSTANT || r->code == INTS_SPARSE))
		p = get_varint(p, r->end, &r->offset);
	if (p == NULL)
		return false;
	r->start.p = p;
	switch (r->code)
	{
		case INTS_CONSTANT:
			return p == r->end;
		case INTS_PACKED:
			return true;
		case INTS_TANS:
			return open_tans(r, p);
		case INTS_SPARSE:
			return !nested && open_sparse(r, p);
	}
	return false;
}

static bool
open_reader(IntsReader *r, const uint8_t *p, size_t len, int n, bool nested)
{
	uint8_t head;
	bool ok;

	*r = (IntsReader){.n = n, .factor = 1};
	if (len < 1)
		return false;
	head = *p++;
	r->end = p + len - 1;
	r->code = (IntsCode) (head & INTS_CODE_MASK);
	r->order = head >> INTS_ORDER_SHIFT & INTS_ORDER_MASK;
	r->damping = head & INTS_IS_DAMPED ? INTS_DAMPING : 0;
	if (r->order > 2 || head >= INTS_IS_DAMPED << 1 || (r->order > 0 && head & INTS_HAS_SLOPE) ||
		(r->damping != 0 && (r->code == INTS_CONSTANT || r->code == INTS_SPARSE)))
		return false;
	if (head & INTS_HAS_SLOPE)
		p = get_varint(p, r->end, &r->slope);
	if (p != NULL && r->order == 2)
		p = get_varint(p, r->end, &r->start.state.y);
	if (p != NULL && r->order >= 1)
		p = get_varint(p, r->end, &r->start.state.level);
	ok = p != NULL && open_code(r, p, (head & INTS_HAS_FACTOR) != 0, nested);
	r->cursor = r->start;
	return ok;
}

/*
 * ints_open -- read the header of the sequence of n (>= 1) integers that fills [p, p + len).
 *
 * The bytes must stay while the reader is used.  Returns false if the header is malformed; even
 * then ints_close frees what the reader holds.
 */
bool
ints_open(IntsReader *r, const uint8_t *p, size_t len, int n)
{
	assert(n >= 1);
	return open_reader(r, p, len, n, false);
}

/* ints_close -- free what a reader holds; it may be all zeros, never opened. */
void
ints_close(IntsReader *r)
{
	mem_free(r->table);
	r->table = NULL;
	if (r->sparse != NULL)
	{
		ints_close(&r->sparse->gaps);
		ints_close(&r->sparse->values);
		mem_free(r->sparse);
		r->sparse = NULL;
	}
}

/* --- sums ---------------------------------------------------------------------------------- */

/* sum -- n residuals in y, from index i on, to integers */
static inline __attribute__((always_inline)) void
sum_damped(int order, const unsigned damping, IntsState *s, int n, int64_t *y)
{
	uint64_t last = s->y, level = s->level;

	if (order == 1)
		for (int j = 0; j < n; j++)
		{
			uint64_t v = (uint64_t) y[j];

			y[j] = (int64_t) (v + ints_level(level, damping));
			level += v;
		}
	else
		for (int j = 0; j < n; j++)
		{
			uint64_t v = (uint64_t) y[j];

			y[j] = (int64_t) (last += v + ints_level(level, damping));
			level += v;
		}
	s->y = last;
	s->level = level;
}

static void
sum(const IntsReader *r, IntsState *s, int i, int n, int64_t *y)
{
	if (r->order == 0)
	{
		if (r->slope != 0)
			for (int j = 0; j < n; j++)
				y[j] = (int64_t) ((uint64_t) y[j] + ints_line(r->slope, i + j));
	}
	else if (r->damping == 0)
		sum_damped(r->order, 0, s, n, y);
	else
		sum_damped(r->order, INTS_DAMPING, s, n, y);
}

/* sum_common -- the same for n residuals that all are the common one; never damped */
static void
sum_common(const IntsReader *r, IntsState *s, int i, int n, int64_t *y)
{
	uint64_t common = r->offset, last = s->y, level = s->level;

	if (r->order == 0)
		for (int j = 0; j < n; j++)
			y[j] = (int64_t) (common + ints_line(r->slope, i + j));
	else if (r->order == 1)
		for (int j = 0; j < n; j++)
			y[j] = (int64_t) (level += common);
	else
		for (int j = 0; j < n; j++)
			y[j] = (int64_t) (last += level += common);
	s->y = last;
	s->level = level;
}

/* skip_common -- the same without the integers */
static void
skip_common(const IntsReader *r, IntsState *s, int n)
{
	uint64_t common = r->offset, count = (uint64_t) n;

	if (r->order == 2)
		s->y += count * s->level + count * (count + 1) / 2 * common;
	s->level += count * common;
}

/* --- blocks -------------------------------------------------------------------------------- */

typedef struct Block
{
	IntsState state; /* before its first integer */
	int n;			 /* integers in it */
	unsigned width;
	uint64_t min; /* INTS_PACKED: added to what is packed */
	const uint8_t *payload;
	size_t bytes;
} Block;

/* get_block -- read the header of the cursor's block; false if it is malformed */
static bool
get_block(const IntsReader *r, const IntsCursor *c, Block *b)
{
	const uint8_t *p = c->p;
	uint64_t v;

	b->state = c->state;
	b->n = r->n - c->block * INTS_BLOCK < INTS_BLOCK ? r->n - c->block * INTS_BLOCK : INTS_BLOCK;
	if (c->block > 0 && r->order == 2)
	{
		p = get_varint(p, r->end, &v);
		if (p == NULL)
			return false;
		b->state.y += v + ints_level(c->state.level, r->damping) * INTS_BLOCK;
	}
	if (c->block > 0 && r->order >= 1)
	{
		p = get_varint(p, r->end, &v);
		if (p == NULL)
			return false;
		b->state.level += v;
	}
	if (r->code == INTS_PACKED)
	{
		if (p == r->end || *p > 64)
			return false;
		b->width = *p++;
		b->bytes = bitpack_size(b->n, b->width);
		p = get_varint(p, r->end, &b->min);
	}
	else
	{
		p = varint_get(p, r->end, &v);
		b->bytes = (size_t) v;
	}
	b->payload = p;
	return p != NULL && b->bytes <= (size_t) (r->end - p);
}

static void
next_block(IntsCursor *c, const Block *b)
{
	c->block++;
	c->p = b->payload + b->bytes;
	c->state = b->state;
}

/*
 * decode_block -- the first n integers of a block, whose first has index i, to y, which has room for
 * n rounded up to eight; *state becomes that behind them.
 */
static bool
decode_block(const IntsReader *r, const Block *b, int i, int n, IntsState *state, int64_t *y)
{
	*state = b->state;
	if (r->code == INTS_TANS)
	{
		bool direct = r->order == 1 && r->damping == 0 && r->factor == 1;

		if (!tans_get(r->table, b->payload, b->bytes, r->end, b->n, n,
					  direct ? &state->level : NULL, y))
			return false;
		if (direct)
			return true;
	}
	else if (b->width > 0)
		bitpack_get(b->payload, r->end, n, b->width, b->min, (uint64_t *) y);
	else
		for (int j = 0; j < n; j++)
			y[j] = (int64_t) b->min;
	if (r->factor != 1)
		for (int j = 0; j < n; j++)
			y[j] = (int64_t) (r->offset + r->factor * (uint64_t) y[j]);
	sum(r, state, i, n, y);
	return true;
}

static bool
is_state(const IntsReader *r, const IntsState *a, const IntsState *b)
{
	return r->order == 0 || (a->level == b->level && (r->order == 1 || a->y == b->y));
}

/*
 * read_blocks -- ints_read for INTS_PACKED and INTS_TANS.
 *
 * A block decoded to its end leaves the predictor where the next block's header must say it is.
 */
static bool
read_blocks(IntsReader *r, int from, int to, int64_t *y)
{
	int64_t whole[INTS_BLOCK + 8];
	IntsState state;
	bool known = false; /* is state what the block before left? */
	Block b;

	if (r->cursor.block > from / INTS_BLOCK)
		r->cursor = r->start;
	for (int i = from; i < to;)
	{
		int first = r->cursor.block * INTS_BLOCK, n;
		bool direct;

		if (!get_block(r, &r->cursor, &b))
			return false;
		if (i >= first + b.n)
		{
			next_block(&r->cursor, &b);
			continue;
		}
		if (known && !is_state(r, &b.state, &state))
			return false;
		n = to - first < b.n ? to - first : b.n;
		direct = i == first && n % 8 == 0;
		if (!decode_block(r, &b, first, n, &state, direct ? y + (i - from) : whole))
			return false;
		if (!direct)
			memcpy(y + (i - from), whole + (i - first), sizeof(*y) * (size_t) (first + n - i));
		i = first + n;
		known = n == b.n;
		if (known)
			next_block(&r->cursor, &b);
	}
	return r->cursor.block * INTS_BLOCK < r->n || r->cursor.p == r->end;
}

/* --- exceptions ---------------------------------------------------------------------------- */

/* next_exception -- to place and residual; false if the list is malformed */
static bool
next_exception(const IntsReader *r, IntsSparse *s)
{
	int i = s->next % INTS_BLOCK, before = s->place;

	if (s->next == s->n)
	{
		s->place = r->n;
		return true;
	}
	if (s->next == s->loaded)
	{
		s->loaded = s->n - s->next < INTS_BLOCK ? s->n : s->next + INTS_BLOCK;
		if (!ints_read(&s->gaps, s->next, s->loaded, s->gap) ||
			!ints_read(&s->values, s->next, s->loaded, s->value))
			return false;
	}
	if ((uint64_t) s->gap[i] >= (uint64_t) (r->n - 1 - before))
		return false;
	s->place = before + 1 + (int) s->gap[i];
	s->residual = s->value[i];
	s->next++;
	return true;
}

/* restart -- at the first integer */
static bool
restart(const IntsReader *r, IntsSparse *s)
{
	s->loaded = s->next = s->at = 0;
	s->place = -1;
	s->state = r->start.state;
	return next_exception(r, s);
}

/* read_sparse -- ints_read for INTS_SPARSE */
static bool
read_sparse(const IntsReader *r, int from, int to, int64_t *y)
{
	IntsSparse *s = r->sparse;

	if (s->at > from && !restart(r, s))
		return false;
	while (s->at < to)
	{
		int limit = s->at < from ? from : to, n;

		n = (s->place < limit ? s->place : limit) - s->at;
		if (s->at < from)
			skip_common(r, &s->state, n);
		else
			sum_common(r, &s->state, s->at, n, y + (s->at - from));
		s->at += n;
		if (s->at == s->place && s->at < to)
		{
			int64_t one = s->residual;

			sum(r, &s->state, s->at, 1, &one);
			if (s->at >= from)
				y[s->at - from] = one;
			s->at++;
			if (!next_exception(r, s))
			{
				s->at = INT_MAX;
				return false;
			}
		}
	}
	return true;
}

/*
 * ints_read -- integers from .. to - 1 to y; reads in sequence go on where the last one ended.
 *
 * Returns false if the bytes are malformed as far as they are read; y then holds anything.
 */
bool
ints_read(IntsReader *r, int from, int to, int64_t *y)
{
	assert(from >= 0 && from <= to && to <= r->n);
	if (r->code == INTS_CONSTANT)
	{
		IntsState state = r->start.state;

		skip_common(r, &state, from);
		sum_common(r, &state, from, to - from, y);
		return true;
	}
	if (r->code == INTS_SPARSE)
		return read_sparse(r, from, to, y);
	return read_blocks(r, from, to, y);
}
