/*
 * test_remote_read.c
 *    Remote read: requests and both kinds of answers, written and read; hostile ones.
 */
#include "unit.h"

#include "bits_text.h"
#include "histogram_gen.h"
#include "wire/remote_read.h"
#include "wire/remote_write.h"

static Buf
new_buf(void)
{
	Buf b;

	buf_init(&b, 64, 1 << 24);
	return b;
}

/* exact -- the bytes in a block of their own, so that the sanitizer sees a read beyond them. */
static const uint8_t *
exact(const Buf *b)
{
	return mem_dup(b->data, b->len);
}

static Labels
label_set(const char *const *texts)
{
	LabelsBuilder b;

	labels_builder_init(&b);
	for (; texts[0] != NULL; texts += 2)
		labels_builder_set(&b, strview_cstr(texts[0]), strview_cstr(texts[1]));
	return labels_builder_finish(&b);
}

/* --- requests ------------------------------------------------------------------------------------------ */

/* queries { start_timestamp_ms: -1 end_timestamp_ms: 300 matchers { type: RE name: "a" value: "b" }
 * matchers { name: "c" } } accepted_response_types: STREAMED_XOR_CHUNKS, SAMPLES */
static const char request_bytes[] = "<0a1d 08ffffffffffffffffff01 10ac02 1a08 0802 120161 1a0162"
									"1a03 120163 12020100>";

UNIT_TEST(remote_read_request_bytes)
{
	RrMatcher matchers[] = {{MATCH_REGEX, strview_cstr("a"), strview_cstr("b")},
							{MATCH_EQUAL, strview_cstr("c"), strview_cstr("")}};
	RrQuery query = {.start_ms = -1, .end_ms = 300, .n_matchers = 2, .matchers = matchers};
	RrType types[] = {RR_CHUNKS, RR_SAMPLES}, type;
	RrRequest request = {1, &query, 2, types}, again;
	Buf want = bits_text(request_bytes), got = new_buf();
	Err err = ERR_INIT;

	rr_request_write(&got, &request);
	CHECK_INT(got.len, want.len);
	CHECK(memcmp(got.data, want.data, want.len) == 0);
	CHECK(rr_request_read(exact(&got), got.len, &again, &type, &err));
	CHECK_INT(type, RR_CHUNKS);
	CHECK_INT(again.n_queries, 1);
	CHECK(again.queries[0].start_ms == -1 && again.queries[0].end_ms == 300);
	CHECK_INT(again.queries[0].n_matchers, 2);
	CHECK_INT(again.queries[0].matchers[0].type, MATCH_REGEX);
	CHECK(strview_eq_cstr(again.queries[0].matchers[0].value, "b"));
	CHECK(strview_eq_cstr(again.queries[0].matchers[1].name, "c"));
	CHECK(again.queries[0].matchers[1].value.len == 0 && !again.queries[0].has_hints);
}

UNIT_TEST(remote_read_request_hints)
{
	StrView grouping[] = {strview_cstr("job"), strview_cstr("zone")};
	RrQuery queries[] = {{.has_hints = true,
						  .hints = {15000, strview_cstr("rate"), -5, 7, 2, grouping, true, 60000}},
						 {.start_ms = INT64_MIN, .end_ms = INT64_MAX}};
	RrRequest request = {2, queries, 0, NULL}, again;
	const RrHints *h;
	Buf got = new_buf();
	Err err = ERR_INIT;
	RrType type;

	rr_request_write(&got, &request);
	CHECK(rr_request_read(exact(&got), got.len, &again, &type, &err));
	CHECK_INT(type, RR_SAMPLES);
	CHECK_INT(again.n_queries, 2);
	h = &again.queries[0].hints;
	CHECK(again.queries[0].has_hints && !again.queries[1].has_hints);
	CHECK(h->step_ms == 15000 && h->start_ms == -5 && h->end_ms == 7 && h->range_ms == 60000);
	CHECK(h->by && h->n_grouping == 2 && strview_eq_cstr(h->grouping[1], "zone"));
	CHECK(strview_eq_cstr(h->func, "rate"));
	CHECK(again.queries[1].start_ms == INT64_MIN && again.queries[1].end_ms == INT64_MAX);
}

