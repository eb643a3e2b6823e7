/*
 * chunk_histogram.c
 *    Writing native histogram chunks, integer (encoding 2) and float (encoding 3), as Prometheus
 *    stores them (tsdb/chunkenc/histogram.go, float_histogram.go).
 *
 * Layout, bit by bit (docs/formats.md):
 *    16 bits    number of samples, big-endian
 *    8 bits     flags, top two: 10 counter reset, 01 none, 00 unknown, 11 gauge; others 0
 *    layout     chunk_layout.c
 *    integer    sample 0: varbit_int t, varbit_uint count, varbit_uint zero count, 64-bit sum, then
 *               varbit_int per bucket of its difference to the bucket before;
 *               later: varbit_int delta of delta of t, count and zero count, sum as XOR, then
 *               varbit_int per bucket: delta of delta of that difference
 *    float      sample 0: varbit_int t, 64-bit count, zero count, sum and buckets;
 *               later: varbit_int delta of delta of t, all else as XOR with the sample before
 *    stale      only t, count, zero count and sum: no bucket follows a stale sum
 *
 * A chunk ends where a reader must not conclude that the counter went on (a reset, another
 * schema, zero threshold or custom bounds, gauge or not, a sample behind a stale one), or when it
 * is full.  New buckets do not end it: the samples so far are written again with the wider layout.
 *
 * Memory: the work is done in a scope of its own; only the result is in the caller's.
 */
#include "codec/chunk.h"

#include "codec/chunk_layout.h"
#include "util/cancel.h"
#include "util/mem.h"

#include <assert.h>

#define FLAG_UNKNOWN   0x00
#define FLAG_NOT_RESET 0x40
#define FLAG_RESET	   0x80
#define FLAG_GAUGE	   0xC0

/* As Prometheus: a chunk is not cut for its size before it holds this many samples. */
#define MIN_SAMPLES_PER_CHUNK 10

typedef struct Encoder
{
	const HistogramSample *samples; /* of the chunk, first */
	int count;						/* samples written */
	bool is_float;
	uint8_t flags;
	HistogramLayout layout; /* as written; arrays belong to a sample or to the scope */
	BucketSet buckets;		/* the same layout by index; values: those of the last sample */
	BitBuf bits;
	DodState t, cnt, zero_cnt;
	XorState sum, cnt_xor, zero_cnt_xor;
	DodState *bucket_dod; /* integer: differences between neighbours */
	XorState *bucket_xor; /* float */
	/* reused from sample to sample */
	BucketSet next;	  /* the sample being added, in its own layout */
	uint64_t *spread; /* its values on the chunk's layout */
} Encoder;

/* What to do with the next sample. */
typedef enum Verdict
{
	ADD,   /* it fits the layout, perhaps with zeros put in */
	WIDEN, /* it brings new buckets */
	CUT	   /* it begins a new chunk */
} Verdict;

/* --- fields of a sample -------------------------------------------------------------------- */

static HistogramHint
sample_hint(const HistogramSample *s)
{
	return s->i != NULL ? s->i->hint : s->f->hint;
}

/* counter_decreased -- is the later of two values, in the form of a BucketSet, lower? */
static bool
counter_decreased(bool is_float, uint64_t before, uint64_t now)
{
	if (is_float)
		return value_from_bits(now) < value_from_bits(before);
	return now < before;
}

static uint64_t
sample_count(const HistogramSample *s)
{
	return s->i != NULL ? s->i->count : value_bits(s->f->count);
}

static uint64_t
sample_zero_count(const HistogramSample *s)
{
	return s->i != NULL ? s->i->zero_count : value_bits(s->f->zero_count);
}

/* --- writing ------------------------------------------------------------------------------- */

