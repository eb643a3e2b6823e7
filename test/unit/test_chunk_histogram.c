/*
 * test_chunk_histogram.c
 *    Histogram chunks: known bytes, widening, where chunks end, hints, hostile bytes.
 */
#include "unit.h"

#include "bits_text.h"
#include "codec/chunk.h"
#include "codec/varbit.h"
#include "histogram_gen.h"

typedef struct VarbitCase
{
	int64_t v;
	const char *bits;
} VarbitCase;

static const VarbitCase varbit_int_cases[] = {
	{0, "0"},
	{1, "10 001"},
	{-1, "10 111"},
	{4, "10 100"},
	{-3, "10 101"},
	{5, "110 000101"},
	{-4, "110 111100"},
	{32, "110 100000"},
	{-31, "110 100001"},
	{-32, "1110 111100000"},
	{256, "1110 100000000"},
	{257, "11110 000100000001"},
	{2048, "11110 <800>"},
	{-2047, "11110 <801>"},
	{2049, "111110 00 <0801>"},
	{131072, "111110 10 <0000>"},
	{131073, "1111110 0 <020001>"},
	{-16777215, "1111110 1 <000001>"},
	{16777216, "1111110 1 <000000>"},
	{16777217, "11111110 <00000001000001>"},
	{INT64_C(1) << 55, "11111110 <80000000000000>"},
	{(INT64_C(1) << 55) + 1, "11111111 <0080000000000001>"},
	{INT64_MIN, "11111111 <8000000000000000>"},
};

static const VarbitCase varbit_uint_cases[] = {
	{0, "0"},
	{7, "10 111"},
	{8, "110 001000"},
	{63, "110 111111"},
	{64, "1110 001000000"},
	{511, "1110 111111111"},
	{512, "11110 <200>"},
	{4095, "11110 <fff>"},
	{4096, "111110 00 <1000>"},
	{262143, "111110 11 <ffff>"},
	{262144, "1111110 0 <040000>"},
	{33554431, "1111110 1 <ffffff>"},
	{33554432, "11111110 <00000002000000>"},
	{(INT64_C(1) << 56) - 1, "11111110 <ffffffffffffff>"},
	{INT64_C(1) << 56, "11111111 <0100000000000000>"},
	{-1, "11111111 <ffffffffffffffff>"},
};

UNIT_TEST(varbit_known_answers)
{
	for (size_t i = 0; i < sizeof(varbit_int_cases) / sizeof(varbit_int_cases[0]); i++)
	{
		const VarbitCase *c = &varbit_int_cases[i];
		Buf want = bits_text(c->bits);
		BitBuf b;
		BitReader r;

		bitbuf_init(&b, 0);
		bitbuf_put_varbit_int(&b, c->v);
		CHECK_INT(bitbuf_finish(&b), want.len);
		CHECK(memcmp(b.data, want.data, want.len) == 0);
		bits_init(&r, b.data, want.len);
		CHECK(bits_get_varbit_int(&r) == c->v && !r.overrun);
	}
	for (size_t i = 0; i < sizeof(varbit_uint_cases) / sizeof(varbit_uint_cases[0]); i++)
	{
		const VarbitCase *c = &varbit_uint_cases[i];
		Buf want = bits_text(c->bits);
		BitBuf b;
		BitReader r;

		bitbuf_init(&b, 0);
		bitbuf_put_varbit_uint(&b, (uint64_t) c->v);
		CHECK_INT(bitbuf_finish(&b), want.len);
		CHECK(memcmp(b.data, want.data, want.len) == 0);
		bits_init(&r, b.data, want.len);
		CHECK(bits_get_varbit_uint(&r) == (uint64_t) c->v && !r.overrun);
	}
}

