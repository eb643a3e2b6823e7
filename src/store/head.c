/*
 * head.c
 *    Appending to the head's chunks.
 *
 * An open float chunk is a Prometheus XOR chunk with its writer state in the series; it grows
 * in the arena's small steps and is closed when it is full, when its day ends (a chunk never
 * crosses the border of a partition) or when a sample of a newer generation arrives.  An open
 * histogram chunk holds samples in their self-contained form; the flush encodes them.
 *
 * A sample that is older than the open chunk's last one (out of order, or two requests that
 * committed in the other order) is merged by decoding and encoding the open chunk again; if it
 * belongs to another day it becomes a chunk of its own.
 *
 * Nothing here raises an error.  Memory for applying was made sure of before the commit:
 * head_has_room() keeps a reserve that is far larger than all batches under way.
 */
#include "postgres.h"

#include "store/head.h"

#include "pg/guc.h"
#include "pg/shmem.h"
#include "pg/stats.h"

#include "util/varint.h"

#include "access/twophase.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#define HEAD_CHUNK_MAX_BYTES   1900 /* a chunk is closed when it may outgrow this */
#define HEAD_CHUNK_MAX_SAMPLES 1000
#define HEAD_CHUNK_FIRST_BYTES 72 /* of data: header and some 20 samples */
#define HEAD_RAW_MAX_BYTES	   (ARENA_MAX_ITEM - 512)
#define MARKS_BYTES			   (HEAD_MARKS * sizeof(ChunkXorMark))
#define HEAD_MERGE_MAX		   2048 /* samples of a chunk that is merged in place */

Head *head;

static Size
head_budget(void)
{
	return (Size) mimir_head_memory * 1024 * 1024;
}

Size
head_shmem_size(void)
{
	Size size = MAXALIGN(sizeof(Head));

	size += MAXALIGN(sizeof(HeadPin) * (MaxBackends + NUM_AUXILIARY_PROCS + max_prepared_xacts));
	size += arena_shmem_size(head_budget());
	size += index_shmem_size(head_budget());
	return size;
}

/*
 * head_reset -- an empty head: at start, and after the extension was dropped (then nobody may
 * be in it: generation.c).  Keeps the pins and the flush requests.
 */
void
head_reset(void)
{
	char *p = (char *) head + MAXALIGN(sizeof(Head));

	p += MAXALIGN(sizeof(HeadPin) * head->npins);
	head->gen = 0;
	head->min_gen = 1;
	head->free_gen = 1;
	head->epoch = 1;
	memset(head->gens, 0, sizeof(head->gens));
	for (int i = 0; i < HEAD_NGENS; i++)
	{
		pg_atomic_init_u32(&head->gens[i].inflight, 0);
		pg_atomic_init_u64(&head->gens[i].log_bytes, 0);
	}
	pg_atomic_write_u64(&head->next_series_id, 0);
	pg_atomic_write_u64(&head->series_id_limit, 0);
	head->arena = arena_init(p, head_budget());
	p += arena_shmem_size(head_budget());
	index_init(p, head_budget(), head->arena, sizeof(HeadSeries),
			   mimir_lwlock_tranche("mimir_index"));
}

void
head_shmem_init(void)
{
	bool found;
	int tranche = mimir_lwlock_tranche("mimir_head_stripe");

	head = ShmemInitStruct("mimir_pg head", head_shmem_size(), &found);
	Assert(!found);
	memset(head, 0, sizeof(Head));
	head->npins = MaxBackends + NUM_AUXILIARY_PROCS + max_prepared_xacts;
	head->pins = (HeadPin *) ((char *) head + MAXALIGN(sizeof(Head)));
	memset(head->pins, 0, sizeof(HeadPin) * head->npins);
	LWLockInitialize(&head->gen_lock, mimir_lwlock_tranche("mimir_generation"));
	for (int i = 0; i < HEAD_STRIPES; i++)
		LWLockInitialize(&head->stripes[i], tranche);
	pg_atomic_init_u32(&head->ready, 0);
	pg_atomic_init_u32(&head->followed, 0);
	pg_atomic_init_u32(&head->recovery_failed, 0);
	pg_atomic_init_u64(&head->next_series_id, 0);
	pg_atomic_init_u64(&head->series_id_limit, 0);
	ConditionVariableInit(&head->inflight_cv);
	ConditionVariableInit(&head->flush_cv);
	head->flusher_procno = -1;
	head_reset();
}

bool
head_has_room(void)
{
	Size budget = arena_budget(head->arena);
	Size reserve = Max(budget / 10, (Size) 4 * 1024 * 1024);

	return arena_used(head->arena) + reserve < budget;
}

/* ---- reserving -------------------------------------------------------------------------------- */

