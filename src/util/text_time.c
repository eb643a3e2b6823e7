/*
 * text_time.c
 *    Durations and points in time, as Prometheus reads and writes them.
 *
 * The calendar is the proleptic Gregorian one in UTC, computed in int64 from the day number, so
 * it holds for every millisecond an int64 can name.
 */
#include "util/text.h"

#include <math.h>
#include <stdio.h>

#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_DAY	  INT64_C(86400000)

/* Prometheus' "-292273086-05-16T16:47:06Z" and its counterpart at the other end. */
#define TIME_MIN_SECONDS (INT64_MIN / 1000 + 62135596801)
#define TIME_MAX_SECONDS (INT64_MAX / 1000 - 62135596801)

/* --- durations ----------------------------------------------------------------------------- */

typedef struct DurationUnit
{
	const char *name;
	int64_t ms;
	bool exact; /* written only if it divides what is left */
} DurationUnit;

static const DurationUnit units[] = {
	{"y", 365 * MS_PER_DAY, true},
	{"w", 7 * MS_PER_DAY, true},
	{"d", MS_PER_DAY, false},
	{"h", 3600000, false},
	{"m", 60000, false},
	{"s", 1000, false},
	{"ms", 1, false},
};

#define N_UNITS ((int) (sizeof(units) / sizeof(units[0])))

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* unit_find -- index of the unit named by these bytes, or -1. */
static int
unit_find(const char *s, size_t len)
{
	for (int i = 0; i < N_UNITS; i++)
		if (strlen(units[i].name) == len && memcmp(units[i].name, s, len) == 0)
			return i;
	return -1;
}

/* duration_error -- err_set with the texts of Prometheus; unit may be NULL. */
static bool
duration_error(Err *err, const char *s, size_t len, const char *unit, size_t unit_len)
{
	Buf b;
	bool r;

	buf_init(&b, 64, 8 * (len + unit_len) + 64);
	if (unit != NULL)
	{
		buf_str(&b, "unknown unit ");
		text_quote(&b, unit, unit_len);
		buf_str(&b, " in duration ");
	}
	else
		buf_str(&b, "not a valid duration string: ");
	text_quote(&b, s, len);
	r = err_set(err, ERR_BAD_REQUEST, -1, "%s", b.data);
	buf_free(&b);
	return r;
}

/*
 * text_parse_duration_ms -- "1h30m", "0" and the like to milliseconds.
 *
 * Units in descending order, each at most once, no sign, no fraction.  The range is that of
 * Prometheus, whose durations are int64 nanoseconds (about 292 years).
 */
bool
text_parse_duration_ms(const char *s, size_t len, int64_t *ms, Err *err)
{
	const uint64_t ns_limit = UINT64_C(1) << 63;
	const char *p = s, *end = s + len;
	uint64_t total_ns = 0;
	int last_unit = -1;

	if (len == 0)
		return err_set(err, ERR_BAD_REQUEST, -1, "empty duration string");
	if (len == 1 && *s == '0')
	{
		*ms = 0;
		return true;
	}
	while (p < end)
	{
		const char *start = p;
		uint64_t n = 0, unit_ns;
		int unit;

		for (; p < end && is_digit(*p); p++)
		{
			uint64_t digit = (uint64_t) (*p - '0');

			if (n > (UINT64_MAX - digit) / 10)
				return duration_error(err, s, len, NULL, 0);
			n = n * 10 + digit;
		}
		if (p == start)
			return duration_error(err, s, len, NULL, 0);
		start = p;
		while (p < end && !is_digit(*p))
			p++;
		if (p == start)
			return duration_error(err, s, len, NULL, 0);
		unit = unit_find(start, (size_t) (p - start));
		if (unit < 0)
			return duration_error(err, s, len, start, (size_t) (p - start));
		if (unit <= last_unit)
			return duration_error(err, s, len, NULL, 0);
		last_unit = unit;
		unit_ns = (uint64_t) units[unit].ms * 1000000;
		if (n > ns_limit / unit_ns || total_ns + n * unit_ns >= ns_limit)
			return err_set(err, ERR_BAD_REQUEST, -1, "duration out of range");
		total_ns += n * unit_ns;
	}
	*ms = (int64_t) (total_ns / 1000000);
	return true;
}

/*
 * text_duration -- append ms as a duration.  Years and weeks appear only if nothing is left
 * behind them, because "90d" reads better than "12w6d".
 */
void
text_duration(Buf *b, int64_t ms)
{
	uint64_t rest = ms < 0 ? -(uint64_t) ms : (uint64_t) ms;

	if (ms == 0)
	{
		buf_str(b, "0s");
		return;
	}
	if (ms < 0)
		buf_char(b, '-');
	for (int i = 0; i < N_UNITS; i++)
	{
		uint64_t unit_ms = (uint64_t) units[i].ms;
		uint64_t n = rest / unit_ms;

		if (n == 0 || (units[i].exact && rest % unit_ms != 0))
			continue;
		buf_printf(b, "%llu%s", (unsigned long long) n, units[i].name);
		rest -= n * unit_ms;
	}
}

/* --- points in time ------------------------------------------------------------------------ */

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/*
 * civil_from_days -- date of a day number counted from 1970-01-01 (algorithm of H. Hinnant:
 * years begin in March, so the leap day is the last of its year; 146097 days are 400 years).
 */
