/*
 * labels_gin_sql.c
 *    GIN over the labels of mimir.labels: @>, ? and =~.
 *
 * A key is a label as bytea:
 *    u8     0: a length byte and the name follow; 1: 8 bytes, XXH64 of a name longer than that
 *    u8     0: the value follows; 1: XXH64 of a value too long for an index item
 * so the labels of one name lie together, and a prefix of the keys finds who has the name.
 * Only what is hashed, and matchers other than equality, must be checked again in the row.
 */
#include "postgres.h"

#include "types/labels_value.h"

#include "pg/export.h"
#include "types/selector_value.h"
#include "util/hash.h"

#include "access/gin.h"
#include "access/stratnum.h"

MIMIR_FUNCTION(mimir_labels_gin_extract);
MIMIR_FUNCTION(mimir_labels_gin_query);
MIMIR_FUNCTION(mimir_labels_gin_consistent);
MIMIR_FUNCTION(mimir_labels_gin_triconsistent);
MIMIR_FUNCTION(mimir_labels_gin_compare_prefix);

#define GIN_NAME_MAX  255
#define GIN_VALUE_MAX 1000

/* Strategy numbers of the operator class. */
enum
{
	GIN_LABELS_CONTAINS = 1,
	GIN_LABELS_HAS = 2,
	GIN_LABELS_MATCH = 3
};

static char *
put_hash(char *p, StrView s)
{
	uint64 hash = hash_xxh64(s.s, s.len);

	*p++ = 1;
	memcpy(p, &hash, sizeof(hash));
	return p + sizeof(hash);
}

static char *
put_name(char *p, StrView name)
{
	if (name.len > GIN_NAME_MAX)
		return put_hash(p, name);
	*p++ = 0;
	*p++ = (char) name.len;
	memcpy(p, name.s, name.len);
	return p + name.len;
}

static Datum
name_key(StrView name)
{
	struct varlena *key = palloc(VARHDRSZ + 2 + GIN_NAME_MAX);

	SET_VARSIZE(key, put_name(VARDATA(key), name) - (char *) key);
	return PointerGetDatum(key);
}

static Datum
label_key(StrView name, StrView value)
{
	struct varlena *key = palloc(VARHDRSZ + 3 + GIN_NAME_MAX + GIN_VALUE_MAX);
	char *p = put_name(VARDATA(key), name);

	if (value.len > GIN_VALUE_MAX)
		p = put_hash(p, value);
	else
	{
		*p++ = 0;
		memcpy(p, value.s, value.len);
		p += value.len;
	}
	SET_VARSIZE(key, p - (char *) key);
	return PointerGetDatum(key);
}

static Datum *
labels_keys(Labels ls, int32 *nkeys)
{
	Datum *keys = palloc(sizeof(Datum) * Max(labels_count(ls), 1));
	LabelsIter it;
	Label l;

	*nkeys = 0;
	labels_iter_init(&it, ls);
	while (labels_next(&it, &l))
		keys[(*nkeys)++] = label_key(l.name, l.value);
	return keys;
}

Datum
mimir_labels_gin_extract(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(labels_keys(PG_GETARG_LABELS(0), (int32 *) PG_GETARG_POINTER(1)));
}

/* Labels that a set must have if it matches. */
static Datum *
selector_keys(const text *selector, int32 *nkeys)
{
	Matcher *ms;
	int n = selector_matchers(selector, &ms);
	Datum *keys = palloc(sizeof(Datum) * Max(n, 1));

	*nkeys = 0;
	for (int i = 0; i < n; i++)
		if (ms[i].type == MATCH_EQUAL && ms[i].value.len > 0)
			keys[(*nkeys)++] = label_key(ms[i].name, ms[i].value);
	return keys;
}

