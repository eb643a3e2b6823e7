/*
 * bitpack.c
 *    Unsigned integers of one width, packed and unpacked.
 *
 * Unpacking is one loop a width, eight values a turn: their offsets and shifts are constants, so a
 * value is a load, a shift and a mask, and as many values a cycle are unpacked as the processor has
 * instructions a cycle for them (near one).  Loads are of 8 bytes and may reach 8 bytes beyond
 * the turn's; the last turns come from a copy with zeros behind.
 */
#include "codec/column/bitpack.h"

#include <assert.h>

/*
 * bitpack_put -- pack n values, each below 2^width, at p; returns the byte behind them.
 *
 * Room for bitpack_size() + 8 bytes is needed.
 */
uint8_t *
bitpack_put(uint8_t *p, const uint64_t *v, int n, unsigned width)
{
	LsbWriter w = {.p = p};

	for (int i = 0; i < n; i++)
		lsb_put(&w, v[i], width);
	return lsb_close(&w);
}

/* unpack_groups -- groups of eight; width is a constant wherever this is inlined. */
static inline __attribute__((always_inline)) void
unpack_groups(const uint8_t *p, int groups, unsigned width, uint64_t base, uint64_t *v)
{
	const uint64_t mask = low_mask(width);

	for (; groups > 0; groups--, p += width, v += 8)
	{
#pragma GCC unroll 8
		for (unsigned j = 0; j < 8; j++)
		{
			unsigned byte = j * width >> 3, shift = j * width & 7;
			uint64_t x = load_le64(p + byte) >> shift;

			if (width + shift > 64)
				x |= (uint64_t) p[byte + 8] << (64 - shift);
			v[j] = base + (x & mask);
		}
	}
}

static void
unpack_width(const uint8_t *p, int groups, unsigned width, uint64_t base, uint64_t *v)
{
#define CASE(w)                                                                                    \
	case w:                                                                                        \
		unpack_groups(p, groups, w, base, v);                                                      \
		break;
#define CASES_8(w)                                                                                 \
	CASE(w) CASE(w + 1) CASE(w + 2) CASE(w + 3) CASE(w + 4) CASE(w + 5) CASE(w + 6) CASE(w + 7)
	switch (width)
	{
		CASES_8(1)
		CASES_8(9)
		CASES_8(17)
		CASES_8(25)
		CASES_8(33)
		CASES_8(41)
		CASES_8(49)
		CASES_8(57)
	}
#undef CASES_8
#undef CASE
}

/*
 * bitpack_get -- unpack n values of 1..64 bits from [p, end) and add base to each.
 *
 * The caller has checked that bitpack_size() bytes are there.  v has room for n rounded up to a
 * multiple of eight.
 */
void
bitpack_get(const uint8_t *p, const uint8_t *end, int n, unsigned width, uint64_t base, uint64_t *v)
{
	enum
	{
		SLACK = 16
	};
	int groups = (n + 7) / 8, fast = 0;
	uint8_t tail[64 + 3 * SLACK];

	assert(width >= 1 && width <= 64 && bitpack_size(n, width) <= (size_t) (end - p));
	if (end - p > SLACK)
		fast = (int) ((end - p - SLACK) / width);
	if (fast > groups)
		fast = groups;
	unpack_width(p, fast, width, base, v);
	p += (size_t) fast * width;
	v += fast * 8;
	groups -= fast;
	/* fewer than width + SLACK bytes are left, of which some may be another's */
	while (groups > 0)
	{
		int some = 64 / (int) width < groups ? 64 / (int) width : groups;
		size_t left = (size_t) (end - p);

		memset(tail, 0, sizeof(tail));
		memcpy(tail, p, left < sizeof(tail) - SLACK ? left : sizeof(tail) - SLACK);
		unpack_width(tail, some, width, base, v);
		p += left < (size_t) some * width ? left : (size_t) some * width;
		v += some * 8;
		groups -= some;
	}
}
