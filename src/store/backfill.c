/*
 * backfill.c
 *    Blocks made from what is imported.
 *
 * Series get ids of their own: an id means one label set for ever, but not the other way round, and
 * readers join ids by labels.
 */
#include "postgres.h"

#include "store/backfill.h"

#include "store/block_table.h"
#include "store/head.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/memutils.h"

struct Backfill
{
	int32 day;
	TenantId tenant;
	BlockWriter *writer;
	int part; /* open; a full one ends and the next begins */
	uint32 in_part;
};

int32
backfill_day(int64 t)
{
	return (int32) (t >= 0 ? t / HEAD_DAY_MS : -((-t + HEAD_DAY_MS - 1) / HEAD_DAY_MS));
}

static int64
next_series_id(void)
{
	uint64 id;

	LWLockAcquire(&head_index->lock, LW_EXCLUSIVE);
	id = pg_atomic_read_u64(&head->next_series_id);
	if (id < pg_atomic_read_u64(&head->series_id_limit))
		pg_atomic_write_u64(&head->next_series_id, id + 1);
	else
		id = 0;
	LWLockRelease(&head_index->lock);
	if (id == 0)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the series ids of this start of the server are used up"),
						errhint("Restart the server.")));
	return (int64) id;
}

Backfill *
backfill_begin(TenantId tenant, int32 day)
{
	Backfill *b = palloc0(sizeof(Backfill));

	b->day = day;
	b->tenant = tenant;
	b->writer = block_writer_begin(block_next_id());
	block_writer_begin_part(b->writer, tenant, 0);
	return b;
}

void
backfill_add(Backfill *b, Labels labels, const SampleRun *floats, const StoreChunk *histograms,
			 int nhistograms)
{
	if (floats->n == 0 && nhistograms == 0)
		return;
	if (b->in_part == BLOCK_MAX_PART_SERIES)
	{
		block_writer_end_part(b->writer);
		block_writer_begin_part(b->writer, b->tenant, ++b->part);
		b->in_part = 0;
	}
	block_writer_add(b->writer, next_series_id(), labels, floats, histograms, nhistograms);
	b->in_part++;
	CHECK_FOR_INTERRUPTS();
}

int64
backfill_end(Backfill *b)
{
	BlockTotals totals;

	block_writer_end_part(b->writer);
	totals = block_writer_end(b->writer, b->day, 0, 0);
	pfree(b);
	return totals.samples;
}
