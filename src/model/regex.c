/*
 * regex.c
 *    Anchored regular expressions: RE2 plus the shapes that need none.
 *
 * Dashboards mostly send alternations of literals ("a|b|c", "(a|b)"), prefixes ("api-.*"), ".*"
 * and ".+".  These are recognised at compile time and matched without RE2; alternations also
 * let the index look values up instead of scanning them.
 *
 * The cache keeps REGEX_CACHE compiled patterns per process, the least recently used leaves; what
 * regex_cached returned stays valid until the cache has turned over, which one query cannot do
 * (its matchers are bounded well below the cache's size by REGEX_CACHE and the query's length).
 */
#include "model/regex.h"

#include "model/regex_shim.h"
#include "util/hash.h"
#include "util/mem.h"

#include <stdlib.h>

#define REGEX_CACHE		   4096
#define REGEX_MAX_LITERALS 1000

struct Regex
{
	RegexShim *shim;
	char *pattern; /* malloc'd, as everything here: it outlives the request */
	size_t pattern_len;
	int nliterals;
	StrView *literals; /* views into pattern */
	StrView prefix;
	bool prefix_only; /* prefix.* */
	bool all;		  /* .* */
	bool nonempty;	  /* .+ */
	uint64_t hash;
	uint64_t used; /* clock of the last use */
	Regex *next;
};

static bool
is_meta(char c)
{
	return strchr("\\.+*?()|[]{}^$", c) != NULL && c != '\0';
}

static bool
plain(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (is_meta(s[i]))
			return false;
	return true;
}

/* "a|b|c", with or without one pair of parentheses around all of it. */
static void
find_literals(Regex *re)
{
	const char *s = re->pattern;
	size_t len = re->pattern_len;
	size_t start = 0;
	int n = 1;

	if (len >= 2 && s[0] == '(' && s[len - 1] == ')')
	{
		s++;
		len -= 2;
		if (len >= 2 && s[0] == '?' && s[1] == ':')
		{
			s += 2;
			len -= 2;
		}
	}
	for (size_t i = 0; i < len; i++)
	{
		if (s[i] == '|')
			n++;
		else if (is_meta(s[i]))
			return;
	}
	if (n > REGEX_MAX_LITERALS)
		return;
	re->literals = malloc(sizeof(StrView) * (size_t) n);
	if (re->literals == NULL)
		return;
	for (size_t i = 0; i <= len; i++)
	{
		if (i == len || s[i] == '|')
		{
			re->literals[re->nliterals++] = strview(s + start, i - start);
			start = i + 1;
		}
	}
}

static void
find_shape(Regex *re)
{
	const char *s = re->pattern;
	size_t len = re->pattern_len;
	size_t n = 0;

	re->all = len == 2 && memcmp(s, ".*", 2) == 0;
	re->nonempty = len == 2 && memcmp(s, ".+", 2) == 0;
	find_literals(re);
	if (len > 2 && memcmp(s + len - 2, ".*", 2) == 0 && plain(s, len - 2))
	{
		re->prefix = strview(s, len - 2);
		re->prefix_only = true;
		return;
	}
	/* the literal run at the front, less its last character if a repetition follows */
	if (memchr(s, '|', len) != NULL)
		return;
	while (n < len && !is_meta(s[n]))
		n++;
	if (n < len && n > 0 && strchr("*?{", s[n]) != NULL)
		n--;
	while (n > 0 && ((unsigned char) s[n - 1] & 0x80))
		n--; /* a repetition may apply to a whole rune */
	re->prefix = strview(s, n);
}

/* RE2's codes in Go's words (regexp/syntax). */
static const char *
code_text(int code)
{
	static const char *const words[] = {
		"no error",
		"regexp/syntax: internal error",
		"invalid escape sequence",
		"invalid character class",
		"invalid character class range",
		"missing closing ]",
		"missing closing )",
		"unexpected )",
		"trailing backslash at end of expression",
		"missing argument to repetition operator",
		"invalid repeat count",
		"invalid nested repetition operator",
		"invalid or unsupported Perl syntax",
		"invalid UTF-8",
		"invalid named capture",
		"expression too large",
	};

	if (code < 0 || code >= (int) (sizeof(words) / sizeof(words[0])))
		return "expression too large";
	return words[code];
}

Regex *
regex_compile(StrView pattern, Err *err)
{
	Regex *re = calloc(1, sizeof(Regex));
	int code = -1;
	char *fragment = NULL;

	if (re != NULL)
		re->pattern = malloc(pattern.len + 1);
	if (re == NULL || re->pattern == NULL)
	{
		free(re);
		err_set(err, ERR_TOO_MUCH_MEMORY, -1, "out of memory for a regular expression");
		return NULL;
	}
	memcpy(re->pattern, pattern.s, pattern.len);
	re->pattern[pattern.len] = '\0';
	re->pattern_len = pattern.len;
	re->shim = regex_shim_compile(pattern.s, pattern.len, &code, &fragment);
	if (re->shim == NULL)
	{
		err_set(err, ERR_BAD_REQUEST, -1, "error parsing regexp: %s: `%s`", code_text(code),
				fragment && fragment[0] ? fragment : re->pattern);
		free(fragment);
		free(re->pattern);
		free(re);
		return NULL;
	}
	re->hash = hash_xxh64(pattern.s, pattern.len);
	find_shape(re);
	return re;
}

