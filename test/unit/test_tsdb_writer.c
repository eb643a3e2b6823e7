/*
 * test_tsdb_writer.c
 *    TSDB blocks: the bytes Prometheus writes, round trips, the writer's limits and errors.
 */
#include "unit.h"

#include "bits_text.h"
#include "tsdb_memory.h"
#include "wire/tsdb_writer_int.h"

#include <stdlib.h>

#define MEMORY (64u << 20)

static const uint8_t entropy[TSDB_ULID_RANDOM] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

static TsdbWriter *
writer(TsdbMemory *m, size_t max_memory, uint32_t segment_bytes)
{
	TsdbWriterConfig config = {tsdb_memory_write, m, max_memory, segment_bytes};

	tsdb_memory_init(m);
	return tsdb_writer_create(&config);
}

static TsdbMeta
meta(void)
{
	TsdbMeta m = {.level = 1};

	tsdb_ulid_make(1700000000000, entropy, &m.ulid);
	return m;
}

/* What promtool of Prometheus 2.42 makes of three samples of two series. */
UNIT_TEST(tsdb_writer_bytes_of_prometheus)
{
	static const char index[] =
		"<baaad700020000001c000000060001310132085f5f6e616d655f5f07615f746f74616c01786ac6f7"
		"67000000000000000f02030405010180a0abfef962987508acaba8e0000000000000000000000000"
		"0e020304050201a68cadfef9620023f2a0e091000000000c00000001000000010000000420d59ba6"
		"0000001000000001000000020000000100000002461967b50000000c000000020000000300000005"
		"bb33cbd40000000c000000020000000300000005bb33cbd4000000080000000100000003a7692ed2"
		"00000008000000010000000581c8c93a000000130000000201085f5f6e616d655f5f640101787834"
		"64789d0000002b00000004020000900102085f5f6e616d655f5f07615f746f74616ca40102017801"
		"31b8010201780132c8017b4227000000000000000005000000000000002900000000000000630000"
		"0000000000d8000000000000009000000000000000f37d7c69de>";
	static const char segment[] =
		"<85bd40dd010000001501000280a0abfef9623ff00000000000009875c25fff0570dc0e11010001a6"
		"8cadfef9624000000000000000000eabc31a>";
	static const char *const one[] = {"__name__", "a_total", "x", "1", NULL};
	static const char *const two[] = {"__name__", "a_total", "x", "2", NULL};
	/* as they stand in the segment, with the zero byte more that it wrote after a single sample */
	Buf c1 = bits_text("<000280a0abfef9623ff00000000000009875c25fff>");
	Buf c2 = bits_text("<0001a68cadfef962400000000000000000>");
	Labels a = tsdb_memory_labels(one), b = tsdb_memory_labels(two);
	Buf want = bits_text(index);
	TsdbMeta info = meta();
	TsdbMemory m;
	TsdbWriter *w = writer(&m, MEMORY, 0);
	Err err = ERR_INIT;

	CHECK(tsdb_writer_add_symbols(w, b, &err) && tsdb_writer_add_symbols(w, a, &err));
	CHECK(tsdb_writer_begin(w, &err));
	CHECK(tsdb_writer_add_series(w, a, &err) &&
		  tsdb_writer_add_chunk(w, CHUNK_XOR, 1700000000000, 1700000015000,
								(const uint8_t *) c1.data, c1.len, &err));
	CHECK(tsdb_writer_add_series(w, b, &err) &&
		  tsdb_writer_add_chunk(w, CHUNK_XOR, 1700000015123, 1700000015123,
								(const uint8_t *) c2.data, c2.len, &err));
	CHECK(tsdb_writer_finish(w, &info, &err));
	CHECK_STR(err.msg ? err.msg : "", "");
	tsdb_writer_free(w);
	CHECK_INT(m.index.len, want.len);
	CHECK(memcmp(m.index.data, want.data, want.len) == 0);
	want = bits_text("<0130ba30 01 00000000>");
	CHECK(m.tombstones.len == want.len && memcmp(m.tombstones.data, want.data, want.len) == 0);
	CHECK_INT(m.n_segments, 1);
	want = bits_text(segment);
	CHECK(m.segments[0].len == want.len && memcmp(m.segments[0].data, want.data, want.len) == 0);
	CHECK_STR(m.meta.data,
			  "{\n\t\"ulid\": \"01HF7YAT00041061050R3GG28A\",\n"
			  "\t\"minTime\": 1700000000000,\n\t\"maxTime\": 1700000015124,\n"
			  "\t\"stats\": {\n\t\t\"numSamples\": 3,\n\t\t\"numFloatSamples\": 3,\n"
			  "\t\t\"numSeries\": 2,\n\t\t\"numChunks\": 2\n\t},\n"
			  "\t\"compaction\": {\n\t\t\"level\": 1,\n\t\t\"sources\": [\n"
			  "\t\t\t\"01HF7YAT00041061050R3GG28A\"\n\t\t]\n\t},\n\t\"version\": 1\n}");
}

