/*
 * exemplar.h
 *    A sample with trace labels attached to a series; metadata of a metric family.
 */
#ifndef MIMIR_MODEL_EXEMPLAR_H
#define MIMIR_MODEL_EXEMPLAR_H

#include "model/labels.h"

typedef struct Exemplar
{
	Labels labels;
	double value;
	int64_t t; /* ms; 0 = none given */
} Exemplar;

typedef enum MetricType
{
	METRIC_UNKNOWN = 0,
	METRIC_COUNTER = 1,
	METRIC_GAUGE = 2,
	METRIC_HISTOGRAM = 3,
	METRIC_GAUGEHISTOGRAM = 4,
	METRIC_SUMMARY = 5,
	METRIC_INFO = 6,
	METRIC_STATESET = 7
} MetricType;

typedef struct Metadata
{
	MetricType type;
	StrView family;
	StrView help;
	StrView unit;
} Metadata;

extern const char *metric_type_name(MetricType type); /* "counter", "unknown", ... */

#endif
