/*
 * test_column_ints.c
 *    What columns are made of: packed bits, bins, sequences of integers.
 */
#include "unit.h"

#include "bits_text.h"
#include "codec/column/ints.h"
#include "column_gen.h"

#include <stdlib.h>

/* --- packed bits --------------------------------------------------------------------------- */

UNIT_TEST(column_bitpack_round_trip)
{
	uint64_t state = 1, v[300], back[304];

	for (unsigned width = 1; width <= 64; width++)
		for (int n = 0; n <= 300; n += n < 20 ? 1 : 41)
		{
			size_t size = bitpack_size(n, width);
			uint8_t *room = mem_alloc(size + 8), *exact;

			for (int i = 0; i < n; i++)
				v[i] = gen_random(&state) & low_mask(width);
			CHECK(bitpack_put(room, v, n, width) == room + size);
			exact = mem_dup(room, size);
			bitpack_get(exact, exact + size, n, width, 17, back);
			for (int i = 0; i < n; i++)
				CHECK(back[i] == v[i] + 17);
			mem_free(room);
			mem_free(exact);
			if (unit_failed())
				return;
		}
}

UNIT_TEST(column_bitpack_known)
{
	static const uint64_t v[] = {1, 2, 3, 4, 5};
	uint8_t out[16];
	Buf want = bits_text("<d1 58>"); /* 101 100 011 010 001 from the right */

	CHECK_INT(bitpack_put(out, v, 5, 3) - out, 2);
	CHECK(memcmp(out, want.data, 2) == 0);
}

/* --- bins ---------------------------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

	return x < y ? -1 : x > y;
}

static int64_t *
sorted_copy(const int64_t *v, int n)
{
	int64_t *s = mem_dup(v, sizeof(*v) * (size_t) n);

	qsort(s, (size_t) n, sizeof(*s), compare);
	return s;
}

/* Distributions from a point to all integers there are. */
static int64_t
next_int(int kind, uint64_t *state)
{
	uint64_t r = gen_random(state), bell = 0;

	for (int i = 0; i < 8; i++)
		bell += gen_random(state) % 1000;
	switch (kind)
	{
		case 0:
			return 5;
		case 1:
			return (int64_t) (r % 3) - 1;
		case 2:
			return (int64_t) bell;
		case 3:
			return r % 4 != 0 ? 0 : (int64_t) bell - 4000;
		case 4:
			return (int64_t) (r >> (r & 63));
		case 5:
			return (int64_t) r;
		case 6:
			return r % 1000 == 0 ? INT64_MIN : (int64_t) bell;
		case 7:
			return r % 3 == 0 ? INT64_MIN : r % 3 == 1 ? INT64_MAX : 0;
		default:
			return (int64_t) (r % 200) * INT64_C(90071992547409);
	}
}

UNIT_TEST(column_bins_round_trip)
{
	static const int sizes[] = {1, 2, 24, 255, 256, 257, 1000, 1024};
	int64_t v[1024], back[1024 + 8], sums[1024 + 8];
	TansEncoder *e = mem_alloc(sizeof(*e));
	uint64_t state = 7;

	for (int round = 0; round < 9 * 8; round++)
	{
		int n = sizes[round % 8], want = n;
		uint8_t header[TANS_MODEL_BYTES], *bytes = mem_alloc(TANS_BLOCK_BYTES(n)), *exact, *end;
		TansModel m, read;
		TansTable *t;
		uint64_t sum = 100;
		size_t len;

		for (int i = 0; i < n; i++)
			v[i] = next_int(round / 8, &state);
		tans_fit(&m, sorted_copy(v, n), n);
		end = tans_put_model(header, &m);
		exact = mem_dup(header, (size_t) (end - header));
		CHECK(tans_get_model(exact, exact + (end - header), &read) == exact + (end - header));
		CHECK(m.nbins == read.nbins && m.log == read.log);
		for (int i = 0; i < m.nbins; i++)
			CHECK(m.bins[i].lower == read.bins[i].lower && m.bins[i].width == read.bins[i].width &&
				  m.bins[i].weight == read.bins[i].weight);
		tans_encoder_init(e, &m);
		len = (size_t) (tans_put(e, bytes, v, n) - bytes);
		exact = mem_dup(bytes, len);
		t = tans_table_create(&read);
		for (; want > 0; want = want * 2 / 3)
		{
			memset(back, 1, sizeof(back));
			CHECK(tans_get(t, exact, len, exact + len, n, want, NULL, back));
			CHECK(memcmp(v, back, sizeof(*v) * (size_t) want) == 0);
		}
		CHECK(tans_get(t, exact, len, exact + len, n, n, &sum, sums));
		for (int i = 0; i < n; i++)
			CHECK(sums[i] == (int64_t) ((uint64_t) v[i] + (i > 0 ? (uint64_t) sums[i - 1] : 100)));
		CHECK(sum == (uint64_t) sums[n - 1]);
		if (len > 0)
			CHECK(!tans_get(t, exact, len - 1, exact + len - 1, n, n, NULL, back));
		mem_free(t);
		mem_free(bytes);
		if (unit_failed())
			return;
	}
}

