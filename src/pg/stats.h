/*
 * stats.h
 *    Counters of the whole server in shared memory, listed once in pg/stats.def.
 *
 * /metrics, the mimir.stat_* views and EXPLAIN read the same list.  Adding is one relaxed atomic
 * add; no locks.
 */
#ifndef MIMIR_PG_STATS_H
#define MIMIR_PG_STATS_H

#include "postgres.h"

typedef enum StatCounter
{
#define STAT(name, type, metric, labels, help) STAT_##name,
#include "pg/stats.def"
#undef STAT
	STAT_NCOUNTERS
} StatCounter;

typedef struct StatInfo
{
	const char *name;	/* of the enum */
	const char *type;	/* "counter" or "gauge" */
	const char *metric; /* Prometheus name; consecutive entries may share it */
	const char *labels; /* name="value" or empty */
	const char *help;
} StatInfo;

extern Size stats_shmem_size(void);
extern void stats_shmem_init(void);
extern void stats_add(StatCounter c, uint64 n);
extern const StatInfo *stats_info(StatCounter c);
extern void stats_sub(StatCounter c, uint64 n); /* gauges */
extern void stats_set(StatCounter c, uint64 v); /* gauges */
extern uint64 stats_get(StatCounter c);
extern void stats_reset(void); /* counters only */

#endif
