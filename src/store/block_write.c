/*
 * block_write.c
 *    Writing a compacted block.
 *
 * The table is made in the writing transaction, so its rows can be frozen and its pages all-visible
 * from the start: nobody ever has to look at them again.  Old snapshots see them too, but find them
 * only through mimir.block_tenant, whose row is an ordinary one.
 *
 * Row: page bigint, tenant_id int, data bytea (PLAIN: never compressed, never TOASTed):
 *    u32   CRC-32C of what follows, little-endian
 *    ...   BLOCK_PAGE_BYTES bytes of the stream, fewer in its last page
 *
 * Calls: begin; for each part begin_part, add in label order, end_part; end.
 * Memory: the index writer's (bounded by the series of a part), a page a stream, the map of time
 * columns.
 */
#include "postgres.h"

#include "store/block_table.h"

#include "codec/column/column.h"
#include "pg/compat.h"
#include "pg/errmap.h"
#include "tables/relation.h"
#include "util/hash.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define ROWS_AT_ONCE	32
#define INDEX_MAX_BYTES (MaxAllocHugeSize / 4)
#define COLUMN_MAX		((size_t) 1 << 24) /* bytes of a column, far more than its samples need */
#define HASH_SEED		UINT64CONST(0x6d696d6972)

/* Time columns of a part by a hash of their times. */
typedef struct TimesEntry
{
	Hash128 key;
	uint32 number;
	char status;
} TimesEntry;

#define SH_PREFIX			 times
#define SH_ELEMENT_TYPE		 TimesEntry
#define SH_KEY_TYPE			 Hash128
#define SH_KEY				 key
#define SH_HASH_KEY(tb, key) ((uint32) (key).lo)
#define SH_EQUAL(tb, a, b)	 hash128_equal(a, b)
#define SH_SCOPE			 static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct PageStream
{
	uint8 page[BLOCK_PAGE_BYTES];
	uint32 len;
	int64 pages; /* written */
	int64 bytes;
} PageStream;

struct BlockWriter
{
	int64 block_id;
	char table[NAMEDATALEN];
	Relation rel;
	BulkInsertState bulk;
	TupleTableSlot *slots[ROWS_AT_ONCE];
	int nslots;
	MemoryContext row_context; /* rows that wait */
	BlockTotals totals;

	/* the open part */
	MemoryContext part_context;
	TenantId tenant;
	int part;
	BlockIndexWriter *index;
	times_hash *times;
	PageStream streams[BLOCK_NSTREAMS];
	BlockTotals part_totals;
	Buf column;
	BlockChunk *chunks;
	int cap_chunks;
};

void
block_table_name(char *name, int64 block_id)
{
	snprintf(name, NAMEDATALEN, "block_" INT64_FORMAT, block_id);
}

static void
run_sql(const char *sql)
{
	SPI_connect();
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
	SPI_finish();
	CommandCounterIncrement();
}

/* DROP EXTENSION shall take the table along, though pg_dump must not think it a member. */
static void
depend_on_blocks(Oid relid)
{
	ObjectAddress table;
	ObjectAddress blocks;

	ObjectAddressSet(table, RelationRelationId, relid);
	ObjectAddressSet(blocks, RelationRelationId, tables_relid("block"));
	recordDependencyOn(&table, &blocks, DEPENDENCY_AUTO);
}

/*
 * block_tables_adopt -- the dependency again for tables that came without it: no dump has it, neither
 * pg_dump's nor that of pg_upgrade.
 */
void
block_tables_adopt(void)
{
	SPI_connect();
	if (SPI_execute(
			"SELECT c.oid FROM mimir.block b JOIN pg_class c ON c.relname = 'block_' || b.block_id"
			" WHERE b.level = 2 AND c.relnamespace = 'mimir'::regnamespace"
			" AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass"
			"  AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass"
			"  AND d.refobjid = 'mimir.block'::regclass)",
			true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read mimir.block");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool isnull;

		depend_on_blocks(DatumGetObjectId(
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)));
	}
	SPI_finish();
}