/* The cost told is near the bytes written, and near the entropy. */
UNIT_TEST(column_bins_cost)
{
	static int64_t v[8192];
	uint64_t state = 3, bits;
	TansModel m;

	for (int i = 0; i < 8192; i++)
		v[i] = next_int(2, &state);
	bits = tans_fit(&m, sorted_copy(v, 8192), 8192);
	/* the sum of eight numbers below 1000: deviation 816, so log2(816 * sqrt(2 pi e)) = 11.72 bits */
	CHECK(bits > 8192 * 11.6 && bits < 8192 * 11.9);
	for (int i = 0; i < 8192; i++)
		v[i] = i % 50 == 0 ? 1000000 : 3;
	bits = tans_fit(&m, sorted_copy(v, 8192), 8192);
	CHECK(bits < 8192 * 0.16); /* entropy 0.141 */
	CHECK_INT(m.nbins, 2);
}

UNIT_TEST(column_bins_hostile)
{
	uint64_t state = 11;
	int refused = 0;

	for (int round = 0; round < 20000; round++)
	{
		int n = 1 + (int) (gen_random(&state) % 1024), len = (int) (gen_random(&state) % 200);
		uint8_t *bytes = mem_alloc((size_t) len + 1);
		const uint8_t *p;
		int64_t v[1024 + 8];
		TansModel m;

		for (int i = 0; i < len; i++)
			bytes[i] = (uint8_t) (gen_random(&state) & gen_random(&state) >> 8);
		p = tans_get_model(bytes, bytes + len, &m);
		if (p != NULL)
		{
			TansTable *t = tans_table_create(&m);
			size_t left = (size_t) (bytes + len - p);
			uint8_t *exact = mem_dup(p, left);

			tans_get(t, exact, left, exact + left, n, n, NULL, v);
			mem_free(exact);
			mem_free(t);
		}
		else
			refused++;
		mem_free(bytes);
	}
	CHECK(refused > 100 && refused < 20000);
}

/* --- sequences ----------------------------------------------------------------------------- */

typedef struct KnownInts
{
	int n;
	int64_t y[40];
	const char *bytes;
} KnownInts;

static const KnownInts known[] = {
	/* head, offset */
	{1, {-1}, "<00 01>"},
	{4, {300, 300, 300, 300}, "<00 d804>"},
	/* order 1: L, offset */
	{4, {10, 13, 16, 19}, "<04 0e 06>"},
	{2, {INT64_MIN, INT64_MAX}, "<04 fdffffffffffffffff01 01>"},
	/* order 2: Y, L, offset: squares */
	{5, {0, 1, 4, 9, 16}, "<08 02 05 04>"},
	/* packed: width, least, 3 bits each: 0 7 3 5 1 6 */
	{6, {-5, 2, -2, 0, -4, 1}, "<01 03 09 f8 1a 03>"},
	/* the same with factor 100 and offset -500 */
	{6, {-500, 200, -200, 0, -400, 100}, "<21 64 e707 03 00 f8 1a 03>"},
	/* sparse: offset, one exception, its place as a sequence of 2 bytes, its residual */
	{40,
	 {7, 7, 7, 7, 7, 99, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	  7, 7, 7, 7, 7, 7,	 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7},
	 "<03 0e 01 02 000a 00c601>"},
};

