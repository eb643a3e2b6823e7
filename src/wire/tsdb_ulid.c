/*
 * tsdb_ulid.c
 *    ULIDs in Crockford's base 32: no I, L, O, U.
 *
 * 26 characters are 130 bits: the first holds only three.
 */
#include "wire/tsdb_ulid.h"

#include <assert.h>

#define TIME_CHARS 10

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void
tsdb_ulid_make(int64_t ms, const uint8_t random[TSDB_ULID_RANDOM], TsdbUlid *out)
{
	assert(ms >= 0 && ms < INT64_C(1) << 48);
	for (int i = TIME_CHARS - 1; i >= 0; i--, ms >>= 5)
		out->text[i] = digits[ms & 31];
	/* five bytes are eight characters */
	for (int part = 0; part < 2; part++)
	{
		uint64_t bits = 0;

		for (int i = 0; i < 5; i++)
			bits = bits << 8 | random[part * 5 + i];
		for (int i = 7; i >= 0; i--, bits >>= 5)
			out->text[TIME_CHARS + part * 8 + i] = digits[bits & 31];
	}
	out->text[TSDB_ULID_LEN] = '\0';
}

/* digit -- the value of a character, -1 if it is none. */
static int
digit(char c)
{
	const char *p;

	if (c >= 'a' && c <= 'z')
		c = (char) (c - 'a' + 'A');
	p = c == '\0' ? NULL : strchr(digits, c);
	return p == NULL ? -1 : (int) (p - digits);
}

bool
tsdb_ulid_parse(const char *text, size_t len, TsdbUlid *out)
{
	if (len != TSDB_ULID_LEN || digit(text[0]) > 7)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		int d = digit(text[i]);

		if (d < 0)
			return false;
		out->text[i] = digits[d];
	}
	out->text[len] = '\0';
	return true;
}

int64_t
tsdb_ulid_time(const TsdbUlid *ulid)
{
	int64_t ms = 0;

	for (int i = 0; i < TIME_CHARS; i++)
		ms = ms << 5 | digit(ulid->text[i]);
	return ms;
}
