/*
 * tsdb_writer.c
 *    A TSDB block from series and chunks: the order of calls, segments, series entries, meta.json.
 *
 *      collect ----begin----> series ----finish----> done
 *      add_symbols            add_series, add_chunk, add_tombstone
 *
 * A series' entry in the index is written when the next series comes, for it needs the places of all
 * its chunks.  A series that got no chunk is left out.
 *
 * Memory: strings and postings (tsdb_writer_strings.c, tsdb_writer_pairs.c) within the budget; two
 * file buffers of 64 kB; labels, chunk references and tombstones of one series; the tombstones file.
 * A million series of ten labels take 15 MB if 5,000 hosts have 200 each, and 140 MB if each has a
 * value of its own.
 */
#include "wire/tsdb_writer.h"

#include "util/cancel.h"
#include "util/mem.h"
#include "wire/tsdb_chunks.h"
#include "wire/tsdb_index.h"
#include "wire/tsdb_index_int.h"
#include "wire/tsdb_tombstones.h"
#include "wire/tsdb_writer_int.h"

#include <assert.h>

#define ENTRY_MAX_BYTES (256u << 20) /* chunk references of one series */

typedef enum WriterState
{
	WRITER_COLLECT, /* symbols are collected */
	WRITER_SERIES,	/* symbol table is written, series come */
	WRITER_DONE		/* all is written, or something failed */
} WriterState;

struct TsdbWriter
{
	TsdbWriterConfig config;
	WriterState state;
	TsdbBudget budget;
	TsdbStrings strings;
	TsdbPairs pairs;
	TsdbOut index;
	TsdbOut segment; /* number 0: none yet */
	uint64_t series_at;

	/* the series under way */
	bool open;
	Buf labels;		/* its labels; while none is open, those of the last */
	bool any;		/* has there been a series? */
	uint32_t *refs; /* its symbols: name, value, ... */
	size_t n_refs, cap_refs;
	Buf chunks; /* its chunk references as they stand in the entry */
	uint64_t n_chunks;
	int64_t last_max_t;
	uint64_t last_ref;
	Buf deleted; /* TsdbTombstone each, without ref */
	Buf entry;

	Buf tombstones; /* the file so far */
	TsdbMeta meta;	/* counts and time range so far */
};

TsdbWriter *
tsdb_writer_create(const TsdbWriterConfig *config)
{
	TsdbWriter *w = mem_alloc0(sizeof(*w));

	w->config = *config;
	if (w->config.segment_bytes == 0 || w->config.segment_bytes > TSDB_SEGMENT_MAX)
		w->config.segment_bytes = TSDB_SEGMENT_MAX;
	w->budget.max = config->max_memory;
	w->strings.budget = &w->budget;
	tsdb_out_init(&w->index, &w->config, TSDB_FILE_INDEX, 0);
	tsdb_out_init(&w->segment, &w->config, TSDB_FILE_SEGMENT, 0);
	buf_init(&w->labels, 256, TSDB_LABELS_MAX_BYTES);
	buf_init(&w->chunks, 256, ENTRY_MAX_BYTES);
	buf_init(&w->deleted, 0, ENTRY_MAX_BYTES);
	buf_init(&w->entry, 256, ENTRY_MAX_BYTES + TSDB_LABELS_MAX_BYTES);
	buf_init(&w->tombstones, 16, ENTRY_MAX_BYTES);
	tsdb_tombstones_begin(&w->tombstones);
	w->meta.min_t = INT64_MAX;
	w->meta.max_t = INT64_MIN;
	return w;
}

void
tsdb_writer_free(TsdbWriter *w)
{
	tsdb_strings_free(&w->strings);
	tsdb_pairs_free(&w->pairs);
	buf_free(&w->index.buf);
	buf_free(&w->segment.buf);
	buf_free(&w->labels);
	buf_free(&w->chunks);
	buf_free(&w->deleted);
	buf_free(&w->entry);
	buf_free(&w->tombstones);
	mem_free(w->refs);
	mem_free(w);
}

size_t
tsdb_writer_memory(const TsdbWriter *w)
{
	return w->budget.used;
}

