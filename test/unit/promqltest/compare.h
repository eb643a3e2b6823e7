/*
 * compare.h
 *    A query's result, and whether it is what an eval expects.
 */
#ifndef MIMIR_TEST_PROMQLTEST_COMPARE_H
#define MIMIR_TEST_PROMQLTEST_COMPARE_H

#include "promql/promql.h"
#include "promqltest/script.h"

typedef struct TestResult
{
	PromqlType type;
	const char *string;
	PromqlSeries *series; /* copies */
	int n;
	const PromqlAnnotation *annotations;
	int nannotations;
} TestResult;

/*
 * Each is true if all is as expected, else err says what is not.
 *    result       value of the query, annotations
 *    middle_step  the series at one step of a range query, as if it were the instant query's result
 */
extern bool promqltest_compare_result(const ScriptEval *eval, const TestResult *r, Err *err);
extern bool promqltest_compare_middle_step(const ScriptEval *eval, PromqlType type,
										   const TestResult *r, int64_t t, Err *err);
extern bool promqltest_compare_failure(const ScriptEval *eval, const char *message, Err *err);

#endif
