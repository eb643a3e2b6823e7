/*
 * fuzz_column_round_trip.c
 *    Samples made by a little program: what is encoded is decoded again, whole and in parts.
 *
 * The program's steps are four bytes: what to do, how often, and two of parameters; a step that
 * takes whole doubles or times takes eight bytes more for each.
 */
#include "codec/column/column.h"
#include "model/value.h"
#include "util/mem.h"

#include <stdlib.h>

#define MAX_SAMPLES 2600

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

typedef struct Program
{
	const uint8_t *p;
	const uint8_t *end;
	uint64_t random;
	double power; /* of ten, by which numbers are divided */
	int64_t x;
	int64_t step;
} Program;

static uint64_t
next_random(Program *g)
{
	g->random ^= g->random >> 12;
	g->random ^= g->random << 25;
	g->random ^= g->random >> 27;
	return g->random * UINT64_C(2685821657736338717);
}

static uint64_t
next_word(Program *g)
{
	uint64_t w = 0;

	if (g->end - g->p >= 8)
	{
		memcpy(&w, g->p, 8);
		g->p += 8;
	}
	return w;
}

/* next_value -- one value of a step */
static double
next_value(Program *g, unsigned what, unsigned a, unsigned b)
{
	static const uint64_t odd[] = {VALUE_STALE_BITS,
								   VALUE_NAN_BITS,
								   UINT64_C(1) << 63,
								   UINT64_C(0x7ff) << 52,
								   UINT64_C(0xfff) << 52,
								   1,
								   UINT64_MAX,
								   0};
	uint64_t r = next_random(g);

	switch (what % 12)
	{
		case 0: /* the same again */
			break;
		case 1: /* a counter */
			g->x += (int64_t) (r % (a + 1)) * (int64_t) (b + 1);
			break;
		case 2: /* a walk */
			g->x += (int64_t) (r % (2 * a + 1)) - (int64_t) a;
			break;
		case 3: /* noise */
			g->x = (int64_t) (r >> (a & 63));
			break;
		case 4: /* a steady counter, or rarely another one */
			g->step += r % 256 < b ? (int64_t) a - 128 : 0;
			g->x += g->step;
			break;
		case 5: /* rare changes */
			g->x += r % 256 < b ? (int64_t) a : 0;
			break;
		case 6: /* restart */
			g->x = (int64_t) a;
			break;
		case 7: /* any double */
			return value_from_bits(next_word(g));
		case 8: /* an odd one, among numbers */
			if (r % 256 <= b)
				return value_from_bits(odd[a % 8]);
			break;
		case 9: /* random bits behind the point */
			return (double) g->x + (double) (r >> 11) / 9007199254740992.0;
		case 10: /* another number of digits */
			g->power = 1;
			for (unsigned i = 0; i < a % 19; i++)
				g->power *= 10;
			break;
		default: /* fractions of two, large and small */
			return ldexp((double) (int64_t) (r >> 40), (int) a * 9 - 1140);
	}
	return (double) g->x / g->power;
}

static int
make_values(Program *g, double *v)
{
	int n = 0;

	while (g->end - g->p >= 4)
	{
		unsigned what = g->p[0], count = g->p[1] + (what >> 4) * 64u, a = g->p[2], b = g->p[3];

		g->p += 4;
		for (unsigned i = 0; i <= count && n < MAX_SAMPLES; i++)
			v[n++] = next_value(g, what & 15, a, b);
	}
	return n;
}

static int
make_times(Program *g, int64_t *t)
{
	uint64_t now = next_word(g);
	int n = 0;

	while (g->end - g->p >= 4)
	{
		unsigned what = g->p[0], count = g->p[1] + (what >> 4) * 64u;
		uint64_t a = g->p[2], b = g->p[3], step, jitter = 0;

		g->p += 4;
		for (unsigned i = 0; i <= count && n < MAX_SAMPLES; i++)
		{
			uint64_t r = next_random(g), at;

			step = a * 1000 + 1;
			switch (what % 6)
			{
				case 0: /* regular */
					break;
				case 1: /* jitter */
					jitter = r % (b + 1);
					break;
				case 2: /* gaps */
					step *= r % 256 < b ? 1 + (r >> 20 & 255) : 1;
					break;
				case 3: /* a long one */
					step = UINT64_C(1) << (a & 63);
					break;
				case 4: /* anything */
					step = 1 + (next_word(g) >> (b & 63));
					break;
				default: /* whole steps */
					step = 1000 * (1 + r % (b + 1));
					break;
			}
			at = now + jitter;
			if (n > 0 && (int64_t) at <= t[n - 1])
			{
				if ((int64_t) (now + step) <= (int64_t) now)
					return n; /* the end of time */
				now += step;
				continue;
			}
			t[n++] = (int64_t) at;
			now += step;
		}
	}
	return n;
}

static void
range(Program *g, int n, int *from, int *to)
{
	uint64_t r = next_random(g);

	*from = (int) (r >> 8 & 0xffff) % (n + 1);
	if (r % 2 == 0)
		*from = *from / COLUMN_BLOCK * COLUMN_BLOCK;
	*to = *from + (int) (r >> 32 & 0xffff) % (n - *from + 1);
}

static void
check_values(Program *g)
{
	static double v[MAX_SAMPLES], back[MAX_SAMPLES];
	int n = make_values(g, v), from, to;
	Err err = ERR_INIT;
	uint8_t *p;
	Buf b;

	buf_init(&b, 64, SIZE_MAX / 2);
	column_values_encode(v, n, &b);
	check(b.len <= (size_t) n * 8 + (size_t) n / 64 + 64);
	p = mem_dup(b.data, b.len);
	check(column_values_count(p, b.len, &err) == n);
	check(column_values_decode(p, b.len, back, n, &err) == n);
	check(memcmp(v, back, sizeof(*v) * (size_t) n) == 0);
	for (int i = 0; i < 4; i++)
	{
		range(g, n, &from, &to);
		check(column_values_range(p, b.len, from, to, back, &err));
		check(memcmp(v + from, back, sizeof(*v) * (size_t) (to - from)) == 0);
	}
}

static void
check_times(Program *g)
{
	static int64_t t[MAX_SAMPLES], back[MAX_SAMPLES];
	int n = make_times(g, t), from, to;
	Err err = ERR_INIT;
	ColumnTimes info;
	uint8_t *p;
	Buf b;

	buf_init(&b, 64, SIZE_MAX / 2);
	column_times_encode(t, n, &b);
	check(b.len <= (size_t) n * 8 + (size_t) n / 64 + 64);
	p = mem_dup(b.data, b.len);
	check(column_times_peek(p, b.len, &info, &err) && info.n == n);
	check(column_times_decode(p, b.len, back, n, &err) == n);
	check(memcmp(t, back, sizeof(*t) * (size_t) n) == 0);
	for (int i = 0; i < 4; i++)
	{
		range(g, n, &from, &to);
		check(column_times_range(p, b.len, from, to, back, &err));
		check(memcmp(t + from, back, sizeof(*t) * (size_t) (to - from)) == 0);
		if (from < n)
		{
			check(column_times_find(p, b.len, t[from], &err) == from);
			check(t[from] == INT64_MAX ||
				  column_times_find(p, b.len, t[from] + 1, &err) == from + 1);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MemScope *scope = mem_scope_create("fuzz"), *outer = mem_scope_switch(scope);
	Program g = {.random = 88172645463325252, .power = 1};

	if (size > 0)
	{
		g.p = data + 1;
		g.end = data + size;
		if (data[0] % 2 == 0)
			check_times(&g);
		else
			check_values(&g);
	}
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
