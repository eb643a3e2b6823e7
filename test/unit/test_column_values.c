/*
 * test_column_values.c
 *    Columns of values: known bytes, every bit kept, what each kind of metric costs, hostile bytes.
 */
#include "unit.h"

#include "bits_text.h"
#include "codec/column/column.h"
#include "codec/column/value_map.h"
#include "column_gen.h"
#include "column_reference.h"

#define MAX_N 6000

typedef struct KnownValues
{
	int n;
	double v[5];
	const char *bytes;
} KnownValues;

static const KnownValues known[] = {
	{0, {0}, "<00 00>"},
	/* head, n; constant: head, offset */
	{3, {0, 0, 0}, "<00 03 00 00>"},
	{2, {-1, -1}, "<00 02 00 01>"},
	/* one digit */
	{2, {0.5, 0.5}, "<04 02 00 0a>"},
	/* a constant difference: head, L, offset */
	{4, {10.25, 10.5, 10.75, 11}, "<08 04 04 d00f 32>"},
	/* binary: 3 * 2^70, scale -70 */
	{2, {0x3p70, 0x3p70}, "<01 02 8b01 00 06>"},
	/* -0: an exception; integers constant 1 */
	{3, {1, -0.0, 1}, "<80 03 01 02 0002 02 0001 00 02>"},
	/* infinity: an exception, its order the bits; integers constant 0 */
	{1, {1e300 * 1e300}, "<80 01 01 02 0000 0b 00 80808080808080f0ff01 00 00>"},
};

UNIT_TEST(column_values_known)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		Buf want = bits_text(known[i].bytes), got;
		double back[5], *slow;
		Err err = ERR_INIT;

		buf_init(&got, 16, 1 << 20);
		column_values_encode(known[i].v, known[i].n, &got);
		CHECK_INT(got.len, want.len);
		for (size_t k = 0; k < want.len && k < got.len; k++)
			CHECK_INT((uint8_t) got.data[k], (uint8_t) want.data[k]);
		CHECK_INT(column_values_count((uint8_t *) want.data, want.len, &err), known[i].n);
		CHECK_INT(column_values_decode((uint8_t *) want.data, want.len, back, 5, &err), known[i].n);
		CHECK(memcmp(back, known[i].v, sizeof(*back) * (size_t) known[i].n) == 0);
		CHECK_INT(reference_values((uint8_t *) want.data, want.len, &slow), known[i].n);
		CHECK(memcmp(slow, known[i].v, sizeof(*back) * (size_t) known[i].n) == 0);
	}
}

static bool
check_column(const double *v, int n, uint64_t *state)
{
	static double back[MAX_N];
	double *slow;
	uint8_t *exact;
	Err err = ERR_INIT;
	Buf b;

	buf_init(&b, 64, 1 << 20);
	column_values_encode(v, n, &b);
	exact = mem_dup(b.data, b.len);
	memset(back, 1, sizeof(*v) * (size_t) n);
	CHECK_INT(column_values_count(exact, b.len, &err), n);
	CHECK_INT(column_values_decode(exact, b.len, back, n, &err), n);
	CHECK(memcmp(v, back, sizeof(*v) * (size_t) n) == 0);
	CHECK_INT(reference_values(exact, b.len, &slow), n);
	CHECK(memcmp(v, slow, sizeof(*v) * (size_t) n) == 0);
	for (int i = 0; i < 10; i++)
	{
		int from = (int) (gen_random(state) % (unsigned) (n + 1));
		int to = from + (int) (gen_random(state) % (unsigned) (n - from + 1));
		double *part = mem_alloc(sizeof(*part) * (size_t) (to - from) + 1);

		CHECK(column_values_range(exact, b.len, from, to, part, &err));
		CHECK(memcmp(part, v + from, sizeof(*v) * (size_t) (to - from)) == 0);
		mem_free(part);
	}
	if (n > 0)
		CHECK_INT(column_values_decode(exact, b.len, back, n - 1, NULL), -1);
	CHECK(!column_values_range(exact, b.len, 0, n + 1, back, NULL));
	CHECK(!column_values_range(exact, b.len, -1, n, back, NULL));
	mem_free(exact);
	buf_free(&b);
	return !unit_failed();
}

UNIT_TEST(column_values_round_trip)
{
	static const int lengths[] = {1, 2, 3, 7, 63, 64, 120, 255, 256, 1023, 1024, 1025, 2048, 5760};
	static double v[MAX_N];
	uint64_t state = 55;

	for (int round = 0; round < GEN_VALUES * 14 * 2; round++)
	{
		GenValues kind = (GenValues) (round % GEN_VALUES);
		int n = lengths[round / GEN_VALUES % 14];

		gen_values(kind, (uint64_t) round, v, n);
		if (!check_column(v, n, &state))
		{
			printf("# kind %d, %d values\n", kind, n);
			return;
		}
		/* the same, broken off by staleness now and then */
		for (int i = n / 3; i < n; i += 1 + n / 5)
			v[i] = value_from_bits(VALUE_STALE_BITS);
		if (!check_column(v, n, &state))
			return;
	}
}

