/*
 * selector_value.h
 *    The SQL type mimir.selector: the text of a PromQL selector, checked when it was made.
 */
#ifndef MIMIR_TYPES_SELECTOR_VALUE_H
#define MIMIR_TYPES_SELECTOR_VALUE_H

#include "postgres.h"

#include "model/matcher.h"

/*
 * selector_matchers -- its matchers, in CurrentMemoryContext; of no use after the transaction.
 * Ereports if the text is not a selector.
 */
extern int selector_matchers(const text *selector, Matcher **out);

/* selector_text -- append n matchers as a selector, {a="b",c=~"d"}. */
extern void selector_text(Buf *out, const Matcher *ms, int n);

#endif
