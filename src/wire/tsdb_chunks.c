/*
 * tsdb_chunks.c
 *    Chunk segments: header, then chunks one after the other.
 *
 * Chunk:      uvarint length of the data | u8 encoding | data | CRC-32C of encoding and data
 * Reference:  number of the segment from 0 << 32 | offset of the chunk in its file
 */
#include "wire/tsdb_chunks.h"

#include "util/crc32c.h"

#include <inttypes.h>

#define SEGMENT_VERSION 1

bool
tsdb_segment_check(TsdbBytes segment, int number, Err *err)
{
	if (segment.len < TSDB_SEGMENT_HEADER || tsdb_load_u32(segment.data) != TSDB_SEGMENT_MAGIC)
		return err_set(err, ERR_CORRUPT, -1, "file %06d is not a chunk segment", number);
	if (segment.data[4] != SEGMENT_VERSION)
		return err_set(err, ERR_CORRUPT, -1,
					   "segment format version %d of file %06d is not supported", segment.data[4],
					   number);
	return true;
}

bool
tsdb_chunk_get(const TsdbBytes *segments, int n_segments, uint64_t ref, TsdbChunk *out, Err *err)
{
	uint64_t segment = ref >> 32, offset = ref & UINT32_MAX;
	TsdbCursor in;
	uint64_t len;
	int encoding;

	if (segment >= (uint64_t) n_segments || offset < TSDB_SEGMENT_HEADER ||
		offset >= segments[segment].len)
		return err_set(err, ERR_CORRUPT, -1,
					   "there is no chunk at offset %" PRIu64 " of segment %" PRIu64, offset,
					   segment + 1);
	in = (TsdbCursor){segments[segment].data + offset,
					  segments[segment].data + segments[segment].len, false};
	len = tsdb_get_uvarint(&in);
	if (in.bad || tsdb_left(&in) < 5 || len > tsdb_left(&in) - 5)
		return err_set(err, ERR_CORRUPT, -1,
					   "chunk at offset %" PRIu64 " of segment %" PRIu64 " ends outside the file",
					   offset, segment + 1);
	encoding = *in.p;
	if (crc32c(0, in.p, (size_t) len + 1) != tsdb_load_u32(in.p + len + 1))
		return err_set(err, ERR_CORRUPT, -1,
					   "chunk at offset %" PRIu64 " of segment %" PRIu64 " has a wrong checksum",
					   offset, segment + 1);
	if (encoding < CHUNK_XOR || encoding > CHUNK_FLOAT_HISTOGRAM)
		return err_set(err, ERR_CORRUPT, -1,
					   "encoding %d of the chunk at offset %" PRIu64 " of segment %" PRIu64
					   " is not supported",
					   encoding, offset, segment + 1);
	out->encoding = (ChunkEncoding) encoding;
	out->data = in.p + 1;
	out->len = (size_t) len;
	return true;
}
