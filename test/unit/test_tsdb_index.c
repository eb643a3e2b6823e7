/*
 * test_tsdb_index.c
 *    Reading TSDB indexes that our writer does not make: version 1, blocks with overlapping chunks,
 *    and hostile ones whose checksums are right.
 */
#include "unit.h"

#include "tsdb_memory.h"
#include "util/crc32c.h"

/* --- an index put together by hand -------------------------------------------------------------- */

static void
put_u32(Buf *b, uint32_t v)
{
	v = __builtin_bswap32(v);
	buf_append(b, &v, 4);
}

static void
put_u64(Buf *b, uint64_t v)
{
	put_u32(b, (uint32_t) (v >> 32));
	put_u32(b, (uint32_t) v);
}

static void
put_string(Buf *b, const char *s)
{
	buf_uvarint(b, strlen(s));
	buf_str(b, s);
}

static Buf
new_buf(void)
{
	Buf b;

	buf_init(&b, 64, 1 << 24);
	return b;
}

/* put_section -- length, content, checksum; returns where it begins. */
static uint64_t
put_section(Buf *file, const Buf *content)
{
	uint64_t at = file->len;

	put_u32(file, (uint32_t) content->len);
	buf_append(file, content->data, content->len);
	put_u32(file, crc32c(0, content->data, content->len));
	return at;
}

typedef struct Toc
{
	uint64_t symbols, series, label_indices, label_table, postings, pairs;
} Toc;

static Buf
begin_file(int version)
{
	Buf b = new_buf();

	put_u32(&b, 0xBAAAD700);
	buf_char(&b, (char) version);
	return b;
}

static void
finish_file(Buf *b, const Toc *t)
{
	const uint64_t at[] = {t->symbols,	   t->series,	t->label_indices,
						   t->label_table, t->postings, t->pairs};
	size_t start = b->len;

	for (int i = 0; i < 6; i++)
		put_u64(b, at[i]);
	put_u32(b, crc32c(0, b->data + start, 48));
}

static uint64_t
put_symbols(Buf *b, int n, const char *const *symbols)
{
	Buf c = new_buf();

	put_u32(&c, (uint32_t) n);
	for (int i = 0; i < n; i++)
		put_string(&c, symbols[i]);
	return put_section(b, &c);
}

/* put_entry -- a series entry of varints given as numbers; returns its offset. */
static uint64_t
put_entry(Buf *b, int align, int n, const uint64_t *varints)
{
	uint64_t at;
	Buf c = new_buf();

	for (int i = 0; i < n; i++)
		buf_uvarint(&c, varints[i]);
	while (b->len % (size_t) align != 0)
		buf_char(b, 0);
	at = b->len;
	buf_uvarint(b, c.len);
	buf_append(b, c.data, c.len);
	put_u32(b, crc32c(0, c.data, c.len));
	return at;
}

static uint64_t
put_postings(Buf *b, int n, const uint32_t *refs)
{
	Buf c = new_buf();

	put_u32(&c, (uint32_t) n);
	for (int i = 0; i < n; i++)
		put_u32(&c, refs[i]);
	return put_section(b, &c);
}

static void
put_pair(Buf *c, const char *name, const char *value, uint64_t offset)
{
	buf_uvarint(c, 2);
	put_string(c, name);
	put_string(c, value);
	buf_uvarint(c, offset);
}

static TsdbIndex *
open_buf(const Buf *b, Err *err)
{
	/* a block of its own, so that the sanitizer sees a read beyond it */
	return tsdb_index_open((TsdbBytes){mem_dup(b->data, b->len), b->len}, err);
}

/* --- version 1 ------------------------------------------------------------------------------------ */

