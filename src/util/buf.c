/*
 * buf.c
 *    A growing byte buffer with a maximum.
 */
#include "util/buf.h"

#include "util/mem.h"
#include "util/varint.h"

#include <stdarg.h>
#include <stdio.h>

void
buf_init(Buf *b, size_t initial, size_t max)
{
	if (initial > max)
		initial = max;
	b->data = mem_alloc(initial + 1);
	b->data[0] = '\0';
	b->len = 0;
	b->cap = initial;
	b->max = max;
	b->overflow = false;
}

void
buf_reset(Buf *b)
{
	b->len = 0;
	b->overflow = false;
	b->data[0] = '\0';
}

void
buf_free(Buf *b)
{
	mem_free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

bool
buf_grow(Buf *b, size_t extra)
{
	size_t want = b->len + extra;
	size_t cap = b->cap;

	if (want <= b->cap)
		return true;
	if (extra > b->max || want > b->max)
	{
		b->overflow = true;
		return false;
	}
	while (cap < want)
		cap = cap < 32 ? 64 : cap * 2;
	if (cap > b->max)
		cap = b->max;
	b->data = mem_realloc(b->data, cap + 1);
	b->cap = cap;
	return true;
}

void
buf_append(Buf *b, const void *p, size_t n)
{
	if (n == 0 || !buf_grow(b, n))
		return;
	memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void
buf_str(Buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

void
buf_char(Buf *b, char c)
{
	buf_append(b, &c, 1);
}

void
buf_printf(Buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n <= 0 || !buf_grow(b, (size_t) n))
		return;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t) n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t) n;
}

void
buf_uvarint(Buf *b, uint64_t v)
{
	uint8_t tmp[VARINT_MAX_BYTES];

	buf_append(b, tmp, (size_t) (varint_put(tmp, v) - tmp));
}

void
buf_varint(Buf *b, int64_t v)
{
	buf_uvarint(b, varint_zigzag(v));
}
