/*
 * text_digits.cc
 *    Shortest round-trip digits (Ryu) and correctly rounded reading, from libstdc++'s <charconv>.
 *
 * Both are exact, independent of the locale and allocate nothing; so no exception can arise.
 */
#include "util/text_digits.h"

#include <charconv>
#include <cstdlib>

/*
 * text_digits_shortest -- the fewest decimal digits that read back to v.
 *
 * v must be finite and > 0.  Writes 1 to TEXT_DIGITS_MAX digits without trailing zeros, no NUL,
 * and returns their number; the value is 0.DIGITS times ten to the power *point.
 */
extern "C" int
text_digits_shortest(double v, char *digits, int *point)
{
	char text[32];
	std::to_chars_result r =
		std::to_chars(text, text + sizeof(text), v, std::chars_format::scientific);
	const char *p = text;
	int n = 0;

	for (; *p != 'e'; p++)
		if (*p != '.')
			digits[n++] = *p;
	p++; /* 'e', then a sign and at least two digits */
	bool negative = *p++ == '-';
	int exponent = 0;
	for (; p < r.ptr; p++)
		exponent = exponent * 10 + (*p - '0');
	*point = (negative ? -exponent : exponent) + 1;
	return n;
}

/*
 * text_digits_parse -- read a number whose syntax the caller has checked.
 *
 * Decimal "12.5e-3", or hexadecimal "1.8p3" without 0x.  Returns false, *v untouched, if the value
 * is too large or too small for a double.
 */
extern "C" bool
text_digits_parse(const char *s, size_t len, bool hex, double *v)
{
	std::from_chars_result r =
		std::from_chars(s, s + len, *v, hex ? std::chars_format::hex : std::chars_format::general);

	return r.ec == std::errc();
}
