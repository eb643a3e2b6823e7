/*
 * owner_rights.c
 *    Reading the tables of tenants whatever the caller may read.
 */
#include "postgres.h"

#include "tenancy/owner_rights.h"

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/guc.h"

void
owner_rights_begin(OwnerRights *saved)
{
	GetUserIdAndSecContext(&saved->user, &saved->sec);
	saved->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, saved->sec | SECURITY_LOCAL_USERID_CHANGE |
													  SECURITY_RESTRICTED_OPERATION);
}

void
owner_rights_end(const OwnerRights *saved)
{
	AtEOXact_GUC(true, saved->guc_level);
	SetUserIdAndSecContext(saved->user, saved->sec);
}
