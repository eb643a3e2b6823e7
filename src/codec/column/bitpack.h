/*
 * bitpack.h
 *    Unsigned integers of one width, one after the other, LSB first.
 *
 * Value j of width w lies in the bits j*w .. j*w + w - 1 of the little-endian bytes, so eight values
 * fill exactly w bytes.
 */
#ifndef MIMIR_CODEC_COLUMN_BITPACK_H
#define MIMIR_CODEC_COLUMN_BITPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t
load_le64(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

static inline void
store_le64(uint8_t *p, uint64_t w)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	memcpy(p, &w, sizeof(w));
}

/* load_le64_tail -- the same near the end of the readable bytes: zeros stand behind them. */
static inline uint64_t
load_le64_tail(const uint8_t *p, const uint8_t *end)
{
	uint64_t w = 0;

	if (end - p >= 8)
		return load_le64(p);
	for (int i = 0; p + i < end; i++)
		w |= (uint64_t) p[i] << (8 * i);
	return w;
}

/* bit_width -- the bits that v needs, 0..64. */
static inline unsigned
bit_width(uint64_t v)
{
	return v == 0 ? 0 : 64 - (unsigned) __builtin_clzll(v);
}

static inline uint64_t
low_mask(unsigned n)
{
	return n == 0 ? 0 : UINT64_MAX >> (64 - n);
}

/* --- single fields of any width ------------------------------------------------------------ */

/* The caller knows that there is room: 8 bytes behind the last bit. */
typedef struct LsbWriter
{
	uint8_t *p;	   /* where word goes when it is full */
	uint64_t word; /* pending bits */
	unsigned n;	   /* their number, 0..63 */
} LsbWriter;

/* lsb_put -- the low n bits of v, 0 <= n <= 64; higher bits of v must be zero. */
static inline void
lsb_put(LsbWriter *w, uint64_t v, unsigned n)
{
	w->word |= v << w->n;
	w->n += n;
	if (w->n >= 64)
	{
		store_le64(w->p, w->word);
		w->p += 8;
		w->n -= 64;
		w->word = w->n == 0 ? 0 : v >> (n - w->n);
	}
}

/* lsb_close -- store what is pending, filled up to a byte with zeros; returns the byte behind. */
static inline uint8_t *
lsb_close(LsbWriter *w)
{
	for (; w->n > 0; w->n = w->n > 8 ? w->n - 8 : 0, w->word >>= 8)
		*w->p++ = (uint8_t) w->word;
	return w->p;
}

/* Reading beyond end gives zeros and is seen by lsb_overrun. */
typedef struct LsbReader
{
	const uint8_t *p;
	const uint8_t *end;
	size_t pos; /* bits read from p */
} LsbReader;

static inline uint64_t
lsb_get(LsbReader *r, unsigned n)
{
	size_t byte = r->pos >> 3;
	unsigned shift = r->pos & 7;
	uint64_t v;

	r->pos += n;
	if (n == 0 || (size_t) (r->end - r->p) <= byte)
		return 0;
	v = load_le64_tail(r->p + byte, r->end) >> shift;
	if (n + shift > 64 && (size_t) (r->end - r->p) > byte + 8)
		v |= (uint64_t) r->p[byte + 8] << (64 - shift);
	return v & low_mask(n);
}

static inline bool
lsb_overrun(const LsbReader *r)
{
	return r->pos > (size_t) (r->end - r->p) * 8;
}

/* --- runs of one width --------------------------------------------------------------------- */

static inline size_t
bitpack_size(int n, unsigned width)
{
	return ((size_t) n * width + 7) / 8;
}

extern uint8_t *bitpack_put(uint8_t *p, const uint64_t *v, int n, unsigned width);
extern void bitpack_get(const uint8_t *p, const uint8_t *end, int n, unsigned width, uint64_t base,
						uint64_t *v);

#endif
