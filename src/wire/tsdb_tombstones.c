/*
 * tsdb_tombstones.c
 *    Deleted time ranges of a TSDB block.
 *
 * File:    u32 magic | u8 version 1 | entries | CRC-32C of the entries
 * Entry:   uvarint series | varint min_t | varint max_t
 *
 * Memory: 24 bytes for an entry, which has three in the file.
 */
#include "wire/tsdb_tombstones.h"

#include "util/crc32c.h"
#include "util/mem.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#define MAGIC		UINT32_C(0x0130BA30)
#define VERSION		1
#define HEADER		5
#define ENTRY_BYTES 3 /* the smallest */

static int
compare(const void *pa, const void *pb)
{
	const TsdbTombstone *a = pa, *b = pb;

	if (a->ref != b->ref)
		return a->ref < b->ref ? -1 : 1;
	return a->min_t < b->min_t ? -1 : a->min_t > b->min_t;
}

/* join -- sorted entries that overlap or follow each other at once become one. */
static void
join(TsdbTombstones *t)
{
	int n = 0;

	for (int i = 0; i < t->n; i++)
	{
		const TsdbTombstone *next = &t->items[i];
		TsdbTombstone *last = n > 0 ? &t->items[n - 1] : NULL;

		if (last != NULL && last->ref == next->ref &&
			(last->max_t == INT64_MAX || next->min_t <= last->max_t + 1))
		{
			if (next->max_t > last->max_t)
				last->max_t = next->max_t;
		}
		else
			t->items[n++] = *next;
	}
	t->n = n;
}

static bool
read_entries(TsdbCursor *in, TsdbTombstones *out)
{
	while (tsdb_left(in) > 0)
	{
		TsdbTombstone t;

		t.ref = tsdb_get_uvarint(in);
		t.min_t = tsdb_get_varint(in);
		t.max_t = tsdb_get_varint(in);
		if (in->bad || t.max_t < t.min_t)
			return false;
		out->items[out->n++] = t;
	}
	return true;
}

bool
tsdb_tombstones_read(TsdbBytes file, TsdbTombstones *out, Err *err)
{
	TsdbCursor in;

	memset(out, 0, sizeof(*out));
	if (file.len == 0)
		return true;
	if (file.len < HEADER + 4 || tsdb_load_u32(file.data) != MAGIC)
		return err_set(err, ERR_CORRUPT, -1, "file is not the tombstones of a TSDB block");
	if (file.data[4] != VERSION)
		return err_set(err, ERR_CORRUPT, -1, "tombstones format version %d is not supported",
					   file.data[4]);
	in = (TsdbCursor){file.data + HEADER, file.data + file.len - 4, false};
	if (crc32c(0, in.p, tsdb_left(&in)) != tsdb_load_u32(in.end))
		return err_set(err, ERR_CORRUPT, -1, "tombstones file has a wrong checksum");
	if (tsdb_left(&in) / ENTRY_BYTES > INT_MAX)
		return err_set(err, ERR_CORRUPT, -1, "tombstones file is too large");
	out->items = mem_alloc(sizeof(*out->items) * (tsdb_left(&in) / ENTRY_BYTES + 1));
	if (!read_entries(&in, out))
	{
		tsdb_tombstones_free(out);
		return err_set(err, ERR_CORRUPT, -1, "tombstones file has a malformed entry");
	}
	qsort(out->items, (size_t) out->n, sizeof(*out->items), compare);
	join(out);
	return true;
}

void
tsdb_tombstones_free(TsdbTombstones *t)
{
	mem_free(t->items);
	memset(t, 0, sizeof(*t));
}

int
tsdb_tombstones_find(const TsdbTombstones *t, uint64_t ref, const TsdbTombstone **out)
{
	int lo = 0, hi = t->n, n = 0;

	while (lo < hi)
	{
		int mid = lo + (hi - lo) / 2;

		if (t->items[mid].ref < ref)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo + n < t->n && t->items[lo + n].ref == ref)
		n++;
	*out = n > 0 ? &t->items[lo] : NULL;
	return n;
}

/* --- writing -------------------------------------------------------------------------------------- */

static void
put_u32(Buf *out, uint32_t v)
{
	v = __builtin_bswap32(v);
	buf_append(out, &v, sizeof(v));
}

void
tsdb_tombstones_begin(Buf *out)
{
	buf_reset(out);
	put_u32(out, MAGIC);
	buf_char(out, VERSION);
}

void
tsdb_tombstones_put(Buf *out, const TsdbTombstone *t)
{
	assert(t->min_t <= t->max_t);
	buf_uvarint(out, t->ref);
	buf_varint(out, t->min_t);
	buf_varint(out, t->max_t);
}

void
tsdb_tombstones_finish(Buf *out)
{
	put_u32(out, crc32c(0, out->data + HEADER, out->len - HEADER));
}
