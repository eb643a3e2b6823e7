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
#include "wire/openmetrics.h"

#include "model/value.h"
#include "util/cancel.h"
#include "util/mem.h"
#include "util/text.h"

#include <assert.h>
#include <limits.h>
#include <math.h>

#define GOT_BYTES	24 /* of the text, in messages */
#define FLOAT_BYTES 32 /* more than the longest text of text_double_openmetrics */

/* A label as it stands in the text, escapes and all. */
typedef struct RawLabel
{
	StrView name, value;
	bool escaped; /* the name was quoted */
} RawLabel;

struct OmReader
{
	OmFormat format;
	const char *text; /* start of it all */
	const char *p, *end;
	int line; /* of p */
	bool done;
	MetricType type; /* of the last TYPE */

	RawLabel *raw; /* of the braces read last */
	int n_raw, cap_raw;
	Label *labels;
	int cap_labels;
	Buf unescaped; /* texts that labels point to */
	Buf series, exemplar;
};

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

/* --- errors --------------------------------------------------------------------------------------- */

static int
position(const OmReader *r)
{
	return r->p - r->text > INT_MAX ? -1 : (int) (r->p - r->text);
}

/* expected -- "line 3: expected X, got "..."": what stands at p, up to the end of the line. */
static bool
expected(OmReader *r, const char *what, Err *err)
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
	err_set(err, ERR_BAD_REQUEST, position(r), "line %d: expected %s, got %s", r->line, what,
			got.data);
	buf_free(&got);
	return false;
}

/* invalid -- "line 3: X "..."": a part that was read but is not good. */
static bool
invalid(OmReader *r, const char *what, StrView part, Err *err)
{
	Buf quoted;

	buf_init(&quoted, 64, 8 * GOT_BYTES + 16);
	text_quote(&quoted, part.s, part.len < GOT_BYTES ? part.len : GOT_BYTES);
	err_set(err, ERR_BAD_REQUEST, position(r), "line %d: %s %s", r->line, what, quoted.data);
	buf_free(&quoted);
	return false;
}

/* --- characters -------------------------------------------------------------------------------------- */

static bool
at(const OmReader *r, char c)
{
	return r->p < r->end && *r->p == c;
}

static bool
take(OmReader *r, char c)
{
	if (!at(r, c))
		return false;
	r->p++;
	return true;
}

static bool
take_text(OmReader *r, const char *s)
{
	size_t n = strlen(s);

	if ((size_t) (r->end - r->p) < n || memcmp(r->p, s, n) != 0)
		return false;
	r->p += n;
	return true;
}

/* skip_blanks -- where Prometheus' format allows them. */
static void
skip_blanks(OmReader *r)
{
	while (r->format == OM_PROMETHEUS && (at(r, ' ') || at(r, '\t')))
		r->p++;
}

/* take_separator -- the blank between two parts of a line. */
static bool
take_separator(OmReader *r)
{
	const char *before = r->p;

	if (r->format == OM_OPENMETRICS)
		return take(r, ' ');
	skip_blanks(r);
	return r->p > before;
}

/* take_newline -- the end of a line; the last one of Prometheus' format may lack it. */
static bool
take_newline(OmReader *r)
{
	skip_blanks(r);
	if (r->p == r->end)
		return r->format == OM_PROMETHEUS;
	if (!take(r, '\n'))
		return false;
	r->line++;
	return true;
}

/* take_name -- of a metric (colons allowed) or a label; empty if there is none. */
static StrView
take_name(OmReader *r, bool colons)
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

/* take_quoted -- the inside of a quoted text, escapes not resolved. */
static bool
take_quoted(OmReader *r, StrView *out, Err *err)
{
	const char *start = r->p + 1;
	const char *p = start;
	int lines = 0;

	if (!at(r, '"'))
		return expected(r, "a quoted text", err);
	for (; p < r->end && *p != '"'; p++)
	{
		if (*p == '\n' && r->format == OM_OPENMETRICS)
			break;
		lines += *p == '\n';
		if (*p == '\\' && (++p == r->end || *p == '\n'))
			break;
	}
	if (p >= r->end || *p != '"' || (size_t) (p - start) > LABELS_MAX_BYTES)
		return expected(r, "the end of a quoted text", err);
	*out = strview(start, (size_t) (p - start));
	if (!text_utf8_valid(out->s, out->len))
		return invalid(r, "text is not valid UTF-8:", *out, err);
	r->p = p + 1;
	r->line += lines;
	return true;
}

/* --- numbers ------------------------------------------------------------------------------------------ */

/* take_number -- Go's syntax without what it got after Prometheus' formats: p and _. */
static bool
take_number(OmReader *r, const char *what, double *v, Err *err)
{
	StrView token = take_token(r);

	for (uint32_t i = 0; i < token.len; i++)
		if (token.s[i] == 'p' || token.s[i] == 'P' || token.s[i] == '_')
			return invalid(r, what, token, err);
	if (token.len == 0 || !text_parse_double(token.s, token.len, v))
		return invalid(r, what, token, err);
	if (isnan(*v))
		*v = value_nan();
	return true;
}

