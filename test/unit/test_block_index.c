/*
 * test_block_index.c
 *    The index of a compacted block against a plain list of series.
 */
#include "unit.h"

#include "block_bytes.h"
#include "codec/block_postings.h"

#include <stdlib.h>

static uint64_t seed;

static uint32_t
rnd(uint32_t n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t) ((seed * UINT64_C(2685821657736338717)) >> 33) % n;
}

static void
check_postings(const uint32_t *o, uint32_t n, uint32_t nseries, int form)
{
	Buf out;
	uint64_t bits[64] = {0};
	uint32_t k = 0;

	buf_init(&out, 16, 1 << 20);
	block_postings_put(&out, o, n);
	if (form >= 0)
		CHECK_INT(out.data[0], form);
	CHECK(block_postings_or((const uint8_t *) out.data, out.len, nseries, bits));
	for (uint32_t i = 0; i < 64 * 64; i++)
	{
		bool want = k < n && o[k] == i;

		if (((bits[i / 64] >> i % 64) & 1) != want)
		{
			unit_fail(__FILE__, __LINE__, "ordinal %u of %u", i, n);
			return;
		}
		k += want;
	}
	/* an ordinal that is no series is refused */
	CHECK(!block_postings_or((const uint8_t *) out.data, out.len, o[n - 1], bits));
	buf_free(&out);
}

UNIT_TEST(postings_forms)
{
	uint32_t run[2000];
	uint32_t sparse[20];
	uint32_t half[1000];

	for (uint32_t i = 0; i < 2000; i++)
		run[i] = 100 + i;
	for (uint32_t i = 0; i < 20; i++)
		sparse[i] = i * 200 + 7;
	seed = 7;
	for (uint32_t i = 0, at = 0; i < 1000; i++)
		half[i] = at += 1 + rnd(3);
	check_postings(run, 2000, 4096, 1);
	check_postings(sparse, 20, 4096, 0);
	check_postings(half, 1000, 4096, 2);
	check_postings(run, 1, 4096, -1);
}

UNIT_TEST(postings_random)
{
	seed = 11;
	for (int round = 0; round < 200; round++)
	{
		uint32_t o[4096];
		uint32_t n = 0;
		uint32_t density = 1 + rnd(40);

		for (uint32_t i = 0; i < 4096; i++)
			if (rnd(density) == 0 || (i > 0 && n > 0 && o[n - 1] == i - 1 && rnd(3) > 0))
				o[n++] = i;
		if (n > 0)
			check_postings(o, n, 4096, -1);
	}
}

/* ---- index ------------------------------------------------------------------------------------- */

#define NSERIES 700

typedef struct World
{
	Labels series[NSERIES];
	int n;
	Buf index;
	MemoryBytes bytes;
	BlockIndex *ix;
} World;

static int
cmp_labels_ptr(const void *a, const void *b)
{
	return labels_cmp(*(const Labels *) a, *(const Labels *) b);
}

static Labels
random_labels(void)
{
	LabelsBuilder b;
	char text[4][40];

	labels_builder_init(&b);
	snprintf(text[0], sizeof(text[0]), "metric_%u_total", rnd(9));
	labels_builder_set(&b, strview_cstr("__name__"), strview_cstr(text[0]));
	snprintf(text[1], sizeof(text[1]), "10.0.%u.%u:9100", rnd(4), rnd(50));
	labels_builder_set(&b, strview_cstr("instance"), strview_cstr(text[1]));
	if (rnd(3) > 0)
	{
		snprintf(text[2], sizeof(text[2]), "job-%u", rnd(5));
		labels_builder_set(&b, strview_cstr("job"), strview_cstr(text[2]));
	}
	if (rnd(10) == 0)
		labels_builder_set(&b, strview_cstr("canary"), strview_cstr("yes"));
	return labels_builder_finish(&b);
}

static void
make_world(World *w)
{
	BlockIndexWriter *writer = block_index_writer_create();
	int kept = 0;

	seed = 42;
	for (int i = 0; i < NSERIES; i++)
		w->series[i] = random_labels();
	qsort(w->series, NSERIES, sizeof(Labels), cmp_labels_ptr);
	for (int i = 0; i < NSERIES; i++)
		if (kept == 0 || !labels_equal(w->series[kept - 1], w->series[i]))
			w->series[kept++] = w->series[i];
	w->n = kept;
	for (int i = 0; i < w->n; i++)
	{
		BlockChunk chunks[2] = {
			{.len = 10 + i},
			{.len = 3, .min_t = -5 + i, .max_t = 7 + i, .count = 4, .encoding = 2}};

		if (i % 7 == 0)
			block_index_add_times(writer, 1000 + i, 2000 + i, 60, 5);
		chunks[0].times = 1 + i / 7;
		CHECK(block_index_add_series(writer, 900000 - i * 3, w->series[i], chunks, 1 + i % 2));
	}
	CHECK_INT(block_index_nseries(writer), w->n);
	CHECK(block_index_memory(writer) > 1000);
	buf_init(&w->index, 1024, 1 << 24);
	CHECK(block_index_finish(writer, &w->index));
	block_index_writer_free(writer);
	memory_bytes_init(&w->bytes, w->index.data, w->index.len);
}

