/*
 * build.c
 *    From grammar rules to tree nodes, with the checks that need no types.
 *
 * Every node knows the height of the tree below it; a tree higher than PROMQL_MAX_DEPTH is an
 * error here, so that all later code may recurse.
 */
#include "promql/parser/parser_int.h"

#include "promql/grammar.h"
#include "promql/parser/number.h"
#include "util/mem.h"
#include "util/text.h"

#include <assert.h>

static int
max_int(int a, int b)
{
	return a > b ? a : b;
}

PromqlExpr *
promql_new_node(PromqlParser *p, PromqlExprKind kind, PromqlType type, int start, int end,
				int child_depth)
{
	PromqlExpr *e;

	if (child_depth >= PROMQL_MAX_DEPTH)
	{
		promql_parser_error(p, ERR_PROMQL_SYNTAX, start, "expression nests too deeply");
		return NULL;
	}
	e = mem_alloc0(sizeof(*e));
	e->kind = kind;
	e->type = type;
	e->start = start;
	e->end = end;
	e->depth = child_depth + 1;
	return e;
}

static StrView
token_text(const PromqlParser *p, const PromqlToken *tok)
{
	return strview(p->text + tok->start, (size_t) (tok->end - tok->start));
}

/* --- lists ----------------------------------------------------------------------------------- */

/* grow -- room for one more item in a list of n; the capacity doubles. */
static void *
grow(void *items, int n, int *cap, size_t item_size)
{
	if (n < *cap)
		return items;
	*cap = *cap == 0 ? 4 : *cap * 2;
	return mem_realloc(items, (size_t) *cap * item_size);
}

void
promql_exprs_add(PromqlExprs *list, PromqlExpr *e)
{
	list->items = grow(list->items, list->n, &list->cap, sizeof(*list->items));
	list->items[list->n++] = e;
}

void
promql_names_add(PromqlNames *list, StrView name)
{
	list->items = grow(list->items, list->n, &list->cap, sizeof(*list->items));
	list->items[list->n++] = name;
}

PromqlStrList
promql_names_list(const PromqlNames *names)
{
	return (PromqlStrList){names->items, names->n};
}

void
promql_matchers_add(PromqlMatchers *list, Matcher m)
{
	list->items = grow(list->items, list->n, &list->cap, sizeof(*list->items));
	list->items[list->n++] = m;
}

/* --- literals and operators ------------------------------------------------------------------ */

/* promql_new_number -- of a NUMBER or DURATION token. */
PromqlExpr *
promql_new_number(PromqlParser *p, const PromqlToken *tok)
{
	StrView text = token_text(p, tok);
	bool is_duration = tok->kind == TOK_DURATION;
	PromqlExpr *e;
	Err err = ERR_INIT;
	double v;

	if (!(is_duration ? number_duration_seconds : number_value)(text.s, text.len, &v, &err))
	{
		promql_parser_error(p, ERR_PROMQL_SYNTAX, tok->start, "%s", err.msg);
		return NULL;
	}
	e = promql_new_node(p, PROMQL_EXPR_NUMBER, PROMQL_SCALAR, tok->start, tok->end, 0);
	e->number.v = v;
	e->number.is_duration = is_duration;
	return e;
}

PromqlExpr *
promql_new_string(PromqlParser *p, const PromqlToken *tok)
{
	PromqlExpr *e = promql_new_node(p, PROMQL_EXPR_STRING, PROMQL_STRING, tok->start, tok->end, 0);

	e->string = tok->string;
	return e;
}

PromqlExpr *
promql_new_paren(PromqlParser *p, int start, PromqlExpr *inner, int end)
{
	PromqlExpr *e = promql_new_node(p, PROMQL_EXPR_PAREN, inner->type, start, end, inner->depth);

	if (e != NULL)
		e->paren = inner;
	return e;
}

