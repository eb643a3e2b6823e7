/*
 * test_promql_printer.c
 *    Canonical and pretty text, JSON of trees, and that printing loses nothing.
 *
 * Besides the queries of promql_queries.c, the round trip is run over the queries of the
 * Prometheus test files if they are found: in $PROMQLTEST_DIR, test/promql or
 * ../shared/promqltest.
 */
#include "promql_queries.h"
#include "unit.h"

#include <dirent.h>
#include <stdlib.h>

UNIT_TEST(canonical_text)
{
	static const struct
	{
		const char *query;
		const char *text;
	} cases[] = {
		{"1000000", "1000000"},
		{"1e-7", "0.0000001"},
		{"0x1F", "31"},
		{"inf", "+Inf"},
		{"1+inf^2", "1 + +Inf ^ 2"}, /* as Prometheus; a sign binds less, the value is the same */
		{"-nan", "NaN"},
		{"90m", "1h30m"},
		{"-1500ms", "-1s500ms"},
		{"'a\"b'", "\"a\\\"b\""},
		{"foo{}", "foo"},
		{"foo{b=\"1\",a=~\"2\"}", "foo{a=~\"2\",b=\"1\"}"},
		{"{__name__=\"foo\"}", "{__name__=\"foo\"}"},
		{"{\"foo.bar\"}", "{__name__=\"foo.bar\"}"},
		{"{\"a.b\"='c'}", "{\"a.b\"=\"c\"}"},
		{"foo offset 60s @ 1", "foo @ 1.000 offset 1m"},
		{"foo @ start() offset -1h", "foo @ start() offset -1h"},
		{"foo offset 1m anchored @ end()", "foo @ end() anchored offset 1m"},
		{"foo offset 0s", "foo"},
		{"foo[300] offset 1m @ 1", "foo[5m] @ 1.000 offset 1m"},
		{"foo[5m] smoothed @ 1", "foo[5m] smoothed @ 1.000"},
		{"foo[90d:1w]", "foo[90d:1w]"},
		{"foo[5m:] offset 1m", "foo[5m:] offset 1m"},
		{"foo[5m*2:step()]", "foo[5m * 2:step()]"},
		{"foo[(5m)+(1m*2)]", "foo[5m + (1m * 2)]"},
		{"foo[(-2)^2]", "foo[(-2) ^ 2]"},
		{"foo[-2^2 + 5]", "foo[-2 ^ 2 + 5]"},
		{"foo offset (5m)*2", "foo offset (5m * 2)"},
		{"foo offset +step()", "foo offset step()"},
		{"foo offset +(step()) * 2", "foo offset +(step()) * 2"},
		{"foo offset -(step())", "foo offset -(step())"},
		{"foo[max_of(1,step())]", "foo[max_of(1, step())]"},
		{"sum(foo)by(a,b)", "sum by (a, b) (foo)"},
		{"sum(foo)by()", "sum(foo)"},
		{"sum(foo)without()", "sum without () (foo)"},
		{"SUM(foo)", "sum(foo)"},
		{"topk(3,foo)", "topk(3, foo)"},
		{"topk by(\"a.b\",c)(3,foo)", "topk by (\"a.b\", c) (3, foo)"},
		{"a+b", "a + b"},
		{"a==bool on(x)group_left(y)b", "a == bool on (x) group_left (y) b"},
		{"a*on(x)group_right b", "a * on (x) group_right () b"},
		{"a*ignoring()b", "a * b"},
		{"a*on()b", "a * on () b"},
		{"a*ignoring()group_left()b", "a * ignoring () group_left () b"},
		{"a+fill(0)b", "a + fill (0) b"},
		{"a+fill_right(5m)fill_left(-1)b", "a + fill_left (-1) fill_right (300) b"},
		{"a+fill_left(2)fill_right(2)b", "a + fill (2) b"},
		{"a+fill_left(2)b", "a + fill_left (2) b"},
		{"rate( foo[5m] )", "rate(foo[5m])"},
		{"time()", "time()"},
		{"( a )", "(a)"},
		{"- a", "-a"},
		{"- 1", "-1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		PromqlExpr *e = promql_test_parse(cases[i].query);

		if (e != NULL)
			CHECK_STR(promql_test_print(e, false), cases[i].text);
	}
}

#define A30 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B30 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C30 "cccccccccccccccccccccccccccccc"
#define D30 "dddddddddddddddddddddddddddddd"

UNIT_TEST(pretty_text)
{
	static const struct
	{
		const char *query;
		const char *text;
	} cases[] = {
		{"sum(foo)", "sum(foo)"},
		{A30 B30 C30 D30, A30 B30 C30 D30},
		/* 100 bytes fit, 101 do not */
		{A30 "+" B30 "+" C30 "+a", A30 " + " B30 " + " C30 " + a"},
		{A30 "+" B30 "+" C30 "+aa", "  " A30 " + " B30 " + " C30 "\n+\n  aa"},
		{"sum by(a)(" A30 B30 C30 D30 ")", "sum by (a) (\n  " A30 B30 C30 D30 "\n)"},
		{"topk(3, " A30 B30 C30 D30 ")", "topk(\n  3,\n  " A30 B30 C30 D30 "\n)"},
		{"clamp(" A30 B30 C30 D30 ",1,2)", "clamp(\n  " A30 B30 C30 D30 ",\n  1,\n  2\n)"},
		{"(" A30 B30 "+" C30 D30 ")", "(\n    " A30 B30 "\n  +\n    " C30 D30 "\n)"},
		{"-(" A30 B30 C30 D30 ")", "-(\n  " A30 B30 C30 D30 "\n)"},
		{"-" A30 B30 "^" C30 D30, "-" A30 B30 "\n^\n  " C30 D30},
		{A30 B30 "==bool on(x)group_left(y)" C30 D30,
		 "  " A30 B30 "\n== bool on (x) group_left (y)\n  " C30 D30},
		{"max_over_time(rate(" A30 B30 C30 D30 "[1m])[1m:] @ start() offset 1m)",
		 "max_over_time(\n  rate(\n    " A30 B30 C30 D30 "[1m]\n  )[1m:] @ start() offset 1m\n)"},
		{"absent(" A30 B30 C30 D30 ") + deriv(foo[5m:])",
		 "  absent(\n    " A30 B30 C30 D30 "\n  )\n+\n  deriv(foo[5m:])"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		PromqlExpr *e = promql_test_parse(cases[i].query);

		if (e != NULL)
			CHECK_STR(promql_test_print(e, true), cases[i].text);
	}
}

static const char *
json(const PromqlExpr *e)
{
	Buf b;

	buf_init(&b, 256, SIZE_MAX / 2);
	promql_print_json(&b, e);
	return b.data;
}

UNIT_TEST(json_text)
{
	static const struct
	{
		const char *query;
		const char *json;
	} cases[] = {
		{"1.5", "{\"type\":\"numberLiteral\",\"val\":\"1.5\"}"},
		{"5m", "{\"type\":\"numberLiteral\",\"val\":\"300\"}"},
		{"\"a<\"", "{\"type\":\"stringLiteral\",\"val\":\"a\\u003c\"}"},
		{"(1)", "{\"expr\":{\"type\":\"numberLiteral\",\"val\":\"1\"},\"type\":\"parenExpr\"}"},
		{"a{b!=\"c\"} @ 1.5 offset 1m",
		 "{\"anchored\":false,\"matchers\":[{\"name\":\"b\",\"type\":\"!=\",\"value\":\"c\"},"
		 "{\"name\":\"__name__\",\"type\":\"=\",\"value\":\"a\"}],\"name\":\"a\",\"offset\":60000,"
		 "\"offsetExpr\":null,\"smoothed\":false,\"startOrEnd\":null,\"timestamp\":1500,"
		 "\"type\":\"vectorSelector\"}"},
		{"{a=\"b\"}[5m] @ end() offset -(1m * step())",
		 "{\"anchored\":false,\"matchers\":[{\"name\":\"a\",\"type\":\"=\",\"value\":\"b\"}],"
		 "\"name\":\"\",\"offset\":0,\"offsetExpr\":{\"lhs\":null,\"op\":\"-\",\"rhs\":{\"lhs\":"
		 "{\"duration\":true,\"type\":\"numberLiteral\",\"val\":\"60\"},\"op\":\"*\",\"rhs\":"
		 "{\"lhs\":null,\"op\":\"step\",\"rhs\":null,\"type\":\"durationExpr\",\"wrapped\":false},"
		 "\"type\":\"durationExpr\",\"wrapped\":true},\"type\":\"durationExpr\",\"wrapped\":false},"
		 "\"range\":300000,\"rangeExpr\":null,\"smoothed\":false,\"startOrEnd\":\"end\","
		 "\"timestamp\":null,\"type\":\"matrixSelector\"}"},
		{"vector(1)[5m:]",
		 "{\"expr\":{\"args\":[{\"type\":\"numberLiteral\",\"val\":\"1\"}],\"func\":{\"argTypes\":"
		 "[\"scalar\"],\"name\":\"vector\",\"returnType\":\"vector\",\"variadic\":0},\"type\":"
		 "\"call\"},\"offset\":0,\"offsetExpr\":null,\"range\":300000,\"rangeExpr\":null,"
		 "\"startOrEnd\":null,\"step\":0,\"stepExpr\":null,\"timestamp\":null,\"type\":"
		 "\"subquery\"}"},
		{"time()", "{\"args\":[],\"func\":{\"argTypes\":[],\"name\":\"time\",\"returnType\":"
				   "\"scalar\",\"variadic\":0},\"type\":\"call\"}"},
		{"topk by (a) (1, vector(1))",
		 "{\"expr\":{\"args\":[{\"type\":\"numberLiteral\",\"val\":\"1\"}],\"func\":{\"argTypes\":"
		 "[\"scalar\"],\"name\":\"vector\",\"returnType\":\"vector\",\"variadic\":0},\"type\":"
		 "\"call\"},\"grouping\":[\"a\"],\"op\":\"topk\",\"param\":{\"type\":\"numberLiteral\","
		 "\"val\":\"1\"},\"type\":\"aggregation\",\"without\":false}"},
		{"1 < bool 2",
		 "{\"bool\":true,\"lhs\":{\"type\":\"numberLiteral\",\"val\":\"1\"},\"matching\":null,"
		 "\"op\":\"\\u003c\",\"rhs\":{\"type\":\"numberLiteral\",\"val\":\"2\"},\"type\":"
		 "\"binaryExpr\"}"},
	};
	PromqlExpr *e;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		e = promql_test_parse(cases[i].query);
		if (e != NULL)
			CHECK_STR(json(e), cases[i].json);
	}
	e = promql_test_parse("a + on (x) group_left (y) fill_left (1) b");
	CHECK(strstr(json(e),
				 "\"matching\":{\"card\":\"many-to-one\",\"fillValues\":{\"lhs\":1,"
				 "\"rhs\":null},\"include\":[\"y\"],\"labels\":[\"x\"],\"on\":true}") != NULL);
	CHECK(strstr(json(promql_test_parse("-a")), "\"op\":\"-\",\"type\":\"unaryExpr\"}") != NULL);
}

/* --- round trip ------------------------------------------------------------------------------ */

static int
compare_matchers(const void *a, const void *b)
{
	Buf ba, bb;

	buf_init(&ba, 64, SIZE_MAX / 2);
	buf_init(&bb, 64, SIZE_MAX / 2);
	matcher_text(&ba, a);
	matcher_text(&bb, b);
	return strcmp(ba.data, bb.data);
}

/*
 * normalize -- what printing is free to change: the order of matchers, and whether a binary
 * duration expression behind "offset" stands in parentheses.
 */
static void
normalize(PromqlExpr *e)
{
	if (e->kind == PROMQL_EXPR_SELECTOR)
	{
		PromqlSelector *s = &e->selector;

		if (s->nmatchers > 0)
			qsort(s->matchers, (size_t) s->nmatchers, sizeof(*s->matchers), compare_matchers);
		if (s->offset.expr != NULL && s->offset.expr->kind == PROMQL_EXPR_DURATION)
			((PromqlExpr *) s->offset.expr)->duration.wrapped = false;
	}
	for (int i = 0; i < promql_expr_nchildren(e); i++)
		normalize(promql_expr_child(e, i));
}

/* check_round_trip -- parse(print(e)) is e, and print(parse(print(e))) is print(e). */
static void
check_round_trip(const char *query, bool pretty)
{
	PromqlExpr *e = promql_test_parse(query);
	PromqlExpr *again;
	const char *text;

	if (e == NULL)
		return;
	text = promql_test_print(e, pretty);
	again = promql_test_parse(text);
	if (again == NULL)
	{
		unit_fail(__FILE__, __LINE__, "%s\n\tis printed as\n%s", query, text);
		return;
	}
	if (strcmp(promql_test_print(again, pretty), text) != 0)
		unit_fail(__FILE__, __LINE__, "%s\n\tfirst  %s\n\tsecond %s", query, text,
				  promql_test_print(again, pretty));
	normalize(e);
	normalize(again);
	if (strcmp(json(e), json(again)) != 0)
		unit_fail(__FILE__, __LINE__, "%s\n\tfirst  %s\n\tsecond %s", query, json(e), json(again));
}

UNIT_TEST(round_trip)
{
	for (int i = 0; promql_queries[i] != NULL; i++)
	{
		check_round_trip(promql_queries[i], false);
		check_round_trip(promql_queries[i], true);
	}
}

/* skip_word -- behind the word at s and the space that follows. */
static const char *
skip_word(const char *s)
{
	s += strcspn(s, " \t");
	return s + strspn(s, " \t");
}

/*
 * eval_query -- the query of a line "eval instant at T QUERY" or
 * "eval range from T to T step D QUERY"; NULL if it is none.
 */
static const char *
eval_query(const char *line)
{
	const char *what;
	int words;

	line += strspn(line, " \t");
	if (strncmp(line, "eval", 4) != 0)
		return NULL;
	what = skip_word(line);
	words = strncmp(what, "instant", 7) == 0 ? 3 : strncmp(what, "range", 5) == 0 ? 7 : 0;
	for (int i = 0; i < words; i++)
		what = skip_word(what);
	return words > 0 ? what : NULL;
}

/* check_file -- round trip of all queries of a test file; returns how many. */
static int
check_file(const char *path)
{
	static char line[65536];
	FILE *f = fopen(path, "r");
	int n = 0;

	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
	{
		const char *query;

		line[strcspn(line, "\n")] = '\0';
		query = eval_query(line);
		if (query == NULL)
			continue;
		check_round_trip(query, false);
		n++;
	}
	fclose(f);
	return n;
}

UNIT_TEST(round_trip_of_prometheus_tests)
{
	const char *dirs[] = {getenv("PROMQLTEST_DIR"), "test/promql", "../shared/promqltest"};
	DIR *dir = NULL;
	const char *name = NULL;
	int n = 0;

	for (int i = 0; i < 3 && dir == NULL; i++)
	{
		name = dirs[i];
		if (name != NULL)
			dir = opendir(name);
	}
	if (dir == NULL)
		return;
	for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir))
	{
		size_t len = strlen(d->d_name);

		if (len > 5 && strcmp(d->d_name + len - 5, ".test") == 0)
			n += check_file(mem_printf("%s/%s", name, d->d_name));
	}
	closedir(dir);
	printf("# %d queries of the Prometheus tests\n", n);
}