/* Symbols named by offset, series by offset, the table of postings in no order. */
static Buf
version1(void)
{
	static const char *const symbols[] = {"a", "b", "job", "node"};
	uint64_t entry1[] = {1, 0, 0, 1, 20, 5, 8}; /* chunk: min_t 10, max_t 15, ref 8 */
	uint64_t entry2[] = {2, 0, 0, 0, 0, 0};
	Buf b = begin_file(1), table = new_buf();
	Toc toc = {0};
	uint32_t s1, s2;

	toc.symbols = put_symbols(&b, 4, symbols);
	entry1[1] = entry2[3] = toc.symbols + 8 + 4; /* "job" */
	entry1[2] = entry2[4] = toc.symbols + 8 + 8; /* "node" */
	entry2[1] = toc.symbols + 8;				 /* "a" */
	entry2[2] = toc.symbols + 8 + 2;			 /* "b" */
	toc.series = b.len;
	s2 = (uint32_t) put_entry(&b, 1, 6, entry2);
	s1 = (uint32_t) put_entry(&b, 1, 7, entry1);
	toc.postings = b.len;
	put_u32(&table, 3);
	put_pair(&table, "job", "node", put_postings(&b, 2, (uint32_t[]){s2, s1}));
	put_pair(&table, "", "", put_postings(&b, 2, (uint32_t[]){s2, s1}));
	put_pair(&table, "a", "b", put_postings(&b, 1, (uint32_t[]){s2}));
	toc.pairs = put_section(&b, &table);
	finish_file(&b, &toc);
	return b;
}

UNIT_TEST(tsdb_index_version_1)
{
	Buf file = version1(), text = new_buf();
	TsdbSeriesIter it;
	TsdbSeries s;
	TsdbChunkMeta c;
	TsdbPostings p;
	uint64_t ref;
	Err err = ERR_INIT;
	TsdbIndex *ix = open_buf(&file, &err);

	CHECK_STR(err.msg ? err.msg : "", "");
	CHECK_INT(tsdb_index_version(ix), 1);
	CHECK(tsdb_index_check(ix, &err));
	CHECK(tsdb_series_begin(ix, &it, &err));
	CHECK_INT(tsdb_series_next(&it, &s, &err), 1);
	labels_text(&text, s.labels);
	CHECK_INT(tsdb_series_next_chunk(&s, &c, &err), 0);
	CHECK_INT(tsdb_series_next(&it, &s, &err), 1);
	labels_text(&text, s.labels);
	CHECK_STR(text.data, "{a=\"b\", job=\"node\"}{job=\"node\"}");
	CHECK_INT(tsdb_series_next_chunk(&s, &c, &err), 1);
	CHECK(c.min_t == 10 && c.max_t == 15 && c.ref == 8);
	CHECK_INT(tsdb_series_next_chunk(&s, &c, &err), 0);
	CHECK_INT(tsdb_series_next(&it, &s, &err), 0);
	tsdb_series_end(&it);
	CHECK(tsdb_postings_find(ix, strview_cstr("a"), strview_cstr("b"), &p, &err));
	CHECK_INT(tsdb_postings_next(&p, &ref, &err), 1);
	CHECK(tsdb_index_series(ix, ref, &s, &err) && labels_count(s.labels) == 2);
	CHECK_INT(tsdb_postings_next(&p, &ref, &err), 0);
	CHECK(tsdb_postings_find(ix, strview_cstr("a"), strview_cstr("c"), &p, &err));
	CHECK_INT(tsdb_postings_next(&p, &ref, &err), 0);
	CHECK_STR(err.msg ? err.msg : "", "");
	CHECK(!tsdb_symbol_get(ix, 4, &(StrView){0}, NULL));
	CHECK(!tsdb_symbol_get(ix, UINT64_MAX, &(StrView){0}, NULL));
	tsdb_index_close(ix);
}

/* --- version 2 with one series ----------------------------------------------------------------------- */

/* What the file is made of; each test changes one thing of a sound one. */
typedef struct Parts
{
	int n_symbols;
	const char *symbols[8];
	int n_entries;
	int n_varints[2];
	uint64_t entries[2][16];
	int n_all;
	uint32_t all[4]; /* added to the first entry's reference */
	bool label_table;
} Parts;

static const Parts sound = {
	.n_symbols = 3,
	.symbols = {"", "a", "b"},
	.n_entries = 2,
	.n_varints = {7, 7},
	.entries = {{1, 1, 1, 1, 20, 5, 8}, {1, 1, 2, 1, 20, 5, 30}},
	.n_all = 2,
	.all = {0, 1},
	.label_table = true,
};