/* promql_new_unary -- a sign before a number becomes part of the number. */
PromqlExpr *
promql_new_unary(PromqlParser *p, const PromqlToken *sign, PromqlExpr *operand)
{
	PromqlExpr *e;

	if (operand->kind == PROMQL_EXPR_NUMBER)
	{
		if (sign->kind == TOK_SUB)
			operand->number.v = -operand->number.v;
		operand->start = sign->start;
		return operand;
	}
	e = promql_new_node(p, PROMQL_EXPR_UNARY, operand->type, sign->start, operand->end,
						operand->depth);
	if (e == NULL)
		return NULL;
	e->unary.op = promql_operator(sign->kind);
	e->unary.expr = operand;
	return e;
}

PromqlOperator
promql_operator(int token_kind)
{
	switch (token_kind)
	{
		case TOK_ADD:
			return PROMQL_OP_ADD;
		case TOK_SUB:
			return PROMQL_OP_SUB;
		case TOK_MUL:
			return PROMQL_OP_MUL;
		case TOK_DIV:
			return PROMQL_OP_DIV;
		case TOK_MOD:
			return PROMQL_OP_MOD;
		case TOK_POW:
			return PROMQL_OP_POW;
		case TOK_ATAN2:
			return PROMQL_OP_ATAN2;
		case TOK_EQLC:
			return PROMQL_OP_EQL;
		case TOK_NEQ:
			return PROMQL_OP_NEQ;
		case TOK_LTE:
			return PROMQL_OP_LTE;
		case TOK_LSS:
			return PROMQL_OP_LSS;
		case TOK_GTE:
			return PROMQL_OP_GTE;
		case TOK_GTR:
			return PROMQL_OP_GTR;
		case TOK_TRIM_UPPER:
			return PROMQL_OP_TRIM_UPPER;
		case TOK_TRIM_LOWER:
			return PROMQL_OP_TRIM_LOWER;
		case TOK_LAND:
			return PROMQL_OP_AND;
		case TOK_LOR:
			return PROMQL_OP_OR;
		case TOK_LUNLESS:
			return PROMQL_OP_UNLESS;
		case TOK_STEP:
			return PROMQL_OP_STEP;
		case TOK_RANGE:
			return PROMQL_OP_RANGE;
		case TOK_MAX_OF:
			return PROMQL_OP_MAX_OF;
		default:
			assert(token_kind == TOK_MIN_OF);
			return PROMQL_OP_MIN_OF;
	}
}

PromqlExpr *
promql_new_binary(PromqlParser *p, const PromqlToken *op, PromqlExpr *lhs,
				  const PromqlModifiers *mod, PromqlExpr *rhs)
{
	bool scalars = lhs->type == PROMQL_SCALAR && rhs->type == PROMQL_SCALAR;
	PromqlExpr *e;

	if (!p->flags->binop_fill &&
		(mod->matching.fill_left.is_set || mod->matching.fill_right.is_set))
	{
		promql_parser_error(p, ERR_PROMQL_SYNTAX, lhs->start,
							"binop fill modifiers are experimental and not enabled");
		return NULL;
	}
	e = promql_new_node(p, PROMQL_EXPR_BINARY, scalars ? PROMQL_SCALAR : PROMQL_VECTOR, lhs->start,
						rhs->end, max_int(lhs->depth, rhs->depth));
	if (e == NULL)
		return NULL;
	e->binary.op = promql_operator(op->kind);
	e->binary.op_start = op->start;
	e->binary.op_end = op->end;
	e->binary.lhs = lhs;
	e->binary.rhs = rhs;
	e->binary.return_bool = mod->return_bool;
	e->binary.matching = mod->matching;
	return e;
}

/* --- calls and aggregations ------------------------------------------------------------------ */

static int
exprs_depth(const PromqlExprs *list)
{
	int depth = 0;

	for (int i = 0; i < list->n; i++)
		depth = max_int(depth, list->items[i]->depth);
	return depth;
}

PromqlExpr *
promql_new_call(PromqlParser *p, const PromqlToken *name, const PromqlExprs *args)
{
	StrView text = token_text(p, name);
	const PromqlSignature *sig = promql_function_find(text.s, text.len);
	PromqlExpr *e;

	if (sig == NULL)
	{
		promql_parser_error(p, ERR_PROMQL_SYNTAX, name->start, "unknown function with name %s",
							promql_quote(text));
		return NULL;
	}
	if (sig->experimental && !p->flags->experimental_functions)
	{
		promql_parser_error(p, ERR_PROMQL_SYNTAX, name->start, "function %s is not enabled",
							promql_quote(text));
		return NULL;
	}
	e = promql_new_node(p, PROMQL_EXPR_CALL, sig->result, name->start, args->end,
						exprs_depth(args));
	if (e == NULL)
		return NULL;
	e->call.sig = sig;
	e->call.args = (PromqlExprList){args->items, args->n};
	return e;
}

