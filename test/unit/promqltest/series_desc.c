/*
 * series_desc.c
 *    Series descriptions of the Prometheus test language, by recursive descent.
 *
 *    line    := metric { space item }            metric := a selector with only "="
 *    item    := "_" [ "x" N ]
 *             | value [ ("+"|"-") number ] [ "x" N ]
 *             | hist [ ("+"|"-") hist "x" N ] | hist "x" N
 *    value   := [sign] number | "stale"
 *    hist    := "{{" { key ":" what } "}}"
 *    starts  := metric "@st" { space start }
 *    start   := "_" [ "x" N ] | [sign] duration [ [ ("+"|"-") duration ] "x" N ]
 *
 * No spaces inside an item.  Metric and numbers are read by the product's own parser.
 */
#include "promqltest/series_desc.h"

#include "promql/parser/number.h"
#include "promql/promql.h"
#include "util/mem.h"
#include "util/text.h"

#include <string.h>

typedef struct Reader
{
	const char *text;
	const char *p;
	const char *end;
	Err *err;
} Reader;

static bool
fail(Reader *r, const char *what)
{
	int pos = (int) (r->p - r->text);

	return err_set(r->err, ERR_PROMQL_SYNTAX, pos, "1:%d: parse error: %s", pos + 1, what);
}

static bool
unexpected(Reader *r, const char *context)
{
	if (r->p == r->end)
		return fail(r, mem_printf("unexpected end of input in %s", context));
	return fail(r, mem_printf("unexpected character '%c' in %s", *r->p, context));
}

static bool
at(const Reader *r, const char *set)
{
	return r->p < r->end && *r->p != '\0' && strchr(set, *r->p) != NULL;
}

static bool
accept(Reader *r, const char *set)
{
	if (!at(r, set))
		return false;
	r->p++;
	return true;
}

static bool
accept_text(Reader *r, const char *text)
{
	size_t n = strlen(text);

	if ((size_t) (r->end - r->p) < n || memcmp(r->p, text, n) != 0)
		return false;
	r->p += n;
	return true;
}

static bool
skip_space(Reader *r)
{
	const char *begin = r->p;

	while (accept(r, " \t\r\n"))
		;
	return r->p > begin;
}

static bool
is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* word -- a run of letters, digits and '_'. */
static StrView
word(Reader *r)
{
	const char *begin = r->p;

	while (r->p < r->end && is_word_char(*r->p))
		r->p++;
	return strview(begin, (size_t) (r->p - begin));
}

/* metric_end -- the byte after name{...} at p. */
static const char *
metric_end(const Reader *r)
{
	const char *p = r->p;
	char quote = '\0';

	while (p < r->end && (is_word_char(*p) || *p == ':'))
		p++;
	if (p == r->end || *p != '{')
		return p;
	for (; p < r->end; p++)
	{
		if (quote == '\0' && *p == '}')
			return p + 1;
		if (quote != '\0' && *p == '\\' && quote != '`')
			p++;
		else if (quote != '\0' && *p == quote)
			quote = '\0';
		else if (quote == '\0' && strchr("\"'`", *p) != NULL)
			quote = *p;
	}
	return r->end;
}

static bool
parse_metric(Reader *r, Labels *out)
{
	const char *end = metric_end(r);
	LabelsBuilder b;
	Matcher *ms;
	int n;

	if (!promql_parse_selector(r->p, (size_t) (end - r->p), &ms, &n, r->err))
		return false;
	labels_builder_init(&b);
	for (int i = 0; i < n; i++)
	{
		if (ms[i].type != MATCH_EQUAL)
			return fail(r, "unexpected matcher in label set, expected \"=\"");
		labels_builder_set(&b, ms[i].name, ms[i].value);
	}
	*out = labels_builder_finish(&b);
	r->p = end;
	return true;
}

static bool
parse_count(Reader *r, int64_t *n)
{
	const char *begin = r->p;

	*n = 0;
	while (at(r, "0123456789") && *n <= SERIES_MAX_VALUES)
		*n = *n * 10 + (*r->p++ - '0');
	if (r->p == begin)
		return unexpected(r, "series values, expected a repetition");
	if (*n > SERIES_MAX_VALUES)
		return fail(r, "too many series values");
	return true;
}

