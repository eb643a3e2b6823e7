/*
 * chunk_xor.c
 *    Float chunks: timestamps as delta of delta, values as XOR with the one before.
 *
 * The encoding of Prometheus (tsdb/chunkenc/xor.go), after "Gorilla: A Fast, Scalable, In-Memory
 * Time Series Database" (Pelkonen et al., VLDB 2015).
 *
 * Layout, bit by bit (docs/formats.md):
 *    16 bits   number of samples, big-endian
 *    sample 0  varint t, 64 bits of the double
 *    sample 1  uvarint of t1 - t0, value
 *    later     delta of delta: 0 | 10 +14 bits | 110 +17 | 1110 +20 | 1111 +64, value
 *    value     0 same as before | 10 bits of the window before | 11 +5 leading zeros +6 number of
 *              significant bits (0 = 64), bits
 *
 * Invariants: after append, bits <= 8 * cap and the count in the header equals w->count.
 * Memory: the caller's buffer.  Concurrency: caller's business.
 */
#include "codec/bitstream.h"
#include "codec/chunk.h"
#include "util/varint.h"

#define NO_WINDOW 0xff

void
chunk_xor_init(ChunkXorWriter *w, uint8_t *buf, uint32_t cap)
{
	memset(w, 0, sizeof(*w));
	w->buf = buf;
	w->cap = cap;
	w->bits = 16;
	w->leading = NO_WINDOW;
	buf[0] = buf[1] = 0;
}

static uint32_t
put_value(ChunkXorWriter *w, uint32_t pos, uint64_t v)
{
	uint64_t x = v ^ w->v;
	unsigned leading;
	unsigned trailing;
	unsigned significant;

	if (x == 0)
		return bits_put(w->buf, pos, 0, 1);
	leading = (unsigned) __builtin_clzll(x);
	trailing = (unsigned) __builtin_ctzll(x);
	if (leading > 31)
		leading = 31;
	if (w->leading != NO_WINDOW && leading >= w->leading && trailing >= w->trailing)
	{
		pos = bits_put(w->buf, pos, 2, 2);
		return bits_put(w->buf, pos, x >> w->trailing, 64u - w->leading - w->trailing);
	}
	significant = 64 - leading - trailing;
	w->leading = (uint8_t) leading;
	w->trailing = (uint8_t) trailing;
	pos = bits_put(w->buf, pos, 3u << 11 | leading << 6 | (significant & 63), 13);
	return bits_put(w->buf, pos, x >> trailing, significant);
}

bool
chunk_xor_append(ChunkXorWriter *w, int64_t t, double v)
{
	uint32_t pos = w->bits;
	uint64_t bits = value_bits(v);

	if ((pos + 7) / 8 + CHUNK_XOR_MAX_SAMPLE > w->cap || w->count == CHUNK_MAX_SAMPLES)
		return false;
	if (w->count == 0)
	{
		pos = bits_put_uvarint(w->buf, pos, varint_zigzag(t));
		pos = bits_put(w->buf, pos, bits, 64);
	}
	else
	{
		int64_t delta = (int64_t) ((uint64_t) t - (uint64_t) w->t);

		if (w->count == 1)
			pos = bits_put_uvarint(w->buf, pos, (uint64_t) delta);
		else
		{
			int64_t dod = (int64_t) ((uint64_t) delta - (uint64_t) w->delta);

			if (dod == 0)
				pos = bits_put(w->buf, pos, 0, 1);
			else if (bits_in_range(dod, 14))
				pos = bits_put(w->buf, pos, UINT64_C(2) << 14 | ((uint64_t) dod & 0x3fff), 16);
			else if (bits_in_range(dod, 17))
				pos = bits_put(w->buf, pos, UINT64_C(6) << 17 | ((uint64_t) dod & 0x1ffff), 20);
			else if (bits_in_range(dod, 20))
				pos = bits_put(w->buf, pos, UINT64_C(14) << 20 | ((uint64_t) dod & 0xfffff), 24);
			else
			{
				pos = bits_put(w->buf, pos, 15, 4);
				pos = bits_put(w->buf, pos, (uint64_t) dod, 64);
			}
		}
		w->delta = delta;
		pos = put_value(w, pos, bits);
	}
	w->t = t;
	w->v = bits;
	w->bits = pos;
	w->count++;
	w->buf[0] = (uint8_t) (w->count >> 8);
	w->buf[1] = (uint8_t) w->count;
	return true;
}

int
chunk_count(const uint8_t *data, size_t len)
{
	return len < 2 ? 0 : data[0] << 8 | data[1];
}

static inline int64_t
get_dod(BitReader *r)
{
	static const uint8_t widths[] = {14, 17, 20, 64};
	unsigned ones;
	unsigned n;

	bits_refill(r);
	if (!(r->window >> 63))
	{
		bits_take(r, 1);
		return 0;
	}
	ones = (unsigned) __builtin_clzll(~(r->window | 1));
	if (ones >= 4)
	{
		bits_take(r, 4);
		return (int64_t) bits_get(r, 64);
	}
	bits_take(r, ones + 1);
	n = widths[ones - 1];
	return bits_signed(bits_take(r, n), n);
}

int
chunk_xor_decode(const uint8_t *data, size_t len, int64_t *t, double *v, int max, Err *err)
{
	BitReader r;
	int n = chunk_count(data, len);
	int64_t time;
	int64_t delta = 0;
	uint64_t value;
	unsigned leading = 0;
	unsigned significant = 0;
	unsigned trailing = 0;

	if (len < 2 || n > max)
	{
		err_set(err, ERR_CORRUPT, -1, "XOR chunk of %zu bytes claims %d samples", len, n);
		return -1;
	}
	if (n == 0)
		return 0;
	bits_init(&r, data + 2, len - 2);
	time = varint_unzigzag(bits_get_uvarint(&r));
	value = bits_get(&r, 64);
	t[0] = time;
	v[0] = value_from_bits(value);
	for (int i = 1; i < n; i++)
	{
		if (i == 1)
			delta = (int64_t) bits_get_uvarint(&r);
		else
			delta = (int64_t) ((uint64_t) delta + (uint64_t) get_dod(&r));
		time = (int64_t) ((uint64_t) time + (uint64_t) delta);

		bits_refill(&r);
		if (r.window >> 63)
		{
			unsigned control = (unsigned) (r.window >> 62);

			if (control == 3)
			{
				unsigned head = (unsigned) bits_take(&r, 13);

				leading = head >> 6 & 31;
				significant = head & 63;
				if (significant == 0)
					significant = 64;
				if (leading + significant > 64)
					break;
				trailing = 64 - leading - significant;
			}
			else
				bits_take(&r, 2);
			if (significant == 0)
				break;
			value ^= bits_get(&r, significant) << trailing;
		}
		else
			bits_take(&r, 1);
		t[i] = time;
		v[i] = value_from_bits(value);
		if (i == n - 1 && !r.overrun)
			return n;
	}
	if (n == 1 && !r.overrun)
		return n;
	err_set(err, ERR_CORRUPT, -1, "XOR chunk of %zu bytes ends before its %d samples", len, n);
	return -1;
}
