/*
 * import_tsdb.c
 *    A TSDB block of Prometheus becomes blocks of ours, one a day.
 *
 * The index is walked once for each day that the block covers; a chunk is looked at in the days that
 * its times touch (import_day.c).
 *
 * What was imported is noted in mimir.imported_block by its ULID: an import that was broken off can
 * be called again and goes on with the block that it broke off in.
 */
#include "postgres.h"

#include "store/import.h"

#include "pg/errmap.h"
#include "store/backfill.h"
#include "store/head.h"
#include "store/import_day.h"
#include "store/tombstone.h"
#include "store/tsdb_files.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

static void
import_series(ImportDay *day, TsdbBlock *block, const TsdbBlockSeries *s, int64 mint, int64 maxt)
{
	TsdbBlockChunk c;
	Err err = ERR_INIT;
	int got;

	import_day_begin_series(day, s->deleted, s->n_deleted);
	while ((got = tsdb_block_next_chunk(block, &c, &err)) == 1)
		if (c.max_t >= mint && c.min_t <= maxt)
			import_day_chunk(day, c.chunk.encoding, c.chunk.data, c.chunk.len);
	if (got < 0)
		errmap_raise(&err);
	import_day_end_series(day, s->labels);
}

static int64
import_day(const TsdbBlockFiles *files, TenantId tenant, int32 number)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir import block", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int64 mint = (int64) number * HEAD_DAY_MS;
	int64 maxt = mint + HEAD_DAY_MS - 1;
	Err err = ERR_INIT;
	TsdbBlock *block = tsdb_block_open(files, &err);
	ImportDay *day;
	TsdbBlockSeries s;
	int64 n;
	int got;

	if (block == NULL)
		errmap_raise(&err);
	day = import_day_begin(tenant, number, mint, maxt);
	while ((got = tsdb_block_next_series(block, &s, &err)) == 1)
		import_series(day, block, &s, mint, maxt);
	if (got < 0)
		errmap_raise(&err);
	n = import_day_end(day);
	tsdb_block_close(block);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return n;
}

/* Note the block; false: the tenant has had it. */
static bool
note_imported(TenantId tenant, const char *ulid)
{
	Oid types[2] = {INT4OID, TEXTOID};
	Datum values[2] = {Int32GetDatum((int32) tenant), CStringGetTextDatum(ulid)};
	uint64 n;

	SPI_connect();
	if (SPI_execute_with_args("INSERT INTO mimir.imported_block (tenant_id, ulid) VALUES ($1, $2)"
							  " ON CONFLICT DO NOTHING",
							  2, types, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not insert into mimir.imported_block");
	n = SPI_processed;
	SPI_finish();
	return n > 0;
}

int64
import_tsdb_block(TenantId tenant, const char *dir)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir import", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	TsdbBlockFiles files;
	TsdbMeta meta;
	Err err = ERR_INIT;
	int64 samples = 0;

	tsdb_files_map(dir, &files);
	if (!tsdb_meta_read(files.meta, &meta, &err))
		errmap_raise(&err);
	if (meta.max_t - meta.min_t > 400 * HEAD_DAY_MS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("block \"%s\" covers more than 400 days", dir)));
	if (!note_imported(tenant, meta.ulid.text))
		samples = -1;
	else
		for (int32 day = backfill_day(meta.min_t);
			 meta.max_t > meta.min_t && day <= backfill_day(meta.max_t - 1); day++)
			samples += import_day(&files, tenant, day);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return samples;
}
