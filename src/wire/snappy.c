/*
 * snappy.c
 *    Snappy block format over libsnappy.
 */
#include "wire/snappy.h"

#include "util/mem.h"

#include <snappy-c.h>

int64_t
snappy_decode(const uint8_t *in, size_t len, uint8_t **buf, size_t *cap, size_t max, Err *err)
{
	size_t size;

	if (snappy_uncompressed_length((const char *) in, len, &size) != SNAPPY_OK)
	{
		err_set(err, ERR_BAD_REQUEST, -1, "snappy: corrupt input");
		return -1;
	}
	if (size > max)
	{
		err_set(err, ERR_TOO_LARGE, -1, "decoded size exceeds the %zu bytes limit", max);
		return -1;
	}
	/* the densest input expands about 21 times: a larger claim is a lie that would cost memory */
	if (size / 64 > len)
	{
		err_set(err, ERR_BAD_REQUEST, -1, "snappy: corrupt input");
		return -1;
	}
	if (size > *cap || *buf == NULL)
	{
		mem_free(*buf);
		*cap = size + size / 4 + 1024;
		*buf = mem_alloc(*cap);
	}
	if (snappy_uncompress((const char *) in, len, (char *) *buf, &size) != SNAPPY_OK)
	{
		err_set(err, ERR_BAD_REQUEST, -1, "snappy: corrupt input");
		return -1;
	}
	return (int64_t) size;
}

size_t
snappy_encode_bound(size_t len)
{
	return snappy_max_compressed_length(len);
}

size_t
snappy_encode(const uint8_t *in, size_t len, uint8_t *out)
{
	size_t n = snappy_max_compressed_length(len);

	if (snappy_compress((const char *) in, len, (char *) out, &n) != SNAPPY_OK)
		return 0;
	return n;
}
