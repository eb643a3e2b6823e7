/*
 * chunk_histogram_decode.c
 *    Reading native histogram chunks; chunk_histogram.c has the layout.
 *
 * Bytes are hostile.  Each sample takes at least four bits and, unless it is stale, one more for
 * each bucket, so the memory asked for is bounded by the bytes given (64 times at most): a
 * claim beyond that is refused before anything is allocated for it.
 *
 * The samples of a chunk share their spans and custom bounds.
 */
#include "codec/chunk.h"

#include "codec/chunk_layout.h"
#include "util/mem.h"

#define FLAG_MASK  0xC0
#define FLAG_GAUGE 0xC0

#define HEADER_BYTES 3

typedef struct Decoder
{
	BitReader bits;
	bool is_float;
	uint8_t flags;
	ChunkLayout layout;
	int count; /* samples read */
	DodState t, cnt, zero_cnt;
	XorState sum, cnt_xor, zero_cnt_xor;
	DodState *bucket_dod; /* integer */
	XorState *bucket_xor; /* float */
} Decoder;

static uint64_t
get_double(BitReader *r, XorState *x, bool first)
{
	if (first)
		x->v = bits_get(r, 64);
	else
		bits_get_xor(r, x);
	return x->v;
}

/* hint_of -- what reading from storage may say about sample number i of the chunk. */
static HistogramHint
hint_of(const Decoder *d, int i)
{
	if ((d->flags & FLAG_MASK) == FLAG_GAUGE)
		return HISTOGRAM_HINT_GAUGE;
	return i == 0 ? HISTOGRAM_HINT_UNKNOWN : HISTOGRAM_HINT_NOT_RESET;
}

/* get_head -- timestamp, count, zero count and sum, the same for a stale sample. */
static void
get_head(Decoder *d)
{
	BitReader *r = &d->bits;
	bool first = d->count == 0;

	if (first)
		d->t.value = (uint64_t) bits_get_varbit_int(r);
	else
		bits_get_dod(r, &d->t);
	if (d->is_float)
	{
		get_double(r, &d->cnt_xor, first);
		get_double(r, &d->zero_cnt_xor, first);
	}
	else if (first)
	{
		d->cnt.value = bits_get_varbit_uint(r);
		d->zero_cnt.value = bits_get_varbit_uint(r);
	}
	else
	{
		bits_get_dod(r, &d->cnt);
		bits_get_dod(r, &d->zero_cnt);
	}
	get_double(r, &d->sum, first);
}

static void
get_deltas(Decoder *d, DodState *s, int64_t *out, int n)
{
	for (int k = 0; k < n; k++)
	{
		if (d->count == 0)
			s[k].value = (uint64_t) bits_get_varbit_int(&d->bits);
		else
			bits_get_dod(&d->bits, &s[k]);
		out[k] = (int64_t) s[k].value;
	}
}

static void
get_counts(Decoder *d, XorState *x, double *out, int n)
{
	for (int k = 0; k < n; k++)
		out[k] = value_from_bits(get_double(&d->bits, &x[k], d->count == 0));
}

static IntHistogram *
get_int_sample(Decoder *d, bool stale)
{
	IntHistogram *h = mem_alloc0(sizeof(*h));
	const ChunkLayout *l = &d->layout;

	h->sum = value_from_bits(d->sum.v);
	if (stale)
		return h;
	h->hint = hint_of(d, d->count);
	h->schema = l->view.schema;
	h->zero_threshold = l->view.zero_threshold;
	h->count = d->cnt.value;
	h->zero_count = d->zero_cnt.value;
	h->n_pos_spans = l->view.n_pos_spans;
	h->n_neg_spans = l->view.n_neg_spans;
	h->n_pos = l->n_pos;
	h->n_neg = l->n_neg;
	h->n_custom = l->view.n_custom;
	h->pos_spans = l->pos_spans;
	h->neg_spans = l->neg_spans;
	h->custom = l->custom;
	h->pos = mem_alloc(sizeof(int64_t) * ((size_t) l->n_pos + 1));
	h->neg = mem_alloc(sizeof(int64_t) * ((size_t) l->n_neg + 1));
	get_deltas(d, d->bucket_dod, h->pos, l->n_pos);
	get_deltas(d, d->bucket_dod + l->n_pos, h->neg, l->n_neg);
	if (h->schema > HISTOGRAM_MAX_SCHEMA && !d->bits.overrun)
		histogram_reduce_int(h, HISTOGRAM_MAX_SCHEMA);
	return h;
}