static Buf
assemble(const Parts *p)
{
	Buf b = begin_file(2), table = new_buf(), label = new_buf(), labels = new_buf();
	Toc toc = {0};
	uint32_t first = 0, refs[4];

	toc.symbols = put_symbols(&b, p->n_symbols, p->symbols);
	toc.series = b.len;
	for (int i = 0; i < p->n_entries; i++)
	{
		uint32_t at = (uint32_t) put_entry(&b, 16, p->n_varints[i], p->entries[i]) / 16;

		first = i == 0 ? at : first;
	}
	toc.label_indices = b.len;
	put_u32(&label, 1);
	put_u32(&label, 2);
	put_u32(&label, 1);
	put_u32(&label, 2);
	put_u32(&labels, 1);
	buf_uvarint(&labels, 1);
	put_string(&labels, "a");
	buf_uvarint(&labels, put_section(&b, &label));
	toc.postings = b.len;
	for (int i = 0; i < p->n_all; i++)
		refs[i] = p->all[i] + first;
	put_u32(&table, 3);
	put_pair(&table, "", "", put_postings(&b, p->n_all, refs));
	refs[0] = first;
	put_pair(&table, "a", "a", put_postings(&b, 1, refs));
	refs[0] = first + 1;
	put_pair(&table, "a", "b", put_postings(&b, 1, refs));
	toc.label_table = b.len;
	if (p->label_table)
		put_section(&b, &labels);
	toc.pairs = put_section(&b, &table);
	finish_file(&b, &toc);
	return b;
}

/* fails_with -- does a walk and check of the index end with this error? */
static void
fails_with(const Parts *p, const char *want)
{
	Buf file = assemble(p);
	Err err = ERR_INIT;
	TsdbIndex *ix = open_buf(&file, &err);

	if (ix != NULL)
	{
		CHECK(tsdb_index_check(ix, &err) == (want == NULL));
		tsdb_index_close(ix);
	}
	CHECK_STR(err.msg ? err.msg : "none", want ? want : "none");
	CHECK(want == NULL || err.code == ERR_CORRUPT);
}

static void
fails_with_entry(int n, const uint64_t *varints, const char *want)
{
	Parts p = sound;

	p.n_varints[0] = n;
	memcpy(p.entries[0], varints, sizeof(uint64_t) * (size_t) n);
	fails_with(&p, want);
}

#define ENTRY(want, ...)                                                                           \
	fails_with_entry((int) (sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)),                 \
					 (uint64_t[]){__VA_ARGS__}, want)

UNIT_TEST(tsdb_index_hostile_entries)
{
	const char *malformed = "series entry at offset 32 is malformed";

	fails_with(&sound, NULL);
	ENTRY("there is no symbol 3", 1, 3, 1, 0);
	ENTRY("there is no symbol 18446744073709551615", 1, 1, UINT64_MAX, 0);
	ENTRY(malformed, UINT64_MAX, 1, 1, 0);
	ENTRY(malformed, 2, 1, 1, 0);		 /* a label of two is not there */
	ENTRY(malformed, 2, 1, 1, 1, 2, 0);	 /* one name twice */
	ENTRY(malformed, 2, 2, 1, 1, 1, 0);	 /* names descend */
	ENTRY(malformed, 1, 0, 1, 0);		 /* no name */
	ENTRY(malformed, 1, 1, 1);			 /* no number of chunks */
	ENTRY(malformed, 1, 1, 1, 1);		 /* a chunk is not there */
	ENTRY(malformed, 1, 1, 1, 1, 20, 5); /* nor its reference */
	ENTRY(malformed, 1, 1, 1, UINT64_MAX, 20, 5, 8);
	ENTRY(malformed, 1, 1, 1, 1, 20, UINT64_MAX, 8); /* max_t before min_t */
	ENTRY("postings lists have 2 entries for 1 labels", 0, 0);
}

UNIT_TEST(tsdb_index_hostile_parts)
{
	Parts p = sound;

	p.symbols[1] = "b";
	fails_with(&p, "symbols do not ascend");
	p = sound;
	p.entries[1][2] = 1;
	fails_with(&p, "series entry at offset 48 is not in label order");
	p = sound;
	p.all[1] = 0;
	fails_with(&p, "postings list does not ascend at series 2");
	p = sound;
	p.all[1] = 100;
	fails_with(&p, "there is no series 102");
	p = sound;
	p.n_all = 1;
	fails_with(&p, "postings list at offset 116 names series 3, which is not in the block");
}

