/*
 * unit.h
 *    A page of TAP-like macros for the unit tests of the pure layers.
 *
 * A file test_MODULE.c registers its tests with UNIT_TEST(name) { ... }; the runner
 * (unit_main.c) runs each in a fresh MemScope.  A failed check prints where and goes on.
 */
#ifndef MIMIR_TEST_UNIT_H
#define MIMIR_TEST_UNIT_H

#include "util/mem.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct UnitTest UnitTest;
struct UnitTest
{
	const char *file;
	const char *name;
	void (*run)(void);
	UnitTest *next;
};

extern void unit_register(UnitTest *t);
extern void unit_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
extern bool unit_failed(void);	/* has the running test failed a check? */
extern bool unit_verbose(void); /* -v was given: tests that print details should */
/* unit_count -- add the cases a test counts by itself to the summary. */
extern void unit_count(int passed, int failed);

#define UNIT_TEST(fn)                                                                              \
	static void fn(void);                                                                          \
	static UnitTest fn##_unit = {__FILE__, #fn, fn, NULL};                                         \
	__attribute__((constructor)) static void fn##_register(void)                                   \
	{                                                                                              \
		unit_register(&fn##_unit);                                                                 \
	}                                                                                              \
	static void fn(void)

#define CHECK(cond)                                                                                \
	do                                                                                             \
	{                                                                                              \
		if (!(cond))                                                                               \
			unit_fail(__FILE__, __LINE__, "%s", #cond);                                            \
	} while (0)
#define CHECK_INT(got, want)                                                                       \
	do                                                                                             \
	{                                                                                              \
		long long g_ = (got), w_ = (want);                                                         \
		if (g_ != w_)                                                                              \
			unit_fail(__FILE__, __LINE__, "%s = %lld, want %lld", #got, g_, w_);                   \
	} while (0)
#define CHECK_STR(got, want)                                                                       \
	do                                                                                             \
	{                                                                                              \
		const char *g_ = (got), *w_ = (want);                                                      \
		if (g_ == NULL || strcmp(g_, w_) != 0)                                                     \
			unit_fail(__FILE__, __LINE__, "%s = \"%s\", want \"%s\"", #got, g_ ? g_ : "(null)",    \
					  w_);                                                                         \
	} while (0)

#endif
