/*
 * tsdb_writer_pairs.c
 *    Postings of a block while its series are written: for each label pair the series that carry it.
 *
 * Series come in ascending order, so a list is kept as uvarint differences, one or two bytes each.
 * The bytes lie in a chain of blocks, the first of FIRST_BLOCK bytes, each next one twice as large
 * up to LAST_BLOCK; a block begins with the place of the next.  Blocks are cut from pages and
 * never given back.
 *
 * Memory: 50 to 80 bytes a pair and, for long lists, 1.1 to 2.5 bytes a series of each.
 */
#include "wire/tsdb_writer_int.h"

#include "util/mem.h"

#include <assert.h>
#include <stdlib.h>

#define PAGE_BITS	16
#define PAGE_BYTES	(1u << PAGE_BITS)
#define LINK_BYTES	4 /* place of the next block */
#define FIRST_BLOCK 16
#define LAST_BLOCK	256

static uint8_t *
at_place(const TsdbPairs *p, uint32_t place)
{
	return p->pages[place >> PAGE_BITS] + (place & (PAGE_BYTES - 1));
}

/* new_block -- cut size bytes from the last page; a block never crosses a page. */
static bool
new_block(TsdbPairs *p, uint32_t size, uint32_t *place)
{
	if (p->n_pages == 0 || p->page_used + size > PAGE_BYTES)
	{
		if (p->n_pages == UINT32_MAX >> PAGE_BITS ||
			!tsdb_budget_grow(p->budget, (void **) &p->pages, &p->cap_pages, p->n_pages + 1,
							  sizeof(*p->pages)) ||
			p->budget->max - p->budget->used < PAGE_BYTES)
			return false;
		p->pages[p->n_pages++] = mem_alloc(PAGE_BYTES);
		p->budget->used += PAGE_BYTES;
		p->page_used = 0;
	}
	*place = (uint32_t) (p->n_pages - 1) << PAGE_BITS | p->page_used;
	p->page_used += size;
	return true;
}

/* add_byte -- append to the pair's chain. */
static bool
add_byte(TsdbPairs *p, TsdbPair *pair, uint8_t byte)
{
	if (pair->room == 0)
	{
		uint32_t size = pair->size == 0 ? FIRST_BLOCK : pair->size * 2, place;

		if (size > LAST_BLOCK)
			size = LAST_BLOCK;
		if (!new_block(p, size, &place))
			return false;
		if (pair->size == 0)
			pair->head = place;
		else
			memcpy(at_place(p, pair->tail), &place, LINK_BYTES);
		pair->tail = place;
		pair->size = size;
		pair->room = size - LINK_BYTES;
	}
	at_place(p, pair->tail)[pair->size - pair->room] = byte;
	pair->room--;
	return true;
}

static bool
add_series(TsdbPairs *p, TsdbPair *pair, uint32_t series)
{
	uint8_t bytes[VARINT_MAX_BYTES];
	const uint8_t *end;

	assert(pair->n == 0 || series > pair->last);
	end = varint_put(bytes, series - pair->last);
	for (const uint8_t *b = bytes; b < end; b++)
		if (!add_byte(p, pair, *b))
			return false;
	pair->last = series;
	pair->n++;
	return true;
}

/* --- the set of pairs ------------------------------------------------------------------------------ */

static size_t
hash_pair(uint32_t name, uint32_t value)
{
	uint64_t h = ((uint64_t) name << 32 | value) * UINT64_C(0x9E3779B97F4A7C15);

	return (size_t) (h >> 20);
}

static size_t
find_slot(const TsdbPairs *p, uint32_t name, uint32_t value)
{
	size_t mask = p->n_slots - 1, at = hash_pair(name, value) & mask;

	for (; p->slots[at] != 0; at = (at + 1) & mask)
	{
		const TsdbPair *pair = &p->items[p->slots[at] - 1];

		if (pair->name == name && pair->value == value)
			break;
	}
	return at;
}