/* done -- the end of a call that may have written: has it worked? */
static bool
done(TsdbWriter *w, bool ok)
{
	ok = ok && !w->index.failed && !w->segment.failed;
	if (!ok)
		w->state = WRITER_DONE;
	return ok;
}

static void
begin_call(TsdbWriter *w, Err *err)
{
	w->index.err = w->segment.err = err;
}

static bool
out_of_memory(TsdbWriter *w, Err *err)
{
	return err_set(err, ERR_TOO_MUCH_MEMORY, -1,
				   "symbols and postings of the block need more than %zu bytes of memory",
				   w->budget.max);
}

/* --- symbols ---------------------------------------------------------------------------------------- */

bool
tsdb_writer_add_symbols(TsdbWriter *w, Labels labels, Err *err)
{
	LabelsIter it;
	Label l;

	assert(w->state == WRITER_COLLECT);
	cancel_poll();
	labels_iter_init(&it, labels);
	while (labels_next(&it, &l))
		if (!tsdb_strings_add(&w->strings, l.name) || !tsdb_strings_add(&w->strings, l.value))
			return done(w, out_of_memory(w, err));
	return true;
}

bool
tsdb_writer_begin(TsdbWriter *w, Err *err)
{
	assert(w->state == WRITER_COLLECT);
	w->state = WRITER_SERIES;
	begin_call(w, err);
	/* Prometheus' tables have the empty string: of the pair that names all series */
	if (!tsdb_strings_add(&w->strings, strview("", 0)) || !tsdb_strings_sort(&w->strings) ||
		!tsdb_pairs_init(&w->pairs, &w->budget))
		return done(w, out_of_memory(w, err));
	if (!tsdb_write_symbols(&w->index, &w->strings, err))
		return done(w, false);
	w->series_at = w->index.pos;
	return done(w, true);
}

/* --- the entry of a series ---------------------------------------------------------------------------- */

static void
put_tombstones(TsdbWriter *w, uint64_t ref)
{
	for (size_t i = 0; i < w->deleted.len; i += sizeof(TsdbTombstone))
	{
		TsdbTombstone t;

		memcpy(&t, w->deleted.data + i, sizeof(t));
		t.ref = ref;
		tsdb_tombstones_put(&w->tombstones, &t);
		w->meta.tombstones++;
	}
}

/* end_series -- write the open series, if it has chunks. */
static bool
end_series(TsdbWriter *w, Err *err)
{
	uint64_t ref;

	if (!w->open || w->n_chunks == 0)
	{
		w->open = false;
		return true;
	}
	w->open = false;
	tsdb_out_align(&w->index, TSDB_SERIES_ALIGN);
	ref = w->index.pos / TSDB_SERIES_ALIGN;
	if (ref > UINT32_MAX)
		return err_set(err, ERR_TOO_LARGE, -1, "series of the block do not fit the index format");
	if (!tsdb_pairs_add_all(&w->pairs, (uint32_t) ref))
		return out_of_memory(w, err);
	buf_reset(&w->entry);
	buf_uvarint(&w->entry, w->n_refs / 2);
	for (size_t i = 0; i < w->n_refs; i += 2)
	{
		buf_uvarint(&w->entry, w->refs[i]);
		buf_uvarint(&w->entry, w->refs[i + 1]);
		if (!tsdb_pairs_add(&w->pairs, w->refs[i], w->refs[i + 1], (uint32_t) ref))
			return out_of_memory(w, err);
	}
	buf_uvarint(&w->entry, w->n_chunks);
	buf_append(&w->entry, w->chunks.data, w->chunks.len);
	if (w->entry.overflow || w->chunks.overflow || w->deleted.overflow)
		return err_set(err, ERR_TOO_LARGE, -1, "a series of the block has too many chunks");
	tsdb_out_uvarint(&w->index, w->entry.len);
	tsdb_out_crc_begin(&w->index);
	tsdb_out_put(&w->index, w->entry.data, w->entry.len);
	tsdb_out_crc_end(&w->index);
	put_tombstones(w, ref);
	w->meta.series++;
	return true;
}