/* parse_number -- sign, digits, Inf and NaN. */
static bool
parse_number(Reader *r, double *v)
{
	bool minus = at(r, "-");
	size_t len;

	accept(r, "+-");
	if (at(r, "iInN"))
	{
		StrView w = word(r);

		if (!text_parse_double(w.s, w.len, v))
			return fail(r, "expected a number");
	}
	else if (!at(r, ".0123456789") || number_scan(r->p, r->end, true, &len) != NUMBER_NUMBER)
		return unexpected(r, "series values, expected number or \"stale\"");
	else
	{
		Err err = ERR_INIT;

		if (!number_value(r->p, len, v, &err))
			return fail(r, err.msg);
		r->p += len;
	}
	if (minus)
		*v = -*v;
	return true;
}

/* --- values ---------------------------------------------------------------------------------- */

/* add -- room for n more values; NULL if that is too many. */
static SeriesValue *
add(Reader *r, SeriesDesc *d, int64_t n)
{
	SeriesValue *first;

	if (d->n + n > SERIES_MAX_VALUES)
	{
		fail(r, "too many series values");
		return NULL;
	}
	d->values = mem_realloc(d->values, (size_t) (d->n + n) * sizeof(*d->values));
	first = d->values + d->n;
	memset(first, 0, (size_t) n * sizeof(*first));
	d->n += (int) n;
	return first;
}

static bool
parse_omitted(Reader *r, SeriesDesc *d)
{
	int64_t n = 1;
	SeriesValue *v;

	if (accept(r, "x") && !parse_count(r, &n))
		return false;
	v = add(r, d, n);
	if (v == NULL)
		return false;
	for (int64_t i = 0; i < n; i++)
		v[i].omitted = true;
	return true;
}

static bool
parse_floats(Reader *r, SeriesDesc *d)
{
	double value;
	double delta = 0;
	bool has_delta = false;
	int64_t n = 0;
	SeriesValue *v;

	if (accept_text(r, "stale"))
		value = value_from_bits(VALUE_STALE_BITS);
	else if (!parse_number(r, &value))
		return false;
	has_delta = at(r, "+-");
	if (has_delta && !parse_number(r, &delta))
		return false;
	if (accept(r, "x"))
	{
		if (!parse_count(r, &n))
			return false;
	}
	else if (has_delta)
		return unexpected(r, "series values");
	v = add(r, d, n + 1);
	if (v == NULL)
		return false;
	for (int64_t i = 0; i <= n; i++)
	{
		v[i].v = value;
		if (has_delta) /* else a stale marker would lose its bits */
			value += delta;
	}
	return true;
}

/* --- histograms ------------------------------------------------------------------------------ */

/* Keys of a histogram description; the order is that of the names below. */
typedef enum HistogramKey
{
	KEY_SCHEMA,
	KEY_SUM,
	KEY_COUNT,
	KEY_Z_BUCKET,
	KEY_Z_BUCKET_W,
	KEY_BUCKETS,
	KEY_OFFSET,
	KEY_N_BUCKETS,
	KEY_N_OFFSET,
	KEY_CUSTOM_VALUES,
	KEY_HINT,
	KEY_COUNT_OF
} HistogramKey;

static const char *const histogram_keys[KEY_COUNT_OF] = {
	"schema", "sum",	   "count",	   "z_bucket",		"z_bucket_w",		  "buckets",
	"offset", "n_buckets", "n_offset", "custom_values", "counter_reset_hint",
};

static const char *const hint_names[] = {
	[HISTOGRAM_HINT_UNKNOWN] = "unknown",
	[HISTOGRAM_HINT_RESET] = "reset",
	[HISTOGRAM_HINT_NOT_RESET] = "not_reset",
	[HISTOGRAM_HINT_GAUGE] = "gauge",
};

/* find_word -- index of w in names, n if it is not there. */
static int
find_word(StrView w, const char *const *names, int n)
{
	int i = 0;

	while (i < n && !strview_eq_cstr(w, names[i]))
		i++;
	return i;
}

static bool
parse_int32(Reader *r, int32_t *out)
{
	double v;

	if (!parse_number(r, &v))
		return false;
	if (!(v >= INT32_MIN && v <= INT32_MAX))
		return fail(r, "integer out of range in histogram description");
	*out = (int32_t) v;
	return true;
}

