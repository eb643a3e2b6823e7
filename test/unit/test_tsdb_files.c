/*
 * test_tsdb_files.c
 *    The small files of a TSDB block: ULIDs, meta.json, tombstones, chunk segments.
 */
#include "unit.h"

#include "bits_text.h"
#include "tsdb_memory.h"
#include "util/crc32c.h"

static TsdbBytes
text_bytes(const char *s)
{
	/* a block of its own, so that the sanitizer sees a read beyond it */
	return (TsdbBytes){mem_dup(s, strlen(s)), strlen(s)};
}

/* --- ULIDs ------------------------------------------------------------------------------------------ */

UNIT_TEST(tsdb_ulid_forms)
{
	uint8_t random[TSDB_ULID_RANDOM];
	TsdbUlid a, b;

	memset(random, 0xff, sizeof(random));
	tsdb_ulid_make((INT64_C(1) << 48) - 1, random, &a);
	CHECK_STR(a.text, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
	CHECK_INT(tsdb_ulid_time(&a), (INT64_C(1) << 48) - 1);
	memset(random, 0, sizeof(random));
	tsdb_ulid_make(1469918176385, random, &a); /* the specification's example of a time */
	CHECK_STR(a.text, "01ARYZ6S410000000000000000");
	CHECK_INT(tsdb_ulid_time(&a), 1469918176385);
	CHECK(tsdb_ulid_parse("01m8gmc2h4thmc4s5wkcwfqyt3", 26, &b));
	CHECK_STR(b.text, "01M8GMC2H4THMC4S5WKCWFQYT3");
	CHECK(!tsdb_ulid_parse("81M8GMC2H4THMC4S5WKCWFQYT3", 26, &b)); /* more than 128 bits */
	CHECK(!tsdb_ulid_parse("01M8GMC2H4THMC4S5WKCWFQYTU", 26, &b));
	CHECK(!tsdb_ulid_parse("01M8GMC2H4THMC4S5WKCWFQYT", 25, &b));
	CHECK(!tsdb_ulid_parse("01M8GMC2H4THMC4S5WKCWFQY\0", 26, &b));
}

/* --- meta.json ------------------------------------------------------------------------------------------ */

/* What Mimir's compactor writes, shortened. */
static const char mimir_meta[] =
	"{\n\t\"ulid\": \"01M8GMC2H4THMC4S5WKCWFQYT3\", \"minTime\": -9223372036854775808,\n"
	"\t\"maxTime\": 1700007200000, \"stats\": {\"numSamples\": 12, \"numSeries\": 3,\n"
	"\t\"numChunks\": 4, \"numFloatSamples\": 10, \"numHistogramSamples\": 2},\n"
	"\t\"compaction\": {\"level\": 2, \"sources\": [\"01M8GMC2H4THMC4S5WKCWFQYT0\",\n"
	"\t\"01M8GMC2H4THMC4S5WKCWFQYT1\"], \"parents\": [{\"ulid\": \"01M8GMC2H4THMC4S5WKCWFQYT1\",\n"
	"\t\"minTime\": 5, \"maxTime\": 7}], \"hints\": [\"x\", \"from-out-of-order\"], \"deletable\": "
	"true},\n"
	"\t\"version\": 1, \"out_of_order\": false, \"thanos\": {\"labels\": {\"__org_id__\": "
	"\"a\\u00e4\",\n"
	"\t\"__compactor_shard_id__\": \"1_of_4\"}, \"downsample\": {\"resolution\": 0}, \"source\": "
	"\"compactor\",\n"
	"\t\"segment_files\": [\"000001\"], \"files\": [{\"rel_path\": \"chunks/000001\", "
	"\"size_bytes\": 99},\n"
	"\t{\"rel_path\": \"index\", \"size_bytes\": 346}, {\"rel_path\": \"meta.json\"}]}}\n";

UNIT_TEST(tsdb_meta_of_mimir)
{
	TsdbMeta m;
	Err err = ERR_INIT;
	Buf text;

	buf_init(&text, 64, 1024);
	CHECK(tsdb_meta_read(text_bytes(mimir_meta), &m, &err));
	CHECK_STR(err.msg ? err.msg : "", "");
	CHECK_STR(m.ulid.text, "01M8GMC2H4THMC4S5WKCWFQYT3");
	CHECK(m.min_t == INT64_MIN && m.max_t == 1700007200000);
	CHECK(m.samples == 12 && m.series == 3 && m.chunks == 4 && m.tombstones == 0);
	CHECK(m.float_samples == 10 && m.histogram_samples == 2);
	CHECK(m.level == 2 && m.n_sources == 2 && m.n_parents == 1);
	CHECK_STR(m.sources[1].text, "01M8GMC2H4THMC4S5WKCWFQYT1");
	CHECK_STR(m.parents[0].ulid.text, "01M8GMC2H4THMC4S5WKCWFQYT1");
	CHECK(m.parents[0].min_t == 5 && m.parents[0].max_t == 7);
	CHECK(m.out_of_order && m.deletable && !m.failed);
	CHECK_INT(m.n_files, 3);
	CHECK(strview_eq_cstr(m.files[0].path, "chunks/000001") && m.files[0].bytes == 99);
	CHECK(strview_eq_cstr(m.files[2].path, "meta.json") && m.files[2].bytes == 0);
	labels_text(&text, m.external);
	CHECK_STR(text.data, "{__compactor_shard_id__=\"1_of_4\", __org_id__=\"a\xc3\xa4\"}");
}

/* What is written can be read, and written again the same. */
UNIT_TEST(tsdb_meta_round_trip)
{
	TsdbMeta m, again;
	Err err = ERR_INIT;
	Buf a, b;

	buf_init(&a, 64, 1 << 20);
	buf_init(&b, 64, 1 << 20);
	CHECK(tsdb_meta_read(text_bytes(mimir_meta), &m, &err));
	m.failed = true;
	m.tombstones = 7;
	tsdb_meta_write(&a, &m);
	CHECK(tsdb_meta_read(text_bytes(a.data), &again, &err));
	tsdb_meta_write(&b, &again);
	CHECK_STR(b.data, a.data);
	CHECK(again.failed && again.tombstones == 7 && again.n_parents == 1);
	memset(&m, 0, sizeof(m));
	m.ulid = again.ulid;
	buf_reset(&a);
	tsdb_meta_write(&a, &m);
	CHECK(tsdb_meta_read(text_bytes(a.data), &again, &err));
	CHECK_STR(err.msg ? err.msg : "", "");
}

UNIT_TEST(tsdb_meta_malformed)
{
	static const struct
	{
		const char *text, *wrong;
	} cases[] = {
		{"", "syntax"},
		{"{", "syntax"},
		{"[1]", "outermost value"},
		{"1", "syntax"}, /* a number may go on */
		{"{} x", "syntax"},
		{"{}", "version"},
		{"{\"version\":1}", "ulid"},
		{"{\"version\":2}", "version"},
		{"{\"version\":\"1\"}", "version"},
		{"{\"version\":1,\"ulid\":\"01M8GMC2H4THMC4S5WKCWFQYT\"}", "ulid"},
		{"{\"version\":1,\"ulid\":5}", "ulid"},
		{"{\"version\":1,\"ulid\":null}", "ulid"},
#define GOOD "{\"version\":1,\"ulid\":\"01M8GMC2H4THMC4S5WKCWFQYT3\","
		{GOOD "\"minTime\":1.5}", "time range"},
		{GOOD "\"minTime\":2,\"maxTime\":1}", "time range"},
		{GOOD "\"stats\":[]}", "stats"},
		{GOOD "\"stats\":{\"numSeries\":-1}}", "stats"},
		{GOOD "\"stats\":{\"numSeries\":true}}", "stats"},
		{GOOD "\"compaction\":1}", "compaction"},
		{GOOD "\"compaction\":{\"level\":\"x\"}}", "compaction"},
		{GOOD "\"compaction\":{\"sources\":[1,2,3,4,5]}}", "compaction.sources"},
		{GOOD "\"compaction\":{\"sources\":{}}}", "compaction.sources"},
		{GOOD "\"compaction\":{\"parents\":[[]]}}", "compaction.parents"},
		{GOOD "\"compaction\":{\"parents\":[{},{},{},{},{},{},{}]}}", "compaction.parents"},
		{GOOD "\"compaction\":{\"hints\":\"x\"}}", "compaction.hints"},
		{GOOD "\"thanos\":{\"labels\":{\"a\":1}}}", "thanos.labels"},
		{GOOD "\"thanos\":{\"files\":[{\"rel_path\":1}]}}", "thanos.files"},
		{GOOD "\"thanos\":{\"downsample\":{\"resolution\":\"x\"}}}", "thanos.downsample"},
		{GOOD "\"x\":[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]}", "syntax"},
		{GOOD "\"x\":\"\xff\"}", "syntax"},
		{GOOD "\"x\":1}", NULL},
		{GOOD "\"stats\":null,\"compaction\":null,\"thanos\":null}", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		TsdbMeta m;
		Err err = ERR_INIT;
		bool ok = tsdb_meta_read(text_bytes(cases[i].text), &m, &err);

		CHECK(ok == (cases[i].wrong == NULL));
		CHECK_STR(ok ? "" : err.msg + strlen("meta.json is malformed: "),
				  cases[i].wrong ? cases[i].wrong : "");
	}
	CHECK(!tsdb_meta_read((TsdbBytes){(const uint8_t *) "", TSDB_META_MAX_BYTES + 1},
						  &(TsdbMeta){0}, NULL));
}

/* --- tombstones ---------------------------------------------------------------------------------------------- */

static TsdbBytes
tombstones_file(int n, const TsdbTombstone *items)
{
	Buf b;

	buf_init(&b, 16, 1 << 20);
	tsdb_tombstones_begin(&b);
	for (int i = 0; i < n; i++)
		tsdb_tombstones_put(&b, &items[i]);
	tsdb_tombstones_finish(&b);
	return (TsdbBytes){mem_dup(b.data, b.len), b.len};
}

/* Sorted; overlapping and adjacent ranges of a series joined. */
UNIT_TEST(tsdb_tombstones_order)
{
	static const TsdbTombstone items[] = {
		{7, 50, 60}, {3, 10, 20}, {7, INT64_MIN, -5}, {3, 21, 30},	 {3, 12, 15},
		{7, -3, 0},	 {3, 32, 40}, {9, 5, INT64_MAX},  {9, 100, 200}, {UINT64_MAX, 0, 0},
	};
	static const TsdbTombstone want[] = {
		{3, 10, 30}, {3, 32, 40},		{7, INT64_MIN, -5}, {7, -3, 0},
		{7, 50, 60}, {9, 5, INT64_MAX}, {UINT64_MAX, 0, 0},
	};
	const TsdbTombstone *found;
	TsdbTombstones t;
	Err err = ERR_INIT;

	CHECK(tsdb_tombstones_read(tombstones_file(10, items), &t, &err));
	CHECK_INT(t.n, 7);
	for (int i = 0; i < 7; i++)
		CHECK(t.items[i].ref == want[i].ref && t.items[i].min_t == want[i].min_t &&
			  t.items[i].max_t == want[i].max_t);
	CHECK_INT(tsdb_tombstones_find(&t, 7, &found), 3);
	CHECK(found == &t.items[2]);
	CHECK_INT(tsdb_tombstones_find(&t, 8, &found), 0);
	CHECK_INT(tsdb_tombstones_find(&t, 0, &found), 0);
	tsdb_tombstones_free(&t);
	CHECK(tsdb_tombstones_read((TsdbBytes){NULL, 0}, &t, &err) && t.n == 0);
	CHECK_INT(tsdb_tombstones_find(&t, 8, &found), 0);
}

UNIT_TEST(tsdb_tombstones_malformed)
{
	static const char *const cases[] = {
		"<0130ba31 01 00000000>",		 "<0130ba30 02 00000000>",		"<0130ba30 01 00000001>",
		"<0130ba30 01 000000>",			 "<0130ba30 01 0102 03f89f52>", "<0130ba30 01>",
		"<0130ba30 01 010200 e26001ea>", /* max_t before min_t */
	};
	TsdbTombstones t;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Buf b = bits_text(cases[i]);
		Err err = ERR_INIT;

		CHECK(!tsdb_tombstones_read((TsdbBytes){mem_dup(b.data, b.len), b.len}, &t, &err));
		CHECK_INT(err.code, ERR_CORRUPT);
		CHECK(i < 4 || i == 5 || strstr(err.msg, "malformed entry") != NULL);
	}
}

/* --- chunks ------------------------------------------------------------------------------------------------------ */

UNIT_TEST(tsdb_chunk_references)
{
	/* header; chunk of two bytes at 8; one of encoding 4 at 16; one of a wrong checksum at 23 */
	Buf b =
		bits_text("<85bd40dd01000000 02 01 abcd 943b29c9 01 04 00 bfeb160e 01 01 00 00000000 ff>");
	uint64_t bad[] = {0, 7, 9, 16, 23, 30, 31, 1000, (1ull << 32) | 8, UINT64_MAX};
	TsdbBytes segment = {mem_dup(b.data, b.len), b.len};
	TsdbChunk c;
	Err err = ERR_INIT;

	CHECK(tsdb_segment_check(segment, 1, &err));
	CHECK(!tsdb_segment_check((TsdbBytes){segment.data, 7}, 1, NULL));
	CHECK(!tsdb_segment_check((TsdbBytes){segment.data + 1, 20}, 1, NULL));
	if (!tsdb_chunk_get(&segment, 1, 8, &c, &err))
		unit_fail(__FILE__, __LINE__, "%s", err.msg);
	else
		CHECK(c.encoding == CHUNK_XOR && c.len == 2 && c.data == segment.data + 10);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		Err e = ERR_INIT;

		CHECK(!tsdb_chunk_get(&segment, 1, bad[i], &c, &e) && e.code == ERR_CORRUPT);
	}
}