/* encoder_start -- an empty chunk with e->layout, whose indexes are in e->buckets. */
static void
encoder_start(Encoder *e)
{
	size_t n = (size_t) (e->buckets.n_pos + e->buckets.n_neg) + 1;

	bitbuf_init(&e->bits, 256);
	bitbuf_put(&e->bits, 0, 16);
	bitbuf_put(&e->bits, e->flags, 8);
	chunk_layout_put(&e->bits, &e->layout);
	e->count = 0;
	e->t = e->cnt = e->zero_cnt = (DodState){0, 0};
	e->sum = e->cnt_xor = e->zero_cnt_xor = XOR_WRITER_START;
	e->spread = mem_alloc(sizeof(uint64_t) * n);
	if (e->is_float)
	{
		e->bucket_xor = mem_alloc(sizeof(XorState) * n);
		for (size_t i = 0; i < n; i++)
			e->bucket_xor[i] = XOR_WRITER_START;
	}
	else
		e->bucket_dod = mem_alloc0(sizeof(DodState) * n);
}

static void
put_int_sample(Encoder *e, const HistogramSample *s, bool stale)
{
	BitBuf *b = &e->bits;
	const uint64_t *v = e->spread;

	if (e->count == 0)
	{
		e->t = (DodState){(uint64_t) s->t, 0};
		e->cnt = (DodState){stale ? 0 : s->i->count, 0};
		e->zero_cnt = (DodState){stale ? 0 : s->i->zero_count, 0};
		e->sum.v = value_bits(s->i->sum);
		bitbuf_put_varbit_int(b, s->t);
		bitbuf_put_varbit_uint(b, e->cnt.value);
		bitbuf_put_varbit_uint(b, e->zero_cnt.value);
		bitbuf_put(b, e->sum.v, 64);
	}
	else
	{
		bitbuf_put_dod(b, &e->t, (uint64_t) s->t);
		bitbuf_put_dod(b, &e->cnt, stale ? e->cnt.value + e->cnt.delta : s->i->count);
		bitbuf_put_dod(b, &e->zero_cnt,
					   stale ? e->zero_cnt.value + e->zero_cnt.delta : s->i->zero_count);
		bitbuf_put_xor(b, &e->sum, value_bits(s->i->sum));
	}
	if (stale)
		return;
	for (int k = 0; k < e->buckets.n_pos + e->buckets.n_neg; k++)
	{
		uint64_t before = k == 0 || k == e->buckets.n_pos ? 0 : v[k - 1];

		if (e->count > 0)
			bitbuf_put_dod(b, &e->bucket_dod[k], v[k] - before);
		else
		{
			e->bucket_dod[k] = (DodState){v[k] - before, 0};
			bitbuf_put_varbit_int(b, (int64_t) (v[k] - before));
		}
	}
}

static void
put_double(BitBuf *b, XorState *x, bool first, uint64_t v)
{
	if (!first)
		bitbuf_put_xor(b, x, v);
	else
	{
		x->v = v;
		bitbuf_put(b, v, 64);
	}
}

static void
put_float_sample(Encoder *e, const HistogramSample *s, bool stale)
{
	BitBuf *b = &e->bits;
	bool first = e->count == 0;

	if (first)
	{
		e->t = (DodState){(uint64_t) s->t, 0};
		bitbuf_put_varbit_int(b, s->t);
	}
	else
		bitbuf_put_dod(b, &e->t, (uint64_t) s->t);
	put_double(b, &e->cnt_xor, first, stale ? 0 : value_bits(s->f->count));
	put_double(b, &e->zero_cnt_xor, first, stale ? 0 : value_bits(s->f->zero_count));
	put_double(b, &e->sum, first, value_bits(s->f->sum));
	if (stale)
		return;
	for (int k = 0; k < e->buckets.n_pos + e->buckets.n_neg; k++)
		put_double(b, &e->bucket_xor[k], first, e->spread[k]);
}

/* encoder_add -- write s, whose own buckets are in e->next and all in the layout. */
static void
encoder_add(Encoder *e, const HistogramSample *s)
{
	bool stale = histogram_sample_is_stale(s);
	size_t n = (size_t) (e->buckets.n_pos + e->buckets.n_neg);

	if (!stale)
		bucket_set_spread(&e->next, &e->buckets, e->spread);
	if (e->is_float)
		put_float_sample(e, s, stale);
	else
		put_int_sample(e, s, stale);
	if (!stale && n > 0)
		memcpy(e->buckets.value, e->spread, sizeof(uint64_t) * n);
	e->count++;
}

