/*
 * block_table.h
 *    Tables of compacted blocks: mimir.block_ID, one a block, written once and frozen.
 *
 * A block covers a day.  For each tenant it has one or more parts; a part is three streams of
 * bytes cut into pages, a row each: the index (codec/block_index.h), the chunks, and the time
 * columns.  Series of a part stand in label order; which part a series is in depends on its
 * labels alone.
 */
#ifndef MIMIR_STORE_BLOCK_TABLE_H
#define MIMIR_STORE_BLOCK_TABLE_H

#include "postgres.h"

#include "codec/block_index.h"
#include "codec/sample_run.h"
#include "store/select.h"
#include "tenancy/tenant.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#define BLOCK_MAX_PART_SERIES  262144 /* series a part is planned for */
#define BLOCK_MAX_COLUMN_COUNT 8192	  /* samples of a float chunk */

/* --- writing: block_write.c -------------------------------------------------------------------- */
typedef struct BlockWriter BlockWriter;

typedef struct BlockTotals
{
	int64 series, chunks, samples, bytes; /* bytes: of all streams */
	int64 min_t, max_t;					  /* ms */
} BlockTotals;

extern void block_tables_adopt(void); /* at start: what a dump does not keep */
extern int64 block_next_id(void);	  /* a number for a new block */
extern BlockWriter *block_writer_begin(int64 block_id);
extern void block_writer_begin_part(BlockWriter *w, TenantId tenant, int part);
extern void block_writer_add(BlockWriter *w, int64 series_id, Labels labels,
							 const SampleRun *floats, const StoreChunk *histograms,
							 int nhistograms);
extern void block_writer_end_part(BlockWriter *w);
extern int64 block_writer_bytes(const BlockWriter *w);
extern BlockTotals block_writer_end(BlockWriter *w, int32 day, uint32 gen, int64 tombstone);

/* --- reading: block_read.c ----------------------------------------------------------------------- */
typedef struct BlockPart
{
	int64 block_id;
	TenantId tenant;
	int part;
	int64 min_t, max_t; /* ms */
	int64 index_bytes;
} BlockPart;

typedef struct BlockReader BlockReader;

extern int block_parts(TenantId tenant, int64 mint, int64 maxt, Snapshot snapshot, BlockPart **out,
					   int *pruned);
extern int block_parts_of(int64 block_id, Snapshot snapshot, BlockPart **out);
extern BlockReader *block_reader_open(const BlockPart *part, Snapshot snapshot);
extern BlockIndex *block_reader_index(BlockReader *r);
extern void block_reader_raise(BlockReader *r, const Err *err);
extern void block_reader_trim(BlockReader *r);
extern void block_reader_chunk(BlockReader *r, const BlockChunk *c, StoreChunk *out);
extern int64 block_reader_rows(const BlockReader *r); /* pages fetched so far */
extern void block_reader_close(BlockReader *r);

/* --- both ------------------------------------------------------------------------------------------ */
#define BLOCK_PAGE_BYTES 8116 /* of a stream in a row: with CRC and columns the row fills a page */

typedef enum BlockStream
{
	BLOCK_STREAM_INDEX,
	BLOCK_STREAM_CHUNKS,
	BLOCK_STREAM_TIMES,
	BLOCK_NSTREAMS
} BlockStream;

/* Key of a page: part, stream and number. */
static inline int64
block_page_key(int part, BlockStream stream, int64 page)
{
	return (int64) part << 40 | (int64) stream << 36 | page;
}

extern void block_table_name(char *name, int64 block_id);

#endif