static void
open_world(World *w)
{
	Err err = ERR_INIT;

	make_world(w);
	w->ix = block_index_open(&w->bytes.base, &err);
	CHECK(w->ix != NULL);
}

UNIT_TEST(block_index_series_come_back)
{
	World w;
	Err err = ERR_INIT;
	uint64_t offset = 0;

	open_world(&w);
	CHECK_INT(block_index_count(w.ix), w.n);
	CHECK_INT(block_index_nnames(w.ix), 4);
	for (int i = 0; i < w.n; i++)
	{
		BlockSeries s;
		Labels ls;

		CHECK(block_index_series(w.ix, i, &s, &err));
		CHECK_INT(s.series_id, 900000 - i * 3);
		CHECK(block_index_labels(w.ix, &s, &ls, &err));
		CHECK(labels_equal(ls, w.series[i]));
		CHECK_INT(s.nchunks, 1 + i % 2);
		CHECK_INT(s.chunks[0].offset, offset);
		CHECK_INT(s.chunks[0].len, 10 + i);
		CHECK_INT(s.chunks[0].min_t, 1000 + i / 7 * 7);
		CHECK_INT(s.chunks[0].max_t, 2000 + i / 7 * 7);
		CHECK_INT(s.chunks[0].count, 60);
		offset += 10 + i;
		if (i % 2)
		{
			CHECK_INT(s.chunks[1].min_t, -5 + i);
			CHECK_INT(s.chunks[1].max_t, 7 + i);
			CHECK_INT(s.chunks[1].count, 4);
			CHECK_INT(s.chunks[1].encoding, 2);
			CHECK_INT(s.chunks[1].offset, offset);
			offset += 3;
		}
	}
	block_index_close(w.ix);
}

UNIT_TEST(block_index_series_in_any_order)
{
	World w;
	Err err = ERR_INIT;

	open_world(&w);
	for (int k = 0; k < 500; k++)
	{
		int i = (int) rnd((uint32_t) w.n);
		BlockSeries s;
		Labels ls;

		CHECK(block_index_series(w.ix, (uint32_t) i, &s, &err));
		CHECK(block_index_labels(w.ix, &s, &ls, &err));
		CHECK(labels_equal(ls, w.series[i]));
	}
	CHECK(!block_index_series(w.ix, (uint32_t) w.n, &(BlockSeries){0}, &err));
	block_index_close(w.ix);
}

UNIT_TEST(block_index_times_of_columns)
{
	World w;
	Err err = ERR_INIT;
	BlockTimes t;

	open_world(&w);
	CHECK(block_index_times(w.ix, 3, &t, &err));
	CHECK_INT(t.offset, 10);
	CHECK_INT(t.len, 5);
	CHECK_INT(t.count, 60);
	CHECK_INT(t.min_t, 1014);
	CHECK(!block_index_times(w.ix, 0, &t, &err));
	CHECK(!block_index_times(w.ix, 100000, &t, &(Err) ERR_INIT));
	block_index_close(w.ix);
}

static void
check_matchers(World *w, const Matcher *ms, int n, const char *what)
{
	Err err = ERR_INIT;
	uint32_t *ordinals;
	uint32_t count;
	uint32_t k = 0;

	if (!block_index_resolve(w->ix, ms, n, &ordinals, &count, &err))
	{
		unit_fail(__FILE__, __LINE__, "%s: %s", what, err.msg);
		return;
	}
	for (int i = 0; i < w->n; i++)
	{
		bool want = matchers_match(ms, n, w->series[i]);

		if (want != (k < count && ordinals[k] == (uint32_t) i))
		{
			unit_fail(__FILE__, __LINE__, "%s: series %d", what, i);
			return;
		}
		k += want;
	}
	CHECK_INT(count, k);
}

