/*
 * read_client.c
 *    Samples from another server by remote read, to blocks.
 *
 * A request asks for the samples of one day.  Streamed chunks are preferred; they pass through memory
 * a frame at a time.  A server that only answers with samples sends them all at once: if that is more
 * than is taken, the time asked for is halved until it fits.
 *
 * A block needs its series in label order.  Servers send them in the order of the labels that they
 * have stored, or in none, and some add labels on the way, so what comes is sorted here, by tuplesort, which
 * puts on disk what maintenance_work_mem does not hold.  A row is the labels and a frame of chunks; samples
 * are made into such frames.
 */
#include "postgres.h"

#include "remote/read_client.h"

#include "codec/chunk.h"
#include "pg/errmap.h"
#include "pg/time.h"
#include "store/backfill.h"
#include "store/head.h"
#include "store/import_day.h"
#include "tables/relation.h"
#include "types/labels_value.h"
#include "wire/remote_read.h"
#include "wire/snappy.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

#define IDLE_S			300
#define FRAME_MAX		(64 * 1024 * 1024) /* bytes; Prometheus sends 1 MB */
#define ANSWER_MAX		(64 * 1024 * 1024) /* compressed samples */
#define DECODED_MAX		(256 * 1024 * 1024)
#define CHUNK_SAMPLES	120
#define MAX_CHUNK_BYTES (CHUNK_SAMPLES * CHUNK_XOR_MAX_SAMPLE + CHUNK_XOR_MIN_CAP)
#define HISTOGRAM_MAX	3800
#define SETTLE_MS		3600000 /* after the end of a day nothing more is expected */
#define SHORTEST_MS		60000	/* no shorter time is asked for */
#define ERROR_TEXT		400		/* bytes of an answer that are shown */

/* What one day is collected with. */
typedef struct ReadDay
{
	const ReadSource *source;
	Tuplesortstate *sort;
	TupleDesc desc;
	TupleTableSlot *slot;
	int64 nrows;
	MemoryContext answer; /* reset for each request */
	MemoryContext row;	  /* reset for each row */
} ReadDay;

/* ---- rows --------------------------------------------------------------------------------------- */

static void
begin_rows(ReadDay *d)
{
	Oid labels = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("labels"),
								 ObjectIdGetDatum(tables_schema()));
	Oid less = lookup_type_cache(labels, TYPECACHE_LT_OPR)->lt_opr;
	AttrNumber column = 1;
	Oid collation = InvalidOid;
	bool nulls_first = false;

	d->desc = CreateTemplateTupleDesc(2);
	TupleDescInitEntry(d->desc, 1, "labels", labels, -1, 0);
	TupleDescInitEntry(d->desc, 2, "frame", BYTEAOID, -1, 0);
	d->slot = MakeSingleTupleTableSlot(d->desc, &TTSOpsMinimalTuple);
	d->sort = tuplesort_begin_heap(d->desc, 1, &column, &less, &collation, &nulls_first,
								   maintenance_work_mem, NULL, TUPLESORT_NONE);
}

/* The current context is d->row. */
static void
add_row(ReadDay *d, Labels labels, const uint8 *frame, Size len)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(d->desc, &TTSOpsVirtual);
	bytea *bytes = palloc(len + VARHDRSZ);

	SET_VARSIZE(bytes, len + VARHDRSZ);
	memcpy(VARDATA(bytes), frame, len);
	slot->tts_values[0] = labels_to_datum(labels);
	slot->tts_values[1] = PointerGetDatum(bytes);
	slot->tts_isnull[0] = slot->tts_isnull[1] = false;
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(d->sort, slot);
	ExecDropSingleTupleTableSlot(slot);
	d->nrows++;
}

/* A frame of the stream, or one that was made of samples: a row. */
static void
add_frame(ReadDay *d, const uint8 *payload, Size len)
{
	MemoryContext old = MemoryContextSwitchTo(d->row);
	RrFrame frame;
	Buf scratch;
	Err err = ERR_INIT;

	buf_init(&scratch, 256, FRAME_MAX);
	if (!rr_frame_read(payload, len, &frame, &scratch, &err))
		errmap_raise(&err);
	add_row(d, frame.labels, payload, len);
	MemoryContextSwitchTo(old);
	MemoryContextReset(d->row);
}

/* ---- answers of chunks -------------------------------------------------------------------------- */

