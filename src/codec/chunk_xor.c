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
 * Decoding reads at a bit position with unaligned 64-bit loads and without bounds checks as long
 * as SLACK bytes lie behind the position; the end of the chunk is decoded by the same code
 * from a copy with that many zeros behind it.  A regular, constant series is a run of zero bits,
 * two for each sample, and is expanded a word at a time.
 *
 * Invariants: after an append, bits <= 8 * cap and the count in the header equals w->count.
 * Memory: the caller's buffer.  Concurrency: caller's business.
 */
#include "codec/bitstream.h"
#include "codec/chunk.h"
#include "util/varint.h"

#include <assert.h>

#define NO_WINDOW	0xff
#define HEADER_BITS 16

/* A sample takes at most 4 + 64 + 13 + 64 bits; the last load of its decoding reads 9 bytes. */
#define SLACK 32

/* --- writing ------------------------------------------------------------------------------- */

/* chunk_xor_init -- begin an empty chunk; cap >= CHUNK_XOR_MIN_CAP. */
void
chunk_xor_init(ChunkXorWriter *w, uint8_t *buf, uint32_t cap)
{
	assert(cap >= CHUNK_XOR_MIN_CAP);
	*w = (ChunkXorWriter){.buf = buf, .cap = cap, .bits = HEADER_BITS, .leading = NO_WINDOW};
	buf[0] = buf[1] = 0;
}

static inline void
put_dod(BitWriter *b, int64_t dod)
{
	if (dod == 0)
		bits_put(b, 0, 1);
	else if (bits_in_range(dod, 14))
		bits_put(b, UINT64_C(2) << 14 | ((uint64_t) dod & 0x3fff), 2 + 14);
	else if (bits_in_range(dod, 17))
		bits_put(b, UINT64_C(6) << 17 | ((uint64_t) dod & 0x1ffff), 3 + 17);
	else if (bits_in_range(dod, 20))
		bits_put(b, UINT64_C(14) << 20 | ((uint64_t) dod & 0xfffff), 4 + 20);
	else
	{
		bits_put(b, 15, 4);
		bits_put(b, (uint64_t) dod, 64);
	}
}

static inline void
put_value(ChunkXorWriter *w, BitWriter *b, uint64_t v)
{
	uint64_t x = v ^ w->v;
	unsigned leading, trailing, significant;

	if (x == 0)
	{
		bits_put(b, 0, 1);
		return;
	}
	leading = (unsigned) __builtin_clzll(x);
	trailing = (unsigned) __builtin_ctzll(x);
	if (leading > 31)
		leading = 31;
	if (w->leading != NO_WINDOW && leading >= w->leading && trailing >= w->trailing)
	{
		bits_put(b, 2, 2);
		bits_put(b, x >> w->trailing, 64u - w->leading - w->trailing);
		return;
	}
	significant = 64 - leading - trailing;
	w->leading = (uint8_t) leading;
	w->trailing = (uint8_t) trailing;
	bits_put(b, 3u << 11 | leading << 6 | (significant & 63), 2 + 5 + 6);
	bits_put(b, x >> trailing, significant);
}

/*
 * chunk_xor_append -- add a sample behind the last one.
 *
 * t is in milliseconds and must exceed the previous t.  The bits of v are kept as they are, so
 * staleness markers survive.  Returns false and changes nothing if fewer than
 * CHUNK_XOR_MAX_SAMPLE bytes are free or the chunk holds CHUNK_MAX_SAMPLES.
 */
bool
chunk_xor_append(ChunkXorWriter *w, int64_t t, double v)
{
	uint64_t bits = value_bits(v);
	BitWriter b;

	if ((uint64_t) w->bits / 8 + CHUNK_XOR_MAX_SAMPLE > w->cap || w->count == CHUNK_MAX_SAMPLES)
		return false;
	bits_open(&b, w->buf, w->bits);
	if (w->count == 0)
	{
		bits_put_uvarint(&b, varint_zigzag(t));
		bits_put(&b, bits, 64);
	}
	else
	{
		int64_t delta = (int64_t) ((uint64_t) t - (uint64_t) w->t);

		if (w->count == 1)
			bits_put_uvarint(&b, (uint64_t) delta);
		else
			put_dod(&b, (int64_t) ((uint64_t) delta - (uint64_t) w->delta));
		w->delta = delta;
		put_value(w, &b, bits);
	}
	w->t = t;
	w->v = bits;
	w->bits = (uint32_t) bits_close(&b, w->buf);
	w->count++;
	w->buf[0] = (uint8_t) (w->count >> 8);
	w->buf[1] = (uint8_t) w->count;
	return true;
}

