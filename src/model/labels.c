/*
 * labels.c
 *    Label sets in their byte form: walking, comparing, text.
 *
 * Form (docs/formats.md): for each label, ascending by name, the name and the value, each as a
 * length and its bytes.  A length below 255 is one byte; else 255 and three bytes little-endian.
 *
 * Invariants (labels_check): names ascend strictly and are not empty, values are not empty, every
 * length has its shortest form; so equal sets have equal bytes.  Only labels_check looks at bytes
 * from outside, all else trusts them.
 */
#include "model/labels.h"

#include "util/hash.h"
#include "util/mem.h"
#include "util/text.h"

#include <assert.h>

StrView
strview_cstr(const char *s)
{
	return strview(s, strlen(s));
}

/* strview_cmp -- order of the bytes, a prefix first. */
int
strview_cmp(StrView a, StrView b)
{
	uint32_t n = a.len < b.len ? a.len : b.len;
	int c = n > 0 ? memcmp(a.s, b.s, n) : 0;

	if (c != 0)
		return c;
	return a.len < b.len ? -1 : a.len > b.len;
}

bool
strview_eq(StrView a, StrView b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

bool
strview_eq_cstr(StrView a, const char *s)
{
	return strview_eq(a, strview_cstr(s));
}

/* labels_iter_init -- begin a walk over a trusted set; its bytes must outlive the walk. */
void
labels_iter_init(LabelsIter *it, Labels ls)
{
	it->p = ls.data;
	it->end = ls.len > 0 ? ls.data + ls.len : ls.data;
}

/* read_string -- one trusted string at p; returns the byte behind it. */
static inline const uint8_t *
read_string(const uint8_t *p, StrView *s)
{
	uint32_t len = *p++;

	if (len == 255)
	{
		len = (uint32_t) p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16;
		p += 3;
	}
	s->s = (const char *) p;
	s->len = len;
	return p + len;
}

/* labels_next -- the next label, as views into the set; false at the end. */
bool
labels_next(LabelsIter *it, Label *out)
{
	if (it->p >= it->end)
		return false;
	it->p = read_string(it->p, &out->name);
	it->p = read_string(it->p, &out->value);
	return true;
}

/* check_string -- a non-empty string of hostile bytes; NULL if it is not well-formed. */
static const uint8_t *
check_string(const uint8_t *p, const uint8_t *end, StrView *s)
{
	size_t left = (size_t) (end - p);
	uint32_t len;

	if (left < 1)
		return NULL;
	len = *p;
	if (len == 255)
	{
		if (left < 4)
			return NULL;
		len = (uint32_t) p[1] | (uint32_t) p[2] << 8 | (uint32_t) p[3] << 16;
		if (len < 255)
			return NULL;
		p += 3;
		left -= 3;
	}
	if (left - 1 < len || len == 0)
		return NULL;
	s->s = (const char *) p + 1;
	s->len = len;
	return p + 1 + len;
}

/* labels_check -- are these bytes a label set?  Whether they are UTF-8 is ingestion's question. */
bool
labels_check(const uint8_t *data, size_t len)
{
	const uint8_t *p = data;
	const uint8_t *end = data + len;
	StrView last = {NULL, 0};

	while (p < end)
	{
		StrView name;
		StrView value;

		if ((p = check_string(p, end, &name)) == NULL || (p = check_string(p, end, &value)) == NULL)
			return false;
		if (last.s != NULL && strview_cmp(last, name) >= 0)
			return false;
		last = name;
	}
	return true;
}

int
labels_count(Labels ls)
{
	LabelsIter it;
	Label l;
	int n = 0;

	labels_iter_init(&it, ls);
	while (labels_next(&it, &l))
		n++;
	return n;
}

/* labels_get -- the value of a label; false and an empty value if the set lacks it. */
bool
labels_get(Labels ls, StrView name, StrView *value)
{
	LabelsIter it;
	Label l;

	labels_iter_init(&it, ls);
	while (labels_next(&it, &l))
	{
		if (strview_eq(l.name, name))
		{
			*value = l.value;
			return true;
		}
	}
	*value = strview("", 0);
	return false;
}

StrView
labels_metric_name(Labels ls)
{
	StrView v;

	labels_get(ls, strview_cstr(LABELS_NAME), &v);
	return v;
}

/*
 * labels_cmp -- Prometheus' order of series: label by label, name before value; a set that is the
 * beginning of another comes first.
 */
int
labels_cmp(Labels a, Labels b)
{
	LabelsIter ia;
	LabelsIter ib;

	labels_iter_init(&ia, a);
	labels_iter_init(&ib, b);
	for (;;)
	{
		Label la;
		Label lb;
		bool has_a = labels_next(&ia, &la);
		bool has_b = labels_next(&ib, &lb);
		int c;

		if (!has_a || !has_b)
			return (int) has_a - (int) has_b;
		c = strview_cmp(la.name, lb.name);
		if (c == 0)
			c = strview_cmp(la.value, lb.value);
		if (c != 0)
			return c;
	}
}

bool
labels_equal(Labels a, Labels b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* labels_hash -- the series hash of Prometheus; never changes. */
uint64_t
labels_hash(Labels ls)
{
	return hash_xxh64(ls.data, ls.len);
}

Labels
labels_copy(Labels ls)
{
	return (Labels){mem_dup(ls.data, ls.len), ls.len};
}

static size_t
string_size(StrView s)
{
	return s.len + (s.len < 255 ? 1 : 4);
}

size_t
labels_encoded_size(const Label *labels, int n)
{
	size_t size = 0;

	for (int i = 0; i < n; i++)
		size += string_size(labels[i].name) + string_size(labels[i].value);
	return size;
}

static uint8_t *
put_string(uint8_t *p, StrView s)
{
	assert(s.len <= LABELS_MAX_BYTES);
	if (s.len < 255)
		*p++ = (uint8_t) s.len;
	else
	{
		*p++ = 255;
		*p++ = (uint8_t) s.len;
		*p++ = (uint8_t) (s.len >> 8);
		*p++ = (uint8_t) (s.len >> 16);
	}
	memcpy(p, s.s, s.len);
	return p + s.len;
}

/* labels_put -- write one label at p, where there is room; returns the byte behind it. */
uint8_t *
labels_put(uint8_t *p, StrView name, StrView value)
{
	return put_string(put_string(p, name), value);
}

/* labels_encode -- append n labels, ascending by name, unique, values not empty. */
void
labels_encode(Buf *out, const Label *labels, int n)
{
	if (!buf_grow(out, labels_encoded_size(labels, n)))
		return;
	for (int i = 0; i < n; i++)
	{
		uint8_t *p = (uint8_t *) out->data + out->len;

		out->len += (size_t) (labels_put(p, labels[i].name, labels[i].value) - p);
	}
	out->data[out->len] = '\0';
}

/* --- names --------------------------------------------------------------------------------- */

static bool
legacy(StrView s, bool colon)
{
	for (uint32_t i = 0; i < s.len; i++)
	{
		char c = s.s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
			  (c >= '0' && c <= '9' && i > 0) || (c == ':' && colon)))
			return false;
	}
	return s.len > 0;
}

