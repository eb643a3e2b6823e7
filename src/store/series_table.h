/*
 * series_table.h
 *    mimir.series_active: the durable list of the head's series.
 */
#ifndef MIMIR_STORE_SERIES_TABLE_H
#define MIMIR_STORE_SERIES_TABLE_H

#include "postgres.h"

#include "index/index.h"

/* series_table_register -- insert rows for series of the head; needs a transaction. */
extern void series_table_register(const SeriesRef *refs, int n);

#endif
