/*
 * json.c
 *    Numbers and errors of the Prometheus API (reference 4.1).
 */
#include "wire/json.h"

#include "util/text.h"

void
json_timestamp(Buf *b, int64_t ms)
{
	char tmp[32];
	uint64_t a = ms < 0 ? -(uint64_t) ms : (uint64_t) ms;
	int n = 0;
	char digits[24];
	int nd = 0;
	uint64_t s = a / 1000;
	unsigned frac = (unsigned) (a % 1000);

	if (ms < 0)
		tmp[n++] = '-';
	do
		digits[nd++] = (char) ('0' + s % 10);
	while (s /= 10);
	while (nd > 0)
		tmp[n++] = digits[--nd];
	if (frac != 0)
	{
		tmp[n++] = '.';
		tmp[n++] = (char) ('0' + frac / 100);
		tmp[n++] = (char) ('0' + frac / 10 % 10);
		tmp[n++] = (char) ('0' + frac % 10);
	}
	buf_append(b, tmp, (size_t) n);
}

void
json_sample_value(Buf *b, double v)
{
	char tmp[TEXT_DOUBLE_MAX + 2];
	int n;

	tmp[0] = '"';
	n = text_double_json(tmp + 1, v);
	tmp[n + 1] = '"';
	buf_append(b, tmp, (size_t) n + 2);
}

void
json_float_point(Buf *b, int64_t t, double v)
{
	buf_char(b, '[');
	json_timestamp(b, t);
	buf_char(b, ',');
	json_sample_value(b, v);
	buf_char(b, ']');
}

void
json_error(Buf *b, const char *type, const char *msg)
{
	buf_str(b, "{\"status\":\"error\",\"errorType\":\"");
	buf_str(b, type);
	buf_str(b, "\",\"error\":");
	text_json_string(b, msg, strlen(msg), true);
	buf_char(b, '}');
}
