/*
 * unit_main.c
 *    Runs every registered unit test (or those whose name contains an argument), prints one
 *    line each and "N passed, N failed".  -v as the first argument asks tests for details.
 */
#include "unit.h"

#include <stdarg.h>

static UnitTest *tests;
static bool failed;
static bool verbose;
static int npass, nfail;

void
unit_register(UnitTest *t)
{
	t->next = tests;
	tests = t;
}

void
unit_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	failed = true;
	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

bool
unit_failed(void)
{
	return failed;
}

bool
unit_verbose(void)
{
	return verbose;
}

void
unit_count(int passed, int failed_cases)
{
	npass += passed;
	nfail += failed_cases;
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "-v") == 0)
	{
		verbose = true;
		argc--;
		argv++;
	}
	for (UnitTest *t = tests; t != NULL; t = t->next)
	{
		bool wanted = argc < 2;

		for (int i = 1; i < argc; i++)
			wanted |= strstr(t->name, argv[i]) != NULL;
		if (!wanted)
			continue;
		failed = false;
		MemScope *scope = mem_scope_create(t->name);
		MemScope *old = mem_scope_switch(scope);
		t->run();
		mem_scope_switch(old);
		mem_scope_delete(scope);
		printf("%s - %s\n", failed ? "not ok" : "ok", t->name);
		fflush(stdout);
		failed ? nfail++ : npass++;
	}
	printf("unit: %d passed, %d failed\n", npass, nfail);
	return nfail > 0;
}
