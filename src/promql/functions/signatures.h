/*
 * signatures.h
 *    What the language knows of each function: a view of signatures.def.
 *
 * The parser types calls by it, the planner reads the flags, functions/table.c adds the
 * implementations (indexed by PromqlFn).
 */
#ifndef MIMIR_PROMQL_SIGNATURES_H
#define MIMIR_PROMQL_SIGNATURES_H

#include "promql/promql.h"

typedef enum PromqlFn
{
#define PROMQL_FUNCTION(name, ...) PROMQL_FN_##name,
#include "promql/functions/signatures.def"
#undef PROMQL_FUNCTION
	PROMQL_NFUNCTIONS
} PromqlFn;

#define PROMQL_SIGNATURE_ARGS 5 /* most argument types a signature lists */

/* What becomes of the name labels (__name__, __type__, __unit__) of the input. */
typedef enum PromqlNameRule
{
	PROMQL_NAME_KEPT,
	PROMQL_NAME_DROPPED,
	PROMQL_NAME_DROPPED_ALONE, /* __name__ only */
	PROMQL_NAME_COMPUTED	   /* the function makes all labels itself, or has none */
} PromqlNameRule;

typedef struct PromqlSignature
{
	PromqlFn fn;
	const char *name;
	int nargs; /* of args; see variadic */
	PromqlType args[PROMQL_SIGNATURE_ARGS];
	int variadic; /* 0: exactly nargs; n > 0: nargs-1 to nargs-1+n; -1: nargs-1 or more */
	PromqlType result;
	bool experimental;
	PromqlNameRule name_rule;
	bool step_variant; /* depends on the evaluation time even over step-invariant arguments */
} PromqlSignature;

/* promql_function_find -- by exact name; NULL if there is none. */
extern const PromqlSignature *promql_function_find(const char *name, size_t len);
extern const PromqlSignature *promql_function_signature(PromqlFn fn);
/* promql_function_arg_type -- the type argument i must have, variadic tail included. */
extern PromqlType promql_function_arg_type(const PromqlSignature *sig, int i);

#endif
