/*
 * histogram_value.h
 *    The SQL type mimir.histogram: a varlena in the binary form of a native histogram, normalized.
 */
#ifndef MIMIR_TYPES_HISTOGRAM_VALUE_H
#define MIMIR_TYPES_HISTOGRAM_VALUE_H

#include "postgres.h"

#include "model/histogram.h"

#define HISTOGRAM_TEXT_MAX ((size_t) 1 << 30) /* of any form in memory */

/* histogram_to_datum -- s is left as it is. */
extern Datum histogram_to_datum(const HistogramSample *s);

/* Both ereport ERRCODE_DATA_CORRUPTED if the bytes are no histogram; CurrentMemoryContext. */
extern HistogramSample histogram_of_varlena(const struct varlena *v);
extern const Histogram *histogram_float_form(const HistogramSample *s);

#endif
