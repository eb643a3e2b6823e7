/*
 * print_json.c
 *    A tree as the JSON of /api/v1/parse_query.
 *
 * Keys stand in alphabetical order, as Go writes maps; each function below lists them in full.
 */
#include "promql/parser/ast.h"

#include "util/mem.h"
#include "util/text.h"

#include <inttypes.h>

static void print_expr(Buf *out, const PromqlExpr *e);

static const char *
json_bool(bool b)
{
	return b ? "true" : "false";
}

static void
print_string(Buf *out, const char *s)
{
	text_json_string(out, s, strlen(s), true);
}

static void
print_view(Buf *out, StrView s)
{
	text_json_string(out, s.s, s.len, true);
}

static void
print_names(Buf *out, const PromqlStrList *names)
{
	buf_char(out, '[');
	for (int i = 0; i < names->n; i++)
	{
		if (i > 0)
			buf_char(out, ',');
		print_view(out, names->items[i]);
	}
	buf_char(out, ']');
}

/* print_value -- the text of a number as a JSON string. */
static void
print_value(Buf *out, double v)
{
	char text[TEXT_DOUBLE_MAX];

	text_double_f(text, v);
	print_string(out, text);
}

static void
print_duration_expr(Buf *out, const PromqlExpr *e)
{
	if (e == NULL)
	{
		buf_str(out, "null");
		return;
	}
	if (e->kind == PROMQL_EXPR_NUMBER)
	{
		buf_printf(out, "{\"duration\":%s,\"type\":\"numberLiteral\",\"val\":",
				   json_bool(e->number.is_duration));
		print_value(out, e->number.v);
		buf_char(out, '}');
		return;
	}
	buf_str(out, "{\"lhs\":");
	print_duration_expr(out, e->duration.lhs);
	buf_str(out, ",\"op\":");
	print_string(out, promql_op_text(e->duration.op));
	buf_str(out, ",\"rhs\":");
	print_duration_expr(out, e->duration.rhs);
	buf_printf(out, ",\"type\":\"durationExpr\",\"wrapped\":%s}", json_bool(e->duration.wrapped));
}

/* print_duration -- the keys NAME and NAMEExpr. */
static void
print_duration(Buf *out, const char *name, const PromqlDuration *d)
{
	buf_printf(out, "\"%s\":%" PRId64 ",\"%sExpr\":", name, d->ms, name);
	print_duration_expr(out, d->expr);
}

static void
print_start_or_end(Buf *out, const PromqlAt *at)
{
	buf_printf(out, "\"startOrEnd\":%s",
			   at->kind == PROMQL_AT_START ? "\"start\""
			   : at->kind == PROMQL_AT_END ? "\"end\""
										   : "null");
}

static void
print_timestamp(Buf *out, const PromqlAt *at)
{
	if (at->kind == PROMQL_AT_TIME)
		buf_printf(out, "\"timestamp\":%" PRId64, at->ms);
	else
		buf_str(out, "\"timestamp\":null");
}

