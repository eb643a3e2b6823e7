/*
 * promql_qual.c
 *    SQL conditions on a PromQL result that its scan can meet itself.
 *
 * A condition on a label becomes a filter: a matcher that the label's value must satisfy, where a
 * label that is missing, SQL's null, never does.  A condition on the time becomes a bound of the
 * window.  Both say exactly what the condition says, so it need not be checked again; only an
 * array may turn out too long for one matcher.
 *
 * Text is compared by bytes, as label values are: conditions under a nondeterministic collation
 * are left alone.
 */
#include "postgres.h"

#include "query/promql_qual.h"

#include "pg/time.h"
#include "promql/estimate.h"
#include "query/promql_pattern.h"
#include "query/sql_call.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#define MAX_ANY_BYTES	 131072 /* of an array that becomes one matcher */
#define MAX_PATTERN		 200	/* bytes */
#define UNKNOWN_BOUND	 0.3333 /* part of the rows behind a time that is not known */
#define UNKNOWN_ANY		 0.1	/* part that one of some values is thought to leave */
#define UNKNOWN_CONTAINS 0.01	/* as PostgreSQL thinks of @> */

/* --- recognising -------------------------------------------------------------------------------- */

static bool
is_column(Node *expr, Index varno, SqlCallColumn column)
{
	Var *var = (Var *) expr;

	return IsA(expr, Var) && var->varno == (int) varno && var->varlevelsup == 0 &&
		   var->varattno == column + 1;
}

/* labels ->> 'constant'; NULL: something else */
static const char *
label_of(Node *expr, Index varno)
{
	OpExpr *op = (OpExpr *) expr;
	Const *name;

	if (!IsA(expr, OpExpr) || op->opfuncid != F_JSONB_OBJECT_FIELD_TEXT ||
		!is_column(linitial(op->args), varno, SQL_CALL_LABELS))
		return NULL;
	name = lsecond(op->args);
	if (!IsA(name, Const) || name->constisnull)
		return NULL;
	return TextDatumGetCString(name->constvalue);
}

static bool
by_bytes(Oid collation)
{
	return !OidIsValid(collation) || get_collation_isdeterministic(collation);
}

static bool
time_kind(Oid funcid, PromqlQualKind *kind)
{
	switch (funcid)
	{
		case F_TIMESTAMPTZ_LT:
		case F_TIMESTAMPTZ_LT_DATE:
		case F_TIMESTAMPTZ_LT_TIMESTAMP:
			*kind = PROMQL_QUAL_TIME_LT;
			return true;
		case F_TIMESTAMPTZ_LE:
		case F_TIMESTAMPTZ_LE_DATE:
		case F_TIMESTAMPTZ_LE_TIMESTAMP:
			*kind = PROMQL_QUAL_TIME_LE;
			return true;
		case F_TIMESTAMPTZ_EQ:
		case F_TIMESTAMPTZ_EQ_DATE:
		case F_TIMESTAMPTZ_EQ_TIMESTAMP:
			*kind = PROMQL_QUAL_TIME_EQ;
			return true;
		case F_TIMESTAMPTZ_GE:
		case F_TIMESTAMPTZ_GE_DATE:
		case F_TIMESTAMPTZ_GE_TIMESTAMP:
			*kind = PROMQL_QUAL_TIME_GE;
			return true;
		case F_TIMESTAMPTZ_GT:
		case F_TIMESTAMPTZ_GT_DATE:
		case F_TIMESTAMPTZ_GT_TIMESTAMP:
			*kind = PROMQL_QUAL_TIME_GT;
			return true;
		default:
			return false;
	}
}

static bool
is_pattern(Expr *value, bool like)
{
	Const *constant = (Const *) value;
	char *pattern;

	if (!IsA(constant, Const) || constant->constisnull || GetDatabaseEncoding() != PG_UTF8)
		return false;
	pattern = TextDatumGetCString(constant->constvalue);
	return strlen(pattern) <= MAX_PATTERN && promql_pattern(pattern, like) != NULL;
}

