/*
 * tenant.c
 *    The process' cache of tenants and their limits.
 *
 * Entries live in a context that is dropped as a whole when mimir.tenant, mimir.tenant_limits or
 * mimir.tenant_member change: statement triggers on them send a relcache invalidation of
 * mimir.tenant, which reaches every process before its next transaction looks; so does a reload of
 * the configuration, whose settings are the default limits.  A Tenant handed out stays valid until the end of the transaction: the context is dropped only at the next
 * look-up of a later one.
 */
#include "postgres.h"

#include "tenancy/tenant_int.h"

#include "pg/compat.h"
#include "pg/guc.h"
#include "tables/relation.h"
#include "tables/version.h"
#include "tenancy/owner_rights.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

typedef struct NameEntry
{
	char name[TENANT_NAME_MAX + 1]; /* hash key */
	Tenant tenant;
} NameEntry;

typedef struct IdEntry
{
	TenantId id; /* hash key */
	const Tenant *tenant;
} IdEntry;

static MemoryContext cache_context;
static HTAB *by_name;
static HTAB *by_id;
static bool stale = true;
static Oid tenant_relid;		   /* mimir.tenant's, when the cache was built */
static LocalTransactionId used_in; /* transaction that looked last */
static TimestampTz settings_of;	   /* configuration load whose limits the cache holds */
uint64 tenant_changes;

static void
on_relcache(Datum arg, Oid relid)
{
	if (OidIsValid(relid) && relid != tenant_relid)
		return;
	stale = true;
	tenant_changes++;
}

void
tenant_cache_init(void)
{
	static bool registered = false;

	if (!registered)
		CacheRegisterRelcacheCallback(on_relcache, (Datum) 0);
	registered = true;
}

