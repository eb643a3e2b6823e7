/*
 * labels_sql.c
 *    mimir.labels: input and output, comparison, access to single labels.
 */
#include "postgres.h"

#include "types/labels_value.h"

#include "pg/compat.h"
#include "pg/export.h"
#include "util/text.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

MIMIR_FUNCTION(mimir_labels_in);
MIMIR_FUNCTION(mimir_labels_out);
MIMIR_FUNCTION(mimir_labels_recv);
MIMIR_FUNCTION(mimir_labels_send);
MIMIR_FUNCTION(mimir_labels_eq);
MIMIR_FUNCTION(mimir_labels_ne);
MIMIR_FUNCTION(mimir_labels_lt);
MIMIR_FUNCTION(mimir_labels_le);
MIMIR_FUNCTION(mimir_labels_gt);
MIMIR_FUNCTION(mimir_labels_ge);
MIMIR_FUNCTION(mimir_labels_cmp);
MIMIR_FUNCTION(mimir_labels_hash);
MIMIR_FUNCTION(mimir_labels_hash_extended);
MIMIR_FUNCTION(mimir_labels_get);
MIMIR_FUNCTION(mimir_labels_has);
MIMIR_FUNCTION(mimir_labels_contains);
MIMIR_FUNCTION(mimir_labels_contained);
MIMIR_FUNCTION(mimir_labels_to_json);
MIMIR_FUNCTION(mimir_labels_to_jsonb);
MIMIR_FUNCTION(mimir_labels_from_jsonb);

/* ---- text and binary form ---------------------------------------------------------------------- */

static const char *
skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* Is it {"name": ...}?  {"name"} and {"name"="value"} are not. */
static bool
is_json(const char *text)
{
	const char *p = skip_space(text);

	if (*p != '{')
		return false;
	p = skip_space(p + 1);
	if (*p != '"')
		return false;
	for (p++; *p != '"'; p++)
	{
		if (*p == '\\' && p[1] != '\0')
			p++;
		if (*p == '\0')
			return false;
	}
	return *skip_space(p + 1) == ':';
}

/* mimir.labels_in(cstring) -- as a series is written in PromQL, or a JSON object. */
Datum
mimir_labels_in(PG_FUNCTION_ARGS)
{
	char *text = PG_GETARG_CSTRING(0);
	Err err = ERR_INIT;
	Labels ls;

	if (is_json(text))
	{
		Datum json = DirectFunctionCall1(jsonb_in, CStringGetDatum(text));

		return labels_to_datum(labels_from_jsonb(DatumGetJsonbP(json)));
	}
	if (!labels_parse(text, strlen(text), &ls, &err))
		compat_ereturn(fcinfo->context, (Datum) 0,
					   (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("invalid input syntax for type %s: \"%s\"", "mimir.labels", text),
						errdetail("At byte %d: %s.", err.pos + 1, err.msg)));
	return labels_to_datum(ls);
}

Datum
mimir_labels_out(PG_FUNCTION_ARGS)
{
	Buf b;

	buf_init(&b, 128, LABELS_TEXT_MAX);
	labels_text(&b, PG_GETARG_LABELS(0));
	if (b.overflow)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("label set is too long")));
	PG_RETURN_CSTRING(b.data);
}

Datum
mimir_labels_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int len = in->len - in->cursor;
	Labels ls = {(const uint8_t *) pq_getmsgbytes(in, len), (uint32) len};
	bool ok = labels_check(ls.data, ls.len);
	LabelsIter it;
	Label l;

	if (ok)
	{
		labels_iter_init(&it, ls);
		while (ok && labels_next(&it, &l))
			ok = text_utf8_valid(l.name.s, l.name.len) && text_utf8_valid(l.value.s, l.value.len);
	}
	if (!ok)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid binary form of type %s", "mimir.labels")));
	return labels_to_datum(ls);
}