/* --- round trips ------------------------------------------------------------------------------ */

#define N_SERIES 3000

static int
by_labels(const void *a, const void *b)
{
	return labels_cmp(*(const Labels *) a, *(const Labels *) b);
}

/* fleet -- n label sets in order; a third of them lack a label, all share one pair. */
static Labels *
fleet(int n)
{
	Labels *out = mem_alloc(sizeof(*out) * (size_t) n);

	for (int i = 0; i < n; i++)
	{
		char *name = mem_printf("metric_%d", i % 7);
		char *instance = mem_printf("host-%d:9100", i / 7);
		char *zone = mem_printf("%d", i % 3);
		const char *texts[] = {"__name__", name,   "instance", instance, "job",
							   "node",	   "zone", zone,	   NULL};

		if (i % 3 == 0)
			texts[6] = NULL;
		out[i] = tsdb_memory_labels(texts);
	}
	qsort(out, (size_t) n, sizeof(*out), by_labels);
	return out;
}

/* put_fleet -- series i has i % 4 chunks (so some have none) of five samples, a tombstone if i % 5 == 1. */
static bool
put_fleet(TsdbWriter *w, const Labels *fleet_labels, int n, TsdbMeta *info, Err *err)
{
	for (int i = n - 1; i >= 0; i--)
		if (!tsdb_writer_add_symbols(w, fleet_labels[i], err))
			return false;
	if (!tsdb_writer_begin(w, err))
		return false;
	for (int i = 0; i < n; i++)
	{
		if (!tsdb_writer_add_series(w, fleet_labels[i], err))
			return false;
		for (int c = 0; c < i % 4; c++)
		{
			int64_t t[5];
			double v[5];
			uint8_t *data;
			size_t len;

			for (int s = 0; s < 5; s++)
			{
				t[s] = 1000 * (i + 5 * c + s) - 20000;
				v[s] = i + 0.1 * s;
			}
			len = tsdb_memory_xor(t, v, 5, &data);
			if (!tsdb_writer_add_chunk(w, c == 2 ? CHUNK_FLOAT_HISTOGRAM : CHUNK_XOR, t[0], t[4],
									   data, len, err))
				return false;
			mem_free(data);
		}
		if (i % 5 == 1)
			tsdb_writer_add_tombstone(w, i, i + 10);
	}
	return tsdb_writer_finish(w, info, err);
}

