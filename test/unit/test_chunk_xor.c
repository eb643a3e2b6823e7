/*
 * test_chunk_xor.c
 *    Float chunks: known bytes, the borders of every class, hostile bytes, long runs.
 */
#include "unit.h"

#include "bits_text.h"
#include "codec/chunk.h"

typedef struct Samples
{
	int n;
	int64_t t[8];
	double v[8];
	const char *bytes; /* bits_text */
} Samples;

/* The first three come from data files of real servers (reference Appendix F). */
static const Samples known[] = {
	{5,
	 {1735689600000, 1735689660000, 1735689720000, 1735689780000, 1735689840000},
	 {0, 10, 20, 30, 40},
	 "<000580f0cbf283650000000000000000e0d403c26c0250011b03ad237a>"},
	{4,
	 {1734709220000, 1734709240000, 1734709260000, 1734709280000},
	 {2.207911691136222, 2.40673664529432, 2.5877852499307803, 2.743144824931171},
	 "<0004c0cad0cbfc644001a9cd9acf16caa09c01dd95d2657d47d6c6db9ff337e4a0cd454508f4a4d86f8c>"},
	{1, {1748897918112}, {1}, "<0001c0b283a7e6653ff0000000000000>"},
	/* one zero bit each for delta of delta and value */
	{4, {0, 1000, 2000, 3000}, {1, 1, 1, 1}, "<0004 00 3ff0000000000000 e807> 0 00 00"},
	/* a window, its reuse, a wider one; negative time */
	{4,
	 {-5, -4, -3, -2},
	 {1, 1.5, 1.25, 1},
	 "<0004 09 3ff0000000000000 01> 11 01100 000001 1  0 11 01100 000010 11  0 10 01"},
};

static void
encode(const int64_t *t, const double *v, int n, Buf *out)
{
	ChunkXorWriter w;

	buf_init(out, CHUNK_XOR_MIN_CAP, 1 << 24);
	chunk_xor_init(&w, (uint8_t *) out->data, CHUNK_XOR_MIN_CAP);
	for (int i = 0; i < n; i++)
	{
		while (!chunk_xor_append(&w, t[i], v[i]))
		{
			out->len = chunk_xor_size(&w);
			buf_grow(out, CHUNK_XOR_MAX_SAMPLE + 8);
			w.buf = (uint8_t *) out->data;
			w.cap = (uint32_t) out->len + CHUNK_XOR_MAX_SAMPLE + 8;
		}
	}
	out->len = chunk_xor_size(&w);
}

/* check_decode -- from a copy of the exact size, so that the sanitizer sees a read beyond it. */
static void
check_decode(const Buf *chunk, const int64_t *t, const double *v, int n)
{
	uint8_t *exact = mem_dup(chunk->data, chunk->len);
	int64_t *dt = mem_alloc(sizeof(*dt) * (size_t) n + 1);
	double *dv = mem_alloc(sizeof(*dv) * (size_t) n + 1);
	Err err = ERR_INIT;

	CHECK_INT(chunk_count(exact, chunk->len), n);
	CHECK_INT(chunk_xor_decode(exact, chunk->len, dt, dv, n, &err), n);
	CHECK(memcmp(dt, t, sizeof(*dt) * (size_t) n) == 0);
	CHECK(memcmp(dv, v, sizeof(*dv) * (size_t) n) == 0);
	mem_free(exact);
	mem_free(dt);
	mem_free(dv);
}

UNIT_TEST(chunk_xor_known_answers)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		Buf want = bits_text(known[i].bytes), got;

		encode(known[i].t, known[i].v, known[i].n, &got);
		CHECK_INT(got.len, want.len);
		CHECK(memcmp(got.data, want.data, want.len) == 0);
		check_decode(&got, known[i].t, known[i].v, known[i].n);
		buf_char(&got, 0); /* older writers left a byte */
		check_decode(&got, known[i].t, known[i].v, known[i].n);
	}
}

typedef struct DodCase
{
	int64_t dod;
	uint32_t bits; /* prefix and field */
} DodCase;

static const DodCase dod_cases[] = {
	{0, 1},		   {1, 16},		 {-1, 16},		{8192, 16},
	{-8191, 16},   {8193, 20},	 {-8192, 20},	{65536, 20},
	{-65535, 20},  {65537, 24},	 {-65536, 24},	{524288, 24},
	{-524287, 24}, {524289, 68}, {-524288, 68}, {INT64_C(1) << 40, 68},
};

