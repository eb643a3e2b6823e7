/*
 * fuzz_chunk_xor.c
 *    Any bytes as a float chunk: refused, or ascending samples that survive another encoding.
 */
#include "codec/chunk.h"
#include "util/mem.h"

#include <stdlib.h>

#define MAX_SAMPLES 4096

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int64_t t[MAX_SAMPLES], t2[MAX_SAMPLES];
	static double v[MAX_SAMPLES], v2[MAX_SAMPLES];
	static uint8_t buf[CHUNK_XOR_MIN_CAP + MAX_SAMPLES * CHUNK_XOR_MAX_SAMPLE];
	MemScope *scope = mem_scope_create("fuzz"), *outer = mem_scope_switch(scope);
	Err err = ERR_INIT;
	int n = chunk_xor_decode(data, size, t, v, MAX_SAMPLES, &err);
	ChunkXorWriter w;
	ChunkXorMark mark = {0};

	check((n < 0) == (err.code == ERR_CORRUPT));
	if (n > 0)
	{
		check(n == chunk_count(data, size));
		chunk_xor_init(&w, buf, sizeof(buf));
		for (int i = 0; i < n; i++)
		{
			check(i == 0 || t[i] > t[i - 1]);
			check(chunk_xor_append(&w, t[i], v[i]));
			if (i > 0 && i <= n / 2)
				mark = chunk_xor_mark(&w);
		}
		check(chunk_xor_decode(buf, chunk_xor_size(&w), t2, v2, MAX_SAMPLES, &err) == n);
		check(memcmp(t, t2, sizeof(*t) * (size_t) n) == 0);
		check(memcmp(v, v2, sizeof(*v) * (size_t) n) == 0);
		if (mark.count > 0)
		{
			int from = mark.count;

			check(chunk_xor_decode_after(&mark, buf, chunk_xor_size(&w), t2, v2, MAX_SAMPLES,
										 &err) == n - from);
			check(memcmp(t + from, t2, sizeof(*t) * (size_t) (n - from)) == 0);
			check(memcmp(v + from, v2, sizeof(*v) * (size_t) (n - from)) == 0);
		}
	}
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
