/*
 * tsdb_memory.h
 *    The files of a TSDB block in memory, for tests: what a writer wrote, ready to be read.
 */
#ifndef MIMIR_TEST_TSDB_MEMORY_H
#define MIMIR_TEST_TSDB_MEMORY_H

#include "util/mem.h"
#include "wire/tsdb_block.h"
#include "wire/tsdb_writer.h"

#define TSDB_MEMORY_MAX_SEGMENTS 64

typedef struct TsdbMemory
{
	Buf index, tombstones, meta;
	Buf segments[TSDB_MEMORY_MAX_SEGMENTS];
	int n_segments;
	int writes;	 /* calls so far */
	int fail_at; /* the call that fails; 0: none */
	TsdbBytes views[TSDB_MEMORY_MAX_SEGMENTS];
} TsdbMemory;

static inline void
tsdb_memory_init(TsdbMemory *m)
{
	memset(m, 0, sizeof(*m));
	buf_init(&m->index, 64, SIZE_MAX / 2);
	buf_init(&m->tombstones, 64, SIZE_MAX / 2);
	buf_init(&m->meta, 64, SIZE_MAX / 2);
}

/* tsdb_memory_write -- a TsdbWriteFn. */
static inline bool
tsdb_memory_write(void *arg, TsdbFileKind kind, int number, const void *data, size_t len, Err *err)
{
	TsdbMemory *m = arg;
	Buf *to = kind == TSDB_FILE_INDEX  ? &m->index
			  : kind == TSDB_FILE_META ? &m->meta
									   : &m->tombstones;

	if (++m->writes == m->fail_at)
		return err_set(err, ERR_INTERNAL, -1, "no space left on device");
	if (kind == TSDB_FILE_SEGMENT)
	{
		if (number == m->n_segments + 1 && number <= TSDB_MEMORY_MAX_SEGMENTS)
			buf_init(&m->segments[m->n_segments++], 64, SIZE_MAX / 2);
		if (number != m->n_segments)
			return err_set(err, ERR_INTERNAL, -1, "segment %d comes out of turn", number);
		to = &m->segments[number - 1];
	}
	buf_append(to, data, len);
	return true;
}

static inline TsdbBytes
tsdb_memory_view(const Buf *b)
{
	return (TsdbBytes){(const uint8_t *) b->data, b->len};
}

/* tsdb_memory_files -- as long as nothing more is written. */
static inline TsdbBlockFiles
tsdb_memory_files(TsdbMemory *m)
{
	for (int i = 0; i < m->n_segments; i++)
		m->views[i] = tsdb_memory_view(&m->segments[i]);
	return (TsdbBlockFiles){tsdb_memory_view(&m->meta), tsdb_memory_view(&m->index),
							tsdb_memory_view(&m->tombstones), m->views, m->n_segments};
}

/* tsdb_memory_labels -- {"a", "1", "b", "2", NULL} as a label set, from mem_alloc. */
static inline Labels
tsdb_memory_labels(const char *const *texts)
{
	LabelsBuilder b;

	labels_builder_init(&b);
	for (; texts[0] != NULL; texts += 2)
		labels_builder_set(&b, strview_cstr(texts[0]), strview_cstr(texts[1]));
	return labels_builder_finish(&b);
}

/* tsdb_memory_xor -- a float chunk of n samples, from mem_alloc; returns its length. */
static inline size_t
tsdb_memory_xor(const int64_t *t, const double *v, int n, uint8_t **data)
{
	uint32_t cap = CHUNK_XOR_MIN_CAP + (uint32_t) n * CHUNK_XOR_MAX_SAMPLE;
	ChunkXorWriter w;

	*data = mem_alloc(cap);
	chunk_xor_init(&w, *data, cap);
	for (int i = 0; i < n; i++)
		chunk_xor_append(&w, t[i], v[i]);
	return chunk_xor_size(&w);
}

#endif
