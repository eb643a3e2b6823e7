/*
 * crc32c.c
 *    CRC-32C (Castagnoli, RFC 3720 appendix B.4).
 *
 * With the processor's instruction where it has one (SSE 4.2 is asked for at run time, ARM's at
 * compile time), else eight bytes a step over tables ("slicing by eight", Kounavis and Berry,
 * 2005).  The tables are computed at the first call that needs them; computing them twice would
 * write the same bytes.
 */
#include "util/crc32c.h"

#include <stdbool.h>
#include <string.h>

#if defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

#define POLYNOMIAL UINT32_C(0x82f63b78) /* reflected */

static uint32_t tables[8][256];
static bool tables_ready;

static void
make_tables(void)
{
	for (uint32_t i = 0; i < 256; i++)
	{
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = (c >> 1) ^ (POLYNOMIAL & -(c & 1));
		tables[0][i] = c;
	}
	for (int t = 1; t < 8; t++)
		for (uint32_t i = 0; i < 256; i++)
			tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xff];
	tables_ready = true;
}

/* by_tables, by_sse42 -- crc is inverted already. */
static uint32_t
by_tables(uint32_t crc, const uint8_t *p, size_t len)
{
	if (!tables_ready)
		make_tables();
	for (; len >= 8; p += 8, len -= 8)
	{
		uint64_t w;

		memcpy(&w, p, 8);
		w ^= crc;
		crc = 0;
		for (int i = 0; i < 8; i++)
			crc ^= tables[7 - i][(w >> (8 * i)) & 0xff];
	}
	for (; len > 0; p++, len--)
		crc = (crc >> 8) ^ tables[0][(crc ^ *p) & 0xff];
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
by_sse42(uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t c = crc;

	for (; len >= 8; p += 8, len -= 8)
	{
		uint64_t w;

		memcpy(&w, p, 8);
		c = __builtin_ia32_crc32di(c, w);
	}
	crc = (uint32_t) c;
	for (; len > 0; p++, len--)
		crc = __builtin_ia32_crc32qi(crc, *p);
	return crc;
}
#elif defined(__ARM_FEATURE_CRC32)
static uint32_t
by_arm(uint32_t crc, const uint8_t *p, size_t len)
{
	for (; len >= 8; p += 8, len -= 8)
	{
		uint64_t w;

		memcpy(&w, p, 8);
		crc = __crc32cd(crc, w);
	}
	for (; len > 0; p++, len--)
		crc = __crc32cb(crc, *p);
	return crc;
}
#endif

uint32_t
crc32c(uint32_t crc, const void *data, size_t len)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~by_sse42(~crc, data, len);
#elif defined(__ARM_FEATURE_CRC32)
	return ~by_arm(~crc, data, len);
#endif
	return ~by_tables(~crc, data, len);
}

/* crc32c_by_tables -- the portable way alone, so that tests reach it on every machine. */
uint32_t
crc32c_by_tables(uint32_t crc, const void *data, size_t len)
{
	return ~by_tables(~crc, data, len);
}
