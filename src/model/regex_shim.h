/*
 * regex_shim.h
 *    The C face of model/regex_re2.cc: nothing but RE2, no caching, no shapes.  For model/ only.
 */
#ifndef MIMIR_MODEL_REGEX_SHIM_H
#define MIMIR_MODEL_REGEX_SHIM_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C"
{
#endif

	typedef struct RegexShim RegexShim;

	/* Why a pattern was refused. */
	typedef struct RegexRefusal
	{
		const char *code; /* in Go's words; NULL: out of memory */
		char *fragment;	  /* what of the pattern is wrong; malloc'd, NULL if out of memory */
	} RegexRefusal;

	/* regex_shim_compile -- NULL on failure, with why filled. */
	extern RegexShim *regex_shim_compile(const char *pattern, size_t len, RegexRefusal *why);
	extern void regex_shim_free(RegexShim *re);

	/* regex_shim_match -- anchored at both ends. */
	extern bool regex_shim_match(const RegexShim *re, const char *text, size_t len);

	/* regex_shim_groups -- number of capturing groups. */
	extern int regex_shim_groups(const RegexShim *re);

	/* regex_shim_group_index -- number of a named group, -1 = none. */
	extern int regex_shim_group_index(const RegexShim *re, const char *name, size_t len);

	/*
 * regex_shim_captures -- anchored match; offsets[2*i] and offsets[2*i+1] for groups 0..n-1, -1 if
 * a group did not take part.
 */
	extern bool regex_shim_captures(const RegexShim *re, const char *text, size_t len, int *offsets,
									int n);

#ifdef __cplusplus
}
#endif

#endif
