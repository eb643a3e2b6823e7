/*
 * block_postings.h
 *    A sorted set of series ordinals in the fewest of three forms.
 */
#ifndef MIMIR_CODEC_BLOCK_POSTINGS_H
#define MIMIR_CODEC_BLOCK_POSTINGS_H

#include "util/buf.h"

extern void block_postings_put(Buf *out, const uint32_t *ordinals, uint32_t n);
extern bool block_postings_or(const uint8_t *p, size_t len, uint32_t nseries, uint64_t *bits);

#endif
