/*
 * buf.c
 *    A growing byte buffer with a maximum.
 *
 * Invariants: len <= max; data[len] is NUL; cap counts that NUL.  After an overflow the content
 * is a prefix of what was wanted: later appends are dropped too, even if they would fit, so the
 * bytes never have a hole.
 * Memory: data is from mem_alloc and stays in the scope where buf_init was called.
 */
#include "util/buf.h"

#include "util/mem.h"
#include "util/varint.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

/* buf_init -- an empty buffer with room for initial bytes that may grow to max bytes. */
void
buf_init(Buf *b, size_t initial, size_t max)
{
	if (initial > max)
		initial = max;
	b->cap = initial + 1;
	b->data = mem_alloc(b->cap);
	b->data[0] = '\0';
	b->len = 0;
	b->max = max;
	b->overflow = false;
}

/* buf_reset -- empty the buffer and forget an overflow; the memory is kept. */
void
buf_reset(Buf *b)
{
	b->len = 0;
	b->data[0] = '\0';
	b->overflow = false;
}

void
buf_free(Buf *b)
{
	mem_free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

/*
 * buf_grow -- make room for extra more bytes and the NUL behind them.
 *
 * Returns false, with overflow set and the content untouched, if that passes the maximum.  A
 * caller may then write up to extra bytes at data + len and add to len itself; it also owes the
 * NUL at the new len.
 */
bool
buf_grow(Buf *b, size_t extra)
{
	size_t need, cap;

	if (b->overflow || extra > b->max - b->len)
	{
		b->overflow = true;
		return false;
	}
	need = b->len + extra + 1;
	if (need <= b->cap)
		return true;
	cap = b->cap * 2;
	if (cap < need)
		cap = need;
	if (cap > b->max)
		cap = b->max + 1;
	b->data = mem_realloc(b->data, cap);
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
	if (!buf_grow(b, 1))
		return;
	b->data[b->len++] = c;
	b->data[b->len] = '\0';
}

void
buf_printf(Buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	if (!buf_grow(b, (size_t) n))
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
