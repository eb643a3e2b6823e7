/*
 * test_column_times.c
 *    Columns of times: known bytes, what each rhythm costs, searching, hostile bytes.
 */
#include "unit.h"

#include "bits_text.h"
#include "codec/column/column.h"
#include "column_gen.h"
#include "column_reference.h"

#define MAX_N 6000

typedef struct KnownTimes
{
	int n;
	int64_t t[6];
	const char *bytes;
} KnownTimes;

static const KnownTimes known[] = {
	{0, {0}, "<00 00>"},
	{1, {-3}, "<00 01 05>"},
	{2, {5, 7}, "<00 02 0a 02>"},
	/* 1000000 + 15000 i */
	{4, {1000000, 1015000, 1030000, 1045000}, "<00 04 80897a 9875>"},
	{2, {INT64_MIN, INT64_MAX}, "<00 02 ffffffffffffffffff01 ffffffffffffffffff01>"},
	/* kind, n, t(0), span; order 1, L, width, least; differences 1 1 2 1 3 1 in 2 bits */
	{6, {10, 11, 13, 14, 17, 18}, "<01 06 14 08 05 01 02 02 1002>"},
};

UNIT_TEST(column_times_known)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		Buf want = bits_text(known[i].bytes), got;
		int64_t back[6], *slow;
		Err err = ERR_INIT;

		buf_init(&got, 16, 1 << 20);
		column_times_encode(known[i].t, known[i].n, &got);
		CHECK_INT(got.len, want.len);
		for (size_t k = 0; k < want.len && k < got.len; k++)
			CHECK_INT((uint8_t) got.data[k], (uint8_t) want.data[k]);
		CHECK_INT(column_times_decode((uint8_t *) want.data, want.len, back, 6, &err), known[i].n);
		CHECK(memcmp(back, known[i].t, sizeof(*back) * (size_t) known[i].n) == 0);
		CHECK_INT(reference_times((uint8_t *) want.data, want.len, &slow), known[i].n);
		CHECK(memcmp(slow, known[i].t, sizeof(*back) * (size_t) known[i].n) == 0);
	}
}

/* check_ranges -- parts of a column, and the place of any time */
static void
check_ranges(const uint8_t *p, size_t len, const int64_t *t, int n, uint64_t *state)
{
	Err err = ERR_INIT;

	for (int i = 0; i < 20; i++)
	{
		int from = (int) (gen_random(state) % (unsigned) (n + 1));
		int to = from + (int) (gen_random(state) % (unsigned) (n - from + 1)), at = 0;
		int64_t *part = mem_alloc(sizeof(*part) * (size_t) (to - from) + 1), x;

		CHECK(column_times_range(p, len, from, to, part, &err));
		CHECK(memcmp(part, t + from, sizeof(*t) * (size_t) (to - from)) == 0);
		mem_free(part);
		x = from < n ? t[from] + (int64_t) (gen_random(state) % 3) - 1 : t[n - 1] + 1;
		while (at < n && t[at] < x)
			at++;
		CHECK_INT(column_times_find(p, len, x, &err), at);
	}
	CHECK_INT(column_times_find(p, len, INT64_MIN, &err), 0);
	CHECK_INT(column_times_find(p, len, INT64_MAX, &err), n);
}

