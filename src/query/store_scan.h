/*
 * store_scan.h
 *    Samples, series, chunks and label values in FROM as plan nodes that take over conditions.
 *
 * store_path.c plans them, store_scan.c runs them, store_cond.c says which conditions they take.
 */
#ifndef MIMIR_QUERY_STORE_SCAN_H
#define MIMIR_QUERY_STORE_SCAN_H

#include "postgres.h"

#include "query/store_rows.h"

#include "nodes/extensible.h"

extern void store_path_init(void); /* from _PG_init */

/* store_scan_methods -- of the node of a kind. */
extern const CustomScanMethods *store_scan_methods(StoreRowsKind kind);

/*
 * custom_private of the plan node: a list of the integers below, then a list for each condition
 * (query/store_cond.h).  custom_exprs: the function's arguments, the expressions of the conditions,
 * the filter of groups.
 */
typedef enum StoreScanPrivate
{
	STORE_SCAN_KIND,	/* StoreRowsKind */
	STORE_SCAN_FUNCID,	/* OID of the function, for its privileges */
	STORE_SCAN_COLUMNS, /* bit c: column c is looked at */
	STORE_SCAN_NEXPRS,	/* expressions of the conditions */
} StoreScanPrivate;

#endif
