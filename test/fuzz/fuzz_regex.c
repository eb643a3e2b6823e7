/*
 * fuzz_regex.c
 *    A pattern, a NUL and a text.  No pattern crashes; a shape matches what RE2 matches (a group
 *    around the pattern, repeated once, hides it from the shapes); expansion agrees with matching.
 */
#include "model/regex.h"
#include "util/mem.h"
#include "util/text.h"

#include <stdlib.h>

#define MAX_PATTERN 200 /* longer ones only make RE2 slow */

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
use(const Regex *re, StrView pattern, StrView text)
{
	bool match = regex_match(re, text);
	const StrView *literals;
	int n = regex_literals(re, &literals);
	StrView prefix = regex_prefix(re);
	Regex *engine =
		regex_compile(strview_cstr(mem_printf("(?:%.*s){1}", (int) pattern.len, pattern.s)), NULL);
	Buf out;

	for (int i = 0; i < n; i++)
	{
		check(regex_match(re, literals[i]));
		check(i == 0 || strview_cmp(literals[i - 1], literals[i]) < 0);
	}
	if (match)
		check(text.len >= prefix.len &&
			  (prefix.len == 0 || memcmp(text.s, prefix.s, prefix.len) == 0));
	if (engine != NULL && text_utf8_valid(text.s, text.len))
		check(regex_match(engine, text) == match);
	regex_free(engine);
	buf_init(&out, 64, 1 << 20);
	if (text_utf8_valid(text.s, text.len))
		check(regex_expand(re, text, strview_cstr("$0 ${1}x $name $$ ${"), &out) == match);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, '\0', size) : NULL;
	size_t len = nul != NULL ? (size_t) (nul - data) : size;
	MemScope *scope = mem_scope_create("fuzz"), *outer = mem_scope_switch(scope);
	Err err = ERR_INIT;

	if (len <= MAX_PATTERN)
	{
		StrView pattern = strview((const char *) data, len);
		StrView text =
			nul != NULL ? strview((const char *) nul + 1, size - len - 1) : strview("", 0);
		Regex *re = regex_compile(pattern, &err);

		check((re == NULL) == (err.code != ERR_NONE));
		if (re != NULL)
			use(re, pattern, text);
		regex_free(re);
	}
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