Datum
mimir_labels_send(PG_FUNCTION_ARGS)
{
	Labels ls = PG_GETARG_LABELS(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbytes(&out, (const char *) ls.data, (int) ls.len);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* ---- comparison -------------------------------------------------------------------------------- */

/* Sorting and index builds call these without end: what was detoasted is freed. */
#define COMPARE(name, return_as, call)                                                             \
	Datum name(PG_FUNCTION_ARGS)                                                                   \
	{                                                                                              \
		struct varlena *va = PG_GETARG_VARLENA_PP(0);                                              \
		struct varlena *vb = PG_GETARG_VARLENA_PP(1);                                              \
		Labels a = labels_of_varlena(va);                                                          \
		Labels b = labels_of_varlena(vb);                                                          \
		int result = call;                                                                         \
                                                                                                   \
		PG_FREE_IF_COPY(va, 0);                                                                    \
		PG_FREE_IF_COPY(vb, 1);                                                                    \
		return return_as(result);                                                                  \
	}

COMPARE(mimir_labels_eq, BoolGetDatum, labels_equal(a, b))
COMPARE(mimir_labels_ne, BoolGetDatum, !labels_equal(a, b))
COMPARE(mimir_labels_lt, BoolGetDatum, labels_cmp(a, b) < 0)
COMPARE(mimir_labels_le, BoolGetDatum, labels_cmp(a, b) <= 0)
COMPARE(mimir_labels_gt, BoolGetDatum, labels_cmp(a, b) > 0)
COMPARE(mimir_labels_ge, BoolGetDatum, labels_cmp(a, b) >= 0)
COMPARE(mimir_labels_cmp, Int32GetDatum, labels_cmp(a, b))

Datum
mimir_labels_hash(PG_FUNCTION_ARGS)
{
	struct varlena *v = PG_GETARG_VARLENA_PP(0);
	Datum hash = hash_any((unsigned char *) VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));

	PG_FREE_IF_COPY(v, 0);
	return hash;
}

Datum
mimir_labels_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *v = PG_GETARG_VARLENA_PP(0);
	Datum hash = hash_any_extended((unsigned char *) VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v),
								   PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(v, 0);
	return hash;
}

/* ---- single labels ----------------------------------------------------------------------------- */

static StrView
text_arg(const text *t)
{
	return strview(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
}

/* labels ->> name -- the label's value; null if the set lacks it. */
Datum
mimir_labels_get(PG_FUNCTION_ARGS)
{
	StrView value;

	if (!labels_get(PG_GETARG_LABELS(0), text_arg(PG_GETARG_TEXT_PP(1)), &value))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(labels_string_to_text(value));
}

/* labels ? name */
Datum
mimir_labels_has(PG_FUNCTION_ARGS)
{
	StrView value;

	PG_RETURN_BOOL(labels_get(PG_GETARG_LABELS(0), text_arg(PG_GETARG_TEXT_PP(1)), &value));
}

/* Both ascend by name: one pass. */
static bool
contains(Labels outer, Labels inner)
{
	LabelsIter o;
	LabelsIter i;
	Label have;
	Label want;

	labels_iter_init(&o, outer);
	labels_iter_init(&i, inner);
	while (labels_next(&i, &want))
	{
		do
		{
			if (!labels_next(&o, &have))
				return false;
		} while (strview_cmp(have.name, want.name) < 0);
		if (!strview_eq(have.name, want.name) || !strview_eq(have.value, want.value))
			return false;
	}
	return true;
}

/* labels @> labels -- has the left one every label of the right one? */
Datum
mimir_labels_contains(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(contains(PG_GETARG_LABELS(0), PG_GETARG_LABELS(1)));
}

Datum
mimir_labels_contained(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(contains(PG_GETARG_LABELS(1), PG_GETARG_LABELS(0)));
}

/* ---- casts ------------------------------------------------------------------------------------- */

Datum
mimir_labels_to_jsonb(PG_FUNCTION_ARGS)
{
	return labels_to_jsonb(PG_GETARG_LABELS(0));
}

/* What row_to_json() and its like look for. */
Datum
mimir_labels_to_json(PG_FUNCTION_ARGS)
{
	Jsonb *j = DatumGetJsonbP(labels_to_jsonb(PG_GETARG_LABELS(0)));

	PG_RETURN_TEXT_P(cstring_to_text(JsonbToCString(NULL, &j->root, VARSIZE(j))));
}

Datum
mimir_labels_from_jsonb(PG_FUNCTION_ARGS)
{
	return labels_to_datum(labels_from_jsonb(PG_GETARG_JSONB_P(0)));
}
