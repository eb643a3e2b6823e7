/*
 * slots.c
 *    Numbered entries of one size in arena pages.
 */
#include "postgres.h"

#include "index/slots.h"

Size
slots_shmem_size(Size budget)
{
	return MAXALIGN(sizeof(char *) * (budget / ARENA_PAGE + 16));
}

void
slots_init(Slots *s, Arena *arena, uint32 entry_size, void *shmem, Size budget)
{
	s->arena = arena;
	s->entry_size = TYPEALIGN(8, entry_size);
	s->per_page = ARENA_PAGE / s->entry_size;
	s->n = 1;
	s->free = 0;
	s->max_pages = budget / ARENA_PAGE + 16;
	s->pages = shmem;
	memset(s->pages, 0, sizeof(char *) * s->max_pages);
}

/* slots_alloc -- a zeroed entry's number, or 0 if the arena is used up. */
uint32
slots_alloc(Slots *s)
{
	uint32 i = s->free;

	if (i != 0)
		s->free = *(uint32 *) slots_get(s, i);
	else
	{
		uint32 page = s->n / s->per_page;

		if (page >= s->max_pages)
			return 0;
		if (s->pages[page] == NULL)
		{
			s->pages[page] = arena_page_alloc(s->arena);
			if (s->pages[page] == NULL)
				return 0;
		}
		i = s->n++;
	}
	memset(slots_get(s, i), 0, s->entry_size);
	return i;
}

void
slots_free(Slots *s, uint32 i)
{
	*(uint32 *) slots_get(s, i) = s->free;
	s->free = i;
}
