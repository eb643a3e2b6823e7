/*
 * histogram_side.h
 *    The buckets of one sign as a sorted list of (index, count): what arithmetic works on.
 */
#ifndef MIMIR_MODEL_HISTOGRAM_SIDE_H
#define MIMIR_MODEL_HISTOGRAM_SIDE_H

#include "model/histogram.h"

typedef struct HistogramItem
{
	int32_t index;
	double v;
	double c; /* compensation, 0 if none is kept */
} HistogramItem;

typedef struct HistogramSide
{
	HistogramItem *items; /* ascending by index */
	int n;
} HistogramSide;

/* histogram_side_load -- comp: counts of a compensation of the same layout, NULL: none. */
extern HistogramSide histogram_side_load(const HistogramSpan *spans, int nspans,
										 const double *counts, int n, const double *comp);
/* histogram_side_store -- as spans and counts; comp (may be NULL) gets the compensation. */
extern void histogram_side_store(const HistogramSide *s, HistogramSpan **spans, int *nspans,
								 double **counts, int *n, double **comp);

#endif
