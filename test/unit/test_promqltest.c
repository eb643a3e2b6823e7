/*
 * test_promqltest.c
 *    Test files in the Prometheus test language: our own, and the corpus where it is there.
 *
 * Ours are test/promql/NAME.test, found from the project's root, where the tests run.  The corpus
 * is looked for in $PROMQLTEST_DIR, else in ../shared/promqltest.
 */
#include "promqltest/promqltest.h"
#include "unit.h"

#include <glob.h>
#include <stdlib.h>

/* run_files -- every file of dir; returns how many there are. */
static int
run_files(const char *dir, PromqlTestCount *total)
{
	glob_t files;
	int n = 0;

	*total = (PromqlTestCount){0};
	if (glob(mem_printf("%s/*.test", dir), 0, NULL, &files) != 0)
		return 0;
	for (size_t i = 0; i < files.gl_pathc; i++)
	{
		PromqlTestCount c = promqltest_run_file(files.gl_pathv[i], unit_verbose());

		total->passed += c.passed;
		total->total += c.total;
		n++;
	}
	globfree(&files);
	return n;
}

UNIT_TEST(promqltest_own_files)
{
	PromqlTestCount c;

	CHECK(run_files("test/promql", &c) > 0);
	CHECK_INT(c.passed, c.total);
	unit_count(c.passed, c.total - c.passed);
}

UNIT_TEST(promqltest_corpus)
{
	const char *dir = getenv("PROMQLTEST_DIR");
	PromqlTestCount c;

	if (dir == NULL)
		dir = "../shared/promqltest";
	if (run_files(dir, &c) == 0)
	{
		printf("# no corpus in %s\n", dir);
		return;
	}
	printf("# corpus: %d of %d evals pass\n", c.passed, c.total);
	unit_count(c.passed, c.total - c.passed);
}
