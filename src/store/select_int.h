/*
 * select_int.h
 *    What listing.c sees of a select beyond select.h.
 */
#ifndef MIMIR_STORE_SELECT_INT_H
#define MIMIR_STORE_SELECT_INT_H

#include "index/index.h"
#include "store/select.h"

/* store_select_ref -- the series' reference in the head, valid until the end; 0: not there. */
extern SeriesRef store_select_ref(StoreSelect *s, int i);

/*
 * store_pin -- pin the head until the context is reset or deleted; returns the oldest generation
 * to be read in the head.  ereports why not if the head is not ready.
 */
extern uint32 store_pin(MemoryContext context);

/* store_cold_series -- label sets of all cold series in the range; palloc'd. */
extern int store_cold_series(TenantId tenant, int64 mint, int64 maxt, Labels **out);

#endif