static void
print_matchers(Buf *out, const PromqlSelector *s)
{
	static const char *const types[] = {"=", "!=", "=~", "!~"};

	buf_char(out, '[');
	for (int i = 0; i < s->nmatchers; i++)
	{
		const Matcher *m = &s->matchers[i];

		buf_str(out, i > 0 ? ",{\"name\":" : "{\"name\":");
		print_view(out, m->name);
		buf_printf(out, ",\"type\":\"%s\",\"value\":", types[m->type]);
		print_view(out, m->value);
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

/* print_selector -- range NULL: an instant vector selector. */
static void
print_selector(Buf *out, const PromqlSelector *s, const PromqlDuration *range)
{
	buf_printf(out, "{\"anchored\":%s,\"matchers\":", json_bool(s->anchored));
	print_matchers(out, s);
	buf_str(out, ",\"name\":");
	print_view(out, s->name);
	buf_char(out, ',');
	print_duration(out, "offset", &s->offset);
	if (range != NULL)
	{
		buf_char(out, ',');
		print_duration(out, "range", range);
	}
	buf_printf(out, ",\"smoothed\":%s,", json_bool(s->smoothed));
	print_start_or_end(out, &s->at);
	buf_char(out, ',');
	print_timestamp(out, &s->at);
	buf_printf(out, ",\"type\":\"%s\"}", range != NULL ? "matrixSelector" : "vectorSelector");
}

static void
print_subquery(Buf *out, const PromqlSubquery *s)
{
	buf_str(out, "{\"expr\":");
	print_expr(out, s->expr);
	buf_char(out, ',');
	print_duration(out, "offset", &s->offset);
	buf_char(out, ',');
	print_duration(out, "range", &s->range);
	buf_char(out, ',');
	print_start_or_end(out, &s->at);
	buf_char(out, ',');
	print_duration(out, "step", &s->step);
	buf_char(out, ',');
	print_timestamp(out, &s->at);
	buf_str(out, ",\"type\":\"subquery\"}");
}

static void
print_aggregate(Buf *out, const PromqlAggregate *a)
{
	buf_str(out, "{\"expr\":");
	print_expr(out, a->expr);
	buf_str(out, ",\"grouping\":");
	print_names(out, &a->grouping);
	buf_printf(out, ",\"op\":\"%s\",\"param\":", promql_aggregator_text(a->op));
	if (a->param != NULL)
		print_expr(out, a->param);
	else
		buf_str(out, "null");
	buf_printf(out, ",\"type\":\"aggregation\",\"without\":%s}", json_bool(a->without));
}

/* print_fill -- JSON has no NaN and Inf; such values are null. */
static void
print_fill(Buf *out, const PromqlFill *fill)
{
	char text[TEXT_DOUBLE_MAX];

	if (!fill->is_set || !(fill->v - fill->v == 0))
	{
		buf_str(out, "null");
		return;
	}
	text_double_json(text, fill->v);
	buf_str(out, text);
}

static void
print_matching(Buf *out, const PromqlMatching *m)
{
	static const char *const cards[] = {
		[PROMQL_ONE_TO_ONE] = "one-to-one",
		[PROMQL_MANY_TO_ONE] = "many-to-one",
		[PROMQL_ONE_TO_MANY] = "one-to-many",
		[PROMQL_MANY_TO_MANY] = "many-to-many",
	};

	buf_printf(out, "{\"card\":\"%s\",\"fillValues\":{\"lhs\":", cards[m->card]);
	print_fill(out, &m->fill_left);
	buf_str(out, ",\"rhs\":");
	print_fill(out, &m->fill_right);
	buf_str(out, "},\"include\":");
	print_names(out, &m->include);
	buf_str(out, ",\"labels\":");
	print_names(out, &m->labels);
	buf_printf(out, ",\"on\":%s}", json_bool(m->on));
}

static void
print_binary(Buf *out, const PromqlBinary *b)
{
	buf_printf(out, "{\"bool\":%s,\"lhs\":", json_bool(b->return_bool));
	print_expr(out, b->lhs);
	buf_str(out, ",\"matching\":");
	if (b->vectors)
		print_matching(out, &b->matching);
	else
		buf_str(out, "null");
	buf_str(out, ",\"op\":");
	print_string(out, promql_op_text(b->op));
	buf_str(out, ",\"rhs\":");
	print_expr(out, b->rhs);
	buf_str(out, ",\"type\":\"binaryExpr\"}");
}

static void
print_call(Buf *out, const PromqlCallExpr *c)
{
	buf_str(out, "{\"args\":[");
	for (int i = 0; i < c->args.n; i++)
	{
		if (i > 0)
			buf_char(out, ',');
		print_expr(out, c->args.items[i]);
	}
	buf_str(out, "],\"func\":{\"argTypes\":[");
	for (int i = 0; i < c->sig->nargs; i++)
		buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", promql_type_raw_name(c->sig->args[i]));
	buf_printf(out, "],\"name\":\"%s\",\"returnType\":\"%s\",\"variadic\":%d},\"type\":\"call\"}",
			   c->sig->name, promql_type_raw_name(c->sig->result), c->sig->variadic);
}

static void
print_expr(Buf *out, const PromqlExpr *e)
{
	switch (e->kind)
	{
		case PROMQL_EXPR_NUMBER:
			buf_str(out, "{\"type\":\"numberLiteral\",\"val\":");
			print_value(out, e->number.v);
			buf_char(out, '}');
			break;
		case PROMQL_EXPR_STRING:
			buf_str(out, "{\"type\":\"stringLiteral\",\"val\":");
			print_view(out, e->string);
			buf_char(out, '}');
			break;
		case PROMQL_EXPR_SELECTOR:
			print_selector(out, &e->selector, NULL);
			break;
		case PROMQL_EXPR_RANGE:
			print_selector(out, &e->range.selector->selector, &e->range.range);
			break;
		case PROMQL_EXPR_SUBQUERY:
			print_subquery(out, &e->subquery);
			break;
		case PROMQL_EXPR_AGGREGATE:
			print_aggregate(out, &e->aggregate);
			break;
		case PROMQL_EXPR_BINARY:
			print_binary(out, &e->binary);
			break;
		case PROMQL_EXPR_CALL:
			print_call(out, &e->call);
			break;
		case PROMQL_EXPR_PAREN:
			buf_str(out, "{\"expr\":");
			print_expr(out, e->paren);
			buf_str(out, ",\"type\":\"parenExpr\"}");
			break;
		case PROMQL_EXPR_UNARY:
			buf_str(out, "{\"expr\":");
			print_expr(out, e->unary.expr);
			buf_printf(out, ",\"op\":\"%s\",\"type\":\"unaryExpr\"}", promql_op_text(e->unary.op));
			break;
		case PROMQL_EXPR_DURATION:
			print_duration_expr(out, e);
			break;
	}
}

void
promql_print_json(Buf *out, const PromqlExpr *e)
{
	print_expr(out, e);
}
