/*
 * column.h
 *    Columns of compacted data: the times, and the values, of a run of samples, each by itself.
 *
 * A series' samples are a column of times and a column of values; series scraped together can
 * share the former.  A column knows its number of samples.  Encoding chooses what needs the
 * fewest bytes and takes its time (some ten nanoseconds a sample); decoding is for queries, which
 * may ask for a part: what is decoded are blocks of COLUMN_BLOCK samples.
 *
 * Column bytes are input: every decoder bounds its reads and answers malformed bytes with an
 * error (ERR_CORRUPT).  They carry no checksum; that is their keeper's.  Memory is the caller's,
 * but for scratch that encoders free again.
 */
#ifndef MIMIR_CODEC_COLUMN_COLUMN_H
#define MIMIR_CODEC_COLUMN_COLUMN_H

#include "util/buf.h"
#include "util/err.h"

#define COLUMN_MAX_SAMPLES (1 << 24)
#define COLUMN_BLOCK	   1024

/* --- times: column/times.c ----------------------------------------------------------------- */

typedef struct ColumnTimes
{
	int n;
	int64_t min_t; /* ms; of the first and the last sample; 0 if n is */
	int64_t max_t;
} ColumnTimes;

/* column_times_encode -- append n (0..COLUMN_MAX_SAMPLES) times, which ascend strictly. */
extern void column_times_encode(const int64_t *t, int n, Buf *out);

/* column_times_peek -- what the column says of itself, at no cost. */
extern bool column_times_peek(const uint8_t *p, size_t len, ColumnTimes *info, Err *err);

/* column_times_decode -- all times to t[], which has room for max; their number, or -1. */
extern int column_times_decode(const uint8_t *p, size_t len, int64_t *t, int max, Err *err);

/* column_times_range -- times from .. to - 1 to t[]; false if that is not in the column. */
extern bool column_times_range(const uint8_t *p, size_t len, int from, int to, int64_t *t,
							   Err *err);

/* column_times_find -- the number of times that are less than t, 0..n; -1 with err. */
extern int column_times_find(const uint8_t *p, size_t len, int64_t t, Err *err);

/* --- values: column/values.c --------------------------------------------------------------- */

/* column_values_encode -- append n (0..COLUMN_MAX_SAMPLES) values, every bit of them. */
extern void column_values_encode(const double *v, int n, Buf *out);

/* column_values_count -- the number of values, at no cost; -1 with err. */
extern int column_values_count(const uint8_t *p, size_t len, Err *err);

/* column_values_decode -- all values to v[], which has room for max; their number, or -1. */
extern int column_values_decode(const uint8_t *p, size_t len, double *v, int max, Err *err);

/* column_values_range -- values from .. to - 1 to v[]; false if that is not in the column. */
extern bool column_values_range(const uint8_t *p, size_t len, int from, int to, double *v,
								Err *err);

#endif