/* Worked out by hand from the layout: two samples, one new count in each bucket. */
UNIT_TEST(chunk_histogram_known_int)
{
	HistogramSpan span = {0, 2};
	int64_t deltas[2][2] = {{1, 0}, {2, 0}};
	IntHistogram h[2];
	HistogramSample s[2];
	Buf want = bits_text("<0002 00>"					  /* count, flags: unknown */
						 "<74> 10001"					  /* 2^-128, schema 1 */
						 "10001 10010 0  0"				  /* one span: length 2, offset 0; none */
						 "11110 001111101000"			  /* t = 1000 */
						 "10011 10001 <4010000000000000>" /* count 3, zero count 1, sum 4 */
						 "10001 0"						  /* buckets 1, +0 */
						 "11110 001111101000"			  /* difference of t: 1000 */
						 "10010 0"						  /* count +2, zero count +0 */
						 "1 1 01010 000101 11001"		  /* sum 9 */
						 "10001 0");					  /* bucket differences +1, +0 */
	ChunkBytes *chunks;

	for (int i = 0; i < 2; i++)
	{
		h[i] = (IntHistogram){.schema = 1,
							  .zero_threshold = 0x1p-128,
							  .zero_count = 1,
							  .count = i == 0 ? 3 : 5,
							  .sum = i == 0 ? 4 : 9,
							  .n_pos_spans = 1,
							  .pos_spans = &span,
							  .n_pos = 2,
							  .pos = deltas[i]};
		s[i] = (HistogramSample){.t = 1000 * (i + 1), .i = &h[i]};
	}
	CHECK_INT(chunk_histogram_encode(s, 2, 1024, &chunks), 1);
	CHECK_INT(chunks[0].encoding, CHUNK_HISTOGRAM);
	CHECK_INT(chunks[0].min_t, 1000);
	CHECK_INT(chunks[0].max_t, 2000);
	CHECK_INT(chunks[0].len, want.len);
	CHECK(memcmp(chunks[0].data, want.data, want.len) == 0);
}

/* A float chunk with custom bounds, then a stale sample. */
UNIT_TEST(chunk_histogram_known_float)
{
	HistogramSpan span = {1, 1};
	double bounds[] = {0.5, 1.00005}, count[] = {2};
	Histogram h = {.schema = HISTOGRAM_CUSTOM_SCHEMA,
				   .hint = HISTOGRAM_HINT_GAUGE,
				   .count = 2,
				   .sum = 1,
				   .n_pos_spans = 1,
				   .pos_spans = &span,
				   .n_pos = 1,
				   .pos = count,
				   .n_custom = 2,
				   .custom = bounds};
	HistogramSample s[2] = {{.t = 5, .f = &h}, gen_stale(6, true)};
	Buf want = bits_text("<0002 c0>"			/* count, flags: gauge */
						 "<00> 1110 111001011"	/* zero threshold 0, schema -53 */
						 "10001 10001 10001  0" /* one span: length 1, offset 1; none */
						 "10010 1110 111110101" /* two bounds, 0.5 as 501 */
						 "0 <3ff000346dc5d639>" /* 1.00005 as it is */
						 "110 000101"			/* t = 5 */
						 "<4000000000000000 0000000000000000 3ff0000000000000>"
						 "<4000000000000000>"	 /* bucket */
						 "10001"				 /* t + 1 */
						 "1 1 00001 000001 1  0" /* count 0, zero count as before */
						 "1 1 00001 111110 1 <000000000000000> 1");
	ChunkBytes *chunks;
	HistogramSample *out;
	Err err = ERR_INIT;

	CHECK_INT(chunk_histogram_encode(s, 2, 1024, &chunks), 1);
	CHECK_INT(chunks[0].encoding, CHUNK_FLOAT_HISTOGRAM);
	CHECK_INT(chunk_histogram_decode(chunks[0].encoding, chunks[0].data, chunks[0].len, &out, &err),
			  2);
	CHECK(histogram_sample_equal(&out[0], &s[0]) && histogram_sample_equal(&out[1], &s[1]));
	CHECK_INT(chunks[0].len, want.len);
	for (size_t i = 0; i < want.len && i < chunks[0].len; i++)
		CHECK_INT(chunks[0].data[i], (uint8_t) want.data[i]);
}