UNIT_TEST(block_index_resolves_matchers)
{
	static const struct
	{
		MatchType type;
		const char *name;
		const char *value;
	} all[] = {
		{MATCH_EQUAL, "__name__", "metric_3_total"},
		{MATCH_EQUAL, "__name__", "metric_77_total"},
		{MATCH_EQUAL, "job", "job-2"},
		{MATCH_EQUAL, "job", ""},
		{MATCH_EQUAL, "nowhere", ""},
		{MATCH_EQUAL, "nowhere", "x"},
		{MATCH_NOT_EQUAL, "job", "job-2"},
		{MATCH_NOT_EQUAL, "job", ""},
		{MATCH_NOT_EQUAL, "nowhere", "x"},
		{MATCH_NOT_EQUAL, "nowhere", ""},
		{MATCH_REGEX, "instance", "10\\.0\\.1\\..*"},
		{MATCH_REGEX, "instance", "10\\.0\\.[12]\\.[0-9]:9100"},
		{MATCH_REGEX, "job", "job-1|job-4|nothing"},
		{MATCH_REGEX, "job", ".*"},
		{MATCH_REGEX, "job", ".+"},
		{MATCH_REGEX, "job", "|job-3"},
		{MATCH_REGEX, "canary", "y.*"},
		{MATCH_NOT_REGEX, "instance", ".*:9100"},
		{MATCH_NOT_REGEX, "job", "job-[0-2]"},
		{MATCH_NOT_REGEX, "canary", ".+"},
		{MATCH_NOT_REGEX, "canary", ""},
		{MATCH_REGEX, "instance", "zzz.*"},
		{MATCH_REGEX, "instance", "0.*"},
	};
	int n = (int) (sizeof(all) / sizeof(all[0]));
	World w;
	Matcher ms[3];
	Err err = ERR_INIT;

	open_world(&w);
	check_matchers(&w, NULL, 0, "no matcher");
	for (int i = 0; i < n; i++)
	{
		CHECK(matcher_init(&ms[0], all[i].type, strview_cstr(all[i].name),
						   strview_cstr(all[i].value), &err));
		check_matchers(&w, ms, 1, all[i].value);
		for (int k = 0; k < n; k++)
		{
			CHECK(matcher_init(&ms[1], all[k].type, strview_cstr(all[k].name),
							   strview_cstr(all[k].value), &err));
			check_matchers(&w, ms, 2, all[k].value);
			ms[2] = ms[0];
			check_matchers(&w, ms, 3, "three");
		}
	}
	block_index_close(w.ix);
}

UNIT_TEST(block_index_values_in_order)
{
	World w;
	Err err = ERR_INIT;
	int name;
	StrView before = strview("", 0);

	open_world(&w);
	name = block_index_find_name(w.ix, strview_cstr("instance"));
	CHECK(name >= 0);
	CHECK_INT(block_index_find_name(w.ix, strview_cstr("absent")), -1);
	for (uint32_t i = 0; i < block_index_nvalues(w.ix, name); i++)
	{
		StrView v;

		CHECK(block_index_value(w.ix, name, i, &v, &err));
		CHECK(strview_cmp(before, v) < 0);
		before = v;
	}
	block_index_close(w.ix);
}

UNIT_TEST(block_index_of_nothing)
{
	BlockIndexWriter *writer = block_index_writer_create();
	World w;
	Err err = ERR_INIT;

	w.n = 0;
	buf_init(&w.index, 64, 1 << 20);
	CHECK(block_index_finish(writer, &w.index));
	memory_bytes_init(&w.bytes, w.index.data, w.index.len);
	w.ix = block_index_open(&w.bytes.base, &err);
	CHECK(w.ix != NULL);
	check_matchers(&w, NULL, 0, "empty index");
	block_index_close(w.ix);
}

/* Whatever byte is wrong: an error or an answer, never a read outside. */
UNIT_TEST(block_index_survives_damage)
{
	World w;
	Matcher m;
	Err err = ERR_INIT;

	make_world(&w);
	CHECK(matcher_init(&m, MATCH_REGEX, strview_cstr("instance"), strview_cstr("10.*"), &err));
	for (int round = 0; round < 3000; round++)
	{
		uint8_t *copy = mem_dup(w.index.data, w.index.len);
		size_t len = rnd(10) == 0 ? rnd((uint32_t) w.index.len) : w.index.len;
		MemScope *scope = mem_scope_create("damage");
		MemScope *old = mem_scope_switch(scope);
		BlockIndex *ix;

		for (uint32_t k = 0; k <= rnd(3); k++)
			copy[rnd(4) ? rnd((uint32_t) w.index.len) : w.index.len - 1 - rnd(400)] =
				(uint8_t) rnd(256);
		memory_bytes_init(&w.bytes, copy, len);
		err = (Err) ERR_INIT;
		ix = block_index_open(&w.bytes.base, &err);
		if (ix != NULL)
		{
			uint32_t *ordinals;
			uint32_t count;

			if (block_index_resolve(ix, &m, 1, &ordinals, &count, &err))
				for (uint32_t i = 0; i < count && i < 50; i++)
				{
					BlockSeries s;
					Labels ls;

					if (block_index_series(ix, ordinals[i], &s, &err))
						(void) block_index_labels(ix, &s, &ls, &err);
				}
			block_index_close(ix);
		}
		else
			CHECK(err.code == ERR_CORRUPT);
		mem_scope_switch(old);
		mem_scope_delete(scope);
		mem_free(copy);
		w.bytes.last = NULL;
	}
}
