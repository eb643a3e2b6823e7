/*
 * modifier.c
 *    offset, @, anchored and smoothed: what follows a selector, a range or a subquery.
 */
#include "promql/parser/parser_int.h"

#include "util/mem.h"

#include <float.h>
#include <math.h>

/* Where the modifiers of a node live; selector is NULL for a subquery. */
typedef struct Modified
{
	PromqlSelector *selector;
	PromqlDuration *offset;
	PromqlAt *at;
} Modified;

/* find_modified -- false if e is nothing that takes an offset or @. */
static bool
find_modified(PromqlExpr *e, Modified *out)
{
	switch (e->kind)
	{
		case PROMQL_EXPR_SELECTOR:
			out->selector = &e->selector;
			break;
		case PROMQL_EXPR_RANGE:
			out->selector = &e->range.selector->selector;
			break;
		case PROMQL_EXPR_SUBQUERY:
			*out = (Modified){NULL, &e->subquery.offset, &e->subquery.at};
			return true;
		default:
			return false;
	}
	out->offset = &out->selector->offset;
	out->at = &out->selector->at;
	return true;
}

static bool
fail(PromqlParser *p, const PromqlExpr *e, const char *text)
{
	return promql_parser_error(p, ERR_PROMQL_SYNTAX, e->start, "%s", text);
}

bool
promql_set_offset(PromqlParser *p, PromqlExpr *e, PromqlExpr *offset)
{
	Modified m;

	if (!find_modified(e, &m))
		return fail(p, e,
					"offset modifier must be preceded by an instant vector selector or range "
					"vector selector or a subquery");
	if (m.offset->is_set)
		return fail(p, e, "offset may not be set multiple times");
	*m.offset = promql_duration_of(offset);
	e->end = offset->end;
	return true;
}

/* find_at -- where an @ of e goes; NULL if it cannot take one (the error is recorded). */
static PromqlAt *
find_at(PromqlParser *p, PromqlExpr *e)
{
	Modified m;

	if (!find_modified(e, &m))
	{
		fail(p, e,
			 "@ modifier must be preceded by an instant vector selector or range vector selector "
			 "or a subquery");
		return NULL;
	}
	if (m.at->kind != PROMQL_AT_NONE)
	{
		fail(p, e, "@ <timestamp> may not be set multiple times");
		return NULL;
	}
	return m.at;
}

/*
 * promql_set_at_time -- number is in seconds; ms that do not fit become INT64_MIN, as Go's
 * conversion does on the usual machines.
 */
bool
promql_set_at_time(PromqlParser *p, PromqlExpr *e, const PromqlExpr *number)
{
	double seconds = number->number.v;
	double ms = round(seconds * 1000);
	PromqlAt *at;

	if (!(fabs(seconds) < 0x1p63))
		return promql_parser_error(p, ERR_PROMQL_SYNTAX, e->start,
								   "timestamp out of bounds for @ modifier: %s",
								   isnan(seconds)		? "NaN"
								   : seconds > DBL_MAX	? "+Inf"
								   : seconds < -DBL_MAX ? "-Inf"
														: mem_printf("%f", seconds));
	at = find_at(p, e);
	if (at == NULL)
		return false;
	at->kind = PROMQL_AT_TIME;
	at->ms = fabs(ms) < 0x1p63 ? (int64_t) ms : INT64_MIN;
	e->end = number->end;
	return true;
}

/* promql_set_at_bound -- @ start() or @ end(). */
bool
promql_set_at_bound(PromqlParser *p, PromqlExpr *e, PromqlAtKind kind, int end)
{
	PromqlAt *at = find_at(p, e);

	if (at == NULL)
		return false;
	at->kind = kind;
	e->end = end;
	return true;
}

/* extended_selector -- the selector that `anchored` or `smoothed` (word) applies to, or NULL. */
static PromqlSelector *
extended_selector(PromqlParser *p, PromqlExpr *e, const char *word)
{
	Modified m;
	const char *problem = NULL;

	if (!p->flags->extended_range)
		problem = "is experimental and not enabled";
	else if (!find_modified(e, &m))
		problem = "not implemented";
	else if (m.selector == NULL)
		problem = "is not supported for subqueries";
	if (problem == NULL)
		return m.selector;
	promql_parser_error(p, ERR_PROMQL_SYNTAX, e->start, "%s modifier %s", word, problem);
	return NULL;
}

/* check_one_extension -- after one of the two was set. */
static bool
check_one_extension(PromqlParser *p, const PromqlExpr *e, const PromqlSelector *s)
{
	if (s->anchored && s->smoothed)
		return fail(p, e, "anchored and smoothed modifiers cannot be used together");
	return true;
}

bool
promql_set_anchored(PromqlParser *p, PromqlExpr *e, int end)
{
	PromqlSelector *s = extended_selector(p, e, "anchored");

	if (s == NULL)
		return false;
	s->anchored = true;
	e->end = end;
	return check_one_extension(p, e, s);
}

bool
promql_set_smoothed(PromqlParser *p, PromqlExpr *e, int end)
{
	PromqlSelector *s = extended_selector(p, e, "smoothed");

	if (s == NULL)
		return false;
	s->smoothed = true;
	e->end = end;
	return check_one_extension(p, e, s);
}