/* check_fleet -- the block has the series that have chunks, in order, with all that they were given. */
static void
check_fleet(TsdbBlock *b, const Labels *fleet_labels, int n)
{
	TsdbBlockSeries s;
	TsdbBlockChunk c;
	Err err = ERR_INIT;

	for (int i = 0; i < n; i++)
	{
		if (i % 4 == 0)
			continue;
		if (tsdb_block_next_series(b, &s, &err) != 1 || !labels_equal(s.labels, fleet_labels[i]))
		{
			unit_fail(__FILE__, __LINE__, "series %d: %s", i, err.msg);
			return;
		}
		CHECK_INT(s.n_deleted, i % 5 == 1);
		if (i % 5 == 1)
			CHECK(s.deleted[0].min_t == i && s.deleted[0].max_t == i + 10);
		for (int j = 0; j < i % 4; j++)
		{
			int64_t t[5];
			double v[5];

			CHECK_INT(tsdb_block_next_chunk(b, &c, &err), 1);
			CHECK_INT(c.min_t, 1000 * (i + 5 * j) - 20000);
			CHECK_INT(c.max_t, c.min_t + 4000);
			CHECK_INT(c.chunk.encoding, j == 2 ? CHUNK_FLOAT_HISTOGRAM : CHUNK_XOR);
			CHECK_INT(chunk_xor_decode(c.chunk.data, c.chunk.len, t, v, 5, &err), 5);
			CHECK(t[4] == c.max_t && v[1] == i + 0.1);
		}
		CHECK_INT(tsdb_block_next_chunk(b, &c, &err), 0);
	}
	CHECK_INT(tsdb_block_next_series(b, &s, &err), 0);
	CHECK(err.msg == NULL);
}

/* check_pairs -- each pair's postings are exactly the series that carry it. */
static void
check_pairs(TsdbIndex *ix, const Labels *fleet_labels, int n_series)
{
	TsdbPairIter it;
	Label pair;
	uint64_t offset, ref;
	int64_t n = 0;
	Err err = ERR_INIT;

	for (int i = 0; i < n_series; i++)
		n -= i % 4 == 0 ? 0 : labels_count(fleet_labels[i]);
	tsdb_pairs_begin(ix, &it);
	while (tsdb_pairs_next(&it, &pair, &offset, &err) == 1)
	{
		TsdbPostings found, walked;

		CHECK(tsdb_postings_find(ix, pair.name, pair.value, &found, &err));
		CHECK(tsdb_postings_open(ix, offset, &walked, &err) && walked.p == found.p);
		while (tsdb_postings_next(&found, &ref, &err) == 1)
		{
			TsdbSeries s;
			StrView value;

			CHECK(tsdb_index_series(ix, ref, &s, &err));
			labels_get(s.labels, pair.name, &value);
			CHECK(strview_eq(value, pair.value));
			n += pair.name.len > 0;
		}
	}
	CHECK_INT(n, 0);
	CHECK(
		tsdb_postings_find(ix, strview_cstr("job"), strview_cstr("nod"), &(TsdbPostings){0}, &err));
	CHECK(err.msg == NULL);
}

UNIT_TEST(tsdb_writer_round_trip)
{
	Labels *labels = fleet(N_SERIES);
	TsdbMeta info = meta();
	TsdbMemory m;
	TsdbWriter *w = writer(&m, MEMORY, 8192);
	TsdbBlockFiles files;
	TsdbBlock *b;
	Err err = ERR_INIT;

	info.level = 2;
	CHECK(put_fleet(w, labels, N_SERIES, &info, &err));
	tsdb_writer_free(w);
	files = tsdb_memory_files(&m);
	CHECK(files.n_segments > 5);
	for (int i = 0; i < files.n_segments; i++)
		CHECK(files.segments[i].len <= 8192 &&
			  files.segments[i].len > 8000 - 8000 * (i + 1 == files.n_segments));
	b = tsdb_block_open(&files, &err);
	CHECK_STR(err.msg ? err.msg : "", "");
	if (b == NULL)
		return;
	CHECK_INT(tsdb_block_meta(b)->series, 2250);
	CHECK_INT(tsdb_block_meta(b)->chunks, 4500);
	CHECK_INT(tsdb_block_meta(b)->samples, 22500);
	CHECK_INT(tsdb_block_meta(b)->histogram_samples, 3750);
	CHECK_INT(tsdb_block_meta(b)->float_samples, 18750);
	CHECK_INT(tsdb_block_meta(b)->tombstones, 450);
	CHECK_INT(tsdb_block_meta(b)->level, 2);
	CHECK_INT(tsdb_block_meta(b)->min_t, -19000);
	CHECK_INT(tsdb_block_meta(b)->max_t, 1000 * (2999 + 14) - 20000 + 1);
	CHECK_INT(tsdb_index_version(tsdb_block_index(b)), 2);
	check_fleet(b, labels, N_SERIES);
	check_pairs(tsdb_block_index(b), labels, N_SERIES);
	CHECK(tsdb_index_check(tsdb_block_index(b), &err));
	CHECK_STR(err.msg ? err.msg : "", "");
	tsdb_block_close(b);
}

