/*
 * promql_queries.c
 *    Queries that use every construct of the language, and helpers around them.
 */
#include "promql_queries.h"

#include "unit.h"

const PromqlFlags promql_all_flags = {
	.experimental_functions = true,
	.extended_range = true,
	.binop_fill = true,
	.delayed_name_removal = true,
	.start_timestamps = true,
	.type_and_unit_labels = true,
};

const char *const promql_queries[] = {
	"1",
	"-1",
	"+Inf",
	"NaN",
	"5m",
	"-1h30m",
	"\"text\"",
	"'single \\' quote'",
	"`raw \\n`",
	"foo",
	"foo:bar:baz",
	":foo",
	"sum",
	"foo{}",
	"{__name__=\"foo\"}",
	"{\"foo.bar\"}",
	"{\"foo.bar\", \"label.name\"=\"x\"}",
	"{a=\"1\", a=\"2\", b!=\"3\", c=~\"4.*\", d!~\"5|6\",}",
	"{sum=\"1\", by=\"2\"}",
	"foo{a=\"b\"} # comment\n + # another\n bar",
	"foo offset 5m",
	"foo offset -5m",
	"foo offset 90",
	"foo offset 0s offset 5m",
	"foo @ 1603775091.5",
	"foo @ -5",
	"foo @ start() offset 5m",
	"foo offset 5m @ end()",
	"foo[5m]",
	"foo[300]",
	"foo[2.5] offset 1m @ 10",
	"foo[1e2:0x10]",
	"foo[5m:]",
	"foo[5m:1m] @ 5 offset 3m",
	"rate(foo[5m])[1h:1m] offset 1d",
	"sum_over_time((foo > 1)[10m:30s])",
	"foo[5m + 1m]",
	"foo[2 * (1h - 30m) ^ 1]",
	"foo[-5m + 35m]",
	"foo[(-2) ^ 2]",
	"foo[step()]",
	"foo[5m:step() * 2]",
	"foo[max_of(step(), 5m):min_of(1m, range() + 1)]",
	"foo offset (5m * 2)",
	"foo offset (5m) * 2",
	"foo offset -(5m * step())",
	"foo offset -step()",
	"foo offset - -step() * 2",
	"foo offset max_of(1, 2) + 3",
	"foo offset -2^2",
	"foo anchored",
	"rate(foo[5m] anchored)",
	"rate(foo[5m] smoothed offset 1m)",
	"1 + 2 * 3 - 4 / 5 % 6 ^ 7",
	"-foo ^ 2",
	"2 ^ 3 ^ 2",
	"2 ^ -1",
	"a and b or c unless d",
	"a == b",
	"a > bool 1",
	"a atan2 b",
	"h </ 5",
	"h >/ 5",
	"a + on () b",
	"a + ignoring () b",
	"a / on (x, y) b",
	"a / ignoring (x,) group_left b",
	"a == bool on (x) group_right (y, \"z.z\") b",
	"a + fill (0) b",
	"a + on (x) group_left () fill_left (-1) fill_right (5m) b",
	"a * fill_right (NaN) fill",
	"a * ignoring (x) group_left (y) fill_left (1) b",
	"sum(foo)",
	"sum by (a) (foo)",
	"sum(foo) by ()",
	"sum without () (foo)",
	"avg without (a, \"b.c\") (foo)",
	"topk by (on, bool) (5, foo)",
	"count_values(\"value\", foo)",
	"quantile(0.9, foo)",
	"limitk(2, foo)",
	"limit_ratio(-0.5, foo)",
	"time()",
	"start() + end() + step() + range()",
	"max_of(1, min_of(2, 3))",
	"day_of_month()",
	"round(foo, 5)",
	"label_replace(foo, \"dst\", \"$1\", \"src\", \"(.*)\")",
	"label_join(foo, \"dst\", \"-\", \"a\", \"b\", \"c\")",
	"info(foo, {data=~\".*\"})",
	"histogram_quantiles(foo, \"q\", 0.5, 0.9, 0.99)",
	"absent(foo{job=\"x\"})",
	"vector(1h)",
	"((foo))",
	"-(foo + bar)",
	"+foo",
	"foo{a=\"\\u00e9\\n\\\"\"}",
	NULL,
};

PromqlExpr *
promql_test_parse(const char *query)
{
	Err err = ERR_INIT;
	PromqlExpr *e = promql_parse(query, strlen(query), &promql_all_flags, &err);

	if (e == NULL)
		unit_fail(__FILE__, __LINE__, "%s: %s", query, err.msg);
	return e;
}

const char *
promql_test_error(const char *query, const PromqlFlags *flags)
{
	Err err = ERR_INIT;

	if (promql_parse(query, strlen(query), flags, &err) != NULL)
		return "";
	return err.msg;
}

const char *
promql_test_print(const PromqlExpr *e, bool pretty)
{
	Buf b;

	buf_init(&b, 128, SIZE_MAX / 2);
	promql_print(&b, e, pretty);
	return b.data;
}
