/*
 * histogram_notation.c
 *    Native histograms as text, in the notation of Prometheus' test language.
 *
 *    {{kind:integer schema:1 count:6 sum:9.5 z_bucket:1 z_bucket_w:0.001 offset:-2 buckets:[1 _x3 4]}}
 *
 * What is zero is left out.  Two things are ours, for Prometheus' notation means float histograms
 * without gaps: "kind:integer" (the buckets are absolute counts nevertheless), and _ or _xN among the
 * buckets for one or N bucket indexes that no span covers.  A staleness marker is {{sum:stale}}.
 *
 * Spans can be cut in several ways that mean the same.  histogram_sample_normalize makes one of
 * them: no empty spans, none that touch (unless the gap between two exceeds an int32).  Every NaN but
 * the stale one becomes the usual one.  The text of a normalized sample reads back to the same.
 */
#include "model/histogram.h"

#include "model/labels.h"
#include "util/mem.h"
#include "util/text.h"

#include <assert.h>
#include <math.h>

/* --- normal form --------------------------------------------------------------------------- */

static void
normalize_spans(HistogramSpan *spans, int *n)
{
	int kept = 0;
	int64_t gap = 0;

	for (int i = 0; i < *n; i++)
	{
		HistogramSpan s = spans[i];

		gap += s.offset;
		if (s.length == 0)
			continue;
		if (kept > 0 && gap == 0)
			spans[kept - 1].length += s.length;
		else
		{
			/* only empty spans, which are skipped, could have added up to so much: there is room */
			for (; gap > INT32_MAX; gap -= INT32_MAX)
				spans[kept++] = (HistogramSpan){INT32_MAX, 0};
			spans[kept++] = (HistogramSpan){(int32_t) gap, s.length};
		}
		gap = 0;
	}
	*n = kept;
}

static bool
spans_are_normal(const HistogramSpan *spans, int n)
{
	for (int i = 0; i < n; i++)
		if (spans[i].length == 0 || (i > 0 && spans[i].offset == 0))
			return false;
	return true;
}

static bool
doubles_are_normal(const double *v, int n)
{
	for (int i = 0; i < n; i++)
		if (isnan(v[i]) && value_bits(v[i]) != VALUE_NAN_BITS)
			return false;
	return true;
}

/*
 * histogram_sample_is_normal -- false: histogram_sample_normalize might change s.
 */
bool
histogram_sample_is_normal(const HistogramSample *s)
{
	HistogramLayout l = histogram_sample_layout(s);
	double sum = s->i != NULL ? s->i->sum : s->f->sum;

	if (!spans_are_normal(l.pos_spans, l.n_pos_spans) ||
		!spans_are_normal(l.neg_spans, l.n_neg_spans) ||
		!doubles_are_normal(&l.zero_threshold, 1) ||
		(!value_is_stale(sum) && !doubles_are_normal(&sum, 1)))
		return false;
	return s->f == NULL ||
		   (doubles_are_normal(&s->f->count, 1) && doubles_are_normal(&s->f->zero_count, 1) &&
			doubles_are_normal(s->f->pos, s->f->n_pos) &&
			doubles_are_normal(s->f->neg, s->f->n_neg));
}

static void
normalize_doubles(double *v, int n)
{
	for (int i = 0; i < n; i++)
		if (isnan(v[i]))
			v[i] = value_nan();
}

static double
normal_sum(double sum)
{
	return isnan(sum) && !value_is_stale(sum) ? value_nan() : sum;
}

