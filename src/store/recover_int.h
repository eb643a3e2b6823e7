/*
 * recover_int.h
 *    What rebuilding the head at a start and following it on a standby share.
 */
#ifndef MIMIR_STORE_RECOVER_INT_H
#define MIMIR_STORE_RECOVER_INT_H

#include "postgres.h"

#include "store/head.h"

/* Open-addressing map from series id to reference. */
typedef struct IdMap
{
	MemoryContext context;
	uint32 mask;
	uint32 n;
	struct
	{
		int64 id; /* 0 = free */
		SeriesRef ref;
	} * slots;
} IdMap;

extern void id_map_init(IdMap *m, uint32 size);	   /* size: a power of two */
extern SeriesRef *id_map_slot(IdMap *m, int64 id); /* made if it is not there: ref 0 */
extern void recover_load_series(IdMap *map, int64 min_t);

#endif
