/*
 * prompb.c
 *    Labels, samples and native histograms of Prometheus' protobuf.
 *
 * Field numbers: prompb/types.proto of Prometheus, the same in remote write 1.0, 2.0 and remote read.
 */
#include "wire/prompb.h"

#include "util/mem.h"

static bool
read_span(const PbField *f, HistogramSpan *span)
{
	const uint8_t *p = f->bytes;
	const uint8_t *end = p + f->len;
	PbField g;
	int got;

	*span = (HistogramSpan){0, 0};
	while ((got = pb_next(&p, end, &g)) == 1)
	{
		if (g.number == 1 && g.wire == PB_VARINT)
			span->offset = (int32_t) varint_unzigzag(g.u);
		else if (g.number == 2 && g.wire == PB_VARINT)
			span->length = (uint32_t) g.u;
		else if (g.number <= 2)
			return false;
	}
	return got == 0;
}

/* A repeated numeric field: one value, or packed. */
static bool
add_signed(const PbField *f, int64_t **out, int *n, int *cap)
{
	const uint8_t *p = f->bytes;
	uint64_t u;

	if (f->wire == PB_VARINT)
	{
		PB_GROW(*out, *n, *cap);
		(*out)[(*n)++] = varint_unzigzag(f->u);
		return true;
	}
	if (f->wire != PB_BYTES)
		return false;
	while (p < f->bytes + f->len)
	{
		if ((p = varint_get(p, f->bytes + f->len, &u)) == NULL)
			return false;
		PB_GROW(*out, *n, *cap);
		(*out)[(*n)++] = varint_unzigzag(u);
	}
	return true;
}

static bool
add_doubles(const PbField *f, double **out, int *n, int *cap)
{
	if (f->wire == PB_64BIT)
	{
		PB_GROW(*out, *n, *cap);
		(*out)[(*n)++] = value_from_bits(f->u);
		return true;
	}
	if (f->wire != PB_BYTES || f->len % 8 != 0)
		return false;
	for (size_t i = 0; i < f->len; i += 8)
	{
		uint64_t bits;

		memcpy(&bits, f->bytes + i, 8);
		PB_GROW(*out, *n, *cap);
		(*out)[(*n)++] = value_from_bits(bits);
	}
	return true;
}

static bool
add_span(const PbField *f, HistogramSpan **out, int *n, int *cap)
{
	if (f->wire != PB_BYTES)
		return false;
	PB_GROW(*out, *n, *cap);
	return read_span(f, &(*out)[(*n)++]);
}

/*
 * The message has both forms' fields; which one it is the count tells.  Everything is read, then
 * one of the two structs is filled.
 */
bool
prompb_read_histogram(const PbField *f, HistogramSample *out)
{
	const uint8_t *p = f->bytes;
	const uint8_t *end = p + f->len;
	PbField g;
	int got;
	bool is_float = false;
	IntHistogram ih = {0};
	Histogram fh = {0};
	int cap_ps = 0, cap_ns = 0, cap_pd = 0, cap_nd = 0, cap_pc = 0, cap_nc = 0, cap_cv = 0;

	memset(out, 0, sizeof(*out));
	while ((got = pb_next(&p, end, &g)) == 1)
	{
		bool ok = true;

		switch (g.number)
		{
			case 1:
				ok = g.wire == PB_VARINT;
				ih.count = g.u;
				is_float = false;
				break;
			case 2:
				ok = g.wire == PB_64BIT;
				fh.count = value_from_bits(g.u);
				is_float = true;
				break;
			case 3:
				ok = g.wire == PB_64BIT;
				ih.sum = fh.sum = value_from_bits(g.u);
				break;
			case 4:
				ok = g.wire == PB_VARINT;
				ih.schema = fh.schema = (int32_t) varint_unzigzag(g.u);
				break;
			case 5:
				ok = g.wire == PB_64BIT;
				ih.zero_threshold = fh.zero_threshold = value_from_bits(g.u);
				break;
			case 6:
				ok = g.wire == PB_VARINT;
				ih.zero_count = g.u;
				break;
			case 7:
				ok = g.wire == PB_64BIT;
				fh.zero_count = value_from_bits(g.u);
				break;
			case 8:
				ok = add_span(&g, &ih.neg_spans, &ih.n_neg_spans, &cap_ns);
				break;
			case 9:
				ok = add_signed(&g, &ih.neg, &ih.n_neg, &cap_nd);
				break;
			case 10:
				ok = add_doubles(&g, &fh.neg, &fh.n_neg, &cap_nc);
				break;
			case 11:
				ok = add_span(&g, &ih.pos_spans, &ih.n_pos_spans, &cap_ps);
				break;
			case 12:
				ok = add_signed(&g, &ih.pos, &ih.n_pos, &cap_pd);
				break;
			case 13:
				ok = add_doubles(&g, &fh.pos, &fh.n_pos, &cap_pc);
				break;
			case 14:
				ok = g.wire == PB_VARINT;
				ih.hint = fh.hint = g.u <= 3 ? (HistogramHint) g.u : HISTOGRAM_HINT_UNKNOWN;
				break;
			case 15:
				ok = g.wire == PB_VARINT;
				out->t = (int64_t) g.u;
				break;
			case 16:
				ok = add_doubles(&g, &ih.custom, &ih.n_custom, &cap_cv);
				break;
			default:
				break;
		}
		if (!ok)
			return false;
	}
	if (got < 0)
		return false;
	if (is_float)
	{
		fh.n_pos_spans = ih.n_pos_spans;
		fh.n_neg_spans = ih.n_neg_spans;
		fh.pos_spans = ih.pos_spans;
		fh.neg_spans = ih.neg_spans;
		fh.custom = ih.custom;
		fh.n_custom = ih.n_custom;
		out->f = mem_dup(&fh, sizeof(fh));
	}
	else
		out->i = mem_dup(&ih, sizeof(ih));
	return true;
}

