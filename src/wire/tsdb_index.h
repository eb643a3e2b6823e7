/*
 * tsdb_index.h
 *    Reader of a TSDB block's index file, versions 1 and 2.
 *
 * The bytes are the caller's, as a rule a mapped file, and must outlive the reader; all strings are
 * views into them.  Bytes are hostile: whatever they say, nothing outside them is read, and a walk
 * over all series or all label pairs takes time linear in the file.
 *
 *    TsdbIndex *ix = tsdb_index_open(file, &err);
 *    tsdb_series_begin(ix, &it, &err);
 *    while ((got = tsdb_series_next(&it, &series, &err)) == 1)
 *        while ((got = tsdb_series_next_chunk(&series, &chunk, &err)) == 1)
 *            ...
 *    tsdb_index_close(ix);
 */
#ifndef MIMIR_WIRE_TSDB_INDEX_H
#define MIMIR_WIRE_TSDB_INDEX_H

#include "wire/tsdb_bytes.h"

/*
 * Label set of one series.  A hostile index can name a long symbol in every entry, so this bounds the
 * time an entry takes.
 */
#define TSDB_LABELS_MAX_BYTES (1024 * 1024)

typedef struct TsdbIndex TsdbIndex;

extern TsdbIndex *tsdb_index_open(TsdbBytes file, Err *err);
extern void tsdb_index_close(TsdbIndex *ix);
extern int tsdb_index_version(const TsdbIndex *ix);

/* tsdb_index_check -- is all of it sound?  Reads every byte once, more or less. */
extern bool tsdb_index_check(TsdbIndex *ix, Err *err);

/* --- symbols: label names and values, ascending ----------------------------------------------- */

typedef struct TsdbSymbolIter
{
	TsdbCursor in;
	uint32_t left;
} TsdbSymbolIter;

extern uint32_t tsdb_symbol_count(const TsdbIndex *ix);

/* ref: number of the symbol; in version 1 its offset in the file. */
extern bool tsdb_symbol_get(const TsdbIndex *ix, uint64_t ref, StrView *out, Err *err);
extern void tsdb_symbols_begin(const TsdbIndex *ix, TsdbSymbolIter *it);
extern bool tsdb_symbols_next(TsdbSymbolIter *it, StrView *out);

/* --- series --------------------------------------------------------------------------------------- */

typedef struct TsdbChunkMeta
{
	int64_t min_t, max_t; /* ms, first and last sample: what the index says of the chunk */
	uint64_t ref;		  /* for tsdb_chunk_get */
} TsdbChunkMeta;

typedef struct TsdbSeries
{
	uint64_t ref;	   /* as postings and tombstones name it */
	Labels labels;	   /* scratch of the index: valid until the next series is read */
	uint64_t n_chunks; /* as the entry claims; tsdb_series_next_chunk finds out */

	uint64_t n_labels; /* in the entry, those of empty value too */

	/* private: where the next chunk's data are, and what they are relative to */
	TsdbCursor in;
	uint64_t left;
	uint64_t at; /* offset of the entry, for errors */
	TsdbChunkMeta last;
} TsdbSeries;

typedef struct TsdbPostings
{
	const uint8_t *p, *end; /* big-endian u32 each */
	uint64_t last;
	bool started;
} TsdbPostings;

typedef struct TsdbSeriesIter
{
	TsdbIndex *ix;
	TsdbPostings all;
	uint64_t end; /* of the entry before: entries do not overlap */
	Buf last;	  /* labels of the series before: sets ascend */
} TsdbSeriesIter;

/* tsdb_index_series -- the series that a posting or tombstone names. */
extern bool tsdb_index_series(TsdbIndex *ix, uint64_t ref, TsdbSeries *out, Err *err);

/* tsdb_series_begin, tsdb_series_next -- all of them, ascending by labels: 1, 0 at the end, -1. */
extern bool tsdb_series_begin(TsdbIndex *ix, TsdbSeriesIter *it, Err *err);
extern int tsdb_series_next(TsdbSeriesIter *it, TsdbSeries *out, Err *err);
extern void tsdb_series_end(TsdbSeriesIter *it);

/* tsdb_series_next_chunk -- 1, 0 at the end, -1.  Chunks may overlap in a block of old. */
extern int tsdb_series_next_chunk(TsdbSeries *s, TsdbChunkMeta *out, Err *err);

/* --- postings ---------------------------------------------------------------------------------------- */

typedef struct TsdbPairIter
{
	TsdbCursor in;
	uint32_t left;
	uint64_t at; /* offset of the table, for errors */
} TsdbPairIter;

/*
 * tsdb_pairs_begin, tsdb_pairs_next -- every label pair and the offset of its postings, as the
 * postings offset table has them: ascending, the pair "" = "" (all series) in front.
 */
extern void tsdb_pairs_begin(const TsdbIndex *ix, TsdbPairIter *it);
extern int tsdb_pairs_next(TsdbPairIter *it, Label *pair, uint64_t *offset, Err *err);

extern bool tsdb_postings_open(const TsdbIndex *ix, uint64_t offset, TsdbPostings *out, Err *err);

/* tsdb_postings_find -- the list of a pair; an empty one if no series carries it. */
extern bool tsdb_postings_find(const TsdbIndex *ix, StrView name, StrView value, TsdbPostings *out,
							   Err *err);
extern int tsdb_postings_next(TsdbPostings *p, uint64_t *ref, Err *err); /* 1, 0, -1 */

#endif
