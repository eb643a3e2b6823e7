/*
 * replay.c
 *    Samples of the log, applied to the head series by series.
 *
 * The log has samples in the order of scrapes: applied one by one, each would find its series, and
 * the end of its chunk, out of every cache.  So they are collected, as many as a bounded memory holds,
 * and sorted by series (a counting sort, which keeps the order within a series); then each series is
 * touched once for all of its samples, and the next one's memory is fetched meanwhile.
 */
#include "postgres.h"

#include "store/replay.h"

#include "pg/guc.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#define REPLAY_MIN_BYTES ((Size) 16 * 1024 * 1024)
#define REPLAY_RUN		 256 /* samples of a series that are applied at once */
#define REPLAY_AHEAD	 16	 /* samples whose memory is fetched before they are looked at */
#define HISTOGRAM_BIT	 ((SeriesRef) 1 << 31)

typedef struct ReplaySample
{
	int64 t;
	union
	{
		double v;
		struct
		{
			uint32 at; /* in forms */
			uint32 len;
		} form;
	} u;
	SeriesRef ref; /* with HISTOGRAM_BIT */
} ReplaySample;

struct Replay
{
	MemoryContext context;
	IdMap *map;
	int64 *ids;		/* of each reference below nrefs; 0 = none */
	SeriesRef last; /* reference found last */
	uint32 nrefs;
	uint32 gen;
	uint64 total;

	ReplaySample *samples;
	uint32 n;
	uint32 cap;
	uint32 *order; /* numbers of samples, by series */
	uint32 *ends;  /* per reference: where its numbers end in order */
	char *forms;
	uint32 forms_len;
	uint32 forms_cap;
};

static void *
alloc_zero(Size n)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, n, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/*
 * replay_begin -- for the series that the map and the head have; more may not come meanwhile.  Takes an
 * eighth of mimir.head_memory, in the current memory context, until replay_end.
 */
Replay *
replay_begin(IdMap *map)
{
	Replay *r = palloc0(sizeof(Replay));
	Size bytes = Max((Size) mimir_head_memory * 1024 * 1024 / 8, REPLAY_MIN_BYTES);

	r->context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir replay", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(r->context);
	r->map = map;
	r->nrefs = head_index->series.n;
	r->ids = alloc_zero(sizeof(int64) * ((Size) r->nrefs + 1));
	r->ends = alloc_zero(sizeof(uint32) * ((Size) r->nrefs + 1));
	for (SeriesRef ref = 1; ref < r->nrefs; ref++)
		if (head_series(ref)->ix.pairs != NULL)
			r->ids[ref] = head_series(ref)->ix.series_id;
	r->cap = (uint32) Min(bytes / (sizeof(ReplaySample) + sizeof(uint32)), PG_UINT32_MAX / 2);
	r->samples = MemoryContextAllocHuge(r->context, sizeof(ReplaySample) * r->cap);
	r->order = MemoryContextAllocHuge(r->context, sizeof(uint32) * r->cap);
	r->forms_cap = (uint32) Min(bytes / 2, MaxAllocSize);
	MemoryContextSwitchTo(MemoryContextGetParent(r->context));
	return r;
}

/* Requests have the same series in the same order each time: mostly it is the one behind the last. */
static SeriesRef
find_series(Replay *r, const LogRecord *rec)
{
	SeriesRef next = r->last + 1;

	if (next >= r->nrefs || r->ids[next] != rec->series_id)
		next = *id_map_slot(r->map, rec->series_id);
	if (next == 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("ingest log names series %lld of tenant %u, which is not registered",
							   (long long) rec->series_id, rec->tenant_id)));
	return r->last = next;
}

