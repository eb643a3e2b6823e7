/*
 * function.h
 *    The contract between the operators that call functions and the functions themselves.
 *
 * Signatures (names, argument types, experimental flag) are promql/functions/signatures.def,
 * read by the parser too; functions/table.c gives each its implementation.
 *
 * A function is written for a whole series at once: arrays over the steps of the query, so
 * that a sliding window costs O(samples + steps).
 */
#ifndef MIMIR_PROMQL_FUNCTION_H
#define MIMIR_PROMQL_FUNCTION_H

#include "promql/promql.h"

typedef enum PromqlKind
{
	PROMQL_ABSENT = 0, /* no value at this step */
	PROMQL_FLOAT = 1,
	PROMQL_HISTOGRAM = 2
} PromqlKind;

/* Values of one series over all steps of the query. */
typedef struct PromqlVector
{
	uint8_t *kind; /* PromqlKind per step */
	double *v;	   /* valid where kind is FLOAT */
	Histogram **h; /* valid where kind is HISTOGRAM; NULL if the series has none at all */
} PromqlVector;

/*
 * Samples of one series and the window of each step: samples [lo[i], hi[i]) lie in
 * (ref[i] - range_ms, ref[i]].  Stale markers are gone.  lo and hi never decrease.
 * An extended range takes in a lookback more before its start (anchored, smoothed) and behind its
 * end (smoothed); lo and hi then bound all of these samples.
 */
typedef enum PromqlExtend
{
	PROMQL_EXTEND_NONE,
	PROMQL_EXTEND_ANCHORED,
	PROMQL_EXTEND_SMOOTHED
} PromqlExtend;

typedef struct PromqlWindows
{
	PromqlSamples samples;
	int nsteps;
	const int32_t *lo;
	const int32_t *hi;
	const int64_t *ref; /* right end of each window, ms (offset and @ applied) */
	const int64_t *ts;	/* evaluation time of each step, ms */
	int64_t range_ms;
	PromqlExtend extend;
} PromqlWindows;

/* What a running function may need besides its input. */
typedef struct PromqlCall
{
	PromqlExec *exec; /* annotations go here: promql/exec/annotate.h */
	int pos;		  /* byte position of the call in the query text */
	int arg_pos[12];  /* byte positions of the arguments */
	Labels labels;	  /* input series' labels, name still there */
	const PromqlFlags *flags;
	const double *const *scalars; /* scalars[k][step]: value of scalar argument k, else NULL */
	const StrView *strings;		  /* strings[k]: value of string argument k */
	int nargs;
	int nsteps;
	const int64_t *ts; /* evaluation time of each step, ms */
} PromqlCall;

/* Over a range vector: fills out (arrays of nsteps, kind preset to ABSENT). */
typedef bool PromqlRangeBody(PromqlCall *call, const PromqlWindows *w, PromqlVector *out, Err *err);
typedef PromqlRangeBody *PromqlRangeFn;
/* Point by point over an instant vector: in and out may be the same arrays. */
typedef bool PromqlPointBody(PromqlCall *call, const PromqlVector *in, PromqlVector *out, Err *err);
typedef PromqlPointBody *PromqlPointFn;

#endif
