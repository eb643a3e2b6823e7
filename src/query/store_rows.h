/*
 * store_rows.h
 *    What the store holds, as rows: samples, series, chunks, label values.
 *
 * Rows come in groups: the samples or chunks of one series, the values of one label.  Some columns
 * belong to the group, so whoever filters by them can drop a group before anything of it is read.
 * SQL functions put the rows into a tuple store, the plan node (store_scan.c) hands them on.
 */
#ifndef MIMIR_QUERY_STORE_ROWS_H
#define MIMIR_QUERY_STORE_ROWS_H

#include "postgres.h"

#include "model/matcher.h"
#include "tenancy/tenant.h"

typedef enum StoreRowsKind
{
	STORE_ROWS_SAMPLES,		 /* mimir.samples() */
	STORE_ROWS_SERIES,		 /* mimir.list_series() */
	STORE_ROWS_CHUNKS,		 /* mimir.chunks() */
	STORE_ROWS_LABEL_VALUES, /* mimir.list_label_values() */
	STORE_ROWS_NKINDS,
	STORE_ROWS_NONE = STORE_ROWS_NKINDS
} StoreRowsKind;

/* What a condition on a column can tell the scan. */
typedef enum StoreColumnRole
{
	STORE_COLUMN_PLAIN, /* nothing */
	STORE_COLUMN_TENANT,
	STORE_COLUMN_METRIC,
	STORE_COLUMN_LABELS,	/* jsonb or mimir.labels */
	STORE_COLUMN_TIME,		/* of a sample, or the first or last one of a chunk */
	STORE_COLUMN_LABEL_NAME /* the label whose values are listed */
} StoreColumnRole;

typedef struct StoreColumn
{
	StoreColumnRole role;
	bool of_group;
} StoreColumn;

#define STORE_ROWS_MAX_COLUMNS 9
#define STORE_ROWS_MAX_ARGS	   3

typedef struct StoreRowsInfo
{
	const char *function; /* in schema mimir */
	int nargs;			  /* 0, or selector, from, to */
	int ncolumns;
	StoreColumn columns[STORE_ROWS_MAX_COLUMNS];
} StoreRowsInfo;

extern const StoreRowsInfo *store_rows_info(StoreRowsKind kind);
extern StoreRowsKind store_rows_kind(Oid funcid, int nargs); /* STORE_ROWS_NONE: not one of ours */

/* What to read.  All views; they must live as long as the rows. */
typedef struct StoreFilter
{
	int ntenants;
	Tenant **tenants;
	int nmatchers;
	Matcher *matchers;
	int64 mint, maxt;	/* ms, inclusive */
	StrView label_name; /* s NULL: all labels */
	bool nothing;		/* conditions contradict each other */
} StoreFilter;

/* store_filter_init -- everything that the current role sees. */
extern void store_filter_init(StoreFilter *f);

/* store_filter_args -- the arguments of a call, none null; ereports if they are wrong. */
extern void store_filter_args(StoreFilter *f, StoreRowsKind kind, const Datum *args);

/* store_filter_add -- one more matcher. */
extern void store_filter_add(StoreFilter *f, const Matcher *m);

typedef struct StoreRows StoreRows;

typedef struct StoreRowsStats
{
	int64 groups; /* series or labels found */
	int64 blocks, blocks_pruned;
	int64 chunks, chunks_head;
	int64 samples;
} StoreRowsStats;

/*
 * store_rows_begin -- columns: bit c, column c (from 0) is wanted; others may be left null.
 * Memory: a child of CurrentMemoryContext, until store_rows_end or with it.
 */
extern StoreRows *store_rows_begin(StoreRowsKind kind, const StoreFilter *f, uint32 columns);
/* The next group: sets its columns, all others to null.  They live until the next call. */
extern bool store_rows_next_group(StoreRows *r, Datum *values, bool *nulls);
/* The next row of the group: sets the other columns, in CurrentMemoryContext. */
extern bool store_rows_next(StoreRows *r, Datum *values, bool *nulls);
/* store_rows_end -- the figures of the whole scan. */
extern StoreRowsStats store_rows_end(StoreRows *r);

#endif
