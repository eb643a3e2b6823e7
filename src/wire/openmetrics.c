/*
 * openmetrics.c
 *    Text to samples and metadata, line by line.
 *
 * OpenMetrics (https://prometheus.io/docs/specs/om/open_metrics_spec/), as strict about blanks as
 * Prometheus' parser: one where one is meant, none elsewhere.
 *
 *    exposition   { metadata | sample } "# EOF" [LF]
 *    metadata     "# " ( "TYPE" | "HELP" | "UNIT" ) " " name " " text LF
 *    sample       series " " value [ " " timestamp ] [ " # " labels " " value [ " " timestamp ] ] LF
 *    series       name [ labels ] | labels with a quoted name among them
 *    labels       "{" [ label { "," label } [ "," ] ] "}"
 *    label        name "=" quoted | quoted "=" quoted
 *
 * Timestamps are seconds.  Prometheus' format allows blanks and tabs between all parts, empty lines,
 * other comments and line feeds inside quotes; it has no units and no exemplars, and its timestamps
 * are whole milliseconds.
 *
 * Memory: labels and texts of one line, a few times their length.
 */
#include "wire/openmetrics_int.h"

#include "util/cancel.h"
#include "util/mem.h"
#include "util/text.h"

#include <assert.h>

OmFormat
om_detect(const char *text, size_t len)
{
	if (len > 0 && text[len - 1] == '\n')
		len--;
	return len >= 5 && memcmp(text + len - 5, "# EOF", 5) == 0 ? OM_OPENMETRICS : OM_PROMETHEUS;
}

OmReader *
om_reader_create(OmFormat format, const char *text, size_t len)
{
	OmReader *r = mem_alloc0(sizeof(*r));

	assert(len <= UINT32_MAX);
	r->format = format;
	r->text = r->p = text;
	r->end = text + len;
	r->line = 1;
	buf_init(&r->unescaped, 256, SIZE_MAX / 2);
	buf_init(&r->series, 256, UINT32_MAX);
	buf_init(&r->exemplar, 64, UINT32_MAX);
	return r;
}

void
om_reader_free(OmReader *r)
{
	mem_free(r->raw);
	mem_free(r->labels);
	buf_free(&r->unescaped);
	buf_free(&r->series);
	buf_free(&r->exemplar);
	mem_free(r);
}

/* --- samples -------------------------------------------------------------------------------------------- */

/* take_exemplar -- what follows " # ". */
static bool
take_exemplar(OmReader *r, OmItem *out, Err *err)
{
	out->has_exemplar = true;
	r->n_raw = 0;
	if (!om_take(r, '{'))
		return om_expected(r, "\"{\" of an exemplar", err);
	if (!om_take_braces(r, NULL, NULL, err) ||
		!om_build(r, strview("", 0), false, &r->exemplar, &out->exemplar.labels, err))
		return false;
	if (!om_take(r, ' '))
		return om_expected(r, "a value after the exemplar's labels", err);
	if (!om_take_number(r, "invalid exemplar value", &out->exemplar.value, err))
		return false;
	out->exemplar_has_t = om_take(r, ' ');
	return !out->exemplar_has_t || om_take_seconds(r, &out->exemplar.t, err);
}

/* take_rest -- of an OpenMetrics sample, behind its value. */
static bool
take_rest(OmReader *r, OmItem *out, Err *err)
{
	if (!om_take(r, ' '))
		return true;
	if (!om_take_text(r, "# "))
	{
		out->has_t = true;
		if (!om_take_seconds(r, &out->t, err))
			return false;
		if (!om_take_text(r, " # "))
			return true;
	}
	return take_exemplar(r, out, err);
}

static bool
take_sample(OmReader *r, OmItem *out, Err *err)
{
	StrView metric = om_take_name(r, true);
	const char *behind = r->p;
	bool metric_escaped = false, braces;

	out->kind = OM_SAMPLE;
	r->n_raw = 0;
	om_skip_blanks(r);
	braces = om_take(r, '{');
	if (!braces)
		r->p = behind;
	else if (!om_take_braces(r, &metric, &metric_escaped, err))
		return false;
	if (metric.len == 0)
		return om_expected(r, "a metric name", err);
	if (!om_build(r, metric, metric_escaped, &r->series, &out->labels, err))
		return false;
	if (!om_take_separator(r) && !(braces && r->format == OM_PROMETHEUS))
		return om_expected(r, "a value after the metric", err);
	if (!om_take_number(r, "invalid value", &out->value, err))
		return false;
	if (r->format == OM_OPENMETRICS)
	{
		if (!take_rest(r, out, err))
			return false;
	}
	else
	{
		om_skip_blanks(r);
		out->has_t = r->p < r->end && *r->p != '\n';
		if (out->has_t && !om_take_milliseconds(r, &out->t, err))
			return false;
	}
	return om_take_newline(r) || om_expected(r, "the end of the line after the sample", err);
}

/* --- metadata ------------------------------------------------------------------------------------------- */

static bool
metric_type(OmFormat format, StrView s, MetricType *type)
{
	/* each format has names that the other lacks */
	if (format == OM_PROMETHEUS)
	{
		if (strview_eq_cstr(s, "untyped"))
		{
			*type = METRIC_UNKNOWN;
			return true;
		}
	}
	for (MetricType t = METRIC_UNKNOWN; t <= METRIC_STATESET; t++)
	{
		if (!strview_eq_cstr(s, metric_type_name(t)))
			continue;
		*type = t;
		return format == OM_OPENMETRICS || t == METRIC_COUNTER || t == METRIC_GAUGE ||
			   t == METRIC_HISTOGRAM || t == METRIC_SUMMARY;
	}
	return false;
}

