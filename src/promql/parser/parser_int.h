/*
 * parser_int.h
 *    What lexer, grammar and node builders share; for this folder only.
 *
 * The first error wins and ends the parse: whoever finds one calls promql_parser_error or
 * promql_parser_unexpected, and the grammar aborts.
 */
#ifndef MIMIR_PROMQL_PARSER_INT_H
#define MIMIR_PROMQL_PARSER_INT_H

#include "promql/parser/ast.h"

/* A token: its kind (enum of grammar.h) and the bytes of the query it came from. */
typedef struct PromqlToken
{
	int kind;
	int start;
	int end;
	StrView string; /* of a STRING: its content, escapes resolved */
} PromqlToken;

/* Growing lists: semantic values of left-recursive rules. */
typedef struct PromqlExprs
{
	PromqlExpr **items;
	int n, cap;
	int end; /* byte after the closing parenthesis */
} PromqlExprs;

typedef struct PromqlNames
{
	StrView *items;
	int n, cap;
	int end;
} PromqlNames;

typedef struct PromqlMatchers
{
	Matcher *items;
	int n, cap;
	int start, end; /* the braces */
} PromqlMatchers;

/* by (...) or without (...) */
typedef struct PromqlGrouping
{
	PromqlNames labels;
	bool without;
} PromqlGrouping;

/* What stands between a binary operator and its right operand. */
typedef struct PromqlModifiers
{
	bool return_bool;
	PromqlMatching matching;
} PromqlModifiers;

typedef struct PromqlParser
{
	const char *text; /* copy of the query, in the scope of the tree; NUL-terminated */
	int len;
	const PromqlFlags *flags;
	Err *err;

	/* lexer */
	void *scanner; /* flex's yyscan_t */
	int inject;	   /* token kind to deliver first: the start rule; 0: delivered */
	int pos;	   /* bytes matched so far */
	int paren_depth;
	bool in_bracket;
	bool got_colon;	   /* a ':' since the last '[' */
	bool got_duration; /* a number right after some '[' of the query */
	int string_start;  /* of the string being read */
	int string_outer;  /* lexer mode around it */
	Buf string;		   /* its content so far */
	PromqlToken last;  /* the newest token */

	PromqlExpr *result;
} PromqlParser;

/* --- parse.c -------------------------------------------------------------------------------- */
/* Both record the error unless there is one, and return false. */
extern bool promql_parser_error(PromqlParser *p, ErrCode code, int pos, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), nonnull(4)));
extern bool promql_parser_unexpected(PromqlParser *p, const char *context, const char *expected);
/* promql_parser_run -- parse with the given start token; false: p->err is set. */
extern bool promql_parser_run(PromqlParser *p, const char *text, size_t len,
							  const PromqlFlags *flags, int start_token, Err *err);

/* --- token.c -------------------------------------------------------------------------------- */
/* promql_keyword -- token kind of a word, in any case; IDENTIFIER if it is none. */
extern int promql_keyword(const char *word, size_t len);
/* promql_token_describe -- as error messages name it: `<op:+>`, `identifier "foo"`. */
extern void promql_token_describe(Buf *out, const PromqlToken *tok, const char *text);

/* --- quote.c -------------------------------------------------------------------------------- */
/* Texts of Go's formats, from mem_alloc or static: not to be freed. */
extern const char *promql_quote(StrView s);			   /* %q of a string */
extern const char *promql_quote_rune(uint32_t rune);   /* %q of a rune: 'x' */
extern const char *promql_unicode_name(uint32_t rune); /* %#U: U+0078 'x' */

/* --- build.c: nodes; NULL or false means the error is recorded ------------------------------- */
extern PromqlExpr *promql_new_number(PromqlParser *p, const PromqlToken *tok);
extern PromqlExpr *promql_new_string(PromqlParser *p, const PromqlToken *tok);
extern PromqlExpr *promql_new_paren(PromqlParser *p, int start, PromqlExpr *e, int end);
extern PromqlExpr *promql_new_unary(PromqlParser *p, const PromqlToken *sign, PromqlExpr *e);
extern PromqlExpr *promql_new_binary(PromqlParser *p, const PromqlToken *op, PromqlExpr *lhs,
									 const PromqlModifiers *mod, PromqlExpr *rhs);
