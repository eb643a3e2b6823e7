/*
 * labels_parse.c
 *    Reading a label set that is written as a series: name{a="b", "odd name"="c"}.
 *
 *    set     = [ metric ] [ "{" [ item { "," item } [ "," ] ] "}" ]
 *    item    = name "=" string | string                  a string alone is the metric name
 *    name    = letters, digits, "_" | string
 *
 * It reads whatever labels_text writes, also what PromQL could not: a metric called "on" or "nan",
 * a U+FFFD.  White space may stand between tokens; an empty value means no label.
 */
#include "model/labels.h"
#include "util/mem.h"
#include "util/text.h"

#define PARSE_MAX_BYTES ((size_t) 256 * 1024 * 1024) /* of all strings of a set */

typedef struct Reader
{
	const char *text;
	const char *p;
	const char *end;
	LabelsBuilder labels;
	Err *err;
} Reader;

static bool
fail(Reader *r, const char *at, const char *what)
{
	return err_set(r->err, ERR_BAD_REQUEST, (int) (at - r->text), "%s", what);
}

static void
skip_space(Reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\r' || *r->p == '\n'))
		r->p++;
}

static bool
at(const Reader *r, char c)
{
	return r->p < r->end && *r->p == c;
}

/* accept -- c and the space behind it. */
static bool
accept(Reader *r, char c)
{
	if (!at(r, c))
		return false;
	r->p++;
	skip_space(r);
	return true;
}

/* word -- a bare name, or an empty view. */
static StrView
word(Reader *r, bool colon)
{
	const char *begin = r->p;

	while (r->p < r->end &&
		   ((*r->p >= 'a' && *r->p <= 'z') || (*r->p >= 'A' && *r->p <= 'Z') || *r->p == '_' ||
			(*r->p >= '0' && *r->p <= '9' && r->p > begin) || (*r->p == ':' && colon)))
		r->p++;
	return strview(begin, (size_t) (r->p - begin));
}

static bool
string(Reader *r, StrView *out)
{
	const char *begin = r->p;
	Buf b;

	buf_init(&b, 32, PARSE_MAX_BYTES);
	r->p = text_unquote(&b, r->p, r->end);
	if (r->p == NULL)
		return fail(r, begin, "malformed string");
	if (b.len > LABELS_MAX_BYTES)
		return fail(r, begin, "string is too long");
	if (!text_utf8_valid(b.data, b.len))
		return fail(r, begin, "string is not valid UTF-8");
	*out = strview(b.data, b.len);
	return true;
}

static bool
add(Reader *r, const char *where, StrView name, StrView value)
{
	int before = r->labels.n;

	if (name.len > LABELS_MAX_BYTES)
		return fail(r, where, "label name is too long");
	labels_builder_set(&r->labels, name, value);
	if (value.len > 0 && r->labels.n == before)
		return fail(r, where, "label is given twice");
	return true;
}

static bool
item(Reader *r)
{
	const char *begin = r->p;
	bool quoted = at(r, '"') || at(r, '\'') || at(r, '`');
	StrView name;
	StrView value;

	if (!quoted)
		name = word(r, false);
	else if (!string(r, &name))
		return false;
	if (!quoted && name.len == 0)
		return fail(r, begin, "expected a label name");
	skip_space(r);
	if (quoted && (at(r, ',') || at(r, '}')))
		return add(r, begin, strview_cstr(LABELS_NAME), name);
	if (name.len == 0)
		return fail(r, begin, "label name is empty");
	if (!accept(r, '='))
		return fail(r, r->p, "expected \"=\" behind the label name");
	if (!string(r, &value))
		return false;
	skip_space(r);
	return add(r, begin, name, value);
}

static bool
braces(Reader *r)
{
	while (!accept(r, '}'))
	{
		if (!item(r))
			return false;
		if (!accept(r, ',') && !at(r, '}'))
			return fail(r, r->p, "expected \",\" or \"}\" behind the label");
	}
	return true;
}

/*
 * labels_parse -- text to a label set whose bytes are from mem_alloc.  False fills err, with the
 * position of what is wrong.
 */
bool
labels_parse(const char *text, size_t len, Labels *out, Err *err)
{
	Reader r = {.text = text, .p = text, .end = text + len, .err = err};
	StrView metric;
	bool any;

	labels_builder_init(&r.labels);
	skip_space(&r);
	metric = word(&r, true);
	any = metric.len > 0;
	if (metric.len > LABELS_MAX_BYTES)
		return fail(&r, metric.s, "metric name is too long");
	labels_builder_set(&r.labels, strview_cstr(LABELS_NAME), metric);
	skip_space(&r);
	if (accept(&r, '{'))
	{
		any = true;
		if (!braces(&r))
			return false;
	}
	if (!any)
		return fail(&r, r.p, "expected a metric name or \"{\"");
	if (r.p < r.end)
		return fail(&r, r.p, "unexpected text behind the label set");
	*out = labels_builder_finish(&r.labels);
	return true;
}