bool
prompb_read_label(const PbField *f, Label *l)
{
	const uint8_t *p = f->bytes;
	const uint8_t *end = p + f->len;
	PbField g;
	int got;

	l->name = l->value = strview("", 0);
	while ((got = pb_next(&p, end, &g)) == 1)
	{
		if (g.number > 2)
			continue;
		if (g.wire != PB_BYTES)
			return false;
		if (g.number == 1)
			l->name = strview((const char *) g.bytes, g.len);
		else
			l->value = strview((const char *) g.bytes, g.len);
	}
	return got == 0;
}

/* --- putting ---------------------------------------------------------------------------------- */

void
prompb_put_labels(Buf *out, uint32_t number, Labels labels)
{
	LabelsIter it;
	Label l;

	labels_iter_init(&it, labels);
	while (labels_next(&it, &l))
	{
		size_t start = pb_begin(out, number);

		pb_put_bytes(out, 1, l.name.s, l.name.len);
		pb_put_bytes(out, 2, l.value.s, l.value.len);
		pb_end(out, start);
	}
}

void
prompb_put_sample(Buf *out, uint32_t number, int64_t t, double v)
{
	size_t start = pb_begin(out, number);

	pb_put_fixed64(out, 1, value_bits(v));
	pb_put_varint(out, 2, (uint64_t) t);
	pb_end(out, start);
}

static void
put_spans(Buf *out, uint32_t number, const HistogramSpan *spans, int n)
{
	for (int i = 0; i < n; i++)
	{
		size_t start = pb_begin(out, number);

		pb_put_varint(out, 1, (uint32_t) varint_zigzag(spans[i].offset));
		pb_put_varint(out, 2, spans[i].length);
		pb_end(out, start);
	}
}

static void
put_deltas(Buf *out, uint32_t number, const int64_t *v, int n)
{
	size_t start;

	if (n == 0)
		return;
	start = pb_begin(out, number);
	for (int i = 0; i < n; i++)
		buf_varint(out, v[i]);
	pb_end(out, start);
}

static void
put_int(Buf *out, const IntHistogram *h)
{
	pb_put_tag(out, 1, PB_VARINT); /* even zero: its presence says that counts are integers */
	buf_uvarint(out, h->count);
	pb_put_fixed64(out, 3, value_bits(h->sum));
	pb_put_varint(out, 4, (uint32_t) varint_zigzag(h->schema));
	pb_put_fixed64(out, 5, value_bits(h->zero_threshold));
	pb_put_tag(out, 6, PB_VARINT);
	buf_uvarint(out, h->zero_count);
	put_spans(out, 8, h->neg_spans, h->n_neg_spans);
	put_deltas(out, 9, h->neg, h->n_neg);
	put_spans(out, 11, h->pos_spans, h->n_pos_spans);
	put_deltas(out, 12, h->pos, h->n_pos);
	pb_put_varint(out, 14, h->hint);
	pb_put_bytes(out, 16, h->custom, sizeof(double) * (size_t) h->n_custom);
}

static void
put_float(Buf *out, const Histogram *h)
{
	pb_put_fixed64(out, 2, value_bits(h->count));
	pb_put_fixed64(out, 3, value_bits(h->sum));
	pb_put_varint(out, 4, (uint32_t) varint_zigzag(h->schema));
	pb_put_fixed64(out, 5, value_bits(h->zero_threshold));
	pb_put_fixed64(out, 7, value_bits(h->zero_count));
	put_spans(out, 8, h->neg_spans, h->n_neg_spans);
	pb_put_bytes(out, 10, h->neg, sizeof(double) * (size_t) h->n_neg);
	put_spans(out, 11, h->pos_spans, h->n_pos_spans);
	pb_put_bytes(out, 13, h->pos, sizeof(double) * (size_t) h->n_pos);
	pb_put_varint(out, 14, h->hint);
	pb_put_bytes(out, 16, h->custom, sizeof(double) * (size_t) h->n_custom);
}

void
prompb_put_histogram(Buf *out, uint32_t number, const HistogramSample *s)
{
	size_t start = pb_begin(out, number);

	if (s->i != NULL)
		put_int(out, s->i);
	else
		put_float(out, s->f);
	pb_put_varint(out, 15, (uint64_t) s->t);
	pb_end(out, start);
}
