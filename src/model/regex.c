/*
 * regex.c
 *    Anchored regular expressions: shapes first, RE2 for the rest, and a cache of both.
 *
 * A Regex is one malloc'd life: it outlives requests, so nothing of it is from mem_alloc.  RE2 is
 * asked to compile only what no shape matches, or what has groups for label_replace.
 *
 * The cache counts in units of about a kilobyte, an RE2 program as REGEX_RE2_COST of them.  It
 * grows while a request runs, because matchers hold plain pointers into it, and is brought
 * back to its bound by regex_cache_trim, least recently used first.  How much one request can add
 * is bounded by the length of its query.
 *
 * Concurrency: a process has one thread here.
 */
#include "model/regex.h"

#include "model/regex_shape.h"
#include "model/regex_shim.h"
#include "util/hash.h"
#include "util/mem.h"

#include <assert.h>
#include <stdlib.h>

#define REGEX_CACHE_SLOTS  1024
#define REGEX_CACHE_BUDGET 4096
#define REGEX_RE2_COST	   32

struct Regex
{
	RegexShape shape; /* its strings lie behind this struct */
	RegexShim *shim;  /* NULL: the shape says all */
	StrView pattern;
	/* of the cache */
	Regex *next;
	uint64_t hash;
	uint64_t used; /* cache clock of the last use */
	size_t cost;
};

/* --- compiling ----------------------------------------------------------------------------- */

/* pack_view -- copy a string to *at and move *at behind it. */
static StrView
pack_view(char **at, StrView s)
{
	StrView copy = strview(*at, s.len);

	if (s.len > 0)
		memcpy(*at, s.s, s.len);
	*at += s.len;
	return copy;
}

/* pack -- one malloc with the shape and all its strings; NULL if memory is short. */
static Regex *
pack(const RegexShape *shape, StrView pattern)
{
	size_t views = sizeof(StrView) * (size_t) shape->n_literals, text = 0;
	Regex *re;
	char *at;

	for (int i = 0; i < shape->n_literals; i++)
		text += shape->literals[i].len;
	text += pattern.len + shape->literal.len + shape->prefix.len;
	re = malloc(sizeof(Regex) + views + text);
	if (re == NULL)
		return NULL;
	*re = (Regex){.shape = *shape, .cost = 1 + (views + text) / 1024};
	re->shape.literals = (StrView *) (re + 1);
	at = (char *) (re + 1) + views;
	for (int i = 0; i < shape->n_literals; i++)
		re->shape.literals[i] = pack_view(&at, shape->literals[i]);
	re->pattern = pack_view(&at, pattern);
	re->shape.literal = pack_view(&at, shape->literal);
	re->shape.prefix = pack_view(&at, shape->prefix);
	return re;
}

static void
refuse(Err *err, const RegexRefusal *why)
{
	if (why->code == NULL || why->fragment == NULL)
		err_set(err, ERR_TOO_MUCH_MEMORY, -1, "out of memory for a regular expression");
	else
		err_set(err, ERR_BAD_REQUEST, -1, "error parsing regexp: %s: `%s`", why->code,
				why->fragment);
}

Regex *
regex_compile(StrView pattern, Err *err)
{
	MemScope *scope = mem_scope_create("regex shape"), *outer = mem_scope_switch(scope);
	RegexShape shape;
	RegexRefusal why = {0};
	Regex *re;

	regex_shape_find(&shape, pattern);
	re = pack(&shape, pattern);
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	if (re != NULL && (re->shape.kind == SHAPE_OTHER || re->shape.has_groups))
	{
		re->shim = regex_shim_compile(pattern.s, pattern.len, &why);
		re->cost += REGEX_RE2_COST;
		if (re->shim == NULL)
		{
			free(re);
			re = NULL;
		}
	}
	if (re == NULL)
		refuse(err, &why);
	free(why.fragment);
	return re;
}

void
regex_free(Regex *re)
{
	if (re == NULL)
		return;
	if (re->shim != NULL)
		regex_shim_free(re->shim);
	free(re);
}

/* --- cache --------------------------------------------------------------------------------- */

static struct
{
	Regex *slots[REGEX_CACHE_SLOTS];
	size_t cost; /* of all entries */
	uint64_t clock;
} cache;

const Regex *
regex_cached(StrView pattern, Err *err)
{
	uint64_t hash = hash_xxh64(pattern.s, pattern.len);
	Regex **slot = &cache.slots[hash % REGEX_CACHE_SLOTS], *re = *slot;

	while (re != NULL && !(re->hash == hash && strview_eq(re->pattern, pattern)))
		re = re->next;
	if (re == NULL)
	{
		re = regex_compile(pattern, err);
		if (re == NULL)
			return NULL;
		re->hash = hash;
		re->next = *slot;
		*slot = re;
		cache.cost += re->cost;
	}
	re->used = ++cache.clock;
	return re;
}