static inline int64
day_of(int64 t)
{
	return t >= 0 ? t / HEAD_DAY_MS : -((-t + HEAD_DAY_MS - 1) / HEAD_DAY_MS);
}

/* Is (t, v) already in this float chunk? */
static bool
chunk_holds(const uint8 *data, uint32 len, int count, int64 t, uint64 v)
{
	int64 ts[HEAD_MERGE_MAX];
	double vs[HEAD_MERGE_MAX];
	Err err = ERR_INIT;
	int n;

	if (count > HEAD_MERGE_MAX)
		return false;
	n = chunk_xor_decode(data, len, ts, vs, HEAD_MERGE_MAX, &err);
	for (int i = 0; i < n; i++)
		if (ts[i] == t)
			return value_bits(vs[i]) == v;
	return false;
}

static bool
series_holds_float(const HeadSeries *s, int64 t, uint64 v)
{
	if (s->open && s->open->encoding == CHUNK_XOR && t >= s->open->min_t && t <= s->w.t)
		return chunk_holds(s->open->data, chunk_xor_size(&s->w), s->w.count, t, v);
	for (const HeadChunk *c = s->closed; c != NULL; c = c->next)
		if (c->encoding == CHUNK_XOR && t >= c->min_t && t <= c->max_t)
			return chunk_holds(c->data, c->len, c->count, t, v);
	return false;
}

static HeadVerdict
judge_locked(const HeadSeries *s, int64 t, uint64 v, int64 too_old_before, int64 ooo_window_ms)
{
	if (likely(t > s->tail_t && t >= too_old_before))
		return HEAD_ACCEPT;
	if (t == s->tail_t && v != s->tail_v)
		return HEAD_NEW_VALUE;
	if (t == s->tail_t && t == s->applied_t)
		return HEAD_DUPLICATE;
	if (t == s->tail_t)
		return HEAD_ACCEPT; /* the first one may yet fail to commit: log this one too */
	if (series_holds_float(s, t, v))
		return HEAD_DUPLICATE;
	if (t < too_old_before)
		return HEAD_TOO_OLD;
	return ooo_window_ms == 0 ? HEAD_OUT_OF_ORDER : HEAD_ACCEPT;
}

/* head_judge -- what head_reserve would say now, without taking the sample. */
HeadVerdict
head_judge(SeriesRef ref, int64 t, uint64 v, int64 too_old_before, int64 ooo_window_ms)
{
	LWLock *stripe = head_stripe(ref);
	HeadVerdict verdict;

	LWLockAcquire(stripe, LW_SHARED);
	verdict = judge_locked(head_series(ref), t, v, too_old_before, ooo_window_ms);
	LWLockRelease(stripe);
	return verdict;
}

/*
 * head_reserve -- may this sample be taken?  If so it becomes the series' tail and stays
 * pending until head_apply_* or head_unreserve.
 *
 * t in ms; v the bits of a float or the hash of a histogram's form.  too_old_before: samples
 * below are too old even when in order (ms).  With ooo_window_ms > 0 older samples are taken
 * down to that distance from the tenant's newest, which is how the caller set too_old_before.
 * Takes the stripe.  Call under a shared index lock, so that the series cannot be removed.
 */
HeadVerdict
head_reserve(SeriesRef ref, int64 t, uint64 v, int64 too_old_before, int64 ooo_window_ms)
{
	HeadSeries *s = head_series(ref);
	LWLock *stripe = head_stripe(ref);
	HeadVerdict verdict;

	LWLockAcquire(stripe, LW_EXCLUSIVE);
	verdict = judge_locked(s, t, v, too_old_before, ooo_window_ms);
	if (likely(verdict == HEAD_ACCEPT))
	{
		s->pending++;
		if (t > s->tail_t)
		{
			s->tail_t = t;
			s->tail_v = v;
		}
	}
	LWLockRelease(stripe);
	return verdict;
}

/* head_unreserve -- the transaction of a reserved sample did not commit. */
void
head_unreserve(SeriesRef ref)
{
	HeadSeries *s = head_series(ref);
	LWLock *stripe = head_stripe(ref);

	LWLockAcquire(stripe, LW_EXCLUSIVE);
	Assert(s->pending > 0);
	s->pending--;
	s->tail_t = s->applied_t;
	s->tail_v = s->applied_v;
	LWLockRelease(stripe);
}

/* ---- applying --------------------------------------------------------------------------------- */

/*
 * Memory for a committed sample.  The reserve makes failure all but impossible; then the only
 * way to lose nothing is to wait for the flusher to free older generations.
 */