/* same_chunk -- make all chunks of the only series the first one: a reference's difference is 18. */
static void
same_chunk(Buf *index, int n)
{
	TsdbCursor in = {(const uint8_t *) index->data + 32, (const uint8_t *) index->data + index->len,
					 false};
	size_t len = tsdb_get_uvarint(&in);
	uint8_t *body = (uint8_t *) index->data + (in.p - (const uint8_t *) index->data);
	uint8_t *p = body + len;
	uint32_t crc;

	for (int i = 1; i < n; i++)
	{
		p -= 3;
		CHECK(p[0] == 1 && p[1] == 0 && p[2] == 18);
		p[2] = 0;
	}
	crc = __builtin_bswap32(crc32c(0, body, len));
	memcpy(body + len, &crc, sizeof(crc));
}

/* An index that names one chunk a thousand times asks for more than there is. */
UNIT_TEST(tsdb_block_repeated_chunk)
{
	TsdbMemory m;
	TsdbWriterConfig config = {tsdb_memory_write, &m, 1 << 20, 0};
	Labels labels = tsdb_memory_labels((const char *const[]){"a", "b", NULL});
	TsdbMeta info = {.level = 1};
	TsdbBlockFiles files;
	TsdbBlockSeries s;
	TsdbBlockChunk c;
	TsdbWriter *w;
	TsdbBlock *b;
	Err err = ERR_INIT;
	int n = 0;

	tsdb_memory_init(&m);
	w = tsdb_writer_create(&config);
	tsdb_ulid_make(0, (const uint8_t *) "random bits", &info.ulid);
	CHECK(tsdb_writer_add_symbols(w, labels, &err) && tsdb_writer_begin(w, &err) &&
		  tsdb_writer_add_series(w, labels, &err));
	for (int i = 0; i < 1000; i++)
		CHECK(tsdb_writer_add_chunk(w, CHUNK_XOR, i, i, (const uint8_t *) "\0\1\0", 3, &err));
	CHECK(tsdb_writer_finish(w, &info, &err));
	tsdb_writer_free(w);
	same_chunk(&m.index, 1000);
	/* a segment of only that chunk */
	m.segments[0].len = TSDB_SEGMENT_HEADER + 9;
	files = tsdb_memory_files(&m);
	b = tsdb_block_open(&files, &err);
	CHECK_INT(tsdb_block_next_series(b, &s, &err), 1);
	while (tsdb_block_next_chunk(b, &c, &err) == 1)
		n++;
	CHECK_INT(n, (TSDB_SEGMENT_HEADER + 9) / 3);
	CHECK_STR(err.msg, "index names the same chunks more than once");
	tsdb_block_close(b);
}
