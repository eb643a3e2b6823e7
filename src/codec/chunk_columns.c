/*
 * chunk_columns.c
 *    A chunk of floats as a column of times and a column of values.
 *
 * Layout:
 *    u16      number of samples, big-endian, as in every chunk
 *    uvarint  bytes of the column of times
 *    ...      column of times, column of values (codec/column)
 *
 * Two fifths of the bytes of the XOR encoding on a fleet's data, but it cannot be appended to: it
 * is for chunks that are closed.
 */
#include "codec/chunk.h"

#include "codec/column/column.h"
#include "util/varint.h"

void
chunk_columns_encode(const int64_t *t, const double *v, int n, Buf *out)
{
	Buf times;

	buf_char(out, (char) (n >> 8));
	buf_char(out, (char) n);
	buf_init(&times, 256, out->max);
	column_times_encode(t, n, &times);
	buf_uvarint(out, times.len);
	buf_append(out, times.data, times.len);
	buf_free(&times);
	column_values_encode(v, n, out);
}

int
chunk_columns_decode(const uint8_t *data, size_t len, int64_t *t, double *v, int max, Err *err)
{
	const uint8_t *p = data + 2;
	const uint8_t *end = data + len;
	uint64_t times_len;
	int n;

	if (len < 3 || (p = varint_get(p, end, &times_len)) == NULL || times_len > (uint64_t) (end - p))
	{
		err_set(err, ERR_CORRUPT, -1, "chunk of columns is corrupt");
		return -1;
	}
	n = column_times_decode(p, (size_t) times_len, t, max, err);
	if (n < 0)
		return -1;
	p += times_len;
	if (n != (data[0] << 8 | data[1]) ||
		column_values_decode(p, (size_t) (end - p), v, max, err) != n)
	{
		err_set(err, ERR_CORRUPT, -1, "chunk of columns is corrupt");
		return -1;
	}
	return n;
}
