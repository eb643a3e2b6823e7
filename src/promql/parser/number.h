/*
 * number.h
 *    Numbers and durations of the language: where they end, and what they are worth.
 */
#ifndef MIMIR_PROMQL_NUMBER_H
#define MIMIR_PROMQL_NUMBER_H

#include "util/err.h"

#include <stddef.h>

typedef enum NumberKind
{
	NUMBER_BAD, /* not a number; what was read of it belongs in the message */
	NUMBER_NUMBER,
	NUMBER_DURATION
} NumberKind;

/*
 * number_scan -- read a number or duration at p.  series: the rules of series descriptions (no
 * hex, no durations, an 'x' may follow).  *len gets the bytes read, also for NUMBER_BAD.
 */
extern NumberKind number_scan(const char *p, const char *end, bool series, size_t *len);

/* number_value -- value of a scanned number; err->msg has no position. */
extern bool number_value(const char *s, size_t len, double *v, Err *err);
/* number_duration_seconds -- value of a scanned duration. */
extern bool number_duration_seconds(const char *s, size_t len, double *v, Err *err);

#endif
