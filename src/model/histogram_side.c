/*
 * histogram_side.c
 *    The buckets of one sign as a sorted list of (index, count).
 *
 * Spans are how a histogram is stored: runs of adjacent buckets, the first with its index, the
 * others with the gap before them.  Arithmetic merges, moves and drops buckets, which is easy on
 * a list and error-prone on spans, so it is done on lists.
 */
#include "model/histogram_side.h"

#include "util/mem.h"

HistogramSide
histogram_side_load(const HistogramSpan *spans, int nspans, const double *counts, int n,
					const double *comp)
{
	HistogramSide s = {mem_alloc(sizeof(HistogramItem) * (size_t) (n + 1)), 0};
	int64_t index = 0;

	for (int i = 0; i < nspans; i++)
	{
		index += spans[i].offset;
		for (uint32_t j = 0; j < spans[i].length && s.n < n; j++)
		{
			s.items[s.n] =
				(HistogramItem){(int32_t) index++, counts[s.n], comp != NULL ? comp[s.n] : 0};
			s.n++;
		}
	}
	return s;
}

void
histogram_side_store(const HistogramSide *s, HistogramSpan **spans, int *nspans, double **counts,
					 int *n, double **comp)
{
	*spans = mem_alloc(sizeof(HistogramSpan) * (size_t) (s->n + 1));
	*counts = mem_alloc(sizeof(double) * (size_t) (s->n + 1));
	if (comp != NULL)
		*comp = mem_alloc(sizeof(double) * (size_t) (s->n + 1));
	*nspans = 0;
	*n = s->n;
	for (int i = 0; i < s->n; i++)
	{
		int32_t index = s->items[i].index;

		(*counts)[i] = s->items[i].v;
		if (comp != NULL)
			(*comp)[i] = s->items[i].c;
		if (i > 0 && index == s->items[i - 1].index + 1)
			(*spans)[*nspans - 1].length++;
		else
			(*spans)[(*nspans)++] =
				(HistogramSpan){i > 0 ? index - s->items[i - 1].index - 1 : index, 1};
	}
}
