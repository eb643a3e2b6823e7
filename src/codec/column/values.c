/*
 * values.c
 *    Columns of doubles: a mapping to integers, the integers, and the values it does not reach.
 *
 * Most values of metrics are decimals with few digits, written as the nearest double.  m / 10^e
 * is that double exactly, because a division rounds correctly, so such a column is the sequence of
 * its m.  Mappings:
 *
 *    decimal      v = m / 10^e
 *    drifted      v is a few units in the last place beside m / 10^e: sums of decimals, which
 *                 rounding has moved; a second sequence has the units
 *    binary       v = m * 2^-s: integers beyond 2^53, fractions of two, uniform random numbers
 *    ordered      m = the bits of v, made to ascend with it: any double, every NaN
 *
 * Values that the mapping does not give back bit by bit (staleness markers, NaN, infinities, -0)
 * are exceptions: a list of places and ordered bits, while m repeats the integer before.
 *
 * Layout: docs/formats.md.  Memory: scratch is freed.
 */
#include "codec/column/column.h"
#include "codec/column/ints.h"
#include "codec/column/value_map.h"

#include "util/mem.h"
#include "util/varint.h"

#include <assert.h>

#define HAS_EXCEPTIONS 0x80
#define MAP_MASK	   0x03
#define DIGITS_SHIFT   2
#define DIGITS_MASK	   0x1f

/* --- writing ------------------------------------------------------------------------------- */

/* put_list -- a sequence behind its length */
static void
put_list(const int64_t *y, int n, Buf *out)
{
	Buf list;

	buf_init(&list, 64, SIZE_MAX / 2);
	ints_encode(y, n, &list);
	buf_uvarint(out, list.len);
	buf_append(out, list.data, list.len);
	buf_free(&list);
}

/* put_exceptions -- their number, places and ordered bits */
static void
put_exceptions(const ValueMapping *m, const double *v, Buf *out)
{
	int64_t *list = mem_alloc(sizeof(*list) * (size_t) m->exceptions);
	int last = -1;

	buf_uvarint(out, (uint64_t) m->exceptions);
	for (int i = 0; i < m->exceptions; last = m->places[i++])
		list[i] = m->places[i] - last - 1;
	put_list(list, m->exceptions, out);
	for (int i = 0; i < m->exceptions; i++)
		list[i] = value_order(v[m->places[i]]);
	put_list(list, m->exceptions, out);
	mem_free(list);
}

static void
put_mapped(const ValueMapping *m, const double *v, int n, Buf *out)
{
	unsigned head = m->kind | m->digits << DIGITS_SHIFT;

	buf_char(out, (char) (head | (m->exceptions > 0 ? HAS_EXCEPTIONS : 0)));
	buf_uvarint(out, (uint64_t) n);
	if (m->kind == VALUE_BINARY)
		buf_varint(out, m->scale);
	if (m->exceptions > 0)
		put_exceptions(m, v, out);
	if (m->kind == VALUE_DRIFTED)
		put_list(m->drift, n, out);
	ints_encode(m->ints, n, out);
}

/*
 * column_values_encode -- append n (0..COLUMN_MAX_SAMPLES) values to out, every bit of them.
 */
void
column_values_encode(const double *v, int n, Buf *out)
{
	ValueMapping m;
	Buf one, best;
	int kinds = 0;

	assert(n >= 0 && n <= COLUMN_MAX_SAMPLES);
	if (n == 0)
	{
		buf_append(out, "\0\0", 2);
		return;
	}
	value_mapping_init(&m, v, n);
	buf_init(&one, (size_t) n * 2 + 64, SIZE_MAX / 2);
	buf_init(&best, (size_t) n * 2 + 64, SIZE_MAX / 2);
	while (value_mapping_next(&m))
	{
		buf_reset(&one);
		put_mapped(&m, v, n, &one);
		if (kinds++ == 0 || one.len < best.len)
		{
			Buf swap = best;

			best = one;
			one = swap;
		}
	}
	value_mapping_free(&m);
	buf_append(out, best.data, best.len);
	buf_free(&one);
	buf_free(&best);
}

/* --- reading ------------------------------------------------------------------------------- */

/* A column, opened. */
typedef struct Column
{
	int n;
	ValueKind kind;
	unsigned digits;
	int scale;
	int exceptions;
	const uint8_t *places; /* sequences: of the gaps before exceptions, of their values */
	size_t places_len;
	const uint8_t *others;
	size_t others_len;
	const uint8_t *drift;
	size_t drift_len;
	const uint8_t *ints;
	size_t ints_len;
} Column;

/* get_list -- the bytes of a sequence behind its length */
static const uint8_t *
get_list(const uint8_t *p, const uint8_t *end, const uint8_t **list, size_t *len)
{
	uint64_t v;

	p = varint_get(p, end, &v);
	if (p == NULL || v > (size_t) (end - p))
		return NULL;
	*list = p;
	*len = (size_t) v;
	return p + v;
}

static const uint8_t *
open_exceptions(Column *c, const uint8_t *p, const uint8_t *end)
{
	uint64_t v;

	p = varint_get(p, end, &v);
	if (p == NULL || v < 1 || v > (uint64_t) c->n)
		return NULL;
	c->exceptions = (int) v;
	p = get_list(p, end, &c->places, &c->places_len);
	if (p != NULL)
		p = get_list(p, end, &c->others, &c->others_len);
	return p;
}

