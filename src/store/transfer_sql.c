/*
 * transfer_sql.c
 *    SQL functions that move samples in and out: TSDB blocks, text.
 */
#include "postgres.h"

#include "fmgr.h"
#include "pg/export.h"
#include "pg/time.h"
#include "store/export.h"
#include "store/serving.h"
#include "store/import.h"
#include "store/tsdb_files.h"
#include "tenancy/owner_rights.h"
#include "tenancy/tenant.h"

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

MIMIR_FUNCTION(mimir_export_tsdb);
MIMIR_FUNCTION(mimir_import_openmetrics);
MIMIR_FUNCTION(mimir_import_tsdb);

static void
need_store(const char *function)
{
	PreventCommandIfReadOnly(function);
	PreventCommandDuringRecovery(function);
	store_need();
}

/* Files of the server may be reached by few. */
static void
need_role(Oid role, const char *name)
{
	if (!has_privs_of_role(GetUserId(), role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for files of the server"),
				 errdetail("Only roles with privileges of the \"%s\" role may name them.", name)));
}

/*
 * mimir.import_tsdb(path) -- import a block directory of a Prometheus TSDB, or all blocks of a data
 * directory that the tenant has not had; returns the number of samples.
 */
Datum
mimir_import_tsdb(PG_FUNCTION_ARGS)
{
	char *path = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const Tenant *tenant;
	OwnerRights rights;
	char **blocks;
	int64 samples = 0;
	int n;

	need_store("mimir.import_tsdb()");
	need_role(ROLE_PG_READ_SERVER_FILES, "pg_read_server_files");
	tenant = tenancy_writable();
	n = tsdb_files_blocks(path, &blocks);
	if (n == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FILE),
						errmsg("directory \"%s\" has no TSDB block", path)));
	owner_rights_begin(&rights);
	for (int i = 0; i < n; i++)
	{
		int64 got = import_tsdb_block(tenant->id, blocks[i]);

		if (got < 0)
			ereport(NOTICE, (errmsg("block \"%s\" was imported before, skipping", blocks[i])));
		else
			samples += got;
	}
	owner_rights_end(&rights);
	PG_RETURN_INT64(samples);
}

/* mimir.import_openmetrics(text) -- see import_openmetrics. */
Datum
mimir_import_openmetrics(PG_FUNCTION_ARGS)
{
	text *t = PG_GETARG_TEXT_PP(0);
	const Tenant *tenant;
	OwnerRights rights;
	int64 samples;

	need_store("mimir.import_openmetrics()");
	tenant = tenancy_writable();
	owner_rights_begin(&rights);
	samples = import_openmetrics(tenant->id, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
	owner_rights_end(&rights);
	PG_RETURN_INT64(samples);
}

/* mimir.export_tsdb(path, tenant, from, to) -- see export_tsdb; to is not included. */
Datum
mimir_export_tsdb(PG_FUNCTION_ARGS)
{
	char *path = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	int64 mint = time_to_ms(PG_GETARG_TIMESTAMPTZ(2));
	int64 maxt = time_to_ms(PG_GETARG_TIMESTAMPTZ(3));
	const TenantSet *visible = tenancy_visible();
	const Tenant *tenant = NULL;
	OwnerRights rights;
	int64 samples;

	store_need();
	need_role(ROLE_PG_WRITE_SERVER_FILES, "pg_write_server_files");
	for (int i = 0; i < visible->n; i++)
		if (strcmp(visible->tenants[i]->name, name) == 0)
			tenant = visible->tenants[i];
	if (tenant == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("tenant \"%s\" does not exist", name)));
	owner_rights_begin(&rights);
	samples = export_tsdb(tenant->id, path, mint, maxt == PG_INT64_MAX ? maxt : maxt - 1);
	owner_rights_end(&rights);
	PG_RETURN_INT64(samples);
}