static PromqlAggregator
aggregator(int token_kind)
{
	switch (token_kind)
	{
		case TOK_SUM:
			return PROMQL_AGGR_SUM;
		case TOK_AVG:
			return PROMQL_AGGR_AVG;
		case TOK_COUNT:
			return PROMQL_AGGR_COUNT;
		case TOK_MIN:
			return PROMQL_AGGR_MIN;
		case TOK_MAX:
			return PROMQL_AGGR_MAX;
		case TOK_GROUP:
			return PROMQL_AGGR_GROUP;
		case TOK_STDDEV:
			return PROMQL_AGGR_STDDEV;
		case TOK_STDVAR:
			return PROMQL_AGGR_STDVAR;
		case TOK_TOPK:
			return PROMQL_AGGR_TOPK;
		case TOK_BOTTOMK:
			return PROMQL_AGGR_BOTTOMK;
		case TOK_COUNT_VALUES:
			return PROMQL_AGGR_COUNT_VALUES;
		case TOK_QUANTILE:
			return PROMQL_AGGR_QUANTILE;
		case TOK_LIMITK:
			return PROMQL_AGGR_LIMITK;
		default:
			assert(token_kind == TOK_LIMIT_RATIO);
			return PROMQL_AGGR_LIMIT_RATIO;
	}
}

/* promql_new_aggregate -- grouping NULL: none written. */
PromqlExpr *
promql_new_aggregate(PromqlParser *p, const PromqlToken *op_token, const PromqlGrouping *grouping,
					 const PromqlExprs *args)
{
	PromqlAggregator op = aggregator(op_token->kind);
	bool experimental = op == PROMQL_AGGR_LIMITK || op == PROMQL_AGGR_LIMIT_RATIO;
	int want = promql_aggregator_has_param(op) ? 2 : 1;
	int end = args->end;
	PromqlExpr *e;

	if (args->n == 0)
	{
		promql_parser_error(p, ERR_PROMQL_SYNTAX, op_token->start,
							"no arguments for aggregate expression provided");
		return NULL;
	}
	if (experimental && !p->flags->experimental_functions)
	{
		promql_parser_error(p, ERR_PROMQL_SYNTAX, op_token->start,
							"%s() is experimental and must be enabled with "
							"--enable-feature=promql-experimental-functions",
							promql_aggregator_text(op));
		return NULL;
	}
	if (args->n != want)
	{
		promql_parser_error(p, ERR_PROMQL_SYNTAX, op_token->start,
							"wrong number of arguments for aggregate expression provided, "
							"expected %d, got %d",
							want, args->n);
		return NULL;
	}
	if (grouping != NULL)
		end = max_int(end, grouping->labels.end);
	e = promql_new_node(p, PROMQL_EXPR_AGGREGATE, PROMQL_VECTOR, op_token->start, end,
						exprs_depth(args));
	if (e == NULL)
		return NULL;
	e->aggregate.op = op;
	e->aggregate.expr = args->items[want - 1];
	if (want == 2)
		e->aggregate.param = args->items[0];
	if (grouping != NULL)
	{
		e->aggregate.grouping = promql_names_list(&grouping->labels);
		e->aggregate.without = grouping->without;
	}
	return e;
}

/* promql_new_label -- a label of by(), on() and the like: a word or a string. */
bool
promql_new_label(PromqlParser *p, const PromqlToken *tok, StrView *out)
{
	*out = tok->kind == TOK_STRING ? tok->string : token_text(p, tok);
	if (out->len == 0 || !text_utf8_valid(out->s, out->len))
		return promql_parser_error(p, ERR_PROMQL_SYNTAX, tok->start,
								   "invalid label name for grouping: %s", promql_quote(*out));
	return true;
}