static void
reset_totals(BlockTotals *t)
{
	memset(t, 0, sizeof(*t));
	t->min_t = PG_INT64_MAX;
	t->max_t = PG_INT64_MIN;
}

int64
block_next_id(void)
{
	bool isnull;
	int64 id;

	SPI_connect();
	if (SPI_execute("SELECT nextval('mimir.compacted_block_id_seq')", false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not number a block");
	id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return id;
}

/* block_writer_begin -- make the block's table.  All of it belongs to the running transaction. */
BlockWriter *
block_writer_begin(int64 block_id)
{
	BlockWriter *w = palloc0(sizeof(BlockWriter));

	w->block_id = block_id;
	block_table_name(w->table, block_id);
	run_sql(psprintf("CREATE TABLE mimir.%s (page bigint NOT NULL, tenant_id int NOT NULL,"
					 " data bytea NOT NULL) WITH (autovacuum_enabled = off);"
					 "ALTER TABLE mimir.%s ALTER COLUMN data SET STORAGE PLAIN",
					 w->table, w->table));
	w->rel = tables_open(w->table, AccessExclusiveLock);
	depend_on_blocks(RelationGetRelid(w->rel));
	w->bulk = GetBulkInsertState();
	for (int i = 0; i < ROWS_AT_ONCE; i++)
		w->slots[i] = table_slot_create(w->rel, NULL);
	w->row_context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir block rows", ALLOCSET_DEFAULT_SIZES);
	reset_totals(&w->totals);
	return w;
}

/* ---- rows -------------------------------------------------------------------------------------- */

static void
write_rows(BlockWriter *w)
{
	if (w->nslots == 0)
		return;
	table_multi_insert(w->rel, w->slots, w->nslots, GetCurrentCommandId(true),
					   TABLE_INSERT_FROZEN | TABLE_INSERT_SKIP_FSM, w->bulk);
	for (int i = 0; i < w->nslots; i++)
		ExecClearTuple(w->slots[i]);
	w->nslots = 0;
	MemoryContextReset(w->row_context);
	CHECK_FOR_INTERRUPTS();
}

static void
write_page(BlockWriter *w, BlockStream stream)
{
	PageStream *s = &w->streams[stream];
	TupleTableSlot *slot = w->slots[w->nslots++];
	bytea *data =
		MemoryContextAlloc(w->row_context, VARHDRSZ + sizeof(pg_crc32c) + BLOCK_PAGE_BYTES);
	pg_crc32c crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, s->page, s->len);
	FIN_CRC32C(crc);
	SET_VARSIZE(data, VARHDRSZ + sizeof(crc) + s->len);
	memcpy(VARDATA(data), &crc, sizeof(crc));
	memcpy(VARDATA(data) + sizeof(crc), s->page, s->len);
	slot->tts_values[0] = Int64GetDatum(block_page_key(w->part, stream, s->pages++));
	slot->tts_values[1] = Int32GetDatum((int32) w->tenant);
	slot->tts_values[2] = PointerGetDatum(data);
	memset(slot->tts_isnull, 0, 3);
	ExecStoreVirtualTuple(slot);
	s->len = 0;
	if (w->nslots == ROWS_AT_ONCE)
		write_rows(w);
}

static void
append(BlockWriter *w, BlockStream stream, const void *bytes, Size len)
{
	PageStream *s = &w->streams[stream];
	const char *p = bytes;

	s->bytes += len;
	while (len > 0)
	{
		Size n = Min(len, BLOCK_PAGE_BYTES - s->len);

		memcpy(s->page + s->len, p, n);
		s->len += n;
		p += n;
		len -= n;
		if (s->len == BLOCK_PAGE_BYTES)
			write_page(w, stream);
	}
}

/* ---- parts ------------------------------------------------------------------------------------- */

void
block_writer_begin_part(BlockWriter *w, TenantId tenant, int part)
{
	MemoryContext old;

	w->part_context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir block part", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(w->part_context);
	w->tenant = tenant;
	w->part = part;
	w->index = block_index_writer_create();
	w->times = times_create(w->part_context, 1024, NULL);
	memset(w->streams, 0, sizeof(w->streams));
	reset_totals(&w->part_totals);
	buf_init(&w->column, 65536, COLUMN_MAX);
	w->chunks = NULL;
	w->cap_chunks = 0;
	MemoryContextSwitchTo(old);
}

/* The column with these times, written now if none has them yet. */
static uint32
times_column(BlockWriter *w, const int64 *t, int n)
{
	bool found;
	TimesEntry *e = times_insert(w->times, hash128(t, sizeof(int64) * n, HASH_SEED), &found);

	if (!found)
	{
		buf_reset(&w->column);
		column_times_encode(t, n, &w->column);
		append(w, BLOCK_STREAM_TIMES, w->column.data, w->column.len);
		e->number = block_index_add_times(w->index, t[0], t[n - 1], n, w->column.len);
	}
	return e->number;
}

static void
count_chunk(BlockTotals *t, int64 min_t, int64 max_t, int64 samples)
{
	t->chunks++;
	t->samples += samples;
	t->min_t = Min(t->min_t, min_t);
	t->max_t = Max(t->max_t, max_t);
}

static void
add_floats(BlockWriter *w, const SampleRun *run, int *nchunks)
{
	for (int from = 0; from < run->n; from += BLOCK_MAX_COLUMN_COUNT)
	{
		int n = Min(run->n - from, BLOCK_MAX_COLUMN_COUNT);
		BlockChunk *c = &w->chunks[(*nchunks)++];

		*c = (BlockChunk){.times = times_column(w, run->t + from, n)};
		buf_reset(&w->column);
		column_values_encode(run->v + from, n, &w->column);
		append(w, BLOCK_STREAM_CHUNKS, w->column.data, w->column.len);
		c->len = (uint32) w->column.len;
		count_chunk(&w->part_totals, run->t[from], run->t[from + n - 1], n);
	}
}

/*
 * block_writer_add -- the next series in label order: its floats (ascending times, no histogram
 * among them) and its histogram chunks by time, which are kept as they are.
 */
void
block_writer_add(BlockWriter *w, int64 series_id, Labels labels, const SampleRun *floats,
				 const StoreChunk *histograms, int nhistograms)
{
	MemoryContext old = MemoryContextSwitchTo(w->part_context);
	int max = nhistograms + floats->n / BLOCK_MAX_COLUMN_COUNT + 1;
	int n = 0;

	if (max > w->cap_chunks)
	{
		w->cap_chunks = max * 2;
		w->chunks = mem_realloc(w->chunks, sizeof(BlockChunk) * w->cap_chunks);
	}
	add_floats(w, floats, &n);
	for (int i = 0; i < nhistograms; i++)
	{
		const StoreChunk *h = &histograms[i];

		w->chunks[n++] = (BlockChunk){.len = h->len,
									  .min_t = h->min_t,
									  .max_t = h->max_t,
									  .count = h->count,
									  .encoding = h->encoding};
		append(w, BLOCK_STREAM_CHUNKS, h->data, h->len);
		count_chunk(&w->part_totals, h->min_t, h->max_t, h->count);
	}
	if (n > 0 && !block_index_add_series(w->index, series_id, labels, w->chunks, n))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a part of block " INT64_FORMAT " has too many series", w->block_id)));
	w->part_totals.series += n > 0;
	MemoryContextSwitchTo(old);
}

static void
insert_row(const char *table, const Datum *values, int n)
{
	Relation rel = tables_open(table, RowExclusiveLock);
	CatalogIndexState indexes = CatalogOpenIndexes(rel);
	bool nulls[16] = {0};

	Assert(RelationGetNumberOfAttributes(rel) == n);
	CatalogTupleInsertWithInfo(
		rel, heap_form_tuple(RelationGetDescr(rel), unconstify(Datum *, values), nulls), indexes);
	CatalogCloseIndexes(indexes);
	table_close(rel, NoLock);
}

/* block_writer_end_part -- write the part's index and its row of mimir.block_tenant. */
void
block_writer_end_part(BlockWriter *w)
{
	MemoryContext old = MemoryContextSwitchTo(w->part_context);
	BlockTotals *t = &w->part_totals;
	Datum values[10];
	Buf index;

	if (t->series > 0)
	{
		buf_init(&index, 65536, INDEX_MAX_BYTES);
		if (!block_index_finish(w->index, &index))
			elog(ERROR, "index of a block part is larger than its maximum");
		append(w, BLOCK_STREAM_INDEX, index.data, index.len);
		for (int s = 0; s < BLOCK_NSTREAMS; s++)
		{
			if (w->streams[s].len > 0)
				write_page(w, s);
			t->bytes += w->streams[s].bytes;
		}
		write_rows(w);
		values[0] = Int64GetDatum(w->block_id);
		values[1] = Int32GetDatum((int32) w->tenant);
		values[2] = Int32GetDatum(w->part);
		values[3] = Int64GetDatum(t->min_t);
		values[4] = Int64GetDatum(t->max_t);
		values[5] = Int64GetDatum(t->series);
		values[6] = Int64GetDatum(t->chunks);
		values[7] = Int64GetDatum(t->samples);
		values[8] = Int64GetDatum(t->bytes);
		values[9] = Int64GetDatum(w->streams[BLOCK_STREAM_INDEX].bytes);
		insert_row("block_tenant", values, 10);
		w->totals.series += t->series;
		w->totals.chunks += t->chunks;
		w->totals.samples += t->samples;
		w->totals.bytes += t->bytes;
		w->totals.min_t = Min(w->totals.min_t, t->min_t);
		w->totals.max_t = Max(w->totals.max_t, t->max_t);
	}
	block_index_writer_free(w->index);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(w->part_context);
}

/* block_writer_bytes -- of streams, of the parts that ended. */
int64
block_writer_bytes(const BlockWriter *w)
{
	return w->totals.bytes;
}

/*
 * block_writer_end -- build the table's key and write the row of mimir.block: level 2, of a day,
 * holding data of generations up to gen, less what tombstones up to one delete.  A block without series gets no row; its table is
 * nobody's then, and is dropped as such.
 */
BlockTotals
block_writer_end(BlockWriter *w, int32 day, uint32 gen, int64 tombstone)
{
	BlockTotals totals = w->totals;
	int64 rows = 0;
	Datum values[11];

	write_rows(w);
	FreeBulkInsertState(w->bulk);
	for (int i = 0; i < ROWS_AT_ONCE; i++)
		ExecDropSingleTupleTableSlot(w->slots[i]);
	rows = RelationGetNumberOfBlocks(w->rel);
	table_close(w->rel, NoLock);
	run_sql(psprintf("CREATE UNIQUE INDEX %s_key ON mimir.%s (tenant_id, page);"
					 "ALTER TABLE mimir.%s ENABLE ROW LEVEL SECURITY;"
					 "CREATE POLICY tenant_visible ON mimir.%s FOR SELECT USING"
					 " (tenant_id = ANY ((SELECT mimir.visible_tenants())::int[]));"
					 "COMMENT ON TABLE mimir.%s IS 'Pages of a compacted block.';"
					 "COMMENT ON COLUMN mimir.%s.page IS 'Which page of the tenant''s part.';"
					 "COMMENT ON COLUMN mimir.%s.tenant_id IS 'Whose series.';"
					 "COMMENT ON COLUMN mimir.%s.data IS 'The page: docs/formats.md.'",
					 w->table, w->table, w->table, w->table, w->table, w->table, w->table,
					 w->table));
	if (totals.series > 0)
	{
		values[0] = Int64GetDatum(w->block_id);
		values[1] = Int64GetDatum((int64) gen);
		values[2] = Int32GetDatum(day);
		values[3] = Int64GetDatum(totals.min_t);
		values[4] = Int64GetDatum(totals.max_t);
		values[5] = Int64GetDatum(rows);
		values[6] = Int64GetDatum(totals.chunks);
		values[7] = Int64GetDatum(totals.samples);
		values[8] = Int64GetDatum(totals.bytes);
		values[9] = Int32GetDatum(2);
		values[10] = Int64GetDatum(tombstone);
		insert_row("block", values, 11);
	}
	MemoryContextDelete(w->row_context);
	pfree(w);
	return totals;
}
