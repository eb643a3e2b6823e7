/*
 * buf.h
 *    A growing byte buffer with a maximum given at its creation.
 *
 * Appending beyond the maximum sets overflow and drops the bytes (the content stays valid);
 * the writer checks buf->overflow once at the end.
 */
#ifndef MIMIR_UTIL_BUF_H
#define MIMIR_UTIL_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Buf
{
	char *data;	   /* always NUL-terminated at len */
	size_t len;	   /* bytes used */
	size_t cap;	   /* bytes allocated */
	size_t max;	   /* len never exceeds this */
	bool overflow; /* an append was dropped */
} Buf;

extern void buf_init(Buf *b, size_t initial, size_t max);
extern void buf_reset(Buf *b); /* len = 0, keeps the memory */
extern void buf_free(Buf *b);
extern bool buf_grow(Buf *b, size_t extra); /* room for extra more bytes; false = overflow */
extern void buf_append(Buf *b, const void *p, size_t n);
extern void buf_str(Buf *b, const char *s);
extern void buf_char(Buf *b, char c);
extern void buf_printf(Buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
extern void buf_uvarint(Buf *b, uint64_t v); /* LEB128 */
extern void buf_varint(Buf *b, int64_t v);	 /* zig-zag LEB128 */

#endif
