/*
 * test_openmetrics.c
 *    The text formats: what is read from them, and what is refused with which words.
 */
#include "unit.h"

#include "model/value.h"
#include "util/text.h"
#include "wire/openmetrics.h"

#include <inttypes.h>
#include <stdlib.h>

static void
put_value(Buf *out, double v)
{
	char text[TEXT_DOUBLE_MAX];

	text_double_shortest_g(text, v);
	buf_printf(out, " %s", text);
}

static void
put_view(Buf *out, StrView s)
{
	buf_append(out, s.s, s.len);
}

static void
put_item(Buf *out, const OmItem *item)
{
	buf_printf(out, "%d ", item->line);
	switch (item->kind)
	{
		case OM_TYPE:
			buf_str(out, "TYPE ");
			put_view(out, item->metadata.family);
			buf_printf(out, " %s", metric_type_name(item->metadata.type));
			break;
		case OM_HELP:
			buf_str(out, "HELP ");
			put_view(out, item->metadata.family);
			buf_char(out, ' ');
			put_view(out, item->metadata.help);
			break;
		case OM_UNIT:
			buf_str(out, "UNIT ");
			put_view(out, item->metadata.family);
			buf_char(out, ' ');
			put_view(out, item->metadata.unit);
			break;
		case OM_SAMPLE:
			labels_text(out, item->labels);
			put_value(out, item->value);
			if (item->has_t)
				buf_printf(out, " @%" PRId64, item->t);
			if (item->has_exemplar)
			{
				buf_str(out, " # ");
				labels_text(out, item->exemplar.labels);
				put_value(out, item->exemplar.value);
			}
			if (item->exemplar_has_t)
				buf_printf(out, " @%" PRId64, item->exemplar.t);
			break;
	}
	buf_char(out, '\n');
}

/* parse -- the items as text, an error as the last line; the text lies in a block of its own. */
static char *
parse(OmFormat format, const char *text)
{
	char *exact = mem_dup(text, strlen(text));
	OmReader *r = om_reader_create(format, exact, strlen(text));
	OmItem item;
	Err err = ERR_INIT;
	Buf out;
	int got;

	buf_init(&out, 256, 1 << 20);
	while ((got = om_next(r, &item, &err)) == 1)
	{
		CHECK(labels_check(item.labels.data, item.labels.len));
		put_item(&out, &item);
	}
	if (got < 0)
		buf_str(&out, err.msg);
	else
	{
		CHECK_INT(om_next(r, &item, &err), 0); /* the end stays the end */
		CHECK(err.code == ERR_NONE);
	}
	om_reader_free(r);
	return out.data;
}

