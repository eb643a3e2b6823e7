/*
 * export.h
 *    Samples to TSDB blocks of Prometheus.
 */
#ifndef MIMIR_STORE_EXPORT_H
#define MIMIR_STORE_EXPORT_H

#include "postgres.h"

#include "tenancy/tenant.h"

/*
 * export_tsdb -- write a tenant's samples in [mint, maxt] (ms) as block directories under dir, one a
 * day; returns their number.  Ereports if a file cannot be written; days that were finished stay.
 */
extern int64 export_tsdb(TenantId tenant, const char *dir, int64 mint, int64 maxt);
extern int64 export_tsdb_day(TenantId tenant, const char *dir, int32 day, int64 mint, int64 maxt);

#endif
