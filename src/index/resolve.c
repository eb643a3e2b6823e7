/*
 * resolve.c
 *    Matchers to series of the head.
 *
 * A matcher that cannot match the empty string names a set of postings: one for equality, the
 * union over the label's matching values for a regular expression (evaluated once per
 * distinct value).  A matcher that matches the empty string only takes away: the postings of
 * the values that it does not match.
 *
 * With a small equality list first, the other matchers are checked series by series; otherwise
 * sets are bitmaps over series references, combined a word at a time.
 *
 * The lock is held shared throughout, so references are stable; interrupts are checked only
 * between matchers, after the lock is let go, hence the bound on work under one hold is one
 * pass over the values of a label.
 */
#include "postgres.h"

#include "index/resolve.h"

#include "miscadmin.h"

#define RESOLVE_SMALL 2048 /* references; below this candidates are checked one by one */

typedef struct ResolveSet
{
	const Matcher *m;
	uint32 pair; /* equality: the pair, 0 = no such pair */
	uint32 count;
	bool subtracts; /* matches "": takes away what does not match */
} ResolveSet;

static inline uint32
bitmap_words(void)
{
	return head_index->series.n / 64 + 1;
}

/* Set the bits of every series whose value of the matcher's label (not) matches. */
static void
add_matching(uint64 *bits, uint32 tenant, const Matcher *m, bool want)
{
	uint32 name = index_find_name(tenant, m->name);

	if (name == 0)
		return;
	if (m->type == MATCH_REGEX && want)
	{
		const StrView *lits;
		int n = regex_literals(m->re, &lits);

		for (int i = 0; i < n; i++)
		{
			uint32 p = index_find_pair(tenant, m->name, lits[i]);

			if (p)
				postings_set_bits(&index_pair(p)->postings, bits);
		}
		if (n > 0)
			return;
	}
	for (uint32 p = index_name(name)->pairs; p != 0; p = index_pair(p)->next_of_name)
	{
		IndexPair *pair = index_pair(p);

		if (matcher_matches(m, strview(pair->text, pair->len)) == want)
			postings_set_bits(&pair->postings, bits);
	}
}

static int
resolve_small(const ResolveSet *first, const Matcher *ms, int n, SeriesRef **out)
{
	const Postings *p = &index_pair(first->pair)->postings;
	SeriesRef *refs = palloc(sizeof(SeriesRef) * Max(p->count, 1));
	int kept = 0;
	int total = p->count;

	postings_copy(p, refs);
	for (int i = 0; i < total; i++)
	{
		bool ok = true;

		for (int k = 0; k < n && ok; k++)
			if (&ms[k] != first->m)
				ok = matcher_matches(&ms[k], index_label_value(refs[i], ms[k].name));
		if (ok)
			refs[kept++] = refs[i];
	}
	*out = refs;
	return kept;
}

static int
resolve_bitmaps(uint32 tenant, const ResolveSet *sets, int n, SeriesRef **out)
{
	uint32 words = bitmap_words();
	uint64 *result = palloc(sizeof(uint64) * words);
	uint64 *other = palloc(sizeof(uint64) * words);
	bool first = true;
	int count = 0;
	int k = 0;

	for (int i = 0; i < n; i++)
	{
		uint64 *target = first ? result : other;

		if (sets[i].subtracts)
			continue;
		memset(target, 0, sizeof(uint64) * words);
		if (sets[i].m->type == MATCH_EQUAL)
		{
			if (sets[i].pair)
				postings_set_bits(&index_pair(sets[i].pair)->postings, target);
		}
		else
			add_matching(target, tenant, sets[i].m, true);
		if (!first)
			for (uint32 w = 0; w < words; w++)
				result[w] &= other[w];
		first = false;
	}
	if (first)
	{
		memset(result, 0, sizeof(uint64) * words);
		postings_set_bits(&index_tenant(tenant)->all, result);
	}
	for (int i = 0; i < n; i++)
	{
		if (!sets[i].subtracts)
			continue;
		memset(other, 0, sizeof(uint64) * words);
		add_matching(other, tenant, sets[i].m, false);
		for (uint32 w = 0; w < words; w++)
			result[w] &= ~other[w];
	}

	for (uint32 w = 0; w < words; w++)
		count += __builtin_popcountll(result[w]);
	*out = palloc(sizeof(SeriesRef) * Max(count, 1));
	for (uint32 w = 0; w < words; w++)
		for (uint64 b = result[w]; b != 0; b &= b - 1)
			(*out)[k++] = w * 64 + __builtin_ctzll(b);
	pfree(result);
	pfree(other);
	return count;
}

int
index_resolve(uint32 tenant_id, const Matcher *ms, int n, SeriesRef **out)
{
	ResolveSet *sets = palloc(sizeof(ResolveSet) * Max(n, 1));
	const ResolveSet *smallest = NULL;
	uint32 tenant;
	int count;

	*out = NULL;
	LWLockAcquire(&head_index->lock, LW_SHARED);
	tenant = index_find_tenant(tenant_id);
	if (tenant == 0)
	{
		LWLockRelease(&head_index->lock);
		return 0;
	}
	for (int i = 0; i < n; i++)
	{
		ResolveSet *s = &sets[i];

		s->m = &ms[i];
		s->pair = 0;
		s->count = 0;
		s->subtracts = matcher_matches_empty(&ms[i]);
		if (s->subtracts || ms[i].type != MATCH_EQUAL)
			continue;
		s->pair = index_find_pair(tenant, ms[i].name, ms[i].value);
		s->count = s->pair ? index_pair(s->pair)->postings.count : 0;
		if (smallest == NULL || s->count < smallest->count)
			smallest = s;
	}
	if (smallest && smallest->count == 0)
		count = 0;
	else if (smallest && (smallest->count <= RESOLVE_SMALL || n == 1))
		count = resolve_small(smallest, ms, n, out);
	else
		count = resolve_bitmaps(tenant, sets, n, out);
	LWLockRelease(&head_index->lock);
	pfree(sets);
	CHECK_FOR_INTERRUPTS();
	return count;
}
