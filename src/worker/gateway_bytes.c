/*
 * gateway_bytes.c
 *    The gateway's buffers: malloc'd, and counted against mimir.http_buffer_memory.
 *
 * Request bodies are refused when the memory is short.  Replies are then no longer read from the
 * workers' rings, except for one frame a worker, so that every reply gets on.
 */
#include "postgres.h"

#include "worker/gateway_int.h"

#include "pg/guc.h"

#include <time.h>

static Size buffered; /* bytes in all Bytes */

int64
gateway_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool
gateway_memory_short(Size more)
{
	return buffered + more > (Size) mimir_http_buffer_memory * 1024 * 1024;
}

bool
bytes_add(Bytes *b, const void *data, Size len)
{
	if (b->len + len > b->cap)
	{
		Size cap = Max(b->cap * 2, b->len + len);
		char *grown = realloc(b->data, cap);

		if (grown == NULL)
			return false;
		buffered += cap - b->cap;
		b->data = grown;
		b->cap = cap;
	}
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	return true;
}

void
bytes_free(Bytes *b)
{
	free(bytes_give(b));
}

char *
bytes_give(Bytes *b)
{
	char *data = b->data;

	buffered -= b->cap;
	memset(b, 0, sizeof(*b));
	return data;
}
