/*
 * tsdb_writer.h
 *    Writer of a TSDB block: bytes of its files, in order, to a callback.
 *
 * Two passes over the series, because the file begins with all strings that occur in it:
 *
 *    TsdbWriter *w = tsdb_writer_create(&config);
 *    tsdb_writer_add_symbols(w, labels, &err)        each series, in any order, repeats allowed
 *    tsdb_writer_begin(w, &err)
 *    tsdb_writer_add_series(w, labels, &err)         each series, ascending by labels
 *    tsdb_writer_add_chunk(w, ..., &err)             its chunks, ascending, not overlapping
 *    tsdb_writer_add_tombstone(w, ...)               what is deleted of it
 *    tsdb_writer_finish(w, &meta, &err)
 *    tsdb_writer_free(w);
 *
 * Every file is written from front to back, never twice in the same place.  meta.json comes last:
 * a directory without it is no block.  After an error only tsdb_writer_free may be called.
 */
#ifndef MIMIR_WIRE_TSDB_WRITER_H
#define MIMIR_WIRE_TSDB_WRITER_H

#include "codec/chunk.h"
#include "model/labels.h"
#include "wire/tsdb_meta.h"

typedef enum TsdbFileKind
{
	TSDB_FILE_INDEX,	  /* index */
	TSDB_FILE_SEGMENT,	  /* chunks/%06d: number, from 1 */
	TSDB_FILE_TOMBSTONES, /* tombstones */
	TSDB_FILE_META		  /* meta.json */
} TsdbFileKind;

/*
 * TsdbWriteFn -- append bytes to a file; the first call for a file creates it.  A segment is
 * complete when the next one's number comes.  False with err fails the writer.
 */
typedef bool (*TsdbWriteFn)(void *arg, TsdbFileKind kind, int number, const void *data, size_t len,
							Err *err);

typedef struct TsdbWriterConfig
{
	TsdbWriteFn write;
	void *arg;
	size_t max_memory;		/* bytes for symbols and postings */
	uint32_t segment_bytes; /* a segment is cut before it is longer; 0: TSDB_SEGMENT_MAX */
} TsdbWriterConfig;

typedef struct TsdbWriter TsdbWriter;

extern TsdbWriter *tsdb_writer_create(const TsdbWriterConfig *config);
extern void tsdb_writer_free(TsdbWriter *w);

extern bool tsdb_writer_add_symbols(TsdbWriter *w, Labels labels, Err *err);
extern bool tsdb_writer_begin(TsdbWriter *w, Err *err);
extern bool tsdb_writer_add_series(TsdbWriter *w, Labels labels, Err *err);
extern bool tsdb_writer_add_chunk(TsdbWriter *w, ChunkEncoding encoding, int64_t min_t,
								  int64_t max_t, const uint8_t *data, size_t len, Err *err);
extern void tsdb_writer_add_tombstone(TsdbWriter *w, int64_t min_t, int64_t max_t);

/*
 * tsdb_writer_finish -- meta: ulid, level, sources, parents and flags are the caller's (no sources:
 * the block itself), time range and counts are filled in.  A block without series has no counts and
 * is better thrown away.
 */
extern bool tsdb_writer_finish(TsdbWriter *w, TsdbMeta *meta, Err *err);

/* tsdb_writer_memory -- bytes held now; never more than config->max_memory plus small buffers. */
extern size_t tsdb_writer_memory(const TsdbWriter *w);

#endif
