/*
 * text_number.c
 *    Doubles to and from text as Go writes them: the fewest digits that read back.
 *
 * Most samples are integers or have a few decimals; both are recognised exactly and printed
 * without trying precisions.  Everything else takes the shortest of 15, 16 or 17 significant
 * digits that reads back (correctly rounded printf and strtod), which is the shortest text for
 * all doubles that have one of at most 15 digits, else the first that does.
 */
#include "util/text.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Shortest digits of a finite v != 0: digits without dot, decimal exponent of the first digit. */
static int
shortest_digits(double v, char *digits, int *exp10)
{
	char tmp[40];
	int n = 0;
	char *e;

	for (int prec = 1; prec <= 17; prec += prec == 1 ? 14 : 1)
	{
		snprintf(tmp, sizeof(tmp), "%.*e", prec - 1, v);
		if (strtod(tmp, NULL) == v)
			break;
	}
	e = strchr(tmp, 'e');
	*exp10 = atoi(e + 1);
	for (char *p = tmp; p < e; p++)
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	return n;
}

static int
special(char *out, double v)
{
	const char *s = isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf";

	strcpy(out, s);
	return (int) strlen(s);
}

static int
put_uint(char *out, uint64_t u)
{
	char tmp[24];
	int n = 0;

	do
		tmp[n++] = (char) ('0' + u % 10);
	while (u /= 10);
	for (int i = 0; i < n; i++)
		out[i] = tmp[n - 1 - i];
	return n;
}

/* Integers and numbers of up to four decimals, found exactly; 0 = not one of them. */
static int
simple_decimal(char *out, double v)
{
	static const double scales[] = {1, 10, 100, 1000, 10000};
	double a = fabs(v);
	int n = 0;

	if (!(a < 1e11) || (a != 0 && a < 1e-4))
		return a < 9e15 && a == floor(a) ? -1 : 0;
	for (int d = 0; d < 5; d++)
	{
		double scaled = rint(a * scales[d]);
		uint64_t u;
		uint64_t unit;

		if (scaled / scales[d] != a)
			continue;
		u = (uint64_t) scaled;
		unit = (uint64_t) scales[d];
		if (signbit(v))
			out[n++] = '-';
		n += put_uint(out + n, u / unit);
		if (d > 0)
		{
			uint64_t frac = u % unit;

			out[n++] = '.';
			for (uint64_t f = unit / 10; f > 0; f /= 10)
				out[n++] = (char) ('0' + frac / f % 10);
		}
		out[n] = '\0';
		return n;
	}
	return 0;
}

int
text_double_f(char *out, double v)
{
	char digits[24];
	int exp10;
	int nd;
	int n;

	if (!isfinite(v))
		return special(out, v);
	n = simple_decimal(out, v);
	if (n > 0)
		return n;
	n = 0;
	if (signbit(v))
		out[n++] = '-';
	if (v == 0)
	{
		out[n++] = '0';
		out[n] = '\0';
		return n;
	}
	nd = shortest_digits(fabs(v), digits, &exp10);
	if (exp10 < 0)
	{
		out[n++] = '0';
		out[n++] = '.';
		for (int i = -1; i > exp10; i--)
			out[n++] = '0';
		for (int i = 0; i < nd; i++)
			out[n++] = digits[i];
	}
	else
	{
		for (int i = 0; i <= exp10; i++)
			out[n++] = i < nd ? digits[i] : '0';
		if (nd > exp10 + 1)
		{
			out[n++] = '.';
			for (int i = exp10 + 1; i < nd; i++)
				out[n++] = digits[i];
		}
	}
	out[n] = '\0';
	return n;
}

int
text_double_e(char *out, double v)
{
	char digits[24];
	int exp10 = 0;
	int nd = 1;
	int n = 0;

	if (!isfinite(v))
		return special(out, v);
	digits[0] = '0';
	if (v != 0)
		nd = shortest_digits(fabs(v), digits, &exp10);
	if (signbit(v))
		out[n++] = '-';
	out[n++] = digits[0];
	if (nd > 1)
		out[n++] = '.';
	for (int i = 1; i < nd; i++)
		out[n++] = digits[i];
	n += sprintf(out + n, "e%c%02d", exp10 < 0 ? '-' : '+', abs(exp10));
	return n;
}

int
text_double_json(char *out, double v)
{
	double a = fabs(v);

	if (isfinite(v) && a != 0 && (a < 1e-6 || a >= 1e21))
		return text_double_e(out, v);
	return text_double_f(out, v);
}

int
text_double_shortest_g(char *out, double v)
{
	char digits[24];
	int exp10 = 0;

	if (!isfinite(v))
		return special(out, v);
	if (v != 0)
	{
		shortest_digits(fabs(v), digits, &exp10);
		if (exp10 < -4 || exp10 >= 6)
			return text_double_e(out, v);
	}
	return text_double_f(out, v);
}

int
text_double_openmetrics(char *out, double v)
{
	int n = text_double_shortest_g(out, v);

	if (isfinite(v) && strpbrk(out, ".e") == NULL)
	{
		strcpy(out + n, ".0");
		n += 2;
	}
	return n;
}

static bool
word_is(const char *s, size_t len, const char *lower)
{
	if (strlen(lower) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((s[i] | 0x20) != lower[i])
			return false;
	return true;
}

/*
 * Go's ParseFloat: decimal, hexadecimal with p exponent, Inf, Infinity, NaN in any case.  C's
 * strtod reads the same numbers once the characters are known to be harmless.
 */
bool
text_parse_double(const char *s, size_t len, double *v)
{
	char tmp[512];
	char *end;
	size_t sign = len > 0 && (s[0] == '+' || s[0] == '-');
	bool hex;

	if (len == sign || len >= sizeof(tmp))
		return false;
	if (word_is(s + sign, len - sign, "inf") || word_is(s + sign, len - sign, "infinity"))
	{
		*v = s[0] == '-' ? -INFINITY : INFINITY;
		return true;
	}
	if (word_is(s, len, "nan"))
	{
		*v = NAN;
		return true;
	}
	hex = len > sign + 2 && s[sign] == '0' && (s[sign + 1] | 0x20) == 'x';
	for (size_t i = sign; i < len; i++)
	{
		char c = s[i];
		bool ok = (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-';

		if (hex)
			ok = ok || strchr("abcdefABCDEFxXpP", c) != NULL;
		else
			ok = ok || c == 'e' || c == 'E';
		if (!ok || c == '\0')
			return false;
	}
	if (hex && memchr(s, 'p', len) == NULL && memchr(s, 'P', len) == NULL)
		return false;
	memcpy(tmp, s, len);
	tmp[len] = '\0';
	*v = strtod(tmp, &end);
	return end == tmp + len && !isinf(*v);
}