/* take_seconds -- OpenMetrics: computed as Prometheus does, so that the milliseconds are equal. */
static bool
take_seconds(OmReader *r, int64_t *ms, Err *err)
{
	const char *start = r->p;
	double v;

	if (!take_number(r, "invalid timestamp", &v, err))
		return false;
	v *= 1000;
	if (!(v >= -0x1p63 && v < 0x1p63))
		return invalid(r, "invalid timestamp", strview(start, (size_t) (r->p - start)), err);
	*ms = (int64_t) v;
	return true;
}

static bool
take_milliseconds(OmReader *r, int64_t *ms, Err *err)
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
			return invalid(r, "invalid timestamp", token, err);
	}
	if (token.len == (uint32_t) negative || (!negative && v == INT64_MIN))
		return invalid(r, "invalid timestamp", token, err);
	*ms = negative ? v : -v;
	return true;
}

/* --- labels ------------------------------------------------------------------------------------------- */

/*
 * take_label -- one of the braces' members; a quoted text alone is the metric's name.
 *
 * metric is NULL in an exemplar, which has none.
 */
static bool
take_label(OmReader *r, StrView *metric, bool *metric_escaped, Err *err)
{
	RawLabel l = {.escaped = at(r, '"')};

	if (l.escaped)
	{
		if (!take_quoted(r, &l.name, err))
			return false;
		skip_blanks(r);
		if (metric != NULL && (at(r, ',') || at(r, '}')))
		{
			if (metric->len > 0)
				return invalid(r, "metric name is given twice:", l.name, err);
			*metric = l.name;
			*metric_escaped = true;
			return l.name.len > 0 || invalid(r, "metric name is empty:", l.name, err);
		}
	}
	else
		l.name = take_name(r, false);
	if (l.name.len == 0)
		return expected(r, "a label name", err);
	skip_blanks(r);
	if (!take(r, '='))
		return expected(r, "\"=\" after the label name", err);
	skip_blanks(r);
	if (!take_quoted(r, &l.value, err))
		return false;
	if (r->n_raw == r->cap_raw)
	{
		r->cap_raw = r->cap_raw == 0 ? 32 : r->cap_raw * 2;
		r->raw = mem_realloc(r->raw, sizeof(*r->raw) * (size_t) r->cap_raw);
	}
	r->raw[r->n_raw++] = l;
	return true;
}

static bool
take_braces(OmReader *r, StrView *metric, bool *metric_escaped, Err *err)
{
	for (;;)
	{
		skip_blanks(r);
		if (take(r, '}'))
			return true;
		if (!take_label(r, metric, metric_escaped, err))
			return false;
		skip_blanks(r);
		if (!take(r, ',') && !at(r, '}'))
			return expected(r, "\",\" or \"}\" after the label", err);
	}
}

/* unescape -- \\ \n and, if quotes, \" resolved, to r->unescaped, which has room; others stay. */
static StrView
unescape(OmReader *r, StrView s, bool quotes)
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

/* build -- the label set of the braces, and the metric's name if there is one. */
static bool
build(OmReader *r, StrView metric, bool metric_escaped, Buf *out, Labels *labels, Err *err)
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
		r->labels[n++] =
			(Label){strview_cstr(LABELS_NAME), metric_escaped ? unescape(r, metric, true) : metric};
	for (int i = 0; i < r->n_raw; i++)
	{
		const RawLabel *raw = &r->raw[i];
		StrView name = raw->escaped ? unescape(r, raw->name, true) : raw->name;

		r->labels[n].name = name;
		r->labels[n++].value = normal_value(r, name, unescape(r, raw->value, true));
	}
	n = labels_sort(r->labels, n);
	if (n < 0)
		return err_set(err, ERR_BAD_REQUEST, position(r), "line %d: a label name occurs twice",
					   r->line);
	buf_reset(out);
	labels_encode(out, r->labels, n);
	if (out->overflow)
		return err_set(err, ERR_TOO_LARGE, position(r), "line %d: labels are too long", r->line);
	*labels = (Labels){(const uint8_t *) out->data, (uint32_t) out->len};
	return true;
}

/* --- samples -------------------------------------------------------------------------------------------- */

/* take_exemplar -- what follows " # ". */
static bool
take_exemplar(OmReader *r, OmItem *out, Err *err)
{
	out->has_exemplar = true;
	r->n_raw = 0;
	if (!take(r, '{'))
		return expected(r, "\"{\" of an exemplar", err);
	if (!take_braces(r, NULL, NULL, err) ||
		!build(r, strview("", 0), false, &r->exemplar, &out->exemplar.labels, err))
		return false;
	if (!take(r, ' '))
		return expected(r, "a value after the exemplar's labels", err);
	if (!take_number(r, "invalid exemplar value", &out->exemplar.value, err))
		return false;
	out->exemplar_has_t = take(r, ' ');
	return !out->exemplar_has_t || take_seconds(r, &out->exemplar.t, err);
}

