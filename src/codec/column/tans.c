/*
 * tans.c
 *    Integers by bins, the bins entropy-coded: models, blocks written and read.
 *
 * The coder is tabled asymmetric numeral systems (Duda, "Asymmetric numeral systems", 2013), in the form
 * of finite state entropy (Collet): a state is a number below 2^log that stands for a bin; a bin
 * of weight w has w of the states, spread over the table.  Reading, a state gives the bin and
 * the number of bits that lead to the next state; so a bin costs log - log2(w) bits on
 * average, fractions of bits included.  Writing goes backwards.
 *
 * A block is read by LANES states in turn, so that the processor has that many chains of
 * look-ups to work on; they share one stream of bits, in which each value has the bits of its
 * lane's next state and then those of its place in the bin.  Short blocks have one lane.
 *
 * Invariants: every state reached lies within the table, whatever the bits are: weights sum up
 * to the size of the table (tans_get_model checks), so next + mask < 2^log for all entries.
 */
#include "codec/column/tans.h"

#include "util/mem.h"

#include <assert.h>

#define LANES		4
#define LANES_MIN_N 256 /* values of a block that has LANES lanes and not one */
#define WIDE_BYTES	9	/* that a value has at most: TANS_MAX_LOG and 57 bits */

/* --- models -------------------------------------------------------------------------------- */

/* put_number -- any number: 7 bits of its width, then its bits without the leading one. */
static void
put_number(LsbWriter *w, uint64_t v)
{
	unsigned width = bit_width(v);

	lsb_put(w, width, 7);
	if (width > 1)
		lsb_put(w, v & low_mask(width - 1), width - 1);
}

static uint64_t
get_number(LsbReader *r)
{
	unsigned width = (unsigned) lsb_get(r, 7);

	if (width <= 1)
		return width;
	if (width > 64)
	{
		r->pos = (size_t) (r->end - r->p) * 8 + 1; /* an overrun */
		return 0;
	}
	return UINT64_C(1) << (width - 1) | lsb_get(r, width - 1);
}

/* bin_end -- the number behind the bin's last one, modulo 2^64 */
static uint64_t
bin_end(const TansBin *b)
{
	return (uint64_t) b->lower + (b->width < 64 ? UINT64_C(1) << b->width : 0);
}

/* tans_put_model -- write the model at p, which has room for TANS_MODEL_BYTES. */
uint8_t *
tans_put_model(uint8_t *p, const TansModel *m)
{
	LsbWriter w = {.p = p};

	lsb_put(&w, m->log - TANS_MIN_LOG, 3);
	lsb_put(&w, (uint64_t) m->nbins - 1, 6);
	for (int i = 0; i < m->nbins; i++)
	{
		const TansBin *b = &m->bins[i];

		if (i == 0)
			put_number(&w, (uint64_t) b->lower);
		else if ((uint64_t) b->lower == bin_end(b - 1))
			lsb_put(&w, 0, 1);
		else
		{
			lsb_put(&w, 1, 1);
			put_number(&w, (uint64_t) b->lower - (uint64_t) b[-1].lower);
		}
		if (i > 0 && b->width == b[-1].width)
			lsb_put(&w, 0, 1);
		else
			lsb_put(&w, 1 | (uint64_t) b->width << 1, 8);
		if (i < m->nbins - 1) /* the last one has what is left */
		{
			unsigned width = bit_width(b->weight);

			lsb_put(&w, width - 1, 4);
			lsb_put(&w, b->weight & low_mask(width - 1), width - 1);
		}
	}
	return lsb_close(&w);
}

/*
 * tans_get_model -- read a model from [p, end).
 *
 * Returns the byte behind it, or NULL if it is none: bins that do not ascend, weights that do
 * not sum up.
 */
const uint8_t *
tans_get_model(const uint8_t *p, const uint8_t *end, TansModel *m)
{
	LsbReader r = {p, end, 0};
	int left;

	m->log = TANS_MIN_LOG + (unsigned) lsb_get(&r, 3);
	if (m->log > TANS_MAX_LOG)
		return NULL;
	m->nbins = (int) lsb_get(&r, 6) + 1;
	left = 1 << m->log;
	for (int i = 0; i < m->nbins; i++)
	{
		TansBin *b = &m->bins[i];

		if (i == 0)
			b->lower = (int64_t) get_number(&r);
		else if (lsb_get(&r, 1) == 0)
			b->lower = (int64_t) bin_end(b - 1);
		else
			b->lower = (int64_t) ((uint64_t) b[-1].lower + get_number(&r));
		if (i > 0 && b->lower <= b[-1].lower)
			return NULL;
		if (lsb_get(&r, 1) != 0)
			b->width = (uint8_t) lsb_get(&r, 7);
		else if (i > 0)
			b->width = b[-1].width;
		else
			return NULL;
		if (b->width > 64)
			return NULL;
		if (i < m->nbins - 1)
		{
			unsigned width = (unsigned) lsb_get(&r, 4);
			int weight = 1 << width | (int) lsb_get(&r, width);

			if (weight >= left)
				return NULL;
			b->weight = (uint16_t) weight;
			left -= weight;
		}
		else
			b->weight = (uint16_t) left;
	}
	return lsb_overrun(&r) ? NULL : p + (r.pos + 7) / 8;
}

