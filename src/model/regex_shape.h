/*
 * regex_shape.h
 *    Patterns that need no regular expression engine.  For model/ only.
 */
#ifndef MIMIR_MODEL_REGEX_SHAPE_H
#define MIMIR_MODEL_REGEX_SHAPE_H

#include "model/labels.h"

typedef enum RegexShapeKind
{
	SHAPE_OTHER,  /* only an engine can match it */
	SHAPE_SET,	  /* one of a list of literals */
	SHAPE_GAPPED, /* gap literal gap */
} RegexShapeKind;

/* What may stand before or behind the literal of SHAPE_GAPPED. */
typedef enum RegexGap
{
	GAP_NONE,
	GAP_ANY,	 /* .* */
	GAP_NONEMPTY /* .+ */
} RegexGap;

typedef struct RegexShape
{
	RegexShapeKind kind;
	bool has_groups;   /* the pattern contains parentheses */
	int n_literals;	   /* SHAPE_SET: at least 1 */
	StrView *literals; /* sorted, unique; may be the empty string */
	RegexGap head, tail;
	StrView literal; /* SHAPE_GAPPED; empty with head only for .* and .+ themselves */
	StrView prefix;	 /* every match begins with it; any kind, may be empty */
} RegexShape;

/* regex_shape_find -- all of the result is from mem_alloc, in the current scope. */
extern void regex_shape_find(RegexShape *shape, StrView pattern);

/* regex_shape_match -- for SHAPE_SET and SHAPE_GAPPED. */
extern bool regex_shape_match(const RegexShape *shape, StrView text);

#endif
