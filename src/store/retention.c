/*
 * retention.c
 *    How far back a tenant's samples are kept (compactor_blocks_retention_period).
 *
 * Readers never look behind the cutoff, so what has expired is gone at once and exactly.  Space
 * comes back when a part of a compacted block has expired as a whole: its row is removed, and the
 * block's table is dropped when no tenant has a part left.  While others have, the tenant's pages
 * are deleted and left to vacuum.
 */
#include "postgres.h"

#include "store/retention.h"

#include "pg/time.h"
#include "tables/relation.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

int64
retention_cutoff(TenantId tenant)
{
	const Tenant *t = tenancy_by_id(tenant);

	if (t == NULL || t->limits.blocks_retention_ms <= 0)
		return PG_INT64_MIN;
	return time_now_ms() - t->limits.blocks_retention_ms;
}

typedef struct ExpiredPart
{
	int64 block_id;
	int32 tenant;
	int32 part;
} ExpiredPart;

static int
expired_parts(ExpiredPart **out)
{
	MemoryContext context = CurrentMemoryContext;
	int n = 0;

	SPI_connect();
	if (SPI_execute("SELECT block_id, tenant_id, part, max_time FROM mimir.block_tenant"
					" ORDER BY block_id, tenant_id, part",
					true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not list parts of blocks");
	*out = MemoryContextAlloc(context, sizeof(ExpiredPart) * (SPI_processed + 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		bool isnull;
		int32 tenant = DatumGetInt32(SPI_getbinval(row, desc, 2, &isnull));

		if (DatumGetInt64(SPI_getbinval(row, desc, 4, &isnull)) >=
			retention_cutoff((TenantId) tenant))
			continue;
		(*out)[n++] = (ExpiredPart){DatumGetInt64(SPI_getbinval(row, desc, 1, &isnull)), tenant,
									DatumGetInt32(SPI_getbinval(row, desc, 3, &isnull))};
	}
	SPI_finish();
	return n;
}

static void
execute(const char *sql)
{
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
}

static void
remove_part(const ExpiredPart *p)
{
	SPI_connect();
	execute(psprintf("DELETE FROM mimir.block_tenant WHERE block_id = %lld AND tenant_id = %d"
					 " AND part = %d",
					 (long long) p->block_id, p->tenant, p->part));
	execute(psprintf("DELETE FROM mimir.block b WHERE level = 2 AND block_id = %lld AND NOT EXISTS"
					 " (SELECT FROM mimir.block_tenant t WHERE t.block_id = b.block_id)",
					 (long long) p->block_id));
	if (SPI_processed == 0)
	{
		/* others still have parts: the pages of this one go by themselves */
		execute("SET LOCAL lock_timeout = '200ms'");
		execute(psprintf("ALTER TABLE mimir.block_%lld RESET (autovacuum_enabled)",
						 (long long) p->block_id));
		execute(psprintf("DELETE FROM mimir.block_%lld WHERE tenant_id = %d AND page >> 40 = %d",
						 (long long) p->block_id, p->tenant, p->part));
	}
	SPI_finish();
}

void
retention_apply(void)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir retention", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ExpiredPart *parts;
	int n;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(context);
	n = expired_parts(&parts);
	PopActiveSnapshot();
	CommitTransactionCommand();
	for (int i = 0; i < n; i++)
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		remove_part(&parts[i]);
		PopActiveSnapshot();
		CommitTransactionCommand();
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