void
histogram_sample_normalize(HistogramSample *s)
{
	if (s->i != NULL)
	{
		s->i->sum = normal_sum(s->i->sum);
		normalize_doubles(&s->i->zero_threshold, 1);
		normalize_spans(s->i->pos_spans, &s->i->n_pos_spans);
		normalize_spans(s->i->neg_spans, &s->i->n_neg_spans);
		return;
	}
	s->f->sum = normal_sum(s->f->sum);
	normalize_doubles(&s->f->zero_threshold, 1);
	normalize_doubles(&s->f->zero_count, 1);
	normalize_doubles(&s->f->count, 1);
	normalize_doubles(s->f->pos, s->f->n_pos);
	normalize_doubles(s->f->neg, s->f->n_neg);
	normalize_spans(s->f->pos_spans, &s->f->n_pos_spans);
	normalize_spans(s->f->neg_spans, &s->f->n_neg_spans);
}

/* --- names ---------------------------------------------------------------------------------- */

/* Keys in the order in which they are written; that of the names below. */
typedef enum NotationKey
{
	KEY_KIND,
	KEY_SCHEMA,
	KEY_COUNT,
	KEY_SUM,
	KEY_ZERO_COUNT,
	KEY_ZERO_THRESHOLD,
	KEY_HINT,
	KEY_CUSTOM,
	KEY_OFFSET,
	KEY_BUCKETS,
	KEY_NEG_OFFSET,
	KEY_NEG_BUCKETS,
	NKEYS
} NotationKey;

static const char *const key_names[NKEYS] = {"kind",
											 "schema",
											 "count",
											 "sum",
											 "z_bucket",
											 "z_bucket_w",
											 "counter_reset_hint",
											 "custom_values",
											 "offset",
											 "buckets",
											 "n_offset",
											 "n_buckets"};

static const char *const hint_names[] = {
	[HISTOGRAM_HINT_UNKNOWN] = "unknown",
	[HISTOGRAM_HINT_RESET] = "reset",
	[HISTOGRAM_HINT_NOT_RESET] = "not_reset",
	[HISTOGRAM_HINT_GAUGE] = "gauge",
};

#define NHINTS ((int) (sizeof(hint_names) / sizeof(*hint_names)))

/* --- writing -------------------------------------------------------------------------------- */

static void
put_key(Buf *out, NotationKey key)
{
	if (out->data[out->len - 1] != '{')
		buf_char(out, ' ');
	buf_str(out, key_names[key]);
	buf_char(out, ':');
}

static void
put_double(Buf *out, double v)
{
	char text[TEXT_DOUBLE_MAX];

	buf_append(out, text, (size_t) text_double_shortest_g(text, v));
}

/* put_field -- a number unless it is +0. */
static void
put_field(Buf *out, NotationKey key, double v)
{
	if (value_bits(v) == 0)
		return;
	put_key(out, key);
	put_double(out, v);
}

static void
put_uint(Buf *out, NotationKey key, uint64_t v)
{
	if (v == 0)
		return;
	put_key(out, key);
	buf_printf(out, "%llu", (unsigned long long) v);
}

static void
put_int32(Buf *out, NotationKey key, int32_t v)
{
	if (v == 0)
		return;
	put_key(out, key);
	buf_printf(out, "%d", (int) v);
}

/* put_side -- offset and buckets of one side; counts are deltas (integer) or absolute. */
static void
put_side(Buf *out, NotationKey offset_key, const HistogramSpan *spans, int n_spans,
		 const int64_t *deltas, const double *counts)
{
	uint64_t count = 0;
	int at = 0;
	bool first = true;

	if (n_spans == 0)
		return;
	put_int32(out, offset_key, spans[0].offset);
	put_key(out, offset_key + 1);
	buf_char(out, '[');
	for (int i = 0; i < n_spans; i++)
	{
		if (i > 0 && spans[i].offset > 0)
			buf_printf(out, spans[i].offset == 1 ? "%s_" : "%s_x%d", first ? "" : " ",
					   (int) spans[i].offset);
		first &= i == 0 || spans[i].offset == 0;
		for (uint32_t k = 0; k < spans[i].length; k++, at++)
		{
			if (!first)
				buf_char(out, ' ');
			first = false;
			if (deltas != NULL)
				buf_printf(out, "%lld", (long long) (count += (uint64_t) deltas[at]));
			else
				put_double(out, counts[at]);
		}
	}
	buf_char(out, ']');
}

