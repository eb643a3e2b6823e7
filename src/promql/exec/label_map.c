/*
 * label_map.c
 *    Label sets numbered in order of first appearance.
 *
 * Open addressing over the XXH64 of the bytes, at most half full; equal hashes are told apart by
 * the bytes, as different label sets must never share a group.
 */
#include "promql/exec/label_map.h"

#include "util/hash.h"

#include <string.h>

#define INITIAL_SLOTS 64

void
promql_label_map_init(PromqlLabelMap *map, MemScope *mem)
{
	*map = (PromqlLabelMap){.mem = mem};
}

/* locate -- the slot that holds key, or the empty one where it belongs. */
static uint32_t
locate(const PromqlLabelMap *map, Labels key, uint64_t hash)
{
	uint32_t slot = (uint32_t) hash & map->mask;

	for (;;)
	{
		int32_t i = map->slots[slot];

		if (i < 0 || (map->hashes[i] == hash && labels_equal(map->keys[i], key)))
			return slot;
		slot = (slot + 1) & map->mask;
	}
}

/* grow -- room for one more key; called with map->mem current. */
static void
grow(PromqlLabelMap *map)
{
	uint32_t nslots = map->slots == NULL ? INITIAL_SLOTS : (map->mask + 1) * 2;

	map->cap = nslots / 2;
	map->keys = mem_realloc(map->keys, sizeof(Labels) * map->cap);
	map->hashes = mem_realloc(map->hashes, sizeof(uint64_t) * map->cap);
	mem_free(map->slots);
	map->slots = mem_alloc(sizeof(int32_t) * nslots);
	memset(map->slots, 0xff, sizeof(int32_t) * nslots);
	map->mask = nslots - 1;
	for (int i = 0; i < map->n; i++)
	{
		uint32_t slot = (uint32_t) map->hashes[i] & map->mask;

		while (map->slots[slot] >= 0)
			slot = (slot + 1) & map->mask;
		map->slots[slot] = i;
	}
}

int
promql_label_map_add(PromqlLabelMap *map, Labels key, bool *is_new)
{
	uint64_t hash = hash_xxh64(key.data, key.len);
	MemScope *old;
	uint32_t slot;

	if (map->n == map->cap)
	{
		old = mem_scope_switch(map->mem);
		grow(map);
		mem_scope_switch(old);
	}
	slot = locate(map, key, hash);
	*is_new = map->slots[slot] < 0;
	if (*is_new)
	{
		old = mem_scope_switch(map->mem);
		map->keys[map->n] = labels_copy(key);
		mem_scope_switch(old);
		map->hashes[map->n] = hash;
		map->slots[slot] = map->n++;
	}
	return map->slots[slot];
}

int
promql_label_map_find(const PromqlLabelMap *map, Labels key)
{
	if (map->n == 0)
		return -1;
	return map->slots[locate(map, key, hash_xxh64(key.data, key.len))];
}