static bool
grow_slots(TsdbPairs *p)
{
	if (!tsdb_budget_grow(p->budget, (void **) &p->slots, &p->n_slots, 2 * (p->n + 1),
						  sizeof(*p->slots)))
		return false;
	memset(p->slots, 0, sizeof(*p->slots) * p->n_slots);
	for (size_t i = 1; i < p->n; i++)
		p->slots[find_slot(p, p->items[i].name, p->items[i].value)] = (uint32_t) i + 1;
	return true;
}

static bool
new_pair(TsdbPairs *p, uint32_t name, uint32_t value)
{
	if (p->n == UINT32_MAX - 1 ||
		!tsdb_budget_grow(p->budget, (void **) &p->items, &p->cap, p->n + 1, sizeof(*p->items)))
		return false;
	memset(&p->items[p->n], 0, sizeof(*p->items));
	p->items[p->n].name = name;
	p->items[p->n].value = value;
	p->n++;
	return true;
}

bool
tsdb_pairs_init(TsdbPairs *p, TsdbBudget *budget)
{
	memset(p, 0, sizeof(*p));
	p->budget = budget;
	return new_pair(p, 0, 0);
}

/* tsdb_pairs_add -- the series, above all before, carries the pair; false if the budget is spent. */
bool
tsdb_pairs_add(TsdbPairs *p, uint32_t name, uint32_t value, uint32_t series)
{
	size_t at;

	if (2 * (p->n + 1) > p->n_slots && !grow_slots(p))
		return false;
	at = find_slot(p, name, value);
	if (p->slots[at] == 0)
	{
		if (!new_pair(p, name, value))
			return false;
		p->slots[at] = (uint32_t) p->n;
	}
	return add_series(p, &p->items[p->slots[at] - 1], series);
}

bool
tsdb_pairs_add_all(TsdbPairs *p, uint32_t series)
{
	return add_series(p, &p->items[0], series);
}

static int
compare(const void *pa, const void *pb, void *arg)
{
	const TsdbPairs *p = arg;
	const TsdbPair *a = &p->items[*(const uint32_t *) pa];
	const TsdbPair *b = &p->items[*(const uint32_t *) pb];

	if (a->name != b->name)
		return a->name < b->name ? -1 : 1;
	return a->value < b->value ? -1 : a->value > b->value;
}

bool
tsdb_pairs_sort(TsdbPairs *p)
{
	size_t cap = 0;

	if (!tsdb_budget_grow(p->budget, (void **) &p->sorted, &cap, p->n, sizeof(*p->sorted)))
		return false;
	for (size_t i = 1; i < p->n; i++)
		p->sorted[i - 1] = (uint32_t) i;
	qsort_r(p->sorted, p->n - 1, sizeof(*p->sorted), compare, p);
	return true;
}

/* --- reading a list back ------------------------------------------------------------------------------ */

void
tsdb_pairs_walk(const TsdbPairs *p, const TsdbPair *pair, TsdbPairWalk *walk)
{
	*walk = (TsdbPairWalk){p, pair->n, pair->head, LINK_BYTES, FIRST_BLOCK, 0};
}

static uint8_t
walk_byte(TsdbPairWalk *w)
{
	if (w->used == w->size)
	{
		memcpy(&w->block, at_place(w->pairs, w->block), LINK_BYTES);
		w->size = w->size < LAST_BLOCK ? w->size * 2 : LAST_BLOCK;
		w->used = LINK_BYTES;
	}
	return at_place(w->pairs, w->block)[w->used++];
}

/* tsdb_pairs_walk_next -- the next series; to be called as often as the pair has series. */
uint32_t
tsdb_pairs_walk_next(TsdbPairWalk *w)
{
	uint32_t difference = 0, byte;
	unsigned shift = 0;

	assert(w->left > 0);
	w->left--;
	do
	{
		byte = walk_byte(w);
		difference |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	w->last += difference;
	return w->last;
}

void
tsdb_pairs_free(TsdbPairs *p)
{
	for (size_t i = 0; i < p->n_pages; i++)
		mem_free(p->pages[i]);
	mem_free(p->pages);
	mem_free(p->items);
	mem_free(p->slots);
	mem_free(p->sorted);
}
