/*
 * chunk_codec.h
 *    Chunks of any encoding: a table of what each is called and how it is read.
 *
 * Who stores or shows chunks without wishing to know their encodings goes through this table; a new
 * encoding is a row of it.
 */
#ifndef MIMIR_CODEC_CHUNK_CODEC_H
#define MIMIR_CODEC_CHUNK_CODEC_H

#include "codec/chunk.h"
#include "model/labels.h"

/* The samples of a chunk, all from mem_alloc; either v or h is set. */
typedef struct ChunkSamples
{
	int n;
	const int64_t *t;		  /* ms, ascending */
	const double *v;		  /* NULL: histograms */
	const HistogramSample *h; /* NULL: floats; they share spans and bounds */
} ChunkSamples;

typedef struct ChunkCodec
{
	ChunkEncoding encoding;
	const char *name; /* in text forms and views; never changes */
	/* the number of samples its header claims; len >= min_len */
	int (*count)(const uint8_t *data, size_t len);
	size_t min_len;
	/* false fills err; hostile bytes are an error, never more */
	bool (*decode)(const uint8_t *data, size_t len, ChunkSamples *out, Err *err);
} ChunkCodec;

extern const ChunkCodec *chunk_codec(int encoding);			/* NULL: there is none */
extern const ChunkCodec *chunk_codec_by_name(StrView name); /* the same */

#endif
