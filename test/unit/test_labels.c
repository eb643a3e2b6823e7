/*
 * test_labels.c
 *    Label sets: byte form, hash check values, order, builder, texts; matchers.
 */
#include "unit.h"

#include "model/labels.h"
#include "model/matcher.h"

/* make -- a label set from "name", "value", ..., NULL. */
#define make(...) make_labels((const char *const[]){__VA_ARGS__, NULL})

static Labels
make_labels(const char *const *pairs)
{
	LabelsBuilder b;

	labels_builder_init(&b);
	for (int i = 0; pairs[i] != NULL; i += 2)
		labels_builder_set(&b, strview_cstr(pairs[i]), strview_cstr(pairs[i + 1]));
	return labels_builder_finish(&b);
}

typedef struct HashCase
{
	const char *group, *instance;
	uint64_t hash;
} HashCase;

/* Reference 2.10.1: the values Prometheus' default build gives these series. */
static const HashCase hash_cases[] = {
	{"production", "0", UINT64_C(0x18351c049c0d95e6)},
	{"production", "1", UINT64_C(0x198451ea70e5db8e)},
	{"canary", "0", UINT64_C(0xfa6e5aa974a03e59)},
	{"canary", "1", UINT64_C(0x346a4899145fe6e8)},
	{"canary", "2", UINT64_C(0xdc90a5ca507c8bb9)},
	{"canary", "3", UINT64_C(0x534126af8bc0f6bb)},
	{"canary", "histogram_1", UINT64_C(0x87a3ed55a8c2b3f8)},
	{"canary", "histogram_2", UINT64_C(0x27f02db7f0c5a740)},
};

UNIT_TEST(labels_hashes)
{
	for (size_t i = 0; i < sizeof(hash_cases) / sizeof(hash_cases[0]); i++)
	{
		Labels ls = make("job", "api-server", "instance", hash_cases[i].instance, LABELS_NAME,
						 "http_requests", "group", hash_cases[i].group);

		CHECK(labels_hash(ls) == hash_cases[i].hash);
		CHECK(labels_check(ls.data, ls.len));
	}
	CHECK(labels_hash((Labels){NULL, 0}) == UINT64_C(0xef46db3751d8e999));
}

/* Lengths around the switch from one byte to 255 and three. */
UNIT_TEST(labels_lengths)
{
	static const uint32_t lengths[] = {1, 127, 128, 253, 254, 255, 256, 65535, 65536, 200000};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
	{
		char *value = mem_alloc0(lengths[i] + 1);
		Labels ls;
		StrView got;
		uint8_t *exact;

		memset(value, 'v', lengths[i]);
		ls = make("a", value, "b", "2");
		CHECK_INT(ls.len, 2 + (lengths[i] < 255 ? 1 : 4) + lengths[i] + 4);
		CHECK(labels_get(ls, strview_cstr("a"), &got) && got.len == lengths[i]);
		CHECK(labels_get(ls, strview_cstr("b"), &got) && strview_eq_cstr(got, "2"));
		CHECK(labels_check(ls.data, ls.len));
		for (uint32_t cut = 1; cut < ls.len; cut += 1 + cut / 7)
		{
			bool at_border = cut == ls.len - 4;

			exact = mem_dup(ls.data, cut);
			CHECK(labels_check(exact, cut) == at_border);
			mem_free(exact);
		}
		mem_free(value);
	}
}

