/*
 * regex_shape.c
 *    Patterns that need no regular expression engine.
 *
 * Two families cover nearly all that dashboards send.  A set: literals put together by
 * alternation, groups, ? and small classes, "a|b", "(api|web)-[12]", "https?".  A gapped
 * literal: "api-.*", ".*error.*", ".+", also ".*".
 *
 * The parser is conservative: whatever it does not know, flags and lazy forms among them, is
 * SHAPE_OTHER and left to RE2.  All it accepts is valid in RE2 and means the same there.  As the
 * whole pattern is anchored, a ^ at its beginning and a $ at its end say nothing.
 */
#include "model/regex_shape.h"

#include "util/mem.h"
#include "util/text.h"

#include <stdlib.h>

#define MAX_LITERALS	  65536 /* of a plain alternation */
#define MAX_PRODUCT		  1024	/* of alternatives in a row, which multiply */
#define MAX_PRODUCT_BYTES (256 * 1024)
#define MAX_DEPTH		  32
#define MAX_CLASS		  64

typedef struct Parser
{
	const char *p;
	const char *end;
	int depth;
	bool groups; /* a parenthesis was seen */
} Parser;

typedef struct LiteralList
{
	StrView *v;
	int n;
	int cap;
} LiteralList;

static bool
is_meta(char c)
{
	return c != '\0' && strchr("\\.+*?()|[]{}^$", c) != NULL;
}

static bool
at(const Parser *ps, char c)
{
	return ps->p < ps->end && *ps->p == c;
}

static bool
list_add(LiteralList *l, StrView s)
{
	if (l->n == MAX_LITERALS)
		return false;
	if (l->n == l->cap)
	{
		l->cap = l->cap * 2 + 8;
		l->v = mem_realloc(l->v, sizeof(StrView) * (size_t) l->cap);
	}
	l->v[l->n++] = s;
	return true;
}

static bool
list_append(LiteralList *a, const LiteralList *b)
{
	for (int i = 0; i < b->n; i++)
		if (!list_add(a, b->v[i]))
			return false;
	return true;
}

/* list_product -- every member of a followed by every member of b. */
static bool
list_product(LiteralList *a, const LiteralList *b)
{
	LiteralList out = {0};
	size_t bytes = 0;

	if (a->n == 1 && a->v[0].len == 0)
	{
		*a = *b;
		return true;
	}
	if (a->n * b->n > MAX_PRODUCT)
		return false;
	for (int i = 0; i < a->n; i++)
	{
		for (int k = 0; k < b->n; k++)
		{
			StrView x = a->v[i], y = b->v[k];
			char *s = mem_alloc((size_t) x.len + y.len + 1);

			memcpy(s, x.s, x.len);
			memcpy(s + x.len, y.s, y.len);
			list_add(&out, strview(s, (size_t) x.len + y.len));
			bytes += (size_t) x.len + y.len;
			if (bytes > MAX_PRODUCT_BYTES)
				return false;
		}
	}
	*a = out;
	return true;
}

/* take_rune -- one literal rune, escaped or plain; false if there is something else. */
static bool
take_rune(Parser *ps, StrView *rune)
{
	int len;

	if (ps->p >= ps->end)
		return false;
	if (*ps->p == '\\') /* an escaped ASCII punctuation mark is that mark */
	{
		if (ps->end - ps->p < 2 || !(is_meta(ps->p[1]) || ps->p[1] == '-' || ps->p[1] == '/'))
			return false;
		*rune = strview(ps->p + 1, 1);
		ps->p += 2;
		return true;
	}
	if (is_meta(*ps->p))
		return false;
	if (text_utf8_decode(ps->p, ps->end, &len) == 0xFFFD && len == 1)
		return false; /* invalid UTF-8: RE2 will say so */
	*rune = strview(ps->p, (size_t) len);
	ps->p += len;
	return true;
}

static bool
is_class_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* take_class -- [abc0-9]: ASCII letters, digits and _ only. */
static bool
take_class(Parser *ps, LiteralList *out)
{
	const char *p = ps->p + 1;

	for (; p < ps->end && *p != ']'; p++)
	{
		unsigned char first = (unsigned char) *p, last = first;

		if (!is_class_char(*p))
			return false;
		if (ps->end - p > 2 && p[1] == '-')
		{
			if (!is_class_char(p[2]) || p[2] < p[0])
				return false;
			last = (unsigned char) p[2];
			p += 2;
		}
		if (last - first >= MAX_CLASS)
			return false;
		for (unsigned c = first; c <= last; c++)
		{
			char *s = mem_alloc(1);

			*s = (char) c;
			if (out->n == MAX_CLASS || !list_add(out, strview(s, 1)))
				return false;
		}
	}
	if (p >= ps->end || out->n == 0)
		return false;
	ps->p = p + 1;
	return true;
}