/* encoder_widen -- make e->buckets and e->next's union the layout; write all samples again. */
static void
encoder_widen(Encoder *e)
{
	int n = e->count;
	BucketSet wide = {0};

	bucket_set_union(&wide, &e->buckets, &e->next);
	mem_free(e->bits.data);
	mem_free(e->spread);
	mem_free(e->bucket_dod);
	mem_free(e->bucket_xor);
	mem_free(e->buckets.index);
	mem_free(e->buckets.value);
	e->layout.pos_spans = bucket_set_spans(wide.index, wide.n_pos, &e->layout.n_pos_spans);
	e->layout.neg_spans =
		bucket_set_spans(wide.index + wide.n_pos, wide.n_neg, &e->layout.n_neg_spans);
	e->buckets = wide;
	encoder_start(e);
	for (int i = 0; i < n; i++)
	{
		bucket_set_load(&e->next, &e->samples[i]);
		encoder_add(e, &e->samples[i]);
	}
}

/* --- where a chunk ends -------------------------------------------------------------------- */

/* flags_for -- of a new chunk that begins with s; why: the flag if s is a counter. */
static uint8_t
flags_for(const HistogramSample *s, uint8_t why)
{
	if (sample_hint(s) == HISTOGRAM_HINT_GAUGE)
		return FLAG_GAUGE;
	return sample_hint(s) == HISTOGRAM_HINT_RESET ? FLAG_RESET : why;
}

static bool
bounds_equal(const HistogramLayout *a, const HistogramLayout *b)
{
	if (a->n_custom != b->n_custom)
		return false;
	for (int i = 0; i < a->n_custom; i++)
		if (a->custom[i] != b->custom[i])
			return false;
	return true;
}

/*
 * compare_buckets -- e->next with the layout and the last sample: ADD, WIDEN, or CUT if a bucket
 * of a counter went down.  A bucket that is missing counts as 0 on either side.
 */
static Verdict
compare_buckets(const Encoder *e, bool gauge)
{
	const BucketSet *a = &e->buckets, *b = &e->next;
	bool wider = false;

	for (int side = 0; side < 2; side++)
	{
		int i = side == 0 ? 0 : a->n_pos, ia = i + (side == 0 ? a->n_pos : a->n_neg);
		int k = side == 0 ? 0 : b->n_pos, kb = k + (side == 0 ? b->n_pos : b->n_neg);

		while (i < ia || k < kb)
		{
			bool has_a = i < ia && (k >= kb || a->index[i] <= b->index[k]);
			bool has_b = k < kb && (i >= ia || b->index[k] <= a->index[i]);
			uint64_t before = has_a ? a->value[i] : 0, now = has_b ? b->value[k] : 0;

			if (!gauge && counter_decreased(e->is_float, before, now))
				return CUT;
			wider |= !has_a;
			i += has_a;
			k += has_b;
		}
	}
	return wider ? WIDEN : ADD;
}

/*
 * judge -- what to do with s, whose buckets are in e->next; for CUT *flags gets those of the new
 * chunk.  The order of the tests is Prometheus' (appendable).
 */
static Verdict
judge(const Encoder *e, const HistogramSample *s, size_t max_bytes, uint8_t *flags)
{
	const HistogramSample *last = &e->samples[e->count - 1];
	HistogramLayout l = histogram_sample_layout(s);
	bool gauge = sample_hint(s) == HISTOGRAM_HINT_GAUGE;
	bool full = e->count >= MIN_SAMPLES_PER_CHUNK && bitbuf_size(&e->bits) >= max_bytes;
	Verdict v;

	*flags = flags_for(s, FLAG_UNKNOWN);
	if ((s->f != NULL) != e->is_float || e->count == CHUNK_MAX_SAMPLES)
		return CUT;
	if (histogram_sample_is_stale(s))
		return ADD;
	if (gauge != (e->flags == FLAG_GAUGE) || sample_hint(s) == HISTOGRAM_HINT_RESET ||
		histogram_sample_is_stale(last))
		return CUT;
	if (l.schema != e->layout.schema || l.zero_threshold != e->layout.zero_threshold)
		return CUT;
	*flags = flags_for(s, FLAG_RESET);
	if (!bounds_equal(&l, &e->layout))
		return CUT;
	if (!gauge && (counter_decreased(e->is_float, sample_count(last), sample_count(s)) ||
				   counter_decreased(e->is_float, sample_zero_count(last), sample_zero_count(s))))
		return CUT;
	v = compare_buckets(e, gauge);
	if (v == CUT)
		return CUT;
	*flags = flags_for(s, FLAG_NOT_RESET);
	if (full || (v == WIDEN && e->buckets.n_pos + e->buckets.n_neg + e->next.n_pos + e->next.n_neg >
								   HISTOGRAM_MAX_BUCKETS))
		return CUT;
	return v;
}

