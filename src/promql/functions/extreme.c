/*
 * extreme.c
 *    min_over_time, max_over_time, ts_of_min_over_time, ts_of_max_over_time.
 *
 * A window's extreme is the front of a queue of candidates: samples that could still be the extreme
 * of this or a later window.  A sample that enters throws out every candidate before it that it
 * beats, so each sample enters and leaves once: O(samples + steps), whatever the overlap.
 *
 * NaN is beaten by any number and enters the queue only in windows that hold nothing else.
 * Which of two equal samples counts matters for the sign of a zero and for the time: for the value
 * it is the earlier one, for the time the later one.
 */
#include "promql/functions/families.h"
#include "promql/functions/float_windows.h"

typedef struct Extreme
{
	bool max;
	bool time; /* its time is wanted, not its value */
} Extreme;

/* beats -- does sample v, the later one, make u useless? */
static bool
beats(Extreme kind, double v, double u)
{
	if (kind.time && v == u)
		return true;
	return kind.max ? v > u : v < u;
}

static bool
run(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Extreme kind)
{
	PromqlFloatWindows fw;
	int32_t *queue; /* sample numbers, the extreme first */
	int front = 0, back = 0;
	int next = 0; /* samples before it have entered */

	promql_float_windows(call, 0, w, &fw);
	queue = mem_alloc(sizeof(*queue) * ((size_t) fw.n + 1));
	for (int i = 0; i < fw.nsteps; i++)
	{
		int lo = fw.lo[i], hi = fw.hi[i];
		int at;

		if (lo == hi)
			continue;
		if (next < lo)
			next = lo;
		for (; next < hi; next++)
		{
			if (isnan(fw.v[next]))
				continue;
			while (back > front && beats(kind, fw.v[next], fw.v[queue[back - 1]]))
				back--;
			queue[back++] = next;
		}
		while (front < back && queue[front] < lo)
			front++;
		at = front < back ? queue[front] : hi - 1;
		out->kind[i] = PROMQL_FLOAT;
		out->v[i] = kind.time ? (double) fw.t[at] / 1000 : fw.v[at];
	}
	return true;
}

bool
promql_fn_max_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	return run(call, w, out, (Extreme){.max = true});
}

bool
promql_fn_min_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	return run(call, w, out, (Extreme){.max = false});
}

bool
promql_fn_ts_of_max_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	return run(call, w, out, (Extreme){.max = true, .time = true});
}

bool
promql_fn_ts_of_min_over_time(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err)
{
	return run(call, w, out, (Extreme){.max = false, .time = true});
}
