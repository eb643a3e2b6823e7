/*
 * number.c
 *    Numbers and durations of the language.
 *
 * The scanner reads what could be a number and leaves the rest of the checking to the value
 * parsers, as Prometheus does (promql/parser/lex.go, scanNumber).  It is written by hand
 * because its oddities are visible: which texts it refuses, how far it has read when it does
 * (the message shows that), and the exponent marks it sees in hex numbers like 0x1e.
 */
#include "promql/parser/number.h"

#include "promql/parser/parser_int.h"
#include "util/mem.h"
#include "util/text.h"

#include <math.h>
#include <string.h>

typedef struct Scan
{
	const char *p;
	const char *end;
} Scan;

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* the next byte is one of set */
static bool
next_is(const Scan *s, const char *set)
{
	return s->p < s->end && *s->p != '\0' && strchr(set, *s->p) != NULL;
}

static bool
accept(Scan *s, const char *set)
{
	if (!next_is(s, set))
		return false;
	s->p++;
	return true;
}

static void
accept_run(Scan *s, const char *set)
{
	while (accept(s, set))
		;
}

/*
 * scan_number -- digits with at most one '.', at most one exponent, single underscores; or hex.
 * False if that is not a number or an alphanumeric follows; s->p is then where the trouble is.
 */
static bool
scan_number(Scan *s, bool series)
{
	const char *begin = s->p;
	const char *digits = "0123456789";
	bool hex = false;
	bool dot = false;
	bool exponent = false;

	if (!series && accept(s, "0") && accept(s, "xX"))
	{
		accept(s, "_");
		digits = "0123456789abcdefABCDEF";
		hex = true;
	}
	accept(s, ".");
	accept(s, digits);
	while (next_is(s, digits) || next_is(s, "._eE"))
	{
		if (dot && accept(s, "."))
			return false;
		if (exponent && accept(s, "eE"))
			return false;
		if (accept(s, "."))
		{
			dot = true;
			if (accept(s, "_.") || hex)
				return false;
		}
		else if (accept(s, "eE"))
		{
			exponent = true;
			accept(s, "+-");
			if (accept(s, "._eE") || s->p == s->end)
				return false;
		}
		else if (accept(s, "_"))
		{
			if (accept(s, "._eE") || s->p == s->end)
				return false;
		}
		else
			accept_run(s, digits);
	}
	if (s->p == begin)
		return false;
	return s->p == s->end || (series && *s->p == 'x') || !is_alnum(*s->p);
}

/*
 * scan_units -- the rest of a duration, from its first unit letter.  An alphanumeric that
 * follows is read too, for the message.
 */
static bool
scan_units(Scan *s)
{
	if (!accept(s, "smhdwy"))
		return false;
	accept(s, "s"); /* ms; "hs" and the like are refused by value */
	while (accept(s, "0123456789"))
	{
		accept_run(s, "0123456789");
		if (!accept(s, "smhdw"))
			return false;
		accept(s, "s");
	}
	if (s->p == s->end || !is_alnum(*s->p))
		return true;
	s->p++;
	return false;
}

NumberKind
number_scan(const char *p, const char *end, bool series, size_t *len)
{
	Scan s = {p, end};
	NumberKind kind = NUMBER_BAD;

	if (scan_number(&s, series))
		kind = NUMBER_NUMBER;
	else if (!series && scan_units(&s))
		kind = NUMBER_DURATION;
	*len = (size_t) (s.p - p);
	return kind;
}

/*
 * underscores_ok -- underscores stand only between digits, or between 0x and a digit.
 */
static bool
underscores_ok(const char *s, size_t len)
{
	bool hex = len >= 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	bool after_digit = hex;

	for (size_t i = hex ? 2 : 0; i < len; i++)
	{
		bool digit = is_digit(s[i]) || (hex && is_alnum(s[i]) && s[i] != '_');

		if (s[i] == '_' && !after_digit)
			return false;
		if (i > 0 && s[i - 1] == '_' && !digit)
			return false;
		after_digit = digit;
	}
	return len > 0 && s[len - 1] != '_';
}

static int
digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/*
 * parse_integer -- a Go integer literal of base 0: 0x is hex, a leading 0 octal.  False if s is
 * none, or does not fit an int64.
 */
static bool
parse_integer(const char *s, size_t len, double *v)
{
	int base = 10;
	size_t i = 0;
	uint64_t n = 0;

	if (len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
	{
		base = 16;
		i = 2;
	}
	else if (len > 1 && s[0] == '0')
	{
		base = 8;
		i = 1;
	}
	if (i >= len)
		return false;
	for (; i < len; i++)
	{
		int d = digit_value(s[i]);

		if (d >= base || n > ((uint64_t) INT64_MAX - d) / base)
			return false;
		n = n * base + d;
	}
	*v = (double) n;
	return true;
}

bool
number_value(const char *s, size_t len, double *v, Err *err)
{
	char *digits = mem_alloc(len + 1);
	size_t n = 0;
	const char *why = "invalid syntax";

	for (size_t i = 0; i < len; i++)
		if (s[i] != '_')
			digits[n++] = s[i];
	digits[n] = '\0';

	if (n == len || underscores_ok(s, len))
	{
		bool hex = n > 1 && (digits[1] == 'x' || digits[1] == 'X');

		if (parse_integer(digits, n, v))
			return true;
		if (!hex && strchr("eE+-", digits[n - 1]) == NULL)
		{
			bool infinite = strchr("iI", digits[0]) != NULL;

			*v = 0;
			if (text_parse_double(digits, n, v) && (infinite || !isinf(*v)))
				return true;
			if (isinf(*v))
				why = "value out of range";
		}
	}
	return err_set(err, ERR_PROMQL_SYNTAX, -1,
				   "error parsing number: strconv.ParseFloat: parsing %s: %s",
				   promql_quote(strview(s, len)), why);
}

bool
number_duration_seconds(const char *s, size_t len, double *v, Err *err)
{
	int64_t ms;

	if (!text_parse_duration_ms(s, len, &ms, err))
		return false;
	*v = (double) (ms / 1000) + (double) (ms % 1000 * 1000000) / 1e9;
	return true;
}
