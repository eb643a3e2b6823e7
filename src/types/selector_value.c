/*
 * selector_value.c
 *    Selectors to matchers and back.
 */
#include "postgres.h"

#include "types/selector_value.h"

#include "promql/promql.h"

int
selector_matchers(const text *selector, Matcher **out)
{
	Err err = ERR_INIT;
	int n;

	if (!promql_parse_selector(VARDATA_ANY(selector), VARSIZE_ANY_EXHDR(selector), out, &n, &err))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("invalid value of type mimir.selector")));
	return n;
}

void
selector_text(Buf *out, const Matcher *ms, int n)
{
	buf_char(out, '{');
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			buf_char(out, ',');
		matcher_text(out, &ms[i]);
	}
	buf_char(out, '}');
}