/* parse_numbers -- "[1 2 3]". */
static bool
parse_numbers(Reader *r, double **out, int *n)
{
	*n = 0;
	*out = NULL;
	if (!accept(r, "["))
		return unexpected(r, "histogram description, expected \"[\"");
	for (skip_space(r); !accept(r, "]"); skip_space(r))
	{
		*out = mem_realloc(*out, (size_t) (*n + 1) * sizeof(**out));
		if (!parse_number(r, *out + *n))
			return false;
		(*n)++;
	}
	return true;
}

static bool
parse_hint(Reader *r, HistogramHint *out)
{
	int n = (int) (sizeof(hint_names) / sizeof(*hint_names));
	int i = find_word(word(r), hint_names, n);

	if (i == n)
		return fail(r, "unknown counter reset hint in histogram description");
	*out = (HistogramHint) i;
	return true;
}

/* one_span -- all buckets of a side, from offset on. */
static HistogramSpan *
one_span(int32_t offset, int length)
{
	HistogramSpan *s = mem_alloc(sizeof(*s));

	*s = (HistogramSpan){offset, (uint32_t) length};
	return s;
}

/* parse_histogram -- behind "{{"; *has_hint: a counter reset hint was stated. */
static bool
parse_histogram(Reader *r, Histogram **out, bool *has_hint)
{
	Histogram *h = mem_alloc0(sizeof(*h));
	int32_t offset = 0;
	int32_t n_offset = 0;
	unsigned seen = 0;

	*out = h;
	for (skip_space(r); !accept_text(r, "}}"); skip_space(r))
	{
		StrView name = word(r);
		int key = find_word(name, histogram_keys, KEY_COUNT_OF);
		bool ok = true;

		if (key == KEY_COUNT_OF)
			return unexpected(r, "histogram description, expected histogram description key, "
								 "e.g. buckets:[5 10 7]");
		if (seen & (1u << key))
			return fail(r, mem_printf("duplicate key \"%s\" in histogram", histogram_keys[key]));
		seen |= 1u << key;
		if (!accept(r, ":"))
			return fail(r, "missing `:` for histogram descriptor");
		switch ((HistogramKey) key)
		{
			case KEY_SCHEMA:
				ok = parse_int32(r, &h->schema);
				break;
			case KEY_SUM:
				ok = parse_number(r, &h->sum);
				break;
			case KEY_COUNT:
				ok = parse_number(r, &h->count);
				break;
			case KEY_Z_BUCKET:
				ok = parse_number(r, &h->zero_count);
				break;
			case KEY_Z_BUCKET_W:
				ok = parse_number(r, &h->zero_threshold);
				break;
			case KEY_BUCKETS:
				ok = parse_numbers(r, &h->pos, &h->n_pos);
				break;
			case KEY_OFFSET:
				ok = parse_int32(r, &offset);
				break;
			case KEY_N_BUCKETS:
				ok = parse_numbers(r, &h->neg, &h->n_neg);
				break;
			case KEY_N_OFFSET:
				ok = parse_int32(r, &n_offset);
				break;
			case KEY_CUSTOM_VALUES:
				ok = parse_numbers(r, &h->custom, &h->n_custom);
				break;
			case KEY_HINT:
				ok = parse_hint(r, &h->hint);
				break;
			case KEY_COUNT_OF:
				break;
		}
		if (!ok)
			return false;
	}
	*has_hint = seen & (1u << KEY_HINT);
	if (h->n_pos > 0)
	{
		h->pos_spans = one_span(offset, h->n_pos);
		h->n_pos_spans = 1;
	}
	if (h->n_neg > 0)
	{
		h->neg_spans = one_span(n_offset, h->n_neg);
		h->n_neg_spans = 1;
	}
	return true;
}

/* next_histogram -- cur with inc added or taken away once. */
static Histogram *
next_histogram(Reader *r, SeriesCombine combine, const Histogram *cur, const Histogram *inc,
			   bool subtract)
{
	Err err = ERR_INIT;
	Histogram *next;

	if (cur->schema > inc->schema)
	{
		fail(r, mem_printf("error combining histograms: cannot merge from schema %d to %d",
						   (int) inc->schema, (int) cur->schema));
		return NULL;
	}
	next = combine(cur, inc, subtract, &err);
	if (next == NULL)
		fail(r, err.msg);
	return next;
}

