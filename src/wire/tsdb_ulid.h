/*
 * tsdb_ulid.h
 *    ULIDs, the names of TSDB blocks: 48 bits of time and 80 random ones as 26 characters.
 *
 * They sort by time as text.  https://github.com/ulid/spec
 */
#ifndef MIMIR_WIRE_TSDB_ULID_H
#define MIMIR_WIRE_TSDB_ULID_H

#include "model/labels.h"

#define TSDB_ULID_LEN	 26
#define TSDB_ULID_RANDOM 10 /* bytes */

typedef struct TsdbUlid
{
	char text[TSDB_ULID_LEN + 1]; /* upper case, NUL-terminated */
} TsdbUlid;

/* tsdb_ulid_make -- ms: since the epoch, 0 <= ms < 2^48. */
extern void tsdb_ulid_make(int64_t ms, const uint8_t random[TSDB_ULID_RANDOM], TsdbUlid *out);

/* tsdb_ulid_parse -- lower case is accepted; false if text is not a ULID. */
extern bool tsdb_ulid_parse(const char *text, size_t len, TsdbUlid *out);
extern int64_t tsdb_ulid_time(const TsdbUlid *ulid); /* ms; of a valid one */

#endif