/* check_samples -- what came back has the counts of what went in, on a layout at least as wide. */
static void
check_samples(const HistogramSample *in, const HistogramSample *out, int n)
{
	for (int i = 0; i < n; i++)
	{
		HistogramLayout a = histogram_sample_layout(&in[i]), b = histogram_sample_layout(&out[i]);
		int n_pos, n_neg;

		CHECK_INT(out[i].t, in[i].t);
		CHECK((in[i].i != NULL) == (out[i].i != NULL));
		CHECK(histogram_sample_is_stale(&in[i]) == histogram_sample_is_stale(&out[i]));
		if (histogram_sample_is_stale(&in[i]) || unit_failed())
			continue;
		CHECK(histogram_layout_check(&b, &n_pos, &n_neg));
		CHECK_INT(b.schema, a.schema);
		CHECK(b.zero_threshold == a.zero_threshold && b.n_custom == a.n_custom);
		CHECK(a.n_custom == 0 ||
			  memcmp(a.custom, b.custom, sizeof(double) * (size_t) a.n_custom) == 0);
		if (in[i].i != NULL)
			CHECK(in[i].i->count == out[i].i->count &&
				  in[i].i->zero_count == out[i].i->zero_count && in[i].i->sum == out[i].i->sum);
		else
			CHECK(in[i].f->count == out[i].f->count &&
				  in[i].f->zero_count == out[i].f->zero_count && in[i].f->sum == out[i].f->sum);
		for (int32_t k = -60; k < 60; k++)
		{
			CHECK(gen_count(&in[i], false, k) == gen_count(&out[i], false, k));
			CHECK(gen_count(&in[i], true, k) == gen_count(&out[i], true, k));
		}
	}
}

UNIT_TEST(chunk_histogram_round_trip)
{
	static const int32_t schemas[] = {0, 3, -4, 8, HISTOGRAM_CUSTOM_SCHEMA};

	for (int round = 0; round < 120; round++)
	{
		GenState g = {.random = 1000 + (uint64_t) round,
					  .schema = schemas[round % 5],
					  .first = round % 5 == 4 ? 0 : round % 7 - 30};
		int n = 1 + (int) (gen_next(&g.random) % 60), n_chunks, done = 0;
		HistogramSample *in = mem_alloc(sizeof(*in) * (size_t) n), *out;
		bool is_float = round % 2, gauge = round % 3 == 0;
		ChunkBytes *chunks;

		for (int i = 0; i < n; i++)
		{
			gen_observe(&g, (int) (gen_next(&g.random) % 20), 1 + i * GEN_BUCKETS / n);
			if (gauge && i % 4 == 3)
				g.pos[i % GEN_BUCKETS] = 0;
			in[i] = gen_sample(&g, 1700000000000 + i * 15000, is_float, i % 5 == 1);
			*(is_float ? &in[i].f->hint : &in[i].i->hint) =
				gauge ? HISTOGRAM_HINT_GAUGE : HISTOGRAM_HINT_UNKNOWN;
		}
		if (n > 10)
			in[n - 1] = gen_stale(in[n - 1].t, is_float);
		n_chunks = chunk_histogram_encode(in, n, round % 4 == 0 ? 300 : 100000, &chunks);
		if (round % 4 != 0)
			CHECK_INT(n_chunks, 1); /* new buckets alone never cut a chunk */
		for (int c = 0; c < n_chunks; c++)
		{
			uint8_t *exact = mem_dup(chunks[c].data, chunks[c].len);
			Err err = ERR_INIT;

			CHECK_INT(chunks[c].min_t, in[done].t);
			CHECK_INT(chunks[c].max_t, in[done + chunks[c].count - 1].t);
			CHECK_INT(chunk_count(exact, chunks[c].len), chunks[c].count);
			CHECK_INT(chunk_histogram_decode(chunks[c].encoding, exact, chunks[c].len, &out, &err),
					  chunks[c].count);
			if (unit_failed())
				return;
			check_samples(in + done, out, chunks[c].count);
			done += chunks[c].count;
			mem_free(exact);
		}
		CHECK_INT(done, n);
		if (unit_failed())
			return;
	}
}

/* --- where a chunk ends: each case changes the second of two samples ------------------------ */

static IntHistogram
base_int(void)
{
	static HistogramSpan spans[] = {{0, 2}, {3, 1}};
	static int64_t deltas[] = {5, 0, 1};

	return (IntHistogram){.schema = 2,
						  .zero_threshold = 0.001,
						  .zero_count = 2,
						  .count = 18,
						  .sum = 10,
						  .n_pos_spans = 2,
						  .pos_spans = spans,
						  .n_pos = 3,
						  .pos = deltas};
}