static Histogram *
get_float_sample(Decoder *d, bool stale)
{
	Histogram *h = mem_alloc0(sizeof(*h));
	const ChunkLayout *l = &d->layout;

	h->sum = value_from_bits(d->sum.v);
	if (stale)
		return h;
	h->hint = hint_of(d, d->count);
	h->schema = l->view.schema;
	h->zero_threshold = l->view.zero_threshold;
	h->count = value_from_bits(d->cnt_xor.v);
	h->zero_count = value_from_bits(d->zero_cnt_xor.v);
	h->n_pos_spans = l->view.n_pos_spans;
	h->n_neg_spans = l->view.n_neg_spans;
	h->n_pos = l->n_pos;
	h->n_neg = l->n_neg;
	h->n_custom = l->view.n_custom;
	h->pos_spans = l->pos_spans;
	h->neg_spans = l->neg_spans;
	h->custom = l->custom;
	h->pos = mem_alloc(sizeof(double) * ((size_t) l->n_pos + 1));
	h->neg = mem_alloc(sizeof(double) * ((size_t) l->n_neg + 1));
	get_counts(d, d->bucket_xor, h->pos, l->n_pos);
	get_counts(d, d->bucket_xor + l->n_pos, h->neg, l->n_neg);
	if (h->schema > HISTOGRAM_MAX_SCHEMA && !d->bits.overrun)
		histogram_reduce(h, HISTOGRAM_MAX_SCHEMA);
	return h;
}

/* get_samples -- n samples to out; false if the bits end or the times do not ascend. */
static bool
get_samples(Decoder *d, int n, HistogramSample *out)
{
	size_t n_buckets = (size_t) d->layout.n_pos + (size_t) d->layout.n_neg + 1;

	if (d->is_float)
		d->bucket_xor = mem_alloc0(sizeof(XorState) * n_buckets);
	else
		d->bucket_dod = mem_alloc0(sizeof(DodState) * n_buckets);
	for (; d->count < n; d->count++)
	{
		HistogramSample *s = &out[d->count];
		bool stale;

		get_head(d);
		stale = d->sum.v == VALUE_STALE_BITS;
		s->t = (int64_t) d->t.value;
		if (d->is_float)
			s->f = get_float_sample(d, stale);
		else
			s->i = get_int_sample(d, stale);
		if (d->bits.overrun || (d->count > 0 && s->t <= s[-1].t))
			return false;
	}
	return true;
}

/*
 * chunk_histogram_decode -- all samples of a chunk of encoding enc (integer or float histograms).
 *
 * *out is from mem_alloc, as is all it points to; samples share spans and bounds, so they are
 * read-only: copy before a change.  Times ascend strictly, layouts pass histogram_layout_check,
 * schemas 9..52 are reduced to 8.  Hints are those reading from storage gives: gauge if the chunk
 * says so, else unknown for the first sample and not_reset for the others.  Returns the number of
 * samples, or -1 with err filled if the bytes are not such a chunk.
 */
int
chunk_histogram_decode(ChunkEncoding enc, const uint8_t *data, size_t len, HistogramSample **out,
					   Err *err)
{
	Decoder d = {.is_float = enc == CHUNK_FLOAT_HISTOGRAM,
				 .sum = XOR_READER_START,
				 .cnt_xor = XOR_READER_START,
				 .zero_cnt_xor = XOR_READER_START};
	int n = chunk_count(data, len);

	*out = NULL;
	if (len >= HEADER_BYTES && n == 0)
		return 0;
	if (len >= HEADER_BYTES && (size_t) n * 4 <= len * 8)
	{
		bits_init(&d.bits, data + HEADER_BYTES, len - HEADER_BYTES);
		d.flags = data[HEADER_BYTES - 1];
		if (chunk_layout_get(&d.bits, &d.layout) &&
			(size_t) d.layout.n_pos + (size_t) d.layout.n_neg <= len * 8)
		{
			*out = mem_alloc0(sizeof(HistogramSample) * (size_t) n);
			if (get_samples(&d, n, *out))
				return n;
		}
	}
	err_set(err, ERR_CORRUPT, -1, "histogram chunk of %zu bytes with %d samples is malformed", len,
			n);
	return -1;
}
