/*
 * estimate.h
 *    How much a query will read and give, guessed without reading samples.
 *
 * For planners.  The numbers of the data come through PromqlStatistics, filled by src/query from the
 * head in the server, by a table in tests.
 */
#ifndef MIMIR_PROMQL_ESTIMATE_H
#define MIMIR_PROMQL_ESTIMATE_H

#include "promql/promql.h"

/* What a selector selects. */
typedef struct PromqlSelection
{
	double series;
	double samples;	 /* of one series, in the window asked for */
	double coverage; /* part of that window that a series has samples in, 0..1 */
} PromqlSelection;

typedef struct PromqlStatistics PromqlStatistics;
struct PromqlStatistics
{
	/*
	 * selection -- of samples in [mint, maxt] of the series that match.  A matcher whose value is
	 * promql_unknown_value stands for equality with a value that only execution knows.
	 */
	PromqlSelection (*selection)(PromqlStatistics *st, const Matcher *ms, int n, int64_t mint,
								 int64_t maxt);
	/*
	 * groups -- how many label sets the series that match have left when only the labels of these
	 * names are kept (keep), or all others; names sorted.
	 */
	double (*groups)(PromqlStatistics *st, const Matcher *ms, int n, const StrView *names,
					 int nnames, bool keep);
};

extern const StrView promql_unknown_value;
extern bool promql_value_is_unknown(StrView value); /* by identity */

typedef struct PromqlEstimate
{
	int selectors;
	double series_read;	 /* by all selectors */
	double samples_read; /* by all selectors */
	double points;		 /* values of series at steps that operators compute */
	double series;		 /* of the result */
	double rows;		 /* of the result: its points */
	bool series_wise;	 /* promql_plan_is_series_wise */
} PromqlEstimate;

/*
 * promql_estimate -- false, with err, if the query is not valid.  Costs no more than parsing: no
 * grid is made, whatever the number of steps.  Memory: the current scope's.
 */
extern bool promql_estimate(const PromqlExpr *e, const PromqlParams *params, PromqlStatistics *st,
							PromqlEstimate *out, Err *err);

/*
 * promql_plan_guess -- the same for each node of a plan: what it and all below it read; series and
 * rows are both the series it yields, series_wise is whether it yields them while it reads.
 */
extern void promql_plan_guess(PromqlPlan *plan, PromqlStatistics *st);
extern const PromqlEstimate *promql_plan_node_guess(const PromqlPlan *plan, int node);

#endif
