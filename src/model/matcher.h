/*
 * matcher.h
 *    = != =~ !~ on a label; a missing label has the value "".
 */
#ifndef MIMIR_MODEL_MATCHER_H
#define MIMIR_MODEL_MATCHER_H

#include "model/regex.h"

typedef enum MatchType
{
	MATCH_EQUAL,
	MATCH_NOT_EQUAL,
	MATCH_REGEX,
	MATCH_NOT_REGEX
} MatchType;

typedef struct Matcher
{
	MatchType type;
	StrView name;
	StrView value;	 /* literal or pattern text */
	const Regex *re; /* for the regex types; owned by the regex cache */
} Matcher;

/* matcher_init -- name and value must live as long as the matcher. */
extern bool matcher_init(Matcher *m, MatchType type, StrView name, StrView value, Err *err);
extern bool matcher_matches(const Matcher *m, StrView value);
extern bool matcher_matches_empty(const Matcher *m);
extern bool matchers_match(const Matcher *ms, int n, Labels ls);
extern void matcher_text(Buf *out, const Matcher *m); /* name="value" */

#endif