static bool
label_kind(Oid funcid, Expr *value, PromqlQualKind *kind)
{
	switch (funcid)
	{
		case F_TEXTEQ:
			*kind = PROMQL_QUAL_EQUAL;
			return true;
		case F_TEXTNE:
			*kind = PROMQL_QUAL_NOT_EQUAL;
			return true;
		case F_TEXTLIKE:
			*kind = PROMQL_QUAL_LIKE;
			return is_pattern(value, true);
		case F_TEXTREGEXEQ:
			*kind = PROMQL_QUAL_REGEX;
			return is_pattern(value, false);
		default:
			return false;
	}
}

/* left OP right, left a label or a column */
static bool
match_sides(Oid funcid, Oid collation, Node *left, Expr *right, Index varno, PromqlQual *out)
{
	out->value = right;
	out->type = exprType((Node *) right);
	out->exact = true;
	if (is_column(left, varno, SQL_CALL_TIME))
		return time_kind(funcid, &out->kind);
	if (is_column(left, varno, SQL_CALL_LABELS))
	{
		Const *key = (Const *) right;

		out->kind = PROMQL_QUAL_CONTAINS;
		if (funcid == F_JSONB_CONTAINS)
			return true;
		if (funcid != F_JSONB_EXISTS || !IsA(key, Const) || key->constisnull)
			return false;
		out->kind = PROMQL_QUAL_EXISTS;
		out->label = TextDatumGetCString(key->constvalue);
		out->value = NULL;
		return true;
	}
	out->label = label_of(left, varno);
	return out->label != NULL && by_bytes(collation) && label_kind(funcid, right, &out->kind);
}

static bool
match_op(OpExpr *op, Index varno, PromqlQual *out)
{
	Oid commutator;

	if (list_length(op->args) != 2)
		return false;
	if (match_sides(op->opfuncid, op->inputcollid, linitial(op->args), lsecond(op->args), varno,
					out))
		return true;
	commutator = get_commutator(op->opno);
	return OidIsValid(commutator) && match_sides(get_opcode(commutator), op->inputcollid,
												 lsecond(op->args), linitial(op->args), varno, out);
}

static bool
is_small_array(Expr *value)
{
	Const *array = (Const *) value;

	return IsA(array, Const) &&
		   (array->constisnull || VARSIZE(DatumGetArrayTypeP(array->constvalue)) <= MAX_ANY_BYTES);
}

static bool
match_array_op(ScalarArrayOpExpr *op, Index varno, PromqlQual *out)
{
	Node *left = linitial(op->args);

	if (!op->useOr)
		return false;
	out->value = lsecond(op->args);
	out->type = exprType((Node *) out->value);
	if (op->opfuncid == F_TIMESTAMPTZ_EQ && is_column(left, varno, SQL_CALL_TIME))
	{
		/* the window spans the values, and holds others */
		out->kind = PROMQL_QUAL_TIME_ANY;
		out->exact = false;
		return out->type == TIMESTAMPTZARRAYOID;
	}
	if (op->opfuncid != F_TEXTEQ || !by_bytes(op->inputcollid) || out->type != TEXTARRAYOID)
		return false;
	out->kind = PROMQL_QUAL_ANY;
	out->label = label_of(left, varno);
	out->exact = is_small_array(out->value);
	return out->label != NULL;
}

bool
promql_qual_match(Expr *clause, Index varno, PromqlQual *out)
{
	*out = (PromqlQual){0};
	if (IsA(clause, OpExpr))
		return match_op((OpExpr *) clause, varno, out);
	if (IsA(clause, ScalarArrayOpExpr))
		return match_array_op((ScalarArrayOpExpr *) clause, varno, out);
	if (IsA(clause, NullTest) && ((NullTest *) clause)->nulltesttype == IS_NOT_NULL)
	{
		out->kind = PROMQL_QUAL_EXISTS;
		out->exact = true;
		out->label = label_of((Node *) ((NullTest *) clause)->arg, varno);
		return out->label != NULL;
	}
	return false;
}

