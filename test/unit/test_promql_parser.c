/*
 * test_promql_parser.c
 *    Trees, positions, messages and limits of the PromQL parser.
 */
#include "promql_queries.h"
#include "unit.h"

#include "promql/parser/number.h"

#include <math.h>

static const PromqlFlags no_flags;

/* --- trees ----------------------------------------------------------------------------------- */

/* shape -- e with parentheses around every operator, for tests of precedence. */
static const char *
shape(const PromqlExpr *e)
{
	switch (e->kind)
	{
		case PROMQL_EXPR_BINARY:
			return mem_printf("(%s %s %s)", shape(e->binary.lhs), promql_op_text(e->binary.op),
							  shape(e->binary.rhs));
		case PROMQL_EXPR_UNARY:
			return mem_printf("(%s%s)", promql_op_text(e->unary.op), shape(e->unary.expr));
		default:
			return promql_test_print(e, false);
	}
}

UNIT_TEST(precedence)
{
	static const struct
	{
		const char *query;
		const char *shape;
	} cases[] = {
		{"a or b and c", "(a or (b and c))"},
		{"a and b unless c", "((a and b) unless c)"},
		{"a or b or c", "((a or b) or c)"},
		{"a == b and c", "((a == b) and c)"},
		{"a < b + c", "(a < (b + c))"},
		{"a </ b < c", "((a </ b) < c)"},
		{"a - b - c", "((a - b) - c)"},
		{"a + b * c", "(a + (b * c))"},
		{"a * b % c atan2 d", "(((a * b) % c) atan2 d)"},
		{"a ^ b ^ c", "(a ^ (b ^ c))"},
		{"a * b ^ c", "(a * (b ^ c))"},
		{"-a ^ b", "(-(a ^ b))"},
		{"-a * b", "((-a) * b)"},
		{"-1 ^ 2", "(-(1 ^ 2))"},
		{"2 ^ -a", "(2 ^ (-a))"},
		{"2 ^ -a * b", "((2 ^ (-a)) * b)"},
		{"1 < bool 2 < bool 3", "((1 < 2) < 3)"},
		{"a + b offset 5m", "(a + b offset 5m)"},
		{"a + b anchored", "(a + b anchored)"},
		{"a + b @ 5", "(a + b @ 5.000)"},
		{"a offset -2 ^ 2", "(a offset -2s ^ 2)"},
		{"a offset 5m * 2", "(a offset 5m * 2)"},
		{"a offset -(5m) * 2", "(a offset -5m * 2)"},
		{"a offset step() * 2", "(a offset step() * 2)"},
		{"a offset max_of(1, 2) + 3", "(a offset max_of(1, 2) + 3)"},
		{"a offset (5m) * 2", "a offset (5m * 2)"},
		{"a offset (5m + 1) * 2 ^ step()", "a offset ((5m + 1) * 2 ^ step())"},
		{"sum + 1", "(sum + 1)"},
		{"a*b", "(a * b)"},
		{"a</b", "(a </ b)"},
		{"a>/b", "(a >/ b)"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		PromqlExpr *e = promql_test_parse(cases[i].query);

		if (e != NULL)
			CHECK_STR(shape(e), cases[i].shape);
	}
}

/* Words that are keywords, usable as a metric name, as a label in by(). */
static const char *const metric_words[] = {
	"anchored", "and",		"avg",		 "bottomk",	   "by",	 "count",		"count_values",
	"end",		"fill",		"fill_left", "fill_right", "group",	 "limit_ratio", "limitk",
	"max",		"max_of",	"min",		 "min_of",	   "offset", "or",			"quantile",
	"range",	"smoothed", "start",	 "stddev",	   "stdvar", "step",		"sum",
	"topk",		"unless",	"without",
};
static const char *const label_words[] = {
	"anchored",	  "and",	"atan2",		"avg",		   "bool",	   "bottomk",
	"by",		  "count",	"count_values", "end",		   "fill",	   "fill_left",
	"fill_right", "group",	"group_left",	"group_right", "ignoring", "limit_ratio",
	"limitk",	  "max",	"max_of",		"min",		   "min_of",   "offset",
	"on",		  "or",		"quantile",		"range",	   "smoothed", "start",
	"stddev",	  "stdvar", "step",			"sum",		   "topk",	   "unless",
};

UNIT_TEST(keywords_as_names)
{
	static const char *const not_metrics[] = {"bool",		"on",		   "ignoring",
											  "group_left", "group_right", "atan2"};

	for (size_t i = 0; i < sizeof(metric_words) / sizeof(*metric_words); i++)
	{
		const char *w = metric_words[i];
		PromqlExpr *e = promql_test_parse(w);

		CHECK(e != NULL && e->kind == PROMQL_EXPR_SELECTOR && strview_eq_cstr(e->selector.name, w));
		e = promql_test_parse(mem_printf("%s{a=\"b\"} + %s", w, w));
		CHECK(e != NULL && e->kind == PROMQL_EXPR_BINARY);
	}
	for (size_t i = 0; i < sizeof(label_words) / sizeof(*label_words); i++)
	{
		PromqlExpr *e = promql_test_parse(mem_printf("sum by (%s) (x)", label_words[i]));

		CHECK(e != NULL && strview_eq_cstr(e->aggregate.grouping.items[0], label_words[i]));
	}
	for (size_t i = 0; i < sizeof(not_metrics) / sizeof(*not_metrics); i++)
		CHECK(promql_test_error(not_metrics[i], &promql_all_flags)[0] != '\0');
	CHECK(promql_test_error("sum by (without) (x)", &promql_all_flags)[0] != '\0');
	promql_test_parse("sum by (\"without\") (x)");
	promql_test_parse("sum by (a:b) (x)");
	promql_test_parse("SUM BY (a) (x) AND ON (a) y OFFSET 5m");
}

UNIT_TEST(tree_fields)
{
	PromqlExpr *e = promql_test_parse("a{x=~\"1\", y!=\"2\"}[5m] @ 1.5 offset -3m");
	PromqlSelector *s = &e->range.selector->selector;

	CHECK_INT(e->kind, PROMQL_EXPR_RANGE);
	CHECK_INT(e->type, PROMQL_MATRIX);
	CHECK_INT(e->range.range.ms, 300000);
	CHECK_INT(s->nmatchers, 3);
	CHECK_INT(s->matchers[0].type, MATCH_REGEX);
	CHECK(strview_eq_cstr(s->matchers[2].value, "a"));
	CHECK_INT(s->at.kind, PROMQL_AT_TIME);
	CHECK_INT(s->at.ms, 1500);
	CHECK_INT(s->offset.ms, -180000);

	e = promql_test_parse("a == bool on (x) group_right (y) fill_left (1) b");
	CHECK(e->binary.return_bool && e->binary.vectors && e->binary.matching.on);
	CHECK_INT(e->binary.matching.card, PROMQL_ONE_TO_MANY);
	CHECK_INT(e->binary.matching.labels.n, 1);
	CHECK_INT(e->binary.matching.include.n, 1);
	CHECK(e->binary.matching.fill_left.is_set && !e->binary.matching.fill_right.is_set);

	e = promql_test_parse("a and b");
	CHECK_INT(e->binary.matching.card, PROMQL_MANY_TO_MANY);
	e = promql_test_parse("1 + 2");
	CHECK(e->type == PROMQL_SCALAR && !e->binary.vectors);
	e = promql_test_parse("((a))");
	CHECK_INT(promql_expr_unparen(e)->kind, PROMQL_EXPR_SELECTOR);
	e = promql_test_parse("info(a, {b=\"\"})");
	CHECK(e->call.args.items[1]->selector.may_match_all);
	CHECK_INT(promql_test_parse("foo[5m:]")->subquery.step.is_set, false);
}

UNIT_TEST(node_positions)
{
	static const struct
	{
		const char *query;
		int start, end;
	} cases[] = {
		{" foo ", 1, 4},
		{" foo{a=\"b\"} ", 1, 11},
		{"\n{a=\"b\"} ", 1, 8},
		{" foo[5m] ", 1, 8},
		{" foo[5m:1m] ", 1, 11},
		{" foo offset 5m ", 1, 14},
		{" foo @ 5 ", 1, 8},
		{" foo @ start() ", 1, 14},
		{" foo anchored ", 1, 13},
		{" a + b ", 1, 6},
		{" -foo ", 1, 5},
		{" -5 ", 1, 3},
		{" (a) ", 1, 4},
		{" rate(a[5m]) ", 1, 12},
		{" sum(a) by (b) ", 1, 14},
		{" sum by (b) (a) ", 1, 15},
		{" \"text\" ", 1, 7},
	};
	PromqlExpr *e;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		e = promql_test_parse(cases[i].query);
		CHECK_INT(e->start, cases[i].start);
		CHECK_INT(e->end, cases[i].end);
	}
	e = promql_test_parse("aa  ==bool bb");
	CHECK_INT(e->binary.op_start, 4);
	CHECK_INT(e->binary.op_end, 6);
}

