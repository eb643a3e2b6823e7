/*
 * histogram_scale.c
 *    Scaling, compaction and equality of float histograms.
 */
#include "model/histogram_math.h"
#include "model/histogram_side.h"
#include "util/mem.h"

void
histogram_free(Histogram *h)
{
	if (h == NULL)
		return;
	mem_free(h->pos_spans);
	mem_free(h->neg_spans);
	mem_free(h->pos);
	mem_free(h->neg);
	mem_free(h->custom);
	mem_free(h);
}

void
histogram_mul(Histogram *h, double factor)
{
	h->zero_count *= factor;
	h->count *= factor;
	h->sum *= factor;
	for (int i = 0; i < h->n_pos; i++)
		h->pos[i] *= factor;
	for (int i = 0; i < h->n_neg; i++)
		h->neg[i] *= factor;
	if (factor < 0)
		h->hint = HISTOGRAM_HINT_GAUGE;
}

void
histogram_div(Histogram *h, double divisor)
{
	h->zero_count /= divisor;
	h->count /= divisor;
	h->sum /= divisor;
	if (divisor == 0)
		h->n_pos = h->n_neg = h->n_pos_spans = h->n_neg_spans = 0;
	for (int i = 0; i < h->n_pos; i++)
		h->pos[i] /= divisor;
	for (int i = 0; i < h->n_neg; i++)
		h->neg[i] /= divisor;
	if (divisor < 0)
		h->hint = HISTOGRAM_HINT_GAUGE;
}

/* compact_side -- most histograms have no empty bucket and keep their arrays. */
static void
compact_side(HistogramSpan **spans, int *nspans, double **counts, int *n)
{
	HistogramSide s;
	int kept = 0;
	bool tight = true;

	for (int i = 0; i < *n; i++)
		tight &= (*counts)[i] != 0;
	for (int i = 0; i < *nspans; i++)
		tight &= (*spans)[i].length > 0 && (i == 0 || (*spans)[i].offset > 0);
	if (tight)
		return;
	s = histogram_side_load(*spans, *nspans, *counts, *n, NULL);
	for (int i = 0; i < s.n; i++)
		if (s.items[i].v != 0)
			s.items[kept++] = s.items[i];
	s.n = kept;
	mem_free(*spans);
	mem_free(*counts);
	histogram_side_store(&s, spans, nspans, counts, n, NULL);
	mem_free(s.items);
}

void
histogram_compact(Histogram *h)
{
	compact_side(&h->pos_spans, &h->n_pos_spans, &h->pos, &h->n_pos);
	compact_side(&h->neg_spans, &h->n_neg_spans, &h->neg, &h->n_neg);
}

static bool
same_bits(double a, double b)
{
	return value_bits(a) == value_bits(b);
}

static bool
same_side(const HistogramSpan *sa, int nsa, const double *a, int na, const HistogramSpan *sb,
		  int nsb, const double *b, int nb)
{
	HistogramSide x, y;
	bool same = na == nb;

	if (!same)
		return false;
	x = histogram_side_load(sa, nsa, a, na, NULL);
	y = histogram_side_load(sb, nsb, b, nb, NULL);
	same = x.n == y.n;
	for (int i = 0; same && i < x.n; i++)
		same = x.items[i].index == y.items[i].index && same_bits(x.items[i].v, y.items[i].v);
	mem_free(x.items);
	mem_free(y.items);
	return same;
}

bool
histogram_equal(const Histogram *a, const Histogram *b)
{
	if (a->schema != b->schema || !same_bits(a->count, b->count) || !same_bits(a->sum, b->sum) ||
		a->zero_threshold != b->zero_threshold || !same_bits(a->zero_count, b->zero_count) ||
		a->n_custom != b->n_custom)
		return false;
	for (int i = 0; i < a->n_custom; i++)
		if (!same_bits(a->custom[i], b->custom[i]))
			return false;
	return same_side(a->pos_spans, a->n_pos_spans, a->pos, a->n_pos, b->pos_spans, b->n_pos_spans,
					 b->pos, b->n_pos) &&
		   same_side(a->neg_spans, a->n_neg_spans, a->neg, a->n_neg, b->neg_spans, b->n_neg_spans,
					 b->neg, b->n_neg);
}