/* take_rest -- of an OpenMetrics sample, behind its value. */
static bool
take_rest(OmReader *r, OmItem *out, Err *err)
{
	if (!take(r, ' '))
		return true;
	if (!take_text(r, "# "))
	{
		out->has_t = true;
		if (!take_seconds(r, &out->t, err))
			return false;
		if (!take_text(r, " # "))
			return true;
	}
	return take_exemplar(r, out, err);
}

static bool
take_sample(OmReader *r, OmItem *out, Err *err)
{
	StrView metric = take_name(r, true);
	const char *behind = r->p;
	bool metric_escaped = false, braces;

	out->kind = OM_SAMPLE;
	r->n_raw = 0;
	skip_blanks(r);
	braces = take(r, '{');
	if (!braces)
		r->p = behind;
	else if (!take_braces(r, &metric, &metric_escaped, err))
		return false;
	if (metric.len == 0)
		return expected(r, "a metric name", err);
	if (!build(r, metric, metric_escaped, &r->series, &out->labels, err))
		return false;
	if (!take_separator(r) && !(braces && r->format == OM_PROMETHEUS))
		return expected(r, "a value after the metric", err);
	if (!take_number(r, "invalid value", &out->value, err))
		return false;
	if (r->format == OM_OPENMETRICS)
	{
		if (!take_rest(r, out, err))
			return false;
	}
	else
	{
		skip_blanks(r);
		out->has_t = r->p < r->end && *r->p != '\n';
		if (out->has_t && !take_milliseconds(r, &out->t, err))
			return false;
	}
	return take_newline(r) || expected(r, "the end of the line after the sample", err);
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
	if (!at(r, '"'))
		*family = take_name(r, true);
	else if (!take_quoted(r, family, err))
		return false;
	else
	{
		buf_reset(&r->series);
		buf_grow(&r->series, family->len);
		buf_reset(&r->unescaped);
		buf_grow(&r->unescaped, family->len);
		*family = unescape(r, *family, true);
		buf_append(&r->series, family->s, family->len); /* r->unescaped is the help text's */
		*family = strview(r->series.data, r->series.len);
	}
	return family->len > 0 || expected(r, "a metric name after TYPE, HELP or UNIT", err);
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
	if (!take(r, ' ') && !(r->format == OM_PROMETHEUS && take(r, '\t')) &&
		(r->format == OM_OPENMETRICS || kind == OM_TYPE))
		return expected(r, "a text after the metric name", err);
	for (start = r->p; r->p < r->end && *r->p != '\n'; r->p++)
		;
	text = strview(start, (size_t) (r->p - start));
	if (!text_utf8_valid(text.s, text.len))
		return invalid(r, "text is not valid UTF-8:", text, err);
	if (kind == OM_HELP)
	{
		buf_reset(&r->unescaped);
		buf_grow(&r->unescaped, text.len);
		m->help = unescape(r, text, r->format == OM_OPENMETRICS);
	}
	else if (kind == OM_TYPE)
	{
		if (!metric_type(r->format, text, &r->type))
			return invalid(r, "invalid metric type", text, err);
		m->type = r->type;
	}
	else
	{
		if (text.len > 0 && !is_suffix(m->family, text))
			return invalid(r, "metric name does not end with its unit", text, err);
		m->unit = text;
	}
	return take_newline(r) || expected(r, "the end of the line", err);
}

/* --- lines --------------------------------------------------------------------------------------------- */

/* take_eof -- what follows "# EOF": nothing. */
static int
take_eof(OmReader *r, Err *err)
{
	take(r, '\n');
	if (r->p < r->end)
	{
		r->line++;
		err_set(err, ERR_BAD_REQUEST, position(r), "line %d: unexpected data after # EOF", r->line);
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
		if (take_text(r, words[*kind]) && take_separator(r))
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

	if (r->format == OM_OPENMETRICS && take_text(r, " EOF"))
		return take_eof(r, err);
	if (take_separator(r) && take_keyword(r, &kind))
		return take_metadata(r, kind, out, err) ? 1 : -1;
	if (r->format == OM_PROMETHEUS)
	{
		skip_line(r);
		return 0;
	}
	r->p = before;
	expected(r, "a sample, TYPE, HELP, UNIT or EOF", err);
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
		skip_blanks(r);
		clear(r, out);
		if (r->p == r->end)
		{
			if (r->format == OM_PROMETHEUS)
				break;
			err_set(err, ERR_BAD_REQUEST, position(r), "line %d: data does not end with # EOF",
					r->line);
			return -1;
		}
		if (at(r, '#'))
		{
			int got = take_comment(r, out, err);

			if (got != 0)
				return got;
		}
		else if (r->format == OM_PROMETHEUS && at(r, '\n'))
			skip_line(r);
		else
			return take_sample(r, out, err) ? 1 : -1;
	}
	r->done = true;
	return 0;
}
