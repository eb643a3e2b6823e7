/*
 * annotate.c
 *    Warnings and infos of a query.
 *
 * A query has a handful of distinct texts however many series cause them, so a linear search
 * finds repetitions.  Texts live in the execution's scope, whichever operator's is current.
 */
#include "promql/exec/annotate.h"

#include "promql/exec/exec.h"
#include "util/text.h"

#include <stdarg.h>
#include <stdio.h>

#define ERROR_TEXT_MAX (1 << 20)

static void annotate(PromqlExec *ex, bool is_warning, int pos, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));

static void
annotate(PromqlExec *ex, bool is_warning, int pos, const char *fmt, va_list ap)
{
	PromqlAnnotations *a = &ex->annotations;
	MemScope *old = mem_scope_switch(ex->scope);
	va_list again;
	size_t len;
	char *body;

	va_copy(again, ap);
	len = (size_t) vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	body = mem_alloc(len + 1);
	vsnprintf(body, len + 1, fmt, ap);

	for (int i = 0; i < a->n; i++)
		if (a->items[i].is_warning == is_warning && strcmp(a->bodies[i], body) == 0)
		{
			mem_free(body);
			mem_scope_switch(old);
			return;
		}
	if (a->n == a->cap)
	{
		a->cap = a->cap == 0 ? 8 : a->cap * 2;
		a->items = mem_realloc(a->items, sizeof(*a->items) * a->cap);
		a->bodies = mem_realloc(a->bodies, sizeof(*a->bodies) * a->cap);
	}
	int line, col;

	promql_plan_line_col(ex->plan, pos, &line, &col);
	a->bodies[a->n] = body;
	a->items[a->n].is_warning = is_warning;
	a->items[a->n].text =
		mem_printf("PromQL %s: %s (%d:%d)", is_warning ? "warning" : "info", body, line, col);
	a->n++;
	mem_scope_switch(old);
}

void
promql_warn(PromqlExec *ex, int pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	annotate(ex, true, pos, fmt, ap);
	va_end(ap);
}

void
promql_info(PromqlExec *ex, int pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	annotate(ex, false, pos, fmt, ap);
	va_end(ap);
}

const char *
promql_number_text(double v)
{
	char *text = mem_alloc(TEXT_DOUBLE_MAX);

	text_double_shortest_g(text, v);
	return text;
}

const char *
promql_quoted(StrView s)
{
	Buf b;

	buf_init(&b, s.len + 8, 6 * (size_t) s.len + 8);
	text_quote(&b, s.s, s.len);
	return b.data;
}

const char *
promql_labels_plain(Labels ls)
{
	LabelsIter it;
	Label label;
	Buf b;

	buf_init(&b, 128, ERROR_TEXT_MAX);
	labels_iter_init(&it, ls);
	while (labels_next(&it, &label))
	{
		buf_str(&b, b.len == 0 ? "{" : ", ");
		if (labels_name_legacy_valid(label.name))
			buf_append(&b, label.name.s, label.name.len);
		else
			text_quote(&b, label.name.s, label.name.len);
		buf_char(&b, '=');
		text_quote(&b, label.value.s, label.value.len);
	}
	buf_str(&b, b.len == 0 ? "{}" : "}");
	return b.data;
}