/* --- filters ------------------------------------------------------------------------------------ */

void
promql_wanted_init(PromqlWanted *w)
{
	*w = (PromqlWanted){.from = DT_NOBEGIN, .to = DT_NOEND};
}

static void
add_matcher(PromqlWanted *w, Matcher m)
{
	if (w->nfilters == w->cap)
	{
		w->cap = w->cap * 2 + 4;
		w->filters = w->filters ? repalloc(w->filters, sizeof(Matcher) * w->cap)
								: palloc(sizeof(Matcher) * w->cap);
	}
	w->filters[w->nfilters++] = m;
}

/* A label whose value is empty does not exist, so `= ''` needs no special case: nothing passes. */
static void
add_filter(PromqlWanted *w, MatchType type, const char *label, const char *value)
{
	Err err = ERR_INIT;
	Matcher m;

	if (!matcher_init(&m, type, strview_cstr(label), strview_cstr(value), &err))
		elog(ERROR, "could not make a matcher of a condition: %s", err.msg);
	add_matcher(w, m);
}

static void
add_any(PromqlWanted *w, const char *label, ArrayType *array)
{
	Datum *values;
	bool *nulls;
	int n;
	int known = 0;
	StringInfoData re;

	if (VARSIZE(array) > MAX_ANY_BYTES)
		return; /* the executor checks */
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	initStringInfo(&re);
	for (int i = 0; i < n; i++)
	{
		char *value;

		if (nulls[i])
			continue;
		value = TextDatumGetCString(values[i]);
		if (value[0] == '\0')
			continue;
		if (known++ > 0)
			appendStringInfoChar(&re, '|');
		promql_pattern_quote(&re, value, strlen(value));
	}
	if (known == 0)
		w->nothing = true;
	else
		add_filter(w, MATCH_REGEX, label, re.data);
}

/* Labels are a flat object of strings: whatever else is asked for is not contained in them. */
static void
add_contained(PromqlWanted *w, Jsonb *object)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue v;
	char *key = NULL;

	if (!JB_ROOT_IS_OBJECT(object))
	{
		w->nothing = true;
		return;
	}
	it = JsonbIteratorInit(&object->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			key = pnstrdup(v.val.string.val, v.val.string.len);
		else if (token == WJB_VALUE && v.type == jbvString)
			add_filter(w, MATCH_EQUAL, key, pnstrdup(v.val.string.val, v.val.string.len));
		else if (token == WJB_VALUE)
			w->nothing = true;
	}
}

/* --- times -------------------------------------------------------------------------------------- */

static TimestampTz
as_time(Datum value, Oid type)
{
	int overflow;

	/* what no timestamp can hold compares as infinity, as in the server's own operators */
	if (type == DATEOID)
		return date2timestamptz_opt_overflow(DatumGetDateADT(value), &overflow);
	if (type == TIMESTAMPOID)
		return timestamp2timestamptz_opt_overflow(DatumGetTimestamp(value), &overflow);
	return DatumGetTimestampTz(value);
}

static void
not_before(PromqlWanted *w, TimestampTz t)
{
	w->has_window = true;
	w->from = Max(w->from, t);
}

static void
not_after(PromqlWanted *w, TimestampTz t)
{
	w->has_window = true;
	w->to = Min(w->to, t);
}

static void
add_time(PromqlWanted *w, PromqlQualKind kind, TimestampTz t)
{
	switch (kind)
	{
		case PROMQL_QUAL_TIME_LT:
			if (t == DT_NOBEGIN)
				w->nothing = true;
			else
				not_after(w, t - 1);
			break;
		case PROMQL_QUAL_TIME_LE:
			not_after(w, t);
			break;
		case PROMQL_QUAL_TIME_GE:
			not_before(w, t);
			break;
		case PROMQL_QUAL_TIME_GT:
			if (t == DT_NOEND)
				w->nothing = true;
			else
				not_before(w, t + 1);
			break;
		default:
			not_before(w, t);
			not_after(w, t);
			break;
	}
}

