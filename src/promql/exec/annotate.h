/*
 * annotate.h
 *    Warnings and infos of a query: collected, one for each text (reference 2.17).
 */
#ifndef MIMIR_PROMQL_EXEC_ANNOTATE_H
#define MIMIR_PROMQL_EXEC_ANNOTATE_H

#include "promql/promql.h"

typedef struct PromqlAnnotations
{
	PromqlAnnotation *items; /* complete texts, in order of first appearance */
	char **bodies;			 /* of each, the text without prefix and position: what is compared */
	int n;
	int cap;
} PromqlAnnotations;

/*
 * promql_warn, promql_info -- add "PromQL warning: FORMATTED (LINE:COL)" ("PromQL info: ") unless
 * the same text is there already, whatever its position.  pos is a byte offset in the query.
 * %g of C is not Go's: numbers go through util/text.h.
 */
extern void promql_warn(PromqlExec *ex, int pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
extern void promql_info(PromqlExec *ex, int pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* promql_number_text -- v as Go's %g and %v write it, from the current scope. */
extern const char *promql_number_text(double v);
/* promql_quoted -- s as Go's %q writes it, from the current scope. */
extern const char *promql_quoted(StrView s);
/* promql_labels_plain -- a label set in braces, the name among them, from the current scope. */
extern const char *promql_labels_plain(Labels ls);

#endif
