/*
 * head.h
 *    Recent samples in shared memory: open and closed chunks of every active series.
 *
 * See src/store/README.md for generations, visibility and the lock order.  In short:
 *    - a sample is first reserved (validated against the series' tail, before the commit), then
 *      applied (appended, after the commit);
 *    - chunks belong to a generation, the one whose log holds their samples; rotation starts a
 *      new generation, flushing writes one out, freeing drops it;
 *    - closed chunks never change; readers pin the head so that they are not freed.
 */
#ifndef MIMIR_STORE_HEAD_H
#define MIMIR_STORE_HEAD_H

#include "postgres.h"

#include "access/transam.h"
#include "codec/chunk.h"
#include "index/index.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/lwlock.h"

#define HEAD_STRIPES	   4096
#define HEAD_NGENS		   16 /* generations that may be unflushed at once; usual are two */
#define HEAD_LOG_SLOTS	   8  /* log tables */
#define HEAD_DAY_MS		   INT64CONST(86400000)
#define HEAD_MAX_HISTOGRAM (ARENA_MAX_ITEM / 2) /* bytes of one histogram sample's form */

/*
 * A chunk in the head.  While open its data grow (and the chunk moves); once closed nothing but
 * next changes.
 */
typedef struct HeadChunk
{
	struct HeadChunk *next; /* older chunk of the series; guarded by the stripe */
	int64 min_t, max_t;		/* ms */
	uint32 gen;
	uint32 len; /* bytes of data */
	uint16 count;
	uint16 marks; /* HEAD_MARKS marks stand at data + marks, unaligned; 0 = none */
	uint8 encoding;
	uint8 data[FLEXIBLE_ARRAY_MEMBER];
} HeadChunk;

/*
 * Most queries want the last minutes.  So a longer XOR chunk keeps marks behind its data, of the
 * last two times that its count was a multiple of HEAD_MARK_EVERY: readers decode what is behind one.
 */
#define HEAD_MARKS		2
#define HEAD_MARK_EVERY 48

typedef struct HeadSeries
{
	IndexSeries ix;

	/* --- guarded by the series' stripe --- */
	int64 tail_t;	 /* largest timestamp reserved or applied, ms; PG_INT64_MIN = none */
	uint64 tail_v;	 /* its value's bits (a histogram: hash of its form) */
	int64 applied_t; /* largest timestamp applied */
	uint64 applied_v;
	int64 first_t;	   /* smallest timestamp applied; PG_INT64_MAX = none */
	HeadChunk *closed; /* newest first */
	HeadChunk *open;   /* NULL = none; w.buf points to its data */
	ChunkXorWriter w;  /* of the open chunk; for histograms only bits, t and count are used */
	uint16 pending;	   /* reserved, not yet applied */
	bool registered;   /* its row in mimir.series_active is committed */
	bool recovered;	   /* read back at start: older samples may be in blocks */
} HeadSeries;

/* A generation that is not flushed yet. */
typedef struct HeadGen
{
	int64 opened_ms;
	pg_atomic_uint32 inflight; /* pushes between head_gen_enter and head_gen_leave */
	pg_atomic_uint64 log_bytes;
} HeadGen;

/* One per possible process: what it is reading. */
typedef struct HeadPin
{
	uint32 active;
	uint32 min_gen; /* it reads this generation and newer ones in the head */
	uint64 epoch;	/* dead series of this epoch or later must stay */
} HeadPin;