/* A block without series, and one of a series without labels, are blocks. */
UNIT_TEST(tsdb_writer_empty)
{
	for (int n = 0; n < 2; n++)
	{
		TsdbMeta info = meta();
		TsdbMemory m;
		TsdbWriter *w = writer(&m, MEMORY, 0);
		TsdbBlockFiles files;
		TsdbBlockSeries s;
		TsdbBlock *b;
		Err err = ERR_INIT;

		CHECK(tsdb_writer_begin(w, &err));
		if (n == 1)
		{
			uint8_t *data;
			size_t len = tsdb_memory_xor((int64_t[]){INT64_MIN}, (double[]){1}, 1, &data);

			CHECK(tsdb_writer_add_series(w, (Labels){NULL, 0}, &err));
			CHECK(tsdb_writer_add_chunk(w, CHUNK_XOR, INT64_MIN, INT64_MIN, data, len, &err));
		}
		CHECK(tsdb_writer_finish(w, &info, &err));
		tsdb_writer_free(w);
		files = tsdb_memory_files(&m);
		b = tsdb_block_open(&files, &err);
		CHECK_STR(err.msg ? err.msg : "", "");
		CHECK(tsdb_index_check(tsdb_block_index(b), &err));
		CHECK_INT(tsdb_block_next_series(b, &s, &err), n);
		CHECK_INT(info.series, n);
		CHECK(n == 0 || (s.labels.len == 0 && info.min_t == INT64_MIN));
		tsdb_block_close(b);
	}
}

/* Postings over many pages and with gaps of every length, against plain arrays. */
UNIT_TEST(tsdb_writer_long_postings)
{
	enum
	{
		N = 60000,
		VALUES = 50
	};
	static uint32_t series[N], value[N];
	TsdbBudget budget = {0, MEMORY};
	TsdbPairs p;
	uint32_t last = 0, n[VALUES] = {0}, n_all = 0;
	uint64_t random = 1;

	CHECK(tsdb_pairs_init(&p, &budget));
	for (int i = 0; i < N; i++)
	{
		random = random * UINT64_C(6364136223846793005) + 1;
		last += 1 + (uint32_t) (random >> 33) % (1u << random % 17);
		if (i == N - 1)
			last = UINT32_MAX;
		series[i] = last;
		value[i] = (uint32_t) (random >> 40) % VALUES;
		n[value[i]]++;
		CHECK(tsdb_pairs_add(&p, 7, value[i], last) && tsdb_pairs_add_all(&p, last));
	}
	CHECK(tsdb_pairs_sort(&p) && p.n == VALUES + 1 && p.n_pages > 2);
	for (uint32_t v = 0; v <= VALUES; v++)
	{
		const TsdbPair *pair = &p.items[v == VALUES ? 0 : p.sorted[v]];
		TsdbPairWalk walk;
		bool ok = true;

		tsdb_pairs_walk(&p, pair, &walk);
		for (int i = 0; i < N; i++)
			if (v == VALUES || value[i] == v)
				ok &= tsdb_pairs_walk_next(&walk) == series[i];
		CHECK(ok && walk.left == 0);
		CHECK(v == VALUES || (pair->name == 7 && pair->value == v && pair->n == n[v]));
		n_all += v < VALUES ? pair->n : 0;
	}
	CHECK_INT(n_all, N);
	CHECK(budget.used <= budget.max);
	tsdb_pairs_free(&p);
}

/* --- limits and errors ---------------------------------------------------------------------------- */

