/*
 * test_regex.c
 *    Regular expressions: errors in Go's words, shapes, matching with and without RE2, expansion,
 *    the cache.
 */
#include "unit.h"

#include "model/regex.h"

typedef struct ErrorCase
{
	const char *pattern;
	const char *error; /* behind "error parsing regexp: " */
} ErrorCase;

static const ErrorCase error_cases[] = {
	{"*", "missing argument to repetition operator: `*`"},
	{"a|*", "missing argument to repetition operator: `*`"},
	{"a**", "invalid nested repetition operator: `**`"},
	{"a*+", "invalid nested repetition operator: `*+`"},
	{"(", "missing closing ): `(`"},
	{"foo(bar", "missing closing ): `foo(bar`"},
	{")", "unexpected ): `)`"},
	{"a)b", "unexpected ): `a)b`"},
	{"[", "missing closing ]: `[`"},
	{"x[a-z", "missing closing ]: `[a-z`"},
	{"[z-a]", "invalid character class range: `z-a`"},
	{"[[:foo:]]", "invalid character class range: `[:foo:]`"},
	{"\\pX", "invalid character class range: `\\pX`"},
	{"\\8", "invalid escape sequence: `\\8`"},
	{"a\\C", "invalid escape sequence: `\\C`"},
	{"a\\", "trailing backslash at end of expression: ``"},
	{"a{2,1}", "invalid repeat count: `{2,1}`"},
	{"a{1001}", "invalid repeat count: `{1001}`"},
	{"(?=a)", "invalid or unsupported Perl syntax: `(?=`"},
	{"(?P<n", "invalid named capture: `(?P<n`"},
	{"(?<n", "invalid named capture: `(?<n`"},
	{"(?<n!>a)", "invalid named capture: `(?<n!>`"},
	{"a\xff", "invalid UTF-8: `a\xff`"},
};

UNIT_TEST(regex_errors)
{
	for (size_t i = 0; i < sizeof(error_cases) / sizeof(error_cases[0]); i++)
	{
		Err err = ERR_INIT;

		CHECK(regex_compile(strview_cstr(error_cases[i].pattern), &err) == NULL);
		CHECK_INT(err.code, ERR_BAD_REQUEST);
		CHECK_STR(err.msg, mem_printf("error parsing regexp: %s", error_cases[i].error));
	}
}

typedef struct ShapeCase
{
	const char *pattern;
	const char *literals; /* joined with commas; NULL: not a set */
	const char *prefix;
} ShapeCase;

static const ShapeCase shape_cases[] = {
	{"", "", ""},
	{"foo", "foo", ""},
	{"^foo$", "foo", ""},
	{"b|a|b", "a,b", ""},
	{"(a|b)c?", "a,ac,b,bc", ""},
	{"(?:api|web)-[1-3]", "api-1,api-2,api-3,web-1,web-2,web-3", ""},
	{"https?", "http,https", ""},
	{"a|", ",a", ""},
	{"a||b", ",a,b", ""},
	{"10\\.0\\.0\\.[12]", "10.0.0.1,10.0.0.2", ""},
	{"(a(b|c)|d)(e|f)?", "ab,abe,abf,ac,ace,acf,d,de,df", ""},
	{"gr\xc3\xbc?n", "grn,gr\xc3\xbcn", ""},
	{"a\\$", "a$", ""},
	{"^a|b$", "a,b", ""},
	{"foo.*", NULL, "foo"},
	{"foo\\.bar.+", NULL, "foo.bar"},
	{"fo+bar", NULL, "f"},
	{"foo[^a]", NULL, "foo"},
	{"foo(bar|baz).*", NULL, "foo"},
	{"foo|bar.*", NULL, ""},
	{"foo(a|b.)|bar", NULL, ""},
	{"foo[|].", NULL, "foo"},
	{"(?i)foo", NULL, ""},
	{"foo\\d", NULL, "foo"},
	{"x{2}y", NULL, ""},
	{"ab??", NULL, "a"},
	{".*", NULL, ""},
	{".+", NULL, ""},
	{".*foo.*", NULL, ""},
	{"a\\Q|b\\E", NULL, ""},
};