/* open_column -- read what comes before the integers; false if it is malformed. */
static bool
open_column(Column *c, const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len;
	uint64_t v;
	uint8_t head;

	*c = (Column){0};
	if (len < 2)
		return false;
	head = *p++;
	c->kind = (ValueKind) (head & MAP_MASK);
	c->digits = head >> DIGITS_SHIFT & DIGITS_MASK;
	p = varint_get(p, end, &v);
	if (p == NULL || v > COLUMN_MAX_SAMPLES || c->digits > VALUE_MAX_DIGITS)
		return false;
	c->n = (int) v;
	if (c->n == 0)
		return head == 0 && p == end;
	if (c->kind == VALUE_BINARY)
	{
		p = varint_get(p, end, &v);
		if (p == NULL)
			return false;
		c->scale = (int) varint_unzigzag(v);
		if (varint_unzigzag(v) < VALUE_MIN_SCALE || varint_unzigzag(v) > VALUE_MAX_SCALE)
			return false;
	}
	if (head & HAS_EXCEPTIONS)
		p = open_exceptions(c, p, end);
	if (p != NULL && c->kind == VALUE_DRIFTED)
		p = get_list(p, end, &c->drift, &c->drift_len);
	if (p == NULL)
		return false;
	c->ints = p;
	c->ints_len = (size_t) (end - p);
	return true;
}

/* map_back -- n integers (and drifts) to values */
static void
map_back(const Column *c, const int64_t *y, const int64_t *drift, int n, double *v)
{
	switch (c->kind)
	{
		case VALUE_DECIMAL:
			value_from_decimal(y, n, c->digits, v);
			break;
		case VALUE_DRIFTED:
			value_from_drifted(y, drift, n, c->digits, v);
			break;
		case VALUE_BINARY:
			value_from_binary(y, n, c->scale, v);
			break;
		case VALUE_ORDERED:
			value_from_ordered(y, n, v);
			break;
	}
}

/* read_mapped -- all but the exceptions */
static bool
read_mapped(const Column *c, int from, int to, double *v)
{
	int64_t y[COLUMN_BLOCK], drift[COLUMN_BLOCK];
	bool drifted = c->kind == VALUE_DRIFTED, ok;
	IntsReader ints, drifts = {0};

	ok = ints_open(&ints, c->ints, c->ints_len, c->n) &&
		 (!drifted || ints_open(&drifts, c->drift, c->drift_len, c->n));
	for (int i = from, next; ok && i < to; i = next)
	{
		next = (i / COLUMN_BLOCK + 1) * COLUMN_BLOCK;
		if (next > to)
			next = to;
		ok = ints_read(&ints, i, next, y) && (!drifted || ints_read(&drifts, i, next, drift));
		if (ok)
			map_back(c, y, drift, next - i, v + (i - from));
	}
	ints_close(&ints);
	ints_close(&drifts);
	return ok;
}

/*
 * put_exceptions_back -- a run of n exceptions to their places, as far as these lie in from ..
 * to - 1; *place is that of the exception before.
 */
static bool
put_exceptions_back(const int64_t *gaps, const int64_t *others, int n, int limit, int *place,
					int from, int to, double *v)
{
	for (int i = 0; i < n && *place < to; i++)
	{
		if ((uint64_t) gaps[i] >= (uint64_t) (limit - 1 - *place))
			return false;
		*place += 1 + (int) gaps[i];
		if (*place >= from && *place < to)
			v[*place - from] = value_unorder(others[i]);
	}
	return true;
}

/* read_exceptions -- put them in their places */
static bool
read_exceptions(const Column *c, int from, int to, double *v)
{
	int64_t gap[COLUMN_BLOCK], other[COLUMN_BLOCK];
	IntsReader gaps, others = {0};
	int place = -1;
	bool ok = ints_open(&gaps, c->places, c->places_len, c->exceptions) &&
			  ints_open(&others, c->others, c->others_len, c->exceptions);

	for (int i = 0, next; ok && i < c->exceptions && place < to; i = next)
	{
		next = c->exceptions - i < COLUMN_BLOCK ? c->exceptions : i + COLUMN_BLOCK;
		ok = ints_read(&gaps, i, next, gap) && ints_read(&others, i, next, other) &&
			 put_exceptions_back(gap, other, next - i, c->n, &place, from, to, v);
	}
	ints_close(&gaps);
	ints_close(&others);
	return ok;
}

static bool
corrupt(Err *err, size_t len)
{
	return err_set(err, ERR_CORRUPT, -1, "value column of %zu bytes is malformed", len);
}

static bool
read_column(const Column *c, int from, int to, double *v)
{
	return from == to ||
		   (read_mapped(c, from, to, v) && (c->exceptions == 0 || read_exceptions(c, from, to, v)));
}

/* column_values_count -- the number of values; -1 with err if the column is malformed. */
int
column_values_count(const uint8_t *p, size_t len, Err *err)
{
	Column c;

	if (!open_column(&c, p, len))
	{
		corrupt(err, len);
		return -1;
	}
	return c.n;
}

/*
 * column_values_decode -- all values to v[], which has room for max.
 *
 * Returns their number, or -1 with err if they are more or the column is malformed.
 */
int
column_values_decode(const uint8_t *p, size_t len, double *v, int max, Err *err)
{
	Column c;

	if (!open_column(&c, p, len) || c.n > max || !read_column(&c, 0, c.n, v))
	{
		corrupt(err, len);
		return -1;
	}
	return c.n;
}

/*
 * column_values_range -- the values with index from .. to - 1 to v[].
 *
 * Returns false with err if the column does not reach that far or is malformed.
 */
bool
column_values_range(const uint8_t *p, size_t len, int from, int to, double *v, Err *err)
{
	Column c;

	if (!open_column(&c, p, len) || from < 0 || from > to || to > c.n ||
		!read_column(&c, from, to, v))
		return corrupt(err, len);
	return true;
}