UNIT_TEST(remote_read_request_types)
{
	static const struct
	{
		const char *bytes;
		int type; /* -1: refused */
	} cases[] = {
		{"", RR_SAMPLES},
		{"<1001>", RR_CHUNKS},
		{"<1000 1001>", RR_SAMPLES},
		{"<1007 1001>", RR_CHUNKS}, /* a type of the future is passed over */
		{"<1203 070100>", RR_CHUNKS},
		{"<1007>", -1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Buf b = bits_text(cases[i].bytes);
		RrRequest request;
		Err err = ERR_INIT;
		RrType type = 99;
		bool ok = rr_request_read(exact(&b), b.len, &request, &type, &err);

		CHECK_INT(ok ? (int) type : -1, cases[i].type);
		CHECK(ok || strstr(err.msg, "response types") != NULL);
	}
}

UNIT_TEST(remote_read_request_malformed)
{
	static const char *const cases[] = {
		"<0a>",
		"<0a05>",
		"<0801>",
		"<0a02 0a00>",
		"<0a04 1a02 0804>",
		"<0a03 1a0108>",
		"<0a04 2200 2200>",
		"<0a03 220110>",
		"<1201 80>",
		"<15 00000000>",
		"<0a02 1801>",
		"<07>",
	};
	Buf many = new_buf();
	RrRequest request;
	RrType type;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Buf b = bits_text(cases[i]);
		Err err = ERR_INIT;

		CHECK(!rr_request_read(exact(&b), b.len, &request, &type, &err));
		CHECK_INT(err.code, ERR_BAD_REQUEST);
	}
	for (int i = 0; i <= RR_MAX_QUERIES; i++)
		buf_append(&many, "\x0a\0", 2);
	CHECK(rr_request_read(exact(&many), many.len - 2, &request, &type, NULL));
	CHECK(!rr_request_read(exact(&many), many.len, &request, &type, NULL));
}

/* --- samples ---------------------------------------------------------------------------------------------- */

UNIT_TEST(remote_read_samples)
{
	Labels a = label_set((const char *const[]){"__name__", "up", "job", "api", NULL});
	Labels none = label_set((const char *const[]){NULL});
	GenState g = {.random = 7, .schema = 3, .first = -4};
	GenState custom = {.random = 9, .schema = HISTOGRAM_CUSTOM_SCHEMA};
	HistogramSample h[4];
	Buf out = new_buf();
	RrAnswer *answer;
	RrSeries s;
	Err err = ERR_INIT;
	size_t result, series;

	for (int i = 0; i < 4; i++)
	{
		GenState *from = i < 2 ? &g : &custom;

		gen_observe(from, 50, 10);
		h[i] = gen_sample(from, -100 + i, i % 2, false);
	}
	result = rr_answer_begin_result(&out);
	series = rr_answer_begin_series(&out, a);
	for (int i = 0; i < 1000; i++)
		rr_answer_sample(&out, 1000 * i - 5000, i * 0.5);
	rr_answer_end(&out, series);
	series = rr_answer_begin_series(&out, none);
	for (int i = 0; i < 4; i++)
		rr_answer_histogram(&out, &h[i]);
	rr_answer_end(&out, series);
	rr_answer_end(&out, result);
	rr_answer_end(&out, rr_answer_begin_result(&out));
	result = rr_answer_begin_result(&out);
	rr_answer_end(&out, rr_answer_begin_series(&out, a));
	rr_answer_end(&out, result);

	answer = rr_answer_begin(exact(&out), out.len);
	CHECK_INT(rr_answer_next(answer, &s, &err), 1);
	CHECK(s.query == 0 && labels_equal(s.labels, a) && s.n_samples == 1000);
	for (int i = 0; i < s.n_samples; i++)
		CHECK(s.samples[i].t == 1000 * i - 5000 && s.samples[i].v == i * 0.5);
	CHECK_INT(rr_answer_next(answer, &s, &err), 1);
	CHECK(s.query == 0 && s.labels.len == 0 && s.n_samples == 0 && s.n_histograms == 4);
	for (int i = 0; i < s.n_histograms; i++)
		CHECK(histogram_sample_equal(&s.histograms[i], &h[i]) && s.histograms[i].t == h[i].t);
	CHECK_INT(rr_answer_next(answer, &s, &err), 1);
	CHECK(s.query == 2 && s.n_samples == 0 && s.n_histograms == 0);
	CHECK_INT(rr_answer_next(answer, &s, &err), 0);
	CHECK(err.code == ERR_NONE);
	rr_answer_free(answer);
}

