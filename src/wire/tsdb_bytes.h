/*
 * tsdb_bytes.h
 *    Bytes of a TSDB block as they stand in its files: views, and a cursor over hostile ones.
 *
 * Fixed-width numbers are big-endian.  A cursor that is asked for more than there is goes bad and
 * gives zeros from then on, so a reader asks for a whole record and looks at bad once.
 */
#ifndef MIMIR_WIRE_TSDB_BYTES_H
#define MIMIR_WIRE_TSDB_BYTES_H

#include "model/labels.h"
#include "util/err.h"
#include "util/varint.h"

/* A file, or a part of one; its owner keeps it while it is read. */
typedef struct TsdbBytes
{
	const uint8_t *data;
	size_t len;
} TsdbBytes;

typedef struct TsdbCursor
{
	const uint8_t *p;
	const uint8_t *end;
	bool bad;
} TsdbCursor;

static inline size_t
tsdb_left(const TsdbCursor *c)
{
	return (size_t) (c->end - c->p);
}

static inline uint64_t
tsdb_fail(TsdbCursor *c)
{
	c->bad = true;
	c->p = c->end;
	return 0;
}

static inline uint32_t
tsdb_load_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline uint32_t
tsdb_get_u32(TsdbCursor *c)
{
	if (tsdb_left(c) < 4)
		return (uint32_t) tsdb_fail(c);
	c->p += 4;
	return tsdb_load_u32(c->p - 4);
}

static inline uint64_t
tsdb_get_u64(TsdbCursor *c)
{
	uint64_t high = tsdb_get_u32(c);

	return high << 32 | tsdb_get_u32(c);
}

static inline uint64_t
tsdb_get_uvarint(TsdbCursor *c)
{
	uint64_t v;
	const uint8_t *p = varint_get(c->p, c->end, &v);

	if (p == NULL)
		return tsdb_fail(c);
	c->p = p;
	return v;
}

static inline int64_t
tsdb_get_varint(TsdbCursor *c)
{
	return varint_unzigzag(tsdb_get_uvarint(c));
}

/* tsdb_get_string -- a uvarint length and the bytes, as a view. */
static inline StrView
tsdb_get_string(TsdbCursor *c)
{
	uint64_t len = tsdb_get_uvarint(c);
	const uint8_t *p = c->p;

	if (len > tsdb_left(c) || len > UINT32_MAX)
	{
		tsdb_fail(c);
		return strview("", 0);
	}
	c->p += len;
	return strview((const char *) p, (size_t) len);
}

/*
 * tsdb_section_open -- the section at an offset of an index file: u32 length, content, CRC-32C of
 * the content.  False with err if it does not lie in the file or its checksum differs.
 */
extern bool tsdb_section_open(TsdbBytes file, uint64_t at, const char *what, TsdbCursor *content,
							  Err *err);

/* tsdb_corrupt -- ERR_CORRUPT; always false. */
extern bool tsdb_corrupt(Err *err, const char *what, uint64_t at);

#endif