static void
read_chunks(ReadDay *d, Fetch *f)
{
	Buf pending; /* bytes that are no whole frame yet */
	const uint8 *data;
	Size len;

	buf_init(&pending, 65536, FRAME_MAX + 65536 * 2);
	while (fetch_read(f, &data, &len))
	{
		const uint8 *p;
		const uint8 *payload;
		size_t payload_len;
		size_t used;
		Err err = ERR_INIT;
		int got;

		buf_append(&pending, data, len);
		p = (const uint8 *) pending.data;
		len = pending.len;
		while ((got = rr_frame_take(p, len, FRAME_MAX, &payload, &payload_len, &used, &err)) == 1)
		{
			add_frame(d, payload, payload_len);
			p += used;
			len -= used;
		}
		if (got < 0)
			errmap_raise(&err);
		memmove(pending.data, p, len);
		pending.len = len;
	}
	if (pending.len > 0)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_EXCEPTION),
				 errmsg("the answer of \"%s\" ends in the middle of a frame", d->source->url)));
}

/* ---- answers of samples ------------------------------------------------------------------------- */

static void
unsound(const ReadDay *d, const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
					errmsg("\"%s\" sent samples that are not sound", d->source->url),
					errdetail("%s", what)));
}

static void
put_floats(ReadDay *d, Buf *frame, const RrSeries *s)
{
	uint8 *bytes = palloc(MAX_CHUNK_BYTES);

	for (int from = 0; from < s->n_samples; from += CHUNK_SAMPLES)
	{
		ChunkXorWriter w;
		int end = Min(from + CHUNK_SAMPLES, s->n_samples);

		chunk_xor_init(&w, bytes, MAX_CHUNK_BYTES);
		for (int i = from; i < end; i++)
		{
			if (i > 0 && s->samples[i].t <= s->samples[i - 1].t)
				unsound(d, "Times of a series do not ascend.");
			if (!chunk_xor_append(&w, s->samples[i].t, s->samples[i].v))
				elog(ERROR, "XOR chunk outgrew its bound");
		}
		rr_frame_chunk(frame, CHUNK_XOR, s->samples[from].t, s->samples[end - 1].t, bytes,
					   chunk_xor_size(&w));
	}
}

static void
put_histograms(ReadDay *d, Buf *frame, const RrSeries *s)
{
	ChunkBytes *chunks;
	int n;

	for (int i = 0; i < s->n_histograms; i++)
	{
		const HistogramSample *h = &s->histograms[i];
		Err err = ERR_INIT;

		if (i > 0 && h->t <= h[-1].t)
			unsound(d, "Times of a series do not ascend.");
		if (!histogram_sample_is_stale(h) &&
			!(h->i ? histogram_validate_int(h->i, &err) : histogram_validate(h->f, &err)))
			unsound(d, err.msg);
	}
	n = s->n_histograms > 0
			? chunk_histogram_encode(s->histograms, s->n_histograms, HISTOGRAM_MAX, &chunks)
			: 0;
	for (int i = 0; i < n; i++)
		rr_frame_chunk(frame, chunks[i].encoding, chunks[i].min_t, chunks[i].max_t, chunks[i].data,
					   chunks[i].len);
}

/* A series of samples as a row of chunks. */
static void
add_series(ReadDay *d, const RrSeries *s)
{
	MemoryContext old = MemoryContextSwitchTo(d->row);
	Buf frame;
	const uint8 *payload;
	size_t len;
	size_t used;
	Err err = ERR_INIT;

	buf_init(&frame, 4096, DECODED_MAX);
	rr_frame_begin(&frame, s->labels);
	put_floats(d, &frame, s);
	put_histograms(d, &frame, s);
	rr_frame_end(&frame, 0);
	if (frame.overflow || rr_frame_take((const uint8 *) frame.data, frame.len, frame.len, &payload,
										&len, &used, &err) != 1)
		elog(ERROR, "samples of a series do not fit into a frame");
	add_row(d, s->labels, payload, len);
	MemoryContextSwitchTo(old);
	MemoryContextReset(d->row);
}

/* False: there were more than are taken at once. */
static bool
read_samples(ReadDay *d, Fetch *f)
{
	Buf body;
	const uint8 *data;
	Size len;
	uint8 *decoded = NULL;
	size_t cap = 0;
	int64 n;
	RrAnswer *answer;
	RrSeries s;
	Err err = ERR_INIT;
	int got;

	buf_init(&body, 65536, ANSWER_MAX);
	while (!body.overflow && fetch_read(f, &data, &len))
		buf_append(&body, data, len);
	if (body.overflow)
		return false;
	n = snappy_decode((const uint8 *) body.data, body.len, &decoded, &cap, DECODED_MAX, &err);
	if (n < 0 && err.code == ERR_TOO_LARGE)
		return false;
	if (n < 0)
		errmap_raise(&err);
	buf_free(&body);
	answer = rr_answer_begin(decoded, (size_t) n);
	while ((got = rr_answer_next(answer, &s, &err)) == 1)
	{
		add_series(d, &s);
		CHECK_FOR_INTERRUPTS();
	}
	if (got < 0)
		errmap_raise(&err);
	return true;
}

