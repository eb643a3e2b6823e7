/*
 * chunk_table.c
 *    Rows of chunks.
 *
 * Layout of a row's data (docs/formats.md):
 *    u32      CRC-32C of all that follows, little-endian
 *    uvarint  number of chunks n
 *    n times: uvarint  series id minus the one before (zig-zag; the first: minus lo_series)
 *             uvarint  0, or 1 and 8 bytes: the metric key if it differs from the one before
 *             varint   min_t minus the one before, ms
 *             uvarint  max_t - min_t
 *             u8       encoding
 *             uvarint  bytes
 *    the chunks' bytes, one behind the other
 *
 * A row aims to fill a page; a chunk that is larger gets a row of its own, TOASTed.
 */
#include "postgres.h"

#include "store/chunk_table.h"

#include "pg/compat.h"
#include "pg/stats.h"
#include "tables/relation.h"
#include "util/hash.h"
#include "util/varint.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define CHUNK_ROW_MAX	 7980 /* bytes of data: with header and columns the row fills a page */
#define CHUNK_ENTRY_MAX	 (4 * VARINT_MAX_BYTES + 9 + 1 + VARINT_MAX_BYTES)
#define CHUNK_ROW_MAX_N	 1000
#define CHUNK_SEEK_AFTER 4 /* rows read on in vain before the index is searched again */
#define CHUNK_NATTS		 8

enum
{
	ATT_DAY = 1,
	ATT_BLOCK,
	ATT_TENANT,
	ATT_HI_METRIC,
	ATT_HI_SERIES,
	ATT_LO_METRIC,
	ATT_LO_SERIES,
	ATT_DATA
};

int64
chunk_metric_key(StrView metric_name)
{
	return (int64) hash_xxh64(metric_name.s, metric_name.len);
}

static void
partition_name(char *name, int32 day)
{
	snprintf(name, NAMEDATALEN, "chunk_data_%d", day);
}

/*
 * chunk_partition_ensure -- the partition inherits columns from mimir.chunk_data; row-level
 * security does not inherit, so it is set up here too.  It is attached, not created as one:
 * attaching lets readers of mimir.chunk_data (a dump, say) go on.
 *
 * The index is the partition's own.  A dump of one that came from the parent could not be
 * restored: attaching the partition would make it, and the dump's CREATE INDEX make it again.
 *
 * Until the transaction ends it holds a lock that keeps the partition from being dropped as
 * unused (compact_drop.c).
 */
void
chunk_partition_ensure(int32 day)
{
	char name[NAMEDATALEN];
	char *sql;

	partition_name(name, day);
	LockRelationOid(tables_relid("chunk_data"), AccessShareLock);
	if (OidIsValid(tables_relid_missing_ok(name)))
		return;
	sql = psprintf("CREATE TABLE mimir.%s (LIKE mimir.chunk_data INCLUDING STORAGE)"
				   " WITH (toast_tuple_target = 8160);"
				   "CREATE INDEX %s_key ON mimir.%s (block_id, tenant_id, hi_metric, hi_series);"
				   "ALTER TABLE mimir.%s ENABLE ROW LEVEL SECURITY;"
				   "CREATE POLICY tenant_visible ON mimir.%s FOR SELECT USING"
				   " (tenant_id = ANY ((SELECT mimir.visible_tenants())::int[]));"
				   "ALTER TABLE mimir.chunk_data ATTACH PARTITION mimir.%s"
				   " FOR VALUES FROM (%d) TO (%d)",
				   name, name, name, name, name, name, day, day + 1);
	SPI_connect();
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "could not create partition \"%s\"", name);
	SPI_finish();
	CommandCounterIncrement();
}

/* ---- writing ---------------------------------------------------------------------------------- */

struct ChunkWriter
{
	Relation rel;
	CatalogIndexState indexes;
	int32 day;
	int64 block_id;
	ChunkTotals totals;
	MemoryContext row_context;

	/* the open row */
	int n;
	TenantId tenant;
	ChunkKey lo, hi;
	int64 last_min_t;
	StringInfoData directory;
	StringInfoData payload;
};

