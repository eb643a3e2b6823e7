/*
 * flush.h
 *    The flusher's work: recovery at start, flush cycles, freeing, eviction.
 *
 * All of it is called by one process, the flusher worker, outside a transaction: each call starts
 * and ends its own, with memory of CurrentMemoryContext that the caller resets after it.  An ERROR
 * leaves everything so that the same call, or that of another flusher after store_startup, goes on.
 */
#ifndef MIMIR_STORE_FLUSH_H
#define MIMIR_STORE_FLUSH_H

#include "postgres.h"

/*
 * store_startup -- rebuild the head from series table and log, then let requests in.  Called
 * once the extension exists; again after it was dropped and created anew.
 */
extern void store_startup(void);

extern void store_flush(void);		   /* a cycle, if one is due */
extern void store_truncate_logs(void); /* of flushed generations */
extern void store_evict(void);		   /* series that have ended leave the head */
extern void store_report(void);		   /* gauges */

/* store_startup_failed, store_flush_failed -- the worker caught an error of it. */
extern void store_startup_failed(void);
extern void store_flush_failed(void);

/* store_shutdown -- requests are no longer let in (extension dropped, worker ends). */
extern void store_shutdown(void);

/* store_flush_request_and_wait -- mimir.flush(); ereports if the cycle fails. */
extern void store_flush_request_and_wait(void);

/* --- pieces, for flush.c ------------------------------------------------------------------------ */
extern void store_recover(void);		/* recover.c */
extern void store_forget_evicted(void); /* evict.c: the head was reset */
extern bool evict_free_limbo(void);		/* false: readers still hold series that were unlinked */
extern int evict_unlink(const uint32 *refs, int n);

/* --- on a standby: follow.c --------------------------------------------------------------------- */
extern void store_follow_begin(void); /* the head is the follower's from now on */
extern void store_follow_tick(void);  /* bring the head up to what was replayed */
extern void store_follow_stop(void);  /* begin anew with the next tick */
extern void store_follow_end(void); /* promotion, or the follower ends: the head is the flusher's */

#endif
