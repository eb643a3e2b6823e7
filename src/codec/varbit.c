/*
 * varbit.c
 *    Prefix-coded integers (tsdb/chunkenc/varbit.go) and XOR-coded doubles of histogram chunks.
 *
 * An integer takes the first class it fits.  Class k is written as k ones and a zero, the last
 * one as eight ones without a zero, then the bits of the class:
 *    class  0  1  2  3   4   5   6   7   8
 *    bits   0  3  6  9  12  18  25  56  64
 * The signed form of n bits covers -(2^(n-1) - 1) to 2^(n-1) (bits_signed), the unsigned form 0
 * to 2^n - 1.
 */
#include "codec/varbit.h"

#include "util/mem.h"

#define LAST_CLASS 8

static const uint8_t class_bits[LAST_CLASS + 1] = {0, 3, 6, 9, 12, 18, 25, 56, 64};

/* bitbuf_init -- an empty buffer with room for cap bytes, from mem_alloc. */
void
bitbuf_init(BitBuf *b, size_t cap)
{
	b->cap = cap + 8;
	b->data = mem_alloc(b->cap);
	bits_open(&b->w, b->data, 0);
}

/* bitbuf_put -- append the low n bits of v, 1 <= n <= 64; higher bits of v must be zero. */
void
bitbuf_put(BitBuf *b, uint64_t v, unsigned n)
{
	size_t used = (size_t) (b->w.p - b->data);

	if (b->cap - used < 16)
	{
		b->cap = b->cap * 2 + 16;
		b->data = mem_realloc(b->data, b->cap);
		b->w.p = b->data + used;
	}
	bits_put(&b->w, v, n);
}

/* bitbuf_size -- bytes so far, the last perhaps begun. */
size_t
bitbuf_size(const BitBuf *b)
{
	return (size_t) (b->w.p - b->data) + (b->w.n + 7) / 8;
}

/* bitbuf_finish -- store the pending bits, padded with zeros; returns the bytes in data. */
size_t
bitbuf_finish(BitBuf *b)
{
	bits_close(&b->w, b->data);
	return bitbuf_size(b);
}

static void
put_class(BitBuf *b, unsigned class, uint64_t v)
{
	unsigned n = class_bits[class];

	if (class == LAST_CLASS)
		bitbuf_put(b, 0xff, 8);
	else
		bitbuf_put(b, ((UINT64_C(1) << class) - 1) << 1, class + 1);
	if (n > 0)
		bitbuf_put(b, n == 64 ? v : v & ((UINT64_C(1) << n) - 1), n);
}

void
bitbuf_put_varbit_int(BitBuf *b, int64_t v)
{
	unsigned class = v == 0 ? 0 : 1;

	while (class > 0 && class < LAST_CLASS && !bits_in_range(v, class_bits[class]))
		class ++;
	put_class(b, class, (uint64_t) v);
}

void
bitbuf_put_varbit_uint(BitBuf *b, uint64_t v)
{
	unsigned class = 0;

	while (class < LAST_CLASS && v >> class_bits[class] != 0)
		class ++;
	put_class(b, class, v);
}

/* get_class -- read the prefix; returns the number of bits that follow. */
static unsigned
get_class(BitReader *r)
{
	unsigned ones;

	bits_refill(r);
	ones = (unsigned) __builtin_clzll(~r->window | 1);
	if (ones >= LAST_CLASS)
	{
		bits_take(r, LAST_CLASS);
		return class_bits[LAST_CLASS];
	}
	bits_take(r, ones + 1);
	return class_bits[ones];
}

int64_t
bits_get_varbit_int(BitReader *r)
{
	unsigned n = get_class(r);

	return n == 0 ? 0 : bits_signed(bits_get(r, n), n);
}

uint64_t
bits_get_varbit_uint(BitReader *r)
{
	return bits_get(r, get_class(r));
}

/* bitbuf_put_dod -- append value to the stream s, as varbit_int. */
void
bitbuf_put_dod(BitBuf *b, DodState *s, uint64_t value)
{
	uint64_t delta = value - s->value;

	bitbuf_put_varbit_int(b, (int64_t) (delta - s->delta));
	s->value = value;
	s->delta = delta;
}

uint64_t
bits_get_dod(BitReader *r, DodState *s)
{
	s->delta += (uint64_t) bits_get_varbit_int(r);
	s->value += s->delta;
	return s->value;
}

/* bitbuf_put_xor -- append v to the stream x; the code is that of chunk_xor.c's values. */
void
bitbuf_put_xor(BitBuf *b, XorState *x, uint64_t v)
{
	uint64_t d = v ^ x->v;
	unsigned leading, trailing, significant;

	x->v = v;
	if (d == 0)
	{
		bitbuf_put(b, 0, 1);
		return;
	}
	leading = (unsigned) __builtin_clzll(d);
	trailing = (unsigned) __builtin_ctzll(d);
	if (leading > 31)
		leading = 31;
	if (x->leading != XOR_NO_WINDOW && leading >= x->leading && trailing >= x->trailing)
	{
		bitbuf_put(b, 2, 2);
		bitbuf_put(b, d >> x->trailing, 64u - x->leading - x->trailing);
		return;
	}
	significant = 64 - leading - trailing;
	x->leading = (uint8_t) leading;
	x->trailing = (uint8_t) trailing;
	bitbuf_put(b, 3u << 11 | leading << 6 | (significant & 63), 13);
	bitbuf_put(b, d >> trailing, significant);
}

/* bits_get_xor -- the next double of stream x, as bits; a window beyond 64 bits is an overrun. */
uint64_t
bits_get_xor(BitReader *r, XorState *x)
{
	unsigned significant;

	if (!bits_get_bit(r))
		return x->v;
	if (bits_get_bit(r))
	{
		unsigned head = (unsigned) bits_get(r, 11), leading = head >> 6;

		significant = ((head - 1) & 63) + 1; /* 0 means 64 */
		if (leading + significant > 64)
		{
			r->overrun = true;
			return x->v;
		}
		x->leading = (uint8_t) leading;
		x->trailing = (uint8_t) (64 - leading - significant);
	}
	significant = 64u - x->leading - x->trailing;
	x->v ^= bits_get(r, significant) << x->trailing;
	return x->v;
}
