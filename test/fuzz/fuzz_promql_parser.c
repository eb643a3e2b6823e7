/*
 * fuzz_promql_parser.c
 *    Any bytes as a query: the parser answers or refuses; what it prints parses again.
 */
#include "promql/parser/ast.h"
#include "util/mem.h"

#include <stdio.h>
#include <stdlib.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
print(const PromqlExpr *e, bool pretty)
{
	Buf b;

	buf_init(&b, 256, SIZE_MAX / 2);
	promql_print(&b, e, pretty);
	return b.data;
}

/*
 * Durations are seconds in a double, as in Prometheus: from 104 days on, 2^53 ns, a last millisecond
 * may be lost.
 */
static bool
has_imprecise_duration(const char *text)
{
	for (const char *c = text; *c; c++)
	{
		if (*c >= '0' && *c <= '9')
		{
			char *end;
			double n = strtod(c, &end);

			if (n >= 104 && *end == 'd' && strstr(end, "ms") != NULL)
				return true;
			c = end - 1;
		}
	}
	return false;
}

/*
 * check_print -- the printed form is a query, and printing is stable.  Excepted are ranges below
 * a millisecond, which print as 0s, @ times beyond the precision of a double, powers of infinity,
 * whose sign becomes one of the power, and very long durations.
 */
static void
check_print(const PromqlExpr *e, const PromqlFlags *flags, bool pretty)
{
	const char *text = print(e, pretty);
	const PromqlExpr *again;
	Err err = ERR_INIT;

	if (strstr(text, "[0s") != NULL || strstr(text, ":0s]") != NULL || strstr(text, " @ ") != NULL)
		return;
	if (strstr(text, "+Inf") != NULL && strchr(text, '^') != NULL)
		return;
	if (has_imprecise_duration(text))
		return;
	again = promql_parse(text, strlen(text), flags, &err);
	if (again == NULL || strcmp(print(again, pretty), text) != 0)
	{
		fprintf(stderr, "%s\nis printed as %s\n", text,
				again != NULL ? print(again, pretty) : err.msg);
		abort();
	}
}

static void
fuzz_query(const char *text, size_t size, const PromqlFlags *flags)
{
	Err err = ERR_INIT;
	PromqlMatcherSet *sets;
	PromqlExpr *e = promql_parse(text, size, flags, &err);
	Buf json;

	if (e == NULL)
	{
		if (err.code == ERR_NONE || err.msg == NULL || err.pos < 0 || (size_t) err.pos > size)
			abort();
		return;
	}
	check_print(e, flags, false);
	check_print(e, flags, true);
	buf_init(&json, 256, SIZE_MAX / 2);
	promql_print_json(&json, e);
	promql_collect_selectors(e, &sets);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const PromqlFlags all = {
		.experimental_functions = true, .extended_range = true, .binop_fill = true};
	static const PromqlFlags none;
	MemScope *scope = mem_scope_create("fuzz");
	MemScope *outer = mem_scope_switch(scope);
	Err err = ERR_INIT;
	Matcher *ms;
	int n;

	fuzz_query((const char *) data, size, &all);
	fuzz_query((const char *) data, size, &none);
	promql_parse_selector((const char *) data, size, &ms, &n, &err);
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
