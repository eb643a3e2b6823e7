/*
 * backfill.h
 *    Samples of the past that do not come through the head: blocks made from what is imported.
 *
 * A backfill makes one block of level 2 a day, in the caller's transaction.  It overlaps with what is
 * there already: readers merge, compaction joins.
 */
#ifndef MIMIR_STORE_BACKFILL_H
#define MIMIR_STORE_BACKFILL_H

#include "postgres.h"

#include "codec/sample_run.h"
#include "store/select.h"
#include "tenancy/tenant.h"

typedef struct Backfill Backfill;

/* backfill_begin -- a block of a tenant's samples of one day (days since the epoch). */
extern Backfill *backfill_begin(TenantId tenant, int32 day);

/*
 * backfill_add -- a series, in label order: floats in ascending times, histogram chunks (bytes of
 * CHUNK_HISTOGRAM or CHUNK_FLOAT_HISTOGRAM) by time.  All lie in the day.
 */
extern void backfill_add(Backfill *b, Labels labels, const SampleRun *floats,
						 const StoreChunk *histograms, int nhistograms);

/* backfill_end -- the block is there when the transaction commits; returns its samples. */
extern int64 backfill_end(Backfill *b);

/* backfill_day -- the day that a time (ms) lies in. */
extern int32 backfill_day(int64 t);

#endif
