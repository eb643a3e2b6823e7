/*
 * promql_eval.h
 *    Run a query over a MemSource and get the whole result as one text.
 *
 * One line for each series, `labels value@ms value@ms`; a histogram shows as `h`.  An error is
 * `error: MESSAGE`, annotations follow as lines of their own.
 */
#ifndef MIMIR_TEST_PROMQL_EVAL_H
#define MIMIR_TEST_PROMQL_EVAL_H

#include "mem_source.h"
#include "promql/promql.h"

typedef struct PromqlEval
{
	MemSource source;
	PromqlFlags flags;
	int64_t max_samples;
	size_t max_memory;
	PromqlStats stats; /* of the last query */

	/* only what is wanted is shown; the engine hears of it if tell_wanted is set */
	bool tell_wanted;
	const Matcher *label_filters;
	int nlabel_filters;
	bool has_window;
	int64_t window_from_ms, window_to_ms;
	bool any_order;
} PromqlEval;

/* promql_eval_init -- empty source, all experimental flags on, names removed at once. */
extern void promql_eval_init(PromqlEval *ev);
/* Times in ms. */
extern const char *promql_eval_instant(PromqlEval *ev, const char *query, int64_t t);
extern const char *promql_eval_range(PromqlEval *ev, const char *query, int64_t start, int64_t end,
									 int64_t step);

#endif
