/*
 * tombstone.h
 *    Deletions: matchers and a time range whose samples nobody sees any more.
 *
 * A tombstone is a row of mimir.tombstone.  From its commit on readers leave out what it covers;
 * compaction writes no sample that one covers, and removes the row when no block, log or head can
 * hold such a sample.
 */
#ifndef MIMIR_STORE_TOMBSTONE_H
#define MIMIR_STORE_TOMBSTONE_H

#include "postgres.h"

#include "codec/sample_run.h"
#include "model/matcher.h"
#include "tenancy/tenant.h"
#include "utils/snapshot.h"

/* Times that are deleted, ms, both included. */
typedef struct TimeInterval
{
	int64 min_t, max_t;
} TimeInterval;

typedef struct Tombstones Tombstones;

/* tombstones_load -- those of a tenant that overlap [mint, maxt]; NULL: none.  palloc'd. */
extern Tombstones *tombstones_load(TenantId tenant, int64 mint, int64 maxt, Snapshot snapshot);
extern int64 tombstones_newest(const Tombstones *ts); /* largest id; NULL: 0 */

/* tombstones_of -- deleted intervals of a series, merged and ascending; *out palloc'd. */
extern int tombstones_of(const Tombstones *ts, Labels labels, TimeInterval **out);

/* tombstones_apply -- take the samples in n ascending intervals out of a run. */
extern void tombstones_apply(const TimeInterval *intervals, int n, SampleRun *run);

/*
 * tombstone_add -- delete samples of matching series in [mint, maxt] (ms) as of the running
 * transaction's commit.  maxt is clipped to the tenant's newest sample, so that samples to come
 * are not hidden.  selector is the matchers as text.
 */
extern void tombstone_add(TenantId tenant, const char *selector, int64 mint, int64 maxt);

/* tombstones_retire -- remove rows that no block, log or head needs; called by the compactor. */
extern void tombstones_retire(void);

#endif
