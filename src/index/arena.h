/*
 * arena.h
 *    The head's memory: one fixed run of shared memory, handed out in pages and slabs.
 *
 * The budget (mimir.head_memory) is reserved at server start and never exceeded; pages that were
 * never used cost nothing.  A page is ARENA_PAGE bytes.  It is either
 *    - cut into equal items of a size class (arena_alloc / arena_free), or
 *    - owned whole by somebody (arena_page_alloc), such as a generation of closed chunks.
 * A page whose items are all free goes back to the pool, so memory moves between classes.
 *
 * Every process maps the segment at the same address (the postmaster forks), so plain
 * pointers are stored in it.
 *
 * Concurrency: one spinlock inside; every call is O(1), allocates nothing else and never
 * raises.  NULL means that the budget is used up.
 */
#ifndef MIMIR_INDEX_ARENA_H
#define MIMIR_INDEX_ARENA_H

#include "postgres.h"

#define ARENA_PAGE	   32768 /* bytes */
#define ARENA_MAX_ITEM ARENA_PAGE

typedef struct Arena Arena;

extern Size arena_shmem_size(Size budget_bytes);
extern Arena *arena_init(void *shmem, Size budget_bytes);

/* arena_alloc -- size in 1..ARENA_MAX_ITEM; *cap (may be NULL) gets the usable bytes. */
extern void *arena_alloc(Arena *a, Size size, uint32 *cap);
extern void arena_free(Arena *a, void *p);
extern uint32 arena_cap(Arena *a, void *p); /* usable bytes of an item */

extern void *arena_page_alloc(Arena *a);
extern void arena_page_free(Arena *a, void *page);

extern Size arena_used(Arena *a);	/* bytes in pages that are handed out */
extern Size arena_budget(Arena *a); /* bytes in all pages */

#endif