static void
put_int_parts(Buf *out, const IntHistogram *h)
{
	put_uint(out, KEY_COUNT, h->count);
	put_field(out, KEY_SUM, h->sum);
	put_uint(out, KEY_ZERO_COUNT, h->zero_count);
}

static void
put_float_parts(Buf *out, const Histogram *h)
{
	put_field(out, KEY_COUNT, h->count);
	put_field(out, KEY_SUM, h->sum);
	put_field(out, KEY_ZERO_COUNT, h->zero_count);
}

/* histogram_sample_text -- append the notation of s; its time is not part of it. */
void
histogram_sample_text(Buf *out, const HistogramSample *s)
{
	HistogramLayout l = histogram_sample_layout(s);
	HistogramHint hint = s->i != NULL ? s->i->hint : s->f->hint;
	bool stale = histogram_sample_is_stale(s);

	buf_str(out, s->i != NULL ? "{{kind:integer" : "{{");
	if (stale)
	{
		put_key(out, KEY_SUM);
		buf_str(out, "stale");
	}
	else
	{
		put_int32(out, KEY_SCHEMA, l.schema);
		if (s->i != NULL)
			put_int_parts(out, s->i);
		else
			put_float_parts(out, s->f);
		put_field(out, KEY_ZERO_THRESHOLD, l.zero_threshold);
	}
	if (hint != HISTOGRAM_HINT_UNKNOWN)
	{
		put_key(out, KEY_HINT);
		buf_str(out, hint_names[hint]);
	}
	if (!stale && l.schema == HISTOGRAM_CUSTOM_SCHEMA)
	{
		put_key(out, KEY_CUSTOM);
		for (int i = 0; i < l.n_custom; i++)
		{
			buf_char(out, i == 0 ? '[' : ' ');
			put_double(out, l.custom[i]);
		}
		buf_str(out, l.n_custom == 0 ? "[]" : "]");
	}
	if (!stale)
	{
		put_side(out, KEY_OFFSET, l.pos_spans, l.n_pos_spans, s->i ? s->i->pos : NULL,
				 s->f ? s->f->pos : NULL);
		put_side(out, KEY_NEG_OFFSET, l.neg_spans, l.n_neg_spans, s->i ? s->i->neg : NULL,
				 s->f ? s->f->neg : NULL);
	}
	buf_str(out, "}}");
}

/* --- reading -------------------------------------------------------------------------------- */

/* The words of a list. */
typedef struct Words
{
	StrView *items;
	int n, cap;
} Words;

typedef struct Reader
{
	const char *text;
	const char *p;
	const char *end;
	StrView scalars[NKEYS]; /* s NULL: not given */
	Words lists[NKEYS];
	Err *err;
} Reader;

static bool
fail_at(const Reader *r, const char *where, const char *what)
{
	return err_set(r->err, ERR_BAD_REQUEST, (int) (where - r->text), "%s", what);
}

static bool
fail_key(const Reader *r, NotationKey key, const char *what)
{
	return err_set(r->err, ERR_BAD_REQUEST, (int) (r->scalars[key].s - r->text), "%s \"%s\"", what,
				   key_names[key]);
}

static void
skip_space(Reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\r' || *r->p == '\n'))
		r->p++;
}

static bool
accept(Reader *r, const char *text)
{
	size_t n = strlen(text);

	if ((size_t) (r->end - r->p) < n || memcmp(r->p, text, n) != 0)
		return false;
	r->p += n;
	return true;
}

/* word -- up to white space or one of : [ ] { }. */
static StrView
word(Reader *r)
{
	const char *begin = r->p;

	while (r->p < r->end && *r->p != '\0' && strchr(" \t\r\n:[]{}", *r->p) == NULL)
		r->p++;
	return strview(begin, (size_t) (r->p - begin));
}

