/*
 * column_reference.c
 *    Columns read the slow way, from docs/formats.md alone: shares no code with src/codec.
 */
#include "column_reference.h"

#include "util/mem.h"

#include <math.h>
#include <string.h>

typedef struct In
{
	const uint8_t *p;
	const uint8_t *end;
	size_t bit; /* of p[0], while in a bit field */
} In;

static uint64_t
uvarint(In *in)
{
	uint64_t v = 0;

	for (int shift = 0;; shift += 7)
	{
		v |= (uint64_t) (*in->p & 0x7f) << shift;
		if ((*in->p++ & 0x80) == 0)
			return v;
	}
}

static uint64_t
varint(In *in)
{
	uint64_t u = uvarint(in);

	return u % 2 != 0 ? ~(u / 2) : u / 2;
}

static uint64_t
bits(In *in, int n)
{
	uint64_t v = 0;

	for (int i = 0; i < n; i++, in->bit++)
		v |= (uint64_t) (in->p[in->bit / 8] >> in->bit % 8 & 1) << i;
	return v;
}

static void
to_byte(In *in)
{
	in->p += (in->bit + 7) / 8;
	in->bit = 0;
}

static In
part(In *in, uint64_t len)
{
	In sub = {in->p, in->p + len, 0};

	in->p += len;
	return sub;
}

static uint64_t
shift_right(uint64_t x, int k)
{
	return (x >> k) | (k > 0 && x >> 63 ? ~(UINT64_MAX >> k) : 0);
}

static uint64_t
number(In *in)
{
	int b = (int) bits(in, 7);

	return b == 0 ? 0 : bits(in, b - 1) | (uint64_t) 1 << (b - 1);
}

typedef struct Model
{
	int log;
	int bins;
	uint64_t lower[64];
	int width[64];
	int weight[64];
	int bin[2048];	 /* of a state */
	int count[2048]; /* its x */
} Model;

static void
model(In *in, Model *m)
{
	int left, at = 0;

	m->log = 5 + (int) bits(in, 3);
	m->bins = 1 + (int) bits(in, 6);
	left = 1 << m->log;
	for (int i = 0; i < m->bins; i++)
	{
		if (i == 0)
			m->lower[0] = number(in);
		else if (bits(in, 1) == 0)
			m->lower[i] = m->lower[i - 1] + ((uint64_t) 1 << m->width[i - 1]);
		else
			m->lower[i] = m->lower[i - 1] + number(in);
		m->width[i] = bits(in, 1) ? (int) bits(in, 7) : m->width[i - 1];
		m->weight[i] = left;
		if (i < m->bins - 1)
		{
			int j = (int) bits(in, 4);

			m->weight[i] = (1 << j) + (int) bits(in, j);
		}
		left -= m->weight[i];
	}
	to_byte(in);
	for (int i = 0; i < m->bins; i++)
		for (int j = 0; j < m->weight[i]; j++)
		{
			m->bin[at] = i;
			at = (at + (1 << (m->log - 1)) + (1 << (m->log - 3)) + 3) % (1 << m->log);
		}
	for (int i = 0; i < m->bins; i++)
		for (int s = 0, x = m->weight[i]; s < 1 << m->log; s++)
			if (m->bin[s] == i)
				m->count[s] = x++;
}

static void
bins_block(In in, const Model *m, int n, uint64_t *c)
{
	int lanes = n >= 256 ? 4 : 1, state[4];

	for (int j = 0; j < lanes; j++)
		state[j] = (int) bits(&in, m->log);
	for (int i = 0; i < n; i++)
	{
		int *s = &state[i % lanes], bin = m->bin[*s], x = m->count[*s], b = m->log;

		while (x >> (m->log - b + 1) != 0)
			b--;
		if (i + lanes < n)
			*s = (x << b) - (1 << m->log) + (int) bits(&in, b);
		c[i] = m->lower[bin] + bits(&in, m->width[bin]);
	}
}

