/*
 * version.c
 *    Is the extension in this database of the library's version?
 */
#include "postgres.h"

#include "tables/version.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

char *
tables_version(Oid *oid)
{
	Relation rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	char *version = NULL;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("mimir_pg"));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool isnull;

		*oid = ((Form_pg_extension) GETSTRUCT(tuple))->oid;
		version = TextDatumGetCString(
			heap_getattr(tuple, Anum_pg_extension_extversion, RelationGetDescr(rel), &isnull));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return version;
}

const char *
tables_other_version(void)
{
	Oid oid;
	char *version = tables_version(&oid);

	if (version == NULL || strcmp(version, MIMIR_VERSION) == 0)
		return NULL;
	return psprintf("extension mimir_pg has version %s, its library version " MIMIR_VERSION
					": run ALTER EXTENSION mimir_pg UPDATE",
					version);
}

void
tables_need_version(void)
{
	const char *other = tables_other_version();

	if (other != NULL)
		ereport(ERROR, (errcode(ERRCODE_CANNOT_CONNECT_NOW), errmsg("%s", other)));
}