bool
labels_name_legacy_valid(StrView name)
{
	return legacy(name, false);
}

bool
labels_metric_legacy_valid(StrView name)
{
	return legacy(name, true);
}

/* --- text ---------------------------------------------------------------------------------- */

/*
 * labels_text -- append the set as PromQL writes a series: name{a="b", c="d"}.
 *
 * A metric name that is not legacy-valid goes inside the braces as a string, such label names are
 * quoted; without any label but the name there are no braces, the empty set is {}.
 */
void
labels_text(Buf *out, Labels ls)
{
	LabelsIter it;
	Label l;
	StrView metric = labels_metric_name(ls);
	bool outside = labels_metric_legacy_valid(metric);
	bool open = false;

	if (outside)
		buf_append(out, metric.s, metric.len);
	else if (metric.len > 0)
	{
		buf_char(out, '{');
		text_quote(out, metric.s, metric.len);
		open = true;
	}
	labels_iter_init(&it, ls);
	while (labels_next(&it, &l))
	{
		if (strview_eq_cstr(l.name, LABELS_NAME))
			continue;
		buf_str(out, open ? ", " : "{");
		open = true;
		if (labels_name_legacy_valid(l.name))
			buf_append(out, l.name.s, l.name.len);
		else
			text_quote(out, l.name.s, l.name.len);
		buf_char(out, '=');
		text_quote(out, l.value.s, l.value.len);
	}
	if (open)
		buf_char(out, '}');
	else if (metric.len == 0)
		buf_str(out, "{}");
}

/* labels_json -- append a JSON object, keys in label order, < > & as they are. */
void
labels_json(Buf *out, Labels ls)
{
	LabelsIter it;
	Label l;
	bool first = true;

	buf_char(out, '{');
	labels_iter_init(&it, ls);
	while (labels_next(&it, &l))
	{
		if (!first)
			buf_char(out, ',');
		first = false;
		text_json_string(out, l.name.s, l.name.len, false);
		buf_char(out, ':');
		text_json_string(out, l.value.s, l.value.len, false);
	}
	buf_char(out, '}');
}
