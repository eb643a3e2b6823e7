/*
 * tans_fit.c
 *    The bins that cost least for given values.
 *
 * Sorted values are gathered into cells: each distinct value if there are few; else cells of one
 * size where most of the values are, values that are frequent by themselves, and outside cells
 * that double in size.  A bin covers neighbouring cells and is a power of two wide.  The cheapest
 * tiling is found from the right end: the best way to cover the cells from i on is the best,
 * over all widths of a bin that begins at i, of that bin and the best way to cover the rest.
 *
 * Costs are in 1/256 bit, logarithms good to about 1/100 bit.
 */
#include "codec/column/tans.h"

#include "util/mem.h"

#include <assert.h>

#define MAX_CELLS	 512
#define DISTINCT	 128 /* so few distinct values are all cells */
#define CENTRE_CELLS 128 /* at most, of one size, for the middle of the values */
#define UNIT		 256 /* of a cost: one bit */

typedef struct Cell
{
	int64_t lo;
	int64_t hi;
	int count;
} Cell;

typedef struct Cells
{
	int n;
	Cell cell[MAX_CELLS];
} Cells;

/* log2_units -- the logarithm of x > 0 in units: linear in the fraction, and its parabola */
static inline unsigned
log2_units(uint32_t x)
{
	unsigned whole = 31 - (unsigned) __builtin_clz(x);
	uint32_t f = (uint32_t) ((uint64_t) x << (31 - whole) >> 15) & 0xffff;
	uint32_t bend = (uint32_t) ((uint64_t) f * (65536 - f) >> 16) * 22713 >> 16;

	return whole * UNIT + ((f + bend) >> 8);
}

/* --- cells --------------------------------------------------------------------------------- */

/* run_end -- the index behind the values equal to sorted[i] */
static int
run_end(const int64_t *sorted, int n, int i)
{
	int j = i + 1;

	while (j < n && sorted[j] == sorted[i])
		j++;
	return j;
}

static void
add_cell(Cells *c, int64_t lo, int64_t hi, int count)
{
	assert(c->n < MAX_CELLS);
	c->cell[c->n++] = (Cell){lo, hi, count};
}

/* cells_of_distinct -- a cell for each value; false if there are too many */
static bool
cells_of_distinct(Cells *c, const int64_t *sorted, int n)
{
	c->n = 0;
	for (int i = 0, end; i < n; i = end)
	{
		end = run_end(sorted, n, i);
		if (c->n == DISTINCT)
			return false;
		add_cell(c, sorted[i], sorted[i], end - i);
	}
	return true;
}

typedef struct Grid
{
	uint64_t from;	/* first value of the centre */
	uint64_t to;	/* last value of it */
	unsigned shift; /* cells of the centre are 2^shift wide */
} Grid;

/* power -- 2^n, 0 for n = 64 */
static inline uint64_t
power(unsigned n)
{
	return n < 64 ? UINT64_C(1) << n : 0;
}

/* grid_cell -- the cell of the grid that v lies in, as far as 64 bits reach */
static void
grid_cell(const Grid *g, int64_t v, int64_t *lo, int64_t *hi)
{
	uint64_t x = (uint64_t) v;
	unsigned k;

	if (v > (int64_t) g->to)
	{
		k = bit_width((x - g->to - 1) >> g->shift);
		*lo = (int64_t) (g->to + 1 + (k > 0 ? power(g->shift + k - 1) : 0));
		*hi = (int64_t) (g->to + power(g->shift + k));
	}
	else if (v < (int64_t) g->from)
	{
		k = bit_width((g->from - 1 - x) >> g->shift);
		*hi = (int64_t) (g->from - 1 - (k > 0 ? power(g->shift + k - 1) : 0));
		*lo = (int64_t) (g->from - power(g->shift + k));
	}
	else
	{
		x = (x - g->from) >> g->shift << g->shift;
		*lo = (int64_t) (g->from + x);
		*hi = (int64_t) (g->from + x + low_mask(g->shift));
	}
	*lo = *lo > v ? INT64_MIN : *lo;
	*hi = *hi < v ? INT64_MAX : *hi;
}

