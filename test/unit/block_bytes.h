/*
 * block_bytes.h
 *    Bytes in memory as the source of a block index.
 */
#ifndef MIMIR_TEST_UNIT_BLOCK_BYTES_H
#define MIMIR_TEST_UNIT_BLOCK_BYTES_H

#include "codec/block_index.h"
#include "util/mem.h"

typedef struct MemoryBytes
{
	BlockBytes base;
	const uint8_t *data;
	uint8_t *last; /* the piece handed out last: apart, so that a use after the next read shows */
} MemoryBytes;

static inline const uint8_t *
memory_bytes_read(BlockBytes *b, uint64_t offset, size_t len, Err *err)
{
	MemoryBytes *m = (MemoryBytes *) b;

	(void) err;
	mem_free(m->last);
	m->last = mem_dup(m->data + offset, len > 0 ? len : 1);
	return m->last;
}

static inline void
memory_bytes_init(MemoryBytes *m, const void *data, size_t len)
{
	*m = (MemoryBytes){{memory_bytes_read, len}, data, NULL};
}

#endif
