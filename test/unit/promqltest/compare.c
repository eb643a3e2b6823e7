/*
 * compare.c
 *    Whether a result is what an eval expects (reference 6.3).
 */
#include "promqltest/compare.h"

#include "model/histogram_math.h"
#include "model/regex.h"
#include "util/almost.h"
#include "util/mem.h"
#include "util/text.h"

#include <inttypes.h>
#include <stdio.h>

#define EPSILON 1e-6

static bool
differ(Err *err, const char *what, const char *got, const char *want)
{
	return err_set(err, ERR_EXECUTION, -1, "%s: got %s, want %s", what, got, want);
}

/* --- values ----------------------------------------------------------------------------------- */

/* almost -- stale markers are equal only among themselves. */
static bool
almost(double a, double b)
{
	if (value_is_stale(a) || value_is_stale(b))
		return value_is_stale(a) && value_is_stale(b);
	return almost_equal(a, b, EPSILON);
}

static bool
almost_all(const double *a, int na, const double *b, int nb)
{
	if (na != nb)
		return false;
	for (int i = 0; i < na; i++)
		if (!almost(a[i], b[i]))
			return false;
	return true;
}

static bool
same_spans(const HistogramSpan *a, int na, const HistogramSpan *b, int nb)
{
	return na == nb && (na == 0 || memcmp(a, b, sizeof(*a) * na) == 0);
}

static bool
same_histogram(const Histogram *got, const SeriesValue *want)
{
	Histogram *a = histogram_copy(got), *b = histogram_copy(want->h);

	histogram_compact(a);
	histogram_compact(b);
	return a->schema == b->schema && a->zero_threshold == b->zero_threshold &&
		   a->n_custom == b->n_custom &&
		   (a->n_custom == 0 || memcmp(a->custom, b->custom, sizeof(double) * a->n_custom) == 0) &&
		   almost(a->count, b->count) && almost(a->sum, b->sum) &&
		   almost(a->zero_count, b->zero_count) && almost_all(a->pos, a->n_pos, b->pos, b->n_pos) &&
		   almost_all(a->neg, a->n_neg, b->neg, b->n_neg) &&
		   same_spans(a->pos_spans, a->n_pos_spans, b->pos_spans, b->n_pos_spans) &&
		   same_spans(a->neg_spans, a->n_neg_spans, b->neg_spans, b->n_neg_spans) &&
		   (!want->has_hint || a->hint == b->hint);
}

static const char *const hint_names[] = {"unknown", "reset", "not_reset", "gauge"};

static const char *
value_text(double v, const Histogram *h)
{
	Buf b;
	char number[TEXT_DOUBLE_MAX];

	buf_init(&b, 64, 1 << 20);
	if (h != NULL)
	{
		buf_printf(&b, "[schema %d, zero threshold %g, %s] ", (int) h->schema, h->zero_threshold,
				   hint_names[h->hint]);
		histogram_text(&b, h);
	}
	else
	{
		text_double_shortest_g(number, v);
		buf_str(&b, number);
	}
	return b.data;
}

static bool
compare_value(const char *where, double v, const Histogram *h, const SeriesValue *want, Err *err)
{
	bool ok;

	if (want->h != NULL)
		ok = h != NULL && same_histogram(h, want);
	else
		ok = h == NULL && almost(v, want->v);
	return ok || differ(err, where, value_text(v, h), value_text(want->v, want->h));
}

/* --- series ----------------------------------------------------------------------------------- */

static const char *
labels_string(Labels ls)
{
	Buf b;

	buf_init(&b, 64, 1 << 20);
	labels_text(&b, ls);
	return b.data;
}

static int
find_expected(const ScriptEval *eval, Labels labels)
{
	for (int i = 0; i < eval->n; i++)
		if (labels_equal(eval->series[i].labels, labels))
			return i;
	return -1;
}