static HeadChunk *
chunk_alloc(uint32 data_bytes, uint32 *cap)
{
	for (int tries = 0;; tries++)
	{
		HeadChunk *c = arena_alloc(head->arena, offsetof(HeadChunk, data) + data_bytes, cap);

		if (c != NULL)
		{
			*cap -= offsetof(HeadChunk, data);
			return c;
		}
		if (pg_atomic_read_u32(&head->ready) == 0)
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY),
							errmsg("the head's memory is too small for what its log holds"),
							errhint("Raise mimir.head_memory and restart the server.")));
		if (tries > 6000)
			elog(PANIC, "out of memory in the head while applying committed samples");
		pg_usleep(10000);
	}
}

StaticAssertDecl(ARENA_MAX_ITEM <= PG_UINT16_MAX, "HeadChunk.marks is an offset in an item");

static void
close_open_locked(HeadSeries *s)
{
	HeadChunk *c = s->open;

	c->max_t = s->w.t;
	c->count = s->w.count;
	c->len = chunk_xor_size(&s->w);
	c->next = s->closed;
	s->closed = c;
	s->open = NULL;
}

static void
open_chunk_locked(HeadSeries *s, uint32 gen, uint8 encoding, int64 t, uint32 data_bytes)
{
	uint32 cap;
	HeadChunk *c = chunk_alloc(data_bytes, &cap);

	c->next = NULL;
	c->gen = gen;
	c->encoding = encoding;
	c->marks = 0;
	c->min_t = t;
	s->open = c;
	if (encoding == CHUNK_XOR)
		chunk_xor_init(&s->w, c->data, cap);
	else
	{
		memset(&s->w, 0, sizeof(s->w));
		s->w.buf = c->data;
		s->w.cap = cap;
	}
}

static void
grow_open_locked(HeadSeries *s, uint32 want)
{
	HeadChunk *old = s->open;
	uint32 marks =
		old->encoding == CHUNK_XOR && s->w.count >= HEAD_MARK_EVERY / 2 ? MARKS_BYTES : 0;
	uint32 cap;
	HeadChunk *c = chunk_alloc(want + marks, &cap);

	memcpy(c, old, offsetof(HeadChunk, data) + chunk_xor_size(&s->w));
	cap -= marks;
	if (marks > 0)
	{
		c->marks = cap;
		if (old->marks > 0)
			memcpy(c->data + c->marks, old->data + old->marks, MARKS_BYTES);
		else
			memset(c->data + c->marks, 0, MARKS_BYTES);
	}
	s->open = c;
	s->w.buf = c->data;
	s->w.cap = cap;
	arena_free(head->arena, old);
}

static void
append_open_locked(HeadSeries *s, int64 t, double v)
{
	while (!chunk_xor_append(&s->w, t, v))
		grow_open_locked(s, s->w.cap + Max(CHUNK_XOR_MAX_SAMPLE + 12, s->w.cap / 8));
	if (unlikely(s->w.count % HEAD_MARK_EVERY == 0) && s->open->marks > 0)
	{
		ChunkXorMark mark = chunk_xor_mark(&s->w);
		int which = s->w.count / HEAD_MARK_EVERY % HEAD_MARKS;

		memcpy(s->open->data + s->open->marks + which * sizeof(mark), &mark, sizeof(mark));
	}
}

/* A sample apart: a closed chunk of one sample. */
static void
add_single_locked(HeadSeries *s, uint32 gen, int64 t, double v)
{
	ChunkXorWriter w;
	uint32 cap;
	HeadChunk *c = chunk_alloc(CHUNK_XOR_MIN_CAP, &cap);

	chunk_xor_init(&w, c->data, cap);
	chunk_xor_append(&w, t, v);
	c->gen = gen;
	c->encoding = CHUNK_XOR;
	c->marks = 0;
	c->min_t = c->max_t = t;
	c->count = 1;
	c->len = chunk_xor_size(&w);
	c->next = s->closed;
	s->closed = c;
}

/*
 * A sample older than the open chunk's last one: encode the chunk again with it in its place.
 * One with the same timestamp is there already: the first stays.
 */
static void
merge_open_locked(HeadSeries *s, int64 t, double v)
{
	static int64 ts[HEAD_MERGE_MAX];
	static double vs[HEAD_MERGE_MAX];
	Err err = ERR_INIT;
	int n = chunk_xor_decode(s->open->data, chunk_xor_size(&s->w), ts, vs, HEAD_MERGE_MAX, &err);
	int at = 0;

	Assert(n == s->w.count);
	while (at < n && ts[at] < t)
		at++;
	if (at < n && ts[at] == t)
		return;
	chunk_xor_init(&s->w, s->open->data, s->w.cap);
	if (s->open->marks > 0)
		memset(s->open->data + s->open->marks, 0, MARKS_BYTES);
	for (int i = 0; i < at; i++)
		append_open_locked(s, ts[i], vs[i]);
	append_open_locked(s, t, v);
	for (int i = at; i < n; i++)
		append_open_locked(s, ts[i], vs[i]);
	if (at == 0)
		s->open->min_t = t;
}

