/*
 * duration.c
 *    Duration expressions in brackets and after `offset`: nodes, static checks, evaluation.
 *
 * A literal is in seconds and may not reach beyond what nanoseconds in an int64 hold.  A sign
 * before a literal becomes part of it.  What stays an expression is evaluated before the query
 * runs, when its step and range are known.
 */
#include "promql/parser/parser_int.h"

#include "promql/grammar.h"
#include "util/mem.h"

#include <assert.h>
#include <math.h>

#define MAX_SECONDS (0x1p63 / 1e9)
#define NS_PER_MS	1000000

static bool
is_literal(const PromqlExpr *e)
{
	return e->kind == PROMQL_EXPR_NUMBER;
}

/* check_range -- a literal's value is a possible duration; pos: where to complain. */
static PromqlExpr *
check_range(PromqlParser *p, PromqlExpr *literal, int pos)
{
	if (fabs(literal->number.v) > MAX_SECONDS)
	{
		promql_parser_error(p, ERR_PROMQL_SYNTAX, pos, "duration out of range");
		return NULL;
	}
	return literal;
}

PromqlExpr *
promql_duration_literal(PromqlParser *p, PromqlExpr *e)
{
	return check_range(p, e, e->start);
}

/* new_duration -- lhs or both operands may be NULL. */
static PromqlExpr *
new_duration(PromqlParser *p, PromqlOperator op, PromqlExpr *lhs, PromqlExpr *rhs, int start,
			 int end)
{
	int depth = rhs != NULL ? rhs->depth : 0;
	PromqlExpr *e;

	if (lhs != NULL && lhs->depth > depth)
		depth = lhs->depth;
	e = promql_new_node(p, PROMQL_EXPR_DURATION, PROMQL_SCALAR, start, end, depth);
	if (e == NULL)
		return NULL;
	e->duration.op = op;
	e->duration.lhs = lhs;
	e->duration.rhs = rhs;
	return e;
}

/* promql_new_duration -- a binary operator; a literal 0 is refused as a divisor. */
PromqlExpr *
promql_new_duration(PromqlParser *p, const PromqlToken *op, PromqlExpr *lhs, PromqlExpr *rhs)
{
	if (is_literal(rhs) && rhs->number.v == 0 && (op->kind == TOK_DIV || op->kind == TOK_MOD))
	{
		promql_parser_error(p, ERR_PROMQL_SYNTAX, op->start, "%s by zero",
							op->kind == TOK_DIV ? "division" : "modulo");
		return NULL;
	}
	return new_duration(p, promql_operator(op->kind), lhs, rhs, lhs->start, rhs->end);
}

/* promql_new_duration_call -- step() and range() without operands, max_of() and min_of(). */
PromqlExpr *
promql_new_duration_call(PromqlParser *p, const PromqlToken *name, PromqlExpr *lhs, PromqlExpr *rhs,
						 int end)
{
	return new_duration(p, promql_operator(name->kind), lhs, rhs, name->start, end);
}

/* promql_new_duration_sign -- a plus before an expression leaves no trace. */
PromqlExpr *
promql_new_duration_sign(PromqlParser *p, const PromqlToken *sign, PromqlExpr *e)
{
	if (is_literal(e))
		return check_range(p, promql_new_unary(p, sign, e), sign->start);
	if (sign->kind == TOK_ADD)
		return e;
	return new_duration(p, PROMQL_OP_SUB, NULL, e, sign->start, e->end);
}

/*
 * promql_new_signed_group -- `offset +(e)` and `offset -(e)`.  The plus stays, for without it the
 * offset would take the operators behind the parenthesis when it is printed and parsed again.
 */
PromqlExpr *
promql_new_signed_group(PromqlParser *p, const PromqlToken *sign, PromqlExpr *e)
{
	if (is_literal(e) || sign->kind == TOK_SUB)
		return promql_new_duration_sign(p, sign, promql_duration_wrap(e));
	return new_duration(p, PROMQL_OP_ADD, NULL, promql_duration_wrap(e), sign->start, e->end);
}

/* promql_duration_wrap -- e stands in parentheses; a literal does not remember that. */
PromqlExpr *
promql_duration_wrap(PromqlExpr *e)
{
	if (!is_literal(e))
		e->duration.wrapped = true;
	return e;
}

