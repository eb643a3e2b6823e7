/*
 * sorted_window.c
 *    The values of a sliding window, in order.
 *
 * A list of blocks that each hold up to BLOCK_MAX values: what comes or goes moves the values of one
 * block, and the k-th value is found by the counts of the blocks.  Values are kept as integers that
 * have their order (NaNs first and all alike, -0 before 0), which compare faster.
 */
#include "promql/functions/sorted_window.h"

#include "model/value.h"
#include "promql/functions/quantile.h"
#include "util/cancel.h"
#include "util/mem.h"

#include <string.h>

#define BLOCK_MAX  512
#define BLOCK_FILL 256 /* of a block that is made */
#define BLOCK_FEW  64  /* then it is joined with a neighbour, if both have room in one */
#define KEY_NAN	   0

typedef struct SortedBlock
{
	int n;
	uint64_t v[BLOCK_MAX];
} SortedBlock;

struct SortedWindow
{
	const double *samples;
	int lo, hi; /* samples held: [lo, hi) */
	SortedBlock **blocks;
	int nblocks;
	int cap;		 /* of blocks; those behind nblocks are spare, or NULL */
	double *scratch; /* for sorting */
	int scratch_cap;
};

static uint64_t
key_of(double x)
{
	uint64_t bits = value_bits(x);

	if (x != x)
		return KEY_NAN;
	return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double
value_of(uint64_t key)
{
	if (key == KEY_NAN)
		return value_nan();
	return value_from_bits(key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key);
}

SortedWindow *
sorted_window(const double *samples)
{
	SortedWindow *w = mem_alloc(sizeof(SortedWindow));

	*w = (SortedWindow){.samples = samples};
	return w;
}

/* --- blocks ----------------------------------------------------------------------------------- */

/* insert_block -- an empty one that becomes number at. */
static SortedBlock *
insert_block(SortedWindow *w, int at)
{
	SortedBlock *b;

	if (w->nblocks == w->cap)
	{
		int cap = w->cap > 0 ? w->cap * 2 : 8;

		w->blocks = w->blocks ? mem_realloc(w->blocks, sizeof(SortedBlock *) * (size_t) cap)
							  : mem_alloc(sizeof(SortedBlock *) * (size_t) cap);
		memset(w->blocks + w->cap, 0, sizeof(SortedBlock *) * (size_t) (cap - w->cap));
		w->cap = cap;
	}
	b = w->blocks[w->nblocks];
	if (b == NULL)
		b = mem_alloc(sizeof(SortedBlock));
	memmove(w->blocks + at + 1, w->blocks + at, sizeof(SortedBlock *) * (size_t) (w->nblocks - at));
	w->blocks[at] = b;
	w->nblocks++;
	b->n = 0;
	return b;
}

/* remove_block -- it becomes the first spare one. */
static void
remove_block(SortedWindow *w, int at)
{
	SortedBlock *b = w->blocks[at];

	w->nblocks--;
	memmove(w->blocks + at, w->blocks + at + 1, sizeof(SortedBlock *) * (size_t) (w->nblocks - at));
	w->blocks[w->nblocks] = b;
}

/* find_block -- the first whose largest value is not below key; the last if there is none. */
static int
find_block(const SortedWindow *w, uint64_t key)
{
	int lo = 0, hi = w->nblocks - 1;

	while (lo < hi)
	{
		int mid = (lo + hi) / 2;
		const SortedBlock *b = w->blocks[mid];

		if (b->v[b->n - 1] < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* place -- how many of a block's values are below key. */
static int
place(const SortedBlock *b, uint64_t key)
{
	int lo = 0, hi = b->n;

	while (lo < hi)
	{
		int mid = (lo + hi) / 2;

		if (b->v[mid] < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* split -- of a full block, the upper half becomes the next one. */
static void
split(SortedWindow *w, int at)
{
	SortedBlock *upper = insert_block(w, at + 1);
	SortedBlock *b = w->blocks[at];

	upper->n = BLOCK_MAX - BLOCK_FILL;
	memcpy(upper->v, b->v + BLOCK_FILL, sizeof(uint64_t) * (size_t) upper->n);
	b->n = BLOCK_FILL;
}

/* join -- block at and the next one, if they are few. */
static void
join(SortedWindow *w, int at)
{
	SortedBlock *b = w->blocks[at], *next;

	if (at + 1 >= w->nblocks)
		return;
	next = w->blocks[at + 1];
	if ((b->n > BLOCK_FEW && next->n > BLOCK_FEW) || b->n + next->n > BLOCK_FILL)
		return;
	memcpy(b->v + b->n, next->v, sizeof(uint64_t) * (size_t) next->n);
	b->n += next->n;
	remove_block(w, at + 1);
}

static void
add(SortedWindow *w, double x)
{
	uint64_t key = key_of(x);
	int at = find_block(w, key);
	SortedBlock *b = w->nblocks > 0 ? w->blocks[at] : insert_block(w, 0);
	int i;

	if (b->n == BLOCK_MAX)
	{
		split(w, at);
		if (b->v[b->n - 1] < key)
			b = w->blocks[at + 1];
	}
	i = place(b, key);
	memmove(b->v + i + 1, b->v + i, sizeof(uint64_t) * (size_t) (b->n - i));
	b->v[i] = key;
	b->n++;
}

/* take -- remove a value that is there. */
static void
take(SortedWindow *w, double x)
{
	uint64_t key = key_of(x);
	int at = find_block(w, key);
	SortedBlock *b = w->blocks[at];
	int i = place(b, key);

	b->n--;
	memmove(b->v + i, b->v + i + 1, sizeof(uint64_t) * (size_t) (b->n - i));
	if (b->n == 0)
		remove_block(w, at);
	else if (b->n <= BLOCK_FEW)
		join(w, at);
}

/* fill -- with samples [lo, hi), instead of what is there. */
static void
fill(SortedWindow *w, int lo, int hi)
{
	int n = hi - lo;

	if (n > w->scratch_cap)
	{
		if (w->scratch)
			mem_free(w->scratch);
		w->scratch_cap = n;
		w->scratch = mem_alloc(sizeof(double) * (size_t) n);
	}
	while (w->nblocks > 0)
		remove_block(w, w->nblocks - 1);
	if (n == 0)
		return;
	memcpy(w->scratch, w->samples + lo, sizeof(double) * (size_t) n);
	promql_quantile_sort(w->scratch, n);
	for (int i = 0; i < n; i++)
	{
		SortedBlock *b;

		cancel_poll_at(i);
		b = i % BLOCK_FILL == 0 ? insert_block(w, w->nblocks) : w->blocks[w->nblocks - 1];
		b->v[b->n++] = key_of(w->scratch[i]);
	}
}

/* --- windows ---------------------------------------------------------------------------------- */

void
sorted_window_slide(SortedWindow *w, int lo, int hi)
{
	if (lo >= w->hi || (int64_t) (lo - w->lo) + (hi - w->hi) > (hi - lo) / 2)
		fill(w, lo, hi);
	else
	{
		for (int i = w->lo; i < lo; i++)
		{
			cancel_poll_at(i);
			take(w, w->samples[i]);
		}
		for (int i = w->hi; i < hi; i++)
		{
			cancel_poll_at(i);
			add(w, w->samples[i]);
		}
	}
	w->lo = lo;
	w->hi = hi;
}

double
sorted_window_at(const SortedWindow *w, int k)
{
	int at = 0;

	while (k >= w->blocks[at]->n)
		k -= w->blocks[at++]->n;
	return value_of(w->blocks[at]->v[k]);
}

void
sorted_window_copy(const SortedWindow *w, double *out)
{
	for (int at = 0; at < w->nblocks; at++)
		for (int i = 0; i < w->blocks[at]->n; i++)
			*out++ = value_of(w->blocks[at]->v[i]);
}
