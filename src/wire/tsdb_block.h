/*
 * tsdb_block.h
 *    A whole TSDB block, read once from front to back: series in label order, their chunks, what
 *    tombstones delete of them.
 *
 *    TsdbBlock *b = tsdb_block_open(&files, &err);
 *    while ((got = tsdb_block_next_series(b, &series, &err)) == 1)
 *        while ((got = tsdb_block_next_chunk(b, &chunk, &err)) == 1)
 *            ...
 *    tsdb_block_close(b);
 *
 * The files' bytes are the caller's, as a rule mapped, and must outlive the block.  They are hostile.
 * What a chunk's bytes decode to may lie outside the chunk's own time range, and outside the
 * block's: only the decoded times count.
 */
#ifndef MIMIR_WIRE_TSDB_BLOCK_H
#define MIMIR_WIRE_TSDB_BLOCK_H

#include "wire/tsdb_chunks.h"
#include "wire/tsdb_index.h"
#include "wire/tsdb_meta.h"
#include "wire/tsdb_tombstones.h"

typedef struct TsdbBlockFiles
{
	TsdbBytes meta;
	TsdbBytes index;
	TsdbBytes tombstones;	   /* no bytes: there is no such file */
	const TsdbBytes *segments; /* chunks/000001 and so on */
	int n_segments;
} TsdbBlockFiles;

typedef struct TsdbBlockSeries
{
	uint64_t ref;
	Labels labels; /* valid until the next series */
	int n_deleted;
	const TsdbTombstone *deleted; /* ascending, disjoint; valid until the block is closed */
} TsdbBlockSeries;

typedef struct TsdbBlockChunk
{
	int64_t min_t, max_t; /* as the index says */
	TsdbChunk chunk;	  /* into the segment */
} TsdbBlockChunk;

typedef struct TsdbBlock TsdbBlock;

extern TsdbBlock *tsdb_block_open(const TsdbBlockFiles *files, Err *err);
extern void tsdb_block_close(TsdbBlock *b);
extern const TsdbMeta *tsdb_block_meta(const TsdbBlock *b);
extern TsdbIndex *tsdb_block_index(TsdbBlock *b);

/* Both: 1, 0 at the end, -1 with err.  What is left of a series' chunks may be skipped. */
extern int tsdb_block_next_series(TsdbBlock *b, TsdbBlockSeries *out, Err *err);
extern int tsdb_block_next_chunk(TsdbBlock *b, TsdbBlockChunk *out, Err *err);

#endif