/* replay_add -- a record of the log, of generation gen.  Applies what was collected when it must. */
void
replay_add(Replay *r, uint32 gen, const LogRecord *rec)
{
	ReplaySample *s;

	if (r->n == r->cap || gen != r->gen ||
		(rec->is_histogram && r->forms_len + rec->form_len > r->forms_cap))
		replay_apply(r);
	r->gen = gen;
	s = &r->samples[r->n++];
	s->ref = find_series(r, rec);
	s->t = rec->t;
	if (rec->is_histogram)
	{
		if (r->forms == NULL)
			r->forms = MemoryContextAllocHuge(r->context, r->forms_cap);
		s->ref |= HISTOGRAM_BIT;
		s->u.form.at = r->forms_len;
		s->u.form.len = rec->form_len;
		memcpy(r->forms + r->forms_len, rec->form, rec->form_len);
		r->forms_len += rec->form_len;
	}
	else
		s->u.v = rec->v;
}

static void
sort_by_series(Replay *r)
{
	uint32 at = 0;

	memset(r->ends, 0, sizeof(uint32) * ((Size) r->nrefs + 1));
	for (uint32 i = 0; i < r->n; i++)
		r->ends[r->samples[i].ref & ~HISTOGRAM_BIT]++;
	for (uint32 ref = 0; ref < r->nrefs; ref++)
	{
		uint32 count = r->ends[ref];

		r->ends[ref] = at; /* its begin; each sample that is put moves it on */
		at += count;
	}
	for (uint32 i = 0; i < r->n; i++)
		r->order[r->ends[r->samples[i].ref & ~HISTOGRAM_BIT]++] = i;
}

/* The memory of a series that is applied soon. */
static void
prefetch_series(const Replay *r, SeriesRef ref)
{
	const HeadSeries *s;

	if (ref >= r->nrefs || r->ends[ref] == r->ends[ref - 1])
		return;
	s = head_series(ref);
	if (s->open != NULL)
		__builtin_prefetch(s->w.buf + chunk_xor_size(&s->w), 1);
}

/* Samples from .. to - 1 in order are those of a series. */
static void
apply_series(Replay *r, SeriesRef ref, uint32 from, uint32 to)
{
	int64 t[REPLAY_RUN];
	double v[REPLAY_RUN];
	int64 newest = PG_INT64_MIN;
	int n = 0;

	for (uint32 i = from; i < to; i++)
	{
		const ReplaySample *s = &r->samples[r->order[i]];

		if (i + REPLAY_AHEAD < r->n)
			__builtin_prefetch(&r->samples[r->order[i + REPLAY_AHEAD]]);
		newest = Max(newest, s->t);
		if (n == REPLAY_RUN || (s->ref & HISTOGRAM_BIT))
		{
			head_apply_floats(ref, r->gen, t, v, n);
			n = 0;
		}
		if (s->ref & HISTOGRAM_BIT)
		{
			const uint8 *form = (const uint8 *) r->forms + s->u.form.at;

			head_apply_histogram(ref, r->gen, s->t, form, s->u.form.len,
								 hash_xxh64(form, s->u.form.len));
			continue;
		}
		t[n] = s->t;
		v[n++] = s->u.v;
	}
	head_apply_floats(ref, r->gen, t, v, n);
	index_note_time(head_series(ref)->ix.tenant, newest);
}

/* replay_apply -- what was collected is in the head afterwards. */
void
replay_apply(Replay *r)
{
	uint32 from = 0;

	if (r->n == 0)
		return;
	sort_by_series(r);
	for (SeriesRef ref = 1; ref < r->nrefs; ref++)
	{
		prefetch_series(r, ref + 4);
		if (r->ends[ref] == from)
			continue;
		CHECK_FOR_INTERRUPTS();
		apply_series(r, ref, from, r->ends[ref]);
		from = r->ends[ref];
	}
	r->total += r->n;
	r->n = 0;
	r->forms_len = 0;
}

/* replay_end -- apply the rest; returns how many samples were applied in all. */
uint64
replay_end(Replay *r)
{
	uint64 total;

	replay_apply(r);
	total = r->total;
	MemoryContextDelete(r->context);
	pfree(r);
	return total;
}
