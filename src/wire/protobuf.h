/*
 * protobuf.h
 *    Protobuf by hand: fields of a message one after the other, and putting them.
 *
 * A message is a run of fields, each a tag (number << 3 | wire type) and a value
 * (https://protobuf.dev/programming-guides/encoding).  Nothing is read outside the bytes given, and
 * nothing is allocated.
 */
#ifndef MIMIR_WIRE_PROTOBUF_H
#define MIMIR_WIRE_PROTOBUF_H

#include "util/buf.h"
#include "util/varint.h"

#define PB_VARINT 0
#define PB_64BIT  1
#define PB_BYTES  2
#define PB_32BIT  5

typedef struct PbField
{
	uint32_t number;
	int wire;
	uint64_t u;			  /* varint or 64-bit value */
	const uint8_t *bytes; /* of a length-delimited field */
	size_t len;
} PbField;

/* Room for one more in an array of n from mem_alloc. */
#define PB_GROW(array, n, cap)                                                                     \
	do                                                                                             \
	{                                                                                              \
		if ((n) == (cap))                                                                          \
		{                                                                                          \
			(cap) = (cap) ? (cap) *2 : 64;                                                         \
			(array) = mem_realloc((array), sizeof(*(array)) * (size_t) (cap));                     \
		}                                                                                          \
	} while (0)

/* pb_next -- 1: *f is filled and *p behind it; 0: end; -1: malformed. */
static inline int
pb_next(const uint8_t **p, const uint8_t *end, PbField *f)
{
	uint64_t tag;
	const uint8_t *q = *p;

	if (q >= end)
		return 0;
	if (*q < 0x80)
		tag = *q++;
	else if ((q = varint_get(q, end, &tag)) == NULL || tag > UINT32_MAX)
		return -1;
	f->u = 0;
	f->bytes = q;
	f->len = 0;
	f->number = (uint32_t) (tag >> 3);
	f->wire = (int) (tag & 7);
	if (f->number == 0)
		return -1;
	switch (f->wire)
	{
		case PB_VARINT:
			q = varint_get(q, end, &f->u);
			break;
		case PB_64BIT:
			if (end - q < 8)
				return -1;
			memcpy(&f->u, q, 8);
			q += 8;
			break;
		case PB_BYTES:
		{
			uint64_t len;

			if (q < end && *q < 0x80)
				len = *q++;
			else if ((q = varint_get(q, end, &len)) == NULL)
				return -1;
			if (len > (uint64_t) (end - q))
				return -1;
			f->bytes = q;
			f->len = (size_t) len;
			q += len;
			break;
		}
		case PB_32BIT:
			if (end - q < 4)
				return -1;
			q += 4;
			break;
		default:
			return -1;
	}
	if (q == NULL)
		return -1;
	*p = q;
	return 1;
}

/* --- putting: fields of the value zero are left out, as proto3 does ------------------------------ */

static inline void
pb_put_tag(Buf *out, uint32_t number, int wire)
{
	buf_uvarint(out, number << 3 | (uint32_t) wire);
}

static inline void
pb_put_varint(Buf *out, uint32_t number, uint64_t v)
{
	if (v == 0)
		return;
	pb_put_tag(out, number, PB_VARINT);
	buf_uvarint(out, v);
}

/* pb_put_fixed64 -- bits of a double, too; put even if they are zero. */
static inline void
pb_put_fixed64(Buf *out, uint32_t number, uint64_t bits)
{
	pb_put_tag(out, number, PB_64BIT);
	buf_append(out, &bits, sizeof(bits));
}

static inline void
pb_put_bytes(Buf *out, uint32_t number, const void *p, size_t len)
{
	if (len == 0)
		return;
	pb_put_tag(out, number, PB_BYTES);
	buf_uvarint(out, len);
	buf_append(out, p, len);
}

/*
 * pb_begin, pb_end -- a message inside the message: what is put between the two calls.
 *
 * One byte is left for its length; if that is not enough, the bytes move up.
 */
static inline size_t
pb_begin(Buf *out, uint32_t number)
{
	pb_put_tag(out, number, PB_BYTES);
	buf_char(out, 0);
	return out->len;
}

static inline void
pb_end(Buf *out, size_t start)
{
	uint8_t bytes[VARINT_MAX_BYTES];
	size_t len, n;

	if (out->overflow)
		return;
	len = out->len - start;
	n = (size_t) (varint_put(bytes, len) - bytes);
	if (!buf_grow(out, n - 1))
		return;
	memmove(out->data + start + n - 1, out->data + start, len);
	memcpy(out->data + start - 1, bytes, n);
	out->len += n - 1;
	out->data[out->len] = '\0';
}

#endif
