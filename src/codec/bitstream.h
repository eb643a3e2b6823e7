/*
 * bitstream.h
 *    MSB-first bits on plain memory, as Prometheus' chunks use them.
 *
 * The writer needs room checked by its caller; bytes are written whole, the tail of the last byte
 * is zero.  The reader never touches a byte at or beyond end: reading past the end gives
 * zero bits and sets overrun, checked once by the decoder.
 */
#ifndef MIMIR_CODEC_BITSTREAM_H
#define MIMIR_CODEC_BITSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* bits_put -- write the low n bits (0..64) of v at bit position pos; returns the new position. */
static inline uint32_t
bits_put(uint8_t *buf, uint32_t pos, uint64_t v, unsigned n)
{
	while (n > 0)
	{
		unsigned used = pos & 7;
		unsigned room = 8 - used;
		unsigned take = n < room ? n : room;
		uint8_t bits = (uint8_t) ((v >> (n - take)) & ((1u << take) - 1));

		if (used == 0)
			buf[pos >> 3] = 0;
		buf[pos >> 3] |= (uint8_t) (bits << (room - take));
		pos += take;
		n -= take;
	}
	return pos;
}

typedef struct BitReader
{
	const uint8_t *p;
	const uint8_t *end;
	uint64_t window; /* next bits, left-aligned; bits below valid are zero */
	unsigned valid;	 /* bits in window */
	bool overrun;
} BitReader;

static inline void
bits_init(BitReader *r, const uint8_t *data, size_t len)
{
	r->p = data;
	r->end = data + len;
	r->window = 0;
	r->valid = 0;
	r->overrun = false;
}

/* At least 56 valid bits, or all that are left. */
static inline void
bits_refill(BitReader *r)
{
	if (r->end - r->p >= 8)
	{
		uint64_t w;

		memcpy(&w, r->p, 8);
		w = __builtin_bswap64(w);
		r->window |= w >> r->valid;
		r->p += (63 - r->valid) >> 3;
		r->valid |= 56;
		return;
	}
	while (r->valid <= 56 && r->p < r->end)
	{
		r->window |= (uint64_t) *r->p++ << (56 - r->valid);
		r->valid += 8;
	}
}

/* bits_take -- consume n (1..56) bits after a refill. */
static inline uint64_t
bits_take(BitReader *r, unsigned n)
{
	uint64_t v = r->window >> (64 - n);

	if (__builtin_expect(n > r->valid, 0))
	{
		r->overrun = true;
		r->valid = 0;
		r->window = 0;
		return v;
	}
	r->window <<= n;
	r->valid -= n;
	return v;
}

static inline uint64_t
bits_get(BitReader *r, unsigned n)
{
	uint64_t hi = 0;

	if (n == 0)
		return 0;
	if (n > 56)
	{
		bits_refill(r);
		hi = bits_take(r, n - 32) << 32;
		n = 32;
	}
	bits_refill(r);
	return hi | bits_take(r, n);
}

static inline bool
bits_get_bit(BitReader *r)
{
	return bits_get(r, 1) != 0;
}

/* Value of an n-bit field: above 2^(n-1) it stands for v - 2^n. */
static inline int64_t
bits_signed(uint64_t raw, unsigned n)
{
	if (n < 64 && raw > (UINT64_C(1) << (n - 1)))
		raw -= UINT64_C(1) << n;
	return (int64_t) raw;
}

/* bitRange of the reference: does v fit n bits of that form? */
static inline bool
bits_in_range(int64_t v, unsigned n)
{
	return v >= -((INT64_C(1) << (n - 1)) - 1) && v <= INT64_C(1) << (n - 1);
}

/* Go's varints, through the bit stream. */
static inline uint32_t
bits_put_uvarint(uint8_t *buf, uint32_t pos, uint64_t v)
{
	while (v >= 0x80)
	{
		pos = bits_put(buf, pos, (v & 0x7f) | 0x80, 8);
		v >>= 7;
	}
	return bits_put(buf, pos, v, 8);
}

static inline uint64_t
bits_get_uvarint(BitReader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 70; shift += 7)
	{
		uint64_t b = bits_get(r, 8);

		v |= (b & 0x7f) << (shift < 64 ? shift : 63);
		if (!(b & 0x80))
			return v;
	}
	r->overrun = true;
	return 0;
}

#endif