static void
sequence(In in, int n, uint64_t *y)
{
	int head = *in.p++, code = head & 3, order = head >> 2 & 3, k = head & 0x40 ? 3 : 0;
	uint64_t slope = 0, Y = 0, L = 0, factor = 1, offset = 0, before_y = 0, before_l = 0;
	static Model m;

	if (head & 0x10)
		slope = varint(&in);
	if (order == 2)
		Y = varint(&in);
	if (order >= 1)
		L = varint(&in);
	if (head & 0x20)
		factor = uvarint(&in);
	if (head & 0x20 || code == 0 || code == 3)
		offset = varint(&in);
	for (int i = 0; i < n; i++)
		y[i] = offset;
	if (code == 2)
		model(&in, &m);
	if (code == 3)
	{
		int count = (int) uvarint(&in), place = -1;
		In gaps = part(&in, uvarint(&in));
		uint64_t *gap = mem_alloc(8 * (size_t) count), *r = mem_alloc(8 * (size_t) count);

		sequence(gaps, count, gap);
		sequence(in, count, r);
		for (int i = 0; i < count; i++)
		{
			place += 1 + (int) gap[i];
			y[place] = r[i];
		}
	}
	for (int i = 0; i < n; i++)
	{
		uint64_t r;

		if (i % 1024 == 0 && (code == 1 || code == 2))
		{
			int size = n - i < 1024 ? n - i : 1024;

			if (i > 0 && order == 2)
				before_y += 1024 * shift_right(before_l, k) + varint(&in);
			if (i > 0 && order >= 1)
				before_l += varint(&in);
			if (i > 0)
			{
				Y = before_y;
				L = before_l;
			}
			before_y = Y;
			before_l = L;
			if (code == 1)
			{
				int w = *in.p++;
				uint64_t least = varint(&in);

				for (int j = 0; j < size; j++)
					y[i + j] = least + bits(&in, w);
				to_byte(&in);
			}
			else
				bins_block(part(&in, uvarint(&in)), &m, size, y + i);
			for (int j = 0; j < size; j++)
				y[i + j] = offset + factor * y[i + j];
		}
		r = y[i];
		if (order == 0)
			y[i] = r + shift_right((uint64_t) i * slope, 16);
		else
		{
			y[i] = (order == 2 ? Y : 0) + r + shift_right(L, k);
			L += r;
			Y = y[i];
		}
	}
}

static uint64_t *
list(In *in, int n)
{
	uint64_t *y = mem_alloc(8 * (size_t) n);
	In sub = part(in, uvarint(in));

	sequence(sub, n, y);
	return y;
}

int
reference_times(const uint8_t *p, size_t len, int64_t **t)
{
	In in = {p, p + len, 0};
	int kind = *in.p++, n = (int) uvarint(&in);
	uint64_t *out = mem_alloc(8 * (size_t) n + 8), first, step = 0, shift = 0;
	uint64_t *places = NULL, *skips = NULL, gaps = 0, k = 0;
	int next = -1;

	*t = (int64_t *) out;
	if (n == 0)
		return 0;
	first = varint(&in);
	if (n > 1)
		step = uvarint(&in);
	if (kind == 0)
	{
		for (int i = 0; i < n; i++)
			out[i] = first + (uint64_t) i * step;
		return n;
	}
	if (kind == 2)
	{
		step = uvarint(&in);
		gaps = uvarint(&in);
		places = list(&in, (int) gaps);
		skips = list(&in, (int) gaps);
		next = 1 + (int) places[0];
	}
	sequence(in, n, out);
	for (int i = 0; i < n; i++)
	{
		if (i == next)
		{
			shift += step * skips[k++];
			next = k < gaps ? i + 1 + (int) places[k] : -1;
		}
		out[i] += first + shift;
	}
	return n;
}

static uint64_t
order_of(uint64_t b)
{
	return b >> 63 ? b ^ (UINT64_MAX >> 1) : b;
}

int
reference_values(const uint8_t *p, size_t len, double **v)
{
	In in = {p, p + len, 0};
	int head = *in.p++, n = (int) uvarint(&in), map = head & 3, digits = head >> 2 & 31;
	int scale = 0, count = 0, place = -1;
	uint64_t *y = mem_alloc(8 * (size_t) n + 8), *gap = NULL, *other = NULL, *drift = NULL, b;
	double power = 1;

	*v = mem_alloc(8 * (size_t) n + 8);
	if (n == 0)
		return 0;
	if (map == 1)
		scale = (int) (int64_t) varint(&in);
	if (head & 0x80)
	{
		count = (int) uvarint(&in);
		gap = list(&in, count);
		other = list(&in, count);
	}
	if (map == 3)
		drift = list(&in, n);
	sequence(in, n, y);
	for (int i = 0; i < digits; i++)
		power *= 10;
	for (int i = 0; i < n; i++)
	{
		double x = (double) (int64_t) y[i] / power;

		if (map == 1)
			x = ldexp((double) (int64_t) y[i], -scale);
		memcpy(&b, &x, 8);
		if (map == 2)
			b = order_of(y[i]);
		if (map == 3)
			b = order_of(order_of(b) + drift[i]);
		memcpy(&(*v)[i], &b, 8);
	}
	for (int i = 0; i < count; i++)
	{
		place += 1 + (int) gap[i];
		b = order_of(other[i]);
		memcpy(&(*v)[place], &b, 8);
	}
	return n;
}
