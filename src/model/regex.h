/*
 * regex.h
 *    Prometheus' regular expressions: RE2's syntax, anchored at both ends, linear time, errors in
 *    Go's words.
 *
 * model/regex_shape.c recognises the patterns dashboards mostly send and matches them without
 * RE2; model/regex_re2.cc does the rest.
 */
#ifndef MIMIR_MODEL_REGEX_H
#define MIMIR_MODEL_REGEX_H

#include "model/labels.h"

typedef struct Regex Regex;

/*
 * regex_compile -- compile `^(?s:pattern)$`.  On failure err gets
 * "error parsing regexp: CODE: `FRAGMENT`".  The Regex is not memory of mem_alloc: free it
 * with regex_free.
 */
extern Regex *regex_compile(StrView pattern, Err *err);
extern void regex_free(Regex *re);

/*
 * regex_cached -- the same from a per-process cache, which owns what it returns: it lives until
 * regex_cache_trim, which brings the cache back to its bound.  Call that where no matcher is in
 * use: between requests.
 */
extern const Regex *regex_cached(StrView pattern, Err *err);
extern void regex_cache_trim(void);

extern bool regex_match(const Regex *re, StrView text);

/*
 * What the pattern is, found once at compile time: a list of literals it is equivalent to (sorted,
 * unique; 0 = not such a pattern), a literal prefix every match has, match-all shapes.
 */
extern int regex_literals(const Regex *re, const StrView **literals);
extern StrView regex_prefix(const Regex *re);
extern bool regex_matches_all(const Regex *re);		 /* .* */
extern bool regex_matches_nonempty(const Regex *re); /* .+ */

/*
 * regex_expand -- label_replace: if the whole of text matches, append template with $1, ${name},
 * $$ expanded and return true.
 */
extern bool regex_expand(const Regex *re, StrView text, StrView template, Buf *out);

#endif
