/*
 * stat_head_sql.c
 *    What the head holds: mimir.head_state() for the server, mimir.head_tenants() per tenant.
 *
 * Both look at what is not in blocks yet, as a reader does: under a pin, chunks of generations from
 * the pin's border on.  A tenant's series are counted one by one, each under its stripe: 0.1 s for a
 * million, nobody waits.
 */
#include "postgres.h"

#include "fmgr.h"
#include "pg/export.h"
#include "pg/time.h"
#include "store/head.h"
#include "store/serving.h"
#include "tenancy/tenant.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

MIMIR_FUNCTION(mimir_head_state);
MIMIR_FUNCTION(mimir_head_tenants);

/*
 * mimir.head_state() -- one row, that of a head that is not ready too: ready, series, used_bytes,
 * limit_bytes, generation, flushed_generation, freed_generation, log_bytes, oldest_unflushed.
 */
Datum
mimir_head_state(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Datum values[9];
	bool nulls[9] = {0};
	uint64 log_bytes = 0;
	int64 oldest_ms = PG_INT64_MAX;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	LWLockAcquire(&head_index->lock, LW_SHARED);
	values[1] = Int64GetDatum(head_index->nseries);
	LWLockRelease(&head_index->lock);
	values[0] = BoolGetDatum(store_unready_reason() == NULL);
	values[2] = Int64GetDatum((int64) arena_used(head->arena));
	values[3] = Int64GetDatum((int64) arena_budget(head->arena));
	LWLockAcquire(&head->gen_lock, LW_SHARED);
	nulls[4] = nulls[5] = nulls[6] = nulls[7] = head->gen == 0;
	values[4] = Int64GetDatum(head->gen);
	values[5] = Int64GetDatum((int64) head->min_gen - 1);
	values[6] = Int64GetDatum((int64) head->free_gen - 1);
	for (uint32 gen = head->min_gen; gen <= head->gen && head->gen > 0; gen++)
	{
		uint64 bytes = pg_atomic_read_u64(&head_gen(gen)->log_bytes);

		log_bytes += bytes;
		if (bytes > 0)
			oldest_ms = Min(oldest_ms, head_gen(gen)->opened_ms);
	}
	values[7] = Int64GetDatum((int64) log_bytes);
	nulls[8] = oldest_ms == PG_INT64_MAX; /* nothing is to be flushed */
	values[8] = TimestampTzGetDatum(nulls[8] ? 0 : time_from_ms(oldest_ms));
	LWLockRelease(&head->gen_lock);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

typedef struct HeadCount
{
	int64 series, chunks, open_chunks, samples, bytes;
	int64 min_t, max_t; /* ms */
} HeadCount;

static void
count_chunk(HeadCount *c, const HeadChunk *chunk, int count, uint32 len, int64 max_t)
{
	c->chunks++;
	c->samples += count;
	c->bytes += len;
	c->min_t = Min(c->min_t, chunk->min_t);
	c->max_t = Max(c->max_t, max_t);
}

static void
count_series(HeadCount *c, SeriesRef ref, uint32 min_gen)
{
	HeadSeries *s = head_series(ref);
	LWLock *stripe = head_stripe(ref);

	LWLockAcquire(stripe, LW_SHARED);
	for (const HeadChunk *chunk = s->closed; chunk != NULL; chunk = chunk->next)
		if (chunk->gen >= min_gen)
			count_chunk(c, chunk, chunk->count, chunk->len, chunk->max_t);
	if (s->open && s->w.count > 0)
	{
		c->open_chunks++;
		count_chunk(c, s->open, s->w.count, chunk_xor_size(&s->w), s->w.t);
	}
	LWLockRelease(stripe);
	c->series++;
}

/* The pin keeps the series that were listed from going while they are counted. */
static bool
count_tenant(HeadCount *c, TenantId tenant, uint32 min_gen)
{
	SeriesRef *refs = NULL;
	uint32 n = 0;
	uint32 slot;

	memset(c, 0, sizeof(*c));
	c->min_t = PG_INT64_MAX;
	c->max_t = PG_INT64_MIN;
	LWLockAcquire(&head_index->lock, LW_SHARED);
	slot = index_find_tenant(tenant);
	if (slot != 0)
	{
		n = index_tenant(slot)->all.count;
		refs = palloc_extended(sizeof(SeriesRef) * (n + 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
		if (refs != NULL)
			postings_copy(&index_tenant(slot)->all, refs);
	}
	LWLockRelease(&head_index->lock);
	if (slot == 0)
		return false;
	if (refs == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	for (uint32 i = 0; i < n; i++)
	{
		count_series(c, refs[i], min_gen);
		CHECK_FOR_INTERRUPTS();
	}
	pfree(refs);
	return true;
}

/*
 * mimir.head_tenants() -- a row for each visible tenant that has something in the head: tenant,
 * series, chunks, open_chunks, samples, bytes, min_time, max_time.
 */
Datum
mimir_head_tenants(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsi = (ReturnSetInfo *) fcinfo->resultinfo;
	const TenantSet *visible = tenancy_visible();
	uint32 min_gen;

	store_need();
	InitMaterializedSRF(fcinfo, 0);
	if ((min_gen = head_pin()) == 0)
		store_need();
	PG_TRY();
	{
		for (int i = 0; i < visible->n; i++)
		{
			HeadCount c;
			Datum values[8];
			bool nulls[8] = {0};

			if (!count_tenant(&c, visible->tenants[i]->id, min_gen))
				continue;
			values[0] = CStringGetTextDatum(visible->tenants[i]->name);
			values[1] = Int64GetDatum(c.series);
			values[2] = Int64GetDatum(c.chunks);
			values[3] = Int64GetDatum(c.open_chunks);
			values[4] = Int64GetDatum(c.samples);
			values[5] = Int64GetDatum(c.bytes);
			nulls[6] = nulls[7] = c.chunks == 0;
			values[6] = TimestampTzGetDatum(nulls[6] ? 0 : time_from_ms(c.min_t));
			values[7] = TimestampTzGetDatum(nulls[7] ? 0 : time_from_ms(c.max_t));
			tuplestore_putvalues(rsi->setResult, rsi->setDesc, values, nulls);
		}
	}
	PG_FINALLY();
	{
		head_unpin();
	}
	PG_END_TRY();
	PG_RETURN_NULL();
}
