/*
 * selector.c
 *    Selectors alone: match[] parameters, and all selectors of a query.
 */
#include "promql/parser/parser_int.h"

#include "promql/grammar.h"
#include "util/mem.h"

/*
 * promql_parse_selector -- a metric name and/or matchers in braces, no modifiers.  It may match
 * everything, and may give the metric name twice: that is the caller's business.
 */
bool
promql_parse_selector(const char *text, size_t len, Matcher **out, int *n, Err *err)
{
	PromqlFlags flags = {0};
	PromqlParser p;

	if (!promql_parser_run(&p, text, len, &flags, TOK_START_SELECTOR, err))
		return false;
	*out = p.result->selector.matchers;
	*n = p.result->selector.nmatchers;
	return true;
}

/* collect -- count the selectors below e, and note them if out is not NULL. */
static int
collect(const PromqlExpr *e, PromqlMatcherSet *out)
{
	int found = 0;

	if (e->kind == PROMQL_EXPR_SELECTOR)
	{
		if (out != NULL)
			*out = (PromqlMatcherSet){e->selector.matchers, e->selector.nmatchers};
		return 1;
	}
	for (int i = 0; i < promql_expr_nchildren(e); i++)
		found += collect(promql_expr_child(e, i), out == NULL ? NULL : out + found);
	return found;
}

/* promql_collect_selectors -- in the order they are written; returns how many. */
int
promql_collect_selectors(const PromqlExpr *e, PromqlMatcherSet **out)
{
	int n = collect(e, NULL);

	*out = mem_alloc((size_t) (n > 0 ? n : 1) * sizeof(**out));
	collect(e, *out);
	return n;
}