/* compare_points -- the points of s at start + i * step. */
static bool
compare_points(const SeriesDesc *want, const PromqlSeries *s, int64_t start, int64_t step, Err *err)
{
	int at = 0;

	for (int i = 0; i < want->n; i++)
	{
		int64_t t = start + i * step;
		char where[64];

		if (want->values[i].omitted)
			continue;
		snprintf(where, sizeof(where), "point %d at %" PRId64, i, t);
		if (at == s->n || s->t[at] != t)
			return differ(err, mem_printf("%s of %s", where, labels_string(s->labels)),
						  at == s->n ? "nothing" : mem_printf("a point at %" PRId64, s->t[at]),
						  "a point");
		if (!compare_value(mem_printf("%s of %s", where, labels_string(s->labels)), s->v[at],
						   s->h != NULL ? s->h[at] : NULL, &want->values[i], err))
			return false;
		at++;
	}
	if (at < s->n)
		return differ(err, labels_string(s->labels),
					  mem_printf("another point at %" PRId64 ": %s", s->t[at],
								 value_text(s->v[at], s->h != NULL ? s->h[at] : NULL)),
					  "no more points");
	return true;
}

/* has_points -- a description of omitted points only expects no series. */
static bool
has_points(const SeriesDesc *d)
{
	for (int i = 0; i < d->n; i++)
		if (!d->values[i].omitted)
			return true;
	return false;
}

static bool
compare_count(const ScriptEval *eval, bool *seen, Err *err)
{
	for (int i = 0; i < eval->n; i++)
		if (!seen[i] && has_points(&eval->series[i]))
			return differ(err, labels_string(eval->series[i].labels), "no such series", "one");
	return true;
}

static bool
compare_matrix(const ScriptEval *eval, const TestResult *r, int64_t start, int64_t step, Err *err)
{
	bool *seen = mem_alloc0(eval->n + 1);

	for (int k = 0; k < r->n; k++)
	{
		const PromqlSeries *s = &r->series[k];
		int i = find_expected(eval, s->labels);

		if (i < 0)
			return differ(err, labels_string(s->labels),
						  mem_printf("%s at %" PRId64,
									 value_text(s->v[0], s->h != NULL ? s->h[0] : NULL), s->t[0]),
						  "no such series");
		if (seen[i])
			return differ(err, labels_string(s->labels), "the series twice", "it once");
		if (k > 0 && labels_cmp(r->series[k - 1].labels, s->labels) >= 0)
			return differ(err, labels_string(s->labels), "it out of order", "sorted series");
		seen[i] = true;
		if (!compare_points(&eval->series[i], s, start, step, err))
			return false;
	}
	return compare_count(eval, seen, err);
}

static bool
compare_vector(const ScriptEval *eval, const TestResult *r, Err *err)
{
	bool *seen = mem_alloc0(eval->n + 1);

	for (int k = 0; k < r->n; k++)
	{
		const PromqlSeries *s = &r->series[k];
		const Histogram *h = s->h != NULL ? s->h[0] : NULL;
		int i = find_expected(eval, s->labels);

		if (i < 0)
			return differ(err, labels_string(s->labels), value_text(s->v[0], h), "no such series");
		if (seen[i])
			return differ(err, labels_string(s->labels), "the series twice", "it once");
		if (eval->ordered && i != k)
			return differ(err, labels_string(s->labels), mem_printf("it as number %d", k + 1),
						  mem_printf("number %d", i + 1));
		seen[i] = true;
		if (eval->series[i].n != 1)
			return differ(err, labels_string(s->labels), "one value", "none or several");
		if (!compare_value(labels_string(s->labels), s->v[0], h, &eval->series[i].values[0], err))
			return false;
	}
	return compare_count(eval, seen, err);
}

static bool
compare_scalar(const ScriptEval *eval, const TestResult *r, Err *err)
{
	SeriesValue want = {.v = eval->scalar};

	if (!eval->has_scalar || r->n != 1)
		return differ(err, "result", "a scalar", "something else");
	return compare_value("scalar", r->series[0].v[0], NULL, &want, err);
}

/* --- messages --------------------------------------------------------------------------------- */

