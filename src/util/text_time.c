/*
 * text_time.c
 *    Durations and times as Prometheus reads and writes them.
 */
#include "util/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct DurationUnit
{
	const char *name;
	int64_t ms;
} DurationUnit;

/* Descending; the order in which a duration names them. */
static const DurationUnit units[] = {
	{"y", INT64_C(31536000000)}, {"w", 604800000}, {"d", 86400000}, {"h", 3600000},
	{"m", 60000},				 {"s", 1000},	   {"ms", 1},
};
#define NUNITS ((int) (sizeof(units) / sizeof(units[0])))
#define MAX_DURATION_MS (INT64_MAX / 1000000) /* Go keeps nanoseconds */

bool
text_parse_duration_ms(const char *s, size_t len, int64_t *ms, Err *err)
{
	const char *p = s;
	const char *end = s + len;
	int next_unit = 0;
	int64_t total = 0;
	Buf q;

	if (len == 0)
		return err_set(err, ERR_BAD_REQUEST, -1, "empty duration string");
	if (len == 1 && s[0] == '0')
	{
		*ms = 0;
		return true;
	}
	buf_init(&q, len + 8, len * 4 + 16);
	text_quote(&q, s, len);
	while (p < end)
	{
		const char *digits = p;
		int64_t n = 0;
		const char *name;
		int unit = -1;

		while (p < end && *p >= '0' && *p <= '9')
		{
			n = n > MAX_DURATION_MS / 10 ? MAX_DURATION_MS + 1 : n * 10 + (*p - '0');
			p++;
		}
		name = p;
		while (p < end && !(*p >= '0' && *p <= '9'))
			p++;
		if (name == digits || p == name)
			return err_set(err, ERR_BAD_REQUEST, -1, "not a valid duration string: %s", q.data);
		for (int i = 0; i < NUNITS; i++)
			if (strlen(units[i].name) == (size_t) (p - name) &&
				memcmp(units[i].name, name, (size_t) (p - name)) == 0)
				unit = i;
		if (unit < 0)
			return err_set(err, ERR_BAD_REQUEST, -1, "unknown unit \"%.*s\" in duration %s",
						   (int) (p - name), name, q.data);
		if (unit < next_unit)
			return err_set(err, ERR_BAD_REQUEST, -1, "not a valid duration string: %s", q.data);
		next_unit = unit + 1;
		if (n > MAX_DURATION_MS / units[unit].ms || total > MAX_DURATION_MS - n * units[unit].ms)
			return err_set(err, ERR_BAD_REQUEST, -1, "duration out of range");
		total += n * units[unit].ms;
	}
	*ms = total;
	return true;
}

void
text_duration(Buf *b, int64_t ms)
{
	uint64_t left = ms < 0 ? -(uint64_t) ms : (uint64_t) ms;

	if (ms == 0)
	{
		buf_str(b, "0s");
		return;
	}
	if (ms < 0)
		buf_char(b, '-');
	for (int i = 0; i < NUNITS; i++)
	{
		uint64_t unit = (uint64_t) units[i].ms;
		bool exact = i < 2; /* years and weeks only if nothing is left over */

		if (left < unit || (exact && left % unit != 0))
			continue;
		buf_printf(b, "%llu%s", (unsigned long long) (left / unit), units[i].name);
		left %= unit;
	}
}

/* Days since the epoch to a civil date (H. Hinnant, "chrono-compatible date algorithms"). */
static void
civil(int64_t days, int64_t *y, int *m, int *d)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*d = (int) (doy - (153 * mp + 2) / 5 + 1);
	*m = (int) (mp < 10 ? mp + 3 : mp - 9);
	*y = yoe + era * 400 + (*m <= 2);
}