/* begin_series -- look up the symbols of the labels. */
static bool
begin_series(TsdbWriter *w, Labels labels, Err *err)
{
	LabelsIter it;
	Label l;

	w->n_refs = 0;
	labels_iter_init(&it, labels);
	while (labels_next(&it, &l))
	{
		if (w->n_refs == w->cap_refs)
		{
			w->cap_refs = w->cap_refs == 0 ? 64 : w->cap_refs * 2;
			w->refs = mem_realloc(w->refs, sizeof(*w->refs) * w->cap_refs);
		}
		if (!tsdb_strings_number(&w->strings, l.name, &w->refs[w->n_refs]) ||
			!tsdb_strings_number(&w->strings, l.value, &w->refs[w->n_refs + 1]))
			return err_set(err, ERR_INTERNAL, -1, "a label of a series is not among the symbols");
		w->n_refs += 2;
	}
	buf_reset(&w->labels);
	buf_append(&w->labels, labels.data, labels.len);
	buf_reset(&w->chunks);
	buf_reset(&w->deleted);
	w->n_chunks = 0;
	w->open = w->any = true;
	return !w->labels.overflow ||
		   err_set(err, ERR_TOO_LARGE, -1, "a series of the block has more than %d bytes of labels",
				   TSDB_LABELS_MAX_BYTES);
}

/* tsdb_writer_add_series -- begin a series; its labels must be above those of the one before. */
bool
tsdb_writer_add_series(TsdbWriter *w, Labels labels, Err *err)
{
	Labels last = {(const uint8_t *) w->labels.data, (uint32_t) w->labels.len};

	assert(w->state == WRITER_SERIES);
	cancel_poll();
	begin_call(w, err);
	if (w->any && labels_cmp(last, labels) >= 0)
		return done(w,
					err_set(err, ERR_INTERNAL, -1, "series of the block are not in label order"));
	return done(w, end_series(w, err) && begin_series(w, labels, err));
}

/* --- chunks ---------------------------------------------------------------------------------------------- */

/* chunk_size -- bytes a chunk takes in a segment: length, encoding, data, checksum. */
static uint64_t
chunk_size(size_t len)
{
	return tsdb_uvarint_size(len) + 1 + len + 4;
}

static void
begin_segment(TsdbWriter *w)
{
	static const uint8_t rest[] = {1, 0, 0, 0}; /* version, padding */

	tsdb_out_flush(&w->segment);
	w->segment.number++;
	w->segment.pos = 0;
	tsdb_out_u32(&w->segment, TSDB_SEGMENT_MAGIC);
	tsdb_out_put(&w->segment, rest, sizeof(rest));
}

static void
add_reference(TsdbWriter *w, int64_t min_t, int64_t max_t, uint64_t ref)
{
	if (w->n_chunks == 0)
	{
		buf_varint(&w->chunks, min_t);
		buf_uvarint(&w->chunks, (uint64_t) max_t - (uint64_t) min_t);
		buf_uvarint(&w->chunks, ref);
	}
	else
	{
		buf_uvarint(&w->chunks, (uint64_t) min_t - (uint64_t) w->last_max_t);
		buf_uvarint(&w->chunks, (uint64_t) max_t - (uint64_t) min_t);
		buf_varint(&w->chunks, (int64_t) (ref - w->last_ref));
	}
	w->n_chunks++;
	w->last_max_t = max_t;
	w->last_ref = ref;
}

static void
count_chunk(TsdbWriter *w, ChunkEncoding encoding, int samples, int64_t min_t, int64_t max_t)
{
	w->meta.chunks++;
	w->meta.samples += samples;
	if (encoding == CHUNK_XOR)
		w->meta.float_samples += samples;
	else
		w->meta.histogram_samples += samples;
	if (min_t < w->meta.min_t)
		w->meta.min_t = min_t;
	if (max_t > w->meta.max_t)
		w->meta.max_t = max_t;
}

/*
 * tsdb_writer_add_chunk -- a chunk of the series begun last, copied as it is.
 *
 * min_t and max_t are the times of its first and last sample.  Chunks of a series must ascend without
 * overlap: Prometheus refuses anything else.
 */
