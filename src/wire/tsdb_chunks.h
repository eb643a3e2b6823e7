/*
 * tsdb_chunks.h
 *    Chunk segments of a TSDB block: from a reference to a chunk's bytes.
 */
#ifndef MIMIR_WIRE_TSDB_CHUNKS_H
#define MIMIR_WIRE_TSDB_CHUNKS_H

#include "codec/chunk.h"
#include "wire/tsdb_bytes.h"

#define TSDB_SEGMENT_MAGIC	UINT32_C(0x85BD40DD)
#define TSDB_SEGMENT_HEADER 8			 /* magic, version, three zeros */
#define TSDB_SEGMENT_MAX	(512u << 20) /* bytes of a file */

typedef struct TsdbChunk
{
	ChunkEncoding encoding;
	const uint8_t *data; /* into the segment */
	size_t len;
} TsdbChunk;

/* tsdb_segment_check -- does the file begin as a segment does?  number is for the message. */
extern bool tsdb_segment_check(TsdbBytes segment, int number, Err *err);

/*
 * tsdb_chunk_get -- the chunk a reference names: segments[0] is the file 000001.  Its checksum is
 * tested; what its bytes decode to is the codec's business.
 */
extern bool tsdb_chunk_get(const TsdbBytes *segments, int n_segments, uint64_t ref, TsdbChunk *out,
						   Err *err);

#endif