/* chunk_xor_mark -- the writer's state as a mark. */
ChunkXorMark
chunk_xor_mark(const ChunkXorWriter *w)
{
	assert(w->count >= 2);
	return (ChunkXorMark){.t = w->t,
						  .delta = w->delta,
						  .v = w->v,
						  .bits = w->bits,
						  .count = w->count,
						  .leading = w->leading,
						  .trailing = w->trailing};
}

/* --- reading ------------------------------------------------------------------------------- */

/* chunk_count -- the number of samples in the header, which all encodings begin with. */
int
chunk_count(const uint8_t *data, size_t len)
{
	return len < 2 ? 0 : data[0] << 8 | data[1];
}

typedef struct XorDecoder
{
	size_t pos; /* next bit, counted from the base of the bytes being read */
	uint64_t time;
	uint64_t delta; /* both modulo 2^64: hostile input may wrap around */
	uint64_t value;
	unsigned significant; /* bits of the window */
	unsigned trailing;	  /* zero bits behind it */
	bool corrupt;
} XorDecoder;

/*
 * decode_until -- decode samples i.. until n are there or the position reaches limit (a bit).
 *
 * SLACK bytes behind limit must be readable.  Returns the number of samples decoded so far.
 */
static inline int
decode_until(XorDecoder *d, const uint8_t *base, size_t limit, int i, int n, int64_t *t, double *v)
{
	static const uint8_t dod_bits[] = {0, 14, 17, 20};
	size_t pos = d->pos;
	uint64_t time = d->time, delta = d->delta, value = d->value;
	unsigned significant = d->significant, trailing = d->trailing;

	while (i < n && pos < limit)
	{
		uint64_t w = bits_peek(base, pos); /* 57 valid bits */

		if (w >> 62 == 0) /* same delta, same value: perhaps a run of them */
		{
			unsigned zeros = (unsigned) __builtin_clzll(w | 1 << 7);
			int run = (int) zeros / 2 < n - i ? (int) zeros / 2 : n - i;
			double same = value_from_bits(value);

			for (int end = i + run; i < end; i++)
			{
				time += delta;
				t[i] = (int64_t) time;
				v[i] = same;
			}
			pos += 2 * (unsigned) run;
			continue;
		}
		if (w >> 63 == 0)
		{
			pos++;
			w <<= 1;
		}
		else
		{
			unsigned ones = (unsigned) __builtin_clzll(~w | 1);

			if (ones >= 4)
			{
				delta += bits_peek64(base, pos + 4);
				pos += 4 + 64;
				w = bits_peek(base, pos);
			}
			else
			{
				unsigned bits = dod_bits[ones];

				delta += (uint64_t) bits_signed(w << (ones + 1) >> (64 - bits), bits);
				pos += ones + 1 + bits;
				w <<= ones + 1 + bits; /* 33 valid bits remain */
			}
		}
		time += delta;
		if (w >> 63 == 0)
			pos++;
		else
		{
			if (w >> 62 == 2)
				pos += 2;
			else
			{
				unsigned leading = w >> 57 & 31;

				significant = (((w >> 51) - 1) & 63) + 1; /* 0 means 64 */
				if (leading + significant > 64)
				{
					d->corrupt = true;
					return i;
				}
				trailing = 64 - leading - significant;
				pos += 2 + 5 + 6;
			}
			w = significant <= 57 ? bits_peek(base, pos) : bits_peek64(base, pos);
			value ^= w >> (64 - significant) << trailing;
			pos += significant;
		}
		t[i] = (int64_t) time;
		v[i] = value_from_bits(value);
		i++;
	}
	d->pos = pos;
	d->time = time;
	d->delta = delta;
	d->value = value;
	d->significant = significant;
	d->trailing = trailing;
	return i;
}

/*
 * decode_rest -- decode samples i.. until n are there or the left bytes at p end; d->pos counts from p.
 * Returns the number of samples decoded so far.
 */
