/*
 * grouping.h
 *    Keys of by, without, on and ignoring: a subset of a label set, as a label set.
 */
#ifndef MIMIR_PROMQL_EXEC_GROUPING_H
#define MIMIR_PROMQL_EXEC_GROUPING_H

#include "promql/exec/label_map.h"
#include "promql/promql.h"

typedef struct PromqlGrouping
{
	const StrView *names; /* sorted, unique */
	int nnames;
	bool keep; /* the names are what is kept (by, on); else what goes, with __name__ */
	uint8_t *buf;
	size_t cap;
	MemScope *mem; /* of buf */
} PromqlGrouping;

extern void promql_grouping_init(PromqlGrouping *g, const StrView *names, int nnames, bool keep,
								 MemScope *mem);
/* promql_grouping_key -- the key of ls; it lives until the next call. */
extern Labels promql_grouping_key(PromqlGrouping *g, Labels ls);

#endif
