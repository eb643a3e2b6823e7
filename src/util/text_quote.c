/*
 * text_quote.c
 *    Strings as Go and JSON quote them; UTF-8.
 */
#include "util/text.h"

uint32_t
text_utf8_decode(const char *p, const char *end, int *rune_len)
{
	const unsigned char *u = (const unsigned char *) p;
	size_t left = (size_t) (end - p);
	uint32_t r;

	*rune_len = 1;
	if (u[0] < 0x80)
		return u[0];
	if (u[0] >= 0xC2 && u[0] <= 0xDF && left >= 2 && (u[1] & 0xC0) == 0x80)
	{
		*rune_len = 2;
		return (uint32_t) (u[0] & 0x1F) << 6 | (u[1] & 0x3F);
	}
	if ((u[0] & 0xF0) == 0xE0 && left >= 3 && (u[1] & 0xC0) == 0x80 && (u[2] & 0xC0) == 0x80)
	{
		r = (uint32_t) (u[0] & 0x0F) << 12 | (uint32_t) (u[1] & 0x3F) << 6 | (u[2] & 0x3F);
		if (r >= 0x800 && !(r >= 0xD800 && r <= 0xDFFF))
		{
			*rune_len = 3;
			return r;
		}
	}
	if (u[0] >= 0xF0 && u[0] <= 0xF4 && left >= 4 && (u[1] & 0xC0) == 0x80 &&
		(u[2] & 0xC0) == 0x80 && (u[3] & 0xC0) == 0x80)
	{
		r = (uint32_t) (u[0] & 0x07) << 18 | (uint32_t) (u[1] & 0x3F) << 12 |
			(uint32_t) (u[2] & 0x3F) << 6 | (u[3] & 0x3F);
		if (r >= 0x10000 && r <= 0x10FFFF)
		{
			*rune_len = 4;
			return r;
		}
	}
	return 0xFFFD;
}

int
text_utf8_encode(char *out, uint32_t r)
{
	if (r < 0x80)
	{
		out[0] = (char) r;
		return 1;
	}
	if (r < 0x800)
	{
		out[0] = (char) (0xC0 | r >> 6);
		out[1] = (char) (0x80 | (r & 0x3F));
		return 2;
	}
	if (r < 0x10000)
	{
		out[0] = (char) (0xE0 | r >> 12);
		out[1] = (char) (0x80 | (r >> 6 & 0x3F));
		out[2] = (char) (0x80 | (r & 0x3F));
		return 3;
	}
	out[0] = (char) (0xF0 | r >> 18);
	out[1] = (char) (0x80 | (r >> 12 & 0x3F));
	out[2] = (char) (0x80 | (r >> 6 & 0x3F));
	out[3] = (char) (0x80 | (r & 0x3F));
	return 4;
}

bool
text_utf8_valid(const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end)
	{
		int n;

		if ((unsigned char) *s < 0x80)
		{
			s++;
			continue;
		}
		if (text_utf8_decode(s, end, &n) == 0xFFFD && n == 1)
			return false;
		s += n;
	}
	return true;
}

void
text_quote(Buf *b, const char *s, size_t len)
{
	const char *end = s + len;

	buf_char(b, '"');
	while (s < end)
	{
		int n;
		uint32_t r = text_utf8_decode(s, end, &n);

		if (r == 0xFFFD && n == 1)
			buf_printf(b, "\\x%02x", (unsigned char) *s);
		else if (r == '"' || r == '\\')
			buf_printf(b, "\\%c", (char) r);
		else if (r >= 0x20 && r < 0x7F)
			buf_char(b, (char) r);
		else if (r < 0x20 || r == 0x7F)
		{
			static const char escapes[] = "abtnvfr"; /* from 7 on */

			if (r >= 7 && r <= 13)
				buf_printf(b, "\\%c", escapes[r - 7]);
			else
				buf_printf(b, "\\x%02x", r);
		}
		else if ((r >= 0x80 && r < 0xA0) || r == 0xAD || r == 0x2028 || r == 0x2029 ||
				 (r >= 0xE000 && r <= 0xF8FF) || r == 0xFEFF || r == 0xA0)
			buf_printf(b, "\\u%04x", r); /* not printable in Go's sense */
		else
			buf_append(b, s, (size_t) n);
		s += n;
	}
	buf_char(b, '"');
}

void
text_json_string(Buf *b, const char *s, size_t len, bool html)
{
	const char *end = s + len;
	const char *run = s;

	buf_char(b, '"');
	while (s < end)
	{
		unsigned char c = (unsigned char) *s;
		int n = 1;
		uint32_t r = c;

		if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\' &&
			!(html && (c == '<' || c == '>' || c == '&')))
		{
			s++;
			continue;
		}
		if (c >= 0x80)
		{
			r = text_utf8_decode(s, end, &n);
			if (!(r == 0xFFFD && n == 1) && !(r == 0x2028 || r == 0x2029))
			{
				s += n;
				continue;
			}
		}
		buf_append(b, run, (size_t) (s - run));
		if (r == '"' || r == '\\')
			buf_printf(b, "\\%c", (char) r);
		else if (r == '\n')
			buf_str(b, "\\n");
		else if (r == '\r')
			buf_str(b, "\\r");
		else if (r == '\t')
			buf_str(b, "\\t");
		else
			buf_printf(b, "\\u%04x", r);
		s += n;
		run = s;
	}
	buf_append(b, run, (size_t) (s - run));
	buf_char(b, '"');
}
