/*
 * retention.h
 *    How far back a tenant's samples are kept.
 */
#ifndef MIMIR_STORE_RETENTION_H
#define MIMIR_STORE_RETENTION_H

#include "postgres.h"

#include "tenancy/tenant.h"

/* retention_cutoff -- samples before this time (ms) are gone; PG_INT64_MIN: none are. */
extern int64 retention_cutoff(TenantId tenant);

/* retention_apply -- take what has expired out of compacted blocks; called by the compactor. */
extern void retention_apply(void);

#endif
