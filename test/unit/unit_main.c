/*
 * unit_main.c
 *    Runs every registered unit test (or those whose name contains an argument), prints one
 *    line each and "N passed, N failed".
 */
#include "unit.h"

#include <stdarg.h>

static UnitTest *tests;
static bool failed;

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

int
main(int argc, char **argv)
{
	int npass = 0, nfail = 0;

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
