/*
 * fuzz_remote_read.c
 *    Any bytes as a remote-read request, an answer of samples, a stream of frames or a frame's payload;
 *    the first byte chooses.  What is read can be written and reads the same.
 */
#include "util/crc32c.h"
#include "util/mem.h"
#include "wire/remote_read.h"

#include <stdlib.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static Buf
new_buf(void)
{
	Buf b;

	buf_init(&b, 256, 1 << 28);
	return b;
}

static void
try_request(const uint8_t *data, size_t size)
{
	RrRequest request, again;
	Buf a = new_buf(), b = new_buf();
	Err err = ERR_INIT;
	RrType type, type_again;

	if (!rr_request_read(data, size, &request, &type, &err))
	{
		check(err.code == ERR_BAD_REQUEST);
		return;
	}
	rr_request_write(&a, &request);
	check(rr_request_read((const uint8_t *) a.data, a.len, &again, &type_again, NULL));
	rr_request_write(&b, &again);
	check(type == type_again && a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
}

static void
put_series(Buf *out, const RrSeries *s)
{
	size_t begun = rr_answer_begin_series(out, s->labels);

	for (int i = 0; i < s->n_samples; i++)
		rr_answer_sample(out, s->samples[i].t, s->samples[i].v);
	for (int i = 0; i < s->n_histograms; i++)
		rr_answer_histogram(out, &s->histograms[i]);
	rr_answer_end(out, begun);
}

/* again_equal -- the series that was written is read with the same samples. */
static void
again_equal(const RrSeries *s)
{
	Buf a = new_buf(), b = new_buf();
	size_t begun = rr_answer_begin_result(&a);
	RrAnswer *answer;
	RrSeries again;

	put_series(&a, s);
	rr_answer_end(&a, begun);
	answer = rr_answer_begin((const uint8_t *) a.data, a.len);
	check(rr_answer_next(answer, &again, NULL) == 1 && again.query == 0);
	check(again.n_samples == s->n_samples && again.n_histograms == s->n_histograms);
	begun = rr_answer_begin_result(&b);
	put_series(&b, &again);
	rr_answer_end(&b, begun);
	check(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
	rr_answer_free(answer);
}

static void
try_answer(const uint8_t *data, size_t size)
{
	RrAnswer *a = rr_answer_begin(data, size);
	RrSeries s;
	Err err = ERR_INIT;
	int got;

	while ((got = rr_answer_next(a, &s, &err)) == 1)
	{
		check(labels_check(s.labels.data, s.labels.len) && s.query >= 0);
		again_equal(&s);
	}
	check((got < 0) == (err.code == ERR_BAD_REQUEST));
	rr_answer_free(a);
}

static void
try_payload(const uint8_t *data, size_t size)
{
	Buf scratch = new_buf();
	RrFrame f;
	RrChunk c;
	Err err = ERR_INIT;
	int got;

	if (!rr_frame_read(data, size, &f, &scratch, &err))
	{
		check(err.code == ERR_BAD_REQUEST);
		return;
	}
	check(labels_check(f.labels.data, f.labels.len) && f.query >= 0);
	while ((got = rr_frame_next_chunk(&f, &c, &err)) == 1)
		check(c.len == 0 || (c.data >= data && c.data + c.len <= data + size));
	check((got < 0) == (err.code == ERR_BAD_REQUEST));
}

/* Frames one after the other; their checksums are made right, else none would get through. */
static void
try_frames(const uint8_t *data, size_t size)
{
	uint8_t *copy = mem_dup(data, size);
	size_t at = 0, used;

	for (;;)
	{
		const uint8_t *payload, *p;
		uint64_t n;
		size_t len;
		int got;

		p = varint_get(copy + at, copy + size, &n);
		if (p != NULL && (size_t) (copy + size - p) >= 4 && n <= (size_t) (copy + size - p) - 4)
		{
			uint32_t crc = __builtin_bswap32(crc32c(0, p + 4, (size_t) n));

			memcpy(copy + (p - copy), &crc, sizeof(crc));
		}
		got = rr_frame_take(copy + at, size - at, 1 << 20, &payload, &len, &used, NULL);
		if (got <= 0)
			return;
		check(used > 0 && used <= size - at);
		try_payload(payload, len);
		at += used;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(const uint8_t *, size_t) = {try_request, try_answer, try_payload,
															 try_frames};
	MemScope *scope = mem_scope_create("fuzz"), *outer = mem_scope_switch(scope);

	if (size > 0)
		tries[data[0] % 4](data + 1, size - 1);
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
