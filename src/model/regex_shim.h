/*
 * regex_shim.h
 *    The C face of model/regex_re2.cc: nothing but RE2, no caching, no shapes.
 */
#ifndef MIMIR_MODEL_REGEX_SHIM_H
#define MIMIR_MODEL_REGEX_SHIM_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct RegexShim RegexShim;

/*
 * regex_shim_compile -- NULL on failure; then code (RE2's ErrorCode as int) and the offending
 * fragment (malloc'd, to be freed) are set.  code -1: out of memory.
 */
RegexShim *regex_shim_compile(const char *pattern, size_t len, int *code, char **fragment);
void regex_shim_free(RegexShim *re);

/* regex_shim_match -- anchored at both ends. */
bool regex_shim_match(const RegexShim *re, const char *text, size_t len);

/* regex_shim_groups -- number of capturing groups. */
int regex_shim_groups(const RegexShim *re);
/* regex_shim_group_index -- number of a named group, -1 = none. */
int regex_shim_group_index(const RegexShim *re, const char *name, size_t len);

/*
 * regex_shim_captures -- anchored match; offsets[2*i], offsets[2*i+1] for groups 0..n-1, -1 if
 * a group did not take part.
 */
bool regex_shim_captures(const RegexShim *re, const char *text, size_t len, int *offsets, int n);

#ifdef __cplusplus
}
#endif

#endif
