/*
 * flush.h
 *    The flusher's work: recovery at start, flush cycles, freeing, eviction.
 *
 * All of it is called by one process, the flusher worker, outside a transaction: each call
 * starts and ends its own.
 */
#ifndef MIMIR_STORE_FLUSH_H
#define MIMIR_STORE_FLUSH_H

#include "postgres.h"

/*
 * store_startup -- rebuild the head from series table and log, then let requests in.  Called
 * once the extension exists; again after it was dropped and created anew.
 */
extern void store_startup(void);

/*
 * store_flush_tick -- do what is due; returns milliseconds until the next look (the latch
 * wakes the worker earlier).  An ERROR leaves everything as it was; the next tick tries again.
 */
extern long store_flush_tick(void);

/* store_flush_failed -- the worker caught an error of the tick: tell who waits in mimir.flush(). */
extern void store_flush_failed(void);

/* store_shutdown -- requests are no longer let in (extension dropped, worker ends). */
extern void store_shutdown(void);

extern bool store_is_ready(void); /* any process */

/* store_flush_request_and_wait -- mimir.flush(); ereports if the cycle fails. */
extern void store_flush_request_and_wait(void);

/* --- pieces, for flush.c ------------------------------------------------------------------------ */
extern void store_recover(void);	/* recover.c */
extern int store_evict(void);		/* evict.c: series that left the head */
extern bool evict_free_limbo(void); /* false: readers still hold series that were unlinked */
extern int evict_unlink(const uint32 *refs, int n);

/* --- on a standby: follow.c --------------------------------------------------------------------- */
extern void store_follow_begin(void); /* the head is the follower's from now on */
extern void store_follow_tick(void);  /* bring the head up to what was replayed */
extern void store_follow_stop(void);  /* begin anew with the next tick */
extern void store_follow_end(void); /* promotion, or the follower ends: the head is the flusher's */

#endif
