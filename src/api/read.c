/*
 * read.c
 *    /read: remote read, for Prometheus servers that keep only recent samples themselves.
 *
 * An answer of samples is compressed as a whole, so it is collected in memory and limited as a query is.
 * One of chunks is streamed, a series in one or several frames.
 */
#include "api/handlers.h"

#include "pg/stats.h"
#include "query/run.h"
#include "store/collect.h"
#include "store/select.h"
#include "wire/remote_read.h"
#include "wire/snappy.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#define DECODED_MAX (32 * 1024 * 1024) /* of a request */
#define OUT_MAX		((size_t) 1 << 30) /* of a frame, or of all samples */

/* One query of the request over the request's tenants. */
typedef struct ReadPart
{
	const Tenant *tenant;
	StoreSelect *select;
	StoreCollect *collect;
} ReadPart;

typedef struct ReadSeries
{
	ReadPart *part;
	int number; /* in the select */
	Labels labels;
} ReadSeries;

typedef struct ReadQuery
{
	ApiCall *call;
	int number; /* in the request */
	int nparts;
	ReadPart *parts;
	int n;
	ReadSeries *series; /* by labels */
	Labels labels;		/* of the series under way */
	Buf *out;
	bool begun;		   /* a frame */
	int64 max_samples; /* of all queries, 0: no limit */
	int64 *nsamples;
} ReadQuery;

static int
cmp_series(const void *a, const void *b)
{
	return labels_cmp(((const ReadSeries *) a)->labels, ((const ReadSeries *) b)->labels);
}

/* The query's matchers, compiled: all of a request before the answer begins. */
static bool
compile(ApiCall *call, const RrQuery *q, Matcher **out)
{
	Matcher *m = palloc(sizeof(Matcher) * Max(q->n_matchers, 1));

	for (int i = 0; i < q->n_matchers; i++)
		if (!matcher_init(&m[i], q->matchers[i].type, q->matchers[i].name, q->matchers[i].value,
						  &call->err))
		{
			call->err.code = ERR_BAD_REQUEST;
			return false;
		}
	*out = m;
	return true;
}

/* Find the series of all tenants, in label order. */
static void
begin_query(ReadQuery *q, const RrQuery *asked, const Matcher *m)
{
	ApiCall *call = q->call;
	int cap = 0;

	q->parts = palloc0(sizeof(ReadPart) * Max(call->tenants.n, 1));
	for (int i = 0; i < call->tenants.n && asked->start_ms <= asked->end_ms; i++)
	{
		ReadPart *part = &q->parts[q->nparts];
		StoreMatcherSet set;
		int n;

		part->tenant = call->tenants.tenants[i];
		if (!api_matchers_of_tenant(call, part->tenant, m, asked->n_matchers, &set))
			continue;
		q->nparts++;
		part->select = store_select_begin(part->tenant->id, set.m, set.n, asked->start_ms,
										  asked->end_ms, true);
		part->collect = store_collect_begin(asked->start_ms, asked->end_ms);
		n = store_select_nseries(part->select);
		if (q->n + n > cap)
		{
			cap = q->n + n;
			q->series =
				q->series ? repalloc_huge(q->series, sizeof(ReadSeries) * cap)
						  : MemoryContextAllocHuge(CurrentMemoryContext, sizeof(ReadSeries) * cap);
		}
		for (int k = 0; k < n; k++)
			q->series[q->n++] = (ReadSeries){
				part, k,
				api_labels_of_tenant(call, part->tenant, store_select_labels(part->select, k))};
	}
	/* one tenant's series are in label order already */
	if (q->nparts > 1)
		qsort(q->series, q->n, sizeof(ReadSeries), cmp_series);
}

static void
end_query(ReadQuery *q)
{
	for (int i = 0; i < q->nparts; i++)
	{
		store_collect_end(q->parts[i].collect);
		store_select_end(q->parts[i].select);
	}
}

/* ---- samples ------------------------------------------------------------------------------------ */

static bool
add_samples(ReadQuery *q, const StoreCollect *c)
{
	size_t begun;

	if (c->to == c->from && c->nh == 0)
		return true;
	*q->nsamples += c->to - c->from + c->nh;
	if (q->max_samples > 0 && *q->nsamples > q->max_samples)
		return err_set(&q->call->err, ERR_TOO_MANY_SAMPLES, -1, "exceeded sample limit (%lld)",
					   (long long) q->max_samples);
	begun = rr_answer_begin_series(q->out, q->labels);
	for (int i = c->from; i < c->to; i++)
		rr_answer_sample(q->out, c->floats.t[i], c->floats.v[i]);
	for (int i = 0; i < c->nh; i++)
		rr_answer_histogram(q->out, &c->h[i]);
	rr_answer_end(q->out, begun);
	if (q->out->overflow)
		return err_set(&q->call->err, ERR_TOO_MUCH_MEMORY, -1,
					   "exceeded memory limit of a query (%zu bytes)", q->out->max);
	return true;
}

