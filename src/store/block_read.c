/*
 * block_read.c
 *    Reading a part of a compacted block.
 *
 * Pages are found by the table's key and copied; the last of each slot of a small cache stay, so
 * that walks through index and chunks fetch each page about once.  Their checksum is verified
 * when they are fetched.  Time columns are decoded once and kept, up to a bound, for the series
 * of one scrape share theirs.
 *
 * Memory: all in a context of the reader's own, except what block_reader_chunk returns.
 */
#include "postgres.h"

#include "store/block_table.h"

#include "codec/column/column.h"
#include "pg/compat.h"
#include "tables/relation.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/table.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define CACHED_PAGES 16				   /* power of two */
#define TIMES_BUDGET (8 * 1024 * 1024) /* bytes of decoded time columns */

typedef struct CachedPage
{
	int64 key; /* -1: none */
	uint32 len;
	uint8 data[BLOCK_PAGE_BYTES];
} CachedPage;

typedef struct DecodedTimes
{
	uint32 number;
	int count;
	int64 *t;
	char status;
} DecodedTimes;

#define SH_PREFIX			 decoded
#define SH_ELEMENT_TYPE		 DecodedTimes
#define SH_KEY_TYPE			 uint32
#define SH_KEY				 number
#define SH_HASH_KEY(tb, key) ((key) *UINT32_C(0x9e3779b1))
#define SH_EQUAL(tb, a, b)	 ((a) == (b))
#define SH_SCOPE			 static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct BlockReader
{
	BlockBytes bytes; /* of the index stream; first */
	BlockPart part;
	MemoryContext context;
	Relation rel;
	Relation key;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	int64 rows;
	CachedPage *pages;
	Buf piece; /* what spans pages */
	BlockIndex *index;
	MemoryContext times_context;
	decoded_hash *times;
	Size times_bytes;
};

/* ---- which parts ------------------------------------------------------------------------------- */

static int
scan_parts(const char *index, ScanKey keys, int nkeys, int64 maxt, Snapshot snapshot,
		   BlockPart **out, int *pruned)
{
	Relation rel = tables_open("block_tenant", AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, tables_index(index), true, snapshot, nkeys, keys);
	TupleDesc desc = RelationGetDescr(rel);
	HeapTuple tuple;
	int n = 0;
	int cap = 8;

	*out = palloc(sizeof(BlockPart) * cap);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool isnull;
		BlockPart p = {
			.block_id = DatumGetInt64(heap_getattr(tuple, 1, desc, &isnull)),
			.tenant = (TenantId) DatumGetInt32(heap_getattr(tuple, 2, desc, &isnull)),
			.part = DatumGetInt32(heap_getattr(tuple, 3, desc, &isnull)),
			.min_t = DatumGetInt64(heap_getattr(tuple, 4, desc, &isnull)),
			.max_t = DatumGetInt64(heap_getattr(tuple, 5, desc, &isnull)),
			.index_bytes = DatumGetInt64(heap_getattr(tuple, 10, desc, &isnull)),
		};

		if (p.min_t > maxt)
		{
			(*pruned)++;
			continue;
		}
		if (n == cap)
			*out = repalloc(*out, sizeof(BlockPart) * (cap *= 2));
		(*out)[n++] = p;
	}
	systable_endscan(scan);
	table_close(rel, NoLock);
	return n;
}

static int
cmp_parts(const void *a, const void *b)
{
	const BlockPart *x = a;
	const BlockPart *y = b;

	return x->min_t < y->min_t ? -1 : x->min_t > y->min_t;
}

/* block_parts -- parts of a tenant that overlap [mint, maxt] (ms), by time; *out palloc'd. */
int
block_parts(TenantId tenant, int64 mint, int64 maxt, Snapshot snapshot, BlockPart **out,
			int *pruned)
{
	ScanKeyData keys[2];
	int n;

	ScanKeyInit(&keys[0], 2, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum((int32) tenant));
	ScanKeyInit(&keys[1], 5, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(mint));
	n = scan_parts("block_tenant_time", keys, 2, maxt, snapshot, out, pruned);
	qsort(*out, n, sizeof(BlockPart), cmp_parts);
	return n;
}

