/*
 * signatures.c
 *    The table of signatures.def, and lookup by name.
 *
 * PROMQL_NONE stands in args where a function has no argument.
 */
#include "promql/functions/signatures.h"

#include <assert.h>
#include <string.h>

#define PREFIX_TYPE_1(a)					PROMQL_##a
#define PREFIX_TYPE_2(a, b)					PROMQL_##a, PROMQL_##b
#define PREFIX_TYPE_3(a, b, c)				PROMQL_##a, PROMQL_##b, PROMQL_##c
#define PREFIX_TYPE_4(a, b, c, d)			PREFIX_TYPE_3(a, b, c), PROMQL_##d
#define PREFIX_TYPE_5(a, b, c, d, e)		PREFIX_TYPE_4(a, b, c, d), PROMQL_##e
#define PICK(_1, _2, _3, _4, _5, name, ...) name
#define ARGS(...)                                                                                  \
	{                                                                                              \
		PICK(__VA_ARGS__, PREFIX_TYPE_5, PREFIX_TYPE_4, PREFIX_TYPE_3, PREFIX_TYPE_2,              \
			 PREFIX_TYPE_1, )                                                                      \
		(__VA_ARGS__)                                                                              \
	}

#define IS_STABLE		false
#define IS_EXPERIMENTAL true
#define IS_INVARIANT	false
#define IS_STEP_VARIANT true

static const PromqlSignature signatures[PROMQL_NFUNCTIONS] = {
#define PROMQL_FUNCTION(name, nargs, args, variadic, result, status, labels, step)                 \
	{PROMQL_FN_##name,	   #name,	 nargs, args, variadic, PROMQL_##result, IS_##status,          \
	 PROMQL_NAME_##labels, IS_##step},
#include "promql/functions/signatures.def"
#undef PROMQL_FUNCTION
};

/* name of len bytes against the NUL-terminated entry, in byte order */
static int
compare_name(const char *name, size_t len, const char *entry)
{
	size_t elen = strlen(entry);
	int c = memcmp(name, entry, len < elen ? len : elen);

	if (c != 0)
		return c;
	return len < elen ? -1 : len > elen;
}

const PromqlSignature *
promql_function_find(const char *name, size_t len)
{
	int lo = 0;
	int hi = PROMQL_NFUNCTIONS;

	while (lo < hi)
	{
		int mid = (lo + hi) / 2;
		int c = compare_name(name, len, signatures[mid].name);

		if (c == 0)
			return &signatures[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const PromqlSignature *
promql_function_signature(PromqlFn fn)
{
	assert(fn < PROMQL_NFUNCTIONS);
	return &signatures[fn];
}

PromqlType
promql_function_arg_type(const PromqlSignature *sig, int i)
{
	assert(sig->nargs > 0);
	return sig->args[i < sig->nargs ? i : sig->nargs - 1];
}