static bool
put_samples(ReadQuery *q)
{
	size_t begun = rr_answer_begin_result(q->out);

	for (int i = 0; i < q->n; i++)
	{
		ReadSeries *s = &q->series[i];

		q->labels = s->labels;
		store_collect(s->part->collect, s->part->select, s->number);
		if (!add_samples(q, s->part->collect))
			return false;
		CHECK_FOR_INTERRUPTS();
	}
	rr_answer_end(q->out, begun);
	return true;
}

static void
send_samples(ApiCall *call, const Buf *answer)
{
	uint8 *out = MemoryContextAllocHuge(CurrentMemoryContext, snappy_encode_bound(answer->len));
	size_t len = snappy_encode((const uint8 *) answer->data, answer->len, out);

	http_set_header(call->resp, "Content-Type", RR_CONTENT_TYPE_SAMPLES);
	http_set_header(call->resp, "Content-Encoding", "snappy");
	http_write(call->resp, out, len);
}

/* ---- chunks ------------------------------------------------------------------------------------- */

static void
send_frame(ReadQuery *q)
{
	if (!q->begun)
		return;
	rr_frame_end(q->out, q->number);
	if (q->out->overflow)
		elog(ERROR, "a frame of remote read is too large");
	http_write(q->call->resp, q->out->data, q->out->len);
	q->begun = false;
}

static void
add_chunk(void *arg, ChunkEncoding encoding, int64 mint, int64 maxt, const uint8 *data, Size len)
{
	ReadQuery *q = arg;

	if (!q->begun)
		rr_frame_begin(q->out, q->labels);
	q->begun = true;
	rr_frame_chunk(q->out, encoding, mint, maxt, data, len);
	if (q->out->len >= RR_FRAME_BYTES)
		send_frame(q);
}

static void
stream_chunks(ReadQuery *q)
{
	for (int i = 0; i < q->n; i++)
	{
		ReadSeries *s = &q->series[i];

		q->labels = s->labels;
		store_collect(s->part->collect, s->part->select, s->number);
		*q->nsamples += store_collect_chunks(s->part->collect, add_chunk, q);
		send_frame(q);
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- the request -------------------------------------------------------------------------------- */

static bool
decode_request(ApiCall *call, RrRequest *request, RrType *type)
{
	uint8 *body = NULL;
	size_t cap = 0;
	int64 len =
		snappy_decode(call->req->body, call->req->body_len, &body, &cap, DECODED_MAX, &call->err);

	if (len < 0)
	{
		call->err.code = ERR_BAD_REQUEST;
		return false;
	}
	return rr_request_read(body, (size_t) len, request, type, &call->err);
}

static bool
answer_query(ReadQuery *q, const RrQuery *asked, const Matcher *m, RrType type)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir remote read", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	bool ok = true;

	begin_query(q, asked, m);
	if (type == RR_CHUNKS)
		stream_chunks(q);
	else
		ok = put_samples(q);
	MemoryContextSwitchTo(old);
	if (!ok)
		return false; /* the context has the message */
	end_query(q);
	MemoryContextDelete(context);
	return true;
}

bool
api_read(ApiCall *call)
{
	PromqlParams limits = query_default_params(&call->tenants);
	RrRequest request;
	RrType type;
	Matcher **matchers;
	Buf out;
	int64 nsamples = 0;

	stats_add(STAT_QUERIES, 1);
	if (!decode_request(call, &request, &type))
		return false;
	matchers = palloc(sizeof(Matcher *) * Max(request.n_queries, 1));
	for (int i = 0; i < request.n_queries; i++)
		if (!compile(call, &request.queries[i], &matchers[i]))
			return false;
	buf_init(&out, 65536,
			 type == RR_CHUNKS || limits.max_memory == 0 ? OUT_MAX
														 : Min(limits.max_memory, OUT_MAX));
	if (type == RR_CHUNKS)
		http_set_header(call->resp, "Content-Type", RR_CONTENT_TYPE_CHUNKS);
	for (int i = 0; i < request.n_queries; i++)
	{
		ReadQuery q = {.call = call,
					   .number = i,
					   .out = &out,
					   .max_samples = limits.max_samples,
					   .nsamples = &nsamples};

		if (!answer_query(&q, &request.queries[i], matchers[i], type))
			return false;
	}
	stats_add(STAT_QUERY_SAMPLES, nsamples);
	if (type == RR_SAMPLES)
		send_samples(call, &out);
	return true;
}
