/*
 * sample_run.c
 *    Samples of one series as arrays: decoding chunks into them, merging.
 */
#include "codec/sample_run.h"

#include "codec/column/column.h"

#include <string.h>

/* sample_run_reserve -- room for n samples; keeps those that are there. */
void
sample_run_reserve(SampleRun *run, int n)
{
	int cap;

	if (n <= run->cap)
		return;
	cap = n > run->cap * 2 ? n : run->cap * 2;
	run->t = mem_realloc(run->t, sizeof(int64_t) * (size_t) cap);
	run->v = mem_realloc(run->v, sizeof(double) * (size_t) cap);
	if (run->h)
		run->h = mem_realloc(run->h, sizeof(Histogram *) * (size_t) cap);
	run->cap = cap;
}

static void
need_histograms(SampleRun *run)
{
	if (run->h == NULL)
	{
		run->h = mem_alloc(sizeof(Histogram *) * (size_t) (run->cap > 0 ? run->cap : 1));
		memset(run->h, 0, sizeof(Histogram *) * (size_t) run->n);
	}
}

static bool
decode_histograms(SampleRun *run, int encoding, const uint8_t *data, size_t len, int count,
				  MemScope *histograms, Err *err)
{
	MemScope *arrays = mem_scope_switch(histograms);
	HistogramSample *samples;
	int n = encoding == CHUNK_RAW_HISTOGRAM
				? chunk_raw_histogram_decode(data, len, count, &samples, err)
				: chunk_histogram_decode(encoding, data, len, &samples, err);

	mem_scope_switch(arrays);
	if (n < 0)
		return false;
	sample_run_reserve(run, n);
	run->n = 0;
	need_histograms(run);
	mem_scope_switch(histograms);
	for (int i = 0; i < n; i++)
	{
		Histogram *h = samples[i].f ? samples[i].f : histogram_from_int(samples[i].i);

		run->t[i] = samples[i].t;
		run->v[i] = h->sum; /* so that a stale marker shows in both */
		run->h[i] = h;
	}
	mem_scope_switch(arrays);
	run->n = n;
	return true;
}

/*
 * sample_run_decode -- replace the run's samples by those of a chunk of count samples, its times
 * included.  Histograms are made in the scope of that name.
 */
bool
sample_run_decode(SampleRun *run, int encoding, const uint8_t *data, size_t len, int count,
				  MemScope *histograms, Err *err)
{
	int n;

	if (encoding != CHUNK_XOR && encoding != CHUNK_COLUMNS)
		return decode_histograms(run, encoding, data, len, count, histograms, err);
	sample_run_reserve(run, count);
	n = encoding == CHUNK_XOR ? chunk_xor_decode(data, len, run->t, run->v, run->cap, err)
							  : chunk_columns_decode(data, len, run->t, run->v, run->cap, err);
	if (n < 0)
		return false;
	run->n = n;
	if (run->h)
		memset(run->h, 0, sizeof(Histogram *) * (size_t) n);
	return true;
}

/* sample_run_decode_after -- replace the run's samples by those of an XOR chunk behind a mark. */
bool
sample_run_decode_after(SampleRun *run, const ChunkXorMark *mark, const uint8_t *data, size_t len,
						Err *err)
{
	int n;

	sample_run_reserve(run, chunk_count(data, len) - mark->count);
	n = chunk_xor_decode_after(mark, data, len, run->t, run->v, run->cap, err);
	if (n < 0)
		return false;
	run->n = n;
	if (run->h)
		memset(run->h, 0, sizeof(Histogram *) * (size_t) n);
	return true;
}

/*
 * sample_run_decode_column -- replace the run's samples by those of a column of count values whose
 * times are given, as far as the times lie in [mint, maxt] (ms): what lies outside is not
 * decoded.
 */
bool
sample_run_decode_column(SampleRun *run, const int64_t *times, int count, const uint8_t *values,
						 size_t len, int64_t mint, int64_t maxt, Err *err)
{
	int from = sample_run_lower_bound(times, count, mint);
	int to = maxt < INT64_MAX ? sample_run_lower_bound(times, count, maxt + 1) : count;
	int n = to > from ? to - from : 0;

	sample_run_reserve(run, n);
	run->n = 0;
	if (n > 0 && !column_values_range(values, len, from, to, run->v, err))
		return false;
	memcpy(run->t, times + from, sizeof(int64_t) * (size_t) n);
	if (run->h)
		memset(run->h, 0, sizeof(Histogram *) * (size_t) n);
	run->n = n;
	return true;
}

static void
append(SampleRun *all, const SampleRun *chunk)
{
	size_t n = (size_t) chunk->n;

	sample_run_reserve(all, all->n + chunk->n);
	if (chunk->h)
		need_histograms(all);
	memcpy(all->t + all->n, chunk->t, sizeof(int64_t) * n);
	memcpy(all->v + all->n, chunk->v, sizeof(double) * n);
	if (all->h && chunk->h)
		memcpy(all->h + all->n, chunk->h, sizeof(Histogram *) * n);
	else if (all->h)
		memset(all->h + all->n, 0, sizeof(Histogram *) * n);
	all->n += chunk->n;
}

static void
interleave(SampleRun *all, const SampleRun *chunk)
{
	SampleRun m = {0};
	int i = 0;
	int k = 0;

	if (chunk->h)
		need_histograms(all);
	sample_run_reserve(&m, all->n + chunk->n);
	if (all->h)
		need_histograms(&m);
	while (i < all->n || k < chunk->n)
	{
		bool from_all = k >= chunk->n || (i < all->n && all->t[i] <= chunk->t[k]);
		const SampleRun *src = from_all ? all : chunk;
		int at = from_all ? i : k;

		if (from_all && k < chunk->n && all->t[i] == chunk->t[k])
			k++;
		m.t[m.n] = src->t[at];
		m.v[m.n] = src->v[at];
		if (m.h)
			m.h[m.n] = src->h ? src->h[at] : NULL;
		m.n++;
		if (from_all)
			i++;
		else
			k++;
	}
	mem_free(all->t);
	mem_free(all->v);
	mem_free(all->h);
	*all = m;
}

/* sample_run_merge -- add the samples of another run; of equal times all's stay. */
void
sample_run_merge(SampleRun *all, const SampleRun *chunk)
{
	if (chunk->n == 0)
		return;
	if (all->n == 0 || chunk->t[0] > all->t[all->n - 1])
		append(all, chunk);
	else
		interleave(all, chunk);
}

/* sample_run_lower_bound -- the first of n ascending times that is not below x; n if none. */
int
sample_run_lower_bound(const int64_t *t, int n, int64_t x)
{
	int lo = 0;

	while (lo < n)
	{
		int mid = lo + (n - lo) / 2;

		if (t[mid] < x)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}
