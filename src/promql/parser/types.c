/*
 * types.c
 *    The type check: runs after a parse without syntax errors, finds the first error.
 *
 * The order of the checks is Prometheus' (promql/parser/parse.go, checkAST), for it decides which
 * of several errors is told.  On the way the check completes the tree: the cardinality of set
 * operators, whether a binary operator matches vectors, and the selector of info().
 */
#include "promql/parser/parser_int.h"

#include "util/mem.h"

static bool
fail(PromqlParser *p, int pos, const char *text)
{
	return promql_parser_error(p, ERR_PROMQL_TYPE, pos, "%s", text);
}

/* expect -- e is well typed and of the type wanted in this place. */
static bool
expect(PromqlParser *p, PromqlExpr *e, PromqlType want, const char *place)
{
	if (!promql_check_types(p, e))
		return false;
	if (e->type != want)
		return promql_parser_error(p, ERR_PROMQL_TYPE, e->start, "expected type %s in %s, got %s",
								   promql_type_name(want), place, promql_type_name(e->type));
	return true;
}

static bool
check_aggregate(PromqlParser *p, PromqlAggregate *a)
{
	PromqlType want = a->op == PROMQL_AGGR_COUNT_VALUES ? PROMQL_STRING : PROMQL_SCALAR;

	return expect(p, a->expr, PROMQL_VECTOR, "aggregation expression") &&
		   (a->param == NULL || expect(p, a->param, want, "aggregation parameter"));
}

/* check_group_labels -- no label stands in on() and group_x() both. */
static bool
check_group_labels(PromqlParser *p, const PromqlBinary *b)
{
	const PromqlMatching *m = &b->matching;

	if (!m->on)
		return true;
	for (int i = 0; i < m->labels.n; i++)
		for (int j = 0; j < m->include.n; j++)
			if (strview_eq(m->labels.items[i], m->include.items[j]))
				return promql_parser_error(p, ERR_PROMQL_TYPE, b->op_start,
										   "label %s must not occur in ON and GROUP clause at once",
										   promql_quote(m->labels.items[i]));
	return true;
}

static bool
is_scalar_or_vector(PromqlType t)
{
	return t == PROMQL_SCALAR || t == PROMQL_VECTOR;
}

static bool
check_binary(PromqlParser *p, PromqlExpr *e)
{
	PromqlBinary *b = &e->binary;
	PromqlMatching *m = &b->matching;
	PromqlType lt = b->lhs->type;
	PromqlType rt = b->rhs->type;
	bool fills = m->fill_left.is_set || m->fill_right.is_set;
	bool is_set = promql_op_is_set(b->op);

	if (!promql_check_types(p, b->lhs) || !promql_check_types(p, b->rhs))
		return false;
	if (b->return_bool && !promql_op_is_comparison(b->op))
		return fail(p, b->op_start, "bool modifier can only be used on comparison operators");
	if (promql_op_is_comparison(b->op) && !b->return_bool && lt == PROMQL_SCALAR &&
		rt == PROMQL_SCALAR)
		return fail(p, b->op_start, "comparisons between scalars must use BOOL modifier");
	if (!check_group_labels(p, b))
		return false;
	if (!is_scalar_or_vector(lt) || !is_scalar_or_vector(rt))
		return fail(p, is_scalar_or_vector(lt) ? b->rhs->start : b->lhs->start,
					"binary expression must contain only scalar and instant vector types");

	b->vectors = lt == PROMQL_VECTOR && rt == PROMQL_VECTOR;
	if (!b->vectors)
	{
		if (m->labels.n > 0)
			return fail(p, e->start, "vector matching only allowed between instant vectors");
		if (fills)
			return fail(p, e->start,
						"filling in missing series only allowed between instant vectors");
		if (is_set)
			return promql_parser_error(
				p, ERR_PROMQL_TYPE, e->start,
				"set operator \"%s\" not allowed in binary scalar expression",
				promql_op_text(b->op));
	}
	else if (is_set)
	{
		if (m->card != PROMQL_ONE_TO_ONE)
			return promql_parser_error(p, ERR_PROMQL_TYPE, e->start,
									   "no grouping allowed for \"%s\" operation",
									   promql_op_text(b->op));
		if (fills)
			return fail(p, e->start, "filling in missing series not allowed for set operators");
		m->card = PROMQL_MANY_TO_MANY;
	}
	return true;
}