static bool
parse_histograms(Reader *r, SeriesCombine combine, SeriesDesc *d)
{
	Histogram *h;
	Histogram *inc = NULL;
	bool has_hint;
	bool subtract = false;
	int64_t n = 0;
	SeriesValue *v;

	if (!parse_histogram(r, &h, &has_hint))
		return false;
	if (at(r, "+-"))
	{
		subtract = accept(r, "-");
		accept(r, "+");
		if (!accept_text(r, "{{"))
			return unexpected(r, "series values, expected a histogram");
		if (!parse_histogram(r, &inc, &has_hint))
			return false;
	}
	if (accept(r, "x"))
	{
		if (!parse_count(r, &n))
			return false;
	}
	else if (inc != NULL)
		return unexpected(r, "series values");
	v = add(r, d, n + 1);
	if (v == NULL)
		return false;
	for (int64_t i = 0; i <= n; i++)
	{
		v[i].h = h;
		v[i].has_hint = has_hint;
		if (inc == NULL || i == n)
			continue;
		h = next_histogram(r, combine, h, inc, subtract);
		if (h == NULL)
			return false;
	}
	return true;
}

bool
series_desc_parse(const char *text, size_t len, SeriesCombine combine, SeriesDesc *out, Err *err)
{
	Reader r = {text, text, text + len, err};

	*out = (SeriesDesc){0};
	if (!parse_metric(&r, &out->labels))
		return false;
	while (r.p < r.end)
	{
		bool ok;

		if (!skip_space(&r))
			return unexpected(&r, "series values");
		if (r.p == r.end)
			break;
		if (accept(&r, "_"))
			ok = parse_omitted(&r, out);
		else if (accept_text(&r, "{{"))
			ok = parse_histograms(&r, combine, out);
		else
			ok = parse_floats(&r, out);
		if (!ok)
			return false;
	}
	return true;
}

/* --- start timestamps ------------------------------------------------------------------------ */

static bool
parse_duration(Reader *r, int64_t *ms)
{
	const char *begin = r->p;
	Err err = ERR_INIT;

	while (at(r, "0123456789smhdwy"))
		r->p++;
	if (!text_parse_duration_ms(begin, (size_t) (r->p - begin), ms, &err))
		return fail(r, err.msg);
	return true;
}

static bool
parse_signed_duration(Reader *r, int64_t *ms)
{
	bool minus = at(r, "-");

	accept(r, "+-");
	if (!parse_duration(r, ms))
		return false;
	if (minus)
		*ms = -*ms;
	return true;
}

static bool
parse_start(Reader *r, SeriesStarts *s)
{
	bool omitted = accept(r, "_");
	int64_t ms = 0;
	int64_t delta = 0;
	int64_t n = omitted ? 1 : 0;
	bool has_delta;

	if (!omitted && !parse_signed_duration(r, &ms))
		return false;
	has_delta = !omitted && at(r, "+-");
	if (has_delta && !parse_signed_duration(r, &delta))
		return false;
	if (accept(r, "x"))
	{
		if (!parse_count(r, &n))
			return false;
		if (omitted && n == 0)
			return fail(r, "repetition of an omitted start timestamp must be positive");
	}
	else if (has_delta)
		return unexpected(r, "start timestamps");
	if (!omitted)
		n++;
	if (s->n + n > SERIES_MAX_VALUES)
		return fail(r, "too many start timestamps");
	s->starts = mem_realloc(s->starts, (size_t) (s->n + n) * sizeof(*s->starts));
	for (int64_t i = 0; i < n; i++, ms += delta)
		s->starts[s->n++] = (SeriesStart){omitted, ms};
	return true;
}

bool
series_starts_is(const char *text, size_t len)
{
	Reader r = {text, text, text + len, NULL};

	r.p = metric_end(&r);
	return r.p > text && accept_text(&r, "@st") && at(&r, " \t");
}

bool
series_starts_parse(const char *text, size_t len, SeriesStarts *out, Err *err)
{
	Reader r = {text, text, text + len, err};

	*out = (SeriesStarts){0};
	if (!parse_metric(&r, &out->labels))
		return false;
	if (!accept_text(&r, "@st"))
		return unexpected(&r, "start timestamps, expected \"@st\"");
	while (r.p < r.end)
	{
		if (!skip_space(&r))
			return unexpected(&r, "start timestamps");
		if (r.p < r.end && !parse_start(&r, out))
			return false;
	}
	return true;
}
