/*
 * chunk_codec.c
 *    The table of chunk encodings.
 */
#include "codec/chunk_codec.h"

#include "util/mem.h"

static bool
decode_xor(const uint8_t *data, size_t len, ChunkSamples *out, Err *err)
{
	int n = chunk_count(data, len);
	int64_t *t = mem_alloc(sizeof(int64_t) * ((size_t) n + 1));
	double *v = mem_alloc(sizeof(double) * ((size_t) n + 1));

	n = chunk_xor_decode(data, len, t, v, n, err);
	*out = (ChunkSamples){.n = n, .t = t, .v = v};
	return n >= 0;
}

static bool
decode_columns(const uint8_t *data, size_t len, ChunkSamples *out, Err *err)
{
	int n = chunk_count(data, len);
	int64_t *t = mem_alloc(sizeof(int64_t) * ((size_t) n + 1));
	double *v = mem_alloc(sizeof(double) * ((size_t) n + 1));

	n = chunk_columns_decode(data, len, t, v, n, err);
	*out = (ChunkSamples){.n = n, .t = t, .v = v};
	return n >= 0;
}

static bool
decode_any_histogram(ChunkEncoding encoding, const uint8_t *data, size_t len, ChunkSamples *out,
					 Err *err)
{
	HistogramSample *h;
	int n = chunk_histogram_decode(encoding, data, len, &h, err);
	int64_t *t;

	if (n < 0)
		return false;
	t = mem_alloc(sizeof(int64_t) * ((size_t) n + 1));
	for (int i = 0; i < n; i++)
		t[i] = h[i].t;
	*out = (ChunkSamples){.n = n, .t = t, .h = h};
	return true;
}

static bool
decode_histogram(const uint8_t *data, size_t len, ChunkSamples *out, Err *err)
{
	return decode_any_histogram(CHUNK_HISTOGRAM, data, len, out, err);
}

static bool
decode_float_histogram(const uint8_t *data, size_t len, ChunkSamples *out, Err *err)
{
	return decode_any_histogram(CHUNK_FLOAT_HISTOGRAM, data, len, out, err);
}

/* All begin with 16 bits of count; behind it histograms have a byte of flags, columns a length. */
static const ChunkCodec codecs[] = {
	{CHUNK_XOR, "xor", chunk_count, 2, decode_xor},
	{CHUNK_HISTOGRAM, "histogram", chunk_count, 3, decode_histogram},
	{CHUNK_FLOAT_HISTOGRAM, "float_histogram", chunk_count, 3, decode_float_histogram},
	{CHUNK_COLUMNS, "columns", chunk_count, 3, decode_columns},
};

#define NCODECS ((int) (sizeof(codecs) / sizeof(*codecs)))

const ChunkCodec *
chunk_codec(int encoding)
{
	for (int i = 0; i < NCODECS; i++)
		if ((int) codecs[i].encoding == encoding)
			return &codecs[i];
	return NULL;
}

const ChunkCodec *
chunk_codec_by_name(StrView name)
{
	for (int i = 0; i < NCODECS; i++)
		if (strview_eq_cstr(name, codecs[i].name))
			return &codecs[i];
	return NULL;
}