/* block_parts_of -- all parts of a block, by tenant and part; *out palloc'd. */
int
block_parts_of(int64 block_id, Snapshot snapshot, BlockPart **out)
{
	ScanKeyData key;
	int pruned = 0;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(block_id));
	return scan_parts("block_tenant_pkey", &key, 1, PG_INT64_MAX, snapshot, out, &pruned);
}

/* ---- pages ------------------------------------------------------------------------------------- */

static void
corrupt_page(BlockReader *r, int64 key, const char *what)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_DATA_CORRUPTED),
		 errmsg("page " INT64_FORMAT " of \"%s\" %s", key, RelationGetRelationName(r->rel), what),
		 errdetail("Tenant %u, block " INT64_FORMAT ".", r->part.tenant, r->part.block_id)));
}

static void
fetch_page(BlockReader *r, int64 key, CachedPage *page)
{
	ScanKeyData keys[2];
	bool isnull;
	struct varlena *data;
	const char *p;
	Size len;
	pg_crc32c want;
	pg_crc32c crc;

	page->key = -1;
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum((int32) r->part.tenant));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(key));
	index_rescan(r->scan, keys, 2, NULL, 0);
	if (!index_getnext_slot(r->scan, ForwardScanDirection, r->slot))
		corrupt_page(r, key, "is missing");
	r->rows++;
	data = (struct varlena *) DatumGetPointer(slot_getattr(r->slot, 3, &isnull));
	p = VARDATA_ANY(data);
	len = VARSIZE_ANY_EXHDR(data);
	if (len <= sizeof(want) || len > sizeof(want) + BLOCK_PAGE_BYTES)
		corrupt_page(r, key, "has a wrong size");
	memcpy(&want, p, sizeof(want));
	p += sizeof(want);
	len -= sizeof(want);
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, p, len);
	FIN_CRC32C(crc);
	if (!EQ_CRC32C(crc, want))
		corrupt_page(r, key, "is corrupt");
	memcpy(page->data, p, len);
	page->len = len;
	page->key = key;
	ExecClearTuple(r->slot);
	CHECK_FOR_INTERRUPTS();
}

static const CachedPage *
get_page(BlockReader *r, BlockStream stream, int64 number)
{
	int64 key = block_page_key(r->part.part, stream, number);
	CachedPage *page =
		&r->pages[(number + stream * (CACHED_PAGES / BLOCK_NSTREAMS)) & (CACHED_PAGES - 1)];

	if (page->key != key)
		fetch_page(r, key, page);
	return page;
}

/* Bytes of a stream, valid until the next call. */
static const uint8 *
read_stream(BlockReader *r, BlockStream stream, uint64 offset, Size len)
{
	int64 number = offset / BLOCK_PAGE_BYTES;
	uint32 at = offset % BLOCK_PAGE_BYTES;
	const CachedPage *page = get_page(r, stream, number);

	if (at + len <= page->len)
		return page->data + at;
	buf_reset(&r->piece);
	while (len > 0)
	{
		Size n;

		if (at >= page->len)
			corrupt_page(r, page->key, "ends too early");
		n = Min(len, page->len - at);
		buf_append(&r->piece, page->data + at, n);
		len -= n;
		at = 0;
		if (len > 0)
			page = get_page(r, stream, ++number);
	}
	if (r->piece.overflow)
		corrupt_page(r, page->key, "belongs to a piece that is too large");
	return (const uint8 *) r->piece.data;
}

static const uint8 *
read_index(BlockBytes *bytes, uint64 offset, size_t len, Err *err)
{
	return read_stream((BlockReader *) bytes, BLOCK_STREAM_INDEX, offset, len);
}

/* ---- opening ----------------------------------------------------------------------------------- */

/*
 * block_reader_open -- open a part that block_parts told of.  Closed with the memory context
 * that is current now, or by block_reader_close; relations are closed by the latter only, or at
 * the end of the transaction.
 */
