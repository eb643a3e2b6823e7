/*
 * tsdb_index_int.h
 *    The inside of TsdbIndex.  For tsdb_index.c, tsdb_series.c and tsdb_index_check.c only.
 */
#ifndef MIMIR_WIRE_TSDB_INDEX_INT_H
#define MIMIR_WIRE_TSDB_INDEX_INT_H

#include "wire/tsdb_index.h"

#define TSDB_INDEX_MAGIC  UINT32_C(0xBAAAD700)
#define TSDB_INDEX_HEADER 5	 /* magic, version */
#define TSDB_TOC_BYTES	  52 /* six offsets, CRC */
#define TSDB_SERIES_ALIGN 16 /* version 2 */

/* Offsets of the sections; 0: there is none. */
typedef struct TsdbToc
{
	uint64_t symbols;
	uint64_t series;
	uint64_t label_indices;
	uint64_t label_table;
	uint64_t postings;
	uint64_t pairs; /* postings offset table */
} TsdbToc;

/* A run of records of different sizes, with the place of every TSDB_SAMPLE-th. */
typedef struct TsdbTable
{
	TsdbCursor records;
	uint32_t n;
	uint32_t *at; /* offsets from records.p */
} TsdbTable;

#define TSDB_SAMPLE 8

struct TsdbIndex
{
	TsdbBytes file;
	int version;
	TsdbToc toc;
	TsdbTable symbols;
	TsdbTable pairs;
	Buf labels; /* of the series read last */
};

static inline TsdbCursor
tsdb_table_from(const TsdbTable *t, uint32_t sample)
{
	TsdbCursor in = t->records;

	in.p += t->at[sample];
	return in;
}

/* One record of the postings offset table; false if it is malformed. */
extern bool tsdb_get_pair(TsdbCursor *in, Label *pair, uint64_t *offset);

#endif