static int
find_name(StrView w, const char *const *names, int n)
{
	int i = 0;

	while (i < n && !strview_eq_cstr(w, names[i]))
		i++;
	return i;
}

static bool
read_list(Reader *r, Words *list)
{
	const char *begin = r->p;

	if (!accept(r, "["))
		return fail_at(r, begin, "expected \"[\"");
	for (skip_space(r); !accept(r, "]"); skip_space(r))
	{
		StrView w = word(r);

		if (w.len == 0)
			return fail_at(r, r->p, "expected a number or \"]\"");
		if (list->n > 2 * HISTOGRAM_MAX_BUCKETS)
			return fail_at(r, begin, "too many numbers");
		if (list->n == list->cap)
		{
			list->cap = list->cap == 0 ? 16 : list->cap * 2;
			list->items = mem_realloc(list->items, sizeof(StrView) * (size_t) list->cap);
		}
		list->items[list->n++] = w;
	}
	return true;
}

static bool
read_fields(Reader *r)
{
	skip_space(r);
	if (!accept(r, "{{"))
		return fail_at(r, r->p, "expected \"{{\"");
	for (skip_space(r); !accept(r, "}}"); skip_space(r))
	{
		StrView name = word(r);
		int key = find_name(name, key_names, NKEYS);

		if (name.len == 0)
			return fail_at(r, r->p, "expected a key or \"}}\"");
		if (key == NKEYS)
			return fail_at(r, name.s, "unknown key");
		if (r->scalars[key].s != NULL)
			return fail_at(r, name.s, "key is given twice");
		if (!accept(r, ":"))
			return fail_at(r, r->p, "expected \":\" behind the key");
		r->scalars[key] = name; /* where it stands, for lists and for messages */
		if (key == KEY_CUSTOM || key == KEY_BUCKETS || key == KEY_NEG_BUCKETS)
		{
			if (!read_list(r, &r->lists[key]))
				return false;
			continue;
		}
		r->scalars[key] = word(r);
		if (r->scalars[key].len == 0)
			return fail_at(r, r->p, "expected a value");
	}
	skip_space(r);
	return r->p == r->end || fail_at(r, r->p, "unexpected text behind the histogram");
}

static bool
to_double(const Reader *r, StrView w, double *v)
{
	return text_parse_double(w.s, w.len, v) || fail_at(r, w.s, "expected a number");
}

/* to_integer -- decimal digits, a minus before them if signed; a negative number modulo 2^64. */
static bool
to_integer(const Reader *r, StrView w, bool is_signed, uint64_t *v)
{
	bool minus = is_signed && w.len > 0 && w.s[0] == '-';
	uint64_t limit = !is_signed ? UINT64_MAX : (uint64_t) INT64_MAX + (minus ? 1 : 0);
	uint64_t n = 0;
	uint32_t i = minus ? 1 : 0;

	if (i == w.len)
		return fail_at(r, w.s, "expected an integer");
	for (; i < w.len; i++)
	{
		uint64_t digit = (uint64_t) (w.s[i] - '0');

		if (w.s[i] < '0' || w.s[i] > '9')
			return fail_at(r, w.s, "expected an integer");
		if (n > (limit - digit) / 10)
			return fail_at(r, w.s, "integer is out of range");
		n = n * 10 + digit;
	}
	*v = minus ? -n : n;
	return true;
}

static bool
int32_field(const Reader *r, NotationKey key, int32_t *out)
{
	uint64_t v = 0;

	if (r->scalars[key].s != NULL && !to_integer(r, r->scalars[key], true, &v))
		return false;
	if ((int64_t) v < INT32_MIN || (int64_t) v > INT32_MAX)
		return fail_key(r, key, "integer is out of range in");
	*out = (int32_t) v;
	return true;
}

static bool
double_field(const Reader *r, NotationKey key, double *out)
{
	*out = 0;
	return r->scalars[key].s == NULL || to_double(r, r->scalars[key], out);
}

