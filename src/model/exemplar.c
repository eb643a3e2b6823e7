/*
 * exemplar.c
 *    Names of metric types.
 */
#include "model/exemplar.h"

/* metric_type_name -- the name in metadata and OpenMetrics; "unknown" for what is not a type. */
const char *
metric_type_name(MetricType type)
{
	static const char *const names[] = {"unknown",		  "counter", "gauge", "histogram",
										"gaugehistogram", "summary", "info",  "stateset"};

	return (unsigned) type < sizeof(names) / sizeof(names[0]) ? names[type] : "unknown";
}
