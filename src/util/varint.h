/*
 * varint.h
 *    LEB128 varints on plain memory.  Readers never read at or beyond end.
 */
#ifndef MIMIR_UTIL_VARINT_H
#define MIMIR_UTIL_VARINT_H

#include <stddef.h>
#include <stdint.h>

#define VARINT_MAX_BYTES 10

/* varint_put -- write v at p (room for VARINT_MAX_BYTES); returns the byte after it. */
static inline uint8_t *
varint_put(uint8_t *p, uint64_t v)
{
	while (v >= 0x80)
	{
		*p++ = (uint8_t) (v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t) v;
	return p;
}

/*
 * varint_get -- read a varint from [p, end).  Returns the byte after it, or NULL if the input
 * ends inside it or it is longer than ten bytes.
 */
static inline const uint8_t *
varint_get(const uint8_t *p, const uint8_t *end, uint64_t *v)
{
	uint64_t r = 0;

	for (unsigned shift = 0; shift < 70; shift += 7)
	{
		if (p >= end)
			return NULL;
		r |= (uint64_t) (*p & 0x7f) << (shift < 64 ? shift : 63);
		if (!(*p++ & 0x80))
		{
			*v = r;
			return p;
		}
	}
	return NULL;
}

static inline uint64_t
varint_zigzag(int64_t v)
{
	return ((uint64_t) v << 1) ^ (uint64_t) (v >> 63);
}

static inline int64_t
varint_unzigzag(uint64_t v)
{
	return (int64_t) (v >> 1) ^ -(int64_t) (v & 1);
}

#endif