static bool
uint_field(const Reader *r, NotationKey key, uint64_t *out)
{
	*out = 0;
	return r->scalars[key].s == NULL || to_integer(r, r->scalars[key], false, out);
}

static bool
sum_field(const Reader *r, double *out)
{
	if (r->scalars[KEY_SUM].s == NULL || !strview_eq_cstr(r->scalars[KEY_SUM], "stale"))
		return double_field(r, KEY_SUM, out);
	*out = value_from_bits(VALUE_STALE_BITS);
	return true;
}

/* One side as it is read: spans, and deltas or counts. */
typedef struct Side
{
	HistogramSpan *spans;
	int n_spans;
	int64_t *deltas;
	double *counts;
	int n;
} Side;

/* read_gap -- _ or _xN as N; 0: no gap; false: malformed. */
static bool
read_gap(const Reader *r, StrView w, int32_t *gap)
{
	uint64_t n = 1;

	*gap = 0;
	if (w.s[0] != '_')
		return true;
	if (w.len > 1 && (w.s[1] != 'x' || !to_integer(r, strview(w.s + 2, w.len - 2), false, &n)))
		return fail_at(r, w.s, "expected _xN, a gap of N buckets");
	if (n == 0 || n > INT32_MAX)
		return fail_at(r, w.s, "gap is out of range");
	*gap = (int32_t) n;
	return true;
}

static bool
read_side(const Reader *r, bool is_int, NotationKey offset_key, Side *side)
{
	const Words *words = &r->lists[offset_key + 1];
	size_t room = (size_t) words->n + 1;
	int32_t offset;
	uint64_t before = 0;

	if (!int32_field(r, offset_key, &offset))
		return false;
	side->spans = mem_alloc(sizeof(HistogramSpan) * room);
	side->deltas = is_int ? mem_alloc(sizeof(int64_t) * room) : NULL;
	side->counts = is_int ? NULL : mem_alloc(sizeof(double) * room);
	side->spans[0] = (HistogramSpan){offset, 0};
	side->n_spans = words->n > 0 ? 1 : 0;
	side->n = 0;
	for (int i = 0; i < words->n; i++)
	{
		uint64_t count;
		int32_t gap;

		if (!read_gap(r, words->items[i], &gap))
			return false;
		if (gap > 0)
		{
			side->spans[side->n_spans++] = (HistogramSpan){gap, 0};
			continue;
		}
		side->spans[side->n_spans - 1].length++;
		if (!is_int)
		{
			if (!to_double(r, words->items[i], &side->counts[side->n++]))
				return false;
			continue;
		}
		if (!to_integer(r, words->items[i], true, &count))
			return false;
		side->deltas[side->n++] = (int64_t) (count - before);
		before = count;
	}
	return true;
}

static bool
read_custom(const Reader *r, double **out, int *n)
{
	const Words *words = &r->lists[KEY_CUSTOM];

	*n = words->n;
	*out = mem_alloc(sizeof(double) * ((size_t) words->n + 1));
	for (int i = 0; i < words->n; i++)
		if (!to_double(r, words->items[i], &(*out)[i]))
			return false;
	return true;
}

static bool
build_int(const Reader *r, HistogramHint hint, const Side *pos, const Side *neg, IntHistogram *h)
{
	h->hint = hint;
	h->pos_spans = pos->spans;
	h->n_pos_spans = pos->n_spans;
	h->pos = pos->deltas;
	h->n_pos = pos->n;
	h->neg_spans = neg->spans;
	h->n_neg_spans = neg->n_spans;
	h->neg = neg->deltas;
	h->n_neg = neg->n;
	return int32_field(r, KEY_SCHEMA, &h->schema) && uint_field(r, KEY_COUNT, &h->count) &&
		   sum_field(r, &h->sum) && uint_field(r, KEY_ZERO_COUNT, &h->zero_count) &&
		   double_field(r, KEY_ZERO_THRESHOLD, &h->zero_threshold) &&
		   read_custom(r, &h->custom, &h->n_custom);
}

