/*
 * store_rows_int.h
 *    The kinds of rows to their frame.
 */
#ifndef MIMIR_QUERY_STORE_ROWS_INT_H
#define MIMIR_QUERY_STORE_ROWS_INT_H

#include "query/store_rows.h"

/* One tenant's part of a scan; each kind has a struct that begins with this. */
typedef struct StoreRowsPart StoreRowsPart;

typedef struct StoreRowsMethods
{
	/* opens a tenant's part; memory of the caller's context, reset with the part */
	StoreRowsPart *(*open)(StoreRows *r, const Tenant *tenant);
	/* next group and its columns, except the tenant; false: there is none */
	bool (*next_group)(StoreRows *r, StoreRowsPart *part, Datum *values, bool *nulls);
	bool (*next)(StoreRows *r, StoreRowsPart *part, Datum *values, bool *nulls);
	void (*close)(StoreRows *r, StoreRowsPart *part);
} StoreRowsMethods;

struct StoreRows
{
	StoreRowsKind kind;
	const StoreRowsMethods *methods;
	StoreFilter filter;
	uint32 columns;
	MemoryContext context;
	MemoryContext part_context;	 /* reset for each tenant */
	MemoryContext group_context; /* reset for each group */
	int next_tenant;
	const Tenant *tenant; /* of part */
	StoreRowsPart *part;  /* NULL: none open */
	StoreRowsStats stats;
};

static inline bool
store_rows_wants(const StoreRows *r, int column)
{
	return (r->columns & 1u << column) != 0;
}

/* store_rows_corrupt -- ereports what is wrong with stored bytes of a series. */
extern void store_rows_corrupt(const StoreRows *r, Labels ls, const Err *err)
	__attribute__((noreturn));

extern const StoreRowsMethods store_rows_samples;	   /* rows_samples.c */
extern const StoreRowsMethods store_rows_series;	   /* rows_listing.c */
extern const StoreRowsMethods store_rows_label_values; /* rows_listing.c */
extern const StoreRowsMethods store_rows_chunks;	   /* rows_chunks.c */

#endif
