/*
 * chunk_layout.h
 *    The bucket layout of a histogram chunk: its bits, and samples spread over it.
 *    For codec/ only.
 */
#ifndef MIMIR_CODEC_CHUNK_LAYOUT_H
#define MIMIR_CODEC_CHUNK_LAYOUT_H

#include "codec/varbit.h"
#include "model/histogram.h"

/* The buckets of one histogram by index, positive ones first; memory from mem_alloc. */
typedef struct BucketSet
{
	int32_t *index;	 /* ascending within each side */
	uint64_t *value; /* absolute counts: int64 bits of an integer histogram, else double bits */
	int n_pos, n_neg;
	int cap;
} BucketSet;

extern void bucket_set_load(BucketSet *b, const HistogramSample *s);
extern bool bucket_set_same_layout(const BucketSet *a, const BucketSet *b);
extern void bucket_set_union(BucketSet *out, const BucketSet *a, const BucketSet *b);
extern void bucket_set_spread(const BucketSet *b, const BucketSet *layout, uint64_t *value);
extern HistogramSpan *bucket_set_spans(const int32_t *index, int n, int *n_spans);

/* A layout as read from a chunk, with its own arrays. */
typedef struct ChunkLayout
{
	HistogramLayout view;
	HistogramSpan *pos_spans, *neg_spans;
	double *custom;
	int n_pos, n_neg; /* buckets */
} ChunkLayout;

extern void chunk_layout_put(BitBuf *b, const HistogramLayout *l);
extern bool chunk_layout_get(BitReader *r, ChunkLayout *l);

#endif