/* check_info -- the second argument of info() is a selector without metric name. */
static bool
check_info(PromqlParser *p, const PromqlExpr *e)
{
	PromqlExpr *arg = e->call.args.items[1];

	if (arg->type != PROMQL_VECTOR)
		return promql_parser_error(p, ERR_PROMQL_TYPE, e->start,
								   "expected type %s in call to function \"info\", got %s",
								   promql_type_name(PROMQL_VECTOR), promql_type_name(arg->type));
	if (arg->kind != PROMQL_EXPR_SELECTOR)
		return fail(p, arg->start, "expected label selectors only");
	if (arg->selector.name.len > 0)
		return fail(p, arg->start, "expected label selectors only, got vector selector instead");
	arg->selector.may_match_all = true;
	return true;
}

static bool
check_arity(PromqlParser *p, const PromqlExpr *e)
{
	const PromqlSignature *sig = e->call.sig;
	int n = e->call.args.n;
	const char *bound = "";
	int want = sig->nargs;

	if (sig->variadic == 0 && n == want)
		return true;
	if (sig->variadic != 0)
	{
		want = sig->nargs - 1;
		bound = "at least ";
		if (n >= want)
		{
			want += sig->variadic;
			bound = "at most ";
			if (sig->variadic < 0 || n <= want)
				return true;
		}
	}
	return promql_parser_error(p, ERR_PROMQL_TYPE, e->start,
							   "expected %s%d argument(s) in call to \"%s\", got %d", bound, want,
							   sig->name, n);
}

static bool
check_call(PromqlParser *p, PromqlExpr *e)
{
	const PromqlSignature *sig = e->call.sig;
	const char *place;

	if (!check_arity(p, e))
		return false;
	if (sig->fn == PROMQL_FN_info && e->call.args.n > 1 && !check_info(p, e))
		return false;
	place = mem_printf("call to function \"%s\"", sig->name);
	for (int i = 0; i < e->call.args.n; i++)
		if (!expect(p, e->call.args.items[i], promql_function_arg_type(sig, i), place))
			return false;
	return true;
}

/* check_selector -- one metric name, or at least one matcher that is not for everything. */
static bool
check_selector(PromqlParser *p, const PromqlExpr *e)
{
	const PromqlSelector *s = &e->selector;

	if (s->name.len > 0)
	{
		/* the last matcher is that of the name */
		for (int i = 0; i < s->nmatchers - 1; i++)
			if (strview_eq_cstr(s->matchers[i].name, LABELS_NAME))
				return promql_parser_error(
					p, ERR_PROMQL_TYPE, e->start, "metric name must not be set twice: %s or %s",
					promql_quote(s->name), promql_quote(s->matchers[i].value));
		return true;
	}
	if (s->may_match_all)
		return true;
	for (int i = 0; i < s->nmatchers; i++)
		if (!matcher_matches_empty(&s->matchers[i]))
			return true;
	return fail(p, e->start, "vector selector must contain at least one non-empty matcher");
}

bool
promql_check_types(PromqlParser *p, PromqlExpr *e)
{
	switch (e->kind)
	{
		case PROMQL_EXPR_AGGREGATE:
			return check_aggregate(p, &e->aggregate);
		case PROMQL_EXPR_BINARY:
			return check_binary(p, e);
		case PROMQL_EXPR_CALL:
			return check_call(p, e);
		case PROMQL_EXPR_PAREN:
			return promql_check_types(p, e->paren);
		case PROMQL_EXPR_UNARY:
			if (!promql_check_types(p, e->unary.expr))
				return false;
			if (!is_scalar_or_vector(e->type))
				return promql_parser_error(p, ERR_PROMQL_TYPE, e->start,
										   "unary expression only allowed on expressions of type "
										   "scalar or instant vector, got \"%s\"",
										   promql_type_name(e->type));
			return true;
		case PROMQL_EXPR_SUBQUERY:
			if (!promql_check_types(p, e->subquery.expr))
				return false;
			if (e->subquery.expr->type != PROMQL_VECTOR)
				return promql_parser_error(
					p, ERR_PROMQL_TYPE, e->start,
					"subquery is only allowed on instant vector, got %s instead",
					promql_type_raw_name(e->subquery.expr->type));
			return true;
		case PROMQL_EXPR_RANGE:
			return check_selector(p, e->range.selector);
		case PROMQL_EXPR_SELECTOR:
			return check_selector(p, e);
		case PROMQL_EXPR_NUMBER:
		case PROMQL_EXPR_STRING:
		case PROMQL_EXPR_DURATION:
			break;
	}
	return true;
}
