/*
 * tenant_int.h
 *    What the files of this folder share.
 */
#ifndef MIMIR_TENANCY_TENANT_INT_H
#define MIMIR_TENANCY_TENANT_INT_H

#include "postgres.h"

#include "miscadmin.h"
#include "storage/proc.h"
#include "tenancy/tenant.h"

extern uint64 tenant_changes; /* raised at each change of tenants, members or limits */

extern void tenant_cache_init(void);
extern const Tenant *tenant_by_name(const char *name); /* NULL if none */
extern const Tenant *tenant_create(const char *name);  /* in the current transaction */

#endif
