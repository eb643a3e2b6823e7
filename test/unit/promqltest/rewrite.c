/*
 * rewrite.c
 *    A query pinned to one time, printed in canonical form.
 */
#include "promqltest/rewrite.h"

#include "promql/functions/signatures.h"
#include "promql/parser/ast.h"

/* pin -- false: the tree depends on the evaluation time whatever its selectors do. */
static bool
pin(PromqlExpr *e, int64_t t, bool below_pinned)
{
	PromqlAt *at = NULL;

	if (e->kind == PROMQL_EXPR_CALL && e->call.sig->step_variant)
		return false;
	if (e->kind == PROMQL_EXPR_SELECTOR)
		at = &e->selector.at;
	else if (e->kind == PROMQL_EXPR_SUBQUERY)
		at = &e->subquery.at;
	if (at != NULL && at->kind != PROMQL_AT_TIME && !below_pinned)
		*at = (PromqlAt){PROMQL_AT_TIME, t};
	below_pinned |= e->kind == PROMQL_EXPR_SUBQUERY;
	for (int i = 0; i < promql_expr_nchildren(e); i++)
		if (!pin(promql_expr_child(e, i), t, below_pinned))
			return false;
	return true;
}

const char *
promqltest_pin(const char *query, const PromqlFlags *flags, int64_t t)
{
	Err err = ERR_INIT;
	PromqlExpr *e = promql_parse(query, strlen(query), flags, &err);
	Buf text;

	if (e == NULL || !pin(e, t, false))
		return NULL;
	buf_init(&text, 256, 1 << 20);
	promql_print(&text, e, false);
	return text.data;
}
