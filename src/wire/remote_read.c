/*
 * remote_read.c
 *    Remote read requests, and answers of samples (prompb/remote.proto of Prometheus).
 *
 * Messages, fields by number:
 *    ReadRequest   1 Query...  2 enum accepted types...
 *    Query         1 start ms  2 end ms  3 LabelMatcher...  4 ReadHints
 *    LabelMatcher  1 enum type (=, !=, =~, !~)  2 name  3 value
 *    ReadHints     1 step ms  2 func  3 start ms  4 end ms  5 grouping...  6 by  7 range ms
 *    ReadResponse  1 QueryResult...
 *    QueryResult   1 TimeSeries...
 *    TimeSeries    1 Label...  2 Sample...  4 Histogram...
 *
 * Memory: a fixed multiple of the bytes read, for the smallest message has two bytes and becomes one
 * struct: 24 times for a matcher or a histogram's span.  An answer is walked series by series, and only one is in memory.
 */
#include "wire/remote_read.h"

#include "util/mem.h"
#include "wire/remote_read_int.h"

static bool
malformed(Err *err)
{
	return err_set(err, ERR_BAD_REQUEST, -1, "remote read: message is malformed or ends too early");
}

/* --- requests: reading -------------------------------------------------------------------------------- */

static StrView
view(const PbField *f)
{
	return strview((const char *) f->bytes, f->len);
}

static bool
read_matcher(const PbField *f, RrMatcher *m)
{
	const uint8_t *p = f->bytes, *end = p + f->len;
	PbField g;
	int got;

	m->type = MATCH_EQUAL;
	m->name = m->value = strview("", 0);
	while ((got = pb_next(&p, end, &g)) == 1)
	{
		if (g.number == 1 && g.wire == PB_VARINT && g.u <= MATCH_NOT_REGEX)
			m->type = (MatchType) g.u; /* ORDER MatchType: that of the protocol */
		else if (g.number == 2 && g.wire == PB_BYTES)
			m->name = view(&g);
		else if (g.number == 3 && g.wire == PB_BYTES)
			m->value = view(&g);
		else if (g.number <= 3)
			return false;
	}
	return got == 0;
}

static bool
read_hints(const PbField *f, RrHints *h)
{
	const uint8_t *p = f->bytes, *end = p + f->len;
	int cap = h->n_grouping;
	PbField g;
	int got;

	while ((got = pb_next(&p, end, &g)) == 1)
	{
		if (g.number <= 7 && g.wire != (g.number == 2 || g.number == 5 ? PB_BYTES : PB_VARINT))
			return false;
		switch (g.number)
		{
			case 1:
				h->step_ms = (int64_t) g.u;
				break;
			case 2:
				h->func = view(&g);
				break;
			case 3:
				h->start_ms = (int64_t) g.u;
				break;
			case 4:
				h->end_ms = (int64_t) g.u;
				break;
			case 5:
				PB_GROW(h->grouping, h->n_grouping, cap);
				h->grouping[h->n_grouping++] = view(&g);
				break;
			case 6:
				h->by = g.u != 0;
				break;
			case 7:
				h->range_ms = (int64_t) g.u;
				break;
			default:
				break;
		}
	}
	return got == 0;
}

static bool
read_query(const PbField *f, RrQuery *q)
{
	const uint8_t *p = f->bytes, *end = p + f->len;
	int cap = 0;
	PbField g;
	int got;

	memset(q, 0, sizeof(*q));
	q->hints.func = strview("", 0);
	while ((got = pb_next(&p, end, &g)) == 1)
	{
		if (g.number <= 4 && g.wire != (g.number <= 2 ? PB_VARINT : PB_BYTES))
			return false;
		if (g.number == 1)
			q->start_ms = (int64_t) g.u;
		else if (g.number == 2)
			q->end_ms = (int64_t) g.u;
		else if (g.number == 3)
		{
			PB_GROW(q->matchers, q->n_matchers, cap);
			if (!read_matcher(&g, &q->matchers[q->n_matchers++]))
				return false;
		}
		else if (g.number == 4)
		{
			if (q->has_hints || !read_hints(&g, &q->hints))
				return false;
			q->has_hints = true;
		}
	}
	return got == 0;
}

/* add_type -- an accepted type; those of later versions of the protocol are passed over. */
static void
add_type(RrRequest *r, int *cap, uint64_t type)
{
	if (type > RR_CHUNKS)
		return;
	PB_GROW(r->types, r->n_types, *cap);
	r->types[r->n_types++] = (RrType) type;
}

