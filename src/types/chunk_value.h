/*
 * chunk_value.h
 *    The SQL type mimir.chunk: a varlena with an encoding byte and the chunk's bytes.
 *
 * Values are checked when they come from a client; those that come from storage are not, so whoever
 * reads one decodes as if it were hostile.
 */
#ifndef MIMIR_TYPES_CHUNK_VALUE_H
#define MIMIR_TYPES_CHUNK_VALUE_H

#include "postgres.h"

#include "codec/chunk_codec.h"

/*
 * The largest chunk: CHUNK_MAX_SAMPLES float samples that do not compress need 1.3 MB; decoding a
 * histogram chunk takes up to 64 times its bytes.
 */
#define CHUNK_VALUE_MAX (2 * 1024 * 1024)

/* A view into a value. */
typedef struct ChunkView
{
	int encoding;
	const uint8 *data;
	Size len;
} ChunkView;

extern ChunkView chunk_view(const struct varlena *v);
extern Datum chunk_to_datum(int encoding, const void *data, Size len);

/* Both ereport ERRCODE_DATA_CORRUPTED if the bytes are not a chunk of a known encoding. */
extern const ChunkCodec *chunk_view_codec(ChunkView chunk);
extern void chunk_view_decode(ChunkView chunk, ChunkSamples *out); /* CurrentMemoryContext */

#endif
