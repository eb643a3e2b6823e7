/*
 * store_cond_apply.c
 *    Execution: conditions to matchers, times and tenants.
 *
 * Whatever cannot be said exactly is said more widely or not at all.  SQL sees U+FFFD where a label
 * has a null character, so a condition that names U+FFFD is left to SQL.
 */
#include "postgres.h"

#include "query/store_cond.h"

#include "pg/time.h"
#include "query/promql_pattern.h"
#include "types/labels_value.h"
#include "types/selector_value.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#define REPLACEMENT "\xef\xbf\xbd"

static bool
is_sayable(StrView s)
{
	return s.len < 3 || memmem(s.s, s.len, REPLACEMENT, 3) == NULL;
}

static StrView
text_view(Datum d)
{
	text *t = DatumGetTextPP(d);

	return strview(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
}

static void
keep_tenants(StoreFilter *f, const Matcher *m)
{
	int kept = 0;

	for (int i = 0; i < f->ntenants; i++)
		if (matcher_matches(m, strview_cstr(f->tenants[i]->name)))
			f->tenants[kept++] = f->tenants[i];
	f->ntenants = kept;
}

/* The matcher's label is the target's name, unless the target is no label. */
static void
apply_matcher(StoreFilter *f, StoreCondTarget target, StrView name, MatchType type, StrView value)
{
	Err err = ERR_INIT;
	Matcher m;

	if (target == STORE_TARGET_METRIC)
		name = strview_cstr(LABELS_NAME);
	if (!is_sayable(name) || !is_sayable(value) || !matcher_init(&m, type, name, value, &err))
		return;
	if (target == STORE_TARGET_TENANT)
		keep_tenants(f, &m);
	else if (target != STORE_TARGET_LABEL_NAME)
		store_filter_add(f, &m);
	else if (type == MATCH_EQUAL)
		f->label_name = value;
}

static void
apply_any(StoreFilter *f, StoreCondTarget target, StrView name, bool negated, Datum array)
{
	Datum *items;
	bool *nulls;
	int n;
	int written = 0;
	StringInfoData b;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls,
					  &n);
	initStringInfo(&b);
	for (int i = 0; i < n; i++)
	{
		StrView item;

		if (nulls[i])
		{
			if (negated) /* never true */
				f->nothing = true;
			continue;
		}
		item = text_view(items[i]);
		if (!is_sayable(item))
			return;
		if (written++ > 0)
			appendStringInfoChar(&b, '|');
		promql_pattern_quote(&b, item.s, item.len);
	}
	/* nothing is one of none */
	if (written == 0 && !negated)
		f->nothing = true;
	else if (b.len > 0)
		apply_matcher(f, target, name, negated ? MATCH_NOT_REGEX : MATCH_REGEX,
					  strview(b.data, b.len));
}

static void
apply_pattern(StoreFilter *f, StoreCondTarget target, StrView name, bool like, Datum value)
{
	const char *pattern = TextDatumGetCString(value);

	/* what a character is depends on the encoding */
	if (GetDatabaseEncoding() != PG_UTF8 || (pattern = promql_pattern(pattern, like)) == NULL)
		return;
	apply_matcher(f, target, name, MATCH_REGEX, strview_cstr(pattern));
}