UNIT_TEST(children)
{
	PromqlExpr *e = promql_test_parse("topk(2, a) + rate(b[5m])");

	CHECK_INT(promql_expr_nchildren(e), 2);
	CHECK_INT(promql_expr_nchildren(promql_expr_child(e, 0)), 2);
	CHECK_INT(promql_expr_child(promql_expr_child(e, 0), 0)->kind, PROMQL_EXPR_NUMBER);
	CHECK_INT(promql_expr_child(promql_expr_child(e, 1), 0)->kind, PROMQL_EXPR_RANGE);
	CHECK_INT(promql_expr_nchildren(promql_test_parse("1")), 0);
}

/* --- literals -------------------------------------------------------------------------------- */

UNIT_TEST(numbers)
{
	static const struct
	{
		const char *text;
		double v;
	} cases[] = {
		{"0", 0},
		{"1", 1},
		{"-1", -1},
		{"+5", 5},
		{"--5", 5},
		{".5", 0.5},
		{"5.", 5},
		{"1.5e3", 1500},
		{"1e3", 1000},
		{"1E-3", 0.001},
		{"1.e2", 100},
		{"0x1F", 31},
		{"0Xff", 255},
		{"0x_1f", 31},
		{"0xe", 14},
		{"0x11e", 0x11e},
		{"0x1e5", 0x1e5},
		{"010", 8},
		{"0_7", 7},
		{"08", 8},
		{"1_000", 1000},
		{"1_0.5e1_0", 10.5e10},
		{"inf", INFINITY},
		{"-Inf", -INFINITY},
		{"INF", INFINITY},
		{"9223372036854775808", 9223372036854775808.0},
		{"4.23e-324", 4.9406564584124654e-324},
		{"1s", 1},
		{"1ms", 0.001},
		{"2m", 120},
		{"1h30m", 5400},
		{"1d", 86400},
		{"1w", 604800},
		{"1y2w", 31536000 + 2 * 604800},
		{"1m30s500ms", 90.5},
		{"-5m", -300},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		PromqlExpr *e = promql_test_parse(cases[i].text);

		if (e == NULL || e->kind != PROMQL_EXPR_NUMBER || e->number.v != cases[i].v)
			unit_fail(__FILE__, __LINE__, "value of %s is %g", cases[i].text,
					  e != NULL ? e->number.v : NAN);
	}
	CHECK(isnan(promql_test_parse("NaN")->number.v));
	CHECK(promql_test_parse("5m")->number.is_duration);
	CHECK(!promql_test_parse("300")->number.is_duration);
}