/* read_types -- one accepted type, or several packed; *n counts the unknown ones too. */
static bool
read_types(const PbField *f, RrRequest *r, int *cap, int *n)
{
	const uint8_t *p = f->bytes;
	uint64_t u;

	if (f->wire == PB_VARINT)
	{
		++*n;
		add_type(r, cap, f->u);
		return true;
	}
	if (f->wire != PB_BYTES)
		return false;
	while (p < f->bytes + f->len)
	{
		if ((p = varint_get(p, f->bytes + f->len, &u)) == NULL)
			return false;
		++*n;
		add_type(r, cap, u);
	}
	return true;
}

bool
rr_request_read(const uint8_t *body, size_t len, RrRequest *out, RrType *type, Err *err)
{
	const uint8_t *p = body, *end = body + len;
	int cap_queries = 0, cap_types = 0, n_types = 0;
	PbField f;
	int got;

	memset(out, 0, sizeof(*out));
	while ((got = pb_next(&p, end, &f)) == 1)
	{
		if (f.number == 1)
		{
			if (f.wire != PB_BYTES)
				return malformed(err);
			if (out->n_queries == RR_MAX_QUERIES)
				return err_set(err, ERR_BAD_REQUEST, -1, "remote read: more than %d queries",
							   RR_MAX_QUERIES);
			PB_GROW(out->queries, out->n_queries, cap_queries);
			if (!read_query(&f, &out->queries[out->n_queries++]))
				return malformed(err);
		}
		else if (f.number == 2 && !read_types(&f, out, &cap_types, &n_types))
			return malformed(err);
	}
	if (got < 0)
		return malformed(err);
	if (n_types > 0 && out->n_types == 0)
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "server does not support any of the requested response types");
	*type = out->n_types > 0 ? out->types[0] : RR_SAMPLES;
	return true;
}

/* --- requests: writing ----------------------------------------------------------------------------------- */

static void
put_hints(Buf *out, const RrHints *h)
{
	size_t start = pb_begin(out, 4);

	pb_put_varint(out, 1, (uint64_t) h->step_ms);
	pb_put_bytes(out, 2, h->func.s, h->func.len);
	pb_put_varint(out, 3, (uint64_t) h->start_ms);
	pb_put_varint(out, 4, (uint64_t) h->end_ms);
	for (int i = 0; i < h->n_grouping; i++)
		pb_put_bytes(out, 5, h->grouping[i].s, h->grouping[i].len);
	pb_put_varint(out, 6, h->by);
	pb_put_varint(out, 7, (uint64_t) h->range_ms);
	pb_end(out, start);
}

static void
put_query(Buf *out, const RrQuery *q)
{
	size_t start = pb_begin(out, 1);

	pb_put_varint(out, 1, (uint64_t) q->start_ms);
	pb_put_varint(out, 2, (uint64_t) q->end_ms);
	for (int i = 0; i < q->n_matchers; i++)
	{
		size_t matcher = pb_begin(out, 3);

		pb_put_varint(out, 1, q->matchers[i].type);
		pb_put_bytes(out, 2, q->matchers[i].name.s, q->matchers[i].name.len);
		pb_put_bytes(out, 3, q->matchers[i].value.s, q->matchers[i].value.len);
		pb_end(out, matcher);
	}
	if (q->has_hints)
		put_hints(out, &q->hints);
	pb_end(out, start);
}

/* rr_request_write -- append the request's protobuf. */
void
rr_request_write(Buf *out, const RrRequest *request)
{
	for (int i = 0; i < request->n_queries; i++)
		put_query(out, &request->queries[i]);
	if (request->n_types > 0)
	{
		size_t start = pb_begin(out, 2);

		for (int i = 0; i < request->n_types; i++)
			buf_uvarint(out, request->types[i]);
		pb_end(out, start);
	}
}

/* --- samples: writing ---------------------------------------------------------------------------------- */

size_t
rr_answer_begin_result(Buf *out)
{
	return pb_begin(out, 1);
}

size_t
rr_answer_begin_series(Buf *out, Labels labels)
{
	size_t begun = pb_begin(out, 1);

	prompb_put_labels(out, 1, labels);
	return begun;
}

void
rr_answer_sample(Buf *out, int64_t t, double v)
{
	prompb_put_sample(out, 2, t, v);
}

