/*
 * raw_histogram.h
 *    Open histogram chunks of the head (STORE_CHUNK_RAW_HISTOGRAM) to samples.
 */
#ifndef MIMIR_STORE_RAW_HISTOGRAM_H
#define MIMIR_STORE_RAW_HISTOGRAM_H

#include "postgres.h"

#include "model/histogram.h"

/*
 * raw_histogram_decode -- count samples to *out, from CurrentMemoryContext; false fills err with
 * ERR_CORRUPT.
 */
extern bool raw_histogram_decode(const uint8 *data, uint32 len, int count, HistogramSample **out,
								 Err *err);

#endif
