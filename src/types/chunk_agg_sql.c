/*
 * chunk_agg_sql.c
 *    mimir.chunk_agg(time, value): floats to one chunk.
 *
 * The state collects samples in any order; the end sorts them.  Times are cut to milliseconds.  Equal
 * samples count once; two values at one time are an error, for a chunk has room for one of them.
 *
 * Memory: at most CHUNK_MAX_SAMPLES samples of 16 bytes, in the aggregate's context.
 */
#include "postgres.h"

#include "types/chunk_value.h"

#include "model/value.h"
#include "pg/export.h"
#include "pg/time.h"

#include "libpq/pqformat.h"
#include "utils/timestamp.h"

MIMIR_FUNCTION(mimir_chunk_agg_add);
MIMIR_FUNCTION(mimir_chunk_agg_combine);
MIMIR_FUNCTION(mimir_chunk_agg_serialize);
MIMIR_FUNCTION(mimir_chunk_agg_deserialize);
MIMIR_FUNCTION(mimir_chunk_agg_final);

typedef struct AggSample
{
	int64 t;  /* ms */
	uint64 v; /* bits */
} AggSample;

typedef struct AggState
{
	int n;
	int cap;
	bool sorted; /* ascending, no time twice */
	AggSample *samples;
} AggState;

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

static AggState *
new_state(MemoryContext context)
{
	AggState *s = MemoryContextAllocZero(context, sizeof(AggState));

	s->cap = 64;
	s->sorted = true;
	s->samples = MemoryContextAlloc(context, sizeof(AggSample) * s->cap);
	return s;
}

static int
cmp_samples(const void *a, const void *b)
{
	const AggSample *x = a;
	const AggSample *y = b;

	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	return x->v < y->v ? -1 : x->v > y->v;
}

/* Sort, and let equal samples stand once. */
static void
tidy(AggState *s)
{
	int kept = 0;

	if (s->sorted)
		return;
	qsort(s->samples, s->n, sizeof(AggSample), cmp_samples);
	for (int i = 0; i < s->n; i++)
	{
		if (kept > 0 && s->samples[kept - 1].t == s->samples[i].t)
		{
			if (s->samples[kept - 1].v != s->samples[i].v)
				ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
								errmsg("more than one value at one time"),
								errdetail("Time %s; times are cut to milliseconds.",
										  timestamptz_to_str(time_from_ms(s->samples[i].t)))));
			continue;
		}
		s->samples[kept++] = s->samples[i];
	}
	s->n = kept;
	s->sorted = true;
}

static void
add(AggState *s, int64 t, uint64 v)
{
	if (s->n == CHUNK_MAX_SAMPLES)
		tidy(s);
	if (s->n == CHUNK_MAX_SAMPLES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many samples for a chunk"),
				 errdetail("A chunk may hold %d samples.", CHUNK_MAX_SAMPLES),
				 errhint("Group samples by a span of time.")));
	if (s->n == s->cap)
	{
		s->cap = Min(s->cap * 2, CHUNK_MAX_SAMPLES);
		s->samples = repalloc(s->samples, sizeof(AggSample) * s->cap);
	}
	if (s->n > 0 && t <= s->samples[s->n - 1].t)
		s->sorted = false;
	s->samples[s->n++] = (AggSample){t, v};
}

/* Transition; rows with a null are left out. */
Datum
mimir_chunk_agg_add(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	AggState *s = PG_ARGISNULL(0) ? NULL : (AggState *) PG_GETARG_POINTER(0);
	TimestampTz t;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		if (s == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(s);
	}
	t = PG_GETARG_TIMESTAMPTZ(1);
	if (TIMESTAMP_NOT_FINITE(t))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("time of a sample must be finite")));
	if (s == NULL)
		s = new_state(context);
	add(s, time_to_ms(t), value_bits(PG_GETARG_FLOAT8(2)));
	PG_RETURN_POINTER(s);
}

Datum
mimir_chunk_agg_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	AggState *a = PG_ARGISNULL(0) ? NULL : (AggState *) PG_GETARG_POINTER(0);
	AggState *b = PG_ARGISNULL(1) ? NULL : (AggState *) PG_GETARG_POINTER(1);

	if (a == NULL && b == NULL)
		PG_RETURN_NULL();
	if (a == NULL)
		a = new_state(context);
	for (int i = 0; b != NULL && i < b->n; i++)
		add(a, b->samples[i].t, b->samples[i].v);
	PG_RETURN_POINTER(a);
}

Datum
mimir_chunk_agg_serialize(PG_FUNCTION_ARGS)
{
	AggState *s = (AggState *) PG_GETARG_POINTER(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint32(&out, s->n);
	for (int i = 0; i < s->n; i++)
	{
		pq_sendint64(&out, s->samples[i].t);
		pq_sendint64(&out, s->samples[i].v);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

Datum
mimir_chunk_agg_deserialize(PG_FUNCTION_ARGS)
{
	bytea *in = PG_GETARG_BYTEA_PP(0);
	AggState *s = new_state(aggregate_context(fcinfo));
	StringInfoData buf;
	int n;

	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, VARDATA_ANY(in), VARSIZE_ANY_EXHDR(in));
	n = pq_getmsgint(&buf, 4);
	for (int i = 0; i < n; i++)
	{
		int64 t = pq_getmsgint64(&buf);

		add(s, t, (uint64) pq_getmsgint64(&buf));
	}
	pq_getmsgend(&buf);
	pfree(buf.data);
	PG_RETURN_POINTER(s);
}

/* Sorting changes nothing that later transitions could see. */
Datum
mimir_chunk_agg_final(PG_FUNCTION_ARGS)
{
	AggState *s = PG_ARGISNULL(0) ? NULL : (AggState *) PG_GETARG_POINTER(0);
	uint32 cap;
	ChunkXorWriter w;

	if (s == NULL)
		PG_RETURN_NULL();
	tidy(s);
	cap = CHUNK_XOR_MIN_CAP + (uint32) s->n * CHUNK_XOR_MAX_SAMPLE;
	chunk_xor_init(&w, palloc(cap), cap);
	for (int i = 0; i < s->n; i++)
		if (!chunk_xor_append(&w, s->samples[i].t, value_from_bits(s->samples[i].v)))
			elog(ERROR, "chunk is full after %d samples", i);
	return chunk_to_datum(CHUNK_XOR, w.buf, chunk_xor_size(&w));
}
