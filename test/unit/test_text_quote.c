/*
 * test_text_quote.c
 *    Go-quoted and JSON strings, UTF-8.
 */
#include "unit.h"

#include "util/text.h"

#define STR(s) s, sizeof(s) - 1

typedef struct QuoteCase
{
	const char *s;
	size_t len;
	const char *go;
	const char *json;
	const char *html;
} QuoteCase;

static const QuoteCase quote_cases[] = {
	{STR(""), "\"\"", "\"\"", "\"\""},
	{STR("abc"), "\"abc\"", "\"abc\"", "\"abc\""},
	{STR("a\"b\\c"), "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\""},
	{STR("\a\b\t\n\v\f\r"), "\"\\a\\b\\t\\n\\v\\f\\r\"",
	 "\"\\u0007\\u0008\\t\\n\\u000b\\u000c\\r\"", "\"\\u0007\\u0008\\t\\n\\u000b\\u000c\\r\""},
	{STR("\0\x1f\x7f"), "\"\\x00\\x1f\\x7f\"", "\"\\u0000\\u001f\x7f\"", "\"\\u0000\\u001f\x7f\""},
	{STR("<a&b>"), "\"<a&b>\"", "\"<a&b>\"", "\"\\u003ca\\u0026b\\u003e\""},
	{STR("gr\xc3\xbc\xc3\x9f \xe4\xb8\x96"), "\"gr\xc3\xbc\xc3\x9f \xe4\xb8\x96\"",
	 "\"gr\xc3\xbc\xc3\x9f \xe4\xb8\x96\"", "\"gr\xc3\xbc\xc3\x9f \xe4\xb8\x96\""},
	/* not printable: no-break space, soft hyphen, line separator, private use, byte order mark */
	{STR("\xc2\xa0\xc2\xad"), "\"\\u00a0\\u00ad\"", "\"\xc2\xa0\xc2\xad\"", "\"\xc2\xa0\xc2\xad\""},
	{STR("\xe2\x80\xa8"), "\"\\u2028\"", "\"\xe2\x80\xa8\"", "\"\\u2028\""},
	{STR("\xee\x80\x80\xef\xbb\xbf"), "\"\\ue000\\ufeff\"", "\"\xee\x80\x80\xef\xbb\xbf\"",
	 "\"\xee\x80\x80\xef\xbb\xbf\""},
	/* unassigned plane 4, an emoji */
	{STR("\xf1\x80\x80\x80\xf0\x9f\x98\x80"), "\"\\U00040000\xf0\x9f\x98\x80\"",
	 "\"\xf1\x80\x80\x80\xf0\x9f\x98\x80\"", "\"\xf1\x80\x80\x80\xf0\x9f\x98\x80\""},
	/* invalid: lone tail, surrogate, overlong, truncated; a genuine U+FFFD stays */
	{STR("a\x80z"), "\"a\\x80z\"", "\"a\\ufffdz\"", "\"a\\ufffdz\""},
	{STR("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\"", "\"\\ufffd\\ufffd\\ufffd\"",
	 "\"\\ufffd\\ufffd\\ufffd\""},
	{STR("\xc0\xaf\xe4\xb8"), "\"\\xc0\\xaf\\xe4\\xb8\"", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"",
	 "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
	{STR("\xef\xbf\xbd"), "\"\xef\xbf\xbd\"", "\"\xef\xbf\xbd\"", "\"\xef\xbf\xbd\""},
};

UNIT_TEST(text_quote_forms)
{
	Buf b;

	buf_init(&b, 0, 1000);
	for (size_t i = 0; i < sizeof(quote_cases) / sizeof(quote_cases[0]); i++)
	{
		const QuoteCase *c = &quote_cases[i];

		buf_reset(&b);
		text_quote(&b, c->s, c->len);
		CHECK_STR(b.data, c->go);
		buf_reset(&b);
		text_json_string(&b, c->s, c->len, false);
		CHECK_STR(b.data, c->json);
		buf_reset(&b);
		text_json_string(&b, c->s, c->len, true);
		CHECK_STR(b.data, c->html);
	}
}

/* What text_quote writes is read back; so are the other two kinds of literal. */
UNIT_TEST(text_unquote_reads_back)
{
	Buf quoted, back;

	buf_init(&quoted, 0, 1000);
	buf_init(&back, 0, 1000);
	for (size_t i = 0; i < sizeof(quote_cases) / sizeof(quote_cases[0]); i++)
	{
		const QuoteCase *c = &quote_cases[i];
		const char *end;

		buf_reset(&quoted);
		buf_reset(&back);
		text_quote(&quoted, c->s, c->len);
		end = text_unquote(&back, quoted.data, quoted.data + quoted.len);
		CHECK(end == quoted.data + quoted.len);
		CHECK(back.len == c->len && memcmp(back.data, c->s, c->len) == 0);
		/* cut anywhere it is no literal */
		for (size_t cut = 0; cut < quoted.len; cut++)
		{
			char *exact = mem_dup(quoted.data, cut);

			CHECK(text_unquote(&back, exact, exact + cut) == NULL);
			mem_free(exact);
		}
	}
}

UNIT_TEST(text_unquote_forms)
{
	static const struct
	{
		const char *literal;
		const char *text; /* NULL: refused */
	} cases[] = {
		{"'a\\'\\\\\\101\\x42\\u00fc\\U0001F600\\t'", "a'\\AB\303\274\360\237\230\200\t"},
		{"`a\\n\n\"`", "a\\n\n\""},
		{"\"'`\"", "'`"},
		{"\"a\nb\"", NULL},
		{"\"\\'\"", NULL},
		{"'\\\"'", NULL},
		{"\"\\q\"", NULL},
		{"\"\\400\"", NULL},
		{"\"\\08\"", NULL},
		{"\"\\ud800\"", NULL},
		{"\"\\U00110000\"", NULL},
		{"\"\\", NULL},
		{"a", NULL},
		{"", NULL},
	};
	Buf b;

	buf_init(&b, 0, 1000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const char *s = cases[i].literal;
		const char *end;

		buf_reset(&b);
		end = text_unquote(&b, s, s + strlen(s));
		if ((end != NULL) != (cases[i].text != NULL))
			unit_fail(__FILE__, __LINE__, "case %zu", i);
		else if (end != NULL)
		{
			CHECK(*end == '\0');
			CHECK_STR(b.data, cases[i].text);
		}
	}
}

/* Every rune survives encode and decode; surrogates do not exist. */
UNIT_TEST(text_utf8_all_runes)
{
	for (uint32_t r = 0; r <= 0x10FFFF; r++)
	{
		char out[4];
		int n = text_utf8_encode(out, r), len;
		uint32_t back = text_utf8_decode(out, out + n, &len);
		uint32_t want = r >= 0xD800 && r <= 0xDFFF ? 0xFFFD : r;

		if (back != want || len != n || !text_utf8_valid(out, (size_t) n))
			unit_fail(__FILE__, __LINE__, "rune %x -> %x", r, back);
		if (n > 1 && text_utf8_valid(out, (size_t) n - 1))
			unit_fail(__FILE__, __LINE__, "truncated rune %x is valid", r);
	}
	CHECK(text_utf8_valid("plain ascii, longer than a word", 31));
	CHECK(!text_utf8_valid("plain ascii\xff longer", 19));
	CHECK(!text_utf8_valid("\xf4\x90\x80\x80", 4));
}