/* cells_of_grid -- cells for many distinct values */
static void
cells_of_grid(Cells *c, const int64_t *sorted, int n)
{
	int64_t first = sorted[n / 128], last = sorted[n - 1 - n / 128];
	uint64_t span = (uint64_t) last - (uint64_t) first;
	Grid g = {.from = (uint64_t) first};
	int heavy = n / 64 > 16 ? n / 64 : 16;
	bool open = false; /* does the last cell take more values? */

	if (bit_width(span) > bit_width(CENTRE_CELLS - 1))
		g.shift = bit_width(span) - bit_width(CENTRE_CELLS - 1);
	g.to = g.from + (span | low_mask(g.shift));
	if ((int64_t) g.to < last)
		g.to = INT64_MAX;
	c->n = 0;
	for (int i = 0, end; i < n; i = end)
	{
		int64_t v = sorted[i], lo, hi;
		Cell *before = c->n > 0 ? &c->cell[c->n - 1] : NULL;

		end = run_end(sorted, n, i);
		if (end - i >= heavy && g.shift > 0)
		{
			if (before != NULL && before->hi >= v)
				before->hi = v - 1;
			add_cell(c, v, v, end - i);
			open = false;
			continue;
		}
		if (open && v <= before->hi)
		{
			before->count += end - i;
			continue;
		}
		grid_cell(&g, v, &lo, &hi);
		if (before != NULL && before->hi >= lo)
			lo = before->hi + 1;
		add_cell(c, lo, hi, end - i);
		open = true;
	}
}

/* --- tilings ------------------------------------------------------------------------------- */

typedef struct Tiling
{
	uint64_t cost[MAX_CELLS + 1]; /* of the cells from here on */
	int next[MAX_CELLS];		  /* the cell where the bin behind this one begins */
	int bins[MAX_CELLS + 1];
	uint8_t width[MAX_CELLS];
	int before[MAX_CELLS + 1]; /* values in earlier cells */
} Tiling;

/* the bits of a bin in the model's header, besides where it is */
#define BIN_BITS 13

/*
 * bin_cost -- of a bin for the cells i .. j - 1 and of what comes behind it
 *
 * It may be wide enough for more cells than those; the next bin begins before its end then.
 */
static uint64_t
bin_cost(const Tiling *t, const Cells *c, int i, int j, unsigned width, uint64_t fixed)
{
	uint32_t n = (uint32_t) t->before[c->n], count = (uint32_t) (t->before[j] - t->before[i]);
	uint64_t lo = (uint64_t) c->cell[i].lo;
	uint64_t cost = count * (uint64_t) (width * UNIT + log2_units(n) - log2_units(count));

	cost += fixed + t->cost[j];
	if (j < c->n && (uint64_t) c->cell[j].lo != lo + low_mask(width) + 1)
		cost += (7 + bit_width((uint64_t) c->cell[j].lo - lo)) * UNIT;
	return cost;
}

/* is_frequent -- may a cell be worth a bin of its own?  That saves its place, and costs as many bits and some. */
static inline bool
is_frequent(const Cell *c)
{
	return c->lo == c->hi && c->count > 1;
}

/*
 * tile -- find the cheapest tiling; fixed is what each bin costs, in units.
 *
 * A bin takes all cells that its width reaches, or ends where a frequent one begins.
 */
static void
tile(Tiling *t, const Cells *c, uint64_t fixed)
{
	int m = c->n;

	t->before[0] = 0;
	for (int i = 0; i < m; i++)
		t->before[i + 1] = t->before[i] + c->cell[i].count;
	t->cost[m] = 0;
	t->bins[m] = 0;
	for (int i = m - 1; i >= 0; i--)
	{
		uint64_t lo = (uint64_t) c->cell[i].lo;

		t->cost[i] = UINT64_MAX;
		for (int j = i + 1; j <= m; j++)
		{
			unsigned width = bit_width((uint64_t) c->cell[j - 1].hi - lo);
			uint64_t cost;

			while (j < m && (uint64_t) c->cell[j].hi - lo <= low_mask(width) &&
				   !is_frequent(&c->cell[j]))
				j++;
			cost = bin_cost(t, c, i, j, width, fixed);
			if (cost < t->cost[i])
			{
				t->cost[i] = cost;
				t->next[i] = j;
				t->width[i] = (uint8_t) width;
				t->bins[i] = t->bins[j] + 1;
			}
		}
	}
}