extern PromqlExpr *promql_new_call(PromqlParser *p, const PromqlToken *name,
								   const PromqlExprs *args);
extern PromqlExpr *promql_new_aggregate(PromqlParser *p, const PromqlToken *op,
										const PromqlGrouping *grouping, const PromqlExprs *args);
/* name NULL: braces only; braces NULL: name only */
extern PromqlExpr *promql_new_selector(PromqlParser *p, const PromqlToken *name,
									   const PromqlMatchers *braces);
extern PromqlExpr *promql_new_range(PromqlParser *p, PromqlExpr *e, const PromqlToken *bracket,
									PromqlExpr *range, int end);
/* step NULL: default */
extern PromqlExpr *promql_new_subquery(PromqlParser *p, PromqlExpr *e, PromqlExpr *range,
									   PromqlExpr *step, int end);
extern bool promql_new_matcher(PromqlParser *p, const PromqlToken *name, const PromqlToken *op,
							   const PromqlToken *value, Matcher *out);
extern bool promql_name_matcher(PromqlParser *p, const PromqlToken *name, Matcher *out);
extern bool promql_new_label(PromqlParser *p, const PromqlToken *tok, StrView *out);

/* promql_new_node -- a node of which only the kind, range and depth over its children is set */
extern PromqlExpr *promql_new_node(PromqlParser *p, PromqlExprKind kind, PromqlType type, int start,
								   int end, int child_depth);
extern PromqlOperator promql_operator(int token_kind);

extern void promql_exprs_add(PromqlExprs *list, PromqlExpr *e);
extern void promql_names_add(PromqlNames *list, StrView name);
extern PromqlStrList promql_names_list(const PromqlNames *names);
extern void promql_matchers_add(PromqlMatchers *list, Matcher m);

/* --- modifier.c: what follows a selector ---------------------------------------------------- */
extern bool promql_set_offset(PromqlParser *p, PromqlExpr *e, PromqlExpr *offset);
extern bool promql_set_at_time(PromqlParser *p, PromqlExpr *e, const PromqlExpr *number);
extern bool promql_set_at_bound(PromqlParser *p, PromqlExpr *e, PromqlAtKind kind, int end);
extern bool promql_set_anchored(PromqlParser *p, PromqlExpr *e, int end);
extern bool promql_set_smoothed(PromqlParser *p, PromqlExpr *e, int end);

/* --- duration.c: duration expressions -------------------------------------------------------- */
/* promql_duration_literal -- e if it is not too large */
extern PromqlExpr *promql_duration_literal(PromqlParser *p, PromqlExpr *e);
extern PromqlExpr *promql_new_duration(PromqlParser *p, const PromqlToken *op, PromqlExpr *lhs,
									   PromqlExpr *rhs);
extern PromqlExpr *promql_new_duration_call(PromqlParser *p, const PromqlToken *name,
											PromqlExpr *lhs, PromqlExpr *rhs, int end);
extern PromqlExpr *promql_new_duration_sign(PromqlParser *p, const PromqlToken *sign,
											PromqlExpr *e);
extern PromqlExpr *promql_new_signed_group(PromqlParser *p, const PromqlToken *sign, PromqlExpr *e);
extern PromqlExpr *promql_duration_wrap(PromqlExpr *e);
/* promql_duration_positive -- e if it is an expression or a literal > 0 */
extern PromqlExpr *promql_duration_positive(PromqlParser *p, PromqlExpr *e);
extern PromqlDuration promql_duration_of(const PromqlExpr *e);

/* --- types.c -------------------------------------------------------------------------------- */
extern bool promql_check_types(PromqlParser *p, PromqlExpr *e);

/* --- the generated lexer and grammar --------------------------------------------------------- */
extern int promql_lexer_next(PromqlToken *tok, void *scanner);
extern int promql_yyparse(PromqlParser *p);

#endif
