/*
 * hash.h
 *    The two hashes of the project, both from libxxhash.
 *
 * hash_xxh64 is XXH64 with seed 0: the value Prometheus' default build gives a label set in
 * its binary form (model/labels.h); limit_ratio depends on it, so it never changes.
 * hash128 is XXH3-128 with a seed: identity of raw label bytes in the ingest cache.
 */
#ifndef MIMIR_UTIL_HASH_H
#define MIMIR_UTIL_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Hash128
{
	uint64_t lo;
	uint64_t hi;
} Hash128;

extern uint64_t hash_xxh64(const void *data, size_t len);
extern Hash128 hash128(const void *data, size_t len, uint64_t seed);

static inline bool
hash128_equal(Hash128 a, Hash128 b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

#endif