BlockReader *
block_reader_open(const BlockPart *part, Snapshot snapshot)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir block reader", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	BlockReader *r = palloc0(sizeof(BlockReader));
	char name[NAMEDATALEN + 4];
	Err err = ERR_INIT;

	r->context = context;
	r->part = *part;
	block_table_name(name, part->block_id);
	r->rel = tables_open(name, AccessShareLock);
	strlcat(name, "_key", sizeof(name));
	r->key = index_open(tables_index(name), AccessShareLock);
	r->scan = compat_index_beginscan(r->rel, r->key, snapshot, 2, 0);
	r->slot = table_slot_create(r->rel, NULL);
	r->pages = palloc(sizeof(CachedPage) * CACHED_PAGES);
	for (int i = 0; i < CACHED_PAGES; i++)
		r->pages[i].key = -1;
	buf_init(&r->piece, 16384, MaxAllocSize / 2);
	r->times_context = AllocSetContextCreate(context, "mimir time columns", ALLOCSET_DEFAULT_SIZES);
	r->times = decoded_create(r->times_context, 64, NULL);
	r->bytes.read = read_index;
	r->bytes.size = part->index_bytes;
	r->index = block_index_open(&r->bytes, &err);
	MemoryContextSwitchTo(old);
	if (r->index == NULL)
		block_reader_raise(r, &err);
	return r;
}

BlockIndex *
block_reader_index(BlockReader *r)
{
	return r->index;
}

/* block_reader_raise -- ereport an error of the part's index or columns, with its place. */
void
block_reader_raise(BlockReader *r, const Err *err)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("%s", err->msg),
					errdetail("Tenant %u, block " INT64_FORMAT ", part %d.", r->part.tenant,
							  r->part.block_id, r->part.part)));
}

int64
block_reader_rows(const BlockReader *r)
{
	return r->rows;
}

void
block_reader_close(BlockReader *r)
{
	block_index_close(r->index);
	ExecDropSingleTupleTableSlot(r->slot);
	index_endscan(r->scan);
	index_close(r->key, NoLock);
	table_close(r->rel, NoLock);
	MemoryContextDelete(r->context);
}

/* ---- chunks ------------------------------------------------------------------------------------ */

/* A time column, decoded; valid until block_reader_trim. */
static const DecodedTimes *
get_times(BlockReader *r, uint32 number)
{
	DecodedTimes *d = decoded_lookup(r->times, number);
	BlockTimes bt;
	Err err = ERR_INIT;
	const uint8 *p;
	int64 *t;
	bool found;

	if (d != NULL)
		return d;
	if (!block_index_times(r->index, number, &bt, &err))
		block_reader_raise(r, &err);
	if (bt.count > BLOCK_MAX_COLUMN_COUNT)
	{
		err_set(&err, ERR_CORRUPT, -1, "time column of a block is too long");
		block_reader_raise(r, &err);
	}
	p = read_stream(r, BLOCK_STREAM_TIMES, bt.offset, bt.len);
	t = MemoryContextAlloc(r->times_context, sizeof(int64) * Max(bt.count, 1));
	if (column_times_decode(p, bt.len, t, bt.count, &err) != (int) bt.count)
	{
		err_set(&err, ERR_CORRUPT, -1, "time column of a block has another length");
		block_reader_raise(r, &err);
	}
	r->times_bytes += sizeof(int64) * bt.count + sizeof(DecodedTimes);
	d = decoded_insert(r->times, number, &found);
	d->count = bt.count;
	d->t = t;
	return d;
}

/* block_reader_trim -- no chunk is in use: bring the decoded columns back to their bound. */
void
block_reader_trim(BlockReader *r)
{
	if (r->times_bytes <= TIMES_BUDGET)
		return;
	MemoryContextReset(r->times_context);
	r->times_bytes = 0;
	r->times = decoded_create(r->times_context, 64, NULL);
}

/*
 * block_reader_chunk -- a chunk of a series as readers of the store know it.  Its bytes are copied
 * to CurrentMemoryContext; the times of a column stay valid until block_reader_trim.
 */
void
block_reader_chunk(BlockReader *r, const BlockChunk *c, StoreChunk *out)
{
	const uint8 *p;
	uint8 *copy = palloc(Max(c->len, 1));

	p = read_stream(r, BLOCK_STREAM_CHUNKS, c->offset, c->len);
	memcpy(copy, p, c->len);
	*out = (StoreChunk){.min_t = c->min_t,
						.max_t = c->max_t,
						.encoding = c->encoding,
						.count = (int) c->count,
						.data = copy,
						.len = c->len};
	if (c->times != 0)
	{
		out->times = get_times(r, c->times)->t;
		out->encoding = STORE_CHUNK_COLUMN;
	}
}