/* Chunks that overlap are sound: the second begins 6 ms before the first ends. */
UNIT_TEST(tsdb_index_overlapping_chunks)
{
	static const uint64_t entry[] = {1, 1, 2, 2, 20, 9, 8, UINT64_MAX - 5, 3, 1};
	Parts p = sound;
	Buf file;
	TsdbSeries s;
	TsdbChunkMeta c;
	Err err = ERR_INIT;
	TsdbIndex *ix;

	p.n_varints[1] = 10;
	memcpy(p.entries[1], entry, sizeof(entry));
	fails_with(&p, NULL);
	file = assemble(&p);
	ix = open_buf(&file, &err);
	CHECK(tsdb_index_series(ix, 3, &s, &err));
	CHECK_INT(tsdb_series_next_chunk(&s, &c, &err), 1);
	CHECK(c.min_t == 10 && c.max_t == 19 && c.ref == 8);
	CHECK_INT(tsdb_series_next_chunk(&s, &c, &err), 1);
	CHECK(c.min_t == 13 && c.max_t == 16 && c.ref == 7);
	CHECK_INT(tsdb_series_next_chunk(&s, &c, &err), 0);
	tsdb_index_close(ix);
}

/* Two pairs with one list, as a writer that shares equal lists would make: refused by the check. */
UNIT_TEST(tsdb_index_shared_list)
{
	Buf b = begin_file(2), table = new_buf();
	static const char *const symbols[] = {"", "a", "b"};
	Toc toc = {0};
	Err err = ERR_INIT;
	TsdbIndex *ix;
	uint64_t list;
	uint32_t ref;

	toc.symbols = put_symbols(&b, 3, symbols);
	toc.series = b.len;
	ref = (uint32_t) put_entry(&b, 16, 6, (uint64_t[]){2, 1, 1, 2, 2, 0}) / 16;
	toc.postings = b.len;
	put_u32(&table, 3);
	put_pair(&table, "", "", put_postings(&b, 1, &ref));
	list = put_postings(&b, 1, &ref);
	put_pair(&table, "a", "a", list);
	put_pair(&table, "b", "b", list);
	toc.pairs = put_section(&b, &table);
	finish_file(&b, &toc);
	ix = open_buf(&b, &err);
	CHECK(!tsdb_index_check(ix, &err));
	CHECK_STR(err.msg, "postings offset table does not ascend");
	tsdb_index_close(ix);
}

/* An entry that holds another one. */
UNIT_TEST(tsdb_index_overlapping_entries)
{
	Buf b = begin_file(2), table = new_buf(), outer = new_buf(), inner = new_buf();
	static const char *const symbols[] = {"", "a", "b"};
	TsdbSeriesIter it;
	TsdbSeries s;
	Toc toc = {0};
	Err err = ERR_INIT;
	TsdbIndex *ix;

	toc.symbols = put_symbols(&b, 3, symbols);
	while (b.len % 16 != 0)
		buf_char(&b, 0);
	toc.series = b.len;
	for (const char *p = "\1\1\1\0"; inner.len < 4; p++)
		buf_char(&inner, *p);
	inner.data[2] = 2;
	buf_append(&outer, "\1\1\1\0", 4);
	while (outer.len < 15)
		buf_char(&outer, 0);
	buf_uvarint(&outer, inner.len);
	buf_append(&outer, inner.data, inner.len);
	put_u32(&outer, crc32c(0, inner.data, inner.len));
	buf_uvarint(&b, outer.len);
	buf_append(&b, outer.data, outer.len);
	put_u32(&b, crc32c(0, outer.data, outer.len));
	toc.postings = b.len;
	put_u32(&table, 1);
	put_pair(&table, "", "",
			 put_postings(
				 &b, 2, (uint32_t[]){(uint32_t) toc.series / 16, (uint32_t) toc.series / 16 + 1}));
	toc.pairs = put_section(&b, &table);
	finish_file(&b, &toc);
	ix = open_buf(&b, &err);
	CHECK(tsdb_index_series(ix, toc.series / 16 + 1, &s, &err)); /* by itself it is one */
	CHECK(tsdb_series_begin(ix, &it, &err));
	CHECK_INT(tsdb_series_next(&it, &s, &err), 1);
	CHECK_INT(tsdb_series_next(&it, &s, &err), -1);
	CHECK_STR(err.msg, "series entry at offset 48 overlaps another");
	tsdb_series_end(&it);
	tsdb_index_close(ix);
}

