/*
 * bytes_sql.c
 *    Comparison of mimir.chunk and mimir.histogram: by their bytes.
 *
 * Equality is what matters (DISTINCT, GROUP BY, comparing tables); the order is arbitrary but total.
 */
#include "postgres.h"

#include "pg/export.h"

#include "common/hashfn.h"
#include "fmgr.h"

MIMIR_FUNCTION(mimir_bytes_eq);
MIMIR_FUNCTION(mimir_bytes_ne);
MIMIR_FUNCTION(mimir_bytes_lt);
MIMIR_FUNCTION(mimir_bytes_le);
MIMIR_FUNCTION(mimir_bytes_gt);
MIMIR_FUNCTION(mimir_bytes_ge);
MIMIR_FUNCTION(mimir_bytes_cmp);
MIMIR_FUNCTION(mimir_bytes_hash);
MIMIR_FUNCTION(mimir_bytes_hash_extended);

static int
compare(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	struct varlena *b = PG_GETARG_VARLENA_PP(1);
	Size na = VARSIZE_ANY_EXHDR(a);
	Size nb = VARSIZE_ANY_EXHDR(b);
	int c = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(na, nb));

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	if (c != 0)
		return c;
	return na < nb ? -1 : na > nb;
}

Datum
mimir_bytes_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) == 0);
}

Datum
mimir_bytes_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) != 0);
}

Datum
mimir_bytes_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) < 0);
}

Datum
mimir_bytes_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) <= 0);
}

Datum
mimir_bytes_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) > 0);
}

Datum
mimir_bytes_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) >= 0);
}

Datum
mimir_bytes_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare(fcinfo));
}

Datum
mimir_bytes_hash(PG_FUNCTION_ARGS)
{
	struct varlena *v = PG_GETARG_VARLENA_PP(0);
	Datum hash = hash_any((unsigned char *) VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));

	PG_FREE_IF_COPY(v, 0);
	return hash;
}

Datum
mimir_bytes_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *v = PG_GETARG_VARLENA_PP(0);
	Datum hash = hash_any_extended((unsigned char *) VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v),
								   PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(v, 0);
	return hash;
}