static bool
build_float(const Reader *r, HistogramHint hint, const Side *pos, const Side *neg, Histogram *h)
{
	h->hint = hint;
	h->pos_spans = pos->spans;
	h->n_pos_spans = pos->n_spans;
	h->pos = pos->counts;
	h->n_pos = pos->n;
	h->neg_spans = neg->spans;
	h->n_neg_spans = neg->n_spans;
	h->neg = neg->counts;
	h->n_neg = neg->n;
	return int32_field(r, KEY_SCHEMA, &h->schema) && double_field(r, KEY_COUNT, &h->count) &&
		   sum_field(r, &h->sum) && double_field(r, KEY_ZERO_COUNT, &h->zero_count) &&
		   double_field(r, KEY_ZERO_THRESHOLD, &h->zero_threshold) &&
		   read_custom(r, &h->custom, &h->n_custom);
}

/* build -- what the fields say, without regard to whether it fits together. */
static bool
build(const Reader *r, HistogramSample *out)
{
	int hint = HISTOGRAM_HINT_UNKNOWN;
	bool is_int =
		r->scalars[KEY_KIND].s != NULL && strview_eq_cstr(r->scalars[KEY_KIND], "integer");
	Side pos, neg;

	if (r->scalars[KEY_KIND].s != NULL && !is_int &&
		!strview_eq_cstr(r->scalars[KEY_KIND], "float"))
		return fail_key(r, KEY_KIND, "expected \"integer\" or \"float\" as");
	if (r->scalars[KEY_HINT].s != NULL)
		hint = find_name(r->scalars[KEY_HINT], hint_names, NHINTS);
	if (hint == NHINTS)
		return fail_key(r, KEY_HINT, "unknown");
	if (!read_side(r, is_int, KEY_OFFSET, &pos) || !read_side(r, is_int, KEY_NEG_OFFSET, &neg))
		return false;
	if (is_int)
	{
		out->i = mem_alloc0(sizeof(IntHistogram));
		return build_int(r, (HistogramHint) hint, &pos, &neg, out->i);
	}
	out->f = mem_alloc0(sizeof(Histogram));
	return build_float(r, (HistogramHint) hint, &pos, &neg, out->f);
}

/* strip_stale -- of a staleness marker nothing but kind, hint and sum counts. */
static void
strip_stale(HistogramSample *s)
{
	if (s->i != NULL)
		*s->i = (IntHistogram){.hint = s->i->hint, .sum = s->i->sum};
	else
		*s->f = (Histogram){.hint = s->f->hint, .sum = s->f->sum};
}

/*
 * histogram_sample_parse -- the notation to a normalized sample, from mem_alloc; its time is 0.
 *
 * What is returned has a layout that others can work with and a schema that may be stored; counts
 * that contradict each other are not looked for.
 */
bool
histogram_sample_parse(const char *text, size_t len, HistogramSample *out, Err *err)
{
	Reader r = {.text = text, .p = text, .end = text + len, .err = err};
	HistogramLayout l;
	int n_pos, n_neg;

	*out = (HistogramSample){0};
	if (!read_fields(&r) || !build(&r, out))
		return false;
	if (histogram_sample_is_stale(out))
	{
		strip_stale(out);
		return true;
	}
	l = histogram_sample_layout(out);
	if (!histogram_layout_check(&l, &n_pos, &n_neg) || l.schema > HISTOGRAM_MAX_SCHEMA)
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "schema, buckets and custom values do not make a histogram");
	assert(n_pos == (out->i ? out->i->n_pos : out->f->n_pos));
	assert(n_neg == (out->i ? out->i->n_neg : out->f->n_neg));
	histogram_sample_normalize(out);
	return true;
}