/* ---- requests ----------------------------------------------------------------------------------- */

/* The request's bytes, from the current context. */
static uint8 *
make_request(const ReadSource *source, int64 mint, int64 maxt, Size *len)
{
	RrMatcher *matchers = palloc(sizeof(RrMatcher) * Max(source->nmatchers, 1));
	RrQuery query = {
		.start_ms = mint, .end_ms = maxt, .n_matchers = source->nmatchers, .matchers = matchers};
	RrType types[] = {RR_CHUNKS, RR_SAMPLES};
	RrRequest request = {.n_queries = 1, .queries = &query, .n_types = 2, .types = types};
	Buf plain;
	uint8 *out;

	for (int i = 0; i < source->nmatchers; i++)
		matchers[i] = (RrMatcher){source->matchers[i].type, source->matchers[i].name,
								  source->matchers[i].value};
	buf_init(&plain, 256, DECODED_MAX);
	rr_request_write(&plain, &request);
	out = palloc(snappy_encode_bound(plain.len));
	*len = snappy_encode((const uint8 *) plain.data, plain.len, out);
	return out;
}

/* An answer that is no samples: an error with the beginning of its text. */
static void
refused(const ReadDay *d, Fetch *f, bool *too_much)
{
	char text[ERROR_TEXT + 1];
	Size n = 0;
	const uint8 *data;
	Size len;

	while (n < ERROR_TEXT && fetch_read(f, &data, &len))
		for (Size i = 0; i < len && n < ERROR_TEXT; i++)
			text[n++] = data[i] >= ' ' && data[i] < 127 ? (char) data[i] : ' ';
	text[n] = '\0';
	/* Prometheus: "exceeded sample limit"; Mimir names its limits too */
	*too_much = fetch_status(f) >= 400 && fetch_status(f) < 500 && strstr(text, "limit") != NULL;
	if (!*too_much)
		ereport(ERROR, (errcode(ERRCODE_CONNECTION_EXCEPTION),
						errmsg("\"%s\" answered with status %d and type \"%s\"", d->source->url,
							   fetch_status(f), fetch_content_type(f)),
						n > 0 ? errdetail("%s", text) : 0));
}

/* One request; false: the answer would be too large. */
static bool
ask(ReadDay *d, int64 mint, int64 maxt)
{
	FetchHeader *headers = palloc(sizeof(FetchHeader) * (d->source->nheaders + 3));
	int n = 0;
	Size len;
	uint8 *body = make_request(d->source, mint, maxt, &len);
	Fetch *f;
	bool fits = true;
	bool too_much = false;

	headers[n++] = (FetchHeader){"Content-Type", "application/x-protobuf"};
	headers[n++] = (FetchHeader){"Content-Encoding", "snappy"};
	headers[n++] = (FetchHeader){"X-Prometheus-Remote-Read-Version", "0.1.0"};
	for (int i = 0; i < d->source->nheaders; i++)
		headers[n++] = d->source->headers[i];
	f = fetch_begin(d->source->url, headers, n, body, len, IDLE_S);
	if (fetch_status(f) != 200)
		refused(d, f, &too_much);
	else if (strncmp(fetch_content_type(f), "application/x-streamed-protobuf", 31) == 0)
		read_chunks(d, f);
	else if (strncmp(fetch_content_type(f), "application/x-protobuf", 22) == 0)
		fits = read_samples(d, f);
	else
		refused(d, f, &too_much);
	fetch_end(f);
	return fits && !too_much;
}

/* The samples of [mint, maxt], by as many requests as it takes. */
static void
ask_all(ReadDay *d, int64 mint, int64 maxt)
{
	int64 half = mint + (maxt - mint) / 2;
	MemoryContext old = MemoryContextSwitchTo(d->answer);
	bool fits = ask(d, mint, maxt);

	MemoryContextSwitchTo(old);
	MemoryContextReset(d->answer);
	if (fits)
		return;
	if (maxt - mint < SHORTEST_MS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("\"%s\" has too many samples in a minute to be read at once",
							   d->source->url),
						errhint("Import fewer series at a time.")));
	ask_all(d, mint, half);
	ask_all(d, half + 1, maxt);
}

/* ---- days --------------------------------------------------------------------------------------- */

