/*
 * text.h
 *    Text forms that must equal Go's: numbers, quoted strings, UTF-8, durations, times.
 *
 * Number forms are those of the reference's section 0.2; all are "shortest that reads back".
 */
#ifndef MIMIR_UTIL_TEXT_H
#define MIMIR_UTIL_TEXT_H

#include "util/buf.h"
#include "util/err.h"

#define TEXT_DOUBLE_MAX 352 /* longest output of any form, NUL included */

/* Each writes a NUL-terminated text to out (TEXT_DOUBLE_MAX bytes) and returns its length. */
extern int text_double_f(char *out, double v);			/* strconv 'f', -1: never an exponent */
extern int text_double_json(char *out, double v);		/* 'f', or 'e' if <1e-6 or >=1e21 */
extern int text_double_e(char *out, double v);			/* 'e', -1 */
extern int text_double_shortest_g(char *out, double v); /* reference "shortest-g" */
extern int text_double_openmetrics(char *out, double v);

/* text_parse_double -- Go's strconv.ParseFloat: Inf, NaN, hex floats; whole text must match. */
extern bool text_parse_double(const char *s, size_t len, double *v);

/* text_quote -- append s as a Go double-quoted string literal (strconv.Quote). */
extern void text_quote(Buf *b, const char *s, size_t len);

/* text_unquote -- append the string literal at p ("", '', ``); the byte behind it, NULL if bad. */
extern const char *text_unquote(Buf *out, const char *p, const char *end);

/* text_json_string -- append s as a JSON string with quotes; html: escape < > & too. */
extern void text_json_string(Buf *b, const char *s, size_t len, bool html);

extern bool text_utf8_valid(const char *s, size_t len);

/* text_utf8_decode -- the rune at p and its byte length; invalid: 0xFFFD and length 1. */
extern uint32_t text_utf8_decode(const char *p, const char *end, int *rune_len);
extern int text_utf8_encode(char *out, uint32_t rune); /* 1 to 4 bytes */

/*
 * text_parse_duration_ms -- Prometheus duration ("1h30m", "0") to milliseconds.
 * text_duration -- milliseconds to its canonical text, "0s" for 0.
 */
extern bool text_parse_duration_ms(const char *s, size_t len, int64_t *ms, Err *err);
extern void text_duration(Buf *b, int64_t ms);

/* text_time_rfc3339 -- ms since the epoch as UTC, fraction without trailing zeros. */
extern void text_time_rfc3339(Buf *b, int64_t ms);

/* text_parse_time_ms -- Unix seconds as float, or RFC 3339, to ms (reference 4.1). */
extern bool text_parse_time_ms(const char *s, size_t len, int64_t *ms);

#endif