/* Labels may come in any order; the same name twice is an error. */
UNIT_TEST(remote_read_labels)
{
	Buf b = bits_text("<0a12 0a10 0a06 0a0162 120131 0a06 0a0161 120132>");
	Buf twice = bits_text("<0a12 0a10 0a06 0a0161 120131 0a06 0a0161 120132>");
	RrAnswer *answer = rr_answer_begin(exact(&b), b.len);
	Buf text = new_buf();
	RrSeries s;
	Err err = ERR_INIT;

	CHECK_INT(rr_answer_next(answer, &s, &err), 1);
	labels_text(&text, s.labels);
	CHECK_STR(text.data, "{a=\"2\", b=\"1\"}");
	rr_answer_free(answer);
	answer = rr_answer_begin(exact(&twice), twice.len);
	CHECK_INT(rr_answer_next(answer, &s, &err), -1);
	CHECK_INT(err.code, ERR_BAD_REQUEST);
	rr_answer_free(answer);
}

/* --- chunks ------------------------------------------------------------------------------------------------ */

static Buf
two_frames(Labels labels)
{
	Buf frame = new_buf(), stream = new_buf();

	rr_frame_begin(&frame, labels);
	rr_frame_chunk(&frame, CHUNK_XOR, -5, 0, (const uint8_t *) "data", 4);
	rr_frame_chunk(&frame, CHUNK_FLOAT_HISTOGRAM, 10, 20, (const uint8_t *) "more", 4);
	rr_frame_end(&frame, 0);
	buf_append(&stream, frame.data, frame.len);
	rr_frame_begin(&frame, labels);
	rr_frame_end(&frame, 3);
	buf_append(&stream, frame.data, frame.len);
	return stream;
}

UNIT_TEST(remote_read_frames)
{
	Labels labels = label_set((const char *const[]){"__name__", "up", "job", "api", NULL});
	Buf stream = two_frames(labels), scratch = new_buf();
	const uint8_t *payload, *bytes = exact(&stream);
	size_t len, used;
	RrFrame f;
	RrChunk c;
	Err err = ERR_INIT;

	CHECK_INT(rr_frame_take(bytes, stream.len, 1000, &payload, &len, &used, &err), 1);
	CHECK(rr_frame_read(payload, len, &f, &scratch, &err));
	CHECK(f.query == 0 && labels_equal(f.labels, labels));
	CHECK_INT(rr_frame_next_chunk(&f, &c, &err), 1);
	CHECK(c.min_t == -5 && c.max_t == 0 && c.encoding == CHUNK_XOR && c.len == 4);
	CHECK(memcmp(c.data, "data", 4) == 0);
	CHECK_INT(rr_frame_next_chunk(&f, &c, &err), 1);
	CHECK(c.min_t == 10 && c.max_t == 20 && c.encoding == CHUNK_FLOAT_HISTOGRAM);
	CHECK_INT(rr_frame_next_chunk(&f, &c, &err), 0);
	CHECK_INT(rr_frame_take(bytes + used, stream.len - used, 1000, &payload, &len, &used, &err), 1);
	CHECK(rr_frame_read(payload, len, &f, &scratch, &err) && f.query == 3);
	CHECK_INT(rr_frame_next_chunk(&f, &c, &err), 0);
	CHECK(err.code == ERR_NONE);
}

/* A frame in pieces is waited for; a wrong byte of it is found, whichever it is. */
UNIT_TEST(remote_read_frame_pieces)
{
	Labels labels = label_set((const char *const[]){"a", "b", NULL});
	Buf stream = two_frames(labels);
	const uint8_t *payload;
	size_t len, used;

	CHECK_INT(rr_frame_take((uint8_t *) stream.data, stream.len, 1000, &payload, &len, &used, NULL),
			  1);
	stream.len = used;
	for (size_t n = 0; n < used; n++)
	{
		Buf piece = {.data = stream.data, .len = n};

		CHECK_INT(rr_frame_take(exact(&piece), n, 1000, &payload, &len, &(size_t){0}, NULL), 0);
	}
	for (size_t i = 1; i < used; i++)
	{
		Err err = ERR_INIT;

		stream.data[i] ^= 4;
		CHECK_INT(rr_frame_take(exact(&stream), stream.len, 1000, &payload, &len, &used, &err), -1);
		CHECK_STR(err.msg, "remote read: a frame has a wrong checksum");
		stream.data[i] ^= 4;
	}
	CHECK_INT(rr_frame_take(exact(&stream), stream.len, 10, &payload, &len, &used, NULL), -1);
	memset(stream.data, 0xff, 20);
	CHECK_INT(rr_frame_take(exact(&stream), stream.len, SIZE_MAX, &payload, &len, &used, NULL), -1);
}

