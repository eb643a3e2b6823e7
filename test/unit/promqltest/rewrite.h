/*
 * rewrite.h
 *    A query pinned to one time: what a step-invariant query must give at any time.
 */
#ifndef MIMIR_TEST_PROMQLTEST_REWRITE_H
#define MIMIR_TEST_PROMQLTEST_REWRITE_H

#include "promql/promql.h"

/*
 * promqltest_pin -- query with `@ t` on every selector and subquery that has no @ and is not below
 * a subquery that has; NULL if a function in it depends on the evaluation time all the same.
 */
extern const char *promqltest_pin(const char *query, const PromqlFlags *flags, int64_t t);

#endif