/* drop_oldest -- free the entry whose last use is longest ago; there is one. */
static void
drop_oldest(void)
{
	Regex **oldest = NULL, *gone;

	for (int i = 0; i < REGEX_CACHE_SLOTS; i++)
		for (Regex **link = &cache.slots[i]; *link != NULL; link = &(*link)->next)
			if (oldest == NULL || (*link)->used < (*oldest)->used)
				oldest = link;
	assert(oldest != NULL);
	gone = *oldest;
	*oldest = gone->next;
	cache.cost -= gone->cost;
	regex_free(gone);
}

void
regex_cache_trim(void)
{
	while (cache.cost > REGEX_CACHE_BUDGET)
		drop_oldest();
}

/* --- matching ------------------------------------------------------------------------------ */

bool
regex_match(const Regex *re, StrView text)
{
	StrView prefix = re->shape.prefix;

	if (re->shape.kind != SHAPE_OTHER)
		return regex_shape_match(&re->shape, text);
	if (text.len < prefix.len || (prefix.len > 0 && memcmp(text.s, prefix.s, prefix.len) != 0))
		return false;
	return regex_shim_match(re->shim, text.s, text.len);
}

int
regex_literals(const Regex *re, const StrView **literals)
{
	*literals = re->shape.literals;
	return re->shape.n_literals;
}

StrView
regex_prefix(const Regex *re)
{
	return re->shape.prefix;
}

bool
regex_matches_all(const Regex *re)
{
	return re->shape.kind == SHAPE_GAPPED && re->shape.literal.len == 0 &&
		   re->shape.head == GAP_ANY;
}

bool
regex_matches_nonempty(const Regex *re)
{
	return re->shape.kind == SHAPE_GAPPED && re->shape.literal.len == 0 &&
		   re->shape.head == GAP_NONEMPTY;
}

/* --- expansion ----------------------------------------------------------------------------- */

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* group_of -- number of the group a $name means: digits are a number; -1: there is none. */
static int
group_of(const Regex *re, const char *name, size_t len)
{
	int n = 0;

	for (size_t i = 0; i < len; i++)
	{
		if (name[i] < '0' || name[i] > '9')
			return re->shim != NULL ? regex_shim_group_index(re->shim, name, len) : -1;
		n = n > 100000 ? n : n * 10 + (name[i] - '0');
	}
	return n;
}

/* captures -- offsets of all groups, from mem_alloc, and their number; NULL: no match. */
static int *
captures(const Regex *re, StrView text, int *n)
{
	int *offsets;

	*n = re->shim != NULL ? regex_shim_groups(re->shim) + 1 : 1;
	offsets = mem_alloc(sizeof(int) * 2 * (size_t) *n);
	offsets[0] = 0;
	offsets[1] = (int) text.len;
	if (re->shim != NULL ? regex_shim_captures(re->shim, text.s, text.len, offsets, *n)
						 : regex_match(re, text))
		return offsets;
	mem_free(offsets);
	return NULL;
}

/*
 * regex_expand -- Go's Regexp.Expand.
 *
 * $name takes the longest run of letters, digits and underscores; a group that is unknown or took
 * no part is empty; a $ that begins none of these forms stays.
 */
bool
regex_expand(const Regex *re, StrView text, StrView template, Buf *out)
{
	const char *p = template.s, *end = p + template.len;
	int n;
	int *offsets = captures(re, text, &n);

	if (offsets == NULL)
		return false;
	while (p < end)
	{
		const char *dollar = memchr(p, '$', (size_t) (end - p)), *name, *after;
		bool brace;
		int g;

		if (dollar == NULL)
			dollar = end;
		buf_append(out, p, (size_t) (dollar - p));
		p = dollar;
		if (p == end)
			break;
		if (end - p >= 2 && p[1] == '$')
		{
			buf_char(out, '$');
			p += 2;
			continue;
		}
		brace = end - p >= 2 && p[1] == '{';
		name = after = p + 1 + brace;
		while (after < end && is_name_char(*after))
			after++;
		if (after == name || (brace && (after == end || *after != '}')))
		{
			buf_char(out, *p++);
			continue;
		}
		g = group_of(re, name, (size_t) (after - name));
		if (g >= 0 && g < n && offsets[2 * g] >= 0)
			buf_append(out, text.s + offsets[2 * g],
					   (size_t) (offsets[2 * g + 1] - offsets[2 * g]));
		p = after + brace;
	}
	mem_free(offsets);
	return true;
}
