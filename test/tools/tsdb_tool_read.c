/*
 * tsdb_tool_read.c
 *    Remote read for the test program: a client's request, a client's look at an answer, a server
 *    over one block.
 */
#include "tsdb_tool.h"

#include "util/mem.h"
#include "wire/remote_read.h"
#include "wire/snappy.h"

#include <stdlib.h>

#define MAX_BYTES ((size_t) 1 << 28)

static const uint8_t *
unsnap(TsdbBytes in, size_t *len)
{
	uint8_t *out = NULL;
	size_t cap = 0;
	Err err = ERR_INIT;
	int64_t n = snappy_decode(in.data, in.len, &out, &cap, MAX_BYTES, &err);

	if (n < 0)
		tool_fail("%s", err.msg);
	*len = (size_t) n;
	return out;
}

static void
write_snappy(const Buf *body)
{
	uint8_t *out = mem_alloc(snappy_encode_bound(body->len));

	tool_write_stdout(out, snappy_encode((const uint8_t *) body->data, body->len, out));
}

static RrType
type_of(const char *name)
{
	return strcmp(name, "chunks") == 0 ? RR_CHUNKS : RR_SAMPLES;
}

/* --- the client -------------------------------------------------------------------------------------- */

int
tool_read_request(int argc, char **argv)
{
	static const char *const ops[] = {"=", "!=", "=~", "!~"};
	RrType type = type_of(argv[2]);
	RrMatcher matcher = {MATCH_EQUAL, strview_cstr(argv[3]), strview_cstr(argv[5])};
	RrQuery query = {atoll(argv[0]), atoll(argv[1]), 1, &matcher, false, {0}};
	RrRequest request = {1, &query, 1, &type};
	Buf body;

	for (int i = 0; i < 4; i++)
		if (strcmp(argv[4], ops[i]) == 0)
			matcher.type = (MatchType) i;
	buf_init(&body, 1024, MAX_BYTES);
	rr_request_write(&body, &request);
	write_snappy(&body);
	return 0;
}

static void
decode_samples(TsdbBytes in)
{
	size_t len;
	const uint8_t *body = unsnap(in, &len);
	RrAnswer *a = rr_answer_begin(body, len);
	RrSeries s;
	Err err = ERR_INIT;
	int got;

	while ((got = rr_answer_next(a, &s, &err)) == 1)
	{
		for (int i = 0; i < s.n_samples; i++)
			tool_print_float(s.labels, s.samples[i].t, s.samples[i].v);
		for (int i = 0; i < s.n_histograms; i++)
			tool_print_histogram(s.labels, &s.histograms[i]);
	}
	if (got < 0)
		tool_fail("%s", err.msg);
}

static void
decode_chunks(TsdbBytes in)
{
	Buf scratch;

	buf_init(&scratch, 256, MAX_BYTES);
	while (in.len > 0)
	{
		const uint8_t *payload;
		size_t len, used;
		RrFrame f;
		RrChunk c;
		Err err = ERR_INIT;
		int got = rr_frame_take(in.data, in.len, MAX_BYTES, &payload, &len, &used, &err);

		if (got == 0)
			tool_fail("the last frame is not whole");
		if (got < 0 || !rr_frame_read(payload, len, &f, &scratch, &err))
			tool_fail("%s", err.msg);
		while ((got = rr_frame_next_chunk(&f, &c, &err)) == 1)
			tool_print_chunk(f.labels, c.encoding, c.data, c.len, 0, NULL);
		if (got < 0)
			tool_fail("%s", err.msg);
		in.data += used;
		in.len -= used;
	}
}

int
tool_read_decode(int argc, char **argv)
{
	if (type_of(argv[0]) == RR_CHUNKS)
		decode_chunks(tool_read_stdin());
	else
		decode_samples(tool_read_stdin());
	return 0;
}

/* --- the server ------------------------------------------------------------------------------------------ */

static int64_t times[CHUNK_MAX_SAMPLES];
static double values[CHUNK_MAX_SAMPLES];

static bool
wanted(const RrQuery *q, const TsdbBlockSeries *s, int64_t t)
{
	return t >= q->start_ms && t <= q->end_ms && !tool_is_deleted(s->n_deleted, s->deleted, t);
}

