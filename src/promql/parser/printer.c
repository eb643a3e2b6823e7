/*
 * printer.c
 *    A tree as PromQL text: on one line, or pretty.
 *
 * The one-line form is canonical: matchers sorted, modifiers in a fixed order, numbers at their
 * shortest.  Parsing it gives the same tree again; parentheses are nodes of the tree, so none
 * have to be added, except around durations (print_duration).
 *
 * The pretty form keeps a node on one line if that takes at most PRETTY_WIDTH bytes.
 */
#include "promql/parser/ast.h"

#include "util/mem.h"
#include "util/text.h"

#include <stdlib.h>

#define PRETTY_WIDTH 100

/* --- parts ----------------------------------------------------------------------------------- */

static void
print_double(Buf *out, double v)
{
	char text[TEXT_DOUBLE_MAX];

	buf_append(out, text, (size_t) text_double_f(text, v));
}

static void
print_number(Buf *out, const PromqlExpr *e)
{
	if (e->number.is_duration)
		text_duration(out, llround(e->number.v * 1e9) / 1000000);
	else
		print_double(out, e->number.v);
}

/* print_names -- "(a, b)", quoted where they are not plain words. */
static void
print_names(Buf *out, const PromqlStrList *names)
{
	buf_char(out, '(');
	for (int i = 0; i < names->n; i++)
	{
		StrView name = names->items[i];

		if (i > 0)
			buf_str(out, ", ");
		if (labels_name_legacy_valid(name))
			buf_append(out, name.s, name.len);
		else
			text_quote(out, name.s, name.len);
	}
	buf_char(out, ')');
}

static bool
is_binary_duration(const PromqlExpr *e)
{
	return e->kind == PROMQL_EXPR_DURATION && e->duration.lhs != NULL &&
		   e->duration.op != PROMQL_OP_MAX_OF && e->duration.op != PROMQL_OP_MIN_OF;
}

static void print_duration_expr(Buf *out, const PromqlExpr *e);

static void
print_in_parens(Buf *out, const PromqlExpr *e)
{
	buf_char(out, '(');
	print_duration_expr(out, e);
	buf_char(out, ')');
}

/* print_duration_operator -- without the parentheses of e itself. */
static void
print_duration_operator(Buf *out, const PromqlExpr *e)
{
	const PromqlExpr *lhs = e->duration.lhs;
	const PromqlExpr *rhs = e->duration.rhs;

	if (is_binary_duration(e))
	{
		/* a literal does not know of its parentheses: (-2)^2 */
		if (lhs->kind == PROMQL_EXPR_NUMBER && signbit(lhs->number.v) &&
			e->duration.op == PROMQL_OP_POW)
			print_in_parens(out, lhs);
		else
			print_duration_expr(out, lhs);
		buf_printf(out, " %s ", promql_op_text(e->duration.op));
		print_duration_expr(out, rhs);
		return;
	}
	buf_str(out, promql_op_text(e->duration.op));
	if (lhs == NULL && rhs != NULL)
	{
		print_duration_expr(out, rhs);
		return;
	}
	buf_char(out, '(');
	if (lhs != NULL)
	{
		print_duration_expr(out, lhs);
		buf_str(out, ", ");
		print_duration_expr(out, rhs);
	}
	buf_char(out, ')');
}

static void
print_duration_expr(Buf *out, const PromqlExpr *e)
{
	if (e->kind == PROMQL_EXPR_NUMBER)
		print_number(out, e);
	else if (e->duration.wrapped)
	{
		buf_char(out, '(');
		print_duration_operator(out, e);
		buf_char(out, ')');
	}
	else
		print_duration_operator(out, e);
}

static void
print_duration(Buf *out, const PromqlDuration *d)
{
	if (d->expr != NULL)
		print_duration_expr(out, d->expr);
	else
		text_duration(out, d->ms);
}

/*
 * print_offset -- " offset 5m".  What is not one term gets parentheses: `offset (5m) * 2` lost
 * those around its literal.
 */
static void
print_offset(Buf *out, const PromqlDuration *offset)
{
	if (!offset->is_set)
		return;
	buf_str(out, " offset ");
	if (offset->expr != NULL && is_binary_duration(offset->expr) && !offset->expr->duration.wrapped)
		print_in_parens(out, offset->expr);
	else
		print_duration(out, offset);
}

static void
print_at(Buf *out, const PromqlAt *at)
{
	if (at->kind == PROMQL_AT_TIME)
		buf_printf(out, " @ %.3f", (double) at->ms / 1000);
	else if (at->kind != PROMQL_AT_NONE)
		buf_str(out, at->kind == PROMQL_AT_START ? " @ start()" : " @ end()");
}