UNIT_TEST(labels_check_refuses)
{
	static const struct
	{
		const char *bytes;
		size_t len;
		bool ok;
	} cases[] = {
		{"", 0, true},
		{"\1a\1x", 4, true},
		{"\1a\1x\1b\1y", 8, true},
		{"\1b\1x\1a\1y", 8, false},			/* order */
		{"\1a\1x\1a\1y", 8, false},			/* twice */
		{"\1a\0", 3, false},				/* empty value */
		{"\0\1x", 3, false},				/* empty name */
		{"\1a", 2, false},					/* no value */
		{"\1a\2x", 4, false},				/* short */
		{"\1a\xff\1\0\0x", 7, false},		/* long form of a short length */
		{"\1a\xff\xff\xff\xffx", 7, false}, /* beyond the end */
		{"\xff\xff", 2, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		uint8_t *exact = mem_dup(cases[i].bytes, cases[i].len);

		if (labels_check(exact, cases[i].len) != cases[i].ok)
			unit_fail(__FILE__, __LINE__, "case %zu", i);
		mem_free(exact);
	}
}

UNIT_TEST(labels_building)
{
	LabelsBuilder b;
	Labels ls, again;

	labels_builder_init(&b);
	labels_builder_set(&b, strview_cstr("z"), strview_cstr("1"));
	labels_builder_set(&b, strview_cstr("a"), strview_cstr("2"));
	labels_builder_set(&b, strview_cstr("m"), strview_cstr("3"));
	labels_builder_set(&b, strview_cstr("a"), strview_cstr("4")); /* replaces */
	labels_builder_set(&b, strview_cstr("m"), strview("", 0));	  /* removes */
	labels_builder_set(&b, strview_cstr("none"), strview("", 0));
	labels_builder_del(&b, strview_cstr("none"));
	ls = labels_builder_finish(&b);
	CHECK_INT(labels_count(ls), 2);
	CHECK(labels_equal(ls, make("a", "4", "z", "1")));
	labels_builder_from(&b, ls);
	labels_builder_del(&b, strview_cstr("a"));
	again = labels_builder_finish(&b);
	CHECK(labels_equal(again, make("z", "1")));
	labels_builder_reset(&b);
	CHECK_INT(labels_builder_finish(&b).len, 0);
	CHECK(labels_equal(labels_copy(ls), ls));
	CHECK(strview_eq_cstr(labels_metric_name(make(LABELS_NAME, "up")), "up"));
	CHECK_INT(labels_metric_name(ls).len, 0);
}

/* Ascending in Prometheus' order. */
UNIT_TEST(labels_sorting)
{
	Label labels[100];
	char names[100][8];

	for (int n = 0; n <= 100; n++)
	{
		int expected = 0;

		for (int i = 0; i < n; i++)
		{
			int number = i * 37 % 101;

			snprintf(names[i], sizeof(names[i]), "n%03d", number);
			labels[i] = (Label){strview_cstr(names[i]), strview_cstr(number % 5 == 0 ? "" : "v")};
			expected += number % 5 != 0;
		}
		CHECK_INT(labels_sort(labels, n), expected);
		for (int i = 1; i < expected; i++)
			CHECK(strview_cmp(labels[i - 1].name, labels[i].name) < 0 && labels[i].value.len > 0);
		if (n >= 2)
		{
			labels[0] = labels[n - 1] = (Label){strview_cstr("twice"), strview_cstr("")};
			CHECK_INT(labels_sort(labels, n), -1);
		}
	}
}

UNIT_TEST(labels_order)
{
	Labels sets[] = {
		(Labels){NULL, 0},		  make("a", "1"),			make("a", "1", "b", "1"),
		make("a", "1", "b", "2"), make("a", "1", "c", "1"), make("a", "10"),
		make("a", "2"),			  make("aa", "1"),			make("b", "0"),
		make("b", "\xc3\xbc"),
	};
	int n = sizeof(sets) / sizeof(sets[0]);

	for (int i = 0; i < n; i++)
	{
		for (int k = 0; k < n; k++)
		{
			int c = labels_cmp(sets[i], sets[k]);

			CHECK_INT((c > 0) - (c < 0), (i > k) - (i < k));
			CHECK(labels_equal(sets[i], sets[k]) == (i == k));
		}
	}
}

typedef struct TextCase
{
	Labels ls;
	const char *text, *json;
} TextCase;

UNIT_TEST(labels_texts)
{
	TextCase cases[] = {
		{(Labels){NULL, 0}, "{}", "{}"},
		{make(LABELS_NAME, "up"), "up", "{\"__name__\":\"up\"}"},
		{make(LABELS_NAME, "up", "job", "a\"b"), "up{job=\"a\\\"b\"}",
		 "{\"__name__\":\"up\",\"job\":\"a\\\"b\"}"},
		{make("b", "2", "a", "1"), "{a=\"1\", b=\"2\"}", "{\"a\":\"1\",\"b\":\"2\"}"},
		{make(LABELS_NAME, "my.metric", "a", "1"), "{\"my.metric\", a=\"1\"}",
		 "{\"__name__\":\"my.metric\",\"a\":\"1\"}"},
		{make(LABELS_NAME, "my.metric"), "{\"my.metric\"}", "{\"__name__\":\"my.metric\"}"},
		{make("a.b", "<x>\n"), "{\"a.b\"=\"<x>\\n\"}", "{\"a.b\":\"<x>\\n\"}"},
		{make(LABELS_NAME, "a:b"), "a:b", "{\"__name__\":\"a:b\"}"},
	};
	Buf b;

	buf_init(&b, 0, 1000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		buf_reset(&b);
		labels_text(&b, cases[i].ls);
		CHECK_STR(b.data, cases[i].text);
		buf_reset(&b);
		labels_json(&b, cases[i].ls);
		CHECK_STR(b.data, cases[i].json);
	}
	CHECK(labels_name_legacy_valid(strview_cstr("_a1")));
	CHECK(!labels_name_legacy_valid(strview_cstr("1a")));
	CHECK(!labels_name_legacy_valid(strview_cstr("a:b")));
	CHECK(!labels_name_legacy_valid(strview("", 0)));
	CHECK(labels_metric_legacy_valid(strview_cstr(":a1")));
	CHECK(!labels_metric_legacy_valid(strview_cstr("a-b")));
}

typedef struct ParseCase
{
	const char *text;
	const char *canonical; /* NULL: refused */
	int pos;			   /* of the error */
} ParseCase;

static const ParseCase parse_cases[] = {
	{"up", "up", 0},
	{"{}", "{}", 0},
	{" { } ", "{}", 0},
	{"up{}", "up", 0},
	{"up{job=\"a\",}", "up{job=\"a\"}", 0},
	{" up { b = 'x' , a = `y\\` } ", "up{a=\"y\\\\\", b=\"x\"}", 0},
	{"{__name__=\"up\", a=\"1\"}", "up{a=\"1\"}", 0},
	{"{\"up\"}", "up", 0},
	{"{\"odd name\", \"odd.label\"=\"1\"}", "{\"odd name\", \"odd.label\"=\"1\"}", 0},
	{"nan{on=\"by\"}", "nan{on=\"by\"}", 0},
	{"on", "on", 0},
	{"a:b{c=\"\"}", "a:b", 0},
	{"{a=\"\", a=\"x\"}", "{a=\"x\"}", 0},
	{"{a=\"\\x00\\u00fc\"}", "{a=\"\\x00\xc3\xbc\"}", 0},
	{"{a=\"\xef\xbf\xbd\"}", "{a=\"\xef\xbf\xbd\"}", 0},
	{"", NULL, 0},
	{"  ", NULL, 2},
	{"1", NULL, 0},
	{"up{", NULL, 3},
	{"up{a}", NULL, 4},
	{"up{a=}", NULL, 5},
	{"up{a=\"x}", NULL, 5},
	{"up{a=\"x\" b=\"y\"}", NULL, 9},
	{"up{a=\"x\"} 1", NULL, 10},
	{"up{a!=\"x\"}", NULL, 4},
	{"up{,}", NULL, 3},
	{"up{a=\"x\",a=\"x\"}", NULL, 9},
	{"up{__name__=\"down\"}", NULL, 3},
	{"{\"up\", \"down\"}", NULL, 7},
	{"{\"\"=\"x\"}", NULL, 1},
	{"{a=\"\\xff\"}", NULL, 3},
	{"{\"\\xc3\"=\"x\"}", NULL, 1},
	{"{1a=\"x\"}", NULL, 1},
	{"up{a=\"x\"", NULL, 8},
};

UNIT_TEST(labels_parsing)
{
	Buf b;

	buf_init(&b, 0, 1000);
	for (size_t i = 0; i < sizeof(parse_cases) / sizeof(parse_cases[0]); i++)
	{
		const ParseCase *c = &parse_cases[i];
		size_t len = strlen(c->text);
		char *exact = mem_dup(c->text, len);
		Err err = ERR_INIT;
		Labels ls, back;
		bool ok = labels_parse(exact, len, &ls, &err);

		if (ok != (c->canonical != NULL))
			unit_fail(__FILE__, __LINE__, "%s: %s", c->text, ok ? "accepted" : err.msg);
		else if (!ok)
			CHECK_INT(err.pos, c->pos);
		else
		{
			CHECK(labels_check(ls.data, ls.len));
			buf_reset(&b);
			labels_text(&b, ls);
			CHECK_STR(b.data, c->canonical);
			CHECK(labels_parse(b.data, b.len, &back, &err) && labels_equal(ls, back));
		}
		mem_free(exact);
	}
}

typedef struct MatcherCase
{
	MatchType type;
	const char *name, *value;
	bool matches, matches_empty; /* the label set below; a missing label */
	const char *text;
} MatcherCase;

static const MatcherCase matcher_cases[] = {
	{MATCH_EQUAL, "job", "api", true, false, "job=\"api\""},
	{MATCH_EQUAL, "job", "ap", false, false, "job=\"ap\""},
	{MATCH_EQUAL, "none", "", true, true, "none=\"\""},
	{MATCH_NOT_EQUAL, "job", "web", true, true, "job!=\"web\""},
	{MATCH_NOT_EQUAL, "none", "", false, false, "none!=\"\""},
	{MATCH_REGEX, "job", "a.*", true, false, "job=~\"a.*\""},
	{MATCH_REGEX, "job", "pi", false, false, "job=~\"pi\""},
	{MATCH_REGEX, "none", ".*", true, true, "none=~\".*\""},
	{MATCH_REGEX, "none", "|a", true, true, "none=~\"|a\""},
	{MATCH_NOT_REGEX, "job", "a|b", true, true, "job!~\"a|b\""},
	{MATCH_NOT_REGEX, "job", ".+", false, true, "job!~\".+\""},
	{MATCH_NOT_REGEX, "a.b", "\\d\"", true, true, "\"a.b\"!~\"\\\\d\\\"\""},
};

UNIT_TEST(matchers)
{
	Labels ls = make("job", "api", "zone", "eu");
	Buf b;

	buf_init(&b, 0, 1000);
	for (size_t i = 0; i < sizeof(matcher_cases) / sizeof(matcher_cases[0]); i++)
	{
		const MatcherCase *c = &matcher_cases[i];
		Err err = ERR_INIT;
		Matcher m;

		CHECK(matcher_init(&m, c->type, strview_cstr(c->name), strview_cstr(c->value), &err));
		CHECK(matchers_match(&m, 1, ls) == c->matches);
		CHECK(matcher_matches_empty(&m) == c->matches_empty);
		buf_reset(&b);
		matcher_text(&b, &m);
		CHECK_STR(b.data, c->text);
	}
	Matcher m;
	Err err = ERR_INIT;

	CHECK(!matcher_init(&m, MATCH_REGEX, strview_cstr("a"), strview_cstr("("), &err));
	CHECK_STR(err.msg, "error parsing regexp: missing closing ): `(`");
	CHECK(matchers_match(NULL, 0, ls));
}
