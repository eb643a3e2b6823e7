/*
 * text_number.c
 *    Doubles to text in Go's forms, and Go's ParseFloat.
 *
 * All forms print the fewest digits that read back to the same double.  Most samples are integers
 * or decimals of up to three places; both are recognised by exact arithmetic and need no
 * search for digits:  if n = v * 1000 is an integer below 10^15 and n / 1000 == v (a correctly
 * rounded division), then n's digits are the answer, because two different decimals of at most
 * 15 digits are never the same double.
 */
#include "util/text.h"

#include "util/mem.h"
#include "util/text_digits.h"

#include <math.h>
#include <stdlib.h>

#define EXACT_DIGITS_LIMIT 1e15

/* A finite number as sign, digits and the place of the point: 0.DIGITS * 10^point. */
typedef struct Decimal
{
	bool negative;
	int n; /* digits, at least 1; no trailing zeros; "0" for zero */
	int point;
	char digits[TEXT_DIGITS_MAX + 3];
} Decimal;

/* decimal_from_scaled -- digits of n / 10^places, 0 < n < 10^15. */
static void
decimal_from_scaled(Decimal *d, uint64_t n, int places)
{
	char tmp[20];
	int end = sizeof(tmp), start = end;

	while (n % 10 == 0)
	{
		n /= 10;
		places--;
	}
	for (; n != 0; n /= 10)
		tmp[--start] = (char) ('0' + n % 10);
	d->n = end - start;
	d->point = d->n - places;
	memcpy(d->digits, tmp + start, (size_t) d->n);
}

/* decimal_from_double -- v must be finite. */
static void
decimal_from_double(Decimal *d, double v)
{
	d->negative = signbit(v);
	v = fabs(v);
	if (v == 0)
	{
		d->n = d->point = 1;
		d->digits[0] = '0';
		return;
	}
	if (v < EXACT_DIGITS_LIMIT / 1000)
	{
		uint64_t n = (uint64_t) (v * 1000 + 0.5);

		if (n > 0 && (double) n / 1000 == v)
		{
			decimal_from_scaled(d, n, 3);
			return;
		}
	}
	d->n = text_digits_shortest(v, d->digits, &d->point);
}

