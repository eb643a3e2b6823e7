/*
 * times.c
 *    Columns of timestamps.
 *
 * Scrapes happen at a regular interval, so times are a line: a column without any deviation
 * is three numbers.  With some milliseconds of jitter the deviations from the line are coded, not
 * the differences of neighbours, which would have the jitter of two.  Where scrapes were
 * missed the line goes on in its rhythm: the gaps are listed by the number of scrapes, and
 * closed before the line is taken.  Any other times are a sequence of integers.
 *
 * Layout: docs/formats.md.  Memory: scratch is freed.
 */
#include "codec/column/column.h"
#include "codec/column/ints.h"

#include "util/mem.h"
#include "util/varint.h"

#include <assert.h>

typedef enum TimesKind
{
	TIMES_REGULAR, /* a first time and a step */
	TIMES_ANY,	   /* integers */
	TIMES_GAPS	   /* integers, with gaps between */
} TimesKind;

/* --- writing ------------------------------------------------------------------------------- */

/* Gaps: before the sample places[i], skips[i] steps are missing. */
typedef struct Gaps
{
	int n;
	int64_t step;
	int64_t *places;
	int64_t *skips;
} Gaps;

/* median_step -- of the differences of n (>= 2) times, near enough: of a sample */
static int64_t
median_step(const int64_t *t, int n)
{
	int64_t d[63];
	int count = 0, stride = n / 63 > 1 ? n / 63 : 1;

	for (int i = 1; i < n && count < 63; i += stride)
	{
		int64_t x = (int64_t) ((uint64_t) t[i] - (uint64_t) t[i - 1]);
		int j = count++;

		for (; j > 0 && d[j - 1] > x; j--)
			d[j] = d[j - 1];
		d[j] = x;
	}
	return d[count / 2];
}

/*
 * find_gaps -- differences of at least one and a half steps.
 *
 * The step is that of the line through all times, gaps closed.  Returns false if there is no
 * gap, or too many for the times to have a rhythm.
 */
static bool
find_gaps(const int64_t *t, int n, Gaps *g)
{
	uint64_t step = (uint64_t) median_step(t, n), span = (uint64_t) t[n - 1] - (uint64_t) t[0];
	uint64_t total = 0;

	g->n = 0;
	if (step == 0 || step > span || span >> 62 != 0)
		return false;
	for (int i = 1; i < n; i++)
	{
		uint64_t d = (uint64_t) t[i] - (uint64_t) t[i - 1];

		if (d < step + step / 2 || step == 1)
			continue;
		if (g->n > n / 8)
			return false;
		g->places[g->n] = i;
		g->skips[g->n] = (int64_t) ((d + step / 2) / step - 1);
		total += (uint64_t) g->skips[g->n++];
	}
	g->step = (int64_t) ((span + (total + (uint64_t) n - 1) / 2) / (total + (uint64_t) n - 1));
	return g->n > 0;
}

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

static void
put_head(TimesKind kind, const int64_t *t, int n, Buf *out)
{
	buf_char(out, (char) kind);
	buf_uvarint(out, (uint64_t) n);
	if (n == 0)
		return;
	buf_varint(out, t[0]);
	if (kind != TIMES_REGULAR)
		buf_uvarint(out, (uint64_t) t[n - 1] - (uint64_t) t[0]);
	else if (n > 1)
		buf_uvarint(out, (uint64_t) t[1] - (uint64_t) t[0]);
}

/* put_any -- times relative to the first one */
static void
put_any(const int64_t *t, int n, int64_t *y, Buf *out)
{
	for (int i = 0; i < n; i++)
		y[i] = (int64_t) ((uint64_t) t[i] - (uint64_t) t[0]);
	put_head(TIMES_ANY, t, n, out);
	ints_encode(y, n, out);
}

/* put_gaps -- the same with gaps closed; the list's places are made differences */
static void
put_gaps(const int64_t *t, int n, Gaps *g, int64_t *y, Buf *out)
{
	uint64_t shift = (uint64_t) t[0];
	int64_t last = 0;

	for (int i = 0, k = 0; i < n; i++)
	{
		if (k < g->n && g->places[k] == i)
			shift += (uint64_t) g->skips[k++] * (uint64_t) g->step;
		y[i] = (int64_t) ((uint64_t) t[i] - shift);
	}
	for (int k = 0; k < g->n; k++)
	{
		int64_t place = g->places[k];

		g->places[k] = place - last - 1;
		last = place;
	}
	put_head(TIMES_GAPS, t, n, out);
	buf_uvarint(out, (uint64_t) g->step);
	buf_uvarint(out, (uint64_t) g->n);
	put_list(g->places, g->n, out);
	put_list(g->skips, g->n, out);
	ints_encode(y, n, out);
}

static bool
is_regular(const int64_t *t, int n)
{
	bool same = true;

	for (int i = 2; i < n; i++)
		same &= (uint64_t) t[i] - (uint64_t) t[i - 1] == (uint64_t) t[1] - (uint64_t) t[0];
	return same;
}