/* put_samples -- those of a chunk in the query's range. */
static void
put_samples(Buf *out, const TsdbChunk *c, const TsdbBlockSeries *s, const RrQuery *q)
{
	HistogramSample *h;
	int n;

	if (c->encoding == CHUNK_XOR)
	{
		n = chunk_xor_decode(c->data, c->len, times, values, CHUNK_MAX_SAMPLES, NULL);
		for (int i = 0; i < n; i++)
			if (wanted(q, s, times[i]))
				rr_answer_sample(out, times[i], values[i]);
		return;
	}
	n = chunk_histogram_decode(c->encoding, c->data, c->len, &h, NULL);
	for (int i = 0; i < n; i++)
		if (wanted(q, s, h[i].t))
			rr_answer_histogram(out, &h[i]);
}

/* put_chunk -- as it is, or a float chunk without what is deleted of it. */
static void
put_chunk(Buf *out, const TsdbBlockChunk *c, const TsdbBlockSeries *s)
{
	static uint8_t buf[1 << 21];
	ChunkXorWriter x;
	int n;

	if (s->n_deleted == 0 || c->chunk.encoding != CHUNK_XOR)
	{
		rr_frame_chunk(out, c->chunk.encoding, c->min_t, c->max_t, c->chunk.data, c->chunk.len);
		return;
	}
	n = chunk_xor_decode(c->chunk.data, c->chunk.len, times, values, CHUNK_MAX_SAMPLES, NULL);
	chunk_xor_init(&x, buf, sizeof(buf));
	for (int i = 0; i < n; i++)
		if (!tool_is_deleted(s->n_deleted, s->deleted, times[i]))
			chunk_xor_append(&x, times[i], values[i]);
	rr_frame_chunk(out, CHUNK_XOR, c->min_t, c->max_t, buf, chunk_xor_size(&x));
}

static void
serve_series(TsdbBlock *b, const TsdbBlockSeries *s, const RrQuery *q, int number, RrType type,
			 Buf *out)
{
	TsdbBlockChunk c;
	size_t begun = 0;
	Err err = ERR_INIT;
	int got;

	if (type == RR_CHUNKS)
		rr_frame_begin(out, s->labels);
	else
		begun = rr_answer_begin_series(out, s->labels);
	while ((got = tsdb_block_next_chunk(b, &c, &err)) == 1)
	{
		if (c.max_t < q->start_ms || c.min_t > q->end_ms)
			continue;
		if (type == RR_CHUNKS)
			put_chunk(out, &c, s);
		else
			put_samples(out, &c.chunk, s, q);
	}
	if (got < 0)
		tool_fail("%s", err.msg);
	if (type == RR_CHUNKS)
	{
		rr_frame_end(out, number);
		tool_write_stdout(out->data, out->len);
	}
	else
		rr_answer_end(out, begun);
}

static void
serve_query(const char *dir, const RrQuery *q, int number, RrType type, Buf *out)
{
	TsdbBlock *b = tool_open_block(dir);
	Matcher *matchers = mem_alloc(sizeof(*matchers) * (size_t) (q->n_matchers + 1));
	TsdbBlockSeries s;
	Err err = ERR_INIT;
	int got;

	for (int i = 0; i < q->n_matchers; i++)
		if (!matcher_init(&matchers[i], q->matchers[i].type, q->matchers[i].name,
						  q->matchers[i].value, &err))
			tool_fail("%s", err.msg);
	while ((got = tsdb_block_next_series(b, &s, &err)) == 1)
		if (matchers_match(matchers, q->n_matchers, s.labels))
			serve_series(b, &s, q, number, type, out);
	if (got < 0)
		tool_fail("%s", err.msg);
}

int
tool_read_serve(int argc, char **argv)
{
	size_t len;
	const uint8_t *body = unsnap(tool_read_stdin(), &len);
	RrRequest request;
	RrType type;
	Err err = ERR_INIT;
	Buf out;

	if (!rr_request_read(body, len, &request, &type, &err))
		tool_fail("%s", err.msg);
	buf_init(&out, 1 << 16, MAX_BYTES);
	for (int i = 0; i < request.n_queries; i++)
	{
		size_t begun = type == RR_SAMPLES ? rr_answer_begin_result(&out) : 0;

		serve_query(argv[0], &request.queries[i], i, type, &out);
		if (type == RR_SAMPLES)
			rr_answer_end(&out, begun);
	}
	if (type == RR_SAMPLES)
		write_snappy(&out);
	return 0;
}
