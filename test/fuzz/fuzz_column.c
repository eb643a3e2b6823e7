/*
 * fuzz_column.c
 *    Any bytes as a column, after a first byte that says of what: refused, or samples that survive
 *    another encoding, whose parts are those of the whole.
 */
#include "codec/column/column.h"
#include "util/mem.h"

#include <stdlib.h>

#define MAX_SAMPLES 20000

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/* Ranges of a column of n samples: some at the borders of blocks, some anywhere. */
static void
range(int i, int n, uint32_t seed, int *from, int *to)
{
	uint32_t x = (seed + (uint32_t) i) * UINT32_C(2654435761);

	*from = i % 2 == 0 ? (int) (x >> 8) % (n + 1)
					   : (int) (x >> 8) % (n + 1) / COLUMN_BLOCK * COLUMN_BLOCK;
	*to = *from + (i % 3 == 0 ? 1 : (int) (x & 0xffff));
	if (*to > n)
		*to = n;
}

static void
fuzz_times(const uint8_t *p, size_t len)
{
	static int64_t t[MAX_SAMPLES], again[MAX_SAMPLES], part[MAX_SAMPLES];
	Err err = ERR_INIT;
	int n = column_times_decode(p, len, t, MAX_SAMPLES, &err), from, to;
	ColumnTimes info;
	Buf b;

	check((n < 0) == (err.code == ERR_CORRUPT));
	if (n < 0)
	{
		/* what says nothing of the whole may still be read in part */
		if (column_times_peek(p, len, &info, NULL) && info.n <= MAX_SAMPLES)
		{
			column_times_range(p, len, info.n / 2, info.n, t, NULL);
			column_times_find(p, len, info.min_t / 2 + info.max_t / 2, NULL);
		}
		return;
	}
	check(column_times_peek(p, len, &info, &err));
	check(info.n == n && (n == 0 || (info.min_t == t[0] && info.max_t == t[n - 1])));
	for (int i = 1; i < n; i++)
		check(t[i] > t[i - 1]);
	for (int i = 0; i < 6; i++)
	{
		range(i, n, (uint32_t) len, &from, &to);
		check(column_times_range(p, len, from, to, part, &err));
		check(memcmp(part, t + from, sizeof(*t) * (size_t) (to - from)) == 0);
		if (from < n)
			check(column_times_find(p, len, t[from], &err) == from);
	}
	buf_init(&b, 64, SIZE_MAX / 2);
	column_times_encode(t, n, &b);
	check(column_times_decode((uint8_t *) b.data, b.len, again, MAX_SAMPLES, &err) == n);
	check(memcmp(t, again, sizeof(*t) * (size_t) n) == 0);
}

static void
fuzz_values(const uint8_t *p, size_t len)
{
	static double v[MAX_SAMPLES], again[MAX_SAMPLES], part[MAX_SAMPLES];
	Err err = ERR_INIT;
	int n = column_values_decode(p, len, v, MAX_SAMPLES, &err), from, to;
	Buf b;

	check((n < 0) == (err.code == ERR_CORRUPT));
	if (n < 0)
	{
		column_values_range(p, len, 0, 1, v, NULL);
		column_values_range(p, len, 1000, 1100, v, NULL);
		return;
	}
	check(column_values_count(p, len, &err) == n);
	for (int i = 0; i < 6; i++)
	{
		range(i, n, (uint32_t) len, &from, &to);
		check(column_values_range(p, len, from, to, part, &err));
		check(memcmp(part, v + from, sizeof(*v) * (size_t) (to - from)) == 0);
	}
	buf_init(&b, 64, SIZE_MAX / 2);
	column_values_encode(v, n, &b);
	check(column_values_decode((uint8_t *) b.data, b.len, again, MAX_SAMPLES, &err) == n);
	check(memcmp(v, again, sizeof(*v) * (size_t) n) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MemScope *scope = mem_scope_create("fuzz"), *outer = mem_scope_switch(scope);

	if (size > 0 && data[0] % 2 == 0)
		fuzz_times(data + 1, size - 1);
	else if (size > 0)
		fuzz_values(data + 1, size - 1);
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