PromqlExpr *
promql_duration_positive(PromqlParser *p, PromqlExpr *e)
{
	if (is_literal(e) && e->number.v <= 0)
	{
		promql_parser_error(p, ERR_PROMQL_SYNTAX, e->start, "duration must be greater than 0");
		return NULL;
	}
	return e;
}

/* to_int64 -- towards zero; what does not fit becomes INT64_MIN, as in Go on usual machines. */
static int64_t
to_int64(double v)
{
	return fabs(v) < 0x1p63 ? (int64_t) v : INT64_MIN;
}

PromqlDuration
promql_duration_of(const PromqlExpr *e)
{
	int64_t ns;

	if (!is_literal(e))
		return (PromqlDuration){e, 0, true};
	ns = to_int64(round(e->number.v * 1e9));
	return (PromqlDuration){NULL, ns / NS_PER_MS, ns != 0};
}

/* --- evaluation ------------------------------------------------------------------------------ */

typedef struct Eval
{
	double step;			 /* seconds */
	double range;			 /* seconds */
	const PromqlExpr *whole; /* errors name its position */
	Err *err;
} Eval;

static bool
eval_error(const Eval *ev, const char *text)
{
	return err_set(ev->err, ERR_PROMQL_TYPE, ev->whole->start, "%d:%d: %s", ev->whole->start,
				   ev->whole->end, text);
}

/* go_max, go_min -- infinities win over NaN, NaN over numbers; +0 is above -0. */
static double
go_max(double a, double b)
{
	if (isnan(a) || isnan(b))
		return a == INFINITY || b == INFINITY ? INFINITY : NAN;
	if (a == 0 && b == 0)
		return signbit(a) ? b : a;
	return a > b ? a : b;
}

static double
go_min(double a, double b)
{
	return -go_max(-a, -b);
}

/* eval -- the value of e in seconds. */
static bool
eval(const Eval *ev, const PromqlExpr *e, double *v)
{
	double lhs = 0;
	double rhs = 0;

	if (is_literal(e))
	{
		*v = e->number.v;
		return true;
	}
	if (e->duration.lhs != NULL && !eval(ev, e->duration.lhs, &lhs))
		return false;
	if (e->duration.rhs != NULL && !eval(ev, e->duration.rhs, &rhs))
		return false;
	switch (e->duration.op)
	{
		case PROMQL_OP_STEP:
			*v = ev->step;
			break;
		case PROMQL_OP_RANGE:
			*v = ev->range;
			break;
		case PROMQL_OP_MAX_OF:
			*v = go_max(lhs, rhs);
			break;
		case PROMQL_OP_MIN_OF:
			*v = go_min(lhs, rhs);
			break;
		case PROMQL_OP_ADD:
			*v = lhs + rhs;
			break;
		case PROMQL_OP_SUB:
			*v = e->duration.lhs == NULL ? -rhs : lhs - rhs;
			break;
		case PROMQL_OP_MUL:
			*v = lhs * rhs;
			break;
		case PROMQL_OP_DIV:
			if (rhs == 0)
				return eval_error(ev, "division by zero");
			*v = lhs / rhs;
			break;
		case PROMQL_OP_MOD:
			if (rhs == 0)
				return eval_error(ev, "modulo by zero");
			*v = fmod(lhs, rhs);
			break;
		default:
			assert(e->duration.op == PROMQL_OP_POW);
			*v = pow(lhs, rhs);
			break;
	}
	return true;
}

bool
promql_duration_eval(const PromqlDuration *d, int64_t step_ms, int64_t range_ms, bool positive,
					 int64_t *ms, Err *err)
{
	Eval ev = {(double) step_ms / 1000, (double) range_ms / 1000, d->expr, err};
	double seconds;

	if (d->expr == NULL)
	{
		*ms = d->ms;
		return true;
	}
	if (!eval(&ev, d->expr, &seconds))
		return false;
	if (!isfinite(seconds))
		return eval_error(&ev, "duration is NaN or infinite");
	if (positive && seconds <= 0)
		return eval_error(&ev, "duration must be greater than 0");
	if (fabs(seconds * 1000) >= 0x1p63 / NS_PER_MS)
		return eval_error(&ev, "duration is out of range");
	*ms = (int64_t) (seconds * 1000);
	return true;
}
