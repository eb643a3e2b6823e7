/*
 * serving.c
 *    Whose samples the head holds: one database, and in it one CREATE EXTENSION.
 *
 * The tables that the head was recovered from are told by the OID of mimir.generation, which no
 * two CREATE EXTENSION share.  After DROP and CREATE EXTENSION the head still holds the old
 * extension's series until the flusher has noticed; who is about to write or to read looks here
 * first.  Who writes looks again once it has a lock on one of the tables: from then on the
 * extension cannot be dropped before its commit.
 */
#include "postgres.h"

#include "store/serving.h"

#include "pg/guc.h"
#include "store/head.h"
#include "tables/relation.h"
#include "tables/version.h"

#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "storage/lmgr.h"

bool
store_is_ready(void)
{
	return head != NULL && pg_atomic_read_u32(&head->ready) != 0;
}

Oid
store_installed_extension(void)
{
	Oid oid;
	char *version = tables_version(&oid);

	return version != NULL && strcmp(version, MIMIR_VERSION) == 0 ? oid : InvalidOid;
}

/* Why the head is not ready in a server that could have it so. */
static const char *
starting_reason(void)
{
	const char *other = tables_other_version();

	if (other != NULL)
		return other;
	return pg_atomic_read_u32(&head->recovery_failed)
			   ? "the head could not be recovered; the server log tells why"
			   : "starting: the head is being recovered";
}

const char *
store_unready_reason(void)
{
	const char *database = get_database_name(MyDatabaseId);

	if (database == NULL || strcmp(database, mimir_database) != 0)
		return psprintf("mimir_pg serves database \"%s\", not this one", mimir_database);
	if (!OidIsValid(tables_relid_missing_ok("generation")))
		return psprintf("extension mimir_pg is not installed in database \"%s\"", mimir_database);
	if (!store_is_ready() && RecoveryInProgress())
		return "server is a standby in recovery, whose head is not ready yet";
	if (!store_is_ready())
		return starting_reason();
	if (head->extension != tables_relid_missing_ok("generation"))
		return "the extension was created anew: the head is being recovered";
	return NULL;
}

void
store_need(void)
{
	const char *reason = store_unready_reason();

	if (reason != NULL)
		ereport(ERROR, (errcode(ERRCODE_CANNOT_CONNECT_NOW), errmsg("%s", reason)));
}

void
store_check_extension(void)
{
	if (head->extension != tables_relid_missing_ok("generation"))
		ereport(ERROR, (errcode(ERRCODE_CANNOT_CONNECT_NOW),
						errmsg("the extension was dropped or created anew")));
}

Oid
store_lock_extension(void)
{
	Oid relid = tables_relid("generation");

	LockRelationOid(relid, AccessShareLock);
	return tables_relid("generation");
}