void
regex_free(Regex *re)
{
	regex_shim_free(re->shim);
	free(re->literals);
	free(re->pattern);
	free(re);
}

/* ---- cache ------------------------------------------------------------------------------------ */

static Regex *cache[REGEX_CACHE];
static int cached;
static uint64_t cache_clock;

static void
drop_oldest(void)
{
	Regex **oldest = NULL;

	for (int i = 0; i < REGEX_CACHE; i++)
		for (Regex **link = &cache[i]; *link != NULL; link = &(*link)->next)
			if (oldest == NULL || (*link)->used < (*oldest)->used)
				oldest = link;
	if (oldest != NULL)
	{
		Regex *gone = *oldest;

		*oldest = gone->next;
		regex_free(gone);
		cached--;
	}
}

const Regex *
regex_cached(StrView pattern, Err *err)
{
	uint64_t hash = hash_xxh64(pattern.s, pattern.len);
	Regex **slot = &cache[hash % REGEX_CACHE];
	Regex *re;

	for (re = *slot; re != NULL; re = re->next)
	{
		if (re->hash == hash && re->pattern_len == pattern.len &&
			memcmp(re->pattern, pattern.s, pattern.len) == 0)
		{
			re->used = ++cache_clock;
			return re;
		}
	}
	re = regex_compile(pattern, err);
	if (re == NULL)
		return NULL;
	if (cached >= REGEX_CACHE)
		drop_oldest();
	re->used = ++cache_clock;
	re->next = *slot;
	*slot = re;
	cached++;
	return re;
}

/* ---- matching --------------------------------------------------------------------------------- */

bool
regex_match(const Regex *re, StrView text)
{
	if (re->all)
		return true;
	if (re->nonempty)
		return text.len > 0;
	if (re->nliterals > 0 && re->nliterals <= 8)
	{
		for (int i = 0; i < re->nliterals; i++)
			if (strview_eq(re->literals[i], text))
				return true;
		return false;
	}
	if (re->prefix.len > 0 &&
		(text.len < re->prefix.len || memcmp(text.s, re->prefix.s, re->prefix.len) != 0))
		return false;
	if (re->prefix_only)
		return true;
	return regex_shim_match(re->shim, text.s, text.len);
}

int
regex_literals(const Regex *re, const StrView **literals)
{
	*literals = re->literals;
	return re->nliterals;
}

StrView
regex_prefix(const Regex *re)
{
	return re->prefix;
}

bool
regex_matches_all(const Regex *re)
{
	return re->all;
}

bool
regex_matches_nonempty(const Regex *re)
{
	return re->nonempty;
}

/* ---- expansion -------------------------------------------------------------------------------- */

static bool
name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Group number of a $name: digits are a number, else a named group; -1 = unknown. */
static int
group_of(const Regex *re, const char *name, size_t len)
{
	int n = 0;

	for (size_t i = 0; i < len; i++)
	{
		if (name[i] < '0' || name[i] > '9')
			return regex_shim_group_index(re->shim, name, len);
		if (n > 1000)
			return -1;
		n = n * 10 + (name[i] - '0');
	}
	return n;
}

bool
regex_expand(const Regex *re, StrView text, StrView template, Buf *out)
{
	int groups = regex_shim_groups(re->shim) + 1;
	int *offsets = mem_alloc(sizeof(int) * 2 * 64);
	const char *p = template.s;
	const char *end = p + template.len;

	if (groups > 64)
		groups = 64;
	if (!regex_shim_captures(re->shim, text.s, text.len, offsets, groups))
	{
		mem_free(offsets);
		return false;
	}
	while (p < end)
	{
		const char *name;
		const char *after;
		int g;

		if (*p != '$' || p + 1 >= end)
		{
			buf_char(out, *p++);
			continue;
		}
		if (p[1] == '$')
		{
			buf_char(out, '$');
			p += 2;
			continue;
		}
		name = p[1] == '{' ? p + 2 : p + 1;
		after = name;
		while (after < end && name_char(*after))
			after++;
		if (after == name || (p[1] == '{' && (after >= end || *after != '}')))
		{
			buf_char(out, *p++); /* malformed: stays literally */
			continue;
		}
		g = group_of(re, name, (size_t) (after - name));
		if (g >= 0 && g < groups && offsets[2 * g] >= 0)
			buf_append(out, text.s + offsets[2 * g], (size_t) (offsets[2 * g + 1] - offsets[2 * g]));
		p = p[1] == '{' ? after + 1 : after;
	}
	mem_free(offsets);
	return true;
}