/* --- weights ------------------------------------------------------------------------------- */

/*
 * weigh -- give the bins weights of 2^log in proportion to counts; the cost of the values' bins.
 *
 * A rounding error goes where it matters least: to the largest weight.
 */
static uint64_t
weigh(TansModel *m, const int *counts, int n, unsigned log)
{
	int size = 1 << log, left = size, largest = 0;
	uint64_t cost = 0;

	for (int i = 0; i < m->nbins; i++)
	{
		uint64_t w = ((uint64_t) counts[i] * (uint64_t) size + (uint64_t) n / 2) / (uint64_t) n;

		m->bins[i].weight = w == 0 ? 1 : (uint16_t) w;
		left -= m->bins[i].weight;
		if (m->bins[i].weight > m->bins[largest].weight)
			largest = i;
	}
	while (left < 0 && m->bins[largest].weight <= -left)
	{
		/* many bins of weight 1: the others pay in turn */
		for (int i = 0; i < m->nbins && left < 0; i++)
			if (m->bins[i].weight > 1)
			{
				m->bins[i].weight--;
				left++;
			}
	}
	m->bins[largest].weight = (uint16_t) (m->bins[largest].weight + left);
	m->log = log;
	for (int i = 0; i < m->nbins; i++)
		cost += (uint64_t) counts[i] * (log * UNIT - log2_units(m->bins[i].weight));
	return cost;
}

/*
 * tans_estimate -- the bits that n (>= 1) ascending values would need, near enough to compare
 * sequences: those of the cells, not yet tiled.
 */
uint64_t
tans_estimate(const int64_t *sorted, int n)
{
	Cells *cells = mem_alloc(sizeof(*cells));
	uint64_t cost = 0;

	if (!cells_of_distinct(cells, sorted, n))
		cells_of_grid(cells, sorted, n);
	for (int i = 0; i < cells->n; i++)
	{
		const Cell *c = &cells->cell[i];
		unsigned width = bit_width((uint64_t) c->hi - (uint64_t) c->lo);

		cost += (uint64_t) c->count *
				(width * UNIT + log2_units((uint32_t) n) - log2_units((uint32_t) c->count));
	}
	mem_free(cells);
	return cost / UNIT;
}

/*
 * tans_fit -- the model that costs least for n (>= 1) ascending values.
 *
 * Returns the bits that the values and the model need, without what blocks cost by themselves.
 */
uint64_t
tans_fit(TansModel *m, const int64_t *sorted, int n)
{
	static const unsigned logs[] = {6, 8, 10, 11};
	Cells *cells = mem_alloc(sizeof(*cells));
	Tiling *t = mem_alloc(sizeof(*t));
	int counts[TANS_MAX_BINS];
	uint64_t places = 0, fixed = BIN_BITS * UNIT, best = UINT64_MAX;
	unsigned log = 0;

	if (!cells_of_distinct(cells, sorted, n))
		cells_of_grid(cells, sorted, n);
	tile(t, cells, fixed);
	for (; t->bins[0] > TANS_MAX_BINS; fixed *= 2)
		tile(t, cells, fixed * 2);
	m->nbins = 0;
	for (int i = 0; i < cells->n; i = t->next[i])
	{
		counts[m->nbins] = t->before[t->next[i]] - t->before[i];
		m->bins[m->nbins++] = (TansBin){.lower = cells->cell[i].lo, .width = t->width[i]};
		places += (uint64_t) counts[m->nbins - 1] * t->width[i] * UNIT;
	}
	/* a smaller table is built faster: a larger one must save something */
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++)
		if (m->nbins <= 1 << (logs[i] - 1))
		{
			uint64_t cost = places + weigh(m, counts, n, logs[i]);

			if (best == UINT64_MAX || cost + cost / (n > 1 << logs[i] ? 512 : 64) < best)
			{
				best = cost;
				log = logs[i];
			}
		}
	weigh(m, counts, n, log);
	mem_free(cells);
	mem_free(t);
	{
		uint8_t header[TANS_MODEL_BYTES];

		return best / UNIT + 8 * (uint64_t) (tans_put_model(header, m) - header);
	}
}