void
rr_answer_histogram(Buf *out, const HistogramSample *s)
{
	prompb_put_histogram(out, 4, s);
}

void
rr_answer_end(Buf *out, size_t begun)
{
	pb_end(out, begun);
}

/* --- labels ------------------------------------------------------------------------------------------------ */

void
rr_labels_init(RrLabels *l)
{
	memset(l, 0, sizeof(*l));
}

bool
rr_labels_add(RrLabels *l, const PbField *f)
{
	PB_GROW(l->items, l->n, l->cap);
	return f->wire == PB_BYTES && prompb_read_label(f, &l->items[l->n++]);
}

bool
rr_labels_build(RrLabels *l, Buf *out, Labels *labels)
{
	int n = labels_sort(l->items, l->n);

	if (n < 0 || (n > 0 && l->items[0].name.len == 0))
		return false;
	for (int i = 0; i < n; i++)
		if (l->items[i].name.len > LABELS_MAX_BYTES || l->items[i].value.len > LABELS_MAX_BYTES)
			return false;
	buf_reset(out);
	labels_encode(out, l->items, n);
	*labels = (Labels){(const uint8_t *) out->data, (uint32_t) out->len};
	return !out->overflow;
}

/* --- samples: reading --------------------------------------------------------------------------------- */

struct RrAnswer
{
	const uint8_t *p, *end;				  /* next result */
	const uint8_t *series_p, *series_end; /* next series of the result under way */
	int query;							  /* its number; -1: before the first */
	RrLabels labels;
	Buf label_bytes;
	PromSample *samples;
	int cap_samples;
	HistogramSample *histograms;
	int cap_histograms;
};

/* rr_answer_begin -- body, after snappy, must outlive the answer. */
RrAnswer *
rr_answer_begin(const uint8_t *body, size_t len)
{
	RrAnswer *a = mem_alloc0(sizeof(*a));

	a->p = a->series_p = a->series_end = body;
	a->end = body + len;
	a->query = -1;
	rr_labels_init(&a->labels);
	buf_init(&a->label_bytes, 256, RR_LABELS_MAX_BYTES);
	return a;
}

void
rr_answer_free(RrAnswer *a)
{
	mem_free(a->labels.items);
	buf_free(&a->label_bytes);
	mem_free(a->samples);
	mem_free(a->histograms);
	mem_free(a);
}

static bool
read_series(RrAnswer *a, const PbField *f, RrSeries *out)
{
	const uint8_t *p = f->bytes, *end = p + f->len;
	PbField g;
	int got;

	a->labels.n = 0;
	while ((got = pb_next(&p, end, &g)) == 1)
	{
		bool ok = true;

		if (g.number == 1)
			ok = rr_labels_add(&a->labels, &g);
		else if (g.number == 2)
		{
			PB_GROW(a->samples, out->n_samples, a->cap_samples);
			ok = g.wire == PB_BYTES && prompb_read_sample(&g, &a->samples[out->n_samples++]);
		}
		else if (g.number == 4)
		{
			PB_GROW(a->histograms, out->n_histograms, a->cap_histograms);
			ok = g.wire == PB_BYTES &&
				 prompb_read_histogram(&g, &a->histograms[out->n_histograms++]);
		}
		if (!ok)
			return false;
	}
	out->samples = a->samples;
	out->histograms = a->histograms;
	return got == 0 && rr_labels_build(&a->labels, &a->label_bytes, &out->labels);
}

/* next_series -- the field of the next series, going on to the next result if need be: 1, 0, -1. */
static int
next_series(RrAnswer *a, PbField *f)
{
	for (;;)
	{
		int got = pb_next(&a->series_p, a->series_end, f);

		if (got == 1 && f->number != 1)
			continue;
		if (got != 0)
			return got == 1 && f->wire == PB_BYTES ? 1 : -1;
		got = pb_next(&a->p, a->end, f);
		if (got != 1)
			return got;
		if (f->number != 1)
			continue;
		if (f->wire != PB_BYTES)
			return -1;
		a->query++;
		a->series_p = f->bytes;
		a->series_end = f->bytes + f->len;
	}
}

int
rr_answer_next(RrAnswer *a, RrSeries *out, Err *err)
{
	PbField f;
	int got = next_series(a, &f);

	if (got == 0)
		return 0;
	memset(out, 0, sizeof(*out));
	out->query = a->query;
	if (got == 1 && read_series(a, &f, out))
		return 1;
	malformed(err);
	return -1;
}
