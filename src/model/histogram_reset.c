/*
 * histogram_reset.c
 *    Whether a counter histogram began anew between two samples (reference 2.12.7).
 *
 * A histogram that only counts up never loses anything anywhere: not in a total, not in a bucket,
 * not in resolution.  Any loss means a reset.
 */
#include "model/histogram_math.h"
#include "model/histogram_side.h"
#include "util/mem.h"

/* shrunk -- any populated bucket of prev, at cur's schema and above threshold, with less in cur. */
static bool
shrunk(const HistogramSide *cur, const HistogramSide *prev, int32_t schema, int32_t prev_schema,
	   double threshold)
{
	int i = 0, j = 0;

	while (j < prev->n)
	{
		int32_t index = ((prev->items[j].index - 1) >> (prev_schema - schema)) + 1;
		double before = 0;

		for (; j < prev->n; j++)
		{
			if (((prev->items[j].index - 1) >> (prev_schema - schema)) + 1 != index)
				break;
			before += prev->items[j].v;
		}
		if (before == 0 || histogram_bound(index, schema) <= threshold)
			continue;
		while (i < cur->n && cur->items[i].index < index)
			i++;
		if (i == cur->n || cur->items[i].index > index || cur->items[i].v < before)
			return true;
	}
	return false;
}

/*
 * zero_shrunk -- prev's zero bucket, widened to cur's threshold, holds more than cur's; also if the
 * threshold cuts a populated bucket of prev, as that cannot happen to one and the same counter.
 */
static bool
zero_shrunk(const Histogram *cur, const Histogram *prev, const HistogramSide *pos,
			const HistogramSide *neg)
{
	double zero = prev->zero_count;
	const HistogramSide *sides[2] = {pos, neg};

	if (prev->zero_threshold != cur->zero_threshold)
		for (int s = 0; s < 2; s++)
			for (int i = 0; i < sides[s]->n; i++)
			{
				const HistogramItem *b = &sides[s]->items[i];

				if (histogram_bound(b->index - 1, prev->schema) >= cur->zero_threshold)
					break;
				if (histogram_bound(b->index, prev->schema) > cur->zero_threshold && b->v != 0)
					return true;
				zero += b->v;
			}
	return cur->zero_count < zero;
}

/* custom_shrunk -- with different bounds, what lies between two shared bounds must not shrink. */
static bool
custom_shrunk(const Histogram *cur, const Histogram *prev, const HistogramSide *c,
			  const HistogramSide *p)
{
	int i = 0, j = 0, ci = 0, pi = 0;

	for (;;)
	{
		double before = 0, after = 0;
		double bound;

		while (i < cur->n_custom && j < prev->n_custom && cur->custom[i] != prev->custom[j])
			cur->custom[i] < prev->custom[j] ? i++ : j++;
		bound = i < cur->n_custom && j < prev->n_custom ? cur->custom[i] : INFINITY;
		for (; ci < c->n && histogram_upper(cur, c->items[ci].index) <= bound; ci++)
			after += c->items[ci].v;
		for (; pi < p->n && histogram_upper(prev, p->items[pi].index) <= bound; pi++)
			before += p->items[pi].v;
		if (after < before)
			return true;
		if (isinf(bound))
			return false;
		i++;
		j++;
	}
}

static bool
detect(const Histogram *cur, const Histogram *prev, const HistogramSide *cpos,
	   const HistogramSide *cneg, const HistogramSide *ppos, const HistogramSide *pneg)
{
	if (histogram_is_custom(cur))
		return custom_shrunk(cur, prev, cpos, ppos);
	if (cur->schema > prev->schema || cur->zero_threshold < prev->zero_threshold ||
		zero_shrunk(cur, prev, ppos, pneg))
		return true;
	return shrunk(cpos, ppos, cur->schema, prev->schema, cur->zero_threshold) ||
		   shrunk(cneg, pneg, cur->schema, prev->schema, cur->zero_threshold);
}

bool
histogram_detect_reset(const Histogram *cur, const Histogram *prev)
{
	HistogramSide cpos, cneg, ppos, pneg;
	bool reset;

	if (cur->hint == HISTOGRAM_HINT_RESET)
		return true;
	if (cur->hint == HISTOGRAM_HINT_NOT_RESET)
		return false;
	if (cur->count < prev->count || histogram_is_custom(cur) != histogram_is_custom(prev))
		return true;
	cpos = histogram_side_load(cur->pos_spans, cur->n_pos_spans, cur->pos, cur->n_pos, NULL);
	cneg = histogram_side_load(cur->neg_spans, cur->n_neg_spans, cur->neg, cur->n_neg, NULL);
	ppos = histogram_side_load(prev->pos_spans, prev->n_pos_spans, prev->pos, prev->n_pos, NULL);
	pneg = histogram_side_load(prev->neg_spans, prev->n_neg_spans, prev->neg, prev->n_neg, NULL);
	reset = detect(cur, prev, &cpos, &cneg, &ppos, &pneg);
	mem_free(cpos.items);
	mem_free(cneg.items);
	mem_free(ppos.items);
	mem_free(pneg.items);
	return reset;
}
