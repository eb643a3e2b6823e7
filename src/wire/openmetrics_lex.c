/*
 * openmetrics_lex.c
 *    Characters, names, quoted texts and numbers of the text formats, and errors about them.
 *
 * What a blank may be and where depends on the format; nothing else does.
 */
#include "wire/openmetrics_int.h"

#include "model/value.h"
#include "util/text.h"

#include <limits.h>
#include <math.h>

#define GOT_BYTES 24 /* of the text, in messages */

/* --- errors --------------------------------------------------------------------------------------- */

int
om_position(const OmReader *r)
{
	return r->p - r->text > INT_MAX ? -1 : (int) (r->p - r->text);
}

/* om_expected -- "line 3: expected X, got "..."": what stands at p, up to the end of the line. */
bool
om_expected(OmReader *r, const char *what, Err *err)
{
	size_t n = 0;
	Buf got;

	buf_init(&got, 64, 1024);
	while (r->p + n < r->end && r->p[n] != '\n' && n < GOT_BYTES)
		n++;
	if (r->p == r->end)
		buf_str(&got, "end of text");
	else if (n == 0)
		buf_str(&got, "end of line");
	else
		text_quote(&got, r->p, n);
	err_set(err, ERR_BAD_REQUEST, om_position(r), "line %d: expected %s, got %s", r->line, what,
			got.data);
	buf_free(&got);
	return false;
}

/* om_invalid -- "line 3: X "..."": a part that was read but is not good. */
bool
om_invalid(OmReader *r, const char *what, StrView part, Err *err)
{
	Buf quoted;

	buf_init(&quoted, 64, 8 * GOT_BYTES + 16);
	text_quote(&quoted, part.s, part.len < GOT_BYTES ? part.len : GOT_BYTES);
	err_set(err, ERR_BAD_REQUEST, om_position(r), "line %d: %s %s", r->line, what, quoted.data);
	buf_free(&quoted);
	return false;
}

/* --- characters -------------------------------------------------------------------------------------- */

bool
om_take_text(OmReader *r, const char *s)
{
	size_t n = strlen(s);

	if ((size_t) (r->end - r->p) < n || memcmp(r->p, s, n) != 0)
		return false;
	r->p += n;
	return true;
}

/* om_skip_blanks -- where Prometheus' format allows them. */
void
om_skip_blanks(OmReader *r)
{
	while (r->format == OM_PROMETHEUS && (om_at(r, ' ') || om_at(r, '\t')))
		r->p++;
}

/* om_take_separator -- the blank between two parts of a line. */
bool
om_take_separator(OmReader *r)
{
	const char *before = r->p;

	if (r->format == OM_OPENMETRICS)
		return om_take(r, ' ');
	om_skip_blanks(r);
	return r->p > before;
}

/* om_take_newline -- the end of a line; the last one of Prometheus' format may lack it. */
bool
om_take_newline(OmReader *r)
{
	om_skip_blanks(r);
	if (r->p == r->end)
		return r->format == OM_PROMETHEUS;
	if (!om_take(r, '\n'))
		return false;
	r->line++;
	return true;
}

/* om_take_name -- of a metric (colons allowed) or a label; empty if there is none. */
StrView
om_take_name(OmReader *r, bool colons)
{
	const char *start = r->p;

	for (; r->p < r->end; r->p++)
	{
		char c = *r->p;

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
			  (colons && c == ':') || (r->p > start && c >= '0' && c <= '9')))
			break;
	}
	return strview(start, (size_t) (r->p - start));
}

/* take_token -- everything up to a blank or the end of the line. */
static StrView
take_token(OmReader *r)
{
	const char *start = r->p;

	while (r->p < r->end && *r->p != ' ' && *r->p != '\n' &&
		   !(r->format == OM_PROMETHEUS && *r->p == '\t'))
		r->p++;
	return strview(start, (size_t) (r->p - start));
}

/* om_take_quoted -- the inside of a quoted text, escapes not resolved. */
bool
om_take_quoted(OmReader *r, StrView *out, Err *err)
{
	const char *start, *p;
	int lines = 0;

	if (!om_at(r, '"'))
		return om_expected(r, "a quoted text", err);
	start = p = r->p + 1;
	for (; p < r->end && *p != '"'; p++)
	{
		if (*p == '\n' && r->format == OM_OPENMETRICS)
			break;
		lines += *p == '\n';
		if (*p == '\\' && (++p == r->end || *p == '\n'))
			break;
	}
	if (p >= r->end || *p != '"' || (size_t) (p - start) > LABELS_MAX_BYTES)
		return om_expected(r, "the end of a quoted text", err);
	*out = strview(start, (size_t) (p - start));
	if (!text_utf8_valid(out->s, out->len))
		return om_invalid(r, "text is not valid UTF-8:", *out, err);
	r->p = p + 1;
	r->line += lines;
	return true;
}

/* --- numbers ------------------------------------------------------------------------------------------ */

/* om_take_number -- Go's syntax without what it got after Prometheus' formats: p and _. */
bool
om_take_number(OmReader *r, const char *what, double *v, Err *err)
{
	StrView token = take_token(r);

	for (uint32_t i = 0; i < token.len; i++)
		if (token.s[i] == 'p' || token.s[i] == 'P' || token.s[i] == '_')
			return om_invalid(r, what, token, err);
	if (token.len == 0 || !text_parse_double(token.s, token.len, v))
		return om_invalid(r, what, token, err);
	if (isnan(*v))
		*v = value_nan();
	return true;
}

/* om_take_seconds -- OpenMetrics: computed as Prometheus does, so that the milliseconds are equal. */
bool
om_take_seconds(OmReader *r, int64_t *ms, Err *err)
{
	const char *start = r->p;
	double v;

	if (!om_take_number(r, "invalid timestamp", &v, err))
		return false;
	v *= 1000;
	if (!(v >= -0x1p63 && v < 0x1p63))
		return om_invalid(r, "invalid timestamp", strview(start, (size_t) (r->p - start)), err);
	*ms = (int64_t) v;
	return true;
}

bool
om_take_milliseconds(OmReader *r, int64_t *ms, Err *err)
{
	StrView token = take_token(r);
	bool negative = token.len > 0 && token.s[0] == '-';
	int64_t v = 0;
	uint32_t i = negative;

	for (; i < token.len; i++)
	{
		int digit = token.s[i] - '0';

		if (digit < 0 || digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
			__builtin_sub_overflow(v, digit, &v)) /* negative: there is one more of them */
			return om_invalid(r, "invalid timestamp", token, err);
	}
	if (token.len == (uint32_t) negative || (!negative && v == INT64_MIN))
		return om_invalid(r, "invalid timestamp", token, err);
	*ms = negative ? v : -v;
	return true;
}
