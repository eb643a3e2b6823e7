/*
 * collect.h
 *    All samples of a series, from head and blocks, as chunks that Prometheus reads.
 */
#ifndef MIMIR_STORE_COLLECT_H
#define MIMIR_STORE_COLLECT_H

#include "postgres.h"

#include "codec/sample_run.h"
#include "store/select.h"

/*
 * What was collected: floats and histograms, each by time and without duplicates, no deleted or expired
 * ones.  Of equal times of both kinds the float counts.
 */
typedef struct StoreCollect
{
	SampleRun floats; /* only [from, to) are in the range */
	int from, to;
	int nh;
	HistogramSample *h;

	int64 mint, maxt; /* the rest is private */
	int cap_h;
	MemoryContext context;
	MemoryContext series;
	SampleRun chunk;
} StoreCollect;

/* store_collect_begin -- for samples in [mint, maxt], ms; lives in CurrentMemoryContext. */
extern StoreCollect *store_collect_begin(int64 mint, int64 maxt);

/* store_collect -- series i of a select; valid until the next one. */
extern void store_collect(StoreCollect *c, StoreSelect *select, int i);

typedef void (*StoreChunkFn)(void *arg, ChunkEncoding encoding, int64 mint, int64 maxt,
							 const uint8 *data, Size len);

/*
 * store_collect_chunks -- what was collected as chunks by time, as Prometheus cuts them: 120 floats, or
 * histograms up to some 4 kB.  Chunks live during the call only.  Returns the number of samples.
 */
extern int64 store_collect_chunks(StoreCollect *c, StoreChunkFn put, void *arg);
extern void store_collect_end(StoreCollect *c);

#endif
