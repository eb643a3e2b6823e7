/*
 * script.h
 *    One command of a test file, parsed.
 */
#ifndef MIMIR_TEST_PROMQLTEST_SCRIPT_H
#define MIMIR_TEST_PROMQLTEST_SCRIPT_H

#include "promqltest/series_desc.h"

typedef enum ScriptKind
{
	SCRIPT_END, /* no more commands */
	SCRIPT_CLEAR,
	SCRIPT_LOAD,
	SCRIPT_EVAL
} ScriptKind;

/* A text that a message must equal, or a pattern to be found in it; neither: any message. */
typedef struct ScriptPattern
{
	const char *msg;
	const char *regex;
} ScriptPattern;

typedef struct ScriptPatterns
{
	ScriptPattern *items;
	int n;
	bool some; /* at least one message of the kind is required */
	bool none; /* and here, that there be none */
} ScriptPatterns;

typedef struct ScriptLoad
{
	int64_t step_ms;
	bool with_nhcb;
	SeriesDesc *series;
	SeriesStarts *starts; /* of each series; n 0: none given */
	int n;
} ScriptLoad;

typedef struct ScriptEval
{
	const char *query;
	bool is_range;
	int64_t start_ms, end_ms, step_ms; /* of the query; an instant query has start = end */
	bool fail, ordered;
	ScriptPattern failure;
	ScriptPatterns warn, info;
	const char *string; /* expected string result; NULL: none */
	bool has_scalar;
	double scalar;
	bool has_points; /* expect range vector: points of an instant query's matrix */
	int64_t points_start_ms, points_step_ms;
	SeriesDesc *series; /* expected, in the order of the file */
	int n;
} ScriptEval;

typedef struct ScriptCommand
{
	ScriptKind kind;
	int line; /* from 1 */
	ScriptLoad load;
	ScriptEval eval;
} ScriptCommand;

/* Lines of a file, trimmed; comments are empty lines. */
typedef struct Script
{
	char **lines;
	int n;
	int at;
} Script;

/* script_read -- false: the file cannot be read. */
extern bool script_read(Script *s, const char *path);
/*
 * script_next -- the next command; on an error of the file false, with the text in err, and s stands
 * behind the command.
 */
extern bool script_next(Script *s, ScriptCommand *out, Err *err);

#endif
