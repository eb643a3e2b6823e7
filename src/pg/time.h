/*
 * time.h
 *    Between PostgreSQL's clock (microseconds since 2000) and ours (ms since the Unix epoch).
 */
#ifndef MIMIR_PG_TIME_H
#define MIMIR_PG_TIME_H

#include "postgres.h"

#include "datatype/timestamp.h"

extern int64 time_now_ms(void);
extern int64 time_to_ms(TimestampTz t);	   /* rounds down; infinities to the int64 limits */
extern TimestampTz time_from_ms(int64 ms); /* out of range: infinity */

#endif
