/*
 * promql_queries.h
 *    Helpers of the tests of the PromQL parser and printer, and their common list of queries.
 */
#ifndef MIMIR_TEST_PROMQL_QUERIES_H
#define MIMIR_TEST_PROMQL_QUERIES_H

#include "promql/parser/ast.h"

extern const PromqlFlags promql_all_flags;

/* Valid with all flags on; NULL ends. */
extern const char *const promql_queries[];

/* promql_test_parse -- with all flags; a failed check and NULL on error. */
extern PromqlExpr *promql_test_parse(const char *query);
/* promql_test_error -- the error text of a query that must not parse, "" if it does. */
extern const char *promql_test_error(const char *query, const PromqlFlags *flags);
/* promql_test_print -- canonical or pretty text. */
extern const char *promql_test_print(const PromqlExpr *e, bool pretty);

#endif
