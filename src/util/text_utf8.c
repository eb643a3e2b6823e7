/*
 * text_utf8.c
 *    UTF-8 as Go's unicode/utf8 reads it: shortest forms only, no surrogates, at most 10FFFF;
 *    an offending byte is one rune of its own, U+FFFD.
 */
#include "util/text.h"

#include <assert.h>

#define RUNE_ERROR 0xFFFDu
#define RUNE_MAX   0x10FFFFu

static bool
is_tail(const char *p)
{
	return ((uint8_t) *p & 0xC0) == 0x80;
}

/*
 * text_utf8_decode -- the rune at p, which must lie before end.
 *
 * *rune_len gets its length in bytes.  Invalid or truncated input gives 0xFFFD with length 1,
 * which tells it from a genuine U+FFFD (length 3).
 */
uint32_t
text_utf8_decode(const char *p, const char *end, int *rune_len)
{
	uint8_t c = (uint8_t) *p;
	uint32_t r;

	assert(p < end);
	*rune_len = 1;
	if (c < 0x80)
		return c;
	if (c >= 0xC2 && c <= 0xDF && end - p >= 2 && is_tail(p + 1))
	{
		*rune_len = 2;
		return (c & 0x1Fu) << 6 | ((uint8_t) p[1] & 0x3Fu);
	}
	if (c >= 0xE0 && c <= 0xEF && end - p >= 3 && is_tail(p + 1) && is_tail(p + 2))
	{
		r = (c & 0x0Fu) << 12 | ((uint8_t) p[1] & 0x3Fu) << 6 | ((uint8_t) p[2] & 0x3Fu);
		if (r >= 0x800 && (r < 0xD800 || r > 0xDFFF))
		{
			*rune_len = 3;
			return r;
		}
	}
	if (c >= 0xF0 && c <= 0xF4 && end - p >= 4 && is_tail(p + 1) && is_tail(p + 2) &&
		is_tail(p + 3))
	{
		r = (c & 0x07u) << 18 | ((uint8_t) p[1] & 0x3Fu) << 12 | ((uint8_t) p[2] & 0x3Fu) << 6 |
			((uint8_t) p[3] & 0x3Fu);
		if (r >= 0x10000 && r <= RUNE_MAX)
		{
			*rune_len = 4;
			return r;
		}
	}
	return RUNE_ERROR;
}

/*
 * text_utf8_encode -- write rune at out (room for 4) and return its length.  Surrogates and
 * values above 10FFFF become U+FFFD.
 */
int
text_utf8_encode(char *out, uint32_t rune)
{
	if (rune > RUNE_MAX || (rune >= 0xD800 && rune <= 0xDFFF))
		rune = RUNE_ERROR;
	if (rune < 0x80)
	{
		out[0] = (char) rune;
		return 1;
	}
	if (rune < 0x800)
	{
		out[0] = (char) (0xC0 | rune >> 6);
		out[1] = (char) (0x80 | (rune & 0x3F));
		return 2;
	}
	if (rune < 0x10000)
	{
		out[0] = (char) (0xE0 | rune >> 12);
		out[1] = (char) (0x80 | (rune >> 6 & 0x3F));
		out[2] = (char) (0x80 | (rune & 0x3F));
		return 3;
	}
	out[0] = (char) (0xF0 | rune >> 18);
	out[1] = (char) (0x80 | (rune >> 12 & 0x3F));
	out[2] = (char) (0x80 | (rune >> 6 & 0x3F));
	out[3] = (char) (0x80 | (rune & 0x3F));
	return 4;
}

/* text_utf8_valid -- is all of s valid UTF-8?  Plain ASCII is checked eight bytes at a time. */
bool
text_utf8_valid(const char *s, size_t len)
{
	const char *p = s, *end = s + len;

	while (p < end)
	{
		uint64_t word;
		int n;

		if (end - p >= 8)
		{
			memcpy(&word, p, sizeof(word));
			if ((word & UINT64_C(0x8080808080808080)) == 0)
			{
				p += 8;
				continue;
			}
		}
		if (text_utf8_decode(p, end, &n) == RUNE_ERROR && n == 1)
			return false;
		p += n;
	}
	return true;
}
