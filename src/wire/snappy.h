/*
 * snappy.h
 *    Snappy block format over libsnappy's C interface, with a limit on the declared size.
 */
#ifndef MIMIR_WIRE_SNAPPY_H
#define MIMIR_WIRE_SNAPPY_H

#include "util/err.h"

#include <stdint.h>

/*
 * snappy_decode -- *buf (mem_alloc, *cap bytes) is grown to the declared size if needed and
 * kept for reuse.  Returns the decoded size, or -1 with err (bad input; larger than max:
 * ERR_TOO_LARGE).
 */
extern int64_t snappy_decode(const uint8_t *in, size_t len, uint8_t **buf, size_t *cap, size_t max,
							 Err *err);
extern size_t snappy_encode_bound(size_t len);
extern size_t snappy_encode(const uint8_t *in, size_t len, uint8_t *out);

#endif