static bool parse_alternation(Parser *ps, LiteralList *out);

/* parse_piece -- a rune, a class or a group, with or without a question mark. */
static bool
parse_piece(Parser *ps, LiteralList *out)
{
	StrView rune;

	if (at(ps, '('))
	{
		ps->groups = true;
		ps->p++;
		if (at(ps, '?'))
		{
			if (ps->end - ps->p < 2 || ps->p[1] != ':')
				return false;
			ps->p += 2;
		}
		if (ps->depth == MAX_DEPTH)
			return false;
		ps->depth++;
		if (!parse_alternation(ps, out) || !at(ps, ')'))
			return false;
		ps->depth--;
		ps->p++;
	}
	else if (at(ps, '['))
	{
		if (!take_class(ps, out))
			return false;
	}
	else if (!take_rune(ps, &rune) || !list_add(out, rune))
		return false;
	if (at(ps, '?'))
	{
		ps->p++;
		if (!list_add(out, strview("", 0)))
			return false;
	}
	return !at(ps, '*') && !at(ps, '+') && !at(ps, '?') && !at(ps, '{');
}

/*
 * take_plain_run -- the longest run of unescaped literal runes, less the last one if a repetition
 * applies to it; a view of the pattern, empty if there is none.
 */
static StrView
take_plain_run(Parser *ps)
{
	const char *start = ps->p, *last = start;
	StrView rune;

	while (ps->p < ps->end && *ps->p != '\\')
	{
		const char *here = ps->p;

		if (!take_rune(ps, &rune))
			break;
		last = here;
	}
	if (at(ps, '?') || at(ps, '*') || at(ps, '+') || at(ps, '{'))
		ps->p = last;
	return strview(start, (size_t) (ps->p - start));
}

static bool
parse_concatenation(Parser *ps, LiteralList *out)
{
	list_add(out, strview("", 0));
	while (ps->p < ps->end && *ps->p != '|' && *ps->p != ')')
	{
		StrView run = take_plain_run(ps);
		LiteralList piece = {0};

		if (run.len > 0)
			list_add(&piece, run);
		else if (!parse_piece(ps, &piece))
			return false;
		if (!list_product(out, &piece))
			return false;
	}
	return true;
}

static bool
parse_alternation(Parser *ps, LiteralList *out)
{
	for (;;)
	{
		LiteralList one = {0};

		if (!parse_concatenation(ps, &one) || !list_append(out, &one))
			return false;
		if (!at(ps, '|'))
			return true;
		ps->p++;
	}
}

static int
compare_views(const void *a, const void *b)
{
	return strview_cmp(*(const StrView *) a, *(const StrView *) b);
}

static bool
find_set(RegexShape *shape, StrView pattern)
{
	Parser ps = {pattern.s, pattern.s + pattern.len, 0, false};
	LiteralList list = {0};
	int n = 1;

	if (!parse_alternation(&ps, &list) || ps.p < ps.end)
		return false;
	qsort(list.v, (size_t) list.n, sizeof(StrView), compare_views);
	for (int i = 1; i < list.n; i++)
		if (!strview_eq(list.v[i], list.v[n - 1]))
			list.v[n++] = list.v[i];
	shape->kind = SHAPE_SET;
	shape->has_groups = ps.groups;
	shape->literals = list.v;
	shape->n_literals = n;
	return true;
}

/* take_gap -- .* or .+ */
static RegexGap
take_gap(Parser *ps)
{
	if (ps->end - ps->p < 2 || ps->p[0] != '.' || (ps->p[1] != '*' && ps->p[1] != '+'))
		return GAP_NONE;
	ps->p += 2;
	return ps->p[-1] == '*' ? GAP_ANY : GAP_NONEMPTY;
}

/*
 * at_repetition -- or at flags, "(?i)": RE2 lets a repetition behind them apply to what stands before
 * them.
 */
static bool
at_repetition(const Parser *ps)
{
	return at(ps, '?') || at(ps, '*') || at(ps, '+') || at(ps, '{') ||
		   (ps->end - ps->p > 2 && ps->p[0] == '(' && ps->p[1] == '?' && ps->p[2] != ':');
}

