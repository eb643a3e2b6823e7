/*
 * slots.h
 *    Numbered entries of one size in arena pages: a 32-bit number instead of a pointer.
 *
 * Slot 0 is never given out, so that 0 can mean "none".  Freed numbers are reused.  Pages are never
 * given back.  The caller's lock guards allocation and freeing; reading a slot that one holds a
 * reference to needs none.
 */
#ifndef MIMIR_INDEX_SLOTS_H
#define MIMIR_INDEX_SLOTS_H

#include "index/arena.h"

typedef struct Slots
{
	Arena *arena;
	uint32 entry_size; /* bytes, at least 4 */
	uint32 per_page;
	uint32 n;	 /* numbers ever given out, plus one */
	uint32 free; /* first freed number; the next one stands in its first four bytes */
	uint32 max_pages;
	char **pages;
} Slots;

extern Size slots_shmem_size(Size budget_bytes);
extern void slots_init(Slots *s, Arena *arena, uint32 entry_size, void *shmem, Size budget_bytes);
extern uint32 slots_alloc(Slots *s); /* zeroed; 0 = out of memory */
extern void slots_free(Slots *s, uint32 i);

static inline void *
slots_get(const Slots *s, uint32 i)
{
	return s->pages[i / s->per_page] + (Size) (i % s->per_page) * s->entry_size;
}

#endif