/*
 * encode_chunk -- write as many of n samples as belong into one chunk, whose flags are given, and
 * return their number; *next_flags gets those of the chunk behind it.
 */
static int
encode_chunk(Encoder *e, const HistogramSample *samples, int n, size_t max_bytes, uint8_t flags,
			 uint8_t *next_flags)
{
	memset(e, 0, sizeof(*e));
	e->samples = samples;
	e->is_float = samples[0].f != NULL;
	e->flags = flags;
	bucket_set_load(&e->next, &samples[0]);
	bucket_set_union(&e->buckets, &e->next, &e->next);
	if (!histogram_sample_is_stale(&samples[0]))
		e->layout = histogram_sample_layout(&samples[0]);
	encoder_start(e);
	encoder_add(e, &samples[0]);
	while (e->count < n)
	{
		const HistogramSample *s = &samples[e->count];
		Verdict v;

		assert(s->t > samples[e->count - 1].t);
		bucket_set_load(&e->next, s);
		v = judge(e, s, max_bytes, next_flags);
		if (v == CUT)
			break;
		if (v == WIDEN)
		{
			encoder_widen(e);
			bucket_set_load(&e->next, s);
			cancel_poll();
		}
		encoder_add(e, s);
	}
	return e->count;
}

/*
 * chunk_histogram_encode -- encode samples to as many chunks as they need.
 *
 * Samples are valid (histogram_validate) or stale, their times ascend strictly (asserted); integer
 * and float ones may alternate.  A chunk is cut at the first sample that finds max_bytes or more
 * written, but not before it holds ten.  *out is an array from mem_alloc, as are the bytes of each
 * chunk; returns the number of chunks.
 */
int
chunk_histogram_encode(const HistogramSample *samples, int n, size_t max_bytes, ChunkBytes **out)
{
	ChunkBytes *chunks = NULL;
	int n_chunks = 0, cap = 0;
	uint8_t flags = n > 0 ? flags_for(&samples[0], FLAG_UNKNOWN) : FLAG_UNKNOWN;
	MemScope *scope = mem_scope_create("histogram chunk");
	Encoder e;

	for (int done = 0; done < n;)
	{
		MemScope *outer = mem_scope_switch(scope);
		int count = encode_chunk(&e, samples + done, n - done, max_bytes, flags, &flags);
		size_t len = bitbuf_finish(&e.bits);

		mem_scope_switch(outer);
		e.bits.data[0] = (uint8_t) (count >> 8);
		e.bits.data[1] = (uint8_t) count;
		if (n_chunks == cap)
		{
			cap = cap * 2 + 4;
			chunks = mem_realloc(chunks, sizeof(ChunkBytes) * (size_t) cap);
		}
		chunks[n_chunks++] =
			(ChunkBytes){.encoding = e.is_float ? CHUNK_FLOAT_HISTOGRAM : CHUNK_HISTOGRAM,
						 .count = count,
						 .min_t = samples[done].t,
						 .max_t = samples[done + count - 1].t,
						 .data = mem_dup(e.bits.data, len),
						 .len = len};
		mem_scope_reset(scope);
		done += count;
	}
	mem_scope_delete(scope);
	*out = chunks;
	return n_chunks;
}