static int
decode_rest(XorDecoder *d, const uint8_t *p, size_t left, int i, int n, int64_t *t, double *v)
{
	if (left > SLACK)
		i = decode_until(d, p, (left - SLACK) * 8, i, n, t, v);
	if (i < n && !d->corrupt && d->pos / 8 < left)
	{
		uint8_t tail[2 * SLACK + 8] = {0};
		size_t done = d->pos / 8;

		memcpy(tail, p + done, left - done);
		d->pos -= done * 8;
		i = decode_until(d, tail, (left - done) * 8, i, n, t, v);
		d->pos += done * 8;
	}
	return i;
}

/* is_ascending -- does every timestamp exceed the one before? */
static bool
is_ascending(const int64_t *t, int n)
{
	bool ok = true;

	for (int i = 1; i < n; i++)
		ok &= t[i] > t[i - 1];
	return ok;
}

static int
corrupt(Err *err, size_t len, int n)
{
	err_set(err, ERR_CORRUPT, -1, "XOR chunk of %zu bytes with %d samples is malformed", len, n);
	return -1;
}

/*
 * chunk_xor_decode -- all samples of a chunk to t[] and v[], which have room for max.
 *
 * Returns their number; their timestamps ascend strictly.  Returns -1 with err filled if the
 * chunk holds more than max samples, ends before its last sample, or is not a chunk.  Bytes behind
 * the last sample are ignored, as older writers left some.
 */
int
chunk_xor_decode(const uint8_t *data, size_t len, int64_t *t, double *v, int max, Err *err)
{
	int n = chunk_count(data, len), i = 0;
	const uint8_t *p = data + HEADER_BITS / 8, *end = data + len;
	/* a reader meeting "window as before" first takes all 64 bits, like Prometheus' */
	XorDecoder d = {.significant = 64};
	uint8_t tail[2 * SLACK + 8] = {0};
	size_t left;

	if (len < HEADER_BITS / 8 || n > max)
		return corrupt(err, len, n);
	if (n == 0)
		return 0;
	p = varint_get(p, end, &d.time);
	if (p == NULL || end - p < 8)
		return corrupt(err, len, n);
	d.time = (uint64_t) varint_unzigzag(d.time);
	d.value = bits_load_be64(p);
	p += 8;
	t[0] = (int64_t) d.time;
	v[0] = value_from_bits(d.value);
	if (n == 1)
		return 1;

	/*
	 * Sample 1 has a uvarint where later ones have a delta of delta.  Its value is decoded by
	 * the loop as that of a sample whose delta of delta is zero, whose single bit is taken to
	 * stand just before the value: the lowest bit of the varint's last byte.  So the loop
	 * begins one bit early, with that bit masked out of a copy.
	 */
	p = varint_get(p, end, &d.delta);
	if (p == NULL)
		return corrupt(err, len, n);
	p--;
	left = (size_t) (end - p);
	memcpy(tail, p, left < sizeof(tail) - SLACK ? left : sizeof(tail) - SLACK);
	tail[0] = 0;
	d.pos = 7;
	i = decode_until(&d, tail, left > 1 ? 8 : 0, 1, 2, t, v);
	if (d.corrupt || i != 2)
		return corrupt(err, len, n);

	i = decode_rest(&d, p, left, 2, n, t, v);
	if (i < n || d.corrupt || d.pos > left * 8 || !is_ascending(t, n))
		return corrupt(err, len, n);
	return n;
}

/* chunk_xor_decode_after -- the samples behind a mark; see chunk.h. */
int
chunk_xor_decode_after(const ChunkXorMark *mark, const uint8_t *data, size_t len, int64_t *t,
					   double *v, int max, Err *err)
{
	int n = chunk_count(data, len) - mark->count;
	size_t first = mark->bits / 8;
	size_t left = len - first;
	XorDecoder d = {.pos = mark->bits % 8,
					.time = (uint64_t) mark->t,
					.delta = (uint64_t) mark->delta,
					.value = mark->v,
					.significant = 64};

	if (first > len || n < 0 || n > max)
		return corrupt(err, len, n);
	if (mark->leading != NO_WINDOW)
	{
		d.significant = 64u - mark->leading - mark->trailing;
		d.trailing = mark->trailing;
	}
	if (decode_rest(&d, data + first, left, 0, n, t, v) < n || d.corrupt || d.pos > left * 8 ||
		!is_ascending(t, n) || (n > 0 && t[0] <= mark->t))
		return corrupt(err, len, n);
	return n;
}
