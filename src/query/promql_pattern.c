/*
 * promql_pattern.c
 *    SQL patterns as PromQL writes them, where both mean the same.
 *
 * LIKE is simple: % is .*, _ is ., the rest are literals.  Of regular expressions the plain ones
 * are taken: anchored at the beginning, then literals and the dot, the dot repeated by * or +, or
 * one group of literals set apart by |.  These mean the same in PostgreSQL's syntax and in RE2's;
 * classes, escapes for letters, counted repetitions, back references, options and the rest do not,
 * or not always, and stay with the executor.
 */
#include "postgres.h"

#include "query/promql_pattern.h"

#define META "\\.+*?()|[]{}^$"

void
promql_pattern_quote(StringInfo out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (text[i] != '\0' && strchr(META, text[i]) != NULL)
			appendStringInfoChar(out, '\\');
		appendStringInfoChar(out, text[i]);
	}
}

static bool
like_pattern(const char *p, StringInfo out)
{
	for (; *p != '\0'; p++)
	{
		if (*p == '%')
			appendStringInfoString(out, ".*");
		else if (*p == '_')
			appendStringInfoChar(out, '.');
		else
		{
			if (*p == '\\' && *++p == '\0')
				return false; /* an error, for the executor to raise */
			promql_pattern_quote(out, p, 1);
		}
	}
	return true;
}

/* Take a literal character off *p, plain or escaped punctuation; false: it is not one. */
static bool
take_literal(const char **p, StringInfo out)
{
	const char *s = *p;

	if (*s == '\0')
		return false;
	if (*s == '\\')
	{
		s++;
		if (*s == '\0' || strchr(META "-/", *s) == NULL)
			return false;
	}
	else if (strchr(META, *s) != NULL)
		return false;
	promql_pattern_quote(out, s, 1);
	*p = s + 1;
	/* a repetition would apply to it */
	return **p == '\0' || strchr("*+?{", **p) == NULL;
}

/* (literals|literals|...) */
static bool
take_group(const char **p, StringInfo out)
{
	appendStringInfoString(out, "(?:");
	(*p)++;
	while (**p != ')')
	{
		if (**p == '|')
		{
			appendStringInfoChar(out, '|');
			(*p)++;
		}
		else if (!take_literal(p, out))
			return false;
	}
	(*p)++;
	appendStringInfoChar(out, ')');
	return **p == '\0' || (**p == '$' && (*p)[1] == '\0');
}

static bool
take_sequence(const char **p, StringInfo out)
{
	while (**p != '\0' && **p != '$')
	{
		if (**p == '.')
		{
			appendStringInfoChar(out, '.');
			(*p)++;
			if (**p == '*' || **p == '+')
				appendStringInfoChar(out, *(*p)++);
			if (**p != '\0' && strchr("*+?{", **p) != NULL)
				return false;
		}
		else if (!take_literal(p, out))
			return false;
	}
	return true;
}

static bool
regex_pattern(const char *p, StringInfo out)
{
	if (*p++ != '^')
		return false;
	if (*p == '(')
	{
		if (p[1] == ')' || p[1] == '?' || p[1] == '|' || !take_group(&p, out))
			return false;
	}
	else if (!take_sequence(&p, out))
		return false;
	if (*p == '$')
		return p[1] == '\0';
	appendStringInfoString(out, ".*");
	return true;
}

const char *
promql_pattern(const char *pattern, bool like)
{
	StringInfoData out;

	initStringInfo(&out);
	if (like ? like_pattern(pattern, &out) : regex_pattern(pattern, &out))
		return out.data;
	pfree(out.data);
	return NULL;
}
