/*
 * histogram.c
 *    Functions of one native histogram that give one float: count, sum, avg, stddev, stdvar.
 *
 * All ignore floats.
 */
#include "model/histogram_math.h"
#include "promql/functions/families.h"

/* HISTOGRAM_FUNCTION -- promql_fn_NAME gives RESULT, an expression of h. */
#define HISTOGRAM_FUNCTION(name, result)                                                           \
	bool promql_fn_##name(PromqlCall *call, const PromqlVector *in, PromqlVector *out, Err *err)   \
	{                                                                                              \
		for (int i = 0; i < call->nsteps; i++)                                                     \
		{                                                                                          \
			const Histogram *h = in->kind[i] == PROMQL_HISTOGRAM ? in->h[i] : NULL;                \
                                                                                                   \
			out->kind[i] = h != NULL ? PROMQL_FLOAT : PROMQL_ABSENT;                               \
			if (h != NULL)                                                                         \
				out->v[i] = (result);                                                              \
		}                                                                                          \
		return true;                                                                               \
	}

HISTOGRAM_FUNCTION(histogram_avg, h->sum / h->count)
HISTOGRAM_FUNCTION(histogram_count, h->count)
HISTOGRAM_FUNCTION(histogram_stddev, sqrt(histogram_variance(h)))
HISTOGRAM_FUNCTION(histogram_stdvar, histogram_variance(h))
HISTOGRAM_FUNCTION(histogram_sum, h->sum)