/* An old writer kept labels of empty value; they are as good as none. */
UNIT_TEST(tsdb_index_empty_values)
{
	Parts p = sound;
	Buf file;
	TsdbSeries s;
	Err err = ERR_INIT;
	TsdbIndex *ix;

	p.n_varints[0] = 8;
	memcpy(p.entries[0], (uint64_t[]){2, 1, 1, 2, 0, 0}, 6 * sizeof(uint64_t));
	p.n_varints[0] = 6;
	file = assemble(&p);
	ix = open_buf(&file, &err);
	CHECK(tsdb_index_series(ix, 2, &s, &err));
	CHECK_INT(labels_count(s.labels), 1);
	CHECK_INT(s.n_labels, 2);
	CHECK(labels_check(s.labels.data, s.labels.len));
	tsdb_index_close(ix);
}

/* A long value, again and again: the set has a bound. */
UNIT_TEST(tsdb_index_label_bound)
{
	static char large[600 << 10];
	Parts p = sound;
	Buf file;
	TsdbSeriesIter it;
	TsdbSeries s;
	Err err = ERR_INIT;
	TsdbIndex *ix;

	memset(large, 'x', sizeof(large) - 1);
	p.n_symbols = 4;
	p.symbols[3] = large;
	p.n_varints[0] = 6;
	memcpy(p.entries[0], (uint64_t[]){2, 1, 3, 2, 3, 0}, 6 * sizeof(uint64_t));
	file = assemble(&p);
	ix = open_buf(&file, &err);
	CHECK_STR(err.msg ? err.msg : "", "");
	CHECK(tsdb_series_begin(ix, &it, &err));
	CHECK_INT(tsdb_series_next(&it, &s, &err), -1);
	CHECK(strstr(err.msg, "has more than 1048576 bytes of labels") != NULL);
	tsdb_series_end(&it);
	tsdb_index_close(ix);
}

/* --- broken files ---------------------------------------------------------------------------------------- */

/* Every byte changed in turn, and every length: an error, or an index that can be walked. */
UNIT_TEST(tsdb_index_broken)
{
	Buf files[] = {assemble(&sound), version1()};

	for (int f = 0; f < 2; f++)
	{
		int failed = 0;

		for (size_t i = 0; i < files[f].len; i++)
		{
			for (int bit = 0; bit < 8; bit++)
			{
				Buf copy = new_buf();
				TsdbIndex *ix;

				buf_append(&copy, files[f].data, files[f].len);
				copy.data[i] ^= (char) (1 << bit);
				ix = open_buf(&copy, NULL);
				failed += ix == NULL || !tsdb_index_check(ix, NULL);
				if (ix != NULL)
					tsdb_index_close(ix);
				buf_free(&copy);
			}
		}
		/* padding alone is free to be anything */
		CHECK(failed >= 8 * (int) files[f].len - 8 * 32 && failed <= 8 * (int) files[f].len);
		for (size_t len = 0; len < files[f].len; len++)
		{
			Buf copy = new_buf();
			Err err = ERR_INIT;

			buf_append(&copy, files[f].data, len);
			CHECK(open_buf(&copy, &err) == NULL && err.code == ERR_CORRUPT);
			buf_free(&copy);
		}
	}
}

/* Sections that the table of contents puts where there is nothing. */
UNIT_TEST(tsdb_index_wild_contents)
{
	static const uint64_t wild[] = {1,		   4, 5, 1000, UINT32_MAX, UINT64_MAX, UINT64_MAX - 3,
									1ull << 63};
	Buf file = assemble(&sound);
	size_t toc = file.len - 52;

	for (int field = 0; field < 6; field++)
	{
		for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++)
		{
			Buf copy = new_buf(), at = new_buf();
			TsdbIndex *ix;

			buf_append(&copy, file.data, toc + 48);
			put_u64(&at, wild[i]);
			memcpy(copy.data + toc + 8 * (size_t) field, at.data, 8);
			put_u32(&copy, crc32c(0, copy.data + toc, 48));
			ix = open_buf(&copy, NULL);
			/* where label indices and postings begin nobody asks; symbols do begin at 5 */
			if (field == 2 || field == 4 || (field == 0 && wild[i] == 5))
				CHECK(ix != NULL && tsdb_index_check(ix, NULL));
			else if (ix != NULL && !(field == 1 && wild[i] <= 5))
				CHECK(!tsdb_index_check(ix, NULL));
			if (ix != NULL)
				tsdb_index_close(ix);
		}
	}
}