UNIT_TEST(column_ints_known)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		Buf want = bits_text(known[i].bytes), got;
		int64_t back[40];
		IntsReader r;

		buf_init(&got, 16, 1 << 20);
		ints_encode(known[i].y, known[i].n, &got);
		CHECK_INT(got.len, want.len);
		for (size_t k = 0; k < want.len && k < got.len; k++)
			CHECK_INT((uint8_t) got.data[k], (uint8_t) want.data[k]);
		CHECK(ints_open(&r, (uint8_t *) want.data, want.len, known[i].n));
		CHECK(ints_read(&r, 0, known[i].n, back));
		CHECK(memcmp(back, known[i].y, sizeof(*back) * (size_t) known[i].n) == 0);
		ints_close(&r);
	}
}

/* Sequences that call for each code and predictor. */
static void
gen_ints(int kind, uint64_t *state, int64_t *y, int n)
{
	uint64_t a = gen_random(state), b = gen_random(state) >> 50, sum = 0;

	for (int i = 0; i < n; i++)
	{
		uint64_t r = gen_random(state), bell = 0;

		for (int j = 0; j < 8; j++)
			bell += gen_random(state) % 64;
		switch (kind)
		{
			case 0: /* constant */
				y[i] = (int64_t) a;
				break;
			case 1: /* a line */
				y[i] = (int64_t) (a + b * (uint64_t) i);
				break;
			case 2: /* a parabola */
				y[i] = (int64_t) (b * (uint64_t) i * (uint64_t) i);
				break;
			case 3: /* noise of one width */
				y[i] = (int64_t) (r >> 50);
				break;
			case 4: /* a bell */
				y[i] = (int64_t) bell;
				break;
			case 5: /* differences of one width */
				y[i] = (int64_t) (sum += r >> 50);
				break;
			case 6: /* differences like a bell, and leaps */
				y[i] = (int64_t) (sum += r % 500 == 0 ? r : bell);
				break;
			case 7: /* the same in hundreds and 7 */
				y[i] = (int64_t) (sum += 7 + 100 * bell);
				break;
			case 8: /* a line with noise */
				y[i] = (int64_t) (1000003 * (uint64_t) i / 3 + bell);
				break;
			case 9: /* rare changes */
				y[i] = (int64_t) (sum += r % 60 == 0 ? r >> 60 : 0);
				break;
			case 10: /* lines with rare turns */
				b += r % 90 == 0 ? r >> 60 : 0;
				y[i] = (int64_t) (sum += b);
				break;
			case 11: /* differences around a wave: damped, order 2 */
				y[i] = (int64_t) (sum +=
								  bell * 4 +
								  (uint64_t) (i % 2000 > 1000 ? 2000 - i % 2000 : i % 2000) * 3);
				break;
			case 12: /* values around a wave: damped, order 1 */
				y[i] = (int64_t) (bell + (uint64_t) (i % 3000 > 1500 ? 3000 - i % 3000 : i % 3000));
				break;
			case 13: /* few distinct ones */
				y[i] = (int64_t) (r % 5 * UINT64_C(0x123456789abcdef));
				break;
			case 14: /* all of them */
				y[i] = (int64_t) r;
				break;
			default: /* rare changes of a line's place: exceptions with an order */
				sum += r % 70 == 0 ? r >> 40 : 0;
				y[i] = (int64_t) (sum + (uint64_t) i * 15000);
				break;
		}
	}
}

#define GEN_INTS 16

static const int lengths[] = {1, 2, 3, 4, 23, 64, 255, 256, 1023, 1024, 1025, 2048, 3000, 5760};