typedef struct Head
{
	Arena *arena;
	int npins;
	HeadPin *pins; /* by pgprocno; own slot written under gen_lock shared, read under exclusive */

	LWLock gen_lock;		  /* guards the fields up to the next heading */
	uint32 gen;				  /* current: pushes go to it */
	uint32 min_gen;			  /* oldest not flushed; readers find older ones in blocks */
	uint32 free_gen;		  /* older ones have left memory; at most min_gen */
	uint64 epoch;			  /* raised when series die */
	HeadGen gens[HEAD_NGENS]; /* min_gen to gen, by gen % HEAD_NGENS */

	/* --- no lock: flags and atomics --- */
	pg_atomic_uint32 ready; /* recovery is done; changed under gen_lock only */
	pg_atomic_uint32 recovery_failed;
	Oid extension;			   /* see serving.c; constant while ready */
	pg_atomic_uint32 followed; /* the follower has the head: a promotion waits until it lets go */
	pg_atomic_uint64 next_series_id;
	pg_atomic_uint64 series_id_limit; /* ids below are reserved in the database */
	int64
		recovered_max_t; /* no block of a flush had a later sample at start; constant once ready */
	ConditionVariable inflight_cv; /* a generation's inflight reached 0 */

	/* --- flush requests: gen_lock --- */
	uint64 flush_asked;
	uint64 flush_done;
	bool flush_failed; /* of the last cycle */
	ConditionVariable flush_cv;
	int flusher_procno; /* -1 = none */

	LWLock stripes[HEAD_STRIPES];
} Head;

extern Head *head;

extern Size head_shmem_size(void);
extern void head_shmem_init(void);
extern void head_reset(void);
extern void head_set_ready(bool ready);

/*
 * head_chunk_mark -- the last mark that has no sample from mint (ms) on before it; its count is 0 if
 * there is none.  Under the stripe if the chunk is open.
 */
static inline ChunkXorMark
head_chunk_mark(const HeadChunk *c, int64 mint)
{
	ChunkXorMark best = {0};

	for (int i = 0; c->marks != 0 && i < HEAD_MARKS; i++)
	{
		ChunkXorMark mark;

		memcpy(&mark, c->data + c->marks + i * sizeof(mark), sizeof(mark));
		if (mark.count > best.count && mark.t < mint)
			best = mark;
	}
	return best;
}

static inline HeadSeries *
head_series(SeriesRef ref)
{
	return (HeadSeries *) index_series(ref);
}
static inline LWLock *
head_stripe(SeriesRef ref)
{
	return &head->stripes[ref % HEAD_STRIPES];
}
static inline HeadGen *
head_gen(uint32 gen)
{
	return &head->gens[gen % HEAD_NGENS];
}

/* What became of a sample that asked to be taken. */
typedef enum HeadVerdict
{
	HEAD_ACCEPT,
	HEAD_DUPLICATE, /* same time and value: nothing to do */
	HEAD_OUT_OF_ORDER,
	HEAD_TOO_OLD,
	HEAD_NEW_VALUE /* same time, other value */
} HeadVerdict;

/* --- writing: head.c -------------------------------------------------------------------------- */
extern HeadVerdict head_judge(SeriesRef ref, int64 t, uint64 v, int64 too_old_before,
							  int64 ooo_window_ms);
extern HeadVerdict head_reserve(SeriesRef ref, int64 t, uint64 v, int64 too_old_before,
								int64 ooo_window_ms);
extern void head_unreserve(SeriesRef ref);
extern void head_apply_float(SeriesRef ref, uint32 gen, int64 t, double v);
extern void head_apply_floats(SeriesRef ref, uint32 gen, const int64 *t, const double *v, int n);
extern void head_apply_histogram(SeriesRef ref, uint32 gen, int64 t, const uint8 *form, uint32 len,
								 uint64 hash);
extern bool head_has_room(void); /* false: refuse pushes until memory is freed */

/* --- generations: generation.c ---------------------------------------------------------------- */
extern uint32 head_gen_enter(void); /* joins the current generation; 0: the head is not ready */
extern void head_gen_leave(uint32 gen);
extern void head_gen_rotate(uint32 next);
extern void head_gen_wait_drained(uint32 gen);
extern void head_close_chunks(uint32 gen);
extern void head_gen_flushed(uint32 gen); /* blocks of generations up to gen are committed */
extern void head_free_flushed(void);
extern void head_empty(void); /* nobody may come in; waits for the last to leave, then resets */

/* --- reading ---------------------------------------------------------------------------------- */
extern uint32 head_pin(void); /* nestable; returns min_gen of the pin, 0: not ready */
extern void head_unpin(void);
extern bool head_pinned_before(uint64 epoch); /* gen_lock held */

#endif
