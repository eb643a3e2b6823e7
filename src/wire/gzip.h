/*
 * gzip.h
 *    Compressing a reply as it is written (zlib).
 */
#ifndef MIMIR_WIRE_GZIP_H
#define MIMIR_WIRE_GZIP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct GzipStream GzipStream;
typedef void (*GzipSink)(void *arg, const void *data, size_t len);

/*
 * gzip_create -- gzip, or zlib's form for "deflate".  Memory from mem_alloc, freed with its
 * scope; NULL if zlib fails.
 */
extern GzipStream *gzip_create(bool deflate, GzipSink sink, void *arg);
extern void gzip_write(GzipStream *g, const void *data, size_t len);
extern void gzip_finish(GzipStream *g);

#endif