UNIT_TEST(column_values_extremes)
{
	static const uint64_t odd[] = {VALUE_STALE_BITS,
								   VALUE_NAN_BITS,
								   UINT64_C(0xfff8000000000000),
								   UINT64_C(0x7ff0000000000000),
								   UINT64_C(0xfff0000000000000),
								   UINT64_C(0x8000000000000000),
								   UINT64_C(0x7fefffffffffffff),
								   UINT64_C(0xffefffffffffffff),
								   UINT64_C(0x8000000000000001),
								   UINT64_C(0x000fffffffffffff),
								   UINT64_C(0x0010000000000000),
								   UINT64_C(0x43e0000000000000), /* 2^63 */
								   UINT64_C(0xc3e0000000000000),
								   UINT64_C(0x43dfffffffffffff),
								   UINT64_C(0x4340000000000000), /* 2^53 */
								   UINT64_C(0x4340000000000001),
								   0,
								   1,
								   2,
								   UINT64_MAX};
	enum
	{
		N = sizeof(odd) / sizeof(odd[0])
	};
	uint64_t state = 4;
	double v[200];

	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
		{
			for (int k = 0; k < 200; k++)
				v[k] = value_from_bits(odd[k % 7 == 0 ? i : j]);
			if (!check_column(v, 1, &state) || !check_column(v, 3, &state) ||
				!check_column(v, 200, &state))
				return;
		}
	for (int round = 0; round < 300; round++)
	{
		int n = 1 + (int) (gen_random(&state) % 200);

		for (int k = 0; k < n; k++)
			v[k] = value_from_bits(odd[gen_random(&state) % N]);
		if (!check_column(v, n, &state))
			return;
	}
}

/* What a day at 15 s may cost, in bytes, and how it should be mapped. */
typedef struct CostCase
{
	GenValues kind;
	ValueKind map;
	size_t most;
} CostCase;

static const CostCase costs[] = {
	{GEN_CONSTANT, VALUE_DECIMAL, 7},
	{GEN_STEADY, VALUE_DECIMAL, 8},
	{GEN_COUNTER, VALUE_DECIMAL, 5760 * 5.45 / 8},	  /* log2(40) = 5.32 bits */
	{GEN_SLOW, VALUE_DECIMAL, 190},					  /* 0.19 bits for when, 0.025 for what: 160 */
	{GEN_WALK, VALUE_DECIMAL, 5760 * 4.5 / 8},		  /* log2(21) = 4.39 */
	{GEN_DRIFT, VALUE_DECIMAL, 5760 * 7.7 / 8},		  /* log2(100) = 6.64, and the wave */
	{GEN_PAGES, VALUE_DECIMAL, 5760 * 3.55 / 8},	  /* 0.81 + 0.25 * 10 = 3.31 */
	{GEN_STATES, VALUE_ORDERED, 5760 * 2.1 / 8 + 60}, /* 2, and the states themselves */
	{GEN_FRACTION, VALUE_BINARY, 5760 * 53.1 / 8},
	{GEN_SUMS, VALUE_DRIFTED, 5760 * 32.0 / 8}, /* log2(1e7) = 23.25, and rounding errors */
	{GEN_FLOAT, VALUE_BINARY, 5760 * 33.5 / 8}, /* steps of 2^-33 */
	{GEN_BITS, VALUE_ORDERED, 5760 * 8 + 40},
};

UNIT_TEST(column_values_cost)
{
	static double v[5760];

	for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++)
	{
		Buf b;

		gen_values(costs[i].kind, 1, v, 5760);
		buf_init(&b, 64, 1 << 20);
		column_values_encode(v, 5760, &b);
		if (b.len > costs[i].most || (b.data[0] & 3) != (int) costs[i].map)
			unit_fail(__FILE__, __LINE__, "kind %d: %zu bytes, mapping %d", costs[i].kind, b.len,
					  b.data[0] & 3);
	}
}

/* Cut or with a bit turned, a column is refused or gives as many values as it says. */
UNIT_TEST(column_values_hostile)
{
	static double v[2500], back[2500];
	uint64_t state = 8;

	for (int kind = 0; kind < GEN_VALUES; kind++)
	{
		Buf b;

		gen_values((GenValues) kind, 9, v, 2500);
		buf_init(&b, 64, 1 << 20);
		column_values_encode(v, 2500, &b);
		for (size_t len = 0; len < b.len; len += 1 + len / 64)
		{
			uint8_t *cut = mem_dup(b.data, len);
			Err err = ERR_INIT;

			CHECK_INT(column_values_decode(cut, len, back, 2500, &err), -1);
			CHECK_INT(err.code, ERR_CORRUPT);
			mem_free(cut);
		}
		for (int i = 0; i < 3000; i++)
		{
			uint8_t *turned = mem_dup(b.data, b.len);
			size_t at = i < 300 ? (size_t) i % b.len : gen_random(&state) % b.len;
			int n;

			turned[at] ^= (uint8_t) (1 << gen_random(&state) % 8);
			n = column_values_decode(turned, b.len, back, 2500, NULL);
			CHECK(n == -1 || n == column_values_count(turned, b.len, NULL));
			column_values_range(turned, b.len, 1100, 1200, back, NULL);
			mem_free(turned);
		}
	}
}