/* put_special -- NaN and infinities, the same in all forms; 0 if v is finite. */
static int
put_special(char *out, double v)
{
	if (isfinite(v))
		return 0;
	memcpy(out, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf", isnan(v) ? 4 : 5);
	return isnan(v) ? 3 : 4;
}

/* put_plain -- without exponent. */
static int
put_plain(char *out, const Decimal *d)
{
	char *p = out;
	int whole = d->point > 0 ? d->point : 0; /* digits before the point */
	int lead = d->point < 0 ? -d->point : 0; /* zeros right behind the point */

	if (d->negative)
		*p++ = '-';
	if (whole == 0)
		*p++ = '0';
	else
	{
		int from_digits = d->n < whole ? d->n : whole;

		memcpy(p, d->digits, (size_t) from_digits);
		memset(p + from_digits, '0', (size_t) (whole - from_digits));
		p += whole;
	}
	if (d->n > whole)
	{
		*p++ = '.';
		memset(p, '0', (size_t) lead);
		p += lead;
		memcpy(p, d->digits + whole, (size_t) (d->n - whole));
		p += d->n - whole;
	}
	*p = '\0';
	return (int) (p - out);
}

/* put_exponent -- "d.ddde+XX", at least two exponent digits. */
static int
put_exponent(char *out, const Decimal *d)
{
	char *p = out;
	int e = d->digits[0] == '0' ? 0 : d->point - 1;

	if (d->negative)
		*p++ = '-';
	*p++ = d->digits[0];
	if (d->n > 1)
	{
		*p++ = '.';
		memcpy(p, d->digits + 1, (size_t) (d->n - 1));
		p += d->n - 1;
	}
	*p++ = 'e';
	*p++ = e < 0 ? '-' : '+';
	e = abs(e);
	if (e >= 100)
		*p++ = (char) ('0' + e / 100);
	*p++ = (char) ('0' + e / 10 % 10);
	*p++ = (char) ('0' + e % 10);
	*p = '\0';
	return (int) (p - out);
}

/* put_small_integer -- v is an integer, 0 < |v| < 10^15. */
static int
put_small_integer(char *out, double v)
{
	char tmp[20];
	int start = sizeof(tmp), sign = v < 0;
	uint64_t n = (uint64_t) fabs(v);

	for (; n != 0; n /= 10)
		tmp[--start] = (char) ('0' + n % 10);
	out[0] = '-';
	memcpy(out + sign, tmp + start, sizeof(tmp) - (size_t) start);
	out[sign + (int) sizeof(tmp) - start] = '\0';
	return sign + (int) sizeof(tmp) - start;
}

static bool
is_small_integer(double v)
{
	return fabs(v) < EXACT_DIGITS_LIMIT && v != 0 && v == (double) (int64_t) v;
}

/* text_double_f -- strconv 'f' with precision -1. */
int
text_double_f(char *out, double v)
{
	Decimal d;
	int n;

	if (is_small_integer(v))
		return put_small_integer(out, v);
	if ((n = put_special(out, v)) > 0)
		return n;
	decimal_from_double(&d, v);
	return put_plain(out, &d);
}

/* text_double_json -- sample values in API responses: plain, or exponent if tiny or huge. */
int
text_double_json(char *out, double v)
{
	Decimal d;
	int n;

	if (is_small_integer(v))
		return put_small_integer(out, v);
	if ((n = put_special(out, v)) > 0)
		return n;
	decimal_from_double(&d, v);
	if (v != 0 && (fabs(v) < 1e-6 || fabs(v) >= 1e21))
		return put_exponent(out, &d);
	return put_plain(out, &d);
}

/* text_double_e -- strconv 'e' with precision -1. */
int
text_double_e(char *out, double v)
{
	Decimal d;
	int n;

	if ((n = put_special(out, v)) > 0)
		return n;
	decimal_from_double(&d, v);
	return put_exponent(out, &d);
}

/* text_double_shortest_g -- strconv 'g' with precision -1, which is also %g and %v. */
int
text_double_shortest_g(char *out, double v)
{
	Decimal d;
	int n;

	if ((n = put_special(out, v)) > 0)
		return n;
	decimal_from_double(&d, v);
	if (v != 0 && (d.point - 1 < -4 || d.point - 1 >= 6))
		return put_exponent(out, &d);
	return put_plain(out, &d);
}

/* text_double_openmetrics -- shortest-g, and ".0" if it would look like an integer. */
int
text_double_openmetrics(char *out, double v)
{
	int n = text_double_shortest_g(out, v == 0 ? 0.0 : v); /* -0 prints "0.0" */

	if (isfinite(v) && strpbrk(out, ".e") == NULL)
	{
		memcpy(out + n, ".0", 3);
		n += 2;
	}
	return n;
}

/* --- reading ------------------------------------------------------------------------------- */

/* equal_fold -- is s the lower-case ASCII word, in any case? */
static bool
equal_fold(const char *s, size_t len, const char *word)
{
	if (len != strlen(word))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((s[i] | 0x20) != word[i])
			return false;
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex_digit(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* What scan_number finds in an unsigned number. */
typedef struct NumberShape
{
	bool hex;
	bool underscores;
	bool zero;		   /* no digit but 0 */
	int64_t magnitude; /* digits before the point as if written d.ddd, plus the exponent;
						* meaningful only for its sign at the extremes */
} NumberShape;

/*
 * scan_number -- check the syntax of an unsigned decimal or hexadecimal number.
 *
 * Underscores must stand between digits, one at a time; behind 0x one is allowed.  A hexadecimal
 * number must have a p exponent.
 */
static bool
scan_number(const char *s, size_t len, NumberShape *shape)
{
	const char *p = s, *end = s + len;
	bool seen_digit = false, seen_point = false, exp_negative = false;
	int64_t exponent = 0, magnitude = 0;
	char last = '^'; /* '0' digit (or prefix), '_' underscore, else '!' */

	*shape = (NumberShape){.zero = true};
	if (len >= 2 && p[0] == '0' && (p[1] | 0x20) == 'x')
	{
		shape->hex = true;
		p += 2;
		last = '0';
	}
	for (; p < end; p++)
	{
		if (*p == '_')
		{
			if (last != '0')
				return false;
			shape->underscores = true;
			last = '_';
		}
		else if (*p == '.')
		{
			if (seen_point || last == '_')
				return false;
			seen_point = true;
			last = '!';
		}
		else if (shape->hex ? is_hex_digit(*p) : is_digit(*p))
		{
			seen_digit = true;
			last = '0';
			if (*p != '0')
				shape->zero = false;
			if (!shape->zero && !seen_point)
				magnitude++;
			else if (shape->zero && seen_point)
				magnitude--;
		}
		else
			break;
	}
	if (!seen_digit || last == '_')
		return false;
	if (p < end && (*p | 0x20) == (shape->hex ? 'p' : 'e'))
	{
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			exp_negative = *p++ == '-';
		if (p >= end || !is_digit(*p))
			return false;
		for (last = '!'; p < end; p++)
		{
			if (*p == '_')
			{
				if (last != '0')
					return false;
				shape->underscores = true;
				last = '_';
				continue;
			}
			if (!is_digit(*p))
				return false;
			last = '0';
			if (exponent < INT32_MAX)
				exponent = exponent * 10 + (*p - '0');
		}
		if (last == '_')
			return false;
	}
	else if (shape->hex)
		return false;
	shape->magnitude = magnitude * (shape->hex ? 4 : 1) + (exp_negative ? -exponent : exponent);
	return p == end;
}

/* without_underscores -- a copy of s, which contains some, from mem_alloc. */
static char *
without_underscores(const char *s, size_t *len)
{
	char *copy = mem_alloc(*len);
	size_t n = 0;

	for (size_t i = 0; i < *len; i++)
		if (s[i] != '_')
			copy[n++] = s[i];
	*len = n;
	return copy;
}

/*
 * text_parse_double -- Go's strconv.ParseFloat(s, 64).
 *
 * Takes decimal and hexadecimal floats with single underscores between digits, inf, infinity
 * (signed or not) and nan in any case.  Returns false with *v = 0 on a syntax error, and false
 * with *v = +-Inf where Go reports "value out of range".  A value too small is a zero.
 */
bool
text_parse_double(const char *s, size_t len, double *v)
{
	const uint64_t nan_bits = UINT64_C(0x7ff8000000000001); /* Go's; see model/value.h */
	bool negative = false;
	double r = 0;
	NumberShape shape;

	*v = 0;
	if (equal_fold(s, len, "nan"))
	{
		memcpy(v, &nan_bits, sizeof(*v));
		return true;
	}
	if (len > 0 && (*s == '+' || *s == '-'))
	{
		negative = *s == '-';
		s++;
		len--;
	}
	if (equal_fold(s, len, "inf") || equal_fold(s, len, "infinity"))
	{
		*v = negative ? -INFINITY : INFINITY;
		return true;
	}
	if (!scan_number(s, len, &shape))
		return false;
	if (!shape.zero)
	{
		char *copy = NULL;
		bool in_range;

		if (shape.underscores)
			s = copy = without_underscores(s, &len);
		if (shape.hex)
			in_range = text_digits_parse(s + 2, len - 2, true, &r);
		else
			in_range = text_digits_parse(s, len, false, &r);
		mem_free(copy);
		if (!in_range)
			r = shape.magnitude > 0 ? INFINITY : 0;
	}
	*v = negative ? -r : r;
	return !isinf(r);
}