UNIT_TEST(regex_shapes)
{
	for (size_t i = 0; i < sizeof(shape_cases) / sizeof(shape_cases[0]); i++)
	{
		const ShapeCase *c = &shape_cases[i];
		Err err = ERR_INIT;
		Regex *re = regex_compile(strview_cstr(c->pattern), &err);
		const StrView *literals;
		int n = regex_literals(re, &literals);
		StrView prefix = regex_prefix(re);
		Buf joined;

		buf_init(&joined, 0, 1000);
		for (int k = 0; k < n; k++)
		{
			if (k > 0)
				buf_char(&joined, ',');
			buf_append(&joined, literals[k].s, literals[k].len);
		}
		if ((n > 0) != (c->literals != NULL))
			unit_fail(__FILE__, __LINE__, "\"%s\" has %d literals", c->pattern, n);
		else if (n > 0)
			CHECK_STR(joined.data, c->literals);
		if (c->literals == NULL && !strview_eq_cstr(prefix, c->prefix))
			unit_fail(__FILE__, __LINE__, "\"%s\" has prefix \"%.*s\"", c->pattern,
					  (int) prefix.len, prefix.s);
		regex_free(re);
	}
	CHECK(regex_matches_all(regex_cached(strview_cstr(".*"), NULL)));
	CHECK(!regex_matches_all(regex_cached(strview_cstr(".+"), NULL)));
	CHECK(regex_matches_nonempty(regex_cached(strview_cstr(".+"), NULL)));
	CHECK(!regex_matches_nonempty(regex_cached(strview_cstr(".+a"), NULL)));
}

/* A shape and the engine agree: (?:...) around a pattern that is none keeps RE2 at work. */
UNIT_TEST(regex_shapes_agree_with_engine)
{
	static const char *const patterns[] = {
		"",		"a",	 "a|b",	   "(a|b)c?",	"ab?",	 "[a-c]b",	  ".*",		 ".+",
		"a.*",	"a.+",	 ".*a",	   ".+a",		".*a.*", ".+a.+",	  ".*a.+",	 ".+a.*",
		"^a$",	"^a|b$", "a\\.b",  "(ab|b)?c?", "a||b",	 "[ab][bc]?", "(|a)b",	 "((a)|b)",
		"aa.*", ".*aa",	 ".+aa.+", "a\n.*",		"b.*",	 "",		  ".*\\..*", "(a?b?)c",
	};
	static const char alphabet[] = "abc.\n";

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
	{
		Regex *shape = regex_compile(strview_cstr(patterns[i]), NULL);
		Regex *engine = regex_compile(strview_cstr(mem_printf("(?:%s){1}", patterns[i])), NULL);

		for (int code = 0; code < 6 * 6 * 6 * 6; code++)
		{
			char text[4];
			size_t len = 0;

			for (int k = code; k > 0; k /= 6)
				if (k % 6 < 5)
					text[len++] = alphabet[k % 6];
			if (regex_match(shape, strview(text, len)) != regex_match(engine, strview(text, len)))
				unit_fail(__FILE__, __LINE__, "\"%s\" on \"%.*s\"", patterns[i], (int) len, text);
		}
		regex_free(shape);
		regex_free(engine);
	}
}

typedef struct MatchCase
{
	const char *pattern, *text;
	bool match;
} MatchCase;

static const MatchCase match_cases[] = {
	{"foo[0-9]+", "foo12", true},
	{"foo[0-9]+", "xfoo12", false},
	{"foo[0-9]+", "foo12x", false},
	{"a.c", "a\nc", true},
	{"a|bc|d.", "b", false},
	{"(?i)FOO", "foo", true},
	{"\\pL+", "gr\xc3\xbc\xc3\x9f", true},
	{".", "\xe4\xb8\x96", true},
	{"(?<x>a)b", "ab", true},
	{"(?P<x>a)b", "ab", true},
	{"[(?<]+", "(?<", true},
	{"\\Q(?<\\E", "(?<", true},
	{"\\Qa\\\\E", "a\\", true},
	{"[[:alpha:]]\\d", "x1", true},
	{"(?s)a.b", "a\nb", true},
	{"(?-s)a.b", "a\nb", false},
	{"a$", "a", true},
	{"a\\b.*", "a b", true},
	{"\\x41\\x{42}", "AB", true},
};

