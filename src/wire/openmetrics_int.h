/*
 * openmetrics_int.h
 *    The reader's inside: characters, numbers and labels of a line.  For openmetrics*.c only.
 *
 * Each om_take_* moves over what it takes; those that have an Err fail with the line's number.
 */
#ifndef MIMIR_WIRE_OPENMETRICS_INT_H
#define MIMIR_WIRE_OPENMETRICS_INT_H

#include "wire/openmetrics.h"

/* A label as it stands in the text, escapes and all. */
typedef struct RawLabel
{
	StrView name, value;
	bool escaped; /* the name was quoted */
} RawLabel;

struct OmReader
{
	OmFormat format;
	const char *text; /* start of it all */
	const char *p, *end;
	int line; /* of p */
	bool done;
	MetricType type; /* of the last TYPE */

	RawLabel *raw; /* of the braces read last */
	int n_raw, cap_raw;
	Label *labels;
	int cap_labels;
	Buf unescaped; /* texts that labels point to */
	Buf series, exemplar;
};

/* --- openmetrics_lex.c ---------------------------------------------------------------------------- */

extern int om_position(const OmReader *r); /* for Err.pos */
extern bool om_expected(OmReader *r, const char *what, Err *err);
extern bool om_invalid(OmReader *r, const char *what, StrView part, Err *err);

static inline bool
om_at(const OmReader *r, char c)
{
	return r->p < r->end && *r->p == c;
}

static inline bool
om_take(OmReader *r, char c)
{
	if (!om_at(r, c))
		return false;
	r->p++;
	return true;
}

extern bool om_take_text(OmReader *r, const char *s);
extern void om_skip_blanks(OmReader *r);
extern bool om_take_separator(OmReader *r);
extern bool om_take_newline(OmReader *r);
extern StrView om_take_name(OmReader *r, bool colons);
extern bool om_take_quoted(OmReader *r, StrView *out, Err *err);
extern bool om_take_number(OmReader *r, const char *what, double *v, Err *err);
extern bool om_take_seconds(OmReader *r, int64_t *ms, Err *err);
extern bool om_take_milliseconds(OmReader *r, int64_t *ms, Err *err);

/* --- openmetrics_labels.c --------------------------------------------------------------------------- */

extern bool om_take_braces(OmReader *r, StrView *metric, bool *metric_escaped, Err *err);
extern StrView om_unescape(OmReader *r, StrView s, bool quotes);
extern bool om_build(OmReader *r, StrView metric, bool metric_escaped, Buf *out, Labels *labels,
					 Err *err);

#endif
