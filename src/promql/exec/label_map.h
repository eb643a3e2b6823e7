/*
 * label_map.h
 *    Label sets numbered in order of first appearance.
 */
#ifndef MIMIR_PROMQL_EXEC_LABEL_MAP_H
#define MIMIR_PROMQL_EXEC_LABEL_MAP_H

#include "model/labels.h"
#include "util/mem.h"

typedef struct PromqlLabelMap
{
	MemScope *mem;	  /* where keys and table live */
	int n;			  /* label sets held; their numbers are 0 .. n-1 */
	int cap;		  /* of keys and hashes */
	Labels *keys;	  /* copies */
	uint64_t *hashes; /* XXH64 of each key */
	int32_t *slots;	  /* open addressing; -1: empty */
	uint32_t mask;
} PromqlLabelMap;

extern void promql_label_map_init(PromqlLabelMap *map, MemScope *mem);
/* promql_label_map_add -- the number of key, a new one if *is_new. */
extern int promql_label_map_add(PromqlLabelMap *map, Labels key, bool *is_new);
/* promql_label_map_find -- the number of key, -1 if it is not there. */
extern int promql_label_map_find(const PromqlLabelMap *map, Labels key);

#endif
