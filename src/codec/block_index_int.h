/*
 * block_index_int.h
 *    Sizes and fields that writer and readers of the block index share.
 */
#ifndef MIMIR_CODEC_BLOCK_INDEX_INT_H
#define MIMIR_CODEC_BLOCK_INDEX_INT_H

#include "codec/block_index.h"

#include <string.h>

#define BLOCK_INDEX_MAGIC	   UINT32_C(0x5849424d) /* "MBIX" */
#define BLOCK_INDEX_VERSION	   1
#define BLOCK_INDEX_GROUP	   32 /* series in a group */
#define BLOCK_INDEX_VALUES	   16 /* values in a group */
#define BLOCK_INDEX_ENTRY	   16 /* bytes of an entry of a group table */
#define BLOCK_INDEX_TIMES	   28 /* bytes of an entry of the time table */
#define BLOCK_INDEX_FOOTER	   64
#define BLOCK_INDEX_MAX_LABELS 65535

/* Field by field; docs/formats.md says where. */
typedef struct BlockFooter
{
	uint32_t nseries;
	uint32_t ntimes;
	uint32_t nnames;
	uint64_t groups;	  /* offset of the table of series groups */
	uint64_t times;		  /* offset of the time table */
	uint64_t names;		  /* offset of the names */
	uint64_t names_len;	  /* their bytes */
	uint64_t chunk_bytes; /* of the whole chunk stream */
} BlockFooter;

static inline void
block_put_u64(Buf *out, uint64_t v)
{
	uint8_t b[8];

	for (int i = 0; i < 8; i++)
		b[i] = (uint8_t) (v >> 8 * i);
	buf_append(out, b, sizeof(b));
}

static inline void
block_put_u32(Buf *out, uint32_t v)
{
	uint8_t b[4];

	for (int i = 0; i < 4; i++)
		b[i] = (uint8_t) (v >> 8 * i);
	buf_append(out, b, sizeof(b));
}

static inline uint64_t
block_get_u64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

static inline uint32_t
block_get_u32(const uint8_t *p)
{
	return (uint32_t) p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 | (uint32_t) p[3] << 24;
}

/* --- inside the reader: block_index_read.c, for block_index_resolve.c ---------------------------- */

/* Walks the values of a label in order; text and postings of the current one. */
typedef struct BlockValues
{
	BlockIndex *ix;
	int name;
	uint32_t next; /* number of the value that comes next */
	Buf group;	   /* its group's bytes, copied */
	size_t at;	   /* of the next value in group */
	Buf text;	   /* current value */
	uint64_t postings;
	uint32_t postings_len;
} BlockValues;

extern void block_values_open(BlockValues *v, BlockIndex *ix, int name);
extern bool block_values_seek(BlockValues *v, StrView from, Err *err); /* first value >= from */
extern int block_values_next(BlockValues *v, Err *err);				   /* 1, 0 at the end, -1 */
extern void block_values_close(BlockValues *v);
extern const uint8_t *block_index_bytes(BlockIndex *ix, uint64_t offset, size_t len, Err *err);

#endif
