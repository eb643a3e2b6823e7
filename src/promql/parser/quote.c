/*
 * quote.c
 *    Strings and runes as Go's %q and %#U write them in messages.
 */
#include "promql/parser/parser_int.h"

#include "util/mem.h"
#include "util/text.h"

#include <string.h>

const char *
promql_quote(StrView s)
{
	Buf b;

	buf_init(&b, s.len + 8, SIZE_MAX / 2);
	text_quote(&b, s.s, s.len);
	return b.data;
}

/* rune in double quotes, escaped if it must be */
static const char *
quoted_rune(uint32_t rune)
{
	char utf8[4];

	return promql_quote(strview(utf8, text_utf8_encode(utf8, rune)));
}

const char *
promql_quote_rune(uint32_t rune)
{
	const char *q;

	if (rune == '\'')
		return "'\\''";
	if (rune == '"')
		return "'\"'";
	q = quoted_rune(rune);
	return mem_printf("'%.*s'", (int) strlen(q) - 2, q + 1);
}

const char *
promql_unicode_name(uint32_t rune)
{
	const char *q = quoted_rune(rune);
	bool printable = q[1] != '\\' || rune == '"' || rune == '\\';
	char utf8[4];
	int n = text_utf8_encode(utf8, rune);

	if (!printable)
		return mem_printf("U+%04X", (unsigned) rune);
	return mem_printf("U+%04X '%.*s'", (unsigned) rune, n, utf8);
}
