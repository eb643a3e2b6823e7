/*
 * text_quote.c
 *    Quoted strings: Go's strconv.Quote and JSON.
 *
 * Both copy runs of ordinary bytes at once and look only at what needs an escape.
 */
#include "util/text.h"

#define RUNE_ERROR 0xFFFDu

typedef struct RuneRange
{
	uint32_t first;
	uint32_t last;
} RuneRange;

static const RuneRange printable[] = {
#define R(a, b) {a, b},
#include "util/unicode_print.def"
#undef R
};

static const char hex_digits[] = "0123456789abcdef";

/* rune_is_print -- Go's unicode.IsPrint. */
static bool
rune_is_print(uint32_t r)
{
	size_t lo = 0, hi = sizeof(printable) / sizeof(printable[0]);

	while (lo < hi)
	{
		size_t mid = (lo + hi) / 2;

		if (r > printable[mid].last)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < sizeof(printable) / sizeof(printable[0]) && r >= printable[lo].first;
}

/* append_hex -- prefix and the low digits*4 bits of v as that many lower-case digits. */
static void
append_hex(Buf *b, const char *prefix, uint32_t v, int digits)
{
	char out[8];

	for (int i = digits - 1; i >= 0; i--, v >>= 4)
		out[i] = hex_digits[v & 0xF];
	buf_str(b, prefix);
	buf_append(b, out, (size_t) digits);
}

/* quote_rune -- the escape of a rune that cannot stand for itself in a Go string. */
static void
quote_rune(Buf *b, uint32_t r)
{
	static const char letters[] = "abtnvfr"; /* 7 to 13 */

	if (r >= 7 && r <= 13)
	{
		buf_char(b, '\\');
		buf_char(b, letters[r - 7]);
	}
	else if (r < ' ' || r == 0x7F)
		append_hex(b, "\\x", r, 2);
	else if (r < 0x10000)
		append_hex(b, "\\u", r, 4);
	else
		append_hex(b, "\\U", r, 8);
}

/*
 * text_quote -- append s as a Go double-quoted string literal.
 *
 * Printable runes stay, control characters become \n or \x01 forms, other runes \u or \U, bytes
 * that are not UTF-8 \xHH.
 */
void
text_quote(Buf *b, const char *s, size_t len)
{
	const char *p = s, *end = s + len, *run = s;

	buf_char(b, '"');
	while (p < end)
	{
		int n;
		uint32_t r = text_utf8_decode(p, end, &n);
		bool invalid = r == RUNE_ERROR && n == 1;

		if (!invalid && r != '"' && r != '\\' &&
			((r >= ' ' && r < 0x7F) || (r >= 0x80 && rune_is_print(r))))
		{
			p += n;
			continue;
		}
		buf_append(b, run, (size_t) (p - run));
		if (invalid)
			append_hex(b, "\\x", (uint8_t) *p, 2);
		else if (r == '"' || r == '\\')
		{
			buf_char(b, '\\');
			buf_char(b, (char) r);
		}
		else
			quote_rune(b, r);
		p += n;
		run = p;
	}
	buf_append(b, run, (size_t) (p - run));
	buf_char(b, '"');
}

/*
 * text_json_string -- append s as a JSON string.
 *
 * With html, < > & and the line separators U+2028 and U+2029 are escaped too, as Go's
 * encoding/json does in generic objects.  Bytes that are not UTF-8 become U+FFFD, so the output is
 * always valid JSON.
 */
void
text_json_string(Buf *b, const char *s, size_t len, bool html)
{
	const char *p = s, *end = s + len, *run = s;

	buf_char(b, '"');
	while (p < end)
	{
		uint8_t c = (uint8_t) *p;
		uint32_t r = c;
		int n = 1;

		if (c >= ' ' && c < 0x80 && c != '"' && c != '\\' &&
			!(html && (c == '<' || c == '>' || c == '&')))
		{
			p++;
			continue;
		}
		if (c >= 0x80)
		{
			r = text_utf8_decode(p, end, &n);
			if (!(r == RUNE_ERROR && n == 1) && !(html && (r == 0x2028 || r == 0x2029)))
			{
				p += n;
				continue;
			}
		}
		buf_append(b, run, (size_t) (p - run));
		switch (r)
		{
			case '"':
			case '\\':
				buf_char(b, '\\');
				buf_char(b, (char) r);
				break;
			case '\n':
				buf_append(b, "\\n", 2);
				break;
			case '\r':
				buf_append(b, "\\r", 2);
				break;
			case '\t':
				buf_append(b, "\\t", 2);
				break;
			default:
				append_hex(b, "\\u", r, 4);
		}
		p += n;
		run = p;
	}
	buf_append(b, run, (size_t) (p - run));
	buf_char(b, '"');
}