UNIT_TEST(openmetrics_families)
{
	CHECK_STR(
		parse(OM_OPENMETRICS,
			  "# HELP go_gc_duration_seconds A \"summary\" of \\\"GC\\\" \\n \\x\\\\ pauses.\n"
			  "# TYPE go_gc_duration_seconds summary\n"
			  "# UNIT go_gc_duration_seconds seconds\n"
			  "go_gc_duration_seconds{quantile=\"0\"} 4.9351e-05\n"
			  "go_gc_duration_seconds{quantile=\"0.25\",} 7.424100000000001e-05 1.5\n"
			  "go_gc_duration_seconds_sum 0.004304266\n"
			  "# HELP nohelp \n"
			  "# UNIT nohelp \n"
			  "# TYPE foo counter\n"
			  "foo_total{b=\"2\",a=\"1\"} 17.0 1520879607.789 # {id=\"x\\\"y\"} 5 1520879607.5\n"
			  "foo_total{a=\"\"} 18.0 # {} -Inf\n"
			  "foo_created 1520872607.123\n"
			  "# TYPE hh histogram\n"
			  "hh_bucket{le=\"1\"} 4 # {t=\"b\"} 0.5\n"
			  "hh_bucket{le=\"+Inf\"} +Inf -1.0005\n"
			  "# TYPE g gaugehistogram\n# TYPE i info\n# TYPE s stateset\n# TYPE u unknown\n"
			  "i_info{entity=\"a\\nb\\\\c\\td\"} 1\n"
			  ":a:_9 nan\n"
			  "# EOF\n"),
		"1 HELP go_gc_duration_seconds A \"summary\" of \"GC\" \n \\x\\ pauses.\n"
		"2 TYPE go_gc_duration_seconds summary\n"
		"3 UNIT go_gc_duration_seconds seconds\n"
		"4 go_gc_duration_seconds{quantile=\"0.0\"} 4.9351e-05\n"
		"5 go_gc_duration_seconds{quantile=\"0.25\"} 7.424100000000001e-05 @1500\n"
		"6 go_gc_duration_seconds_sum 0.004304266\n"
		"7 HELP nohelp \n"
		"8 UNIT nohelp \n"
		"9 TYPE foo counter\n"
		"10 foo_total{a=\"1\", b=\"2\"} 17 @1520879607789 # {id=\"x\\\"y\"} 5 @1520879607500\n"
		"11 foo_total 18 # {} -Inf\n"
		"12 foo_created 1.520872607123e+09\n"
		"13 TYPE hh histogram\n"
		"14 hh_bucket{le=\"1.0\"} 4 # {t=\"b\"} 0.5\n"
		"15 hh_bucket{le=\"+Inf\"} +Inf @-1000\n"
		"16 TYPE g gaugehistogram\n17 TYPE i info\n18 TYPE s stateset\n19 TYPE u unknown\n"
		"20 i_info{entity=\"a\\nb\\\\c\\\\td\"} 1\n"
		"21 :a:_9 NaN\n");
}

UNIT_TEST(openmetrics_quoted_names)
{
	CHECK_STR(parse(OM_OPENMETRICS, "# TYPE \"a.b\\\"c\" counter\n"
									"# HELP \"a.b\\\"c\" h\\\\elp\n"
									"{\"a.b\\\"c\"} 1\n"
									"{\"x y\",\"l.m\"=\"1\",b=\"2\"} 2\n"
									"{b=\"2\",\"\xc3\xa4\"} 3\n"
									"name{\"\\n\"=\"\\\\\"} 4\n"
									"# EOF"),
			  "1 TYPE a.b\"c counter\n2 HELP a.b\"c h\\elp\n3 {\"a.b\\\"c\"} 1\n"
			  "4 {\"x y\", b=\"2\", \"l.m\"=\"1\"} 2\n5 {\"\xc3\xa4\", b=\"2\"} 3\n"
			  "6 name{\"\\n\"=\"\\\\\"} 4\n");
}

/* Seconds become milliseconds as Prometheus computes them, rounding errors and all. */
UNIT_TEST(openmetrics_timestamps)
{
	static const char *const texts[] = {"1700000015.123",  "1e9", "0.0005", "-0.0015",
										"1700000015.0019", "8.7"};
	static const int64_t want[] = {1700000015123, 1000000000000, 0, -1, 1700000015001, 8700};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		char *line = mem_printf("a 1 %s\n# EOF\n", texts[i]);
		OmReader *r = om_reader_create(OM_OPENMETRICS, line, strlen(line));
		OmItem item;

		CHECK_INT(om_next(r, &item, NULL), 1);
		CHECK_INT(item.t, want[i]);
		CHECK_INT(item.t, (int64_t) (strtod(texts[i], NULL) * 1000));
		om_reader_free(r);
	}
}

UNIT_TEST(openmetrics_values)
{
	OmItem item;
	OmReader *r = om_reader_create(OM_OPENMETRICS, "a NaN\na Inf\na -infinity\na 0x1\n# EOF\n", 38);

	CHECK_INT(om_next(r, &item, NULL), 1);
	CHECK(value_bits(item.value) == VALUE_NAN_BITS);
	CHECK_INT(om_next(r, &item, NULL), 1);
	CHECK(item.value == INFINITY);
	CHECK_INT(om_next(r, &item, NULL), 1);
	CHECK(item.value == -INFINITY);
	CHECK_INT(om_next(r, &item, NULL), -1);
	om_reader_free(r);
}

