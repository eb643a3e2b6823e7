/*
 * block_index.h
 *    The index of a compacted block: its series in label order, their chunks, and for each label
 *    pair the series that have it.
 *
 * An index covers one tenant's part of a block and stands in one run of bytes that is read
 * piecewise: a query touches the values of the labels it names and the series it selects.
 * docs/formats.md draws the bytes, src/codec/README.md gives the reasons.
 *
 * A series has an ordinal here, its place in label order.  Times of float chunks stand in
 * columns of their own, which series scraped together share; their numbers begin at 1.
 */
#ifndef MIMIR_CODEC_BLOCK_INDEX_H
#define MIMIR_CODEC_BLOCK_INDEX_H

#include "model/labels.h"
#include "model/matcher.h"

#define BLOCK_INDEX_MAX_SERIES (1 << 22)

typedef struct BlockChunk
{
	uint32_t times; /* number of its time column; 0: the chunk's bytes hold its times */
	uint32_t len;	/* bytes in the chunk stream */
	uint64_t offset;
	int64_t min_t, max_t; /* ms; less than 2^32 apart */
	uint32_t count;
	uint8_t encoding; /* of a chunk with its own times; 0 with a time column */
} BlockChunk;

typedef struct BlockTimes
{
	uint64_t offset; /* in the time stream */
	uint32_t len;
	int64_t min_t, max_t; /* ms */
	uint32_t count;
} BlockTimes;

/* --- writing: block_index_write.c -------------------------------------------------------------- */
typedef struct BlockIndexWriter BlockIndexWriter;

extern BlockIndexWriter *block_index_writer_create(void);
extern uint32_t block_index_add_times(BlockIndexWriter *w, int64_t min_t, int64_t max_t,
									  uint32_t count, uint32_t len);
extern bool block_index_add_series(BlockIndexWriter *w, int64_t series_id, Labels labels,
								   const BlockChunk *chunks, int n);
extern size_t block_index_memory(const BlockIndexWriter *w);
extern uint32_t block_index_nseries(const BlockIndexWriter *w);
extern bool block_index_finish(BlockIndexWriter *w, Buf *out);
extern void block_index_writer_free(BlockIndexWriter *w);

/* --- reading: block_index_read.c, block_index_resolve.c ----------------------------------------- */

/* Where the bytes come from. */
typedef struct BlockBytes BlockBytes;
struct BlockBytes
{
	/* bytes [offset, offset + len), valid until the next call; NULL with err filled */
	const uint8_t *(*read)(BlockBytes *b, uint64_t offset, size_t len, Err *err);
	uint64_t size;
};

typedef struct BlockIndex BlockIndex;

/* A series as it stands in the index; arrays valid until the next series of the same index. */
typedef struct BlockSeries
{
	int64_t series_id;
	int npairs;
	const uint32_t *names;	/* numbers of label names, ascending */
	const uint32_t *values; /* numbers of their values */
	int nchunks;
	const BlockChunk *chunks; /* by time */
} BlockSeries;

extern BlockIndex *block_index_open(BlockBytes *bytes, Err *err);
extern void block_index_close(BlockIndex *ix);
extern uint32_t block_index_count(const BlockIndex *ix);
extern bool block_index_series(BlockIndex *ix, uint32_t ordinal, BlockSeries *out, Err *err);
extern bool block_index_labels(BlockIndex *ix, const BlockSeries *s, Labels *out, Err *err);
extern bool block_index_times(BlockIndex *ix, uint32_t number, BlockTimes *out, Err *err);
extern int block_index_nnames(const BlockIndex *ix);
extern StrView block_index_name(const BlockIndex *ix, int number);
extern int block_index_find_name(const BlockIndex *ix, StrView name); /* -1: not there */
extern uint32_t block_index_nvalues(const BlockIndex *ix, int name);
extern bool block_index_value(BlockIndex *ix, int name, uint32_t value, StrView *out, Err *err);
extern bool block_index_resolve(BlockIndex *ix, const Matcher *ms, int n, uint32_t **ordinals,
								uint32_t *count, Err *err);

#endif