/* --- selectors ------------------------------------------------------------------------------- */

/*
 * promql_new_matcher -- name is a word or a string.
 */
bool
promql_new_matcher(PromqlParser *p, const PromqlToken *name, const PromqlToken *op,
				   const PromqlToken *value, Matcher *out)
{
	StrView label = name->kind == TOK_STRING ? name->string : token_text(p, name);
	MatchType type = op->kind == TOK_EQL		 ? MATCH_EQUAL
					 : op->kind == TOK_NEQ		 ? MATCH_NOT_EQUAL
					 : op->kind == TOK_EQL_REGEX ? MATCH_REGEX
												 : MATCH_NOT_REGEX;
	Err err = ERR_INIT;

	if (!matcher_init(out, type, label, value->string, &err))
		return promql_parser_error(p, ERR_PROMQL_SYNTAX, name->start, "%s", err.msg);
	return true;
}

/* promql_name_matcher -- a string alone in the braces is the metric name. */
bool
promql_name_matcher(PromqlParser *p, const PromqlToken *name, Matcher *out)
{
	Err err = ERR_INIT;

	if (!matcher_init(out, MATCH_EQUAL, strview_cstr(LABELS_NAME), name->string, &err))
		return promql_parser_error(p, ERR_PROMQL_SYNTAX, name->start, "%s", err.msg);
	return true;
}

PromqlExpr *
promql_new_selector(PromqlParser *p, const PromqlToken *name, const PromqlMatchers *braces)
{
	PromqlMatchers list = {0};
	int start = name != NULL ? name->start : braces->start;
	int end = braces != NULL ? braces->end : name->end;
	PromqlExpr *e = promql_new_node(p, PROMQL_EXPR_SELECTOR, PROMQL_VECTOR, start, end, 0);

	if (braces != NULL)
		list = *braces;
	e->selector.name = strview("", 0);
	if (name != NULL)
	{
		PromqlToken as_string = *name;
		Matcher m;

		as_string.string = e->selector.name = token_text(p, name);
		if (!promql_name_matcher(p, &as_string, &m))
			return NULL;
		promql_matchers_add(&list, m);
	}
	e->selector.matchers = list.items;
	e->selector.nmatchers = list.n;
	return e;
}

/* promql_new_range -- bracket: where "[" stands, for the messages. */
PromqlExpr *
promql_new_range(PromqlParser *p, PromqlExpr *selector, const PromqlToken *bracket,
				 PromqlExpr *range, int end)
{
	const char *problem = NULL;
	PromqlExpr *e;

	/* offset expressions and @ start() pass, as they do in Prometheus */
	if (selector->kind != PROMQL_EXPR_SELECTOR)
		problem = "ranges only allowed for vector selectors";
	else if (selector->selector.offset.is_set && selector->selector.offset.expr == NULL)
		problem = "no offset modifiers allowed before range";
	else if (selector->selector.at.kind == PROMQL_AT_TIME)
		problem = "no @ modifiers allowed before range";
	if (problem != NULL)
	{
		promql_parser_error(p, ERR_PROMQL_SYNTAX, bracket->start, "%s", problem);
		return NULL;
	}
	e = promql_new_node(p, PROMQL_EXPR_RANGE, PROMQL_MATRIX, selector->start, end,
						max_int(selector->depth, range->depth));
	if (e == NULL)
		return NULL;
	e->range.selector = selector;
	e->range.range = promql_duration_of(range);
	return e;
}

PromqlExpr *
promql_new_subquery(PromqlParser *p, PromqlExpr *inner, PromqlExpr *range, PromqlExpr *step,
					int end)
{
	int depth = max_int(inner->depth, range->depth);
	PromqlExpr *e;

	if (step != NULL)
		depth = max_int(depth, step->depth);
	e = promql_new_node(p, PROMQL_EXPR_SUBQUERY, PROMQL_MATRIX, inner->start, end, depth);
	if (e == NULL)
		return NULL;
	e->subquery.expr = inner;
	e->subquery.range = promql_duration_of(range);
	if (step != NULL)
		e->subquery.step = promql_duration_of(step);
	return e;
}