UNIT_TEST(openmetrics_errors)
{
	static const struct
	{
		const char *text, *error;
	} cases[] = {
		{"", "line 1: data does not end with # EOF"},
		{"a 1", "line 1: expected the end of the line after the sample, got end of text"},
		{"a 1\n", "line 2: data does not end with # EOF"},
		{"\n# EOF\n", "line 1: expected a metric name, got end of line"},
		{"\n\n#EOF\n", "line 1: expected a metric name, got end of line"},
		{"#EOF\n", "line 1: expected a sample, TYPE, HELP, UNIT or EOF, got \"#EOF\""},
		{"# EOF\na 1\n", "line 2: unexpected data after # EOF"},
		{"# EOFx\n", "line 2: unexpected data after # EOF"},
		{"# EOF\n\n", "line 2: unexpected data after # EOF"},
		{"# comment\n# EOF\n",
		 "line 1: expected a sample, TYPE, HELP, UNIT or EOF, got \"# comment\""},
		{"# TYPE c\n# EOF\n", "line 1: expected a text after the metric name, got end of line"},
		{"# HELP c\n# EOF\n", "line 1: expected a text after the metric name, got end of line"},
		{"# TYPE \n#EOF\n",
		 "line 1: expected a metric name after TYPE, HELP or UNIT, got end of line"},
		{"# TYPE a  counter\n", "line 1: invalid metric type \" counter\""},
		{"# TYPE a counter \n", "line 1: invalid metric type \"counter \""},
		{"# TYPE a untyped\n", "line 1: invalid metric type \"untyped\""},
		{"# UNIT metric suffix\n#EOF\n",
		 "line 1: metric name does not end with its unit \"suffix\""},
		{"# UNIT metricsuffix suffix\n#EOF\n",
		 "line 1: metric name does not end with its unit \"suffix\""},
		{"# UNIT m suffix\n#EOF\n", "line 1: metric name does not end with its unit \"suffix\""},
		{"# HELP m \xff\n#EOF\n", "line 1: text is not valid UTF-8: \"\\xff\""},
		{"# HELP m x", "line 1: expected the end of the line, got end of text"},
		{"a\t1\n# EOF\n", "line 1: expected a value after the metric, got \"\\t1\""},
		{"a  1\n# EOF\n", "line 1: invalid value \"\""},
		{"a 1  2\n# EOF\n", "line 1: invalid timestamp \"\""},
		{"a 1 \n# EOF\n", "line 1: invalid timestamp \"\""},
		{" a 1\n# EOF\n", "line 1: expected a metric name, got \" a 1\""},
		{"1a 1\n# EOF\n", "line 1: expected a metric name, got \"1a 1\""},
		{"a {b=\"c\"} 1\n# EOF\n", "line 1: invalid value \"{b=\\\"c\\\"}\""},
		{"a{ b=\"c\"} 1\n# EOF\n", "line 1: expected a label name, got \" b=\\\"c\\\"} 1\""},
		{"a{b =\"c\"} 1\n", "line 1: expected \"=\" after the label name, got \" =\\\"c\\\"} 1\""},
		{"a{b= \"c\"} 1\n", "line 1: expected a quoted text, got \" \\\"c\\\"} 1\""},
		{"a{b=\"c\" } 1\n", "line 1: expected \",\" or \"}\" after the label, got \" } 1\""},
		{"a{b=\"c\",,} 1\n", "line 1: expected a label name, got \",} 1\""},
		{"a{,} 1\n", "line 1: expected a label name, got \",} 1\""},
		{"a{b=\"c\"c=\"d\"} 1\n",
		 "line 1: expected \",\" or \"}\" after the label, got \"c=\\\"d\\\"} 1\""},
		{"a{b=\"c\"}1\n", "line 1: expected a value after the metric, got \"1\""},
		{"a{b=\"c\n\"} 1\n", "line 1: expected the end of a quoted text, got \"\\\"c\""},
		{"a{b=\"c\\\n\"} 1\n", "line 1: expected the end of a quoted text, got \"\\\"c\\\\\""},
		{"a{b=\"c\\\"} 1\n", "line 1: expected the end of a quoted text, got \"\\\"c\\\\\\\"} 1\""},
		{"a{b=\"c", "line 1: expected the end of a quoted text, got \"\\\"c\""},
		{"a{b=\"c\\", "line 1: expected the end of a quoted text, got \"\\\"c\\\\\""},
		{"a{b=\"c\"", "line 1: expected \",\" or \"}\" after the label, got end of text"},
		{"a{b=\"\xc3(\"} 1\n", "line 1: text is not valid UTF-8: \"\\xc3(\""},
		{"a{b:c=\"x\"} 1\n",
		 "line 1: expected \"=\" after the label name, got \":c=\\\"x\\\"} 1\""},
		{"a{b=\"1\",b=\"2\"} 1\n", "line 1: a label name occurs twice"},
		{"a{__name__=\"b\"} 1\n", "line 1: a label name occurs twice"},
		{"{__name__=\"b\"} 1\n", "line 1: expected a metric name, got \" 1\""},
		{"{} 1\n", "line 1: expected a metric name, got \" 1\""},
		{"{\"\"} 1\n", "line 1: metric name is empty: \"\""},
		{"a{\"b\"} 1\n", "line 1: metric name is given twice: \"b\""},
		{"{\"a\",\"b\"} 1\n", "line 1: metric name is given twice: \"b\""},
		{"{\"\"=\"x\",\"b\"} 1\n",
		 "line 1: expected a label name, got \"=\\\"x\\\",\\\"b\\\"} 1\""},
		{"a 1_000\n", "line 1: invalid value \"1_000\""},
		{"a 0x1p-3\n", "line 1: invalid value \"0x1p-3\""},
		{"a 1s\n", "line 1: invalid value \"1s\""},
		{"a 1 Inf\n", "line 1: invalid timestamp \"Inf\""},
		{"a 1 NaN\n", "line 1: invalid timestamp \"NaN\""},
		{"a 1 1e30\n", "line 1: invalid timestamp \"1e30\""},
		{"a 1 1 1\n", "line 1: expected the end of the line after the sample, got \" 1\""},
		{"a 1 # b\n", "line 1: expected \"{\" of an exemplar, got \"b\""},
		{"a 1 #{b=\"c\"} 1\n", "line 1: invalid timestamp \"#{b=\\\"c\\\"}\""},
		{"a 1 # {b=\"c\"}\n",
		 "line 1: expected a value after the exemplar's labels, got end of line"},
		{"a 1 # {b=\"c\"} x\n", "line 1: invalid exemplar value \"x\""},
		{"a 1 # {b=\"c\"} 1 x\n", "line 1: invalid timestamp \"x\""},
		{"a 1 # {\"c\"} 1\n", "line 1: expected \"=\" after the label name, got \"} 1\""},
		{"a 1 # {b=\"1\",b=\"2\"} 1\n", "line 1: a label name occurs twice"},
		{"a 1\nb 2\na{b=\"c\"} x\n", "1 a 1\n2 b 2\nline 3: invalid value \"x\""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		/* items before the error are in the way, except in the last case */
		char *got = parse(OM_OPENMETRICS, cases[i].text);
		char *line = strstr(got, "line ");

		CHECK_STR(cases[i].error[0] != 'l' || line == NULL ? got : line, cases[i].error);
	}
}

UNIT_TEST(prometheus_text)
{
	CHECK_STR(parse(OM_PROMETHEUS, "# HELP  a  some \\\"text\\\\ \\n\n"
								   "#\tTYPE\ta\tcounter\n"
								   "# HELP b\n"
								   "# just a comment\n"
								   "#another\n"
								   "#\n"
								   "# UNIT a b\n"
								   "\n"
								   " \t\n"
								   "a 1\n"
								   "\ta\t{ b = \"c\" , d=\"x\ny\\\"\" , }\t2 \t-1500  \n"
								   "a{b=\"c\"}3\n"
								   "# TYPE a untyped\n"
								   "# TYPE h histogram\n"
								   "h_bucket{le=\"1e3\"} 4\n"
								   "{\"x.y\" , z=\"1\"} 5 9223372036854775807\n"
								   "a 6 -9223372036854775808"),
			  "1 HELP a  some \\\"text\\ \n\n2 TYPE a counter\n3 HELP b \n10 a 1\n"
			  "11 a{b=\"c\", d=\"x\\ny\\\"\"} 2 @-1500\n13 a{b=\"c\"} 3\n14 TYPE a unknown\n"
			  "15 TYPE h histogram\n16 h_bucket{le=\"1000.0\"} 4\n17 {\"x.y\", z=\"1\"} 5 "
			  "@9223372036854775807\n"
			  "18 a 6 @-9223372036854775808\n");
	CHECK_STR(parse(OM_PROMETHEUS, ""), "");
	CHECK_STR(parse(OM_PROMETHEUS, "# HELP x y"), "1 HELP x y\n");
	CHECK_STR(parse(OM_PROMETHEUS, "# "), "");
}

UNIT_TEST(prometheus_text_errors)
{
	static const struct
	{
		const char *text, *error;
	} cases[] = {
		{"a", "line 1: expected a value after the metric, got end of text"},
		{"a{b=\"c\"}", "line 1: invalid value \"\""},
		{"a 1 1.5\n", "line 1: invalid timestamp \"1.5\""},
		{"a 1 -\n", "line 1: invalid timestamp \"-\""},
		{"a 1 9223372036854775808\n", "line 1: invalid timestamp \"9223372036854775808\""},
		{"a 1 -9223372036854775809\n", "line 1: invalid timestamp \"-9223372036854775809\""},
		{"a 1 2 3\n", "line 1: expected the end of the line after the sample, got \"3\""},
		{"a 1 # {b=\"c\"} 1\n", "line 1: invalid timestamp \"#\""},
		{"# TYPE a info\n", "line 1: invalid metric type \"info\""},
		{"# TYPE a  counter\n", "line 1: invalid metric type \" counter\""},
		{"# TYPE a\n", "line 1: expected a text after the metric name, got end of line"},
		{"a{b=\"x\ny\"} 1\na{b=\"x\n", "line 3: expected the end of a quoted text, got \"\\\"x\""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char *got = parse(OM_PROMETHEUS, cases[i].text);
		char *line = strstr(got, "line ");

		CHECK_STR(line == NULL ? got : line, cases[i].error);
	}
}

UNIT_TEST(openmetrics_detection)
{
	CHECK_INT(om_detect("a 1\n# EOF\n", 10), OM_OPENMETRICS);
	CHECK_INT(om_detect("# EOF", 5), OM_OPENMETRICS);
	CHECK_INT(om_detect("a 1\n", 4), OM_PROMETHEUS);
	CHECK_INT(om_detect("# EOF\n\n", 7), OM_PROMETHEUS);
	CHECK_INT(om_detect("", 0), OM_PROMETHEUS);
	CHECK_INT(om_detect("\n", 1), OM_PROMETHEUS);
}

/* A line with very many labels, in the worst order, takes no quadratic time. */
UNIT_TEST(openmetrics_many_labels)
{
	enum
	{
		N = 200000
	};
	Buf text;
	OmReader *r;
	OmItem item;

	buf_init(&text, 1 << 20, 1 << 26);
	buf_str(&text, "# TYPE a histogram\na{");
	for (int i = N; i > 0; i--)
		buf_printf(&text, "l%07d=\"\\n\",", i);
	buf_str(&text, "} 1\n# EOF\n");
	r = om_reader_create(OM_OPENMETRICS, text.data, text.len);
	CHECK_INT(om_next(r, &item, NULL), 1);
	CHECK_INT(om_next(r, &item, NULL), 1);
	CHECK_INT(labels_count(item.labels), N + 1);
	CHECK_INT(om_next(r, &item, NULL), 0);
	om_reader_free(r);
}