static bool
matches(const ScriptPattern *p, const char *message)
{
	Err err = ERR_INIT;
	const char *unanchored;
	Regex *re;
	bool ok;

	if (p->msg != NULL)
		return strcmp(p->msg, message) == 0;
	if (p->regex == NULL)
		return true;
	unanchored = mem_printf(".*(?:%s).*", p->regex);
	re = regex_compile(strview_cstr(unanchored), &err);
	ok = re != NULL && regex_match(re, strview_cstr(message));
	regex_free(re);
	return ok;
}

bool
promqltest_compare_failure(const ScriptEval *eval, const char *message, Err *err)
{
	if (!eval->fail)
		return differ(err, "query failed", message, "a result");
	if (!matches(&eval->failure, message))
		return differ(err, "error", message,
					  eval->failure.msg != NULL ? eval->failure.msg : eval->failure.regex);
	return true;
}

/* compare_annotations -- every pattern has its message and every message its pattern. */
static bool
compare_annotations(const ScriptPatterns *want, const TestResult *r, bool warnings, Err *err)
{
	const char *kind = warnings ? "warning" : "info";
	int n = 0;

	for (int k = 0; k < r->nannotations; k++)
	{
		const PromqlAnnotation *a = &r->annotations[k];
		bool found = want->n == 0;

		if (a->is_warning != warnings)
			continue;
		n++;
		if (want->none)
			return differ(err, kind, a->text, "none");
		for (int i = 0; i < want->n && !found; i++)
			found = matches(&want->items[i], a->text);
		if (!found)
			return differ(err, kind, a->text,
						  want->items[0].msg != NULL ? want->items[0].msg : want->items[0].regex);
	}
	if (want->some && n == 0)
		return differ(err, kind, "none", "one");
	for (int i = 0; i < want->n; i++)
	{
		bool found = false;

		for (int k = 0; k < r->nannotations && !found; k++)
			found = r->annotations[k].is_warning == warnings &&
					matches(&want->items[i], r->annotations[k].text);
		if (!found)
			return differ(err, kind, "none that matches",
						  want->items[i].msg != NULL ? want->items[i].msg : want->items[i].regex);
	}
	return true;
}

/* --- results ---------------------------------------------------------------------------------- */

bool
promqltest_compare_result(const ScriptEval *eval, const TestResult *r, Err *err)
{
	if (eval->fail)
		return differ(err, "query", "a result", "an error");
	if (!compare_annotations(&eval->warn, r, true, err) ||
		!compare_annotations(&eval->info, r, false, err))
		return false;
	if (eval->is_range)
		return compare_matrix(eval, r, eval->start_ms, eval->step_ms, err);
	if (eval->has_points)
		return compare_matrix(eval, r, eval->points_start_ms, eval->points_step_ms, err);
	switch (r->type)
	{
		case PROMQL_STRING:
			return (eval->string != NULL && strcmp(eval->string, r->string) == 0) ||
				   differ(err, "string", r->string,
						  eval->string != NULL ? eval->string : "another");
		case PROMQL_SCALAR:
			return compare_scalar(eval, r, err);
		case PROMQL_VECTOR:
			return compare_vector(eval, r, err);
		default:
			return (r->n == 0 && eval->n == 0) || differ(err, "result", "a matrix", "a vector");
	}
}

bool
promqltest_compare_middle_step(const ScriptEval *eval, PromqlType type, const TestResult *r,
							   int64_t t, Err *err)
{
	TestResult step = {.type = type};

	step.series = mem_alloc0(sizeof(*step.series) * (r->n + 1));
	for (int k = 0; k < r->n; k++)
	{
		const PromqlSeries *s = &r->series[k];

		if (k > 0 && labels_cmp(r->series[k - 1].labels, s->labels) >= 0)
			return differ(err, labels_string(s->labels), "it out of order", "sorted series");
		for (int i = 0; i < s->n; i++)
			if (s->t[i] == t)
				step.series[step.n++] = (PromqlSeries){s->labels, 1, s->t + i, s->v + i,
													   s->h != NULL ? s->h + i : NULL};
	}
	if (eval->ordered)
		return true;
	return type == PROMQL_SCALAR ? compare_scalar(eval, &step, err)
								 : compare_vector(eval, &step, err);
}