/* The rows, series by series, to a block. */
static int64
write_day(ReadDay *d, TenantId tenant, int32 number, int64 mint, int64 maxt)
{
	ImportDay *day = import_day_begin(tenant, number, mint, maxt);
	Labels current = {NULL, 0};
	MemoryContext series =
		AllocSetContextCreate(CurrentMemoryContext, "mimir read series", ALLOCSET_DEFAULT_SIZES);
	bool begun = false;

	tuplesort_performsort(d->sort);
	while (tuplesort_gettupleslot(d->sort, true, false, d->slot, NULL))
	{
		MemoryContext old = MemoryContextSwitchTo(d->row);
		bool isnull;
		Labels labels =
			labels_of_varlena(PG_DETOAST_DATUM_PACKED(slot_getattr(d->slot, 1, &isnull)));
		bytea *bytes = DatumGetByteaPP(slot_getattr(d->slot, 2, &isnull));
		RrFrame frame;
		RrChunk chunk;
		Buf scratch;
		Err err = ERR_INIT;
		int got;

		if (!begun || !labels_equal(labels, current))
		{
			if (begun)
				import_day_end_series(day, current);
			MemoryContextSwitchTo(series);
			MemoryContextReset(series);
			current = labels_copy(labels);
			MemoryContextSwitchTo(d->row);
			import_day_begin_series(day, NULL, 0);
			begun = true;
		}
		buf_init(&scratch, 256, FRAME_MAX);
		if (!rr_frame_read((const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), &frame,
						   &scratch, &err))
			errmap_raise(&err);
		while ((got = rr_frame_next_chunk(&frame, &chunk, &err)) == 1)
			import_day_chunk(day, chunk.encoding, chunk.data, chunk.len);
		if (got < 0)
			errmap_raise(&err);
		MemoryContextSwitchTo(old);
		MemoryContextReset(d->row);
	}
	if (begun)
		import_day_end_series(day, current);
	MemoryContextDelete(series);
	return import_day_end(day);
}

static int64
import_day(TenantId tenant, const ReadSource *source, int32 number, int64 mint, int64 maxt)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir remote read", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ReadDay d = {.source = source};
	int64 samples = 0;

	d.answer = AllocSetContextCreate(context, "mimir remote read answer", ALLOCSET_DEFAULT_SIZES);
	d.row = AllocSetContextCreate(context, "mimir remote read row", ALLOCSET_DEFAULT_SIZES);
	begin_rows(&d);
	ask_all(&d, mint, maxt);
	if (d.nrows > 0)
		samples = write_day(&d, tenant, number, mint, maxt);
	tuplesort_end(d.sort);
	ExecDropSingleTupleTableSlot(d.slot);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return samples;
}

/* Run a statement about the range; returns the number of its rows. */
static uint64
with_range(const char *sql, TenantId tenant, const ReadSource *source, int64 mint, int64 maxt,
		   int64 samples)
{
	Oid types[6] = {INT4OID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT8OID};
	Datum values[6] = {Int32GetDatum((int32) tenant),
					   CStringGetTextDatum(source->url),
					   CStringGetTextDatum(source->selector),
					   Int64GetDatum(mint),
					   Int64GetDatum(maxt),
					   Int64GetDatum(samples)};
	uint64 n;

	SPI_connect();
	if (SPI_execute_with_args(sql, 6, types, values, NULL, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
	n = SPI_processed;
	SPI_finish();
	return n;
}

#define HAD                                                                                        \
	"SELECT FROM mimir.imported_range WHERE tenant_id = $1 AND url = $2 AND selector = $3"         \
	" AND min_time = $4 AND max_time = $5 AND $6 = 0"
#define NOTE                                                                                       \
	"INSERT INTO mimir.imported_range (tenant_id, url, selector, min_time, max_time, nsamples)"    \
	" VALUES ($1, $2, $3, $4, $5, $6)"

static const char *
day_name(int32 day)
{
	int y;
	int m;
	int d;

	j2date(day + UNIX_EPOCH_JDATE, &y, &m, &d);
	return psprintf("%04d-%02d-%02d", y, m, d);
}

int64
read_client_import(TenantId tenant, const ReadSource *source, int64 mint, int64 maxt)
{
	int64 total = 0;

	for (int32 day = backfill_day(mint); mint <= maxt; day++)
	{
		int64 end = Min(maxt, ((int64) day + 1) * HEAD_DAY_MS - 1);
		const char *name = day_name(day);
		int64 began_ms = time_now_ms();
		int64 samples;

		if (with_range(HAD, tenant, source, mint, end, 0) > 0)
			ereport(NOTICE, (errmsg("samples of %s were imported before, skipping", name)));
		else
		{
			samples = import_day(tenant, source, day, mint, end);
			total += samples;
			/* more may yet come to a day that was not over */
			if (end < began_ms - SETTLE_MS)
				with_range(NOTE, tenant, source, mint, end, samples);
			ereport(NOTICE, (errmsg("imported %lld samples of %s", (long long) samples, name)));
		}
		mint = end + 1;
	}
	return total;
}