ChunkWriter *
chunk_writer_begin(int32 day, int64 block_id)
{
	ChunkWriter *w = palloc0(sizeof(ChunkWriter));
	char name[NAMEDATALEN];

	partition_name(name, day);
	w->rel = tables_open(name, RowExclusiveLock);
	w->indexes = CatalogOpenIndexes(w->rel);
	w->day = day;
	w->block_id = block_id;
	w->totals.min_t = PG_INT64_MAX;
	w->totals.max_t = PG_INT64_MIN;
	w->row_context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir chunk row", ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&w->directory);
	initStringInfo(&w->payload);
	return w;
}

static void
append_varint(StringInfo s, uint64 v)
{
	uint8 tmp[VARINT_MAX_BYTES];

	appendBinaryStringInfo(s, (char *) tmp, varint_put(tmp, v) - tmp);
}

static void
write_row(ChunkWriter *w)
{
	MemoryContext old;
	uint8 count[VARINT_MAX_BYTES];
	int count_len;
	Size len;
	bytea *data;
	char *p;
	pg_crc32c crc;
	Datum values[CHUNK_NATTS];
	bool nulls[CHUNK_NATTS] = {0};

	if (w->n == 0)
		return;
	old = MemoryContextSwitchTo(w->row_context);
	count_len = varint_put(count, w->n) - count;
	len = sizeof(crc) + count_len + w->directory.len + w->payload.len;
	data = palloc(VARHDRSZ + len);
	SET_VARSIZE(data, VARHDRSZ + len);
	p = VARDATA(data) + sizeof(crc);
	memcpy(p, count, count_len);
	memcpy(p + count_len, w->directory.data, w->directory.len);
	memcpy(p + count_len + w->directory.len, w->payload.data, w->payload.len);
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, p, len - sizeof(crc));
	FIN_CRC32C(crc);
	memcpy(VARDATA(data), &crc, sizeof(crc));

	values[ATT_DAY - 1] = Int32GetDatum(w->day);
	values[ATT_BLOCK - 1] = Int64GetDatum(w->block_id);
	values[ATT_TENANT - 1] = Int32GetDatum((int32) w->tenant);
	values[ATT_HI_METRIC - 1] = Int64GetDatum(w->hi.metric);
	values[ATT_HI_SERIES - 1] = Int64GetDatum(w->hi.series);
	values[ATT_LO_METRIC - 1] = Int64GetDatum(w->lo.metric);
	values[ATT_LO_SERIES - 1] = Int64GetDatum(w->lo.series);
	values[ATT_DATA - 1] = PointerGetDatum(data);
	CatalogTupleInsertWithInfo(w->rel, heap_form_tuple(RelationGetDescr(w->rel), values, nulls),
							   w->indexes);
	w->totals.rows++;
	w->n = 0;
	resetStringInfo(&w->directory);
	resetStringInfo(&w->payload);
	MemoryContextSwitchTo(old);
	MemoryContextReset(w->row_context);
	CHECK_FOR_INTERRUPTS();
}

void
chunk_writer_add(ChunkWriter *w, TenantId tenant, ChunkKey key, const StoreChunk *c)
{
	if (w->n > 0 && (tenant != w->tenant || w->n >= CHUNK_ROW_MAX_N ||
					 w->directory.len + w->payload.len + c->len + CHUNK_ENTRY_MAX > CHUNK_ROW_MAX))
		write_row(w);
	if (w->n == 0)
	{
		w->tenant = tenant;
		w->lo = w->hi = key;
		w->last_min_t = 0;
	}
	Assert(chunk_key_cmp(w->hi, key) <= 0);
	append_varint(&w->directory, varint_zigzag(key.series - w->hi.series));
	append_varint(&w->directory, key.metric != w->hi.metric);
	if (key.metric != w->hi.metric)
		appendBinaryStringInfo(&w->directory, (const char *) &key.metric, sizeof(key.metric));
	append_varint(&w->directory, varint_zigzag(c->min_t - w->last_min_t));
	append_varint(&w->directory, c->max_t - c->min_t);
	appendStringInfoCharMacro(&w->directory, (char) c->encoding);
	append_varint(&w->directory, c->len);
	appendBinaryStringInfo(&w->payload, (const char *) c->data, c->len);
	w->hi = key;
	w->last_min_t = c->min_t;
	w->n++;

	w->totals.chunks++;
	w->totals.samples += c->count;
	w->totals.bytes += c->len;
	w->totals.min_t = Min(w->totals.min_t, c->min_t);
	w->totals.max_t = Max(w->totals.max_t, c->max_t);
}