/* take_literal -- runes up to the first that is none or has a repetition; unescaped copy. */
static StrView
take_literal(Parser *ps)
{
	char *s = mem_alloc((size_t) (ps->end - ps->p) + 1);
	size_t len = 0;
	StrView rune;

	for (;;)
	{
		const char *before = ps->p;

		if (!take_rune(ps, &rune))
			break;
		if (at_repetition(ps))
		{
			ps->p = before;
			break;
		}
		memcpy(s + len, rune.s, rune.len);
		len += rune.len;
	}
	return strview(s, len);
}

static bool
find_gapped(RegexShape *shape, StrView pattern)
{
	Parser ps = {pattern.s, pattern.s + pattern.len, 0, false};
	RegexGap head = take_gap(&ps);
	StrView literal = take_literal(&ps);
	RegexGap tail = literal.len > 0 ? take_gap(&ps) : GAP_NONE;

	if (ps.p < ps.end || (head == GAP_NONE && tail == GAP_NONE))
		return false;
	shape->kind = SHAPE_GAPPED;
	shape->head = head;
	shape->literal = literal;
	shape->tail = tail;
	return true;
}

/* has_top_level_bar -- or is the pattern too odd to tell? */
static bool
has_top_level_bar(StrView pattern)
{
	int depth = 0;
	bool class = false;

	for (uint32_t i = 0; i < pattern.len; i++)
	{
		char c = pattern.s[i];

		if (c == '\\')
		{
			if (++i < pattern.len && pattern.s[i] == 'Q')
				return true;
		}
		else if (class)
		{
			if (c == '[') /* a POSIX class, or a bracket that means itself */
				return true;
			class = c != ']';
		}
		else if (c == '[')
		{
			class = true;
			if (i + 1 < pattern.len && pattern.s[i + 1] == '^')
				i++;
			if (i + 1 < pattern.len && pattern.s[i + 1] == ']')
				i++;
		}
		else if (c == '(')
			depth++;
		else if (c == ')')
			depth--;
		else if (c == '|' && depth == 0)
			return true;
	}
	return false;
}

/* strip_anchors -- without the ^ and $ that say nothing. */
static StrView
strip_anchors(StrView pattern)
{
	if (pattern.len > 0 && pattern.s[0] == '^')
		pattern = strview(pattern.s + 1, pattern.len - 1);
	if (pattern.len > 0 && pattern.s[pattern.len - 1] == '$')
	{
		uint32_t slashes = 0;

		while (slashes + 1 < pattern.len && pattern.s[pattern.len - 2 - slashes] == '\\')
			slashes++;
		if (slashes % 2 == 0)
			pattern.len--;
	}
	return pattern;
}

/* regex_shape_find -- what is pattern?  It need not be valid: then it is SHAPE_OTHER. */
void
regex_shape_find(RegexShape *shape, StrView pattern)
{
	StrView bare = strip_anchors(pattern);
	Parser ps = {bare.s, bare.s + bare.len, 0, false};

	*shape = (RegexShape){.kind = SHAPE_OTHER, .has_groups = true};
	if (find_set(shape, bare))
		return;
	*shape = (RegexShape){.kind = SHAPE_OTHER};
	if (find_gapped(shape, bare))
	{
		if (shape->head == GAP_NONE)
			shape->prefix = shape->literal;
		return;
	}
	shape->has_groups = true;
	if (!has_top_level_bar(bare))
		shape->prefix = take_literal(&ps);
}

/* --- matching ------------------------------------------------------------------------------ */

static bool
match_set(const RegexShape *shape, StrView text)
{
	int lo = 0, hi = shape->n_literals;

	while (lo < hi)
	{
		int mid = (lo + hi) / 2, c = strview_cmp(shape->literals[mid], text);

		if (c == 0)
			return true;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* match_gapped -- the literal must lie in text with what the gaps want on either side. */
static bool
match_gapped(const RegexShape *shape, StrView text)
{
	uint32_t before = shape->head == GAP_NONEMPTY, behind = shape->tail == GAP_NONEMPTY;
	StrView lit = shape->literal;

	if ((uint64_t) text.len < (uint64_t) lit.len + before + behind)
		return false;
	if (lit.len == 0)
		return true;
	if (shape->head == GAP_NONE)
		return memcmp(text.s, lit.s, lit.len) == 0;
	if (shape->tail == GAP_NONE)
		return memcmp(text.s + text.len - lit.len, lit.s, lit.len) == 0;
	return memmem(text.s + before, text.len - before - behind, lit.s, lit.len) != NULL;
}

bool
regex_shape_match(const RegexShape *shape, StrView text)
{
	return shape->kind == SHAPE_SET ? match_set(shape, text) : match_gapped(shape, text);
}
