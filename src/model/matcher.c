/*
 * matcher.c
 *    Matching label values.
 */
#include "model/matcher.h"

#include "util/text.h"

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

bool
matcher_matches_empty(const Matcher *m)
{
	return matcher_matches(m, strview("", 0));
}

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
