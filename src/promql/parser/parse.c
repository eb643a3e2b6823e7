/*
 * parse.c
 *    Entry of the parser: text to tree, and the form of its errors.
 */
#include "promql/parser/parser_int.h"

#include "promql/grammar.h"
#include "promql/lexer.h"
#include "util/mem.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

/* position_text -- "LINE:COL" of a byte, both from 1; the column counts bytes. */
static const char *
position_text(const PromqlParser *p, int pos)
{
	int line = 1;
	int line_start = 0;

	if (p->len == 0)
		return "unknown position";
	for (int i = 0; i < pos; i++)
	{
		if (p->text[i] == '\n')
		{
			line++;
			line_start = i + 1;
		}
	}
	return mem_printf("%d:%d", line, pos - line_start + 1);
}

bool
promql_parser_error(PromqlParser *p, ErrCode code, int pos, const char *fmt, ...)
{
	va_list args;
	char *msg;
	int n;

	if (p->err->code != ERR_NONE)
		return false;
	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	msg = mem_alloc((size_t) n + 1);
	va_start(args, fmt);
	vsnprintf(msg, (size_t) n + 1, fmt, args);
	va_end(args);
	return err_set(p->err, code, pos, "%s: parse error: %s", position_text(p, pos), msg);
}

/*
 * promql_parser_unexpected -- the newest token does not belong where it stands.  Empty context
 * or expected are left out.
 */
bool
promql_parser_unexpected(PromqlParser *p, const char *context, const char *expected)
{
	Buf b;

	buf_init(&b, 128, SIZE_MAX / 2);
	promql_token_describe(&b, &p->last, p->text);
	return promql_parser_error(p, ERR_PROMQL_SYNTAX, p->last.start, "unexpected %s%s%s%s%s", b.data,
							   context[0] != '\0' ? " in " : "", context,
							   expected[0] != '\0' ? ", expected " : "", expected);
}

bool
promql_parser_run(PromqlParser *p, const char *text, size_t len, const PromqlFlags *flags,
				  int start_token, Err *err)
{
	yyscan_t scanner;

	if (len > PROMQL_MAX_QUERY)
		return err_set(err, ERR_PROMQL_SYNTAX, -1, "query is longer than %d bytes",
					   PROMQL_MAX_QUERY);
	*p = (PromqlParser){
		.text = mem_strndup(text, len),
		.len = (int) len,
		.flags = flags,
		.err = err,
		.inject = start_token,
	};
	buf_init(&p->string, 64, PROMQL_MAX_QUERY);
	promql_yylex_init_extra(p, &scanner);
	promql_yy_scan_bytes(p->text, (int) len, scanner);
	p->scanner = scanner;
	if (promql_yyparse(p) == 2) /* the grammar's stack is full */
		promql_parser_error(p, ERR_PROMQL_SYNTAX, p->last.start, "expression nests too deeply");
	promql_yylex_destroy(scanner);
	return err->code == ERR_NONE;
}

PromqlExpr *
promql_parse(const char *query, size_t len, const PromqlFlags *flags, Err *err)
{
	PromqlParser p;

	if (!promql_parser_run(&p, query, len, flags, TOK_START_EXPRESSION, err) ||
		!promql_check_types(&p, p.result))
		return NULL;
	return p.result;
}
