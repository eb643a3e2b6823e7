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

/*
 * The runner itself: each of these evals is wrong, or right, in the way its comment says.
 */
static const char right[] = "load 1m\n"
							"    x{a=\"1\"} 1 2 3\n"
							"    h {{schema:0 count:2 sum:3 buckets:[2]}}x2\n"
							"    x_bucket{le=\"1\"} 1\n"
							"\n"
							"eval instant at 1m x\n"
							"    x{a=\"1\"} 2\n"
							"\n"
							"eval range from 0 to 2m step 1m x\n"
							"    x{a=\"1\"} 1 2 3\n"
							"\n"
							"eval instant at 1m 2 + 3\n"
							"    5\n"
							"\n"
							"eval instant at 1m \"text\"\n"
							"    expect string \"text\"\n"
							"\n"
							"eval instant at 1m h\n"
							"    h {{schema:0 count:2 sum:3 buckets:[2]}}\n"
							"\n"
							"eval instant at 1m x[2m]\n"
							"    expect range vector from 0 to 1m step 1m\n"
							"    x{a=\"1\"} 1 2\n"
							"\n"
							"eval_fail instant at 1m label_replace(x, \"\", \"\", \"a\", \"\")\n"
							"\n"
							"eval instant at 1m rate(x[5m])\n"
							"    expect info regex: might not be a counter\n"
							"    expect no_warn\n"
							"    {a=\"1\"} 0.005\n"
							"\n"
							"eval instant at 1m nothing\n";

static const char wrong[] =
	"load 1m\n"
	"    x{a=\"1\"} 1 2 3\n"
	"    x{a=\"2\"} 4 5 6\n"
	"    h {{schema:0 count:2 sum:3 buckets:[2]}}x2\n"
	"\n"
	/* a value */
	"eval instant at 1m x{a=\"1\"}\n"
	"    x{a=\"1\"} 3\n"
	"\n"
	/* a series too many, one too few */
	"eval instant at 1m x\n"
	"    x{a=\"1\"} 2\n"
	"\n"
	"eval instant at 1m x{a=\"1\"}\n"
	"    x{a=\"1\"} 2\n"
	"    x{a=\"2\"} 5\n"
	"\n"
	/* labels */
	"eval instant at 1m x{a=\"1\"}\n"
	"    {a=\"1\"} 2\n"
	"\n"
	/* order */
	"eval instant at 1m sort(x)\n"
	"    expect ordered\n"
	"    x{a=\"2\"} 5\n"
	"    x{a=\"1\"} 2\n"
	"\n"
	/* kind */
	"eval instant at 1m h\n"
	"    h 2\n"
	"\n"
	/* a bucket */
	"eval instant at 1m h\n"
	"    h {{schema:0 count:2 sum:3 buckets:[1 1]}}\n"
	"\n"
	/* a stated hint */
	"eval instant at 1m h\n"
	"    h {{schema:0 count:2 sum:3 buckets:[2] counter_reset_hint:gauge}}\n"
	"\n"
	/* a point too many, one too few */
	"eval range from 0 to 2m step 1m x{a=\"1\"}\n"
	"    x{a=\"1\"} 1 2\n"
	"\n"
	"eval range from 0 to 1m step 1m x{a=\"1\"}\n"
	"    x{a=\"1\"} 1 2 3\n"
	"\n"
	/* no failure, another failure */
	"eval instant at 1m x\n"
	"    expect fail\n"
	"\n"
	"eval instant at 1m label_replace(x, \"\", \"\", \"a\", \"\")\n"
	"    expect fail msg: another text\n"
	"\n"
	/* a failure */
	"eval instant at 1m label_replace(x, \"\", \"\", \"a\", \"\")\n"
	"\n"
	/* an annotation missing, unwanted, other than expected */
	"eval instant at 1m x{a=\"1\"}\n"
	"    expect warn\n"
	"    x{a=\"1\"} 2\n"
	"\n"
	"eval instant at 1m rate(x{a=\"1\"}[5m])\n"
	"    expect no_info\n"
	"    {a=\"1\"} 0.005\n"
	"\n"
	"eval instant at 1m rate(x{a=\"1\"}[5m])\n"
	"    expect info msg: another text\n"
	"    {a=\"1\"} 0.005\n"
	"\n"
	/* not a string, not this string, not this scalar */
	"eval instant at 1m 5\n"
	"    expect string \"5\"\n"
	"\n"
	"eval instant at 1m \"a\"\n"
	"    expect string \"b\"\n"
	"\n"
	"eval instant at 1m 5\n"
	"    6\n"
	"\n"
	/* a command that is none, a query that is none */
	"evil\n"
	"\n"
	"eval instant at 1m (\n";

static PromqlTestCount
run_text(const char *text)
{
	char path[] = "/tmp/promqltest_XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
	PromqlTestCount c = {0};

	if (f == NULL)
	{
		unit_fail(__FILE__, __LINE__, "cannot create a file in /tmp");
		return c;
	}
	fputs(text, f);
	fclose(f);
	c = promqltest_run_file(path, false);
	remove(path);
	return c;
}

UNIT_TEST(promqltest_runner_accepts_what_is_right)
{
	PromqlTestCount c = run_text(right);

	CHECK_INT(c.passed, 9);
	CHECK_INT(c.total, 9);
}

UNIT_TEST(promqltest_runner_refuses_what_is_wrong)
{
	PromqlTestCount c = run_text(wrong);

	CHECK_INT(c.passed, 0);
	CHECK_INT(c.total, 21);
}

UNIT_TEST(promqltest_runner_needs_its_file)
{
	CHECK_INT(promqltest_run_file("/nonexistent.test", false).total, 1);
}
