/*
 * relation.c
 *    From the name of one of our tables to its OID, by the system caches: they follow
 *    DROP and CREATE EXTENSION by themselves.
 */
#include "postgres.h"

#include "tables/relation.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "utils/lsyscache.h"

Oid
tables_schema(void)
{
	return get_namespace_oid("mimir", true);
}

Oid
tables_relid_missing_ok(const char *name)
{
	Oid schema = tables_schema();

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

Oid
tables_relid(const char *name)
{
	Oid relid = tables_relid_missing_ok(name);

	if (!OidIsValid(relid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation \"mimir.%s\" does not exist", name),
						errhint("Run CREATE EXTENSION mimir_pg in this database.")));
	return relid;
}

Relation
tables_open(const char *name, LOCKMODE lockmode)
{
	return table_open(tables_relid(name), lockmode);
}

Oid
tables_index(const char *name)
{
	return tables_relid(name);
}
