/*
 * tsdb_writer_strings.c
 *    The set of all label names and values of a block, then sorted and numbered.
 *
 * Open addressing over numbers of items; the bytes of all strings lie one after the other.
 *
 * Memory: the strings' bytes, and 32 to 60 bytes for each.
 */
#include "wire/tsdb_writer_int.h"

#include "util/hash.h"
#include "util/mem.h"

#include <stdlib.h>

static StrView
text_of(const TsdbStrings *s, const TsdbString *item)
{
	return item->len == 0 ? strview("", 0) : strview(s->bytes + item->at, item->len);
}

StrView
tsdb_strings_get(const TsdbStrings *s, uint32_t number)
{
	return text_of(s, &s->items[s->sorted[number]]);
}

/* find_slot -- where the string is, or the free slot where it belongs. */
static size_t
find_slot(const TsdbStrings *s, StrView v, uint32_t hash)
{
	size_t mask = s->n_slots - 1, at = hash & mask;

	for (; s->slots[at] != 0; at = (at + 1) & mask)
	{
		const TsdbString *item = &s->items[s->slots[at] - 1];

		if (item->hash == hash && item->len == v.len &&
			memcmp(s->bytes + item->at, v.s, v.len) == 0)
			break;
	}
	return at;
}

static bool
grow_slots(TsdbStrings *s)
{
	size_t mask;

	if (!tsdb_budget_grow(s->budget, (void **) &s->slots, &s->n_slots, 2 * (s->n + 1),
						  sizeof(*s->slots)))
		return false;
	memset(s->slots, 0, sizeof(*s->slots) * s->n_slots);
	mask = s->n_slots - 1;
	for (size_t i = 0; i < s->n; i++)
	{
		size_t at = s->items[i].hash & mask;

		while (s->slots[at] != 0)
			at = (at + 1) & mask;
		s->slots[at] = (uint32_t) i + 1;
	}
	return true;
}

/* tsdb_strings_add -- v is in the set afterwards; false if the budget is spent. */
bool
tsdb_strings_add(TsdbStrings *s, StrView v)
{
	uint32_t hash = (uint32_t) hash_xxh64(v.s, v.len);
	size_t at;

	if (2 * (s->n + 1) > s->n_slots && !grow_slots(s))
		return false;
	at = find_slot(s, v, hash);
	if (s->slots[at] != 0)
		return true;
	if (s->n == UINT32_MAX - 1 ||
		!tsdb_budget_grow(s->budget, (void **) &s->items, &s->cap_items, s->n + 1,
						  sizeof(*s->items)) ||
		!tsdb_budget_grow(s->budget, (void **) &s->bytes, &s->cap, s->len + v.len, 1))
		return false;
	if (v.len > 0)
		memcpy(s->bytes + s->len, v.s, v.len);
	s->items[s->n++] = (TsdbString){s->len, v.len, hash};
	s->len += v.len;
	s->slots[at] = (uint32_t) s->n;
	return true;
}

static int
compare(const void *pa, const void *pb, void *arg)
{
	const TsdbStrings *s = arg;

	return strview_cmp(text_of(s, &s->items[*(const uint32_t *) pa]),
					   text_of(s, &s->items[*(const uint32_t *) pb]));
}

/* tsdb_strings_sort -- number the strings in byte order; nothing may be added afterwards. */
bool
tsdb_strings_sort(TsdbStrings *s)
{
	size_t cap_sorted = 0, cap_number = 0;

	if (!tsdb_budget_grow(s->budget, (void **) &s->sorted, &cap_sorted, s->n + 1,
						  sizeof(*s->sorted)) ||
		!tsdb_budget_grow(s->budget, (void **) &s->number, &cap_number, s->n + 1,
						  sizeof(*s->number)))
		return false;
	for (size_t i = 0; i < s->n; i++)
		s->sorted[i] = (uint32_t) i;
	qsort_r(s->sorted, s->n, sizeof(*s->sorted), compare, s);
	for (size_t i = 0; i < s->n; i++)
		s->number[s->sorted[i]] = (uint32_t) i;
	return true;
}

/* tsdb_strings_number -- the number of a string; false if it was never added. */
bool
tsdb_strings_number(const TsdbStrings *s, StrView v, uint32_t *number)
{
	size_t at;

	if (s->n == 0)
		return false;
	at = find_slot(s, v, (uint32_t) hash_xxh64(v.s, v.len));
	if (s->slots[at] == 0)
		return false;
	*number = s->number[s->slots[at] - 1];
	return true;
}

void
tsdb_strings_free(TsdbStrings *s)
{
	mem_free(s->bytes);
	mem_free(s->items);
	mem_free(s->slots);
	mem_free(s->sorted);
	mem_free(s->number);
}
