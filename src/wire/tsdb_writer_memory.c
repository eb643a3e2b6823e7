/*
 * tsdb_writer_memory.c
 *    Arrays that grow within a budget common to all of them.
 */
#include "wire/tsdb_writer_int.h"

#include "util/mem.h"

#define MIN_ITEMS 64

bool
tsdb_budget_grow(TsdbBudget *b, void **array, size_t *cap, size_t need, size_t size)
{
	size_t room = *cap < MIN_ITEMS ? MIN_ITEMS : *cap;

	if (need <= *cap)
		return true;
	while (room < need)
	{
		if (room > SIZE_MAX / 4)
			return false;
		room *= 2;
	}
	/* the old array lives until the new one is filled */
	if (room > b->max / size || room * size > b->max - b->used)
		return false;
	*array = mem_realloc(*array, room * size);
	b->used += (room - *cap) * size;
	*cap = room;
	return true;
}