static void
civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = floor_div(z, 146097);
	int64_t doe = z - era * 146097; /* day of era */
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153; /* 0 = March */

	*day = (int) (doy - (153 * mp + 2) / 5 + 1);
	*month = (int) (mp < 10 ? mp + 3 : mp - 9);
	*year = yoe + era * 400 + (*month <= 2);
}

static int64_t
days_from_civil(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = floor_div(y, 400);
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int
days_in_month(int64_t year, int month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

/* text_time_rfc3339 -- "2015-07-01T20:10:51.781Z"; the fraction only if needed, shortest. */
void
text_time_rfc3339(Buf *b, int64_t ms)
{
	int64_t days = floor_div(ms, MS_PER_DAY), year;
	int in_day = (int) (ms - days * MS_PER_DAY);
	int month, day, fraction = in_day % 1000;

	civil_from_days(days, &year, &month, &day);
	buf_printf(b, "%s%04lld-%02d-%02dT%02d:%02d:%02d", year < 0 ? "-" : "",
			   (long long) (year < 0 ? -year : year), month, day, in_day / 3600000,
			   in_day / 60000 % 60, in_day / 1000 % 60);
	if (fraction != 0)
	{
		char text[5];
		int n = snprintf(text, sizeof(text), ".%03d", fraction);

		while (text[n - 1] == '0')
			n--;
		buf_append(b, text, (size_t) n);
	}
	buf_char(b, 'Z');
}

/* take_digits -- exactly n digits at *p to *v, at most max; moves *p. */
static bool
take_digits(const char **p, const char *end, int n, int max, int *v)
{
	int r = 0;

	if (end - *p < n)
		return false;
	for (int i = 0; i < n; i++, (*p)++)
	{
		if (!is_digit(**p))
			return false;
		r = r * 10 + (**p - '0');
	}
	*v = r;
	return r <= max;
}

static bool
take_char(const char **p, const char *end, char c)
{
	if (*p >= end || **p != c)
		return false;
	(*p)++;
	return true;
}

/* parse_rfc3339 -- to ms, what is below a millisecond cut off towards the past. */
static bool
parse_rfc3339(const char *s, size_t len, int64_t *ms)
{
	const char *p = s, *end = s + len;
	int year, month, day, hour, minute, second, fraction = 0, zone_minutes = 0;

	if (!take_digits(&p, end, 4, 9999, &year) || !take_char(&p, end, '-') ||
		!take_digits(&p, end, 2, 12, &month) || !take_char(&p, end, '-') ||
		!take_digits(&p, end, 2, 31, &day) || !take_char(&p, end, 'T') ||
		!take_digits(&p, end, 2, 23, &hour) || !take_char(&p, end, ':') ||
		!take_digits(&p, end, 2, 59, &minute) || !take_char(&p, end, ':') ||
		!take_digits(&p, end, 2, 59, &second))
		return false;
	if (month < 1 || day < 1 || day > days_in_month(year, month))
		return false;
	if (end - p >= 2 && (*p == '.' || *p == ',') && is_digit(p[1]))
	{
		int unit = 100;

		for (p++; p < end && is_digit(*p); p++, unit /= 10)
			fraction += (*p - '0') * unit;
	}
	if (!take_char(&p, end, 'Z'))
	{
		int zone_h, zone_m;
		int sign = p < end && *p == '-' ? -1 : 1;

		if (!take_char(&p, end, sign < 0 ? '-' : '+') || !take_digits(&p, end, 2, 24, &zone_h) ||
			!take_char(&p, end, ':') || !take_digits(&p, end, 2, 60, &zone_m))
			return false;
		zone_minutes = sign * (zone_h * 60 + zone_m);
	}
	*ms = days_from_civil(year, month, day) * MS_PER_DAY +
		  (int64_t) (hour * 60 + minute - zone_minutes) * 60000 + second * MS_PER_SECOND + fraction;
	return p == end;
}

/* seconds_to_ms -- Prometheus' way: the fraction rounded to a millisecond, then floor. */
static bool
seconds_to_ms(double t, int64_t *ms)
{
	double whole, fraction = modf(t, &whole);
	int64_t ns;

	if (!(fabs(whole) < 9.2e15)) /* int64 milliseconds; also NaN and Inf */
		return false;
	ns = (int64_t) (round(fraction * 1000) / 1000 * 1e9);
	*ms = (int64_t) whole * MS_PER_SECOND + floor_div(ns, 1000000);
	return true;
}

/*
 * text_parse_time_ms -- a time parameter of the API.
 *
 * Unix seconds as a Go float, an RFC 3339 time with any zone, or one of the two texts with which
 * Prometheus names the ends of its time range.
 */
bool
text_parse_time_ms(const char *s, size_t len, int64_t *ms)
{
	static const char min_text[] = "-292273086-05-16T16:47:06Z";
	static const char max_text[] = "292277025-08-18T07:12:54.999999999Z";
	double t;

	if (text_parse_double(s, len, &t))
		return seconds_to_ms(t, ms);
	if (parse_rfc3339(s, len, ms))
		return true;
	if (len == sizeof(min_text) - 1 && memcmp(s, min_text, len) == 0)
	{
		*ms = TIME_MIN_SECONDS * MS_PER_SECOND;
		return true;
	}
	if (len == sizeof(max_text) - 1 && memcmp(s, max_text, len) == 0)
	{
		*ms = TIME_MAX_SECONDS * MS_PER_SECOND + 999;
		return true;
	}
	return false;
}