UNIT_TEST(series_numbers_have_no_hex)
{
	static const struct
	{
		const char *text;
		NumberKind kind;
		size_t len;
	} cases[] = {{"1x5", NUMBER_NUMBER, 1}, {"0x5", NUMBER_NUMBER, 1}, {"5m", NUMBER_BAD, 1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		const char *s = cases[i].text;
		size_t len;

		CHECK_INT(number_scan(s, s + strlen(s), true, &len), cases[i].kind);
		CHECK_INT(len, cases[i].len);
	}
}

UNIT_TEST(strings)
{
	static const struct
	{
		const char *text;
		const char *value;
	} cases[] = {
		{"\"\"", ""},
		{"\"a b\"", "a b"},
		{"'a\"b'", "a\"b"},
		{"'a\\'b'", "a'b"},
		{"\"a'b\\\"\"", "a'b\""},
		{"\"\\a\\b\\f\\n\\r\\t\\v\\\\\"", "\a\b\f\n\r\t\v\\"},
		{"\"\\101\\x42\\u0043\\U00000044\"", "ABCD"},
		{"\"\\377\\xff\"", "\377\377"},
		{"\"\\u00e9\\U0001F600\"", "\303\251\360\237\230\200"},
		{"\"\303\251\"", "\303\251"},
		{"`a\\n\"'\n#`", "a\\n\"'\n#"},
		{"\"# no comment\"", "# no comment"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		PromqlExpr *e = promql_test_parse(cases[i].text);

		CHECK(e != NULL && e->kind == PROMQL_EXPR_STRING);
		CHECK_STR(mem_strndup(e->string.s, e->string.len), cases[i].value);
	}
	CHECK_INT(promql_test_parse("\"a\\000b\"")->string.len, 3);
}

UNIT_TEST(utf8_names)
{
	PromqlExpr *e = promql_test_parse("{\"m\303\251tric\", \"l.\303\251\"=\"x\"}");

	CHECK(strview_eq_cstr(e->selector.matchers[0].name, "__name__"));
	CHECK(strview_eq_cstr(e->selector.matchers[0].value, "m\303\251tric"));
	CHECK(strview_eq_cstr(e->selector.matchers[1].name, "l.\303\251"));
	e = promql_test_parse("sum by (\"l.\303\251\") (foo)");
	CHECK(strview_eq_cstr(e->aggregate.grouping.items[0], "l.\303\251"));
}

/* --- errors ---------------------------------------------------------------------------------- */

typedef struct ErrorCase
{
	const char *query;
	const char *message; /* "" if the query is valid */
} ErrorCase;

static void
check_errors(const ErrorCase *cases, size_t n, const PromqlFlags *flags)
{
	for (size_t i = 0; i < n; i++)
	{
		const char *got = promql_test_error(cases[i].query, flags);

		if (strcmp(got, cases[i].message) != 0)
			unit_fail(__FILE__, __LINE__, "%s\n\tgot  %s\n\twant %s", cases[i].query, got,
					  cases[i].message);
	}
}

#define CHECK_ERRORS(cases, flags) check_errors(cases, sizeof(cases) / sizeof(*(cases)), flags)

UNIT_TEST(lexer_errors)
{
	static const ErrorCase cases[] = {
		{"(1", "1:3: parse error: unclosed left parenthesis"},
		{"foo[5m", "1:7: parse error: unclosed left bracket"},
		{"foo{", "1:5: parse error: unexpected end of input inside braces"},
		{"foo{a=\"b\"", "1:10: parse error: unexpected end of input inside braces"},
		{")", "1:2: parse error: unexpected right parenthesis ')'"},
		{"foo[)", "1:6: parse error: unexpected right parenthesis ')'"},
		{"foo]", "1:4: parse error: unexpected right bracket ']'"},
		{"foo[5m[", "1:7: parse error: unexpected left bracket '['"},
		{"foo{{", "1:5: parse error: unexpected left brace '{'"},
		{"foo}", "1:4: parse error: unexpected character: '}'"},
		{"foo $", "1:5: parse error: unexpected character: '$'"},
		{"foo \303\251", "1:5: parse error: unexpected character: '\303\251'"},
		{"foo \302\240", "1:5: parse error: unexpected character: '\\u00a0'"},
		{"foo \v", "1:5: parse error: unexpected character: '\\v'"},
		{"\xff", "1:1: parse error: unexpected character: '\357\277\275'"},
		{".", "1:1: parse error: unexpected character: '.'"},
		{"foo =~ 1", "1:5: parse error: unexpected character after '=': '~'"},
		{"foo !\" 1", "1:5: parse error: unexpected character after '!': '\"'"},
		{"foo !' 1", "1:5: parse error: unexpected character after '!': '\\''"},
		{"foo !", "1:5: parse error: unexpected character after '!': '\357\277\275'"},
		{"foo{a!b}", "1:6: parse error: unexpected character after '!' inside braces: 'b'"},
		{"foo{1}", "1:5: parse error: unexpected character inside braces: '1'"},
		{"foo{a:b}", "1:6: parse error: unexpected character inside braces: ':'"},
		{"foo[5m x]", "1:8: parse error: unexpected character: 'x', expected ':'"},
		{"foo[5m s]", "1:8: parse error: unexpected character: 's', expected ':'"},
		{"foo[5m:1m:]", "1:10: parse error: unexpected colon ':'"},
		{"foo[:5m]", "1:6: parse error: unexpected colon before duration in duration expression"},
		{"foo[5m:] + bar[step()::]",
		 "1:24: parse error: unexpected repeated colon in duration expression"},
		{"foo[x]", "1:5: parse error: unexpected character in duration expression: 'x'"},
		{"foo[#]", "1:5: parse error: unexpected character in duration expression: '#'"},
		{"foo[[", "1:5: parse error: unexpected character in duration expression: '['"},
		{"foo[ ", "1:6: parse error: unexpected end of input in duration expression"},
		{"1x", "1:1: parse error: bad number or duration syntax: \"1\""},
		{"5mx", "1:1: parse error: bad number or duration syntax: \"5mx\""},
		{"1m5x", "1:1: parse error: bad number or duration syntax: \"1m5\""},
		{"1m1y", "1:1: parse error: bad number or duration syntax: \"1m1\""},
		{"1..2", "1:1: parse error: bad number or duration syntax: \"1..\""},
		{"1.2.3", "1:1: parse error: bad number or duration syntax: \"1.2.\""},
		{"1._5", "1:1: parse error: bad number or duration syntax: \"1._\""},
		{"1e5e5", "1:1: parse error: bad number or duration syntax: \"1e5e\""},
		{"1e", "1:1: parse error: bad number or duration syntax: \"1e\""},
		{"1e+_5", "1:1: parse error: bad number or duration syntax: \"1e+_\""},
		{"1__0", "1:1: parse error: bad number or duration syntax: \"1__\""},
		{"1_", "1:1: parse error: bad number or duration syntax: \"1_\""},
		{"0x1e", "1:1: parse error: bad number or duration syntax: \"0x1e\""},
		{"0x1ee", "1:1: parse error: bad number or duration syntax: \"0x1ee\""},
		{"0x1.8", "1:1: parse error: bad number or duration syntax: \"0x1.\""},
		{"0xg", "1:1: parse error: bad number or duration syntax: \"0x\""},
		{"\"abc", "1:1: parse error: unterminated quoted string"},
		{"'abc\n'", "1:1: parse error: unterminated quoted string"},
		{"`abc\n", "1:1: parse error: unterminated raw string"},
		{"\"\xff\"", "1:1: parse error: invalid UTF-8 rune"},
		{"`\xed\xa0\x80`", "1:1: parse error: invalid UTF-8 rune"},
		{"\"\357\277\275\"", "1:1: parse error: invalid UTF-8 rune"},
		{"\"\\", "1:1: parse error: escape sequence not terminated"},
		{"\"\\x4", "1:1: parse error: escape sequence not terminated"},
		{"\"\\u004", "1:1: parse error: escape sequence not terminated"},
		{"\"\\q\"", "1:1: parse error: unknown escape sequence U+0071 'q'"},
		{"'\\\"'", "1:1: parse error: unknown escape sequence U+0022 '\"'"},
		{"\"\\8\"", "1:1: parse error: unknown escape sequence U+0038 '8'"},
		{"\"\\\n\"", "1:1: parse error: unknown escape sequence U+000A"},
		{"\"\\xg0\"", "1:1: parse error: illegal character U+0067 'g' in escape sequence"},
		{"\"\\18\"", "1:1: parse error: illegal character U+0038 '8' in escape sequence"},
		{"\"\\400\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
		{"\"\\ud800\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
		{"\"\\U00110000\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
	};

	CHECK_ERRORS(cases, &promql_all_flags);
}

UNIT_TEST(syntax_errors)
{
	static const ErrorCase cases[] = {
		{"", "unknown position: parse error: no expression found in input"},
		{" # comment", "1:1: parse error: no expression found in input"},
		{"1 +", "1:4: parse error: unexpected end of input"},
		{"\n\n 1 + * 2", "3:6: parse error: unexpected <op:*>"},
		{"a \303\251", "1:3: parse error: unexpected character: '\303\251'"},
		{"\"\303\251\" b", "1:6: parse error: unexpected identifier \"b\""},
		{"foo bar", "1:5: parse error: unexpected identifier \"bar\""},
		{"foo a:b", "1:5: parse error: unexpected metric identifier \"a:b\""},
		{"foo 1", "1:5: parse error: unexpected number \"1\""},
		{"foo 5m", "1:5: parse error: unexpected duration \"5m\""},
		{"foo BY", "1:5: parse error: unexpected <BY>"},
		{"foo sum", "1:5: parse error: unexpected <aggr:sum>"},
		{"foo start", "1:5: parse error: unexpected \"start\""},
		{"foo \"x\"", "1:5: parse error: unexpected string \"\\\"x\\\"\""},
		{"foo \"0123456789\"", "1:5: parse error: unexpected string \"\\\"012345678\"..."},
		{"foo 12345678901", "1:5: parse error: unexpected number \"1234567890\"..."},
		{"foo = 1", "1:5: parse error: unexpected \"=\""},
		{"and b", "1:5: parse error: unexpected identifier \"b\""},
		{"a + @ 5", "1:5: parse error: unexpected <op:@>"},
		{"on", "1:1: parse error: unexpected <on>"},
		{"a + group_left b", "1:5: parse error: unexpected <group_left>"},
		{"\"foo\"{a=\"b\"}", "1:6: parse error: unexpected \"{\""},
		{"sum(1) by",
		 "1:10: parse error: unexpected end of input in grouping opts, expected \"(\""},
		{"sum by x (1)",
		 "1:8: parse error: unexpected identifier \"x\" in grouping opts, expected \"(\""},
		{"sum by (a b) (1)", "1:11: parse error: unexpected identifier \"b\" in grouping opts, "
							 "expected \",\" or \")\""},
		{"sum by (,) (1)", "1:9: parse error: unexpected \",\" in grouping opts, expected label"},
		{"sum by (without) (1)",
		 "1:9: parse error: unexpected <without> in grouping opts, expected label"},
		{"a + on (x) group_left ] b", "1:23: parse error: unexpected right bracket ']'"},
		{"a + on (x) group_left == b",
		 "1:23: parse error: unexpected <op:==> in grouping opts, expected \"(\""},
		{"sum a", "1:5: parse error: unexpected identifier \"a\""},
		{"sum (a b)", "1:8: parse error: unexpected identifier \"b\" in aggregation"},
		{"foo offset", "1:11: parse error: unexpected end of input in offset, expected number, "
					   "duration, step(), or range()"},
		{"foo offset (5m,", "1:15: parse error: unexpected \",\" in offset, expected number, "
							"duration, step(), or range()"},
		{"foo @ x", "1:7: parse error: unexpected identifier \"x\" in @, expected timestamp"},
		{"foo[5m:1m 3]",
		 "1:11: parse error: unexpected number \"3\" in subquery selector, expected \"]\""},
		{"foo[5m:+]", "1:9: parse error: unexpected \"]\" in subquery selector, expected number, "
					  "duration, step(), range(), or \"]\""},
		{"foo[5m 5m]", "1:8: parse error: unexpected duration \"5m\" in subquery or range, "
					   "expected \":\" or \"]\""},
		{"foo[]", "1:5: parse error: unexpected \"]\" in subquery or range selector, expected "
				  "number, duration, step(), or range()"},
		{"foo{a=\"b\" c}", "1:11: parse error: unexpected identifier \"c\" in label matching, "
						   "expected \",\" or \"}\""},
		{"foo{a=b}",
		 "1:7: parse error: unexpected identifier \"b\" in label matching, expected string"},
		{"foo{\"a\"=b}",
		 "1:9: parse error: unexpected identifier \"b\" in label matching, expected string"},
		{"foo{a}", "1:6: parse error: unexpected \"}\" in label matching, expected label matching "
				   "operator"},
		{"foo{a=\"b\",,}", "1:11: parse error: unexpected \",\" in label matching, expected "
						   "identifier or \"}\""},
		{"foo{=}", "1:5: parse error: unexpected \"=\" in label matching, expected identifier or "
				   "\"}\""},
		{"foo{!~}", "1:5: parse error: unexpected <op:!~> in label matching, expected identifier "
					"or \"}\""},
		{"foo(1)", "1:1: parse error: unknown function with name \"foo\""},
		{"sum by (a) b", "1:12: parse error: unexpected identifier \"b\" in aggregation"},
		{"foo[1.5h]", "1:5: parse error: unknown unit \".\" in duration \"1.5h\""},
		{"START()", "1:1: parse error: unknown function with name \"START\""},
		{"abs(foo,)", "1:8: parse error: trailing commas not allowed in function call args"},
		{"sum()", "1:1: parse error: no arguments for aggregate expression provided"},
		{"sum(1, 2)", "1:1: parse error: wrong number of arguments for aggregate expression "
					  "provided, expected 1, got 2"},
		{"topk(1)", "1:1: parse error: wrong number of arguments for aggregate expression "
					"provided, expected 2, got 1"},
		{"sum by (\"\") (a)", "1:9: parse error: invalid label name for grouping: \"\""},
		{"sum by (\"\\xff\") (a)", "1:9: parse error: invalid label name for grouping: \"\\xff\""},
		{"1e999", "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1e999\": "
				  "value out of range"},
		{"(1e)", "1:2: parse error: error parsing number: strconv.ParseFloat: parsing \"1e\": "
				 "invalid syntax"},
		{"0xFFFFFFFFFFFFFFFFF", "1:1: parse error: error parsing number: strconv.ParseFloat: "
								"parsing \"0xFFFFFFFFFFFFFFFFF\": invalid syntax"},
		{"5hs", "1:1: parse error: unknown unit \"hs\" in duration \"5hs\""},
		{"1m1h", "1:1: parse error: not a valid duration string: \"1m1h\""},
		{"300y", "1:1: parse error: duration out of range"},
		{"a{b=~\"(\"}", "1:3: parse error: error parsing regexp: missing closing ): `(`"},
		{"a{b=~\"*\"}",
		 "1:3: parse error: error parsing regexp: missing argument to repetition operator: `*`"},
		{"(foo)[5m]", "1:6: parse error: ranges only allowed for vector selectors"},
		{"foo[5m][5m]", "1:8: parse error: ranges only allowed for vector selectors"},
		{"foo offset 5m [5m]", "1:15: parse error: no offset modifiers allowed before range"},
		{"foo @ 5 [5m]", "1:9: parse error: no @ modifiers allowed before range"},
		{"foo offset 0s [5m]", ""},
		{" foo offset 1m offset 2m", "1:2: parse error: offset may not be set multiple times"},
		{" foo[5m] offset 1m offset step()",
		 "1:2: parse error: offset may not be set multiple times"},
		{"1 offset 1m", "1:1: parse error: offset modifier must be preceded by an instant vector "
						"selector or range vector selector or a subquery"},
		{"foo @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"},
		{"foo @ start() @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"},
		{"sum(a) @ 1", "1:1: parse error: @ modifier must be preceded by an instant vector "
					   "selector or range vector selector or a subquery"},
		{"foo @ Inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"},
		{"foo @ -Inf", "1:1: parse error: timestamp out of bounds for @ modifier: -Inf"},
		{"foo @ NaN", "1:1: parse error: timestamp out of bounds for @ modifier: NaN"},
		{"foo @ 1e20",
		 "1:1: parse error: timestamp out of bounds for @ modifier: 100000000000000000000.000000"},
		{"a anchored smoothed",
		 "1:1: parse error: anchored and smoothed modifiers cannot be used together"},
		{"a[5m] smoothed anchored",
		 "1:1: parse error: anchored and smoothed modifiers cannot be used together"},
		{"a[5m:] anchored", "1:1: parse error: anchored modifier is not supported for subqueries"},
		{"a[5m:] smoothed", "1:1: parse error: smoothed modifier is not supported for subqueries"},
		{"1 anchored", "1:1: parse error: anchored modifier not implemented"},
		{"sum(a) smoothed", "1:1: parse error: smoothed modifier not implemented"},
		{"foo[0]", "1:5: parse error: duration must be greater than 0"},
		{"foo[-5m]", "1:5: parse error: duration must be greater than 0"},
		{"foo[5m:0s]", "1:8: parse error: duration must be greater than 0"},
		{"foo[1e10]", "1:5: parse error: duration out of range"},
		{"foo offset 1e10", "1:12: parse error: duration out of range"},
		{"foo offset -1e10", "1:13: parse error: duration out of range"},
		{"foo[5m / 0]", "1:8: parse error: division by zero"},
		{"foo[5m % 0]", "1:8: parse error: modulo by zero"},
		{"foo offset (5m / 0s)", "1:16: parse error: division by zero"},
	};

	CHECK_ERRORS(cases, &promql_all_flags);
}

UNIT_TEST(type_errors)
{
	static const ErrorCase cases[] = {
		{"{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
		{" {a=\"\"}",
		 "1:2: parse error: vector selector must contain at least one non-empty matcher"},
		{"{a=~\".*\", b!=\"x\"}",
		 "1:1: parse error: vector selector must contain at least one non-empty matcher"},
		{"{a!=\"\"}", ""},
		{"foo{__name__=\"bar\"}",
		 "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""},
		{"foo{\"bar\"}", "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""},
		{"{__name__=\"a\", __name__=\"b\"}", ""},
		{"abs()", "1:1: parse error: expected 1 argument(s) in call to \"abs\", got 0"},
		{"1 + abs(a, b)", "1:5: parse error: expected 1 argument(s) in call to \"abs\", got 2"},
		{"label_join(a)",
		 "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 1"},
		{"round(a, 1, 2)",
		 "1:1: parse error: expected at most 2 argument(s) in call to \"round\", got 3"},
		{"histogram_quantiles(a, \"q\")", "1:1: parse error: expected at least 3 argument(s) in "
										  "call to \"histogram_quantiles\", got 2"},
		{"rate(foo)", "1:6: parse error: expected type range vector in call to function \"rate\", "
					  "got instant vector"},
		{"abs(\"x\")", "1:5: parse error: expected type instant vector in call to function "
					   "\"abs\", got string"},
		{"vector(foo)", "1:8: parse error: expected type scalar in call to function \"vector\", "
						"got instant vector"},
		{"label_join(a, \"b\", \"c\", \"d\", 1)", "1:30: parse error: expected type string in "
												  "call to function \"label_join\", got scalar"},
		{"sum(1)",
		 "1:5: parse error: expected type instant vector in aggregation expression, got scalar"},
		{"topk(a, b)",
		 "1:6: parse error: expected type scalar in aggregation parameter, got instant vector"},
		{"count_values(1, a)",
		 "1:14: parse error: expected type string in aggregation parameter, got scalar"},
		{"a[5m] + 1", "1:1: parse error: binary expression must contain only scalar and instant "
					  "vector types"},
		{"1 + \"a\"", "1:5: parse error: binary expression must contain only scalar and instant "
					  "vector types"},
		{"1 + bool 2", "1:3: parse error: bool modifier can only be used on comparison operators"},
		{"a </ bool b", "1:3: parse error: bool modifier can only be used on comparison operators"},
		{"1 == 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
		{"a + on (x, y) group_left (y) b",
		 "1:3: parse error: label \"y\" must not occur in ON and GROUP clause at once"},
		{"a + ignoring (y) group_left (y) b", ""},
		{"a + on (x) 1", "1:1: parse error: vector matching only allowed between instant vectors"},
		{"a + fill (0) 1",
		 "1:1: parse error: filling in missing series only allowed between instant vectors"},
		{"a and on (x) group_left () b",
		 "1:1: parse error: no grouping allowed for \"and\" operation"},
		{"a or fill (0) b",
		 "1:1: parse error: filling in missing series not allowed for set operators"},
		{"a unless 1",
		 "1:1: parse error: set operator \"unless\" not allowed in binary scalar expression"},
		{"1 or 2", "1:1: parse error: set operator \"or\" not allowed in binary scalar expression"},
		{"-\"a\"", "1:1: parse error: unary expression only allowed on expressions of type scalar "
				   "or instant vector, got \"string\""},
		{"+a[5m]", "1:1: parse error: unary expression only allowed on expressions of type scalar "
				   "or instant vector, got \"range vector\""},
		{"1[5m:]", "1:1: parse error: subquery is only allowed on instant vector, got scalar "
				   "instead"},
		{"a[5m:][5m:]", "1:1: parse error: subquery is only allowed on instant vector, got matrix "
						"instead"},
		{"\"a\"[5m:]", "1:1: parse error: subquery is only allowed on instant vector, got string "
					   "instead"},
		{"info(a, b)",
		 "1:9: parse error: expected label selectors only, got vector selector instead"},
		{"info(a, (b))", "1:9: parse error: expected label selectors only"},
		{"info(a, 1)", "1:1: parse error: expected type instant vector in call to function "
					   "\"info\", got scalar"},
		{"info(a, {})", ""},
		/* the first of several errors */
		{"rate(foo) + (1 == 2)", "1:6: parse error: expected type range vector in call to "
								 "function \"rate\", got instant vector"},
		{"sum(1 == 2)", "1:7: parse error: comparisons between scalars must use BOOL modifier"},
	};

	CHECK_ERRORS(cases, &promql_all_flags);
}

UNIT_TEST(flags)
{
	static const ErrorCase cases[] = {
		{"mad_over_time(a[5m])", "1:1: parse error: function \"mad_over_time\" is not enabled"},
		{"1 + step()", "1:5: parse error: function \"step\" is not enabled"},
		{"limitk(1, a)", "1:1: parse error: limitk() is experimental and must be enabled with "
						 "--enable-feature=promql-experimental-functions"},
		{"limit_ratio(1, a)",
		 "1:1: parse error: limit_ratio() is experimental and must be enabled with "
		 "--enable-feature=promql-experimental-functions"},
		{"a anchored", "1:1: parse error: anchored modifier is experimental and not enabled"},
		{"a[5m] smoothed", "1:1: parse error: smoothed modifier is experimental and not enabled"},
		{" a + fill (0) b",
		 "1:2: parse error: binop fill modifiers are experimental and not enabled"},
		{"fill + fill", ""},
		{"a[5m * 2] offset -step()", ""},
		{"first_over_time(a[5m])", ""},
	};

	CHECK_ERRORS(cases, &no_flags);
}

UNIT_TEST(error_codes)
{
	Err err = ERR_INIT;

	CHECK(promql_parse("a\nb", 3, &no_flags, &err) == NULL);
	CHECK_INT(err.code, ERR_PROMQL_SYNTAX);
	CHECK_INT(err.pos, 2);
	CHECK_STR(err.msg, "2:1: parse error: unexpected identifier \"b\"");
	err = (Err) ERR_INIT;
	CHECK(promql_parse(" sum(1)", 7, &no_flags, &err) == NULL);
	CHECK_INT(err.code, ERR_PROMQL_TYPE);
	CHECK_INT(err.pos, 5);
	/* a NUL byte is a character like others that do not belong */
	err = (Err) ERR_INIT;
	CHECK(promql_parse("a\0b", 3, &no_flags, &err) == NULL);
	CHECK_STR(err.msg, "1:2: parse error: unexpected character: '\\x00'");
}

/* --- limits ---------------------------------------------------------------------------------- */

/* repeated -- n times s between head and tail. */
static const char *
repeated(const char *head, const char *s, int n, const char *tail)
{
	Buf b;

	buf_init(&b, 1024, SIZE_MAX / 2);
	buf_str(&b, head);
	for (int i = 0; i < n; i++)
		buf_str(&b, s);
	buf_str(&b, tail);
	return b.data;
}

static bool
nests_too_deeply(const char *query)
{
	return strstr(promql_test_error(query, &promql_all_flags), "expression nests too deeply") !=
		   NULL;
}

UNIT_TEST(depth_limit)
{
	int most = PROMQL_MAX_DEPTH;

	CHECK(promql_test_parse(repeated("1", "+1", most - 1, "")) != NULL);
	CHECK(nests_too_deeply(repeated("1", "+1", most, "")));
	CHECK(nests_too_deeply(repeated("", "(", 500000, "1")));
	CHECK(nests_too_deeply(repeated("", "-", 500000, "1")));
	CHECK(nests_too_deeply(repeated("2", "^2", 300000, "")));
	CHECK(nests_too_deeply(repeated("", "abs(", 250000, "a")));
	CHECK(nests_too_deeply(repeated("a", "[5m:]", 200000, "")));
	CHECK(nests_too_deeply(repeated("a[", "(", 500000, "5m")));
	CHECK(nests_too_deeply(repeated("a[5m", "+5m", 300000, "]")));
	CHECK(nests_too_deeply(repeated("a offset (5m)", "+5m", 300000, "")));
}

UNIT_TEST(long_input)
{
	PromqlExpr *e;
	Err err = ERR_INIT;

	e = promql_test_parse(repeated("{", "a=\"x\",", 150000, "}"));
	CHECK(e != NULL && e->selector.nmatchers == 150000);
	e = promql_test_parse(repeated("\"", "\\n", 500000, "\""));
	CHECK(e != NULL && e->string.len == 500000);
	e = promql_test_parse(repeated("sum by (a", ",a", 300000, ") (x)"));
	CHECK(e != NULL && e->aggregate.grouping.n == 300001);
	CHECK(promql_test_parse(repeated("#", "#", 1000000, "\n1")) != NULL);
	CHECK(promql_test_parse(repeated("", "a", 1000000, "")) != NULL);

	CHECK(promql_parse(repeated("", " ", PROMQL_MAX_QUERY, "1"), PROMQL_MAX_QUERY + 1, &no_flags,
					   &err) == NULL);
	CHECK_STR(err.msg, "query is longer than 4194304 bytes");
}

/* --- selectors ------------------------------------------------------------------------------- */

UNIT_TEST(selector_alone)
{
	static const struct
	{
		const char *text;
		int n; /* matchers; -1: error */
	} cases[] = {
		{"foo", 1},
		{"foo{a=\"b\"}", 2},
		{"{a=\"b\",c!=\"d\"}", 2},
		{"{}", 0},
		{"{\"a.b\"}", 1},
		{"foo{__name__=\"bar\"}", 2},
		{"sum", 1},
		{"foo[5m]", -1},
		{"foo offset 5m", -1},
		{"1", -1},
		{"", -1},
		{"foo bar", -1},
		{"sum(foo)", -1},
		{"foo{a=~\"(\"}", -1},
		{"foo + bar", -1},
	};
	Err err = ERR_INIT;
	Matcher *ms;
	int n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		Err e = ERR_INIT;
		bool ok = promql_parse_selector(cases[i].text, strlen(cases[i].text), &ms, &n, &e);

		if (ok ? n != cases[i].n : cases[i].n != -1)
			unit_fail(__FILE__, __LINE__, "%s: %s", cases[i].text, ok ? "accepted" : e.msg);
	}
	CHECK(!promql_parse_selector("foo[5m]", 7, &ms, &n, &err));
	CHECK_STR(err.msg, "1:4: parse error: unexpected \"[\"");
	err = (Err) ERR_INIT;
	CHECK(!promql_parse_selector("", 0, &ms, &n, &err));
	CHECK_STR(err.msg, "unknown position: parse error: unexpected end of input");
}

UNIT_TEST(collect_selectors)
{
	PromqlMatcherSet *sets;
	PromqlExpr *e =
		promql_test_parse("topk(scalar(s), a) + rate(b{x=\"1\"}[5m]) / max_over_time(c[5m:])");
	CHECK_INT(promql_collect_selectors(e, &sets), 4);
	CHECK(strview_eq_cstr(sets[0].m[0].value, "s"));
	CHECK_INT(sets[2].n, 2);
	CHECK(strview_eq_cstr(sets[3].m[0].value, "c"));
	CHECK_INT(promql_collect_selectors(promql_test_parse("1"), &sets), 0);
}

/* --- duration expressions --------------------------------------------------------------------- */

UNIT_TEST(duration_evaluation)
{
	/* for step 15 s and range 1 h */
	static const struct
	{
		const char *query;
		int64_t ms; /* of the range */
		const char *error;
	} cases[] = {
		{"a[5m]", 300000, NULL},
		{"a[0.0015]", 1, NULL},
		{"a[5m + 30s * 2]", 360000, NULL},
		{"a[(5m + 30s) * 2]", 660000, NULL},
		{"a[2 ^ 3 ^ 2]", 512000, NULL},
		{"a[-5m + 35m]", 1800000, NULL},
		{"a[step()]", 15000, NULL},
		{"a[range() / 4]", 900000, NULL},
		{"a[step() / 7]", 2142, NULL},
		{"a[17 % 5]", 2000, NULL},
		{"a[max_of(step(), 1m)]", 60000, NULL},
		{"a[min_of(step(), 1m)]", 15000, NULL},
		{"a[step() - 15]", 0, "2:13: duration must be greater than 0"},
		{"a[1 / (step() - 15)]", 0, "2:18: division by zero"},
		{"a[1 % (step() - 15)]", 0, "2:18: modulo by zero"},
		{"a[(-2) ^ 0.5]", 0, "3:12: duration is NaN or infinite"},
		{"a[10 ^ 400]", 0, "2:10: duration is NaN or infinite"},
		{"a[10 ^ 18]", 0, "2:9: duration is out of range"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		PromqlExpr *e = promql_test_parse(cases[i].query);
		Err err = ERR_INIT;
		int64_t ms = 0;
		bool ok = promql_duration_eval(&e->range.range, 15000, 3600000, true, &ms, &err);

		CHECK_INT(ms, cases[i].ms);
		if (cases[i].error != NULL)
			CHECK_STR(err.msg, cases[i].error);
		else if (!ok)
			unit_fail(__FILE__, __LINE__, "%s: %s", cases[i].query, err.msg);
	}
}

UNIT_TEST(negative_offset_evaluation)
{
	PromqlExpr *e = promql_test_parse("a offset -(step() * 2)");
	Err err = ERR_INIT;
	int64_t ms;

	CHECK(promql_duration_eval(&e->selector.offset, 15000, 0, false, &ms, &err));
	CHECK_INT(ms, -30000);
	/* instant query */
	CHECK(promql_duration_eval(&e->selector.offset, 0, 0, false, &ms, &err));
	CHECK_INT(ms, 0);
}

/* --- functions ------------------------------------------------------------------------------- */

UNIT_TEST(signatures)
{
	int experimental = 0;

	for (int fn = 0; fn < PROMQL_NFUNCTIONS; fn++)
	{
		const PromqlSignature *sig = promql_function_signature((PromqlFn) fn);

		CHECK_INT(sig->fn, fn);
		CHECK(promql_function_find(sig->name, strlen(sig->name)) == sig);
		CHECK(fn == 0 ||
			  strcmp(promql_function_signature((PromqlFn) (fn - 1))->name, sig->name) < 0);
		CHECK(sig->nargs <= PROMQL_SIGNATURE_ARGS);
		experimental += sig->experimental;
	}
	CHECK_INT(PROMQL_NFUNCTIONS, 90);
	CHECK_INT(experimental, 17);
	CHECK(promql_function_find("abs_", 4) == NULL);
	CHECK(promql_function_find("ab", 2) == NULL);
	CHECK_INT(promql_function_arg_type(promql_function_signature(PROMQL_FN_label_join), 9),
			  PROMQL_STRING);
}
