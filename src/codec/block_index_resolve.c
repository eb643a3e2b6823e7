/*
 * block_index_resolve.c
 *    Matchers to the series of a block.
 *
 * The rules are those of the head's index: a matcher that cannot match the empty string names a
 * union of postings, one that can takes away the postings of the values that it does not
 * match.  Sets are bitmaps over ordinals.  A regular expression is evaluated once for each
 * distinct value of its label, and only on those with its literal prefix; one that is a list
 * of literals is looked up.
 */
#include "codec/block_index_int.h"

#include "codec/block_postings.h"
#include "util/cancel.h"
#include "util/mem.h"

#define CANCEL_EVERY 4096 /* values between polls */

typedef struct Resolve
{
	BlockIndex *ix;
	size_t words;
	Err *err;
} Resolve;

static bool
or_postings(const Resolve *r, const BlockValues *v, uint64_t *bits)
{
	const uint8_t *p = block_index_bytes(r->ix, v->postings, v->postings_len, r->err);

	if (p == NULL)
		return false;
	if (!block_postings_or(p, v->postings_len, block_index_count(r->ix), bits))
		return err_set(r->err, ERR_CORRUPT, -1, "block index is corrupt: postings");
	return true;
}

/* Set the bits of the series with this value. */
static bool
or_value(const Resolve *r, BlockValues *v, StrView value, uint64_t *bits)
{
	int got;

	if (!block_values_seek(v, value, r->err))
		return false;
	while ((got = block_values_next(v, r->err)) > 0)
	{
		int c = strview_cmp(strview(v->text.data, v->text.len), value);

		if (c == 0)
			return or_postings(r, v, bits);
		if (c > 0)
			break;
	}
	return got >= 0;
}

static bool
has_prefix(const Buf *text, StrView prefix)
{
	return text->len >= prefix.len && memcmp(text->data, prefix.s, prefix.len) == 0;
}

/* Set the bits of the series whose value of the label the matcher (not) matches. */
static bool
or_matching(const Resolve *r, BlockValues *v, const Matcher *m, bool want, uint64_t *bits)
{
	bool positive = want && m->type == MATCH_REGEX;
	StrView prefix = positive ? regex_prefix(m->re) : strview("", 0);
	uint32_t n = 0;
	int got;

	if (prefix.len > 0 && !block_values_seek(v, prefix, r->err))
		return false;
	while ((got = block_values_next(v, r->err)) > 0)
	{
		if (++n % CANCEL_EVERY == 0)
			cancel_poll();
		if (prefix.len > 0 && !has_prefix(&v->text, prefix))
		{
			if (strview_cmp(strview(v->text.data, v->text.len), prefix) > 0)
				break;
			continue;
		}
		if (matcher_matches(m, strview(v->text.data, v->text.len)) == want &&
			!or_postings(r, v, bits))
			return false;
	}
	return got >= 0;
}

/* The postings that a matcher names (want) or takes away. */
static bool
or_matcher(const Resolve *r, const Matcher *m, bool want, uint64_t *bits)
{
	int name = block_index_find_name(r->ix, m->name);
	const StrView *literals = NULL;
	int nliterals = 0;
	BlockValues v;
	bool ok = true;

	if (name < 0)
		return true;
	block_values_open(&v, r->ix, name);
	if (want && m->type == MATCH_REGEX)
		nliterals = regex_literals(m->re, &literals);
	if (want && m->type == MATCH_EQUAL)
		ok = or_value(r, &v, m->value, bits);
	else if (nliterals > 0)
		for (int i = 0; ok && i < nliterals; i++)
			ok = or_value(r, &v, literals[i], bits);
	else
		ok = or_matching(r, &v, m, want, bits);
	block_values_close(&v);
	return ok;
}

static bool
combine(const Resolve *r, const Matcher *ms, int n, uint64_t *result, uint64_t *other)
{
	bool first = true;

	/* equalities first: they are cheap, and an empty result ends the work */
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < n; i++)
		{
			uint64_t *target = first ? result : other;
			uint64_t any = 0;

			if (matcher_matches_empty(&ms[i]) || (ms[i].type == MATCH_EQUAL) != (pass == 0))
				continue;
			memset(target, 0, r->words * sizeof(uint64_t));
			if (!or_matcher(r, &ms[i], true, target))
				return false;
			for (size_t w = 0; w < r->words; w++)
				any |= result[w] &= first ? result[w] : other[w];
			first = false;
			if (any == 0)
				return true;
		}
	if (first)
	{
		uint32_t nseries = block_index_count(r->ix);

		memset(result, 0xff, r->words * sizeof(uint64_t));
		result[nseries / 64] &= (UINT64_C(1) << nseries % 64) - 1;
	}
	for (int i = 0; i < n; i++)
	{
		if (!matcher_matches_empty(&ms[i]))
			continue;
		memset(other, 0, r->words * sizeof(uint64_t));
		if (!or_matcher(r, &ms[i], false, other))
			return false;
		for (size_t w = 0; w < r->words; w++)
			result[w] &= ~other[w];
	}
	return true;
}

/*
 * block_index_resolve -- ordinals, ascending, of the series that all matchers match; *ordinals
 * from mem_alloc.
 */
bool
block_index_resolve(BlockIndex *ix, const Matcher *ms, int n, uint32_t **ordinals, uint32_t *count,
					Err *err)
{
	Resolve r = {.ix = ix, .words = block_index_count(ix) / 64 + 1, .err = err};
	uint64_t *result = mem_alloc0(r.words * sizeof(uint64_t));
	uint64_t *other = mem_alloc0(r.words * sizeof(uint64_t));
	bool ok = combine(&r, ms, n, result, other);
	uint32_t k = 0;

	*count = 0;
	for (size_t w = 0; ok && w < r.words; w++)
		*count += (uint32_t) __builtin_popcountll(result[w]);
	*ordinals = mem_alloc(sizeof(uint32_t) * (*count + 1));
	for (size_t w = 0; ok && w < r.words; w++)
		for (uint64_t b = result[w]; b != 0; b &= b - 1)
			(*ordinals)[k++] = (uint32_t) (w * 64 + (size_t) __builtin_ctzll(b));
	mem_free(result);
	mem_free(other);
	return ok;
}