/* Whatever the budget, the writer keeps it, and either writes the block or says that it is too small. */
UNIT_TEST(tsdb_writer_memory_budget)
{
	Labels *labels = fleet(N_SERIES);
	size_t last_failed = 0, first_ok = 0;

	for (size_t max = 1000; max < 2000000; max += max / 4)
	{
		TsdbMeta info = meta();
		TsdbMemory m;
		TsdbWriter *w = writer(&m, max, 0);
		Err err = ERR_INIT;
		bool ok = put_fleet(w, labels, N_SERIES, &info, &err);

		CHECK(tsdb_writer_memory(w) <= max);
		CHECK(ok || err.code == ERR_TOO_MUCH_MEMORY);
		if (!ok)
			last_failed = max;
		else if (first_ok == 0)
			first_ok = max;
		tsdb_writer_free(w);
		buf_free(&m.index);
	}
	CHECK(last_failed > 0 && first_ok > last_failed);
}

/* A failing write fails the call under way with its error, whichever write it is. */
UNIT_TEST(tsdb_writer_failing_writes)
{
	Labels *labels = fleet(N_SERIES);
	int fails = 0;

	for (int at = 1;; at++)
	{
		TsdbMeta info = meta();
		TsdbMemory m;
		TsdbWriter *w = writer(&m, MEMORY, 8192);
		Err err = ERR_INIT;
		bool ok;

		m.fail_at = at;
		ok = put_fleet(w, labels, N_SERIES, &info, &err);
		tsdb_writer_free(w);
		if (ok)
			break;
		fails++;
		CHECK_STR(err.msg, "no space left on device");
		CHECK_INT(m.writes, at); /* none after it */
		CHECK_INT(m.meta.len, 0);
		if (unit_failed())
			break;
	}
	CHECK(fails > 10);
}

typedef enum Misuse
{
	MISUSE_ORDER,
	MISUSE_TWICE,
	MISUSE_SYMBOL,
	MISUSE_OVERLAP,
	MISUSE_EMPTY_CHUNK,
	MISUSE_LARGE_CHUNK,
	N_MISUSES
} Misuse;

static bool
misuse(TsdbWriter *w, Misuse what, Err *err)
{
	Labels a = tsdb_memory_labels((const char *const[]){"a", "1", NULL});
	Labels b = tsdb_memory_labels((const char *const[]){"b", "1", NULL});
	uint8_t *data, large[600] = {0, 1};
	size_t len = tsdb_memory_xor((int64_t[]){5}, (double[]){1}, 1, &data);

	if (!tsdb_writer_add_symbols(w, a, err) ||
		(what != MISUSE_SYMBOL && !tsdb_writer_add_symbols(w, b, err)) ||
		!tsdb_writer_begin(w, err) ||
		!tsdb_writer_add_series(w, what == MISUSE_ORDER ? b : a, err) ||
		!tsdb_writer_add_chunk(w, CHUNK_XOR, 5, 5, data, len, err))
		return false;
	switch (what)
	{
		case MISUSE_ORDER:
		case MISUSE_TWICE:
			return tsdb_writer_add_series(w, a, err);
		case MISUSE_SYMBOL:
			return tsdb_writer_add_series(w, b, err);
		case MISUSE_OVERLAP:
			return tsdb_writer_add_chunk(w, CHUNK_XOR, 5, 5, data, len, err);
		case MISUSE_EMPTY_CHUNK:
			return tsdb_writer_add_chunk(w, CHUNK_XOR, 6, 6, (const uint8_t *) "\0\0", 2, err);
		default:
			return tsdb_writer_add_chunk(w, CHUNK_XOR, 6, 6, large, sizeof(large), err);
	}
}

UNIT_TEST(tsdb_writer_misuse)
{
	static const char *const want[N_MISUSES] = {
		"series of the block are not in label order",
		"series of the block are not in label order",
		"a label of a series is not among the symbols",
		"chunks of a series are empty or overlap",
		"chunks of a series are empty or overlap",
		"a chunk of 600 bytes fits no segment",
	};

	for (Misuse what = 0; what < N_MISUSES; what++)
	{
		TsdbMemory m;
		TsdbWriter *w = writer(&m, MEMORY, 500);
		Err err = ERR_INIT;

		CHECK(!misuse(w, what, &err));
		CHECK_STR(err.msg, want[what]);
		tsdb_writer_free(w);
	}
}
