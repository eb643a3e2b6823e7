/*
 * promql_qual.h
 *    SQL conditions on a PromQL result that its scan can meet itself.
 *
 * On a label: labels ->> 'l' = x, <> x, = ANY (array), IS NOT NULL, LIKE and ~ with a pattern that
 * means the same to both; labels @> object; labels ? 'l'.  On the time: < <= = >= > and
 * = ANY (array).  The other side is anything that does not depend on the row: a constant, a
 * parameter, a column of a table joined before.
 */
#ifndef MIMIR_QUERY_PROMQL_QUAL_H
#define MIMIR_QUERY_PROMQL_QUAL_H

#include "postgres.h"

#include "promql/promql.h"

#include "datatype/timestamp.h"
#include "nodes/primnodes.h"

typedef enum PromqlQualKind
{
	PROMQL_QUAL_EQUAL,
	PROMQL_QUAL_NOT_EQUAL,
	PROMQL_QUAL_ANY,
	PROMQL_QUAL_EXISTS, /* no value */
	PROMQL_QUAL_LIKE,	/* value is a constant */
	PROMQL_QUAL_REGEX,	/* the same */
	PROMQL_QUAL_CONTAINS,
	PROMQL_QUAL_TIME_LT, /* from here on: conditions on the time */
	PROMQL_QUAL_TIME_LE,
	PROMQL_QUAL_TIME_EQ,
	PROMQL_QUAL_TIME_GE,
	PROMQL_QUAL_TIME_GT,
	PROMQL_QUAL_TIME_ANY
} PromqlQualKind;

typedef struct PromqlQual
{
	PromqlQualKind kind;
	const char *label; /* NULL: a condition on the time, or of several labels */
	Expr *value;	   /* NULL: none needed */
	Oid type;		   /* of value */
	bool exact;		   /* rows that pass the scan meet the condition; else it must be checked */
} PromqlQual;

/*
 * promql_qual_match -- is clause such a condition on the columns of relation varno?  It is
 * recognised in the same way before and after the planner numbered its columns (INDEX_VAR).  A
 * value may still depend on other relations.  Fields of *out point into clause.
 */
extern bool promql_qual_match(Expr *clause, Index varno, PromqlQual *out);

static inline bool
promql_qual_is_time(const PromqlQual *q)
{
	return q->kind >= PROMQL_QUAL_TIME_LT;
}

/* --- what conditions with known values ask for --------------------------------------------------- */

typedef struct PromqlWanted
{
	bool nothing; /* a condition is null, or cannot be met */
	Matcher *filters;
	int nfilters;
	int cap;
	bool has_window;
	TimestampTz from, to; /* inclusive */
} PromqlWanted;

extern void promql_wanted_init(PromqlWanted *w);
/* promql_wanted_add -- memory: CurrentMemoryContext; the value is copied. */
extern void promql_wanted_add(PromqlWanted *w, const PromqlQual *q, Datum value, bool isnull);
/*
 * promql_wanted_add_unknown -- for estimates: the value is not known yet.  Returns the part of the
 * rows that this is thought to leave, beyond what w tells.
 */
extern double promql_wanted_add_unknown(PromqlWanted *w, const PromqlQual *q);
/* promql_wanted_tell -- as the engine is told; w must live as long as the query. */
extern void promql_wanted_tell(const PromqlWanted *w, PromqlParams *params);
extern bool promql_wanted_labels(const PromqlWanted *w, Labels labels);
static inline bool
promql_wanted_time(const PromqlWanted *w, TimestampTz t)
{
	return !w->has_window || (t >= w->from && t <= w->to);
}

#endif