/* encode_pair -- how many chunks; *flags gets the flags of the last. */
static int
encode_pair(const IntHistogram *a, const IntHistogram *b, unsigned *flags)
{
	HistogramSample s[2] = {{.t = 1, .i = (IntHistogram *) a}, {.t = 2, .i = (IntHistogram *) b}};
	ChunkBytes *chunks;
	int n = chunk_histogram_encode(s, 2, 1024, &chunks);

	*flags = chunks[n - 1].data[2];
	return n;
}

UNIT_TEST(chunk_histogram_cuts)
{
	IntHistogram a = base_int(), b = base_int(), stale = *gen_stale(0, false).i;
	HistogramSpan first_only[] = {{0, 2}}, wider[] = {{0, 2}, {3, 2}},
				  earlier[] = {{-2, 1}, {1, 2}, {3, 1}};
	int64_t less[] = {5, -1, 2}, two[] = {5, 0}, four[] = {5, 0, 1, -4},
			other_four[] = {1, 4, 0, 1};
	unsigned flags;

	CHECK_INT(encode_pair(&a, &b, &flags), 1);
	CHECK_INT(flags, 0x00);
	b.count = 17; /* the count went down */
	CHECK_INT(encode_pair(&a, &b, &flags), 2);
	CHECK_INT(flags, 0x80);
	b = base_int();
	b.zero_count = 1;
	CHECK_INT(encode_pair(&a, &b, &flags), 2);
	CHECK_INT(flags, 0x80);
	b = base_int();
	b.pos = less; /* one bucket went down */
	CHECK_INT(encode_pair(&a, &b, &flags), 2);
	CHECK_INT(flags, 0x80);
	b = base_int();
	b.pos = two; /* a populated bucket is gone */
	b.pos_spans = first_only;
	b.n_pos_spans = 1;
	b.n_pos = 2;
	CHECK_INT(encode_pair(&a, &b, &flags), 2);
	CHECK_INT(flags, 0x80);
	CHECK_INT(encode_pair(&b, &a, &flags), 1); /* a new one is no reason */
	b = base_int();
	b.pos = four;
	b.pos_spans = wider;
	b.n_pos = 4;
	CHECK_INT(encode_pair(&a, &b, &flags), 1);
	b.pos = other_four;
	b.pos_spans = earlier;
	b.n_pos_spans = 3;
	CHECK_INT(encode_pair(&a, &b, &flags), 1);
	b = base_int();
	b.schema = 1;
	CHECK_INT(encode_pair(&a, &b, &flags), 2);
	CHECK_INT(flags, 0x00);
	b = base_int();
	b.zero_threshold = 0.002;
	CHECK_INT(encode_pair(&a, &b, &flags), 2);
	CHECK_INT(flags, 0x00);
	b = base_int();
	b.hint = HISTOGRAM_HINT_GAUGE;
	CHECK_INT(encode_pair(&a, &b, &flags), 2);
	CHECK_INT(flags, 0xC0);
	CHECK_INT(encode_pair(&b, &a, &flags), 2);
	CHECK_INT(flags, 0x00);
	a.hint = HISTOGRAM_HINT_GAUGE;
	b.pos = less; /* gauges may go down */
	b.count = 1;
	CHECK_INT(encode_pair(&a, &b, &flags), 1);
	CHECK_INT(flags, 0xC0);
	a = base_int();
	b = base_int();
	b.hint = HISTOGRAM_HINT_RESET;
	CHECK_INT(encode_pair(&a, &b, &flags), 2);
	CHECK_INT(flags, 0x80);
	CHECK_INT(encode_pair(&a, &stale, &flags), 1);
	CHECK_INT(encode_pair(&stale, &stale, &flags), 1);
	CHECK_INT(encode_pair(&stale, &a, &flags), 2);
	CHECK_INT(flags, 0x00);
}

