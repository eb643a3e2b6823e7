/*
 * postings.c
 *    Sorted series references in a chain of blocks.
 *
 * New series get rising references, so nearly every add is an append to the last block.  A
 * reused reference goes to its place in the middle; a full block there is split.
 *
 * Invariants: references ascend within a block and from block to block; no block is empty.
 */
#include "postgres.h"

#include "index/postings.h"

#define POSTINGS_MAX_BLOCK 2000 /* references: 8 kB */

static PostingsBlock *
block_alloc(Arena *a, uint32 want)
{
	uint32 cap;
	PostingsBlock *b;

	b = arena_alloc(a, offsetof(PostingsBlock, refs) + sizeof(uint32) * want, &cap);
	if (b == NULL)
		return NULL;
	b->next = NULL;
	b->n = 0;
	b->cap = Min((cap - offsetof(PostingsBlock, refs)) / sizeof(uint32), UINT16_MAX);
	return b;
}

bool
postings_add(Arena *a, Postings *p, uint32 ref)
{
	PostingsBlock *b = p->last;
	int i;

	if (b == NULL || ref > b->refs[b->n - 1])
	{
		if (b == NULL || b->n == b->cap)
		{
			PostingsBlock *nb = block_alloc(a, Min(p->count + 4, POSTINGS_MAX_BLOCK));

			if (nb == NULL)
				return false;
			if (b == NULL)
				p->first = nb;
			else
				b->next = nb;
			p->last = b = nb;
		}
		b->refs[b->n++] = ref;
		p->count++;
		return true;
	}

	for (b = p->first; ref > b->refs[b->n - 1]; b = b->next)
		;
	if (b->n == b->cap)
	{
		PostingsBlock *nb = block_alloc(a, Max(b->n, 4));
		int keep = b->n / 2;

		if (nb == NULL)
			return false;
		nb->n = b->n - keep;
		memcpy(nb->refs, b->refs + keep, sizeof(uint32) * nb->n);
		nb->next = b->next;
		b->n = keep;
		b->next = nb;
		if (p->last == b)
			p->last = nb;
		if (keep == 0 || ref > b->refs[keep - 1])
			b = nb;
	}
	for (i = b->n; i > 0 && b->refs[i - 1] > ref; i--)
		b->refs[i] = b->refs[i - 1];
	Assert(i == 0 || b->refs[i - 1] != ref);
	b->refs[i] = ref;
	b->n++;
	p->count++;
	return true;
}

void
postings_remove(Arena *a, Postings *p, uint32 ref)
{
	PostingsBlock *prev = NULL;

	for (PostingsBlock *b = p->first; b != NULL; prev = b, b = b->next)
	{
		if (b->refs[b->n - 1] < ref)
			continue;
		for (int i = 0; i < b->n; i++)
		{
			if (b->refs[i] != ref)
				continue;
			memmove(b->refs + i, b->refs + i + 1, sizeof(uint32) * (b->n - i - 1));
			b->n--;
			p->count--;
			if (b->n == 0)
			{
				if (prev)
					prev->next = b->next;
				else
					p->first = b->next;
				if (p->last == b)
					p->last = prev;
				arena_free(a, b);
			}
			return;
		}
		return;
	}
}

void
postings_copy(const Postings *p, uint32 *out)
{
	for (const PostingsBlock *b = p->first; b != NULL; b = b->next)
	{
		memcpy(out, b->refs, sizeof(uint32) * b->n);
		out += b->n;
	}
}

void
postings_set_bits(const Postings *p, uint64 *bitmap)
{
	for (const PostingsBlock *b = p->first; b != NULL; b = b->next)
		for (int i = 0; i < b->n; i++)
			bitmap[b->refs[i] / 64] |= UINT64CONST(1) << (b->refs[i] % 64);
}

void
postings_clear_bits(const Postings *p, uint64 *bitmap)
{
	for (const PostingsBlock *b = p->first; b != NULL; b = b->next)
		for (int i = 0; i < b->n; i++)
			bitmap[b->refs[i] / 64] &= ~(UINT64CONST(1) << (b->refs[i] % 64));
}
