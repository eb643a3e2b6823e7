/*
 * tsdb_block.c
 *    Index, segments, tombstones and meta.json of a TSDB block put together.
 *
 * A sound block names each chunk once, so all chunks together have no more bytes than the segments.
 * More than that is an error: else a small index that names one large chunk a million times would
 * keep an import busy for days.
 */
#include "wire/tsdb_block.h"

#include "util/mem.h"

struct TsdbBlock
{
	TsdbBlockFiles files;
	TsdbMeta meta;
	TsdbTombstones tombstones;
	TsdbIndex *index;
	TsdbSeriesIter series;
	TsdbSeries current; /* chunks still to come */
	uint64_t budget;	/* bytes of chunks not seen yet */
};

static bool
open_block(TsdbBlock *b, Err *err)
{
	for (int i = 0; i < b->files.n_segments; i++)
	{
		if (!tsdb_segment_check(b->files.segments[i], i + 1, err))
			return false;
		b->budget += b->files.segments[i].len;
	}
	return tsdb_meta_read(b->files.meta, &b->meta, err) &&
		   tsdb_tombstones_read(b->files.tombstones, &b->tombstones, err) &&
		   (b->index = tsdb_index_open(b->files.index, err)) != NULL &&
		   tsdb_series_begin(b->index, &b->series, err);
}

/*
 * tsdb_block_open -- a reader, from mem_alloc; NULL with err if a file is not sound.
 *
 * The array files->segments must outlive it too.  Memory beyond the files: that of the index
 * (tsdb_index.c) and of the tombstones, and what meta.json says.
 */
TsdbBlock *
tsdb_block_open(const TsdbBlockFiles *files, Err *err)
{
	TsdbBlock *b = mem_alloc0(sizeof(*b));

	b->files = *files;
	if (open_block(b, err))
		return b;
	tsdb_block_close(b);
	return NULL;
}

void
tsdb_block_close(TsdbBlock *b)
{
	if (b->series.last.data != NULL)
		tsdb_series_end(&b->series);
	if (b->index != NULL)
		tsdb_index_close(b->index);
	tsdb_tombstones_free(&b->tombstones);
	mem_free(b);
}

const TsdbMeta *
tsdb_block_meta(const TsdbBlock *b)
{
	return &b->meta;
}

/* tsdb_block_index -- for look-ups; reading a series by it spoils the labels of the current one. */
TsdbIndex *
tsdb_block_index(TsdbBlock *b)
{
	return b->index;
}

int
tsdb_block_next_series(TsdbBlock *b, TsdbBlockSeries *out, Err *err)
{
	int got = tsdb_series_next(&b->series, &b->current, err);

	if (got == 1)
	{
		out->ref = b->current.ref;
		out->labels = b->current.labels;
		out->n_deleted = tsdb_tombstones_find(&b->tombstones, out->ref, &out->deleted);
	}
	return got;
}

int
tsdb_block_next_chunk(TsdbBlock *b, TsdbBlockChunk *out, Err *err)
{
	TsdbChunkMeta meta;
	int got = tsdb_series_next_chunk(&b->current, &meta, err);

	if (got <= 0)
		return got;
	if (!tsdb_chunk_get(b->files.segments, b->files.n_segments, meta.ref, &out->chunk, err))
		return -1;
	if (out->chunk.len > b->budget)
	{
		err_set(err, ERR_CORRUPT, -1, "index names the same chunks more than once");
		return -1;
	}
	b->budget -= out->chunk.len;
	out->min_t = meta.min_t;
	out->max_t = meta.max_t;
	return 1;
}
