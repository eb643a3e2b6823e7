/*
 * tsdb_files.h
 *    Directories of Prometheus' TSDB on the server: mapping a block's files, writing them.
 */
#ifndef MIMIR_STORE_TSDB_FILES_H
#define MIMIR_STORE_TSDB_FILES_H

#include "postgres.h"

#include "wire/tsdb_block.h"
#include "wire/tsdb_writer.h"

/*
 * tsdb_files_map -- map a block directory's files; unmapped with CurrentMemoryContext.  Ereports if a
 * file cannot be read.
 */
extern void tsdb_files_map(const char *dir, TsdbBlockFiles *out);

/* tsdb_files_blocks -- paths of the block directories in dir, or dir itself if it is one; sorted. */
extern int tsdb_files_blocks(const char *dir, char ***out);

/* A block directory that is being written; files left open are closed with the transaction. */
typedef struct TsdbDir TsdbDir;

extern TsdbDir *tsdb_dir_create(const char *parent, const char *ulid);
extern bool tsdb_dir_write(void *dir, TsdbFileKind kind, int number, const void *data, size_t len,
						   Err *err);	   /* a TsdbWriteFn */
extern void tsdb_dir_finish(TsdbDir *dir); /* flushed to disk, under its final name */
extern void tsdb_dir_abandon(TsdbDir *dir);

#endif
