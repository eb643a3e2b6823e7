/*
 * labels_value.c
 *    Label sets as Datums, to and from JSON.
 */
#include "postgres.h"

#include "types/labels_value.h"

#include "utils/builtins.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

Datum
labels_to_datum(Labels ls)
{
	struct varlena *v = palloc(VARHDRSZ + ls.len);

	SET_VARSIZE(v, VARHDRSZ + ls.len);
	if (ls.len > 0)
		memcpy(VARDATA(v), ls.data, ls.len);
	return PointerGetDatum(v);
}

/* s with U+FFFD for every null character; s itself if there is none. */
static StrView
without_nulls(StrView s)
{
	const char *end = s.s + s.len;
	char *out;
	uint32 n = 0;

	if (s.len == 0 || memchr(s.s, '\0', s.len) == NULL)
		return s;
	out = palloc(3 * (Size) s.len);
	for (const char *p = s.s; p < end; p++)
	{
		if (*p != '\0')
			out[n++] = *p;
		else
		{
			memcpy(out + n, REPLACEMENT, 3);
			n += 3;
		}
	}
	return strview(out, n);
}

text *
labels_string_to_text(StrView s)
{
	StrView clean = without_nulls(s);

	return cstring_to_text_with_len(clean.s, (int) clean.len);
}

static void
push_string(JsonbParseState **state, JsonbIteratorToken token, StrView s)
{
	StrView clean = without_nulls(s);
	JsonbValue v;

	v.type = jbvString;
	v.val.string.val = (char *) clean.s;
	v.val.string.len = (int) clean.len;
	pushJsonbValue(state, token, &v);
}

Datum
labels_to_jsonb(Labels ls)
{
	JsonbParseState *state = NULL;
	LabelsIter it;
	Label l;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	labels_iter_init(&it, ls);
	while (labels_next(&it, &l))
	{
		push_string(&state, WJB_KEY, l.name);
		push_string(&state, WJB_VALUE, l.value);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

static void
add_label(LabelsBuilder *b, StrView name, const JsonbValue *v)
{
	if (v->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value of label \"%.*s\" must be a string", (int) name.len, name.s)));
	if (name.len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("label name must not be empty")));
	if (name.len > LABELS_MAX_BYTES || v->val.string.len > LABELS_MAX_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("label is too long"),
						errdetail("Names and values may have %d bytes.", LABELS_MAX_BYTES)));
	labels_builder_set(b, name, strview(v->val.string.val, v->val.string.len));
}

Labels
labels_from_jsonb(Jsonb *j)
{
	LabelsBuilder b;
	JsonbIterator *it;
	JsonbValue v;
	JsonbIteratorToken tok;
	StrView name = {NULL, 0};

	if (!JB_ROOT_IS_OBJECT(j))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("labels must be a JSON object")));
	labels_builder_init(&b);
	it = JsonbIteratorInit(&j->root);
	while ((tok = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (tok == WJB_KEY)
			name = strview(v.val.string.val, v.val.string.len);
		else if (tok == WJB_VALUE)
			add_label(&b, name, &v);
	}
	return labels_builder_finish(&b);
}