static int64_t
days_from_civil(int64_t y, int m, int d)
{
	int64_t era;
	int64_t yoe;
	int64_t doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void
text_time_rfc3339(Buf *b, int64_t ms)
{
	int64_t days = ms / 86400000 - (ms % 86400000 < 0);
	int64_t rest = ms - days * 86400000;
	int64_t y;
	int m;
	int d;
	int frac = (int) (rest % 1000);

	civil(days, &y, &m, &d);
	buf_printf(b, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long) y, m, d, (int) (rest / 3600000),
			   (int) (rest / 60000 % 60), (int) (rest / 1000 % 60));
	if (frac != 0)
	{
		char tmp[8];

		snprintf(tmp, sizeof(tmp), ".%03d", frac);
		for (int n = 3; tmp[n] == '0'; n--)
			tmp[n] = '\0';
		buf_str(b, tmp);
	}
	buf_char(b, 'Z');
}

static bool
digits(const char **p, const char *end, int n, int *v)
{
	*v = 0;
	if (end - *p < n)
		return false;
	for (int i = 0; i < n; i++, (*p)++)
	{
		if (**p < '0' || **p > '9')
			return false;
		*v = *v * 10 + (**p - '0');
	}
	return true;
}

static bool
expect(const char **p, const char *end, char c)
{
	if (*p >= end || **p != c)
		return false;
	(*p)++;
	return true;
}

static bool
parse_rfc3339(const char *p, const char *end, int64_t *ms)
{
	static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int y, mo, d, h, mi, s;
	int64_t frac = 0;
	int64_t offset = 0;
	bool leap;

	if (!digits(&p, end, 4, &y) || !expect(&p, end, '-') || !digits(&p, end, 2, &mo) ||
		!expect(&p, end, '-') || !digits(&p, end, 2, &d) || !expect(&p, end, 'T') ||
		!digits(&p, end, 2, &h) || !expect(&p, end, ':') || !digits(&p, end, 2, &mi) ||
		!expect(&p, end, ':') || !digits(&p, end, 2, &s))
		return false;
	if (p < end && (*p == '.' || *p == ','))
	{
		int64_t unit = 100;

		p++;
		if (p >= end || *p < '0' || *p > '9')
			return false;
		for (; p < end && *p >= '0' && *p <= '9'; p++, unit /= 10)
			frac += unit * (*p - '0');
	}
	if (p < end && *p == 'Z')
		p++;
	else
	{
		int oh, om;
		int sign;

		if (p >= end || (*p != '+' && *p != '-'))
			return false;
		sign = *p++ == '-' ? -1 : 1;
		if (!digits(&p, end, 2, &oh) || !expect(&p, end, ':') || !digits(&p, end, 2, &om) ||
			oh > 24 || om > 60)
			return false;
		offset = sign * (oh * 3600 + om * 60);
	}
	leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	if (p != end || mo < 1 || mo > 12 || d < 1 || d > month_days[mo - 1] + (mo == 2 && leap) ||
		h > 23 || mi > 59 || s > 59)
		return false;
	*ms = (days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + s - offset) * 1000 + frac;
	return true;
}

bool
text_parse_time_ms(const char *s, size_t len, int64_t *ms)
{
	static const char min_time[] = "-292273086-05-16T16:47:06Z";
	static const char max_time[] = "292277025-08-18T07:12:54.999999999Z";
	double v;

	if (text_parse_double(s, len, &v))
	{
		double whole;
		double frac = modf(v, &whole);

		if (!isfinite(v) || fabs(v) > 9e15)
			return false;
		*ms = (int64_t) whole * 1000 + (int64_t) round(frac * 1000);
		return true;
	}
	if (len == sizeof(min_time) - 1 && memcmp(s, min_time, len) == 0)
	{
		*ms = INT64_C(-9223309901257974); /* Prometheus' MinTime */
		return true;
	}
	if (len == sizeof(max_time) - 1 && memcmp(s, max_time, len) == 0)
	{
		*ms = INT64_C(9223309901257974); /* and MaxTime */
		return true;
	}
	return parse_rfc3339(s, s + len, ms);
}