static void
refresh(void)
{
	HASHCTL names = {.keysize = TENANT_NAME_MAX + 1, .entrysize = sizeof(NameEntry)};
	HASHCTL ids = {.keysize = sizeof(TenantId), .entrysize = sizeof(IdEntry)};

	bool handed_out = cache_context != NULL && used_in == compat_my_lxid();

	tenant_cache_init();
	used_in = compat_my_lxid();
	if (settings_of != PgReloadTime)
		stale = true;
	/* within a transaction what was handed out must stay */
	if (!stale || handed_out)
		return;
	tables_need_version();
	if (cache_context)
		MemoryContextDelete(cache_context);
	cache_context =
		AllocSetContextCreate(TopMemoryContext, "mimir tenants", ALLOCSET_DEFAULT_SIZES);
	names.hcxt = ids.hcxt = cache_context;
	by_name =
		hash_create("mimir tenants by name", 64, &names, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	by_id = hash_create("mimir tenants by id", 64, &ids, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	settings_of = PgReloadTime;
	stale = false;
	tenant_relid = tables_relid("tenant");
}

static void
default_limits(TenantLimits *l)
{
	*l = (TenantLimits){
		.max_label_names_per_series = mimir_limits_max_label_names_per_series,
		.max_label_name_length = mimir_limits_max_label_name_length,
		.max_label_value_length = mimir_limits_max_label_value_length,
		.max_series = mimir_limits_max_global_series_per_user,
		.creation_grace_period_ms = (int64) mimir_limits_creation_grace_period * 1000,
		.out_of_order_window_ms = (int64) mimir_limits_out_of_order_time_window * 1000,
		.past_grace_period_ms = (int64) mimir_limits_past_grace_period * 1000,
		.max_native_histogram_buckets = mimir_limits_max_native_histogram_buckets,
		.ingestion_rate = mimir_limits_ingestion_rate,
		.ingestion_burst_size = mimir_limits_ingestion_burst_size,
		.native_histograms = mimir_limits_native_histograms_ingestion_enabled,
		.utf8_names = mimir_limits_utf8_names,
		.blocks_retention_ms = (int64) mimir_limits_compactor_blocks_retention_period * 60000,
		.block_upload = mimir_limits_compactor_block_upload_enabled,
		.block_upload_max_bytes = (int64) mimir_limits_compactor_block_upload_max_block_size * 1024,
	};
}

typedef struct LimitReader
{
	HeapTuple tuple;
	TupleDesc desc;
	int col;
} LimitReader;

static bool
next_limit(LimitReader *r, Datum *d)
{
	bool isnull;

	*d = SPI_getbinval(r->tuple, r->desc, r->col++, &isnull);
	return !isnull;
}

static int64
next_int8(LimitReader *r, int64 def, int64 unit)
{
	Datum d;

	return next_limit(r, &d) ? DatumGetInt64(d) * unit : def;
}

static bool
next_bool(LimitReader *r, bool def)
{
	Datum d;

	return next_limit(r, &d) ? DatumGetBool(d) : def;
}

/* The columns in the order of the query below. */
static void
read_limits(TenantLimits *l, LimitReader r)
{
	Datum d;

	l->max_label_names_per_series = next_int8(&r, l->max_label_names_per_series, 1);
	l->max_label_name_length = next_int8(&r, l->max_label_name_length, 1);
	l->max_label_value_length = next_int8(&r, l->max_label_value_length, 1);
	l->max_series = next_int8(&r, l->max_series, 1);
	l->creation_grace_period_ms = next_int8(&r, l->creation_grace_period_ms, 1000);
	l->out_of_order_window_ms = next_int8(&r, l->out_of_order_window_ms, 1000);
	l->past_grace_period_ms = next_int8(&r, l->past_grace_period_ms, 1000);
	l->max_native_histogram_buckets = next_int8(&r, l->max_native_histogram_buckets, 1);
	if (next_limit(&r, &d))
		l->ingestion_rate = DatumGetFloat8(d);
	l->ingestion_burst_size = next_int8(&r, l->ingestion_burst_size, 1);
	l->native_histograms = next_bool(&r, l->native_histograms);
	l->utf8_names = next_bool(&r, l->utf8_names);
	l->max_query_samples = next_int8(&r, 0, 1);
	l->max_query_memory_bytes = next_int8(&r, 0, 1);
	l->blocks_retention_ms = next_int8(&r, l->blocks_retention_ms, 1000);
	l->block_upload = next_bool(&r, l->block_upload);
	l->block_upload_max_bytes = next_int8(&r, l->block_upload_max_bytes, 1);
}

static const char tenant_sql[] =
	"SELECT t.tenant_id, t.name, l.max_label_names_per_series::int8, l.max_label_name_length::int8,"
	" l.max_label_value_length::int8, l.max_global_series_per_user,"
	" extract(epoch FROM l.creation_grace_period)::int8,"
	" extract(epoch FROM l.out_of_order_time_window)::int8,"
	" extract(epoch FROM l.past_grace_period)::int8, l.max_native_histogram_buckets::int8,"
	" l.ingestion_rate, l.ingestion_burst_size::int8, l.native_histograms_ingestion_enabled,"
	" l.utf8_names, l.max_query_samples, l.max_query_memory_bytes,"
	" extract(epoch FROM l.compactor_blocks_retention_period)::int8,"
	" l.compactor_block_upload_enabled, l.compactor_block_upload_max_block_size_bytes"
	" FROM mimir.tenant t LEFT JOIN mimir.tenant_limits l USING (tenant_id) WHERE ";

static const Tenant *
load(const char *where, Oid type, Datum value)
{
	char *sql = psprintf("%s%s", tenant_sql, where);
	const Tenant *found = NULL;
	OwnerRights rights;

	owner_rights_begin(&rights);
	SPI_connect();
	/* not read-only: a tenant that this transaction created is to be seen */
	if (SPI_execute_with_args(sql, 1, &type, &value, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read mimir.tenant");
	if (SPI_processed == 1)
	{
		LimitReader r = {SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3};
		const char *name = SPI_getvalue(r.tuple, r.desc, 2);
		char key[TENANT_NAME_MAX + 1] = {0};
		NameEntry *e;
		IdEntry *by;
		bool isnull;

		strlcpy(key, name, sizeof(key));
		e = hash_search(by_name, key, HASH_ENTER, NULL);
		e->tenant.id = (TenantId) DatumGetInt32(SPI_getbinval(r.tuple, r.desc, 1, &isnull));
		strlcpy(e->tenant.name, key, sizeof(e->tenant.name));
		default_limits(&e->tenant.limits);
		read_limits(&e->tenant.limits, r);
		by = hash_search(by_id, &e->tenant.id, HASH_ENTER, NULL);
		by->tenant = &e->tenant;
		found = &e->tenant;
	}
	SPI_finish();
	owner_rights_end(&rights);
	return found;
}

const Tenant *
tenant_by_name(const char *name)
{
	char key[TENANT_NAME_MAX + 1] = {0};
	NameEntry *e;

	refresh();
	strlcpy(key, name, sizeof(key));
	e = hash_search(by_name, key, HASH_FIND, NULL);
	if (e != NULL)
		return &e->tenant;
	return load("t.name = $1", TEXTOID, CStringGetTextDatum(key));
}

const Tenant *
tenancy_by_id(TenantId id)
{
	IdEntry *e;

	refresh();
	e = hash_search(by_id, &id, HASH_FIND, NULL);
	if (e != NULL)
		return e->tenant;
	return load("t.tenant_id = $1", INT4OID, Int32GetDatum((int32) id));
}

const Tenant *
tenant_create(const char *name)
{
	Oid type = TEXTOID;
	Datum value = CStringGetTextDatum(name);

	SPI_connect();
	if (SPI_execute_with_args("INSERT INTO mimir.tenant (name) VALUES ($1) ON CONFLICT DO NOTHING",
							  1, &type, &value, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not insert into mimir.tenant");
	SPI_finish();
	CommandCounterIncrement();
	return tenant_by_name(name);
}
