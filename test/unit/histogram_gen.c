/*
 * histogram_gen.c
 *    Native histograms at random.
 */
#include "histogram_gen.h"

#include "util/mem.h"

/* gen_observe -- n observations in the first `spread` buckets of each side. */
void
gen_observe(GenState *g, int n, int spread)
{
	for (int i = 0; i < n; i++)
	{
		uint64_t r = gen_next(&g->random);
		bool custom = g->schema == HISTOGRAM_CUSTOM_SCHEMA;

		if (r % 16 == 0 && !custom)
			g->zero++;
		else if (r % 4 == 0 && !custom)
			g->neg[(r >> 8) % (uint64_t) spread]++;
		else
			g->pos[(r >> 8) % (uint64_t) spread]++;
		g->sum += (double) (r % 1000) / 8;
	}
}

/* make_side -- spans and absolute counts; without empty buckets unless asked for. */
static int
make_side(const uint64_t *counts, int32_t first, bool empty_buckets, HistogramSpan *spans,
		  int *n_spans, uint64_t *out)
{
	int n = 0, last = 0;

	*n_spans = 0;
	for (int i = 0; i < GEN_BUCKETS; i++)
	{
		if (counts[i] == 0 && !(empty_buckets && i % 3 == 0))
			continue;
		if (n == 0)
			spans[(*n_spans)++] = (HistogramSpan){first + i, 0};
		else if (i != last + 1)
			spans[(*n_spans)++] = (HistogramSpan){i - last - 1, 0};
		spans[*n_spans - 1].length++;
		out[n++] = counts[i];
		last = i;
	}
	return n;
}

HistogramSample
gen_sample(GenState *g, int64_t t, bool is_float, bool empty_buckets)
{
	IntHistogram *h = mem_alloc0(sizeof(*h));
	uint64_t pos[GEN_BUCKETS], neg[GEN_BUCKETS];

	h->schema = g->schema;
	h->zero_threshold = g->schema == HISTOGRAM_CUSTOM_SCHEMA ? 0 : 0x1p-128;
	h->zero_count = g->zero;
	h->count = g->zero;
	h->sum = g->sum;
	h->pos_spans = mem_alloc(sizeof(HistogramSpan) * GEN_BUCKETS);
	h->neg_spans = mem_alloc(sizeof(HistogramSpan) * GEN_BUCKETS);
	h->n_pos = make_side(g->pos, g->first, empty_buckets, h->pos_spans, &h->n_pos_spans, pos);
	h->n_neg = make_side(g->neg, g->first, empty_buckets && g->schema != HISTOGRAM_CUSTOM_SCHEMA,
						 h->neg_spans, &h->n_neg_spans, neg);
	h->pos = mem_alloc(sizeof(int64_t) * GEN_BUCKETS);
	h->neg = mem_alloc(sizeof(int64_t) * GEN_BUCKETS);
	for (int i = 0; i < h->n_pos; i++)
	{
		h->pos[i] = (int64_t) (pos[i] - (i > 0 ? pos[i - 1] : 0));
		h->count += pos[i];
	}
	for (int i = 0; i < h->n_neg; i++)
	{
		h->neg[i] = (int64_t) (neg[i] - (i > 0 ? neg[i - 1] : 0));
		h->count += neg[i];
	}
	if (g->schema == HISTOGRAM_CUSTOM_SCHEMA)
	{
		h->n_custom = GEN_BUCKETS;
		h->custom = mem_alloc(sizeof(double) * GEN_BUCKETS);
		for (int i = 0; i < GEN_BUCKETS; i++)
			h->custom[i] = i % 5 == 0 ? i + 0.12345 : i + 0.005;
	}
	if (is_float)
		return (HistogramSample){.t = t, .f = histogram_from_int(h)};
	return (HistogramSample){.t = t, .i = h};
}

HistogramSample
gen_stale(int64_t t, bool is_float)
{
	HistogramSample s = {.t = t};

	if (is_float)
	{
		s.f = mem_alloc0(sizeof(*s.f));
		s.f->sum = value_from_bits(VALUE_STALE_BITS);
	}
	else
	{
		s.i = mem_alloc0(sizeof(*s.i));
		s.i->sum = value_from_bits(VALUE_STALE_BITS);
	}
	return s;
}

double
gen_count(const HistogramSample *s, bool negative, int32_t index)
{
	HistogramLayout l = histogram_sample_layout(s);
	const HistogramSpan *spans = negative ? l.neg_spans : l.pos_spans;
	int n_spans = negative ? l.n_neg_spans : l.n_pos_spans, k = 0;
	int32_t at = 0;
	int64_t sum = 0;

	for (int i = 0; i < n_spans; i++)
	{
		at += spans[i].offset;
		for (uint32_t j = 0; j < spans[i].length; j++, at++, k++)
		{
			if (s->i != NULL)
				sum += negative ? s->i->neg[k] : s->i->pos[k];
			if (at != index)
				continue;
			if (s->i != NULL)
				return (double) sum;
			return negative ? s->f->neg[k] : s->f->pos[k];
		}
	}
	return 0;
}