static void
print_extension(Buf *out, const PromqlSelector *s)
{
	if (s->anchored)
		buf_str(out, " anchored");
	else if (s->smoothed)
		buf_str(out, " smoothed");
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* print_series -- name and matchers; the matcher that repeats the name is left out. */
static void
print_series(Buf *out, const PromqlSelector *s)
{
	char **texts = mem_alloc((size_t) (s->nmatchers + 1) * sizeof(*texts));
	int n = 0;

	for (int i = 0; i < s->nmatchers; i++)
	{
		const Matcher *m = &s->matchers[i];
		Buf b;

		if (s->name.len > 0 && m->type == MATCH_EQUAL && strview_eq_cstr(m->name, LABELS_NAME) &&
			strview_eq(m->value, s->name))
			continue;
		buf_init(&b, m->name.len + m->value.len + 8, SIZE_MAX / 2);
		matcher_text(&b, m);
		texts[n++] = b.data;
	}
	qsort(texts, (size_t) n, sizeof(*texts), compare_texts);

	buf_append(out, s->name.s, s->name.len);
	for (int i = 0; i < n; i++)
	{
		buf_char(out, i == 0 ? '{' : ',');
		buf_str(out, texts[i]);
		mem_free(texts[i]);
	}
	if (n > 0)
		buf_char(out, '}');
	else if (s->name.len == 0)
		buf_str(out, "{}");
	mem_free(texts);
}

static void
print_selector(Buf *out, const PromqlSelector *s)
{
	print_series(out, s);
	print_at(out, &s->at);
	print_extension(out, s);
	print_offset(out, &s->offset);
}

static void
print_range(Buf *out, const PromqlRange *r)
{
	const PromqlSelector *s = &r->selector->selector;

	print_series(out, s);
	buf_char(out, '[');
	print_duration(out, &r->range);
	buf_char(out, ']');
	print_extension(out, s);
	print_at(out, &s->at);
	print_offset(out, &s->offset);
}

/* print_subquery_suffix -- all behind the inner expression. */
static void
print_subquery_suffix(Buf *out, const PromqlSubquery *s)
{
	buf_char(out, '[');
	print_duration(out, &s->range);
	buf_char(out, ':');
	if (s->step.is_set)
		print_duration(out, &s->step);
	buf_char(out, ']');
	print_at(out, &s->at);
	print_offset(out, &s->offset);
}

/* print_aggregate_head -- "sum", "sum by (a, b) ". */
static void
print_aggregate_head(Buf *out, const PromqlAggregate *a)
{
	buf_str(out, promql_aggregator_text(a->op));
	if (!a->without && a->grouping.n == 0)
		return;
	buf_str(out, a->without ? " without " : " by ");
	print_names(out, &a->grouping);
	buf_char(out, ' ');
}

static void
print_fill(Buf *out, const char *word, double v)
{
	buf_printf(out, " %s (", word);
	print_double(out, v);
	buf_char(out, ')');
}

/* print_operator -- "+", "== bool on (a) group_left (b)". */
static void
print_operator(Buf *out, const PromqlBinary *b)
{
	const PromqlMatching *m = &b->matching;
	bool grouped = m->card == PROMQL_MANY_TO_ONE || m->card == PROMQL_ONE_TO_MANY;

	buf_str(out, promql_op_text(b->op));
	if (b->return_bool)
		buf_str(out, " bool");
	if (!b->vectors)
		return;
	if (m->labels.n > 0 || m->on || grouped)
	{
		buf_str(out, m->on ? " on " : " ignoring ");
		print_names(out, &m->labels);
	}
	if (grouped)
	{
		buf_str(out, m->card == PROMQL_MANY_TO_ONE ? " group_left " : " group_right ");
		print_names(out, &m->include);
	}
	if (m->fill_left.is_set && m->fill_right.is_set && m->fill_left.v == m->fill_right.v)
	{
		print_fill(out, "fill", m->fill_left.v);
		return;
	}
	if (m->fill_left.is_set)
		print_fill(out, "fill_left", m->fill_left.v);
	if (m->fill_right.is_set)
		print_fill(out, "fill_right", m->fill_right.v);
}

/* --- one line -------------------------------------------------------------------------------- */

/* print_line -- stops early once out is full. */
static void
print_line(Buf *out, const PromqlExpr *e)
{
	if (out->overflow)
		return;
	switch (e->kind)
	{
		case PROMQL_EXPR_NUMBER:
			print_number(out, e);
			break;
		case PROMQL_EXPR_STRING:
			text_quote(out, e->string.s, e->string.len);
			break;
		case PROMQL_EXPR_SELECTOR:
			print_selector(out, &e->selector);
			break;
		case PROMQL_EXPR_RANGE:
			print_range(out, &e->range);
			break;
		case PROMQL_EXPR_SUBQUERY:
			print_line(out, e->subquery.expr);
			print_subquery_suffix(out, &e->subquery);
			break;
		case PROMQL_EXPR_AGGREGATE:
			print_aggregate_head(out, &e->aggregate);
			buf_char(out, '(');
			if (e->aggregate.param != NULL)
			{
				print_line(out, e->aggregate.param);
				buf_str(out, ", ");
			}
			print_line(out, e->aggregate.expr);
			buf_char(out, ')');
			break;
		case PROMQL_EXPR_BINARY:
			print_line(out, e->binary.lhs);
			buf_char(out, ' ');
			print_operator(out, &e->binary);
			buf_char(out, ' ');
			print_line(out, e->binary.rhs);
			break;
		case PROMQL_EXPR_CALL:
			buf_printf(out, "%s(", e->call.sig->name);
			for (int i = 0; i < e->call.args.n; i++)
			{
				if (i > 0)
					buf_str(out, ", ");
				print_line(out, e->call.args.items[i]);
			}
			buf_char(out, ')');
			break;
		case PROMQL_EXPR_PAREN:
			buf_char(out, '(');
			print_line(out, e->paren);
			buf_char(out, ')');
			break;
		case PROMQL_EXPR_UNARY:
			buf_str(out, promql_op_text(e->unary.op));
			print_line(out, e->unary.expr);
			break;
		case PROMQL_EXPR_DURATION:
			print_duration_expr(out, e);
			break;
	}
}

/* --- pretty ---------------------------------------------------------------------------------- */

/* fits -- does e take at most PRETTY_WIDTH bytes on one line?  Costs no more than that. */
static bool
fits(const PromqlExpr *e)
{
	Buf line;
	bool fit;

	buf_init(&line, PRETTY_WIDTH, PRETTY_WIDTH);
	print_line(&line, e);
	fit = !line.overflow;
	buf_free(&line);
	return fit;
}

static void
indent(Buf *out, int level)
{
	for (int i = 0; i < level; i++)
		buf_str(out, "  ");
}

static void print_pretty(Buf *out, const PromqlExpr *e, int level);

/* print_list -- "(", the nodes on lines of their own one level deeper, ")". */
static void
print_list(Buf *out, PromqlExpr *const *items, int n, int level)
{
	buf_str(out, "(\n");
	for (int i = 0; i < n; i++)
	{
		print_pretty(out, items[i], level + 1);
		buf_str(out, i < n - 1 ? ",\n" : "\n");
	}
	indent(out, level);
	buf_char(out, ')');
}

/*
 * print_pretty -- e with its own indentation.  As in Prometheus, a subquery on one line has none,
 * and a sign stands directly before its operand.
 */
static void
print_pretty(Buf *out, const PromqlExpr *e, int level)
{
	bool fit = fits(e);

	switch (e->kind)
	{
		case PROMQL_EXPR_SUBQUERY:
			if (!fit)
			{
				print_pretty(out, e->subquery.expr, level);
				print_subquery_suffix(out, &e->subquery);
				return;
			}
			break;
		case PROMQL_EXPR_UNARY:
		{
			Buf operand;
			size_t skip;

			buf_init(&operand, 128, out->max);
			print_pretty(&operand, e->unary.expr, level);
			skip = strspn(operand.data, " \n");
			indent(out, level);
			buf_str(out, promql_op_text(e->unary.op));
			buf_append(out, operand.data + skip, operand.len - skip);
			buf_free(&operand);
			return;
		}
		case PROMQL_EXPR_BINARY:
			if (!fit)
			{
				print_pretty(out, e->binary.lhs, level + 1);
				buf_char(out, '\n');
				indent(out, level);
				print_operator(out, &e->binary);
				buf_char(out, '\n');
				print_pretty(out, e->binary.rhs, level + 1);
				return;
			}
			indent(out, level);
			break;
		default:
			indent(out, level);
			break;
	}
	if (!fit && e->kind == PROMQL_EXPR_AGGREGATE)
	{
		PromqlExpr *args[2] = {e->aggregate.param, e->aggregate.expr};
		int first = args[0] == NULL ? 1 : 0;

		print_aggregate_head(out, &e->aggregate);
		print_list(out, args + first, 2 - first, level);
	}
	else if (!fit && e->kind == PROMQL_EXPR_CALL)
	{
		buf_str(out, e->call.sig->name);
		print_list(out, e->call.args.items, e->call.args.n, level);
	}
	else if (!fit && e->kind == PROMQL_EXPR_PAREN)
		print_list(out, &e->paren, 1, level);
	else
		print_line(out, e);
}

void
promql_print(Buf *out, const PromqlExpr *e, bool pretty)
{
	if (pretty)
		print_pretty(out, e, 0);
	else
		print_line(out, e);
}
