/*
 * openmetrics_labels.c
 *    From braces to a label set: labels as they stand, then escapes resolved, sorted, encoded.
 *
 * In two steps, because only when all labels of a line are known it is known how much room their
 * texts need, and views into a buffer must not move.
 */
#include "wire/openmetrics_int.h"

#include "util/mem.h"
#include "util/text.h"

#include <assert.h>

#define FLOAT_BYTES 32 /* more than the longest text of text_double_openmetrics */

/*
 * take_label -- one of the braces' members; a quoted text alone is the metric's name.
 *
 * metric is NULL in an exemplar, which has none.
 */
static bool
take_label(OmReader *r, StrView *metric, bool *metric_escaped, Err *err)
{
	RawLabel l = {.escaped = om_at(r, '"')};

	if (l.escaped)
	{
		if (!om_take_quoted(r, &l.name, err))
			return false;
		om_skip_blanks(r);
		if (metric != NULL && (om_at(r, ',') || om_at(r, '}')))
		{
			if (metric->len > 0)
				return om_invalid(r, "metric name is given twice:", l.name, err);
			*metric = l.name;
			*metric_escaped = true;
			return l.name.len > 0 || om_invalid(r, "metric name is empty:", l.name, err);
		}
	}
	else
		l.name = om_take_name(r, false);
	if (l.name.len == 0)
		return om_expected(r, "a label name", err);
	om_skip_blanks(r);
	if (!om_take(r, '='))
		return om_expected(r, "\"=\" after the label name", err);
	om_skip_blanks(r);
	if (!om_take_quoted(r, &l.value, err))
		return false;
	if (r->n_raw == r->cap_raw)
	{
		r->cap_raw = r->cap_raw == 0 ? 32 : r->cap_raw * 2;
		r->raw = mem_realloc(r->raw, sizeof(*r->raw) * (size_t) r->cap_raw);
	}
	r->raw[r->n_raw++] = l;
	return true;
}

bool
om_take_braces(OmReader *r, StrView *metric, bool *metric_escaped, Err *err)
{
	for (;;)
	{
		om_skip_blanks(r);
		if (om_take(r, '}'))
			return true;
		if (!take_label(r, metric, metric_escaped, err))
			return false;
		om_skip_blanks(r);
		if (!om_take(r, ',') && !om_at(r, '}'))
			return om_expected(r, "\",\" or \"}\" after the label", err);
	}
}

/* om_unescape -- \\ \n and, if quotes, \" resolved, to r->unescaped, which has room; others stay. */
StrView
om_unescape(OmReader *r, StrView s, bool quotes)
{
	char *start = r->unescaped.data + r->unescaped.len;
	char *to = start;

	if (memchr(s.s, '\\', s.len) == NULL)
		return s;
	for (uint32_t i = 0; i < s.len; i++)
	{
		char next = i + 1 < s.len ? s.s[i + 1] : '\0';
		bool escape = s.s[i] == '\\' && (next == '\\' || next == 'n' || (quotes && next == '"'));

		*to++ = !escape ? s.s[i] : next == 'n' ? '\n' : next;
		i += escape;
	}
	*to = '\0';
	r->unescaped.len += (size_t) (to - start);
	return strview(start, (size_t) (to - start));
}

/* normal_value -- le and quantile are numbers: "1" and "1.0" are one bucket. */
static StrView
normal_value(OmReader *r, StrView name, StrView value)
{
	const char *number = r->type == METRIC_HISTOGRAM ? "le" : "quantile";
	char text[TEXT_DOUBLE_MAX];
	size_t start = r->unescaped.len;
	double v;
	int n;

	if ((r->type != METRIC_HISTOGRAM && r->type != METRIC_SUMMARY) ||
		!strview_eq_cstr(name, number) || !text_parse_double(value.s, value.len, &v))
		return value;
	n = text_double_openmetrics(text, v);
	assert(n < FLOAT_BYTES);
	buf_append(&r->unescaped, text, (size_t) n); /* there is room: nothing moves */
	return strview(r->unescaped.data + start, (size_t) n);
}

/* om_build -- the label set of the braces, and the metric's name if there is one. */
bool
om_build(OmReader *r, StrView metric, bool metric_escaped, Buf *out, Labels *labels, Err *err)
{
	size_t room = metric.len;
	int n = 0;

	for (int i = 0; i < r->n_raw; i++)
		room += r->raw[i].name.len + r->raw[i].value.len + FLOAT_BYTES;
	buf_reset(&r->unescaped);
	buf_grow(&r->unescaped, room);
	if (r->cap_labels < r->n_raw + 1)
	{
		r->cap_labels = r->n_raw + 16;
		r->labels = mem_realloc(r->labels, sizeof(*r->labels) * (size_t) r->cap_labels);
	}
	if (metric.len > 0)
		r->labels[n++] = (Label){strview_cstr(LABELS_NAME),
								 metric_escaped ? om_unescape(r, metric, true) : metric};
	for (int i = 0; i < r->n_raw; i++)
	{
		const RawLabel *raw = &r->raw[i];
		StrView name = raw->escaped ? om_unescape(r, raw->name, true) : raw->name;

		r->labels[n].name = name;
		r->labels[n++].value = normal_value(r, name, om_unescape(r, raw->value, true));
	}
	n = labels_sort(r->labels, n);
	if (n < 0)
		return err_set(err, ERR_BAD_REQUEST, om_position(r), "line %d: a label name occurs twice",
					   r->line);
	buf_reset(out);
	labels_encode(out, r->labels, n);
	if (out->overflow)
		return err_set(err, ERR_TOO_LARGE, om_position(r), "line %d: labels are too long", r->line);
	*labels = (Labels){(const uint8_t *) out->data, (uint32_t) out->len};
	return true;
}
