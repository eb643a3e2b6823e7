/*
 * sample_run.h
 *    Samples of one series as arrays, and how chunks become one run of them.
 *
 * Chunks of a series come by start time and mostly do not overlap: then they are decoded one
 * behind the other.  Where one does overlap, the arrays are merged by time; of two samples with
 * one timestamp the one that was there first stays.
 */
#ifndef MIMIR_CODEC_SAMPLE_RUN_H
#define MIMIR_CODEC_SAMPLE_RUN_H

#include "codec/chunk.h"
#include "util/mem.h"

typedef struct SampleRun
{
	int64_t *t; /* ms, ascending */
	double *v;
	Histogram **h; /* NULL until the first histogram; else NULL for a float */
	int n;
	int cap;
} SampleRun;

/* Arrays come from mem_alloc in the scope that is current, always the same for one run. */
extern void sample_run_reserve(SampleRun *run, int n);
extern bool sample_run_decode(SampleRun *run, int encoding, const uint8_t *data, size_t len,
							  int count, MemScope *histograms, Err *err);
extern bool sample_run_decode_after(SampleRun *run, const ChunkXorMark *mark, const uint8_t *data,
									size_t len, Err *err);
extern bool sample_run_decode_column(SampleRun *run, const int64_t *times, int count,
									 const uint8_t *values, size_t len, int64_t mint, int64_t maxt,
									 Err *err);
extern void sample_run_merge(SampleRun *all, const SampleRun *chunk);
extern int sample_run_lower_bound(const int64_t *t, int n, int64_t x);

#endif
