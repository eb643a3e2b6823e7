/*
 * fuzz_tsdb_files.c
 *    Any bytes as the other files of a TSDB block; the first byte chooses which.  Checksums are
 *    believed, as in fuzz_tsdb_index.c.
 */
#include "util/crc32c.h"
#include "util/mem.h"
#include "wire/tsdb_chunks.h"
#include "wire/tsdb_meta.h"
#include "wire/tsdb_tombstones.h"

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

static Buf
new_buf(void)
{
	Buf b;

	buf_init(&b, 256, 1 << 26);
	return b;
}

/* What could be read can be written, read again, and written the same. */
static void
try_meta(TsdbBytes file)
{
	TsdbMeta m, again;
	Buf a = new_buf(), b = new_buf();
	Err err = ERR_INIT;

	if (!tsdb_meta_read(file, &m, &err))
	{
		check(err.code == ERR_CORRUPT);
		return;
	}
	check(labels_check(m.external.data, m.external.len));
	tsdb_meta_write(&a, &m);
	if (a.len > TSDB_META_MAX_BYTES)
		return;
	check(tsdb_meta_read((TsdbBytes){(const uint8_t *) a.data, a.len}, &again, NULL));
	tsdb_meta_write(&b, &again);
	check(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
}

static void
try_tombstones(TsdbBytes file)
{
	TsdbTombstones t, again;
	Buf b = new_buf();
	Err err = ERR_INIT;

	if (!tsdb_tombstones_read(file, &t, &err))
	{
		check(err.code == ERR_CORRUPT);
		return;
	}
	tsdb_tombstones_begin(&b);
	for (int i = 0; i < t.n; i++)
	{
		const TsdbTombstone *found;
		int n = tsdb_tombstones_find(&t, t.items[i].ref, &found);

		check(n > 0 && found <= &t.items[i] && &t.items[i] < found + n);
		tsdb_tombstones_put(&b, &t.items[i]);
	}
	tsdb_tombstones_finish(&b);
	check(tsdb_tombstones_read((TsdbBytes){(const uint8_t *) b.data, b.len}, &again, NULL));
	check(again.n == t.n && memcmp(again.items, t.items, sizeof(*t.items) * (size_t) t.n) == 0);
}

/* Every reference of the segment's size, and one that the input gives. */
static void
try_segment(TsdbBytes file)
{
	TsdbChunk c;
	uint64_t ref;

	if (!tsdb_segment_check(file, 1, NULL) || file.len < 16)
		return;
	memcpy(&ref, file.data + file.len - 8, 8);
	tsdb_chunk_get(&file, 1, ref, &c, NULL);
	for (ref = 0; ref <= file.len; ref++)
		if (tsdb_chunk_get(&file, 1, ref, &c, NULL))
			check(c.data > file.data && c.data + c.len + 4 <= file.data + file.len);
}

static void
try_ulid(TsdbBytes file)
{
	TsdbUlid u, again;

	if (!tsdb_ulid_parse((const char *) file.data, file.len, &u))
		return;
	check(tsdb_ulid_time(&u) >= 0 && tsdb_ulid_time(&u) < INT64_C(1) << 48);
	check(tsdb_ulid_parse(u.text, TSDB_ULID_LEN, &again) && strcmp(u.text, again.text) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(TsdbBytes) = {try_meta, try_tombstones, try_segment, try_ulid};
	MemScope *scope = mem_scope_create("fuzz"), *outer = mem_scope_switch(scope);

	input = data;
	input_end = data + size;
	if (size > 0)
		tries[data[0] % 4]((TsdbBytes){data + 1, size - 1});
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
