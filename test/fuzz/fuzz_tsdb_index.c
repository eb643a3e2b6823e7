/*
 * fuzz_tsdb_index.c
 *    Any bytes as the index of a TSDB block.  A sound one can be written again, and then has the same
 *    series.
 *
 * Checksums would keep a fuzzer out: the linker sends calls of crc32c here, and the checksum of bytes
 * of the input is what stands behind them.
 */
#include "tsdb_memory.h"
#include "util/crc32c.h"

#include <stdlib.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern uint32_t __real_crc32c(uint32_t crc, const void *data, size_t len);
extern uint32_t __wrap_crc32c(uint32_t crc, const void *data, size_t len);

static const uint8_t *input, *input_end;

uint32_t
__wrap_crc32c(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	if (p >= input && p <= input_end && len + 4 <= (size_t) (input_end - p))
		return tsdb_load_u32(p + len);
	return __real_crc32c(crc, data, len);
}

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
walk_pairs(TsdbIndex *ix)
{
	TsdbPairIter it;
	Label pair;
	uint64_t offset, ref;
	Err err = ERR_INIT;
	int got;

	tsdb_pairs_begin(ix, &it);
	while ((got = tsdb_pairs_next(&it, &pair, &offset, &err)) == 1)
	{
		TsdbPostings p;
		TsdbSeries s;

		if (!tsdb_postings_find(ix, pair.name, pair.value, &p, NULL))
			continue;
		if (tsdb_postings_next(&p, &ref, NULL) == 1 && tsdb_index_series(ix, ref, &s, NULL))
			check(labels_check(s.labels.data, s.labels.len));
	}
	check((got < 0) == (err.code == ERR_CORRUPT));
}

/* walk -- all series: to a writer in its two passes, or beside those of another index. */
static bool
walk(TsdbIndex *ix, TsdbWriter *w, int pass, TsdbSeriesIter *other)
{
	TsdbSeriesIter it;
	TsdbSeries s, o;
	TsdbChunkMeta c;
	Err err = ERR_INIT;
	int got = -1;

	if (tsdb_series_begin(ix, &it, &err))
	{
		while ((got = tsdb_series_next(&it, &s, &err)) == 1)
		{
			check(labels_check(s.labels.data, s.labels.len));
			if (pass == 1)
				check(tsdb_writer_add_symbols(w, s.labels, NULL));
			if (pass == 2)
				check(
					tsdb_writer_add_series(w, s.labels, NULL) &&
					tsdb_writer_add_chunk(w, CHUNK_XOR, 1, 2, (const uint8_t *) "\0\1x", 3, NULL));
			if (pass == 3)
				check(tsdb_series_next(other, &o, NULL) == 1 && labels_equal(o.labels, s.labels));
			while ((got = tsdb_series_next_chunk(&s, &c, &err)) == 1)
				check(c.min_t <= c.max_t);
			if (got < 0)
				break;
		}
	}
	tsdb_series_end(&it);
	check((got < 0) == (err.code == ERR_CORRUPT));
	return got == 0;
}

static void
write_again(TsdbIndex *ix)
{
	TsdbMemory m;
	TsdbWriterConfig config = {tsdb_memory_write, &m, 1 << 28, 0};
	TsdbMeta meta = {.ulid = {"00000000000000000000000000"}};
	TsdbWriter *w;
	TsdbIndex *again;
	TsdbSeriesIter it;
	TsdbSeries s;

	tsdb_memory_init(&m);
	w = tsdb_writer_create(&config);
	check(walk(ix, w, 1, NULL));
	check(tsdb_writer_begin(w, NULL));
	check(walk(ix, w, 2, NULL));
	check(tsdb_writer_finish(w, &meta, NULL));
	tsdb_writer_free(w);
	again = tsdb_index_open(tsdb_memory_view(&m.index), NULL);
	check(again != NULL && tsdb_index_check(again, NULL));
	check(tsdb_series_begin(again, &it, NULL));
	check(walk(ix, NULL, 3, &it));
	check(tsdb_series_next(&it, &s, NULL) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MemScope *scope = mem_scope_create("fuzz"), *outer = mem_scope_switch(scope);
	Err err = ERR_INIT;
	TsdbIndex *ix;

	input = data;
	input_end = data + size;
	ix = tsdb_index_open((TsdbBytes){data, size}, &err);
	check((ix == NULL) == (err.code == ERR_CORRUPT));
	if (ix != NULL)
	{
		bool sound = walk(ix, NULL, 0, NULL);

		walk_pairs(ix);
		if (tsdb_index_check(ix, NULL))
			check(sound);
		if (sound)
			write_again(ix);
	}
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
