/*
 * json.h
 *    The Prometheus API's JSON: envelope, samples, timestamps.
 */
#ifndef MIMIR_WIRE_JSON_H
#define MIMIR_WIRE_JSON_H

#include "model/histogram.h"
#include "util/buf.h"

extern void json_timestamp(Buf *b, int64_t ms);			   /* 1435781451.781 */
extern void json_sample_value(Buf *b, double v);		   /* "1.5" */
extern void json_histogram(Buf *b, const Histogram *h);	   /* {"count":...} */
extern void json_float_point(Buf *b, int64_t t, double v); /* [ts,"v"] */

/* json_error -- {"status":"error","errorType":...,"error":...} */
extern void json_error(Buf *b, const char *type, const char *msg);

#endif
