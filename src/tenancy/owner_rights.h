/*
 * owner_rights.h
 *    Reading the tables of tenants whatever the caller may read.
 */
#ifndef MIMIR_TENANCY_OWNER_RIGHTS_H
#define MIMIR_TENANCY_OWNER_RIGHTS_H

#include "postgres.h"

typedef struct OwnerRights
{
	Oid user;
	int sec;
	int guc_level;
} OwnerRights;

/*
 * owner_rights_begin -- act as the bootstrap superuser until owner_rights_end; an error ends it
 * too.  The search path is pinned: an operator or a cast in our SQL text must never be found in a
 * schema of the caller, whose function would run with these rights.
 */
extern void owner_rights_begin(OwnerRights *saved);
extern void owner_rights_end(const OwnerRights *saved);

#endif