UNIT_TEST(chunk_histogram_kinds_and_hints)
{
	GenState g = {.random = 5, .schema = 0};
	HistogramSample in[40], *out;
	ChunkBytes *chunks;
	int n;

	for (int i = 0; i < 40; i++)
	{
		gen_observe(&g, 3, 10);
		in[i] = gen_sample(&g, i, i >= 20, false);
	}
	n = chunk_histogram_encode(in, 40, 1 << 20, &chunks);
	CHECK_INT(n, 2);
	CHECK_INT(chunks[0].encoding, CHUNK_HISTOGRAM);
	CHECK_INT(chunks[1].encoding, CHUNK_FLOAT_HISTOGRAM);
	CHECK_INT(chunk_histogram_decode(CHUNK_HISTOGRAM, chunks[0].data, chunks[0].len, &out, NULL),
			  20);
	CHECK_INT(out[0].i->hint, HISTOGRAM_HINT_UNKNOWN);
	CHECK_INT(out[1].i->hint, HISTOGRAM_HINT_NOT_RESET);
	CHECK_INT(out[19].i->hint, HISTOGRAM_HINT_NOT_RESET);
	/* full: the counter goes on in the next chunk */
	n = chunk_histogram_encode(in, 20, 40, &chunks);
	CHECK(n >= 2);
	CHECK_INT(chunks[0].count, 10);
	CHECK_INT(chunks[1].data[2], 0x40);
	CHECK_INT(chunk_histogram_encode(in, 0, 100, &chunks), 0);
	CHECK_INT(chunk_histogram_decode(CHUNK_HISTOGRAM, (const uint8_t *) "\0\0\0", 3, &out, NULL),
			  0);
}

/* A chunk of a newer Prometheus with schema 9 is read in schema 8. */
UNIT_TEST(chunk_histogram_reserved_schema)
{
	Buf chunk = bits_text("<0001 00 00> 1110 000001001" /* zero threshold 0, schema 9 */
						  "10001 10011 10001 0"			/* one span: length 3, offset 1; none */
						  "0 10011 0 <3ff0000000000000>"
						  "10001 0 0"); /* buckets 1, 2, 3: 1 each */
	HistogramSample *out;

	CHECK_INT(
		chunk_histogram_decode(CHUNK_HISTOGRAM, (uint8_t *) chunk.data, chunk.len, &out, NULL), 1);
	CHECK_INT(out[0].i->schema, 8);
	CHECK_INT(out[0].i->n_pos, 2);
	CHECK_INT(gen_count(&out[0], false, 1), 2);
	CHECK_INT(gen_count(&out[0], false, 2), 1);
}

UNIT_TEST(chunk_histogram_hostile)
{
	for (int kind = 0; kind < 2; kind++)
	{
		GenState g = {.random = 77, .schema = kind == 0 ? 3 : HISTOGRAM_CUSTOM_SCHEMA};
		HistogramSample in[12], *out;
		ChunkBytes *chunks;

		for (int i = 0; i < 12; i++)
		{
			gen_observe(&g, 5, 12);
			in[i] = gen_sample(&g, i * 1000, kind == 1, false);
		}
		CHECK_INT(chunk_histogram_encode(in, 12, 1 << 20, &chunks), 1);
		for (size_t len = 0; len < chunks[0].len; len++)
		{
			uint8_t *cut = mem_dup(chunks[0].data, len);

			CHECK_INT(chunk_histogram_decode(chunks[0].encoding, cut, len, &out, NULL), -1);
			mem_free(cut);
		}
		for (size_t bit = 24; bit < chunks[0].len * 8; bit++)
		{
			uint8_t *turned = mem_dup(chunks[0].data, chunks[0].len);
			int n, n_pos, n_neg;

			turned[bit / 8] ^= (uint8_t) (0x80 >> bit % 8);
			n = chunk_histogram_decode(chunks[0].encoding, turned, chunks[0].len, &out, NULL);
			CHECK(n == -1 || n == 12);
			for (int i = 0; i < n; i++)
			{
				HistogramLayout l = histogram_sample_layout(&out[i]);

				CHECK(histogram_layout_check(&l, &n_pos, &n_neg));
				CHECK(i == 0 || out[i].t > out[i - 1].t);
			}
			mem_free(turned);
		}
	}
}