static void
note_applied_locked(HeadSeries *s, int64 t, uint64 v)
{
	if (t > s->applied_t)
	{
		s->applied_t = t;
		s->applied_v = v;
		if (t > s->tail_t)
		{
			s->tail_t = t; /* recovery applies without reserving */
			s->tail_v = v;
		}
	}
	else if (t < s->applied_t && s->pending > 0)
		stats_add(STAT_OUT_OF_ORDER, 1);
	if (t < s->first_t)
		s->first_t = t;
	if (s->pending > 0)
		s->pending--;
}

static void
apply_float_locked(HeadSeries *s, uint32 gen, int64 t, double v)
{
	if (s->open && (s->open->gen != gen || s->open->encoding != CHUNK_XOR ||
					s->w.count >= HEAD_CHUNK_MAX_SAMPLES ||
					chunk_xor_size(&s->w) + CHUNK_XOR_MAX_SAMPLE > HEAD_CHUNK_MAX_BYTES ||
					(t > s->w.t && day_of(t) != day_of(s->open->min_t))))
		close_open_locked(s);
	if (s->open == NULL)
		open_chunk_locked(s, gen, CHUNK_XOR, t, HEAD_CHUNK_FIRST_BYTES);
	if (likely(s->w.count == 0 || t > s->w.t))
		append_open_locked(s, t, v);
	else if (day_of(t) == day_of(s->open->min_t))
		merge_open_locked(s, t, v);
	else
		add_single_locked(s, gen, t, v);
	note_applied_locked(s, t, value_bits(v));
}

/* head_apply_float -- append a committed sample.  Takes the stripe; cannot fail. */
void
head_apply_float(SeriesRef ref, uint32 gen, int64 t, double v)
{
	LWLock *stripe = head_stripe(ref);

	LWLockAcquire(stripe, LW_EXCLUSIVE);
	apply_float_locked(head_series(ref), gen, t, v);
	LWLockRelease(stripe);
}

/* head_apply_floats -- append n samples of a series, in the order given, as head_apply_float would. */
void
head_apply_floats(SeriesRef ref, uint32 gen, const int64 *t, const double *v, int n)
{
	LWLock *stripe = head_stripe(ref);

	if (n == 0)
		return;
	LWLockAcquire(stripe, LW_EXCLUSIVE);
	for (int i = 0; i < n; i++)
		apply_float_locked(head_series(ref), gen, t[i], v[i]);
	LWLockRelease(stripe);
}

/*
 * head_apply_histogram -- append a committed histogram sample in its self-contained form
 * (histogram_sample_put, at most HEAD_MAX_HISTOGRAM bytes).
 */
void
head_apply_histogram(SeriesRef ref, uint32 gen, int64 t, const uint8 *form, uint32 len, uint64 hash)
{
	HeadSeries *s = head_series(ref);
	LWLock *stripe = head_stripe(ref);
	uint32 need = len + VARINT_MAX_BYTES;
	uint8 *end;

	LWLockAcquire(stripe, LW_EXCLUSIVE);
	if (s->open && (s->open->gen != gen || s->open->encoding != CHUNK_RAW_HISTOGRAM ||
					chunk_xor_size(&s->w) + need > HEAD_RAW_MAX_BYTES || t <= s->w.t ||
					day_of(t) != day_of(s->open->min_t)))
		close_open_locked(s);
	if (s->open == NULL)
		open_chunk_locked(s, gen, CHUNK_RAW_HISTOGRAM, t, need);
	if (chunk_xor_size(&s->w) + need > s->w.cap)
		grow_open_locked(s, Min(Max(s->w.cap + need, s->w.cap * 3 / 2), HEAD_RAW_MAX_BYTES));
	end = s->w.buf + chunk_xor_size(&s->w);
	end = varint_put(end, varint_zigzag(t));
	memcpy(end, form, len);
	s->w.bits = (end + len - s->w.buf) * 8;
	s->w.t = t;
	s->w.count++;
	note_applied_locked(s, t, hash);
	LWLockRelease(stripe);
}

/*
 * head_close_chunks -- close every open chunk of generations up to gen, whose pushes have all
 * ended.  Called by the flusher.
 */
void
head_close_chunks(uint32 gen)
{
	uint32 n = head_index->series.n;

	for (SeriesRef ref = 1; ref < n; ref++)
	{
		HeadSeries *s = head_series(ref);
		LWLock *stripe = head_stripe(ref);

		if (s->open == NULL)
			continue;
		LWLockAcquire(stripe, LW_EXCLUSIVE);
		if (s->open && s->open->gen <= gen)
			close_open_locked(s);
		LWLockRelease(stripe);
	}
}