static void
apply_contains_jsonb(StoreFilter *f, Jsonb *j)
{
	JsonbIterator *it;
	JsonbValue v;
	JsonbIteratorToken tok;
	StrView name = {NULL, 0};

	if (!JB_ROOT_IS_OBJECT(j))
		return;
	it = JsonbIteratorInit(&j->root);
	while ((tok = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (tok == WJB_KEY)
			name = strview(v.val.string.val, v.val.string.len);
		else if (tok == WJB_VALUE && v.type == jbvString)
			apply_matcher(f, STORE_TARGET_LABEL, name, MATCH_EQUAL,
						  strview(v.val.string.val, v.val.string.len));
	}
}

static void
apply_contains(StoreFilter *f, Oid type, Datum value)
{
	LabelsIter it;
	Label l;

	if (type == JSONBOID)
	{
		apply_contains_jsonb(f, DatumGetJsonbP(value));
		return;
	}
	labels_iter_init(&it, labels_of_varlena(PG_DETOAST_DATUM_PACKED(value)));
	while (labels_next(&it, &l))
		apply_matcher(f, STORE_TARGET_LABEL, l.name, MATCH_EQUAL, l.value);
}

static void
apply_selector(StoreFilter *f, bool negated, Datum value)
{
	static const MatchType opposite[] = {
		[MATCH_EQUAL] = MATCH_NOT_EQUAL,
		[MATCH_NOT_EQUAL] = MATCH_EQUAL,
		[MATCH_REGEX] = MATCH_NOT_REGEX,
		[MATCH_NOT_REGEX] = MATCH_REGEX,
	};
	Matcher *ms;
	int n = selector_matchers(DatumGetTextPP(value), &ms);

	if (negated && n != 1) /* not (a and b) is no list of matchers */
	{
		f->nothing |= n == 0;
		return;
	}
	for (int i = 0; i < n; i++)
		apply_matcher(f, STORE_TARGET_LABEL, ms[i].name,
					  negated ? opposite[ms[i].type] : ms[i].type, ms[i].value);
}

/* ---- times ------------------------------------------------------------------------------------- */

/* As the operators between the types compare; what is out of range is infinitely far away. */
static TimestampTz
to_timestamptz(Oid type, Datum d)
{
	int overflow = 0;

	if (type == DATEOID)
		return date2timestamptz_opt_overflow(DatumGetDateADT(d), &overflow);
	if (type == TIMESTAMPOID)
		return timestamp2timestamptz_opt_overflow(DatumGetTimestamp(d), &overflow);
	return DatumGetTimestampTz(d);
}

/*
 * Samples have whole milliseconds; one whose time SQL cannot show is shown as infinity, hence only
 * finite bounds say something.
 */
static void
apply_time(StoreFilter *f, StrategyNumber strategy, TimestampTz t)
{
	int64 floor_ms = time_to_ms(t);
	bool whole = t % 1000 == 0;

	if (TIMESTAMP_NOT_FINITE(t))
		return;
	switch (strategy)
	{
		case BTLessStrategyNumber:
			f->maxt = Min(f->maxt, whole ? floor_ms - 1 : floor_ms);
			break;
		case BTLessEqualStrategyNumber:
			f->maxt = Min(f->maxt, floor_ms);
			break;
		case BTEqualStrategyNumber:
			f->mint = Max(f->mint, whole ? floor_ms : floor_ms + 1);
			f->maxt = Min(f->maxt, floor_ms);
			break;
		case BTGreaterEqualStrategyNumber:
			f->mint = Max(f->mint, whole ? floor_ms : floor_ms + 1);
			break;
		case BTGreaterStrategyNumber:
			f->mint = Max(f->mint, floor_ms + 1);
			break;
	}
}

void
store_cond_apply(List *cond, const Datum *values, const bool *nulls, StoreFilter *f)
{
	int name_at = list_nth_int(cond, STORE_COND_NAME);
	int value_at = list_nth_int(cond, STORE_COND_VALUE);
	StoreCondTarget target = list_nth_int(cond, STORE_COND_TARGET);
	bool negated = list_nth_int(cond, STORE_COND_NEGATED);
	Oid type = (Oid) list_nth_int(cond, STORE_COND_TYPE);
	StrView name = {"", 0};

	/* all of them are strict, and a null is not true */
	if ((name_at >= 0 && nulls[name_at]) || (value_at >= 0 && nulls[value_at]))
	{
		f->nothing = true;
		return;
	}
	if (name_at >= 0)
		name = text_view(values[name_at]);
	switch ((StoreCondKind) list_nth_int(cond, STORE_COND_KIND))
	{
		case STORE_COND_COMPARE:
			apply_matcher(f, target, name, negated ? MATCH_NOT_EQUAL : MATCH_EQUAL,
						  text_view(values[value_at]));
			break;
		case STORE_COND_ANY:
			apply_any(f, target, name, negated, values[value_at]);
			break;
		case STORE_COND_LIKE:
			apply_pattern(f, target, name, true, values[value_at]);
			break;
		case STORE_COND_REGEX:
			apply_pattern(f, target, name, false, values[value_at]);
			break;
		case STORE_COND_EXISTS:
			apply_matcher(f, target, name, MATCH_NOT_EQUAL, strview("", 0));
			break;
		case STORE_COND_CONTAINS:
			apply_contains(f, type, values[value_at]);
			break;
		case STORE_COND_MATCHES:
			apply_selector(f, negated, values[value_at]);
			break;
		case STORE_COND_TIME:
			apply_time(f, list_nth_int(cond, STORE_COND_STRATEGY),
					   to_timestamptz(type, values[value_at]));
			break;
	}
}
