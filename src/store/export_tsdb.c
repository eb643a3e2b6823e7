/*
 * export_tsdb.c
 *    A tenant's samples as TSDB blocks of Prometheus, one a day.
 *
 * Chunks are cut as Prometheus cuts them (collect.c).
 */
#include "postgres.h"

#include "store/export.h"

#include "pg/errmap.h"
#include "pg/time.h"
#include "store/backfill.h"
#include "store/collect.h"
#include "store/head.h"
#include "store/select.h"
#include "store/tsdb_files.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#define WRITER_MEMORY ((size_t) 1 << 30)

typedef struct Export
{
	TsdbWriter *writer;
	int64 mint, maxt;
	MemoryContext context;
	MemoryContext series; /* reset for each series */
	StoreCollect *collect;
} Export;

/* A call of the writer that fills write_err; what the writer keeps is the export's. */
#define WRITE(e, call)                                                                             \
	do                                                                                             \
	{                                                                                              \
		MemoryContext write_old = MemoryContextSwitchTo((e)->context);                             \
		Err write_err = ERR_INIT;                                                                  \
                                                                                                   \
		if (!(call))                                                                               \
			errmap_raise(&write_err);                                                              \
		MemoryContextSwitchTo(write_old);                                                          \
	} while (0)

/* The writer's memory is the export's. */
static void
put_chunk(void *arg, ChunkEncoding encoding, int64 mint, int64 maxt, const uint8 *data, Size len)
{
	Export *e = arg;

	WRITE(e, tsdb_writer_add_chunk(e->writer, encoding, mint, maxt, data, len, &write_err));
}

/* A series that has samples in the range. */
static int64
put_series(Export *e, StoreSelect *select, int i)
{
	MemoryContext old = MemoryContextSwitchTo(e->series);
	int64 n = 0;

	store_collect(e->collect, select, i);
	if (e->collect->to > e->collect->from || e->collect->nh > 0)
	{
		WRITE(e, tsdb_writer_add_series(e->writer, store_select_labels(select, i), &write_err));
		n = store_collect_chunks(e->collect, put_chunk, e);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(e->series);
	CHECK_FOR_INTERRUPTS();
	return n;
}

/* All series of the range; returns the number of samples. */
static int64
put_all(Export *e, TenantId tenant)
{
	StoreSelect *select = store_select_begin(tenant, NULL, 0, e->mint, e->maxt, true);
	int n = store_select_nseries(select);
	int64 samples = 0;

	for (int i = 0; i < n; i++)
		WRITE(e, tsdb_writer_add_symbols(e->writer, store_select_labels(select, i), &write_err));
	WRITE(e, tsdb_writer_begin(e->writer, &write_err));
	for (int i = 0; i < n; i++)
		samples += put_series(e, select, i);
	store_select_end(select);
	return samples;
}

int64
export_tsdb_day(TenantId tenant, const char *dir, int32 day, int64 mint, int64 maxt)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir export", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Export e = {.mint = Max(mint, (int64) day * HEAD_DAY_MS),
				.maxt = Min(maxt, ((int64) day + 1) * HEAD_DAY_MS - 1),
				.context = context};
	TsdbMeta meta = {.level = 1};
	TsdbWriterConfig config = {.write = tsdb_dir_write, .max_memory = WRITER_MEMORY};
	uint8 random[TSDB_ULID_RANDOM];
	int64 samples = 0;
	TsdbDir *out;

	if (!pg_strong_random(random, sizeof(random)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate a block id")));
	tsdb_ulid_make(time_now_ms(), random, &meta.ulid);
	e.series = AllocSetContextCreate(context, "mimir export series", ALLOCSET_DEFAULT_SIZES);
	e.collect = store_collect_begin(e.mint, e.maxt);
	out = tsdb_dir_create(dir, meta.ulid.text);
	PG_TRY();
	{
		config.arg = out;
		e.writer = tsdb_writer_create(&config);
		samples = put_all(&e, tenant);
		if (samples > 0)
			WRITE(&e, tsdb_writer_finish(e.writer, &meta, &write_err));
	}
	PG_CATCH();
	{
		tsdb_dir_abandon(out);
		PG_RE_THROW();
	}
	PG_END_TRY();
	tsdb_writer_free(e.writer);
	if (samples > 0)
		tsdb_dir_finish(out);
	else
		tsdb_dir_abandon(out);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return samples;
}

int64
export_tsdb(TenantId tenant, const char *dir, int64 mint, int64 maxt)
{
	int64 first;
	int64 last;
	int64 samples = 0;

	store_time_range(tenant, &first, &last);
	mint = Max(mint, first);
	maxt = Min(maxt, last);
	for (int32 day = maxt < mint ? 1 : backfill_day(mint);
		 maxt >= mint && day <= backfill_day(maxt); day++)
		samples += export_tsdb_day(tenant, dir, day, mint, maxt);
	return samples;
}