UNIT_TEST(chunk_xor_dod_classes)
{
	for (size_t i = 0; i < sizeof(dod_cases) / sizeof(dod_cases[0]); i++)
	{
		const int64_t step = 1000000;
		int64_t t[4] = {-7, -7 + step};
		double v[4] = {5, 5, 5, 5};
		uint8_t buf[128];
		ChunkXorWriter w;
		uint32_t before;
		Buf chunk;

		t[2] = t[1] + step + dod_cases[i].dod;
		t[3] = t[2] + (t[2] - t[1]); /* the new delta goes on */
		chunk_xor_init(&w, buf, sizeof(buf));
		CHECK(chunk_xor_append(&w, t[0], v[0]) && chunk_xor_append(&w, t[1], v[1]));
		before = w.bits;
		CHECK(chunk_xor_append(&w, t[2], v[2]));
		CHECK_INT(w.bits - before, dod_cases[i].bits + 1);
		CHECK(chunk_xor_append(&w, t[3], v[3]));
		CHECK_INT(w.bits - before, dod_cases[i].bits + 3);
		encode(t, v, 4, &chunk);
		check_decode(&chunk, t, v, 4);
	}
}

UNIT_TEST(chunk_xor_extremes)
{
	int64_t t[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
	double v[] = {value_from_bits(VALUE_STALE_BITS),
				  value_nan(),
				  -0.0,
				  0x1p-1074,
				  -0x1.fffffffffffffp+1023,
				  value_from_bits(UINT64_C(0xffffffffffffffff)),
				  value_from_bits(1)};
	Buf chunk;

	encode(t, v, 7, &chunk);
	check_decode(&chunk, t, v, 7);
	for (int i = 1; i < 7; i++) /* the widest first difference too */
	{
		int64_t pair[] = {INT64_MIN, INT64_MIN + 1};

		pair[1] = i % 2 ? INT64_MAX : t[i];
		encode(pair, v + i - 1, 2, &chunk);
		check_decode(&chunk, pair, v + i - 1, 2);
	}
}

/* Decoding from a mark anywhere gives the samples behind it; cut bytes are refused. */
static void
check_marks(const int64_t *t, const double *v, int n)
{
	size_t cap = CHUNK_XOR_MIN_CAP + (size_t) n * CHUNK_XOR_MAX_SAMPLE;
	uint8_t *buf = mem_alloc(cap), *exact;
	ChunkXorMark *marks = mem_alloc(sizeof(*marks) * (size_t) n);
	int64_t *dt = mem_alloc(sizeof(*dt) * (size_t) n);
	double *dv = mem_alloc(sizeof(*dv) * (size_t) n);
	Err err = ERR_INIT;
	ChunkXorWriter w;
	size_t len;

	chunk_xor_init(&w, buf, (uint32_t) cap);
	for (int i = 0; i < n; i++)
	{
		CHECK(chunk_xor_append(&w, t[i], v[i]));
		if (i > 0)
			marks[i] = chunk_xor_mark(&w);
	}
	len = chunk_xor_size(&w);
	exact = mem_alloc(len);
	memcpy(exact, buf, len);
	for (int i = 1; i<n; i += n> 100 ? 13 : 1)
	{
		int rest = n - i - 1;

		CHECK_INT(chunk_xor_decode_after(&marks[i], exact, len, dt, dv, rest, &err), rest);
		CHECK(memcmp(dt, t + i + 1, sizeof(*dt) * (size_t) rest) == 0);
		CHECK(memcmp(dv, v + i + 1, sizeof(*dv) * (size_t) rest) == 0);
		if (rest > 8)
			CHECK_INT(
				chunk_xor_decode_after(&marks[i], exact, marks[i].bits / 8 + 1, dt, dv, rest, &err),
				-1);
	}
	mem_free(buf);
	mem_free(exact);
	mem_free(marks);
	mem_free(dt);
	mem_free(dv);
}

static uint64_t
random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Chunks of every character: constant runs of all lengths, counters, jitter, noise. */
UNIT_TEST(chunk_xor_round_trip)
{
	uint64_t state = 4711;

	for (int round = 0; round < 400; round++)
	{
		int n = 1 + (int) (random_next(&state) % 700);
		unsigned jitter = (unsigned) (random_next(&state) % 4), kind = (unsigned) round % 5;
		int64_t *t = mem_alloc(sizeof(*t) * (size_t) n);
		double *v = mem_alloc(sizeof(*v) * (size_t) n);
		int64_t now = (int64_t) (random_next(&state) >> 20);
		double x = (double) (random_next(&state) % 1000);
		Buf chunk;

		for (int i = 0; i < n; i++)
		{
			uint64_t r = random_next(&state);

			now += 15000;
			if (jitter == 1 && r % 8 == 0)
				now += (int64_t) (r >> 8 & 7);
			else if (jitter == 2)
				now += (int64_t) (r >> 8 & 0x1ffff);
			else if (jitter == 3 && r % 50 == 0)
				now += (int64_t) (r >> 30);
			if (kind == 1 && r >> 16 & 1)
				x += (double) (r >> 32 & 63);
			else if (kind == 2 && r % 100 == 0)
				x += 1;
			else if (kind == 3)
				x = (double) (r >> 40) / 100;
			else if (kind == 4)
				memcpy(&x, &r, sizeof(x));
			t[i] = now;
			v[i] = x;
		}
		encode(t, v, n, &chunk);
		check_decode(&chunk, t, v, n);
		check_marks(t, v, n);
		mem_free(t);
		mem_free(v);
		buf_free(&chunk);
	}
}

UNIT_TEST(chunk_xor_limits)
{
	enum
	{
		CAP = 60000
	};
	static uint8_t buf[CAP], copy[CAP];
	static int64_t t[CHUNK_MAX_SAMPLES];
	static double v[CHUNK_MAX_SAMPLES];
	ChunkXorWriter w, before;
	Err err = ERR_INIT;

	chunk_xor_init(&w, buf, CAP);
	for (int i = 0; i < CHUNK_MAX_SAMPLES; i++)
		CHECK(chunk_xor_append(&w, i, 0));
	CHECK(!chunk_xor_append(&w, CHUNK_MAX_SAMPLES, 0));
	CHECK_INT(chunk_xor_decode(buf, chunk_xor_size(&w), t, v, CHUNK_MAX_SAMPLES, &err),
			  CHUNK_MAX_SAMPLES);
	CHECK_INT(t[CHUNK_MAX_SAMPLES - 1], CHUNK_MAX_SAMPLES - 1);
	CHECK_INT(chunk_xor_decode(buf, chunk_xor_size(&w), t, v, 100, &err), -1);

	/* a full buffer: nothing changes, and it goes on in a larger one */
	chunk_xor_init(&w, buf, 40);
	CHECK(chunk_xor_append(&w, 0, 1) && chunk_xor_append(&w, 1, 2));
	while (chunk_xor_append(&w, w.t * 3 + 1, w.count * 1.1))
		;
	before = w;
	memcpy(copy, buf, 40);
	CHECK(!chunk_xor_append(&w, w.t + 1, 7));
	CHECK(memcmp(&w, &before, sizeof(w)) == 0 && memcmp(copy, buf, 40) == 0);
	w.buf = copy;
	w.cap = 80;
	CHECK(chunk_xor_append(&w, w.t + 1, 7));
	CHECK_INT(chunk_xor_decode(copy, chunk_xor_size(&w), t, v, 100, &err), w.count);
	CHECK(v[w.count - 1] == 7);
}

/* Cut anywhere, or with a bit turned, a chunk is refused or gives ascending samples. */
UNIT_TEST(chunk_xor_hostile)
{
	int64_t t[200], dt[200];
	double v[200], dv[200];
	uint64_t state = 99;
	Buf chunk;

	for (int i = 0; i < 200; i++)
	{
		t[i] = i * 15000 + (int64_t) (random_next(&state) % 3);
		v[i] = i < 100 ? 1 : (double) (random_next(&state) % 1000);
	}
	encode(t, v, 200, &chunk);
	for (size_t len = 0; len < chunk.len; len++)
	{
		uint8_t *cut = mem_dup(chunk.data, len);
		Err err = ERR_INIT;
		int n = chunk_xor_decode(cut, len, dt, dv, 200, &err);

		CHECK_INT(n, -1);
		CHECK_INT(err.code, ERR_CORRUPT);
		mem_free(cut);
	}
	for (size_t bit = 16; bit < chunk.len * 8; bit++)
	{
		uint8_t *turned = mem_dup(chunk.data, chunk.len);
		int n;

		turned[bit / 8] ^= (uint8_t) (0x80 >> bit % 8);
		n = chunk_xor_decode(turned, chunk.len, dt, dv, 200, NULL);
		CHECK(n == -1 || n == 200);
		for (int i = 1; i < n; i++)
			CHECK(dt[i] > dt[i - 1]);
		mem_free(turned);
	}
	CHECK_INT(chunk_xor_decode((const uint8_t *) "\0\0", 2, dt, dv, 200, NULL), 0);
	/* times that stand still, and times that wrap around */
	Buf still = bits_text("<0003 00 3ff0000000000000 00> 0 00");
	CHECK_INT(chunk_xor_decode((uint8_t *) still.data, still.len, dt, dv, 200, NULL), -1);
	Buf wraps = bits_text("<0003 00 3ff0000000000000 feffffffffffffff7f> 0 00");
	CHECK_INT(chunk_xor_decode((uint8_t *) wraps.data, wraps.len, dt, dv, 200, NULL), -1);
}