ChunkTotals
chunk_writer_end(ChunkWriter *w, uint32 gen)
{
	Relation block = tables_open("block", RowExclusiveLock);
	CatalogIndexState indexes = CatalogOpenIndexes(block);
	ChunkTotals totals;
	Datum values[11];
	bool nulls[11] = {0};

	write_row(w);
	totals = w->totals;
	values[0] = Int64GetDatum(w->block_id);
	values[1] = Int64GetDatum((int64) gen);
	values[2] = Int32GetDatum(w->day);
	values[3] = Int64GetDatum(totals.min_t);
	values[4] = Int64GetDatum(totals.max_t);
	values[5] = Int64GetDatum(totals.rows);
	values[6] = Int64GetDatum(totals.chunks);
	values[7] = Int64GetDatum(totals.samples);
	values[8] = Int64GetDatum(totals.bytes);
	values[9] = Int32GetDatum(1);
	values[10] = Int64GetDatum(0);
	CatalogTupleInsertWithInfo(block, heap_form_tuple(RelationGetDescr(block), values, nulls),
							   indexes);
	CatalogCloseIndexes(indexes);
	table_close(block, NoLock);

	CatalogCloseIndexes(w->indexes);
	table_close(w->rel, NoLock);
	MemoryContextDelete(w->row_context);
	pfree(w->directory.data);
	pfree(w->payload.data);
	pfree(w);
	return totals;
}

/* ---- reading ---------------------------------------------------------------------------------- */

typedef struct ChunkEntry
{
	ChunkKey key;
	int64 min_t, max_t;
	uint32 offset; /* into the row's data */
	uint32 len;
	uint8 encoding;
} ChunkEntry;

/*
 * A row that was read.  It is the first in the block whose last key is not below from; so all
 * chunks of a key in [from, last key) are in it.
 */
typedef struct ChunkRow
{
	ChunkKey from;
	ChunkKey last;
	int n; /* entries; 0: nothing is cached here */
	ChunkEntry *entries;
	uint8 *data;
} ChunkRow;

/*
 * Series are asked for in label order, which is that of the rows but for the series of one metric.
 * So the rows read last are kept, enough for a metric of some thousand series.
 */
struct ChunkReader
{
	Relation rel;
	Relation index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	int64 block_id;
	TenantId tenant;
	int64 rows; /* read */
	MemoryContext context;

	ScanKeyData row_keys[2]; /* referred to by the scan */
	bool positioned;		 /* a row is loaded, or the scan has ended */
	ChunkRow *row;			 /* the scan's; NULL at its end */
	ChunkKey next_from;		 /* from of the row that comes next */
	int ncached;
	int victim;
	ChunkRow *cache;
	ChunkRow *hit; /* the last one */
};

ChunkReader *
chunk_reader_begin(int32 day, int64 block_id, TenantId tenant, int cached_rows, Snapshot snapshot)
{
	ChunkReader *r = palloc0(sizeof(ChunkReader));
	char name[NAMEDATALEN];
	List *indexes;

	partition_name(name, day);
	r->rel = tables_open(name, AccessShareLock);
	indexes = RelationGetIndexList(r->rel);
	if (list_length(indexes) != 1)
		elog(ERROR, "partition \"%s\" has no single index", name);
	r->index = index_open(linitial_oid(indexes), AccessShareLock);
	list_free(indexes);
	r->scan = compat_index_beginscan(r->rel, r->index, snapshot, 3, 0);
	r->slot = table_slot_create(r->rel, NULL);
	r->block_id = block_id;
	r->tenant = tenant;
	r->context = CurrentMemoryContext;
	r->ncached = Max(cached_rows, 2);
	r->cache = palloc0(sizeof(ChunkRow) * r->ncached);
	r->hit = r->cache;
	return r;
}

static void
corrupt_row(ChunkReader *r)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("chunk row (%u,%u) of \"%s\" is corrupt",
					ItemPointerGetBlockNumber(&r->slot->tts_tid),
					ItemPointerGetOffsetNumber(&r->slot->tts_tid), RelationGetRelationName(r->rel)),
			 errdetail("Tenant %u, block %lld.", r->tenant, (long long) r->block_id)));
}