UNIT_TEST(column_times_round_trip)
{
	static const int lengths[] = {1, 2, 3, 7, 63, 64, 120, 1023, 1024, 1025, 2048, 5760};
	static int64_t t[MAX_N], back[MAX_N];
	uint64_t state = 77;

	for (int round = 0; round < GEN_TIMES * 12 * 2; round++)
	{
		GenTimes kind = (GenTimes) (round % GEN_TIMES);
		int n = lengths[round / GEN_TIMES % 12];
		int64_t *slow;
		ColumnTimes info;
		uint8_t *exact;
		Err err = ERR_INIT;
		Buf b;

		gen_times(kind, (uint64_t) round, t, n);
		buf_init(&b, 64, 1 << 20);
		column_times_encode(t, n, &b);
		exact = mem_dup(b.data, b.len);
		CHECK(column_times_peek(exact, b.len, &info, &err));
		CHECK(info.n == n && info.min_t == t[0] && info.max_t == t[n - 1]);
		CHECK_INT(column_times_decode(exact, b.len, back, MAX_N, &err), n);
		CHECK(memcmp(t, back, sizeof(*t) * (size_t) n) == 0);
		CHECK_INT(reference_times(exact, b.len, &slow), n);
		CHECK(memcmp(t, slow, sizeof(*t) * (size_t) n) == 0);
		check_ranges(exact, b.len, t, n, &state);
		CHECK_INT(column_times_decode(exact, b.len, back, n - 1, &err), -1);
		CHECK_INT(err.code, ERR_CORRUPT);
		CHECK(!column_times_range(exact, b.len, 0, n + 1, back, NULL));
		CHECK(!column_times_range(exact, b.len, -1, n, back, NULL));
		CHECK(!column_times_range(exact, b.len, n, 0, back, NULL));
		mem_free(exact);
		if (unit_failed())
		{
			printf("# kind %d, %d times\n", kind, n);
			return;
		}
	}
}

/* A day of scrapes: jitter of 8 values has 3 bits. */
UNIT_TEST(column_times_cost)
{
	static const size_t most[GEN_TIMES] = {12, 120, 5760 * 3.1 / 8 + 60, 5760 * 3.1 / 8 + 180};
	static int64_t t[5760];

	for (int kind = 0; kind <= GEN_JITTER_GAPS; kind++)
	{
		Buf b;

		gen_times((GenTimes) kind, 3, t, 5760);
		buf_init(&b, 64, 1 << 20);
		column_times_encode(t, 5760, &b);
		CHECK(b.len <= most[kind]);
		if (unit_failed())
			printf("# kind %d: %zu bytes\n", kind, b.len);
	}
}

UNIT_TEST(column_times_extremes)
{
	int64_t t[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX}, back[7];

	for (int from = 0; from < 7; from++)
		for (int n = 0; n <= 7 - from; n++)
		{
			Err err = ERR_INIT;
			Buf b;

			buf_init(&b, 64, 1 << 20);
			column_times_encode(t + from, n, &b);
			CHECK_INT(column_times_decode((uint8_t *) b.data, b.len, back, 7, &err), n);
			CHECK(memcmp(back, t + from, sizeof(*t) * (size_t) n) == 0);
			for (int i = 0; i < 7; i++)
				CHECK_INT(column_times_find((uint8_t *) b.data, b.len, t[i], &err), i < from ? 0
																					: i < from + n
																						? i - from
																						: n);
		}
}

/* Cut or with a bit turned, a column is refused or gives times that ascend as its head says. */
UNIT_TEST(column_times_hostile)
{
	static int64_t t[2500], back[2500];
	uint64_t state = 8;

	for (int kind = 0; kind < GEN_TIMES; kind++)
	{
		Buf b;

		gen_times((GenTimes) kind, 9, t, 2500);
		buf_init(&b, 64, 1 << 20);
		column_times_encode(t, 2500, &b);
		for (size_t len = 0; len < b.len; len += 1 + len / 64)
		{
			uint8_t *cut = mem_dup(b.data, len);
			Err err = ERR_INIT;

			CHECK_INT(column_times_decode(cut, len, back, 2500, &err), -1);
			CHECK_INT(err.code, ERR_CORRUPT);
			column_times_find(cut, len, t[1000], NULL);
			mem_free(cut);
		}
		for (int i = 0; i < 3000; i++)
		{
			uint8_t *turned = mem_dup(b.data, b.len);
			size_t at = i < 300 ? (size_t) i % b.len : gen_random(&state) % b.len;
			ColumnTimes info;
			int n;

			turned[at] ^= (uint8_t) (1 << gen_random(&state) % 8);
			n = column_times_decode(turned, b.len, back, 2500, NULL);
			if (n > 0)
			{
				CHECK(column_times_peek(turned, b.len, &info, NULL));
				CHECK(info.n == n && info.min_t == back[0] && info.max_t == back[n - 1]);
				for (int k = 1; k < n; k++)
					CHECK(back[k] > back[k - 1]);
			}
			column_times_find(turned, b.len, t[1000], NULL);
			column_times_range(turned, b.len, 1100, 1200, back, NULL);
			mem_free(turned);
		}
	}
}
