/*
 * store_cond.h
 *    SQL conditions that a scan of the store takes over: as matchers, as a range of time, as a choice
 *    of tenants.
 *
 * A condition is found at planning and applied to the filter of the scan at execution.  The clause
 * it came from is checked all the same, for what is taken over may be wider than the clause; it is
 * never narrower.
 */
#ifndef MIMIR_QUERY_STORE_COND_H
#define MIMIR_QUERY_STORE_COND_H

#include "postgres.h"

#include "query/store_rows.h"

#include "nodes/pathnodes.h"

typedef enum StoreCondKind
{
	STORE_COND_COMPARE,	 /* target = value, target <> value */
	STORE_COND_ANY,		 /* target = ANY (values), target <> ALL (values) */
	STORE_COND_LIKE,	 /* target LIKE value */
	STORE_COND_REGEX,	 /* target ~ value */
	STORE_COND_EXISTS,	 /* the label is there */
	STORE_COND_CONTAINS, /* labels @> value, jsonb or mimir.labels */
	STORE_COND_MATCHES,	 /* labels =~ selector, labels !~ selector */
	STORE_COND_TIME		 /* time < value and so on */
} StoreCondKind;

typedef enum StoreCondTarget
{
	STORE_TARGET_NONE,
	STORE_TARGET_LABEL, /* with a name */
	STORE_TARGET_METRIC,
	STORE_TARGET_TENANT,
	STORE_TARGET_LABEL_NAME
} StoreCondTarget;

/*
 * A condition as a list of integers, which can stand in a plan: fields below.  Expressions are
 * numbers in the list of expressions, -1 for none.
 */
typedef enum StoreCondField
{
	STORE_COND_KIND,
	STORE_COND_TARGET,
	STORE_COND_NEGATED,	 /* <> or !~ */
	STORE_COND_STRATEGY, /* B-tree strategy, of STORE_COND_TIME */
	STORE_COND_NAME,	 /* expression of the label's name, text */
	STORE_COND_VALUE,	 /* expression of the value */
	STORE_COND_TYPE		 /* type of the value */
} StoreCondField;

/*
 * store_cond_find -- the condition that a clause is, or NIL; its expressions, which know nothing
 * of the scan's own columns, are appended to *exprs.
 */
extern List *store_cond_find(PlannerInfo *root, RelOptInfo *rel, StoreRowsKind kind, Node *clause,
							 List **exprs);

/* store_cond_apply -- to the filter, given the values of the expressions. */
extern void store_cond_apply(List *cond, const Datum *values, const bool *nulls, StoreFilter *f);

#endif