/*
 * column_times_encode -- append n (0..COLUMN_MAX_SAMPLES) times to out.
 *
 * They ascend strictly (asserted); any 64-bit integers do.
 */
void
column_times_encode(const int64_t *t, int n, Buf *out)
{
	int64_t *y;
	Gaps g;
	Buf any, gaps;

	assert(n >= 0 && n <= COLUMN_MAX_SAMPLES);
	for (int i = 1; i < n; i++)
		assert(t[i] > t[i - 1]);
	if (is_regular(t, n))
	{
		put_head(TIMES_REGULAR, t, n, out);
		return;
	}
	y = mem_alloc(sizeof(*y) * (size_t) n);
	g.places = mem_alloc(sizeof(*y) * (size_t) (n / 8 + 2));
	g.skips = mem_alloc(sizeof(*y) * (size_t) (n / 8 + 2));
	buf_init(&any, (size_t) n + 64, SIZE_MAX / 2);
	put_any(t, n, y, &any);
	if (find_gaps(t, n, &g))
	{
		buf_init(&gaps, (size_t) n + 64, SIZE_MAX / 2);
		put_gaps(t, n, &g, y, &gaps);
		if (gaps.len < any.len)
		{
			buf_reset(&any);
			buf_append(&any, gaps.data, gaps.len);
		}
		buf_free(&gaps);
	}
	buf_append(out, any.data, any.len);
	buf_free(&any);
	mem_free(y);
	mem_free(g.places);
	mem_free(g.skips);
}

/* --- reading ------------------------------------------------------------------------------- */

/* A column, opened. */
typedef struct Times
{
	TimesKind kind;
	int n;
	uint64_t first;
	uint64_t last;
	uint64_t step; /* regular; of gaps */
	int gaps;
	IntsReader places;
	IntsReader skips;
	IntsReader ints;
} Times;

static const uint8_t *
open_list(IntsReader *r, int n, const uint8_t *p, const uint8_t *end)
{
	uint64_t len;

	p = varint_get(p, end, &len);
	if (p == NULL || len > (size_t) (end - p) || !ints_open(r, p, (size_t) len, n))
		return NULL;
	return p + len;
}

static const uint8_t *
open_gaps(Times *c, const uint8_t *p, const uint8_t *end)
{
	uint64_t n;

	p = varint_get(p, end, &c->step);
	if (p != NULL)
		p = varint_get(p, end, &n);
	if (p == NULL || n < 1 || n >= (uint64_t) c->n)
		return NULL;
	c->gaps = (int) n;
	p = open_list(&c->places, c->gaps, p, end);
	if (p != NULL)
		p = open_list(&c->skips, c->gaps, p, end);
	return p;
}

/* open_head -- kind, number, first and last time */
static const uint8_t *
open_head(Times *c, const uint8_t *p, const uint8_t *end)
{
	uint64_t n, first, span = 0;

	if (p == end || *p > TIMES_GAPS)
		return NULL;
	c->kind = (TimesKind) *p++;
	p = varint_get(p, end, &n);
	if (p == NULL || n > COLUMN_MAX_SAMPLES || (n < 2 && c->kind != TIMES_REGULAR))
		return NULL;
	c->n = (int) n;
	if (n == 0)
		return p == end ? p : NULL;
	p = varint_get(p, end, &first);
	if (p == NULL)
		return NULL;
	c->first = (uint64_t) varint_unzigzag(first);
	if (n > 1)
		p = varint_get(p, end, &span);
	if (p == NULL)
		return NULL;
	if (c->kind == TIMES_REGULAR)
	{
		c->step = span;
		if (p != end || (n > 1 && (span == 0 || span > UINT64_MAX / (n - 1))))
			return NULL;
		span *= n - 1;
	}
	c->last = c->first + span;
	return span <= (uint64_t) INT64_MAX - c->first || (int64_t) c->last >= (int64_t) c->first
			   ? p
			   : NULL;
}

/* open_times -- close_times afterwards, whatever the answer */
static bool
open_times(Times *c, const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len;

	*c = (Times){0};
	p = open_head(c, p, end);
	if (p != NULL && c->kind == TIMES_GAPS)
		p = open_gaps(c, p, end);
	return p != NULL &&
		   (c->kind == TIMES_REGULAR || ints_open(&c->ints, p, (size_t) (end - p), c->n));
}

static void
close_times(Times *c)
{
	ints_close(&c->places);
	ints_close(&c->skips);
	ints_close(&c->ints);
}

/* add_gaps -- open the gaps again in times from .. to - 1 */
static bool
add_gaps(Times *c, int from, int to, int64_t *t)
{
	int64_t places[INTS_BLOCK], skips[INTS_BLOCK];
	uint64_t shift = 0;
	int i = from, place = 0;

	for (int k = 0; k < c->gaps && i < to; k += INTS_BLOCK)
	{
		int n = c->gaps - k < INTS_BLOCK ? c->gaps - k : INTS_BLOCK;

		if (!ints_read(&c->places, k, k + n, places) || !ints_read(&c->skips, k, k + n, skips))
			return false;
		for (int j = 0; j < n && i < to; j++)
		{
			if ((uint64_t) places[j] >= (uint64_t) (c->n - 1 - place))
				return false;
			place += 1 + (int) places[j];
			for (; i < to && i < place; i++)
				t[i - from] = (int64_t) ((uint64_t) t[i - from] + shift);
			shift += (uint64_t) skips[j] * c->step;
		}
	}
	for (; i < to; i++)
		t[i - from] = (int64_t) ((uint64_t) t[i - from] + shift);
	return true;
}