Datum
mimir_labels_gin_query(PG_FUNCTION_ARGS)
{
	int32 *nkeys = (int32 *) PG_GETARG_POINTER(1);
	bool **partial = (bool **) PG_GETARG_POINTER(3);
	int32 *mode = (int32 *) PG_GETARG_POINTER(6);
	text *arg;
	Datum *keys;

	switch (PG_GETARG_UINT16(2))
	{
		case GIN_LABELS_CONTAINS:
			keys = labels_keys(PG_GETARG_LABELS(0), nkeys);
			break;
		case GIN_LABELS_HAS:
			arg = PG_GETARG_TEXT_PP(0);
			keys = palloc(sizeof(Datum));
			keys[0] = name_key(strview(VARDATA_ANY(arg), VARSIZE_ANY_EXHDR(arg)));
			*nkeys = 1;
			*partial = palloc(sizeof(bool));
			(*partial)[0] = true;
			break;
		case GIN_LABELS_MATCH:
			keys = selector_keys(PG_GETARG_TEXT_PP(0), nkeys);
			break;
		default:
			elog(ERROR, "unrecognized strategy number: %d", PG_GETARG_UINT16(2));
	}
	if (*nkeys == 0)
		*mode = GIN_SEARCH_MODE_ALL;
	PG_RETURN_POINTER(keys);
}

/* Does a key say all, that is, is nothing of it hashed? */
static bool
is_exact(Datum key)
{
	struct varlena *v = (struct varlena *) DatumGetPointer(key);
	const uint8 *p = (const uint8 *) VARDATA_ANY(v);
	Size len = VARSIZE_ANY_EXHDR(v);
	Size name = p[0] == 0 ? 2 + (Size) p[1] : 0;

	return p[0] == 0 && (len == name || p[name] == 0);
}

static bool
needs_recheck(StrategyNumber strategy, const Datum *keys, int32 nkeys)
{
	if (strategy == GIN_LABELS_MATCH)
		return true;
	for (int32 i = 0; i < nkeys; i++)
		if (!is_exact(keys[i]))
			return true;
	return false;
}

Datum
mimir_labels_gin_consistent(PG_FUNCTION_ARGS)
{
	bool *check = (bool *) PG_GETARG_POINTER(0);
	int32 nkeys = PG_GETARG_INT32(3);
	bool *recheck = (bool *) PG_GETARG_POINTER(5);
	Datum *keys = (Datum *) PG_GETARG_POINTER(6);

	*recheck = needs_recheck(PG_GETARG_UINT16(1), keys, nkeys);
	for (int32 i = 0; i < nkeys; i++)
		if (!check[i])
			PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(true);
}

Datum
mimir_labels_gin_triconsistent(PG_FUNCTION_ARGS)
{
	GinTernaryValue *check = (GinTernaryValue *) PG_GETARG_POINTER(0);
	int32 nkeys = PG_GETARG_INT32(3);
	Datum *keys = (Datum *) PG_GETARG_POINTER(5);
	GinTernaryValue result = GIN_TRUE;

	if (needs_recheck(PG_GETARG_UINT16(1), keys, nkeys))
		result = GIN_MAYBE;
	for (int32 i = 0; i < nkeys; i++)
	{
		if (check[i] == GIN_FALSE)
			PG_RETURN_GIN_TERNARY_VALUE(GIN_FALSE);
		if (check[i] == GIN_MAYBE)
			result = GIN_MAYBE;
	}
	PG_RETURN_GIN_TERNARY_VALUE(result);
}

/* Keys ascend from the prefix on: 0 while they begin with it, 1 at the first that does not. */
Datum
mimir_labels_gin_compare_prefix(PG_FUNCTION_ARGS)
{
	struct varlena *prefix = PG_GETARG_VARLENA_PP(0);
	struct varlena *key = PG_GETARG_VARLENA_PP(1);
	Size len = VARSIZE_ANY_EXHDR(prefix);

	PG_RETURN_INT32(VARSIZE_ANY_EXHDR(key) >= len &&
							memcmp(VARDATA_ANY(key), VARDATA_ANY(prefix), len) == 0
						? 0
						: 1);
}