/* is_suffix -- is the unit the family's last part? */
static bool
is_suffix(StrView family, StrView unit)
{
	return family.len > unit.len && family.s[family.len - unit.len - 1] == '_' &&
		   memcmp(family.s + family.len - unit.len, unit.s, unit.len) == 0;
}

static bool
take_family(OmReader *r, StrView *family, Err *err)
{
	if (!om_at(r, '"'))
		*family = om_take_name(r, true);
	else if (!om_take_quoted(r, family, err))
		return false;
	else
	{
		buf_reset(&r->series);
		buf_grow(&r->series, family->len);
		buf_reset(&r->unescaped);
		buf_grow(&r->unescaped, family->len);
		*family = om_unescape(r, *family, true);
		buf_append(&r->series, family->s, family->len); /* r->unescaped is the help text's */
		*family = strview(r->series.data, r->series.len);
	}
	return family->len > 0 || om_expected(r, "a metric name after TYPE, HELP or UNIT", err);
}

static bool
take_metadata(OmReader *r, OmKind kind, OmItem *out, Err *err)
{
	Metadata *m = &out->metadata;
	const char *start;
	StrView text;

	out->kind = kind;
	if (!take_family(r, &m->family, err))
		return false;
	/* one blank; what follows is text, blanks too */
	if (!om_take(r, ' ') && !(r->format == OM_PROMETHEUS && om_take(r, '\t')) &&
		(r->format == OM_OPENMETRICS || kind == OM_TYPE))
		return om_expected(r, "a text after the metric name", err);
	for (start = r->p; r->p < r->end && *r->p != '\n'; r->p++)
		;
	text = strview(start, (size_t) (r->p - start));
	if (!text_utf8_valid(text.s, text.len))
		return om_invalid(r, "text is not valid UTF-8:", text, err);
	if (kind == OM_HELP)
	{
		buf_reset(&r->unescaped);
		buf_grow(&r->unescaped, text.len);
		m->help = om_unescape(r, text, r->format == OM_OPENMETRICS);
	}
	else if (kind == OM_TYPE)
	{
		if (!metric_type(r->format, text, &r->type))
			return om_invalid(r, "invalid metric type", text, err);
		m->type = r->type;
	}
	else
	{
		if (text.len > 0 && !is_suffix(m->family, text))
			return om_invalid(r, "metric name does not end with its unit", text, err);
		m->unit = text;
	}
	return om_take_newline(r) || om_expected(r, "the end of the line", err);
}

/* --- lines --------------------------------------------------------------------------------------------- */

/* take_eof -- what follows "# EOF": nothing. */
static int
take_eof(OmReader *r, Err *err)
{
	om_take(r, '\n');
	if (r->p < r->end)
	{
		r->line++;
		err_set(err, ERR_BAD_REQUEST, om_position(r), "line %d: unexpected data after # EOF",
				r->line);
		return -1;
	}
	r->done = true;
	return 0;
}

static void
skip_line(OmReader *r)
{
	const char *newline = memchr(r->p, '\n', (size_t) (r->end - r->p));

	r->p = newline == NULL ? r->end : newline + 1;
	r->line += newline != NULL;
}

/* take_keyword -- TYPE, HELP or UNIT and the blank behind it. */
static bool
take_keyword(OmReader *r, OmKind *kind)
{
	static const char *const words[] = {[OM_TYPE] = "TYPE", [OM_HELP] = "HELP", [OM_UNIT] = "UNIT"};
	const char *before = r->p;

	for (*kind = OM_TYPE; *kind <= OM_UNIT; (*kind)++)
	{
		if (*kind == OM_UNIT && r->format == OM_PROMETHEUS)
			break;
		if (om_take_text(r, words[*kind]) && om_take_separator(r))
			return true;
		r->p = before;
	}
	return false;
}

/* take_comment -- a line that begins with "#": 1 an item, 0 nothing (or the end), -1. */
static int
take_comment(OmReader *r, OmItem *out, Err *err)
{
	const char *before = r->p++;
	OmKind kind;

	if (r->format == OM_OPENMETRICS && om_take_text(r, " EOF"))
		return take_eof(r, err);
	if (om_take_separator(r) && take_keyword(r, &kind))
		return take_metadata(r, kind, out, err) ? 1 : -1;
	if (r->format == OM_PROMETHEUS)
	{
		skip_line(r);
		return 0;
	}
	r->p = before;
	om_expected(r, "a sample, TYPE, HELP, UNIT or EOF", err);
	return -1;
}

static void
clear(const OmReader *r, OmItem *out)
{
	memset(out, 0, sizeof(*out));
	out->line = r->line;
	out->metadata.family = out->metadata.help = out->metadata.unit = strview("", 0);
	out->metadata.type = r->type;
	out->labels = out->exemplar.labels = (Labels){(const uint8_t *) "", 0};
}

int
om_next(OmReader *r, OmItem *out, Err *err)
{
	cancel_poll();
	while (!r->done)
	{
		om_skip_blanks(r);
		clear(r, out);
		if (r->p == r->end)
		{
			if (r->format == OM_PROMETHEUS)
				break;
			err_set(err, ERR_BAD_REQUEST, om_position(r), "line %d: data does not end with # EOF",
					r->line);
			return -1;
		}
		if (om_at(r, '#'))
		{
			int got = take_comment(r, out, err);

			if (got != 0)
				return got;
		}
		else if (r->format == OM_PROMETHEUS && om_at(r, '\n'))
			skip_line(r);
		else
			return take_sample(r, out, err) ? 1 : -1;
	}
	r->done = true;
	return 0;
}
