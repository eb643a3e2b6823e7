/*
 * varbit.c
 *    Prefix-coded integers of histogram chunks (tsdb/chunkenc/varbit.go) and XOR-coded doubles.
 *
 * A value takes the first class it fits: k ones and a zero (the last two classes: eight ones,
 * with and without the zero), then the class's bits.
 */
#include "codec/varbit.h"

#include "util/mem.h"

static const uint8_t class_bits[] = {0, 3, 6, 9, 12, 18, 25, 56, 64};
#define NCLASSES 9
#define NO_WINDOW 0xff

void
bitbuf_init(BitBuf *b)
{
	b->cap = 256;
	b->data = mem_alloc(b->cap);
	b->pos = 0;
}

void
bitbuf_put(BitBuf *b, uint64_t v, unsigned n)
{
	if ((b->pos + n + 7) / 8 + 1 > b->cap)
	{
		b->cap *= 2;
		b->data = mem_realloc(b->data, b->cap);
	}
	b->pos = bits_put(b->data, b->pos, v, n);
}

static void
put_class(BitBuf *b, int class, uint64_t v)
{
	unsigned ones = (unsigned) class;

	if (class == NCLASSES - 1)
		bitbuf_put(b, 0xff, 8);
	else
		bitbuf_put(b, ((UINT64_C(1) << ones) - 1) << 1, ones + 1);
	bitbuf_put(b, v, class_bits[class]);
}

void
bitbuf_put_varbit_int(BitBuf *b, int64_t v)
{
	int class = v == 0 ? 0 : 1;

	while (class > 0 && class < NCLASSES - 1 && !bits_in_range(v, class_bits[class]))
		class++;
	put_class(b, class, (uint64_t) v);
}

void
bitbuf_put_varbit_uint(BitBuf *b, uint64_t v)
{
	int class = 0;

	while (class < NCLASSES - 1 && v >> class_bits[class] != 0)
		class++;
	put_class(b, class, v);
}

static unsigned
get_class(BitReader *r)
{
	unsigned ones = 0;

	while (ones < 8 && bits_get_bit(r))
		ones++;
	return ones;
}

int64_t
bits_get_varbit_int(BitReader *r)
{
	unsigned n = class_bits[get_class(r)];

	return n == 0 ? 0 : bits_signed(bits_get(r, n), n);
}

uint64_t
bits_get_varbit_uint(BitReader *r)
{
	return bits_get(r, class_bits[get_class(r)]);
}

void
bitbuf_put_xor(BitBuf *b, XorState *x, uint64_t v)
{
	uint64_t d = v ^ x->v;
	unsigned leading;
	unsigned trailing;
	unsigned significant;

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
	if (x->leading != NO_WINDOW && leading >= x->leading && trailing >= x->trailing)
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

uint64_t
bits_get_xor(BitReader *r, XorState *x)
{
	unsigned significant;

	if (!bits_get_bit(r))
		return x->v;
	if (bits_get_bit(r))
	{
		unsigned head = (unsigned) bits_get(r, 11);

		significant = head & 63;
		if (significant == 0)
			significant = 64;
		x->leading = (uint8_t) (head >> 6);
		if (x->leading + significant > 64)
		{
			r->overrun = true;
			return x->v;
		}
		x->trailing = (uint8_t) (64 - x->leading - significant);
	}
	else if (x->leading == NO_WINDOW)
	{
		r->overrun = true;
		return x->v;
	}
	significant = 64u - x->leading - x->trailing;
	x->v ^= bits_get(r, significant) << x->trailing;
	return x->v;
}
