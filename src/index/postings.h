/*
 * postings.h
 *    The series references that carry a label pair: a sorted list in blocks that double up to a
 *    page quarter.
 *
 * Guarded by the index lock: exclusive to change, shared to read.
 */
#ifndef MIMIR_INDEX_POSTINGS_H
#define MIMIR_INDEX_POSTINGS_H

#include "index/arena.h"

typedef struct PostingsBlock PostingsBlock;

typedef struct Postings
{
	PostingsBlock *first;
	PostingsBlock *last;
	uint32 count;
} Postings;

struct PostingsBlock
{
	PostingsBlock *next;
	uint16 n;
	uint16 cap;
	uint32 refs[FLEXIBLE_ARRAY_MEMBER]; /* ascending */
};

extern bool postings_add(Arena *a, Postings *p, uint32 ref); /* false: out of memory, unchanged */
extern void postings_remove(Arena *a, Postings *p, uint32 ref);
extern void postings_copy(const Postings *p, uint32 *out); /* room for p->count */
extern void postings_set_bits(const Postings *p, uint64 *bitmap);
extern void postings_clear_bits(const Postings *p, uint64 *bitmap);

#endif
