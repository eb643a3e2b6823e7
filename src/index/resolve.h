/*
 * resolve.h
 *    Matchers to series of the head, and label listings.
 *
 * Each call takes the index lock in shared mode itself.  Results are palloc'd.
 */
#ifndef MIMIR_INDEX_RESOLVE_H
#define MIMIR_INDEX_RESOLVE_H

#include "index/index.h"

/*
 * index_resolve -- living series of a tenant that satisfy all matchers, ascending references.
 * Returns their number.
 */
extern int index_resolve(uint32 tenant_id, const Matcher *ms, int n, SeriesRef **out);

#endif
