/*
 * arith.h
 *    Binary operators on two floats; used to fold constants and by the operators.
 */
#ifndef MIMIR_PROMQL_PLAN_ARITH_H
#define MIMIR_PROMQL_PLAN_ARITH_H

#include "promql/parser/ast.h"

#include <math.h>

/*
 * promql_float_arith -- a op b for + - * / % ^ atan2.
 */
static inline double
promql_float_arith(PromqlOperator op, double a, double b)
{
	switch (op)
	{
		case PROMQL_OP_ADD:
			return a + b;
		case PROMQL_OP_SUB:
			return a - b;
		case PROMQL_OP_MUL:
			return a * b;
		case PROMQL_OP_DIV:
			return a / b;
		case PROMQL_OP_MOD:
			return fmod(a, b);
		case PROMQL_OP_POW:
			return pow(a, b);
		default:
			return atan2(a, b);
	}
}

/* promql_float_compare -- a op b for the six comparisons; NaN is unequal to everything. */
static inline bool
promql_float_compare(PromqlOperator op, double a, double b)
{
	switch (op)
	{
		case PROMQL_OP_EQL:
			return a == b;
		case PROMQL_OP_NEQ:
			return a != b;
		case PROMQL_OP_LTE:
			return a <= b;
		case PROMQL_OP_LSS:
			return a < b;
		case PROMQL_OP_GTE:
			return a >= b;
		default:
			return a > b;
	}
}

#endif