bool
tsdb_writer_add_chunk(TsdbWriter *w, ChunkEncoding encoding, int64_t min_t, int64_t max_t,
					  const uint8_t *data, size_t len, Err *err)
{
	int samples = chunk_count(data, len);
	uint8_t type = (uint8_t) encoding;
	uint64_t ref;

	assert(w->state == WRITER_SERIES && w->open);
	begin_call(w, err);
	if (samples <= 0 || max_t < min_t || max_t == INT64_MAX ||
		(w->n_chunks > 0 && min_t <= w->last_max_t))
		return done(w, err_set(err, ERR_INTERNAL, -1, "chunks of a series are empty or overlap"));
	if (chunk_size(len) > w->config.segment_bytes - TSDB_SEGMENT_HEADER)
		return done(w,
					err_set(err, ERR_TOO_LARGE, -1, "a chunk of %zu bytes fits no segment", len));
	if (w->segment.number == 0 || w->segment.pos + chunk_size(len) > w->config.segment_bytes)
		begin_segment(w);
	ref = (uint64_t) (w->segment.number - 1) << 32 | w->segment.pos;
	tsdb_out_uvarint(&w->segment, len);
	tsdb_out_crc_begin(&w->segment);
	tsdb_out_put(&w->segment, &type, 1);
	tsdb_out_put(&w->segment, data, len);
	tsdb_out_crc_end(&w->segment);
	add_reference(w, min_t, max_t, ref);
	count_chunk(w, encoding, samples, min_t, max_t);
	return done(w, true);
}

/* tsdb_writer_add_tombstone -- samples of the series begun last in [min_t, max_t] are deleted. */
void
tsdb_writer_add_tombstone(TsdbWriter *w, int64_t min_t, int64_t max_t)
{
	TsdbTombstone t = {0, min_t, max_t};

	assert(w->state == WRITER_SERIES && w->open && min_t <= max_t);
	buf_append(&w->deleted, &t, sizeof(t));
}

/* --- the end ------------------------------------------------------------------------------------------------ */

static bool
write_small_file(TsdbWriter *w, TsdbFileKind kind, const Buf *content, Err *err)
{
	if (content->overflow)
		return err_set(err, ERR_TOO_LARGE, -1, "the block has too many tombstones");
	return w->config.write(w->config.arg, kind, 0, content->data, content->len, err);
}

static bool
write_meta(TsdbWriter *w, TsdbMeta *meta, Err *err)
{
	TsdbUlid self = meta->ulid;
	TsdbMeta m = *meta;
	Buf text;
	bool ok;

	if (m.n_sources == 0)
	{
		m.n_sources = 1;
		m.sources = &self;
	}
	buf_init(&text, 1024, TSDB_META_MAX_BYTES);
	tsdb_meta_write(&text, &m);
	ok = text.overflow ? err_set(err, ERR_TOO_LARGE, -1, "meta.json of the block is too large")
					   : write_small_file(w, TSDB_FILE_META, &text, err);
	buf_free(&text);
	return ok;
}

bool
tsdb_writer_finish(TsdbWriter *w, TsdbMeta *meta, Err *err)
{
	assert(w->state == WRITER_SERIES);
	begin_call(w, err);
	if (!done(w, end_series(w, err)))
		return false;
	if (!tsdb_pairs_sort(&w->pairs))
		return done(w, out_of_memory(w, err));
	if (w->segment.number == 0)
		begin_segment(w);
	tsdb_out_flush(&w->segment);
	if (!done(w, true))
		return false;
	tsdb_tombstones_finish(&w->tombstones);
	if (!done(w, tsdb_write_rest(&w->index, &w->strings, &w->pairs, w->series_at, err)))
		return false;
	w->state = WRITER_DONE;
	meta->samples = w->meta.samples;
	meta->float_samples = w->meta.float_samples;
	meta->histogram_samples = w->meta.histogram_samples;
	meta->series = w->meta.series;
	meta->chunks = w->meta.chunks;
	meta->tombstones = w->meta.tombstones;
	meta->min_t = w->meta.series > 0 ? w->meta.min_t : 0;
	meta->max_t = w->meta.series > 0 ? w->meta.max_t + 1 : 0;
	return write_small_file(w, TSDB_FILE_TOMBSTONES, &w->tombstones, err) &&
		   write_meta(w, meta, err);
}
