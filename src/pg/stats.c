/*
 * stats.c
 *    Counters in shared memory.
 *
 * Each stands on a cache line of its own, so that workers that count different things do not
 * slow each other down.
 */
#include "postgres.h"

#include "pg/stats.h"

#include "port/atomics.h"
#include "storage/shmem.h"

typedef struct StatSlot
{
	pg_atomic_uint64 value;
	char pad[PG_CACHE_LINE_SIZE - sizeof(pg_atomic_uint64)];
} StatSlot;

static StatSlot *slots;

static const StatInfo infos[] = {
#define STAT(name, type, metric, labels, help) {#name, #type, metric, labels, help},
#include "pg/stats.def"
#undef STAT
};

Size
stats_shmem_size(void)
{
	return sizeof(StatSlot) * STAT_NCOUNTERS;
}

void
stats_shmem_init(void)
{
	bool found;

	slots = ShmemInitStruct("mimir_pg counters", stats_shmem_size(), &found);
	for (int i = 0; i < STAT_NCOUNTERS; i++)
		pg_atomic_init_u64(&slots[i].value, 0);
}

const StatInfo *
stats_info(StatCounter c)
{
	return &infos[c];
}

void
stats_add(StatCounter c, uint64 n)
{
	if (n > 0)
		pg_atomic_fetch_add_u64(&slots[c].value, n);
}

void
stats_sub(StatCounter c, uint64 n)
{
	pg_atomic_fetch_sub_u64(&slots[c].value, n);
}

void
stats_set(StatCounter c, uint64 v)
{
	pg_atomic_write_u64(&slots[c].value, v);
}

uint64
stats_get(StatCounter c)
{
	return pg_atomic_read_u64(&slots[c].value);
}

void
stats_reset(void)
{
	for (int i = 0; i < STAT_NCOUNTERS; i++)
		if (strcmp(infos[i].type, "counter") == 0)
			stats_set(i, 0);
}