UNIT_TEST(column_ints_round_trip)
{
	static int64_t y[5760], back[5760];
	int codes[4] = {0}, orders[3] = {0}, damped[3] = {0}, slopes = 0, factors = 0;
	uint64_t state = 42;

	for (int kind = 0; kind < GEN_INTS; kind++)
		for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++)
		{
			int n = lengths[k];
			uint8_t *exact;
			IntsReader r;
			Buf b;

			gen_ints(kind, &state, y, n);
			buf_init(&b, 64, 1 << 20);
			ints_encode(y, n, &b);
			exact = mem_dup(b.data, b.len);
			memset(back, 1, sizeof(back));
			CHECK(ints_open(&r, exact, b.len, n));
			CHECK(ints_read(&r, 0, n, back));
			CHECK(memcmp(y, back, sizeof(*y) * (size_t) n) == 0);
			codes[r.code]++;
			orders[r.order]++;
			damped[r.order] += r.damping != 0;
			slopes += r.slope != 0;
			factors += r.factor > 1;
			/* parts, forwards, backwards, anywhere */
			for (int i = 0; i < 30; i++)
			{
				int from = (int) (gen_random(&state) % (unsigned) (n + 1));
				int to = from + (int) (gen_random(&state) % (unsigned) (n - from + 1));
				int64_t *part = mem_alloc(sizeof(*part) * (size_t) (to - from) + 1);

				if (i % 3 == 0 && to > from + 1)
					to = from + 1;
				CHECK(ints_read(&r, from, to, part));
				CHECK(memcmp(y + from, part, sizeof(*y) * (size_t) (to - from)) == 0);
				mem_free(part);
			}
			ints_close(&r);
			mem_free(exact);
			if (unit_failed())
			{
				printf("# kind %d, %d integers\n", kind, n);
				return;
			}
		}
	for (int i = 0; i < 4; i++)
		CHECK(codes[i] > 0);
	for (int i = 0; i < 3; i++)
		CHECK(orders[i] > 0);
	CHECK(damped[1] > 0);
	CHECK(damped[2] > 0);
	CHECK(slopes > 0);
	CHECK(factors > 0);
}

/* A block's header must agree with where the block before it ended. */
UNIT_TEST(column_ints_wrong_state)
{
	static int64_t y[2048], back[2048];
	uint64_t state = 5;
	IntsReader r;
	Buf b;

	gen_ints(5, &state, y, 2048);
	buf_init(&b, 64, 1 << 20);
	ints_encode(y, 2048, &b);
	CHECK(ints_open(&r, (uint8_t *) b.data, b.len, 2048));
	CHECK_INT(r.code, INTS_PACKED);
	CHECK_INT(r.order, 1);
	CHECK(ints_read(&r, 0, 1024, back));
	((uint8_t *) b.data)[r.cursor.p - (uint8_t *) b.data] ^= 2;
	CHECK(ints_read(&r, 0, 1024, back) && ints_read(&r, 1024, 2048, back + 1024));
	CHECK(!ints_read(&r, 0, 2048, back));
	ints_close(&r);
}

UNIT_TEST(column_ints_hostile)
{
	static int64_t y[3000], back[3000];
	uint64_t state = 9;

	for (int kind = 0; kind < GEN_INTS; kind++)
	{
		IntsReader r;
		Buf b;

		gen_ints(kind, &state, y, 3000);
		buf_init(&b, 64, 1 << 20);
		ints_encode(y, 3000, &b);
		for (size_t len = 0; len < b.len; len += 1 + len / 64)
		{
			uint8_t *cut = mem_dup(b.data, len);

			CHECK(!ints_open(&r, cut, len, 3000) || !ints_read(&r, 0, 3000, back));
			ints_close(&r);
			mem_free(cut);
		}
		for (int i = 0; i < 2000; i++)
		{
			uint8_t *turned = mem_dup(b.data, b.len);
			size_t at = i < 200 ? (size_t) i % b.len : gen_random(&state) % b.len;

			turned[at] ^= (uint8_t) (1 << gen_random(&state) % 8);
			if (ints_open(&r, turned, b.len, 3000))
				ints_read(&r, 0, 3000, back);
			ints_close(&r);
			mem_free(turned);
		}
	}
}
