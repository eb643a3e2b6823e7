/*
 * selector_sql.c
 *    mimir.selector, and matching label sets against it.
 *
 * A value is the selector's text as it was given.  It is checked on the way in, so matching cannot
 * fail and says nothing about a row but its result.
 */
#include "postgres.h"

#include "types/selector_value.h"

#include "pg/compat.h"
#include "pg/export.h"
#include "promql/promql.h"
#include "types/labels_value.h"
#include "util/text.h"

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

MIMIR_FUNCTION(mimir_selector_in);
MIMIR_FUNCTION(mimir_selector_recv);
MIMIR_FUNCTION(mimir_make_selector);
MIMIR_FUNCTION(mimir_labels_match);
MIMIR_FUNCTION(mimir_labels_match_not);

#define SELECTOR_MAX_BYTES (1024 * 1024)

Datum
mimir_selector_in(PG_FUNCTION_ARGS)
{
	char *text = PG_GETARG_CSTRING(0);
	size_t len = strlen(text);
	Err err = ERR_INIT;
	Matcher *ms;
	int n;

	if (len > SELECTOR_MAX_BYTES)
		compat_ereturn(fcinfo->context, (Datum) 0,
					   (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("selector is too long")));
	if (!promql_parse_selector(text, len, &ms, &n, &err))
		compat_ereturn(fcinfo->context, (Datum) 0,
					   (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("invalid input syntax for type %s: \"%s\"", "mimir.selector", text),
						errdetail("%s.", err.msg)));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(text, (int) len));
}

Datum
mimir_selector_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int len;
	char *text = pq_getmsgtext(in, in->len - in->cursor, &len);
	Err err = ERR_INIT;
	Matcher *ms;
	int n;

	if (len > SELECTOR_MAX_BYTES || !promql_parse_selector(text, len, &ms, &n, &err))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid binary form of type %s", "mimir.selector")));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(text, len));
}

/* A matcher as it stands in braces; ereports if it is not exactly one. */
static Matcher
parse_matcher(const char *s)
{
	char *braced = psprintf("{%s}", s);
	Err err = ERR_INIT;
	Matcher *ms;
	int n;

	if (!promql_parse_selector(braced, strlen(braced), &ms, &n, &err))
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("invalid matcher \"%s\"", s),
						errdetail("%s.", err.msg)));
	if (n != 1)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("invalid matcher \"%s\"", s),
						errdetail("It has %d matchers, there must be one.", n)));
	return ms[0];
}

/* mimir.make_selector(name, matchers) -- of a metric name and matchers like 'job=~"a.*"'. */
Datum
mimir_make_selector(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Datum *items;
	bool *nulls;
	int n;
	Matcher *ms;
	Err err = ERR_INIT;
	Buf b;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls,
					  &n);
	ms = palloc(sizeof(Matcher) * (n + 1));
	matcher_init(&ms[0], MATCH_EQUAL, strview_cstr(LABELS_NAME), strview_cstr(name), &err);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("matcher must not be null")));
		ms[i + 1] = parse_matcher(TextDatumGetCString(items[i]));
	}
	buf_init(&b, 128, LABELS_TEXT_MAX);
	selector_text(&b, ms, n + 1);
	return DirectFunctionCall1(mimir_selector_in, CStringGetDatum(b.data));
}

/* ---- matching ---------------------------------------------------------------------------------- */

/* The selector matched last, parsed.  Lives with the expression, its matchers with the transaction. */
typedef struct MatchCache
{
	MemoryContext context; /* of text and ms */
	LocalTransactionId lxid;
	text *text; /* NULL: none */
	Matcher *ms;
	int n;
} MatchCache;

static bool
is_cached(const MatchCache *c, const text *selector)
{
	Size len = VARSIZE_ANY_EXHDR(selector);

	return c->text != NULL && c->lxid == compat_my_lxid() && VARSIZE_ANY_EXHDR(c->text) == len &&
		   memcmp(VARDATA_ANY(c->text), VARDATA_ANY(selector), len) == 0;
}

static const MatchCache *
cached_matchers(FmgrInfo *flinfo, const text *selector)
{
	MatchCache *c = flinfo->fn_extra;
	MemoryContext old;

	if (c == NULL)
	{
		c = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(MatchCache));
		c->context = AllocSetContextCreate(flinfo->fn_mcxt, "mimir selector", ALLOCSET_SMALL_SIZES);
		flinfo->fn_extra = c;
	}
	if (is_cached(c, selector))
		return c;
	c->text = NULL;
	MemoryContextReset(c->context);
	old = MemoryContextSwitchTo(c->context);
	c->n = selector_matchers(selector, &c->ms);
	c->text = cstring_to_text_with_len(VARDATA_ANY(selector), VARSIZE_ANY_EXHDR(selector));
	c->lxid = compat_my_lxid();
	MemoryContextSwitchTo(old);
	return c;
}

static bool
match(FunctionCallInfo fcinfo)
{
	const MatchCache *c = cached_matchers(fcinfo->flinfo, PG_GETARG_TEXT_PP(1));

	return matchers_match(c->ms, c->n, PG_GETARG_LABELS(0));
}

/* labels =~ selector */
Datum
mimir_labels_match(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(match(fcinfo));
}

/* labels !~ selector */
Datum
mimir_labels_match_not(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!match(fcinfo));
}
