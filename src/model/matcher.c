/*
 * matcher.c
 *    Matching label values.
 */
#include "model/matcher.h"

#include "util/text.h"

/*
 * matcher_init -- false with err filled if value is a pattern and not a valid one.
 *
 * name and value are views that must outlive the matcher.  A regular expression belongs to the
 * cache: the matcher is of no use after regex_cache_trim.
 */
bool
matcher_init(Matcher *m, MatchType type, StrView name, StrView value, Err *err)
{
	m->type = type;
	m->name = name;
	m->value = value;
	m->re = NULL;
	if (type == MATCH_REGEX || type == MATCH_NOT_REGEX)
	{
		m->re = regex_cached(value, err);
		return m->re != NULL;
	}
	return true;
}

bool
matcher_matches(const Matcher *m, StrView value)
{
	switch (m->type)
	{
		case MATCH_EQUAL:
			return strview_eq(m->value, value);
		case MATCH_NOT_EQUAL:
			return !strview_eq(m->value, value);
		case MATCH_REGEX:
			return regex_match(m->re, value);
		case MATCH_NOT_REGEX:
			return !regex_match(m->re, value);
	}
	return false;
}

/* matcher_matches_empty -- does a series without the label match? */
bool
matcher_matches_empty(const Matcher *m)
{
	return matcher_matches(m, strview("", 0));
}

/* matchers_match -- does the label set match all n matchers? */
bool
matchers_match(const Matcher *ms, int n, Labels ls)
{
	for (int i = 0; i < n; i++)
	{
		StrView value;

		labels_get(ls, ms[i].name, &value);
		if (!matcher_matches(&ms[i], value))
			return false;
	}
	return true;
}

/* matcher_text -- append name="value", Go-quoted; a name that is not legacy-valid is quoted too. */
void
matcher_text(Buf *out, const Matcher *m)
{
	static const char *const ops[] = {"=", "!=", "=~", "!~"};

	if (labels_name_legacy_valid(m->name))
		buf_append(out, m->name.s, m->name.len);
	else
		text_quote(out, m->name.s, m->name.len);
	buf_str(out, ops[m->type]);
	text_quote(out, m->value.s, m->value.len);
}