static void
add_any_time(PromqlWanted *w, ArrayType *array)
{
	TimestampTz first = DT_NOEND;
	TimestampTz last = DT_NOBEGIN;
	Datum *values;
	bool *nulls;
	int n;

	deconstruct_array(array, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			continue;
		first = Min(first, DatumGetTimestampTz(values[i]));
		last = Max(last, DatumGetTimestampTz(values[i]));
	}
	not_before(w, first);
	not_after(w, last);
}

/* --- all ---------------------------------------------------------------------------------------- */

static const char *
pattern_of(Datum value, bool like)
{
	return promql_pattern(TextDatumGetCString(value), like);
}

void
promql_wanted_add(PromqlWanted *w, const PromqlQual *q, Datum value, bool isnull)
{
	if (isnull && q->value != NULL)
	{
		w->nothing = true;
		return;
	}
	switch (q->kind)
	{
		case PROMQL_QUAL_EQUAL:
			add_filter(w, MATCH_EQUAL, q->label, TextDatumGetCString(value));
			break;
		case PROMQL_QUAL_NOT_EQUAL:
			add_filter(w, MATCH_NOT_EQUAL, q->label, TextDatumGetCString(value));
			break;
		case PROMQL_QUAL_ANY:
			add_any(w, q->label, DatumGetArrayTypeP(value));
			break;
		case PROMQL_QUAL_EXISTS:
			add_filter(w, MATCH_NOT_EQUAL, q->label, "");
			break;
		case PROMQL_QUAL_LIKE:
		case PROMQL_QUAL_REGEX:
			add_filter(w, MATCH_REGEX, q->label, pattern_of(value, q->kind == PROMQL_QUAL_LIKE));
			break;
		case PROMQL_QUAL_CONTAINS:
			add_contained(w, DatumGetJsonbP(value));
			break;
		case PROMQL_QUAL_TIME_ANY:
			add_any_time(w, DatumGetArrayTypeP(value));
			break;
		default:
			add_time(w, q->kind, as_time(value, q->type));
			break;
	}
}

double
promql_wanted_add_unknown(PromqlWanted *w, const PromqlQual *q)
{
	switch (q->kind)
	{
		case PROMQL_QUAL_EQUAL:
			add_matcher(w, (Matcher){MATCH_EQUAL, strview_cstr(q->label), promql_unknown_value});
			return 1;
		case PROMQL_QUAL_ANY:
		case PROMQL_QUAL_TIME_EQ:
		case PROMQL_QUAL_TIME_ANY:
			return UNKNOWN_ANY;
		case PROMQL_QUAL_CONTAINS:
			return UNKNOWN_CONTAINS;
		case PROMQL_QUAL_TIME_LT:
		case PROMQL_QUAL_TIME_LE:
		case PROMQL_QUAL_TIME_GE:
		case PROMQL_QUAL_TIME_GT:
			return UNKNOWN_BOUND;
		default:
			return 1;
	}
}

void
promql_wanted_tell(const PromqlWanted *w, PromqlParams *params)
{
	params->label_filters = w->filters;
	params->nlabel_filters = w->nfilters;
	params->has_window = w->has_window;
	params->window_from_ms = time_to_ms(w->from);
	params->window_to_ms = time_to_ms(w->to);
	/* the first whole millisecond that is not before */
	if (!TIMESTAMP_NOT_FINITE(w->from) && time_from_ms(params->window_from_ms) < w->from)
		params->window_from_ms++;
}

bool
promql_wanted_labels(const PromqlWanted *w, Labels labels)
{
	for (int i = 0; i < w->nfilters; i++)
	{
		StrView value;

		if (!labels_get(labels, w->filters[i].name, &value) ||
			!matcher_matches(&w->filters[i], value))
			return false;
	}
	return true;
}
