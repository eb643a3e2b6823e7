/*
 * tsdb_tombstones.h
 *    The tombstones file of a TSDB block: time ranges of series that are deleted.
 */
#ifndef MIMIR_WIRE_TSDB_TOMBSTONES_H
#define MIMIR_WIRE_TSDB_TOMBSTONES_H

#include "wire/tsdb_bytes.h"

typedef struct TsdbTombstone
{
	uint64_t ref;		  /* the series, as the index names it */
	int64_t min_t, max_t; /* ms, both deleted */
} TsdbTombstone;

typedef struct TsdbTombstones
{
	int n;
	TsdbTombstone *items; /* from mem_alloc; by ref and time, those of a series do not touch */
} TsdbTombstones;

/* tsdb_tombstones_read -- a file of no bytes, that is none, has no tombstones. */
extern bool tsdb_tombstones_read(TsdbBytes file, TsdbTombstones *out, Err *err);
extern void tsdb_tombstones_free(TsdbTombstones *t);

/* tsdb_tombstones_find -- those of one series; returns how many. */
extern int tsdb_tombstones_find(const TsdbTombstones *t, uint64_t ref, const TsdbTombstone **out);

/* Writing: begin, then put in any order, then finish, all to one buffer. */
extern void tsdb_tombstones_begin(Buf *out);
extern void tsdb_tombstones_put(Buf *out, const TsdbTombstone *t);
extern void tsdb_tombstones_finish(Buf *out);

#endif