/*
 * Spread the bins' states over the table: steps of an odd number that is more than half of the
 * size visit every place once.
 */
static void
spread(const TansModel *m, uint8_t *bin_of)
{
	unsigned size = 1u << m->log, step = (size >> 1) + (size >> 3) + 3, at = 0;

	for (int i = 0; i < m->nbins; i++)
		for (int j = 0; j < m->bins[i].weight; j++)
		{
			bin_of[at] = (uint8_t) i;
			at = (at + step) & (size - 1);
		}
	assert(at == 0);
}

/* --- writing ------------------------------------------------------------------------------- */

/* tans_encoder_init -- the model must stay while the encoder is used. */
void
tans_encoder_init(TansEncoder *e, const TansModel *m)
{
	uint8_t bin_of[1 << TANS_MAX_LOG];
	uint16_t next[TANS_MAX_BINS];
	unsigned sum = 0;

	e->model = m;
	for (int i = 0; i < m->nbins; i++)
	{
		e->first[i] = next[i] = (uint16_t) sum;
		sum += m->bins[i].weight;
	}
	assert(sum == 1u << m->log);
	spread(m, bin_of);
	for (unsigned s = 0; s < sum; s++)
		e->states[next[bin_of[s]]++] = (uint16_t) s;
}

/* find_bin -- the last bin that does not begin above v */
static inline int
find_bin(const TansModel *m, int64_t v)
{
	int i = 0;

	for (int n = m->nbins; n > 1; n -= n / 2)
		i += m->bins[i + n / 2].lower <= v ? n / 2 : 0;
	assert((uint64_t) v - (uint64_t) m->bins[i].lower <= low_mask(m->bins[i].width));
	return i;
}

/*
 * tans_put -- write a block of n (1..TANS_BLOCK_MAX) values at p; returns the byte behind it.
 *
 * Every value lies in a bin of the model (asserted).  p has room for TANS_BLOCK_BYTES(n).
 */
uint8_t *
tans_put(const TansEncoder *e, uint8_t *p, const int64_t *v, int n)
{
	const TansModel *m = e->model;
	unsigned size = 1u << m->log, lanes = n >= LANES_MIN_N ? LANES : 1, state[LANES];
	LsbWriter w = {.p = p};
	/* of each value: bin, bits to its lane's next state and their number */
	uint8_t bin[TANS_BLOCK_MAX], count[TANS_BLOCK_MAX];
	uint16_t bits[TANS_BLOCK_MAX];

	assert(n >= 1 && n <= TANS_BLOCK_MAX);
	for (int i = n - 1; i >= 0; i--)
	{
		unsigned lane = (unsigned) i % lanes, first, weight, x, shift;

		bin[i] = (uint8_t) find_bin(m, v[i]);
		first = e->first[bin[i]];
		weight = m->bins[bin[i]].weight;
		if (i >= n - (int) lanes)
		{
			count[i] = 0;
			bits[i] = 0;
			state[lane] = e->states[first];
			continue;
		}
		x = state[lane] + size;
		shift = m->log + 1 - bit_width(weight);
		if (x >> shift < weight)
			shift--;
		count[i] = (uint8_t) shift;
		bits[i] = (uint16_t) (x & ((1u << shift) - 1));
		state[lane] = e->states[first + (x >> shift) - weight];
	}
	for (unsigned lane = 0; lane < lanes; lane++)
		lsb_put(&w, state[lane], m->log);
	for (int i = 0; i < n; i++)
	{
		const TansBin *b = &m->bins[bin[i]];

		uint64_t place = (uint64_t) v[i] - (uint64_t) b->lower;

		if (count[i] + b->width <= 64)
			lsb_put(&w, bits[i] | place << count[i], count[i] + b->width);
		else
		{
			lsb_put(&w, bits[i], count[i]);
			lsb_put(&w, place, b->width);
		}
	}
	return lsb_close(&w);
}

/* --- reading ------------------------------------------------------------------------------- */

/* tans_table_create -- for a model of tans_get_model; from mem_alloc. */
TansTable *
tans_table_create(const TansModel *m)
{
	uint8_t bin_of[1 << TANS_MAX_LOG];
	unsigned next[TANS_MAX_BINS], size = 1u << m->log;
	TansTable *t = mem_alloc(sizeof(*t) + size * sizeof(t->entries[0]));

	t->log = m->log;
	t->max_total = 0;
	t->max_width = 0;
	for (int i = 0; i < m->nbins; i++)
	{
		unsigned total = m->log + 1 - bit_width(m->bins[i].weight) + m->bins[i].width;

		if (total > t->max_total)
			t->max_total = total;
		if (m->bins[i].width > t->max_width)
			t->max_width = m->bins[i].width;
		next[i] = m->bins[i].weight;
	}
	spread(m, bin_of);
	for (unsigned s = 0; s < size; s++)
	{
		const TansBin *b = &m->bins[bin_of[s]];
		unsigned x = next[bin_of[s]]++, bits = m->log + 1 - bit_width(x);

		t->entries[s] = (TansEntry){.lower = (uint64_t) b->lower,
									.next = (uint16_t) ((x << bits) - size),
									.mask = (uint16_t) ((1u << bits) - 1),
									.bits = (uint8_t) bits,
									.width = b->width,
									.total = (uint8_t) (bits + b->width)};
	}
	return t;
}

