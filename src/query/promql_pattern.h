/*
 * promql_pattern.h
 *    SQL patterns as PromQL writes them, where both mean the same.
 */
#ifndef MIMIR_QUERY_PROMQL_PATTERN_H
#define MIMIR_QUERY_PROMQL_PATTERN_H

#include "postgres.h"

#include "lib/stringinfo.h"

/*
 * promql_pattern -- the anchored expression that matches what a LIKE pattern, or a POSIX regular
 * expression, matches; NULL if there is none that surely does.  Text is UTF-8.
 */
extern const char *promql_pattern(const char *pattern, bool like);

/* promql_pattern_quote -- append text as an expression that matches it alone. */
extern void promql_pattern_quote(StringInfo out, const char *text, size_t len);

#endif
