/*
 * tsdb_meta.h
 *    meta.json of a TSDB block, as Prometheus, Thanos and Mimir write it.
 */
#ifndef MIMIR_WIRE_TSDB_META_H
#define MIMIR_WIRE_TSDB_META_H

#include "wire/tsdb_bytes.h"
#include "wire/tsdb_ulid.h"

#define TSDB_META_MAX_BYTES (1024 * 1024)

typedef struct TsdbBlockDesc
{
	TsdbUlid ulid;
	int64_t min_t, max_t; /* ms */
} TsdbBlockDesc;

typedef struct TsdbMetaFile
{
	StrView path;  /* from the block's directory: "chunks/000001" */
	int64_t bytes; /* 0: not said */
} TsdbMetaFile;

typedef struct TsdbMeta
{
	TsdbUlid ulid;
	int64_t min_t, max_t; /* ms: all samples lie in min_t <= t < max_t */

	int64_t samples, float_samples, histogram_samples;
	int64_t series, chunks, tombstones;

	int64_t level; /* of compaction; 1: fresh */
	int n_sources; /* blocks of level 1 that went into it */
	TsdbUlid *sources;
	int n_parents; /* blocks it was compacted from */
	TsdbBlockDesc *parents;
	bool deletable;	   /* has no samples */
	bool failed;	   /* its compaction failed */
	bool out_of_order; /* made of out-of-order samples */

	/* the part of Thanos and Mimir; read, not written */
	Labels external;	/* labels that all its series have besides */
	int64_t resolution; /* ms, of a downsampled block; 0: raw samples */
	int n_files;		/* files of the block, if listed */
	TsdbMetaFile *files;
} TsdbMeta;

/* tsdb_meta_read -- everything in *out is from mem_alloc.  Unknown keys are skipped. */
extern bool tsdb_meta_read(TsdbBytes file, TsdbMeta *out, Err *err);
extern void tsdb_meta_write(Buf *out, const TsdbMeta *m);

#endif