UNIT_TEST(regex_matches)
{
	for (size_t i = 0; i < sizeof(match_cases) / sizeof(match_cases[0]); i++)
	{
		const MatchCase *c = &match_cases[i];
		Err err = ERR_INIT;
		const Regex *re = regex_cached(strview_cstr(c->pattern), &err);

		if (re == NULL)
			unit_fail(__FILE__, __LINE__, "\"%s\": %s", c->pattern, err.msg);
		else if (regex_match(re, strview_cstr(c->text)) != c->match)
			unit_fail(__FILE__, __LINE__, "\"%s\" on \"%s\"", c->pattern, c->text);
	}
}

typedef struct ExpandCase
{
	const char *pattern, *text, *template;
	const char *out; /* NULL: no match */
} ExpandCase;

static const ExpandCase expand_cases[] = {
	{"(.*)", "abc", "x-$1-y", "x-abc-y"},
	{"(a)(b)?", "a", "$1/$2/$3", "a//"},
	{"(.*):(.*)", "host:80", "$2_$1", "host"},
	{"(.*):(.*)", "host:80", "${2}_$1", "80_host"},
	{"(?P<host>.*):(?<port>.*)", "h:80", "${port}$host", "80h"},
	{"(.*)", "v", "$1x", ""},
	{"(.*)", "v", "${1}x", "vx"},
	{"(.*)", "v", "$$1 $", "$1 $"},
	{"(.*)", "v", "${1 $-", "${1 $-"},
	{"(.*)", "v", "${} $", "${} $"},
	{"(.*)", "v", "$99999999999", ""},
	{"(a|ab)(c|bcd)(d*)", "abcd", "$1,$2,$3", "a,bcd,"},
	{"foo", "foo", "[$0]", "[foo]"},
	{"foo.*", "foobar", "[$0][$1]", "[foobar][]"},
	{"(foo|bar)", "bar", "$1", "bar"},
	{"foo", "bar", "x", NULL},
	{"", "", "<$0>", "<>"},
};

UNIT_TEST(regex_expansion)
{
	for (size_t i = 0; i < sizeof(expand_cases) / sizeof(expand_cases[0]); i++)
	{
		const ExpandCase *c = &expand_cases[i];
		const Regex *re = regex_cached(strview_cstr(c->pattern), NULL);
		Buf out;

		buf_init(&out, 0, 1000);
		CHECK_INT(regex_expand(re, strview_cstr(c->text), strview_cstr(c->template), &out),
				  c->out != NULL);
		CHECK_STR(out.data, c->out != NULL ? c->out : "");
	}
}

UNIT_TEST(regex_large_sets)
{
	Buf pattern;
	const StrView *literals;
	const Regex *re;

	buf_init(&pattern, 0, 1 << 20);
	for (int i = 0; i < 20000; i++)
		buf_printf(&pattern, "%sinstance-%d", i > 0 ? "|" : "", i);
	re = regex_cached(strview(pattern.data, pattern.len), NULL);
	CHECK_INT(regex_literals(re, &literals), 20000);
	CHECK(regex_match(re, strview_cstr("instance-19999")));
	CHECK(!regex_match(re, strview_cstr("instance-20000")));
	/* products that explode are left to the engine */
	re = regex_cached(strview_cstr("[a-z][a-z][a-z][a-z]"), NULL);
	CHECK_INT(regex_literals(re, &literals), 0);
	CHECK(regex_match(re, strview_cstr("abcd")));
}

/* What regex_cached returned lives until the trim, and the same pattern is the same Regex. */
UNIT_TEST(regex_cache)
{
	const Regex *first = regex_cached(strview_cstr("cache-0.x"), NULL);

	for (int i = 0; i < 500; i++)
		CHECK(regex_cached(strview_cstr(mem_printf("cache-%d.x", i)), NULL) != NULL);
	CHECK(regex_cached(strview_cstr("cache-0.x"), NULL) == first);
	regex_cache_trim();
	CHECK(regex_cached(strview_cstr("cache-0.x"), NULL) == first); /* used last, so kept */
	CHECK(regex_match(first, strview_cstr("cache-0yx")));
}
