/*
 * decode.c
 *    How fast chunks are decoded, on one core: columns of several kinds of values, of times, and XOR
 *    chunks of the same samples.
 *
 *    decode [SECONDS [KIND]]    of each figure (0.5), of one kind of values alone
 *
 * Prints lines "kind bytes-per-sample million-samples-per-second".  A column of values is what a query
 * decodes of a compacted block; the times stand apart and are decoded once for all series that share them.
 */
#include "codec/chunk.h"
#include "codec/column/column.h"
#include "util/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SAMPLES 8192 /* of a chunk of a compacted block */
#define CHUNKS	32	 /* of different values, so that no branch is learned by heart */
#define XOR_MAX 1000 /* samples of an XOR chunk, as the head closes them */
#define XOR_BUF (1 << 16)

typedef struct Kind
{
	const char *name;
	double (*next)(double last, int i);
} Kind;

static uint64_t state = 88172645463325252u;
static double seconds = 0.5;

/* xorshift64* (Vigna) */
static double
uniform(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (double) ((state * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
}

static double
constant(double last, int i)
{
	return i == 0 ? 42 : last;
}

static double
slow_counter(double last, int i)
{
	return i == 0 ? 1000 : last + (uniform() < 0.05);
}

static double
counter(double last, int i)
{
	return i == 0 ? 123456 : last + floor(uniform() * 200);
}

static double
fast_counter(double last, int i)
{
	return i == 0 ? 1e9 : last + floor(uniform() * 1e6);
}

static double
walk3(double last, int i)
{
	return i == 0 ? 20 : round((last + uniform() - 0.5) * 1000) / 1000;
}

static double
noise(double last, int i)
{
	return uniform() * 100;
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double) ts.tv_sec + (double) ts.tv_nsec * 1e-9;
}

static void
check(bool ok)
{
	if (!ok)
	{
		fprintf(stderr, "a chunk is not decoded\n");
		exit(1);
	}
}

static void
print(const char *what, const char *kind, size_t bytes, double samples, double took)
{
	printf("%-8s %-14s %7.3f bytes %8.0f M/s\n", what, kind,
		   (double) bytes / (CHUNKS * (double) SAMPLES), samples / took * 1e-6);
}

static void
columns(const Kind *k, double (*v)[SAMPLES])
{
	static double out[SAMPLES];
	Buf chunk[CHUNKS];
	size_t bytes = 0;
	double begin;
	double n = 0;
	Err err = ERR_INIT;

	for (int c = 0; c < CHUNKS; c++)
	{
		buf_init(&chunk[c], 1024, SIZE_MAX / 2);
		column_values_encode(v[c], SAMPLES, &chunk[c]);
		bytes += chunk[c].len;
	}
	for (begin = now(); now() - begin < seconds; n += (double) CHUNKS * SAMPLES)
		for (int c = 0; c < CHUNKS; c++)
			check(column_values_decode((const uint8_t *) chunk[c].data, chunk[c].len, out, SAMPLES,
									   &err) == SAMPLES);
	print("column", k->name, bytes, n, now() - begin);
	check(memcmp(out, v[CHUNKS - 1], sizeof(out)) == 0);
}

static void
xor_chunks(const Kind *k, const int64_t *t, double (*v)[SAMPLES])
{
	static uint8_t buf[CHUNKS][XOR_BUF];
	static int64_t out_t[XOR_MAX];
	static double out_v[XOR_MAX];
	size_t len[CHUNKS];
	size_t bytes = 0;
	double begin;
	double n = 0;
	Err err = ERR_INIT;

	for (int c = 0; c < CHUNKS; c++)
	{
		ChunkXorWriter w;

		chunk_xor_init(&w, buf[c], XOR_BUF);
		for (int i = 0; i < XOR_MAX; i++)
			check(chunk_xor_append(&w, t[i], v[c][i]));
		len[c] = chunk_xor_size(&w);
		bytes += len[c];
	}
	for (begin = now(); now() - begin < seconds; n += (double) CHUNKS * XOR_MAX)
		for (int c = 0; c < CHUNKS; c++)
			check(chunk_xor_decode(buf[c], len[c], out_t, out_v, XOR_MAX, &err) == XOR_MAX);
	print("XOR", k->name, bytes * SAMPLES / XOR_MAX, n, now() - begin);
	check(memcmp(out_v, v[CHUNKS - 1], sizeof(out_v)) == 0);
}

static void
times(const char *name, const int64_t *t)
{
	static int64_t out[SAMPLES];
	Buf b;
	double begin;
	double n = 0;
	Err err = ERR_INIT;

	buf_init(&b, 1024, SIZE_MAX / 2);
	column_times_encode(t, SAMPLES, &b);
	for (begin = now(); now() - begin < seconds; n += SAMPLES)
		check(column_times_decode((const uint8_t *) b.data, b.len, out, SAMPLES, &err) == SAMPLES);
	print("times", name, b.len * CHUNKS, n, now() - begin);
	check(memcmp(out, t, sizeof(out)) == 0);
}

int
main(int argc, char **argv)
{
	static const Kind kinds[] = {{"constant", constant}, {"slow counter", slow_counter},
								 {"counter", counter},	 {"fast counter", fast_counter},
								 {"3 decimals", walk3},	 {"full noise", noise}};
	static double v[CHUNKS][SAMPLES];
	static int64_t regular[SAMPLES];
	static int64_t jitter[SAMPLES];

	if (argc > 1)
		seconds = atof(argv[1]);
	for (int i = 0; i < SAMPLES; i++)
	{
		regular[i] = INT64_C(1767225600000) + i * INT64_C(15000);
		jitter[i] = regular[i] + (int64_t) (uniform() * 8);
	}
	if (argc <= 2)
	{
		times("regular", regular);
		times("jitter of 8 ms", jitter);
	}
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
	{
		if (argc > 2 && strcmp(argv[2], kinds[k].name) != 0)
			continue;
		for (int c = 0; c < CHUNKS; c++)
			for (int i = 0; i < SAMPLES; i++)
				v[c][i] = kinds[k].next(i > 0 ? v[c][i - 1] : 0, i);
		columns(&kinds[k], v);
		xor_chunks(&kinds[k], regular, v);
	}
	return 0;
}
