/*
 * chunk.h
 *    The contract of chunk encodings: a compressed run of samples of one series.
 *
 * The bytes of CHUNK_XOR, CHUNK_HISTOGRAM and CHUNK_FLOAT_HISTOGRAM are bit for bit those of
 * Prometheus' TSDB chunks (reference 3.7).  Chunk bytes are input: every decoder bounds its
 * reads and returns an error on malformed bytes, never more than max samples.
 */
#ifndef MIMIR_CODEC_CHUNK_H
#define MIMIR_CODEC_CHUNK_H

#include "model/histogram.h"
#include "util/buf.h"
#include "util/err.h"

typedef enum ChunkEncoding
{
	CHUNK_XOR = 1,
	CHUNK_HISTOGRAM = 2,
	CHUNK_FLOAT_HISTOGRAM = 3,
	CHUNK_COLUMNS = 4 /* ours: floats of a closed chunk */
} ChunkEncoding;

#define CHUNK_MAX_SAMPLES 65535

/* --- floats: codec/chunk_xor.c ------------------------------------------------------------- */

/*
 * The writer keeps all it needs to append between calls; buf is the caller's and may move
 * between calls (the caller updates w->buf and w->cap).  48 bytes: the head keeps one per
 * active series.
 */
typedef struct ChunkXorWriter
{
	uint8_t *buf;
	uint32_t cap;	 /* bytes at buf */
	uint32_t bits;	 /* bits written, the two header bytes included */
	int64_t t;		 /* last timestamp, ms */
	int64_t delta;	 /* last timestamp difference */
	uint64_t v;		 /* bits of the last value */
	uint16_t count;	 /* samples; also in the first two bytes of buf, big-endian */
	uint8_t leading; /* 0xff: no window yet */
	uint8_t trailing;
} ChunkXorWriter;

#define CHUNK_XOR_MIN_CAP	 32
#define CHUNK_XOR_MAX_SAMPLE 20 /* an append never needs more bytes than this */

extern void chunk_xor_init(ChunkXorWriter *w, uint8_t *buf, uint32_t cap);

/*
 * chunk_xor_append -- add a sample behind the last one; t must exceed the previous t.
 * Returns false and changes nothing if fewer than CHUNK_XOR_MAX_SAMPLE bytes are free or the
 * chunk holds CHUNK_MAX_SAMPLES: the caller grows the buffer or cuts a new chunk.
 */
extern bool chunk_xor_append(ChunkXorWriter *w, int64_t t, double v);
static inline uint32_t
chunk_xor_size(const ChunkXorWriter *w)
{
	return (w->bits + 7) / 8;
}

/*
 * Where a reader may begin who wants only what follows: the state after count samples.
 */
typedef struct ChunkXorMark
{
	int64_t t; /* of the last sample before, ms */
	int64_t delta;
	uint64_t v;
	uint32_t bits;	/* position of the next sample */
	uint16_t count; /* samples before it; 0: no mark */
	uint8_t leading;
	uint8_t trailing;
} ChunkXorMark;

/* chunk_xor_mark -- a mark behind what is written; w->count must be 2 or more. */
extern ChunkXorMark chunk_xor_mark(const ChunkXorWriter *w);

/*
 * chunk_xor_decode_after -- as chunk_xor_decode, of the samples behind a mark of this chunk.
 * The mark is trusted, the bytes are not.
 */
extern int chunk_xor_decode_after(const ChunkXorMark *mark, const uint8_t *data, size_t len,
								  int64_t *t, double *v, int max, Err *err);

/*
 * chunk_xor_decode -- all samples of a chunk to t[] and v[] (room for max), their times
 * ascending.  Returns their number, or -1 with err filled.  Speed matters: this is the query's
 * hot loop.
 */
extern int chunk_xor_decode(const uint8_t *data, size_t len, int64_t *t, double *v, int max,
							Err *err);
extern int chunk_count(const uint8_t *data, size_t len); /* header's sample count, any encoding */

/* --- floats of closed chunks: codec/chunk_columns.c ---------------------------------------- */

/* chunk_columns_encode -- append a chunk of n (1..CHUNK_MAX_SAMPLES) samples, ascending times. */
extern void chunk_columns_encode(const int64_t *t, const double *v, int n, Buf *out);

/* chunk_columns_decode -- as chunk_xor_decode. */
extern int chunk_columns_decode(const uint8_t *data, size_t len, int64_t *t, double *v, int max,
								Err *err);

/* --- native histograms: codec/chunk_histogram.c, codec/chunk_float_histogram.c ------------- */

typedef struct ChunkBytes
{
	ChunkEncoding encoding;
	int count;
	int64_t min_t, max_t;
	uint8_t *data; /* from mem_alloc */
	size_t len;
} ChunkBytes;

/*
 * chunk_histogram_encode -- encode samples (ascending t, ints and floats may alternate) to as
 * many chunks as layout changes, resets and kind changes demand (reference 3.7.4).  Chunks are
 * cut near max_bytes.  *out is from mem_alloc; returns the number of chunks.
 */
extern int chunk_histogram_encode(const HistogramSample *samples, int n, size_t max_bytes,
								  ChunkBytes **out);

/*
 * chunk_histogram_decode -- either histogram encoding to samples (from mem_alloc), with the hints
 * that reading from storage gives (first unknown or gauge, others not_reset).  Samples of a
 * chunk share spans and bounds: copy before a change.  Returns the number or -1.
 */
extern int chunk_histogram_decode(ChunkEncoding enc, const uint8_t *data, size_t len,
								  HistogramSample **out, Err *err);

/*
 * The open form of histogram samples: for each varint of its time (ms) and the sample's
 * self-contained form (histogram_sample_put).  Never stored in a block.
 */
#define CHUNK_RAW_HISTOGRAM 0x80

/* chunk_raw_histogram_decode -- count samples (from mem_alloc); their number, or -1. */
extern int chunk_raw_histogram_decode(const uint8_t *data, size_t len, int count,
									  HistogramSample **out, Err *err);

#endif