UNIT_TEST(remote_read_frame_malformed)
{
	static const char *const frames[] = {
		"",			   /* no series */
		"<1001>",	   /* nor here */
		"<0a00 0a00>", /* two */
		"<0801>",
		"<0a01>",
		"<0a00 12 00>",
		"<0a00 10 ffffffffff01>",
		"<0a02 0a01>",
		"<0a02 0801>", /* a label that is a number */
	};
	static const char *const chunks[] = {
		"<0a02 1001>",						  /* a chunk that is a number */
		"<0a03 120108>",   "<0a04 12021804>", /* encoding of the future */
		"<0a04 12021800>", "<0a04 12022001>", "<0a04 12021200>", "<0a02 1200>", /* no encoding */
	};
	Buf scratch = new_buf();
	RrFrame f;
	RrChunk c;

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
	{
		Buf b = bits_text(frames[i]);
		Err err = ERR_INIT;

		CHECK(!rr_frame_read(exact(&b), b.len, &f, &scratch, &err));
		CHECK_INT(err.code, ERR_BAD_REQUEST);
	}
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++)
	{
		Buf b = bits_text(chunks[i]);
		Err err = ERR_INIT;

		CHECK(rr_frame_read(exact(&b), b.len, &f, &scratch, &err));
		CHECK_INT(rr_frame_next_chunk(&f, &c, &err), -1);
		CHECK_INT(err.code, ERR_BAD_REQUEST);
	}
}

/* What is too large for its Buf is seen, and never half a frame. */
UNIT_TEST(remote_read_overflow)
{
	Labels labels = label_set((const char *const[]){"a", "b", NULL});

	for (size_t max = 0; max < 60; max++)
	{
		Buf b;

		buf_init(&b, 0, max);
		rr_frame_begin(&b, labels);
		rr_frame_chunk(&b, CHUNK_XOR, 1, 2, (const uint8_t *) "0123456789", 10);
		rr_frame_end(&b, 1);
		if (!b.overflow)
		{
			const uint8_t *payload;
			size_t len, used;

			CHECK_INT(rr_frame_take((uint8_t *) b.data, b.len, 100, &payload, &len, &used, NULL),
					  1);
			CHECK_INT(used, b.len);
		}
		CHECK(b.overflow || max > 40);
		buf_free(&b);
	}
}

/* The messages that both protocols share: what is put here, the remote-write decoder reads. */
UNIT_TEST(remote_read_remote_write)
{
	Labels labels = label_set((const char *const[]){"__name__", "up", "job", "api", NULL});
	GenState g = {.random = 5, .schema = 0, .first = -2};
	HistogramSample h;
	RwReader *r = rw_reader_create(1);
	RwSeries s;
	Label *items;
	Buf out = new_buf();
	Err err = ERR_INIT;
	size_t series;

	gen_observe(&g, 20, 5);
	h = gen_sample(&g, 77, false, false);
	series = rr_answer_begin_series(&out, labels); /* field 1 in a write request, too */
	rr_answer_sample(&out, 1234, -0.0);
	rr_answer_histogram(&out, &h);
	rr_answer_end(&out, series);
	CHECK(rw_reader_begin(r, RW_V1, exact(&out), out.len, &err));
	CHECK_INT(rw_next_series(r, &s, &err), 1);
	CHECK(s.nsamples == 1 && s.samples[0].t == 1234 && signbit(s.samples[0].v));
	CHECK(s.nhistograms == 1 && histogram_sample_equal(&s.histograms[0], &h));
	CHECK_INT(rw_series_labels(r, &s, &items, &err), 2);
	CHECK(strview_eq_cstr(items[1].value, "api"));
	CHECK_INT(rw_next_series(r, &s, &err), 0);
}
