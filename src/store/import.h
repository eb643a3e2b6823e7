/*
 * import.h
 *    Samples from elsewhere, to blocks: TSDB blocks of Prometheus, text.
 */
#ifndef MIMIR_STORE_IMPORT_H
#define MIMIR_STORE_IMPORT_H

#include "postgres.h"

#include "tenancy/tenant.h"

/*
 * import_tsdb_block -- all samples of a block directory, less what its tombstones delete.  Returns
 * their number, or -1 if the tenant has had the block already.  All in the caller's transaction.
 */
extern int64 import_tsdb_block(TenantId tenant, const char *dir);

/* import_openmetrics -- samples of a text, all with timestamps; returns their number. */
extern int64 import_openmetrics(TenantId tenant, const char *text, Size len);

#endif
