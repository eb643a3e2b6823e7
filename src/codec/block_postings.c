/*
 * block_postings.c
 *    A sorted set of series ordinals in the fewest of three forms.
 *
 * Series stand in label order, so the postings of a metric name are one run, those of a label
 * that many series share are nearly everything, and those of an instance are far apart.
 *
 * Layout: u8 form, then
 *    0 list     per ordinal: uvarint of its distance to the one before, less 1 (the first: itself)
 *    1 runs     per run: uvarint of the distance to the end of the run before (the first: its
 *               start), uvarint of its length less 1
 *    2 bitmap   uvarint of the first ordinal / 8, then bits, lowest first, to the last ordinal
 */
#include "codec/block_postings.h"

#include "util/varint.h"

typedef enum PostingsForm
{
	POSTINGS_LIST,
	POSTINGS_RUNS,
	POSTINGS_BITMAP
} PostingsForm;

static size_t
varint_size(uint64_t v)
{
	size_t n = 1;

	for (; v >= 0x80; v >>= 7)
		n++;
	return n;
}

/* Bytes that lists and runs take. */
static void
measure(const uint32_t *o, uint32_t n, size_t *list, size_t *runs)
{
	uint32_t end = 0; /* of the run before */

	*list = *runs = 0;
	for (uint32_t i = 0; i < n;)
	{
		uint32_t last = i;

		while (last + 1 < n && o[last + 1] == o[last] + 1)
			last++;
		*runs += varint_size(o[i] - end) + varint_size(last - i);
		*list += varint_size(i == 0 ? o[0] : o[i] - o[i - 1] - 1) + (last - i);
		end = o[last] + 1;
		i = last + 1;
	}
}

static void
put_list(Buf *out, const uint32_t *o, uint32_t n)
{
	buf_char(out, POSTINGS_LIST);
	for (uint32_t i = 0; i < n; i++)
		buf_uvarint(out, i == 0 ? o[0] : o[i] - o[i - 1] - 1);
}

static void
put_runs(Buf *out, const uint32_t *o, uint32_t n)
{
	uint32_t end = 0;

	buf_char(out, POSTINGS_RUNS);
	for (uint32_t i = 0; i < n;)
	{
		uint32_t last = i;

		while (last + 1 < n && o[last + 1] == o[last] + 1)
			last++;
		buf_uvarint(out, o[i] - end);
		buf_uvarint(out, last - i);
		end = o[last] + 1;
		i = last + 1;
	}
}

static void
put_bitmap(Buf *out, const uint32_t *o, uint32_t n)
{
	uint32_t first = o[0] / 8;
	uint32_t at = first;
	uint8_t byte = 0;

	buf_char(out, POSTINGS_BITMAP);
	buf_uvarint(out, first);
	for (uint32_t i = 0; i < n; i++)
	{
		for (; at < o[i] / 8; at++)
		{
			buf_char(out, (char) byte);
			byte = 0;
		}
		byte |= (uint8_t) (1 << o[i] % 8);
	}
	buf_char(out, (char) byte);
}

/* block_postings_put -- append n >= 1 ascending ordinals. */
void
block_postings_put(Buf *out, const uint32_t *ordinals, uint32_t n)
{
	size_t list;
	size_t runs;
	size_t bitmap = varint_size(ordinals[0] / 8) + ordinals[n - 1] / 8 - ordinals[0] / 8 + 1;

	measure(ordinals, n, &list, &runs);
	if (runs <= list && runs <= bitmap)
		put_runs(out, ordinals, n);
	else if (list <= bitmap)
		put_list(out, ordinals, n);
	else
		put_bitmap(out, ordinals, n);
}

static bool
or_list(const uint8_t *p, const uint8_t *end, uint32_t nseries, uint64_t *bits)
{
	uint64_t next = 0;

	while (p < end)
	{
		uint64_t gap;

		if ((p = varint_get(p, end, &gap)) == NULL || gap >= nseries || next + gap >= nseries)
			return false;
		next += gap;
		bits[next / 64] |= UINT64_C(1) << next % 64;
		next++;
	}
	return true;
}

static void
set_range(uint64_t *bits, uint64_t from, uint64_t to)
{
	for (; from < to && from % 64 != 0; from++)
		bits[from / 64] |= UINT64_C(1) << from % 64;
	for (; from + 64 <= to; from += 64)
		bits[from / 64] = UINT64_MAX;
	for (; from < to; from++)
		bits[from / 64] |= UINT64_C(1) << from % 64;
}

static bool
or_runs(const uint8_t *p, const uint8_t *end, uint32_t nseries, uint64_t *bits)
{
	uint64_t at = 0;

	while (p < end)
	{
		uint64_t gap;
		uint64_t more;

		if ((p = varint_get(p, end, &gap)) == NULL || gap >= nseries ||
			(p = varint_get(p, end, &more)) == NULL || more >= nseries ||
			at + gap + more >= nseries)
			return false;
		set_range(bits, at + gap, at + gap + more + 1);
		at += gap + more + 1;
	}
	return true;
}

static bool
or_bitmap(const uint8_t *p, const uint8_t *end, uint32_t nseries, uint64_t *bits)
{
	uint64_t byte;

	if ((p = varint_get(p, end, &byte)) == NULL || byte > nseries / 8)
		return false;
	for (; p < end; p++, byte++)
	{
		/* the highest bit set must be a series */
		if (*p != 0 && byte * 8 + (31 - (unsigned) __builtin_clz(*p)) >= nseries)
			return false;
		bits[byte / 8] |= (uint64_t) *p << byte % 8 * 8;
	}
	return true;
}

/*
 * block_postings_or -- set the bits of the ordinals in [p, p + len).  bits has room for nseries,
 * in whole words.  False: the bytes are corrupt; some bits may be set.
 */
bool
block_postings_or(const uint8_t *p, size_t len, uint32_t nseries, uint64_t *bits)
{
	if (len < 1)
		return false;
	switch (p[0])
	{
		case POSTINGS_LIST:
			return or_list(p + 1, p + len, nseries, bits);
		case POSTINGS_RUNS:
			return or_runs(p + 1, p + len, nseries, bits);
		case POSTINGS_BITMAP:
			return or_bitmap(p + 1, p + len, nseries, bits);
		default:
			return false;
	}
}
