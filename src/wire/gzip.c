/*
 * gzip.c
 *    zlib with our memory: nothing to clean up when an error cuts a reply short.
 */
#include "wire/gzip.h"

#include "util/mem.h"

#include <string.h>
#include <zlib.h>

#define LEVEL 1 /* replies are sent over fast networks; the ratio is nearly that of 6 */

struct GzipStream
{
	z_stream z;
	GzipSink sink;
	void *arg;
	unsigned char out[16384];
};

static void *
zalloc(void *opaque, unsigned items, unsigned size)
{
	(void) opaque;
	return mem_alloc((size_t) items * size);
}

static void
zfree(void *opaque, void *p)
{
	(void) opaque;
	mem_free(p);
}

GzipStream *
gzip_create(bool deflate, GzipSink sink, void *arg)
{
	GzipStream *g = mem_alloc(sizeof(GzipStream));

	memset(&g->z, 0, sizeof(g->z));
	g->z.zalloc = zalloc;
	g->z.zfree = zfree;
	g->sink = sink;
	g->arg = arg;
	if (deflateInit2(&g->z, LEVEL, Z_DEFLATED, deflate ? 15 : 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
		Z_OK)
		return NULL;
	return g;
}

static void
run(GzipStream *g, const void *data, size_t len, int flush)
{
	g->z.next_in = (unsigned char *) data;
	g->z.avail_in = (unsigned) len;
	do
	{
		g->z.next_out = g->out;
		g->z.avail_out = sizeof(g->out);
		deflate(&g->z, flush);
		if (g->z.avail_out < sizeof(g->out))
			g->sink(g->arg, g->out, sizeof(g->out) - g->z.avail_out);
	} while (g->z.avail_out == 0);
}

void
gzip_write(GzipStream *g, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0)
	{
		size_t n = len < (1u << 30) ? len : (1u << 30);

		run(g, p, n, Z_NO_FLUSH);
		p += n;
		len -= n;
	}
}

void
gzip_finish(GzipStream *g)
{
	run(g, "", 0, Z_FINISH);
	deflateEnd(&g->z);
}
