/*
 * hash.c
 *    libxxhash compiled in (no call through the library for short keys).
 */
#include "util/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t
hash_xxh64(const void *data, size_t len)
{
	return XXH64(data, len, 0);
}

Hash128
hash128(const void *data, size_t len, uint64_t seed)
{
	XXH128_hash_t h = XXH3_128bits_withSeed(data, len, seed);

	return (Hash128){h.low64, h.high64};
}
