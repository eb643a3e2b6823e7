/*
 * fuzz_chunk_histogram.c
 *    Any bytes as a histogram chunk; the first byte chooses the encoding.  What is read can be
 *    written and read again with the same counts and times.
 */
#include "codec/chunk.h"
#include "util/mem.h"

#include <stdlib.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
check_sample(const HistogramSample *s)
{
	HistogramLayout l = histogram_sample_layout(s);
	int n_pos = 0, n_neg = 0;

	check((s->i != NULL) != (s->f != NULL));
	if (histogram_sample_is_stale(s))
		return;
	check(histogram_layout_check(&l, &n_pos, &n_neg));
	check(l.schema <= HISTOGRAM_MAX_SCHEMA);
	check(n_pos == (s->i != NULL ? s->i->n_pos : s->f->n_pos));
	check(n_neg == (s->i != NULL ? s->i->n_neg : s->f->n_neg));
}

static void
check_again(const HistogramSample *in, int n)
{
	ChunkBytes *chunks;
	int n_chunks = chunk_histogram_encode(in, n, 1024, &chunks), done = 0;

	for (int c = 0; c < n_chunks; c++)
	{
		HistogramSample *out;
		int count =
			chunk_histogram_decode(chunks[c].encoding, chunks[c].data, chunks[c].len, &out, NULL);

		check(count == chunks[c].count);
		for (int i = 0; i < count; i++, done++)
		{
			check_sample(&out[i]);
			check(out[i].t == in[done].t);
			if (histogram_sample_is_stale(&out[i]))
				check(histogram_sample_is_stale(&in[done]));
			else if (out[i].i != NULL)
				check(out[i].i->count == in[done].i->count);
			else
				check(value_bits(out[i].f->count) == value_bits(in[done].f->count));
		}
	}
	check(done == n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MemScope *scope = mem_scope_create("fuzz"), *outer = mem_scope_switch(scope);
	HistogramSample *samples;
	Err err = ERR_INIT;

	if (size > 0)
	{
		int n = chunk_histogram_decode(data[0] & 1 ? CHUNK_FLOAT_HISTOGRAM : CHUNK_HISTOGRAM,
									   data + 1, size - 1, &samples, &err);

		check((n < 0) == (err.code == ERR_CORRUPT));
		for (int i = 0; i < n; i++)
		{
			check_sample(&samples[i]);
			check(i == 0 || samples[i].t > samples[i - 1].t);
		}
		if (n > 0)
			check_again(samples, n);
	}
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
