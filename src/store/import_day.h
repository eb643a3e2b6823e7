/*
 * import_day.h
 *    Series of one day that come as chunks of Prometheus, to a block of that day.
 *
 *    import_day_begin, then for each series, in label order:
 *        import_day_begin_series, import_day_chunk..., import_day_end_series
 *    then import_day_end
 */
#ifndef MIMIR_STORE_IMPORT_DAY_H
#define MIMIR_STORE_IMPORT_DAY_H

#include "postgres.h"

#include "codec/chunk.h"
#include "model/labels.h"
#include "tenancy/tenant.h"
#include "wire/tsdb_tombstones.h"

typedef struct ImportDay ImportDay;

/* import_day_begin -- samples outside of the day and of [mint, maxt] (ms) will be left out. */
extern ImportDay *import_day_begin(TenantId tenant, int32 day, int64 mint, int64 maxt);

/* import_day_begin_series -- deleted times, which live until the series ends, are left out too. */
extern void import_day_begin_series(ImportDay *d, const TsdbTombstone *deleted, int n_deleted);

/* import_day_chunk -- chunks may overlap and come in any order; ereports if the bytes are no chunk. */
extern void import_day_chunk(ImportDay *d, ChunkEncoding encoding, const uint8 *data, Size len);
extern void import_day_end_series(ImportDay *d, Labels labels);

/* import_day_end -- the block is there when the transaction commits; returns its samples. */
extern int64 import_day_end(ImportDay *d);

#endif
