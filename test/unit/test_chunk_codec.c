/*
 * test_chunk_codec.c
 *    The table of chunk encodings: every row is found, and reads what its encoder writes.
 */
#include "unit.h"

#include "codec/chunk_codec.h"
#include "histogram_gen.h"

UNIT_TEST(chunk_codec_finds)
{
	static const int known[] = {CHUNK_XOR, CHUNK_HISTOGRAM, CHUNK_FLOAT_HISTOGRAM, CHUNK_COLUMNS};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		const ChunkCodec *c = chunk_codec(known[i]);

		CHECK(c != NULL && (int) c->encoding == known[i]);
		if (c != NULL)
			CHECK(chunk_codec_by_name(strview_cstr(c->name)) == c);
	}
	CHECK(chunk_codec(0) == NULL && chunk_codec(255) == NULL && chunk_codec(-1) == NULL);
	CHECK(chunk_codec_by_name(strview_cstr("xo")) == NULL);
	CHECK(chunk_codec_by_name(strview("", 0)) == NULL);
}

UNIT_TEST(chunk_codec_reads_floats)
{
	uint8_t buf[64];
	ChunkXorWriter w;
	ChunkSamples s;
	Err err = ERR_INIT;
	const ChunkCodec *c = chunk_codec(CHUNK_XOR);

	chunk_xor_init(&w, buf, sizeof(buf));
	CHECK(chunk_xor_append(&w, -5, 1.5) && chunk_xor_append(&w, 10, 2.5));
	CHECK_INT(c->count(buf, chunk_xor_size(&w)), 2);
	CHECK(c->decode(buf, chunk_xor_size(&w), &s, &err));
	CHECK_INT(s.n, 2);
	CHECK(s.h == NULL && s.t[0] == -5 && s.t[1] == 10 && s.v[1] == 2.5);
	for (uint32_t cut = 0; cut < chunk_xor_size(&w); cut++)
	{
		uint8_t *exact = mem_dup(buf, cut);
		Err bad = ERR_INIT;

		CHECK(!c->decode(exact, cut, &s, &bad) && bad.code == ERR_CORRUPT);
		mem_free(exact);
	}
}

UNIT_TEST(chunk_codec_reads_columns)
{
	static const int64_t t[] = {1000, 2000, 3500};
	static const double v[] = {1, 2.25, NAN};
	const ChunkCodec *c = chunk_codec(CHUNK_COLUMNS);
	ChunkSamples s;
	Err err = ERR_INIT;
	Buf b;

	buf_init(&b, 64, 1000);
	chunk_columns_encode(t, v, 3, &b);
	CHECK_INT(c->count((uint8_t *) b.data, b.len), 3);
	CHECK(c->decode((uint8_t *) b.data, b.len, &s, &err));
	CHECK_INT(s.n, 3);
	CHECK(s.h == NULL && s.t[2] == 3500 && s.v[1] == 2.25 && isnan(s.v[2]));
	for (size_t cut = 0; cut < b.len; cut++)
	{
		uint8_t *exact = mem_dup(b.data, cut);
		Err bad = ERR_INIT;

		CHECK(!c->decode(exact, cut, &s, &bad) && bad.code == ERR_CORRUPT);
		mem_free(exact);
	}
}

UNIT_TEST(chunk_codec_reads_histograms)
{
	for (int is_float = 0; is_float < 2; is_float++)
	{
		GenState g = {.random = 3, .schema = 1, .first = -4};
		HistogramSample samples[5];
		ChunkBytes *chunks;
		const ChunkCodec *c;
		ChunkSamples s;
		Err err = ERR_INIT;

		for (int i = 0; i < 5; i++)
		{
			gen_observe(&g, 10, 8);
			samples[i] = gen_sample(&g, 1000 * i, is_float, false);
		}
		CHECK_INT(chunk_histogram_encode(samples, 5, 1 << 20, &chunks), 1);
		c = chunk_codec(chunks[0].encoding);
		CHECK_STR(c->name, is_float ? "float_histogram" : "histogram");
		CHECK(c->decode(chunks[0].data, chunks[0].len, &s, &err));
		CHECK_INT(s.n, 5);
		CHECK(s.v == NULL && s.t[4] == 4000 && (s.h[4].f != NULL) == (is_float != 0));
	}
}