/* The directory of a row; returns the byte after it.  e: the key before the first. */
static const uint8 *
read_directory(ChunkReader *r, const uint8 *p, const uint8 *end, ChunkEntry e, ChunkEntry *entries,
			   int n, Size *total)
{
	uint64 u;

	*total = 0;
	for (int i = 0; i < n; i++)
	{
		if ((p = varint_get(p, end, &u)) == NULL)
			corrupt_row(r);
		e.key.series += varint_unzigzag(u);
		if ((p = varint_get(p, end, &u)) == NULL)
			corrupt_row(r);
		if (u != 0)
		{
			if (end - p < sizeof(e.key.metric))
				corrupt_row(r);
			memcpy(&e.key.metric, p, sizeof(e.key.metric));
			p += sizeof(e.key.metric);
		}
		if ((p = varint_get(p, end, &u)) == NULL)
			corrupt_row(r);
		e.min_t += varint_unzigzag(u);
		if ((p = varint_get(p, end, &u)) == NULL)
			corrupt_row(r);
		e.max_t = e.min_t + u;
		if (p >= end)
			corrupt_row(r);
		e.encoding = *p++;
		if ((p = varint_get(p, end, &u)) == NULL || u > (uint64) (end - p))
			corrupt_row(r);
		e.len = (uint32) u;
		e.offset = (uint32) *total;
		*total += u;
		entries[i] = e;
	}
	return p;
}

/* Check and parse the row in the slot into a place of the cache. */
static ChunkRow *
load_row(ChunkReader *r)
{
	ChunkRow *row = &r->cache[r->victim];
	bool isnull;
	struct varlena *packed;
	const uint8 *p;
	const uint8 *end;
	pg_crc32c want;
	pg_crc32c crc;
	uint64 n;
	ChunkEntry first = {0};
	Size total;
	MemoryContext old = MemoryContextSwitchTo(r->context);

	if (row->n > 0)
	{
		pfree(row->entries);
		pfree(row->data);
		row->n = 0;
	}
	slot_getallattrs(r->slot);
	packed = pg_detoast_datum_copy(
		(struct varlena *) DatumGetPointer(slot_getattr(r->slot, ATT_DATA, &isnull)));
	r->rows++;
	p = (const uint8 *) VARDATA_ANY(packed);
	end = p + VARSIZE_ANY_EXHDR(packed);
	if (end - p < sizeof(want) + 1)
		corrupt_row(r);
	memcpy(&want, p, sizeof(want));
	p += sizeof(want);
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, p, end - p);
	FIN_CRC32C(crc);
	if (!EQ_CRC32C(crc, want))
		corrupt_row(r);

	first.key.metric = DatumGetInt64(slot_getattr(r->slot, ATT_LO_METRIC, &isnull));
	first.key.series = DatumGetInt64(slot_getattr(r->slot, ATT_LO_SERIES, &isnull));
	p = varint_get(p, end, &n);
	if (p == NULL || n == 0 || n > CHUNK_ROW_MAX_N)
		corrupt_row(r);
	row->entries = palloc(sizeof(ChunkEntry) * n);
	p = read_directory(r, p, end, first, row->entries, (int) n, &total);
	if (total != (Size) (end - p))
		corrupt_row(r);
	for (uint64 i = 0; i < n; i++)
		row->entries[i].offset += p - (const uint8 *) packed;
	row->data = (uint8 *) packed;
	row->n = (int) n;
	r->victim = (r->victim + 1) % r->ncached;
	row->last = row->entries[n - 1].key;
	MemoryContextSwitchTo(old);
	return row;
}

static void
next_row(ChunkReader *r)
{
	if (!index_getnext_slot(r->scan, ForwardScanDirection, r->slot))
	{
		r->row = NULL;
		return;
	}
	r->row = load_row(r);
	r->row->from = r->next_from;
	r->next_from = r->row->last;
	r->next_from.series++;
}

