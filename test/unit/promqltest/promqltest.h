/*
 * promqltest.h
 *    Runs files of the Prometheus test language (reference 6.2) against the evaluator.
 */
#ifndef MIMIR_TEST_PROMQLTEST_H
#define MIMIR_TEST_PROMQLTEST_H

#include <stdbool.h>

typedef struct PromqlTestCount
{
	int passed; /* evals */
	int total;
} PromqlTestCount;

/*
 * promqltest_run_file -- load, clear and eval as the file says.  Prints a line `file: passed/total`
 * and, if verbose, what went wrong with each failed eval.  A file that cannot be read or parsed
 * counts as one failed eval.
 */
extern PromqlTestCount promqltest_run_file(const char *path, bool verbose);

#endif
