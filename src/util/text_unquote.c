/*
 * text_unquote.c
 *    Reading string literals of Go and PromQL: "..." and '...' with escapes, `...` without.
 */
#include "util/text.h"

#include <string.h>

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* digits -- n digits of a base at p to *v; NULL if there are not so many. */
static const char *
digits(const char *p, const char *end, int n, int base, uint32_t *v)
{
	*v = 0;
	for (; n > 0; n--, p++)
	{
		int d = p < end ? hex_digit(*p) : -1;

		if (d < 0 || d >= base)
			return NULL;
		*v = *v * (uint32_t) base + (uint32_t) d;
	}
	return p;
}

/* append_rune -- as UTF-8; false if it is no Unicode scalar value. */
static bool
append_rune(Buf *out, uint32_t r)
{
	char utf8[4];

	if (r > 0x10FFFF || (r >= 0xD800 && r <= 0xDFFF))
		return false;
	buf_append(out, utf8, (size_t) text_utf8_encode(utf8, r));
	return true;
}

/* escape -- what follows a backslash; returns the byte behind, or NULL. */
static const char *
escape(const char *p, const char *end, char quote, Buf *out)
{
	static const char from[] = "abfnrtv\\";
	static const char to[] = "\a\b\f\n\r\t\v\\";
	const char *letter;
	uint32_t v;

	if (p == end)
		return NULL;
	letter = *p != '\0' ? strchr(from, *p) : NULL;
	if (letter != NULL || *p == quote)
	{
		buf_char(out, letter != NULL ? to[letter - from] : quote);
		return p + 1;
	}
	switch (*p)
	{
		case 'x':
			if ((p = digits(p + 1, end, 2, 16, &v)) != NULL)
				buf_char(out, (char) v);
			return p;
		case 'u':
			p = digits(p + 1, end, 4, 16, &v);
			return p != NULL && append_rune(out, v) ? p : NULL;
		case 'U':
			p = digits(p + 1, end, 8, 16, &v);
			return p != NULL && append_rune(out, v) ? p : NULL;
		default:
			p = digits(p, end, 3, 8, &v);
			if (p == NULL || v > 255)
				return NULL;
			buf_char(out, (char) v);
			return p;
	}
}

/*
 * text_unquote -- append what the string literal at p means; returns the byte behind its closing
 * quote, or NULL if there is no well-formed literal.
 *
 * \xHH and \OOO are bytes, so the result need not be UTF-8.  Unlike PromQL's lexer a U+FFFD may
 * stand in it, for text_quote writes it as it is.
 */
const char *
text_unquote(Buf *out, const char *p, const char *end)
{
	char quote = p < end ? *p : '\0';

	if (quote != '"' && quote != '\'' && quote != '`')
		return NULL;
	for (p++; p < end;)
	{
		const char *run = p;

		while (p < end && *p != quote && *p != '\\' && *p != '\n')
			p++;
		buf_append(out, run, (size_t) (p - run));
		if (p == end)
			return NULL;
		if (*p == quote)
			return p + 1;
		if (quote == '`')
			buf_char(out, *p++);
		else if (*p == '\n' || (p = escape(p + 1, end, quote, out)) == NULL)
			return NULL;
	}
	return NULL;
}
