/*
 * compact.h
 *    The compactor's work: days of flushed blocks become one block each, what nobody reads any
 *    more is dropped.
 *
 * The tick is called by one process, the compactor worker, outside a transaction: it starts and
 * ends its own.
 */
#ifndef MIMIR_STORE_COMPACT_H
#define MIMIR_STORE_COMPACT_H

#include "postgres.h"

#include "storage/condition_variable.h"
#include "storage/lwlock.h"
#include "tenancy/tenant.h"

/* What the compactor does and did; one in shared memory. */
typedef struct CompactState
{
	LWLock lock; /* guards all of it */

	/* requests */
	uint64 asked, asked_full; /* numbers of the last request of each kind */
	uint64 done;
	bool failed; /* the last round */
	int procno;	 /* of the compactor, -1 = none */
	ConditionVariable cv;

	/* the block being written; day INT32_MIN: none */
	int32 day;
	uint32 tenant;
	int64 series_done, series_total;
	int64 samples, bytes;
	int64 started_ms;

	/* since the start of the server */
	int64 blocks_written, blocks_removed, samples_compacted, bytes_written;
	int64 last_ms; /* when the last block was committed; 0: none */
} CompactState;

extern CompactState *compact_state;

extern Size compact_shmem_size(void);
extern void compact_shmem_init(void);

/* --- asking: compact_state.c ---------------------------------------------------------------------- */
extern void compact_request_and_wait(bool full);
extern void compact_attach(void); /* the compactor is there */
extern void compact_detach(void);
extern void compact_wake(void); /* there is something to do */
extern void compact_round_begin(bool *asked, bool *full, uint64 *upto);
extern void compact_round_end(uint64 upto, bool failed);
extern void compact_progress_begin(int32 day);
extern void compact_progress_tenant(TenantId tenant, int64 series_total);
extern void compact_progress_add(int64 series, int64 samples, int64 bytes);
extern void compact_progress_end(bool written, int64 removed);

/* --- the work ------------------------------------------------------------------------------------- */
extern long store_compact_tick(void); /* compact.c; returns ms until the next look */
extern void store_compact_failed(void);

/* compact_drop.c */
extern void compact_drop_unused(void);
extern void compact_drop_forget(int32 day); /* the day's partition was in use until now */

#endif