/* read_times -- times from .. to - 1, and that they ascend between the first and the last */
static bool
read_times(Times *c, int from, int to, int64_t *t)
{
	bool ok = true;

	if (from == to)
		return true;
	if (c->kind == TIMES_REGULAR)
	{
		for (int i = from; i < to; i++)
			t[i - from] = (int64_t) (c->first + (uint64_t) i * c->step);
		return true;
	}
	if (!ints_read(&c->ints, from, to, t))
		return false;
	for (int i = 0; i < to - from; i++)
		t[i] = (int64_t) ((uint64_t) t[i] + c->first);
	if (c->kind == TIMES_GAPS && !add_gaps(c, from, to, t))
		return false;
	for (int i = 1; i < to - from; i++)
		ok &= t[i] > t[i - 1];
	ok &= from > 0 ? t[0] > (int64_t) c->first : t[0] == (int64_t) c->first;
	ok &= to < c->n ? t[to - from - 1] < (int64_t) c->last : t[to - from - 1] == (int64_t) c->last;
	return ok;
}

static bool
corrupt(Err *err, size_t len)
{
	return err_set(err, ERR_CORRUPT, -1, "time column of %zu bytes is malformed", len);
}

/* column_times_peek -- what the column's first bytes say; false with err if they are malformed. */
bool
column_times_peek(const uint8_t *p, size_t len, ColumnTimes *info, Err *err)
{
	Times c;

	c = (Times){0};
	if (open_head(&c, p, p + len) == NULL)
		return corrupt(err, len);
	*info = (ColumnTimes){c.n, (int64_t) c.first, (int64_t) c.last};
	return true;
}

/*
 * column_times_decode -- all times to t[], which has room for max.
 *
 * Returns their number; they ascend strictly, from what column_times_peek says to what it says.
 * Returns -1 with err if they are more than max or the column is malformed.
 */
int
column_times_decode(const uint8_t *p, size_t len, int64_t *t, int max, Err *err)
{
	Times c;

	int n = -1;

	if (open_times(&c, p, len) && c.n <= max && read_times(&c, 0, c.n, t))
		n = c.n;
	else
		corrupt(err, len);
	close_times(&c);
	return n;
}

/*
 * column_times_range -- the times with index from .. to - 1 to t[]; they ascend strictly.
 *
 * Returns false with err if the column does not reach that far or is malformed.
 */
bool
column_times_range(const uint8_t *p, size_t len, int from, int to, int64_t *t, Err *err)
{
	Times c;

	bool ok = open_times(&c, p, len) && from >= 0 && from <= to && to <= c.n &&
			  read_times(&c, from, to, t);

	close_times(&c);
	return ok || corrupt(err, len);
}

/* find -- column_times_find in an opened column that is not regular; -1: malformed */
static int
find(Times *c, int64_t t)
{
	int64_t block[COLUMN_BLOCK];
	int low = 0, high = (c->n + COLUMN_BLOCK - 1) / COLUMN_BLOCK, n, i = 0;

	/* the last block whose first time is below t */
	while (high - low > 1)
	{
		int middle = (low + high) / 2;

		if (!read_times(c, middle * COLUMN_BLOCK, middle * COLUMN_BLOCK + 1, block))
			return -1;
		if (block[0] < t)
			low = middle;
		else
			high = middle;
	}
	low *= COLUMN_BLOCK;
	n = c->n - low < COLUMN_BLOCK ? c->n - low : COLUMN_BLOCK;
	if (!read_times(c, low, low + n, block))
		return -1;
	while (i < n)
	{
		int middle = (i + n) / 2;

		if (block[middle] < t)
			i = middle + 1;
		else
			n = middle;
	}
	return low + i;
}

/*
 * column_times_find -- the number of times less than t: the index of the first one that is not.
 *
 * Looks at the first time of some blocks, then into one block.  Returns -1 with err if the
 * column is malformed.
 */
int
column_times_find(const uint8_t *p, size_t len, int64_t t, Err *err)
{
	Times c;
	int n = -1;

	if (!open_times(&c, p, len))
		;
	else if (c.n == 0 || t <= (int64_t) c.first)
		n = 0;
	else if (t > (int64_t) c.last)
		n = c.n;
	else if (c.kind == TIMES_REGULAR)
		n = (int) (((uint64_t) t - c.first + c.step - 1) / c.step);
	else
		n = find(&c, t);
	close_times(&c);
	if (n < 0)
		corrupt(err, len);
	return n;
}