/* Search the first row whose last key is not below key. */
static void
seek(ChunkReader *r, ChunkKey key)
{
	ScanKeyData keys[3];
	ScanKeyData *row = r->row_keys;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(r->block_id));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum((int32) r->tenant));
	ScanKeyEntryInitialize(&row[0], SK_ROW_MEMBER, 3, BTGreaterEqualStrategyNumber, INT8OID,
						   InvalidOid, F_BTINT8CMP, Int64GetDatum(key.metric));
	ScanKeyEntryInitialize(&row[1], SK_ROW_MEMBER | SK_ROW_END, 4, BTGreaterEqualStrategyNumber,
						   INT8OID, InvalidOid, F_BTINT8CMP, Int64GetDatum(key.series));
	MemSet(&keys[2], 0, sizeof(ScanKeyData));
	keys[2].sk_flags = SK_ROW_HEADER;
	keys[2].sk_attno = 3;
	keys[2].sk_strategy = BTGreaterEqualStrategyNumber;
	keys[2].sk_argument = PointerGetDatum(row);
	index_rescan(r->scan, keys, 3, NULL, 0);
	r->next_from = key;
	next_row(r);
	r->positioned = true;
}

static void
copy_matches(const ChunkRow *row, ChunkKey key, int64 mint, int64 maxt, StoreChunk **out, int *n,
			 int *cap)
{
	int lo = 0;
	int hi = row->n;

	while (lo < hi)
	{
		int mid = (lo + hi) / 2;

		if (chunk_key_cmp(row->entries[mid].key, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < row->n && chunk_key_cmp(row->entries[lo].key, key) == 0; lo++)
	{
		const ChunkEntry *e = &row->entries[lo];
		StoreChunk *c;

		if (e->max_t < mint || e->min_t > maxt)
			continue;
		if (*n == *cap)
		{
			*cap = Max(16, *cap * 2);
			*out = *out ? repalloc(*out, sizeof(StoreChunk) * *cap)
						: palloc(sizeof(StoreChunk) * *cap);
		}
		c = &(*out)[(*n)++];
		*c = (StoreChunk){.min_t = e->min_t,
						  .max_t = e->max_t,
						  .encoding = e->encoding,
						  .len = e->len,
						  .data = palloc(Max(e->len, 1))};
		memcpy((void *) c->data, row->data + e->offset, e->len);
		c->count = chunk_count(c->data, c->len);
	}
}

/* The cached row that holds all chunks of a key; NULL: none. */
static ChunkRow *
cached_row(ChunkReader *r, ChunkKey key)
{
	int newest = (int) (r->victim + r->ncached - 1);

	for (int i = -1; i < r->ncached; i++)
	{
		ChunkRow *row = i < 0 ? r->hit : &r->cache[(newest - i) % r->ncached];

		if (row->n == 0)
			break; /* the cache is filled from the newest backwards */
		if (chunk_key_cmp(row->from, key) <= 0 && chunk_key_cmp(key, row->last) < 0)
			return r->hit = row;
	}
	return NULL;
}

void
chunk_reader_get(ChunkReader *r, ChunkKey key, int64 mint, int64 maxt, StoreChunk **out, int *n,
				 int *cap)
{
	const ChunkRow *row = cached_row(r, key);

	if (row != NULL)
	{
		copy_matches(row, key, mint, maxt, out, n, cap);
		return;
	}
	if (!r->positioned || (r->row != NULL && chunk_key_cmp(key, r->row->from) < 0) ||
		(r->row == NULL && chunk_key_cmp(key, r->next_from) < 0))
		seek(r, key);
	for (int skipped = 0; r->row != NULL && chunk_key_cmp(r->row->last, key) < 0; skipped++)
	{
		if (skipped == CHUNK_SEEK_AFTER)
			seek(r, key);
		else
			next_row(r);
	}
	if (r->row == NULL)
		return;
	copy_matches(r->row, key, mint, maxt, out, n, cap);
	/* the chunks of a series may go on in the next row */
	while (chunk_key_cmp(r->row->last, key) == 0)
	{
		next_row(r);
		if (r->row == NULL)
			break;
		copy_matches(r->row, key, mint, maxt, out, n, cap);
	}
}

int64
chunk_reader_rows(const ChunkReader *r)
{
	return r->rows;
}

void
chunk_reader_end(ChunkReader *r)
{
	ExecDropSingleTupleTableSlot(r->slot);
	index_endscan(r->scan);
	index_close(r->index, NoLock);
	table_close(r->rel, NoLock);
	for (int i = 0; i < r->ncached; i++)
		if (r->cache[i].n > 0)
		{
			pfree(r->cache[i].entries);
			pfree(r->cache[i].data);
		}
	pfree(r->cache);
	pfree(r);
}
