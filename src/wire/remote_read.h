/*
 * remote_read.h
 *    Remote read, both sides: requests, answers of samples, answers of streamed chunks.
 *
 * Bodies are protobuf, before and after snappy is the caller's (wire/snappy.h); streamed answers are
 * not compressed.  Both ends of a query's time range are inclusive.
 *
 *    server                                    client
 *    rr_request_read(body, &request)           rr_request_write(&body, &request)
 *    samples: rr_answer_* into one Buf         rr_answer_begin, rr_answer_next
 *    chunks:  rr_frame_* into a Buf a frame    rr_frame_take, rr_frame_read, rr_frame_next_chunk
 */
#ifndef MIMIR_WIRE_REMOTE_READ_H
#define MIMIR_WIRE_REMOTE_READ_H

#include "codec/chunk.h"
#include "model/matcher.h"
#include "wire/prompb.h"

#define RR_CONTENT_TYPE_SAMPLES "application/x-protobuf"
#define RR_CONTENT_TYPE_CHUNKS                                                                     \
	"application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
#define RR_MAX_QUERIES 1000			 /* in a request; clients send one */
#define RR_FRAME_BYTES (1024 * 1024) /* of chunks, after which a server ends a frame */

typedef enum RrType
{
	RR_SAMPLES = 0,
	RR_CHUNKS = 1 /* STREAMED_XOR_CHUNKS */
} RrType;

/* --- requests ------------------------------------------------------------------------------------ */

typedef struct RrMatcher
{
	MatchType type;
	StrView name;
	StrView value; /* a pattern is not compiled yet */
} RrMatcher;

/* What the query is for; a server may use it, a client need not say it. */
typedef struct RrHints
{
	int64_t step_ms;
	StrView func;
	int64_t start_ms, end_ms;
	int n_grouping;
	StrView *grouping;
	bool by;
	int64_t range_ms;
} RrHints;

typedef struct RrQuery
{
	int64_t start_ms, end_ms; /* inclusive */
	int n_matchers;
	RrMatcher *matchers;
	bool has_hints;
	RrHints hints;
} RrQuery;

typedef struct RrRequest
{
	int n_queries;
	RrQuery *queries;
	int n_types; /* accepted types, the best first; none: samples */
	RrType *types;
} RrRequest;

/* rr_request_read -- arrays are from mem_alloc, texts point into body.  *type is what to answer. */
extern bool rr_request_read(const uint8_t *body, size_t len, RrRequest *out, RrType *type,
							Err *err);
extern void rr_request_write(Buf *out, const RrRequest *request);

/* --- samples: the server ----------------------------------------------------------------------------- */

/* Begin and end nest: result (one a query, in their order), then series, then samples in time order. */
extern size_t rr_answer_begin_result(Buf *out);
extern size_t rr_answer_begin_series(Buf *out, Labels labels);
extern void rr_answer_sample(Buf *out, int64_t t, double v);
extern void rr_answer_histogram(Buf *out, const HistogramSample *s);
extern void rr_answer_end(Buf *out, size_t begun);

/* --- samples: the client ------------------------------------------------------------------------------- */

typedef struct RrSeries
{
	int query; /* which of the request's queries */
	Labels labels;
	int n_samples;
	const PromSample *samples;
	int n_histograms;
	const HistogramSample *histograms;
} RrSeries;

typedef struct RrAnswer RrAnswer;

extern RrAnswer *rr_answer_begin(const uint8_t *body, size_t len);
extern void rr_answer_free(RrAnswer *a);

/*
 * rr_answer_next -- 1, 0 at the end, -1.  Everything in *out is scratch, valid until the next call; a
 * histogram's arrays are from mem_alloc.  Times may be in any order and histograms unsound: they are
 * what the server sent.
 */
extern int rr_answer_next(RrAnswer *a, RrSeries *out, Err *err);

/* --- chunks: the server ---------------------------------------------------------------------------------- */

/*
 * A frame: series begun, chunks put, frame ended; then it is whole and may be sent, and the Buf reset.
 * A series of many chunks takes several frames, each beginning with its labels.
 */
extern void rr_frame_begin(Buf *out, Labels labels);
extern void rr_frame_chunk(Buf *out, ChunkEncoding encoding, int64_t min_t, int64_t max_t,
						   const uint8_t *data, size_t len);
extern void rr_frame_end(Buf *out, int query);

/* --- chunks: the client ----------------------------------------------------------------------------------- */

typedef struct RrChunk
{
	int64_t min_t, max_t;
	ChunkEncoding encoding;
	const uint8_t *data; /* into the frame */
	size_t len;
} RrChunk;

typedef struct RrFrame
{
	int query;
	Labels labels; /* scratch of the Buf given, valid until it is used again */

	const uint8_t *p, *end; /* private: of the series */
} RrFrame;

/*
 * rr_frame_take -- is there a whole frame at the beginning of these bytes?  1: *payload is what it
 * carries, *used what it takes; 0: more bytes are needed; -1: larger than max, or corrupt.
 */
extern int rr_frame_take(const uint8_t *data, size_t len, size_t max, const uint8_t **payload,
						 size_t *payload_len, size_t *used, Err *err);

/* rr_frame_read -- the one series of a frame's payload; its labels go to scratch. */
extern bool rr_frame_read(const uint8_t *payload, size_t len, RrFrame *out, Buf *scratch, Err *err);
extern int rr_frame_next_chunk(RrFrame *f, RrChunk *out, Err *err); /* 1, 0, -1 */

#endif
