/*
 * bitstream.h
 *    MSB-first bits on plain memory, as Prometheus' chunks use them.
 *
 * BitWriter collects bits in a 64-bit word and stores eight bytes at a time; the caller knows
 * that there is room.  BitReader keeps the next 56 bits or more in a word; it never touches a
 * byte at or beyond end: reading past the end gives zero bits and sets overrun, which the decoder
 * checks once.  chunk_xor.c, whose decoder is the query's hot loop, peeks into memory instead
 * (bits_peek).
 */
#ifndef MIMIR_CODEC_BITSTREAM_H
#define MIMIR_CODEC_BITSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t
bits_load_be64(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return __builtin_bswap64(w);
}

static inline void
bits_store_be64(uint8_t *p, uint64_t w)
{
	w = __builtin_bswap64(w);
	memcpy(p, &w, sizeof(w));
}

/* --- writing ------------------------------------------------------------------------------- */

typedef struct BitWriter
{
	uint8_t *p;	   /* where word goes when it is full */
	uint64_t word; /* pending bits, left-aligned; the rest is zero */
	unsigned n;	   /* pending bits, 0..63 */
} BitWriter;

/* bits_open -- go on writing at bit position pos of buf; whole bytes before it stay. */
static inline void
bits_open(BitWriter *w, uint8_t *buf, size_t pos)
{
	w->p = buf + (pos >> 3);
	w->n = pos & 7;
	w->word = w->n == 0 ? 0 : (uint64_t) (*w->p >> (8 - w->n)) << (64 - w->n);
}

/* bits_put -- write the low n bits of v, 1 <= n <= 64; higher bits of v must be zero. */
static inline void
bits_put(BitWriter *w, uint64_t v, unsigned n)
{
	unsigned room = 64 - w->n;

	if (n < room)
	{
		w->word |= v << (room - n);
		w->n += n;
		return;
	}
	w->n = n - room;
	bits_store_be64(w->p, w->word | v >> w->n);
	w->p += 8;
	w->word = w->n == 0 ? 0 : v << (64 - w->n);
}

/*
 * bits_close -- store the pending bits, the last byte filled up with zeros, and return the bit
 * position in buf.  Touches no byte behind it.
 */
static inline size_t
bits_close(const BitWriter *w, const uint8_t *buf)
{
	uint64_t word = w->word;

	for (unsigned i = 0; i < w->n; i += 8, word <<= 8)
		w->p[i >> 3] = (uint8_t) (word >> 56);
	return (size_t) (w->p - buf) * 8 + w->n;
}

/* bits_put_uvarint -- Go's uvarint: up to ten whole bytes, at any bit position. */
static inline void
bits_put_uvarint(BitWriter *w, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		bits_put(w, (v & 0x7f) | 0x80, 8);
	bits_put(w, v, 8);
}

/* bits_in_range -- bitRange of the reference: does v fit n bits (n < 64) of bits_signed's form? */
static inline bool
bits_in_range(int64_t v, unsigned n)
{
	return v >= -((INT64_C(1) << (n - 1)) - 1) && v <= INT64_C(1) << (n - 1);
}

/* --- reading ------------------------------------------------------------------------------- */

typedef struct BitReader
{
	const uint8_t *p;
	const uint8_t *end;
	uint64_t window; /* next bits, left-aligned */
	unsigned valid;	 /* bits in window that count */
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

/* bits_refill -- at least 56 valid bits, or all that are left. */
static inline void
bits_refill(BitReader *r)
{
	if (r->end - r->p >= 8)
	{
		r->window |= bits_load_be64(r->p) >> r->valid;
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

/* bits_get -- the next n (0..64) bits. */
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

/* bits_signed -- value of an n-bit field: above 2^(n-1) it stands for raw - 2^n. */
static inline int64_t
bits_signed(uint64_t raw, unsigned n)
{
	if (n < 64 && raw > (UINT64_C(1) << (n - 1)))
		raw -= UINT64_C(1) << n;
	return (int64_t) raw;
}

/* --- reading at a position ----------------------------------------------------------------- */

/* bits_peek -- the bits from position pos on, left-aligned: 57 valid.  Reads 8 bytes. */
static inline uint64_t
bits_peek(const uint8_t *base, size_t pos)
{
	return bits_load_be64(base + (pos >> 3)) << (pos & 7);
}

/* bits_peek64 -- all 64 valid.  Reads 9 bytes. */
static inline uint64_t
bits_peek64(const uint8_t *base, size_t pos)
{
	return bits_peek(base, pos) | base[(pos >> 3) + 8] >> (8 - (pos & 7));
}

#endif