typedef struct TansCursor
{
	const TansTable *table;
	const uint8_t *p;	/* of the block */
	const uint8_t *end; /* of what may be read */
	size_t pos;			/* bits read from p */
	uint64_t sum;		/* of the values so far, if sums are wanted */
	unsigned state[LANES];
} TansCursor;

/*
 * get_rounds -- values i.. of the lanes in turn, as long as whole rounds are before stop and
 * loads stay within the readable bytes.  A value takes one load, of 57 bits; if it is wide, one for the
 * state and one for the place.  Neither has more bits than that.
 */
static inline __attribute__((always_inline)) int
get_rounds(TansCursor *c, const unsigned lanes, const bool sums, const bool wide, int i, int stop,
		   int64_t *v)
{
	const TansEntry *entries = c->table->entries;
	const uint8_t *p = c->p;
	size_t pos = c->pos, readable = (size_t) (c->end - p), limit;
	uint64_t sum = c->sum;
	unsigned state[LANES];

	if (readable < (size_t) lanes * WIDE_BYTES + 8)
		return i;
	/* the last load of a round begins less than lanes * WIDE_BYTES behind its first */
	limit = (readable - (size_t) lanes * WIDE_BYTES - 8) * 8;
	for (unsigned j = 0; j < lanes; j++)
		state[j] = c->state[j];
	for (; i + (int) lanes <= stop && pos < limit; i += (int) lanes)
	{
#pragma GCC unroll 4
		for (unsigned j = 0; j < lanes; j++)
		{
			const TansEntry *e = &entries[state[j]];
			uint64_t w = load_le64(p + (pos >> 3)) >> (pos & 7);
			size_t place = pos + e->bits;

			pos += e->total;
			state[j] = e->next + ((unsigned) w & e->mask);
			if (wide)
				w = load_le64(p + (place >> 3)) >> (place & 7);
			else
				w >>= e->bits;
			w = e->lower + (w & ((UINT64_C(1) << e->width) - 1));
			v[i + (int) j] = (int64_t) (sums ? sum += w : w);
		}
	}
	c->pos = pos;
	c->sum = sum;
	for (unsigned j = 0; j < lanes; j++)
		c->state[j] = state[j];
	return i;
}

/* get_one -- any value of any model, anywhere in the block; the last of a lane has no bits. */
static inline int64_t
get_one(TansCursor *c, unsigned lane, bool last)
{
	const TansEntry *e = &c->table->entries[c->state[lane]];
	LsbReader r = {c->p, c->end, c->pos};

	uint64_t place;

	if (!last)
		c->state[lane] = e->next + (unsigned) lsb_get(&r, e->bits);
	place = lsb_get(&r, e->width);
	c->pos = r.pos;
	return (int64_t) (e->lower + place);
}

/*
 * tans_get -- read the first want (1..n) values of the block of n values in [p, p + len); bytes up to
 * end may be read, though they are another's.
 *
 * With sum, which is updated, running sums are stored: each value plus all before plus *sum.
 * Returns false if the block is malformed as far as that shows: its bits must be used up.
 */
bool
tans_get(const TansTable *t, const uint8_t *p, size_t len, const uint8_t *end, int n, int want,
		 uint64_t *sum, int64_t *v)
{
	TansCursor c = {.table = t, .p = p, .end = end, .sum = sum != NULL ? *sum : 0};
	unsigned lanes = n >= LANES_MIN_N ? LANES : 1;
	LsbReader r = {p, end, 0};
	int i = 0, stop = want < n - (int) lanes ? want : n - (int) lanes;

	for (unsigned j = 0; j < lanes; j++)
		c.state[j] = (unsigned) lsb_get(&r, t->log);
	c.pos = r.pos;
	if (t->max_width > 57)
		;
	else if (lanes == 1)
		i = sum != NULL ? get_rounds(&c, 1, true, true, i, stop, v)
						: get_rounds(&c, 1, false, true, i, stop, v);
	else if (t->max_total > 57)
		i = sum != NULL ? get_rounds(&c, LANES, true, true, i, stop, v)
						: get_rounds(&c, LANES, false, true, i, stop, v);
	else
		i = sum != NULL ? get_rounds(&c, LANES, true, false, i, stop, v)
						: get_rounds(&c, LANES, false, false, i, stop, v);
	for (; i < want && c.pos <= len * 8; i++)
	{
		v[i] = get_one(&c, (unsigned) i % lanes, i >= n - (int) lanes);
		if (sum != NULL)
			v[i] = (int64_t) (c.sum += (uint64_t) v[i]);
	}
	if (sum != NULL)
		*sum = c.sum;
	return i == want && (want < n ? c.pos <= len * 8 : (c.pos + 7) / 8 == len);
}
