/*
 * generation.c
 *    Generations: joining, rotating, pinning and freeing.
 *
 *    current --rotate--> closed --flush committed--> in blocks --no reader left--> out of memory
 *      gen           min_gen .. gen - 1       free_gen .. min_gen - 1        below free_gen
 *
 * A push joins the current generation before it writes its log rows and leaves it after it has
 * applied them, so when a rotated generation's inflight is 0 every sample of its log is in
 * its chunks.
 *
 * A reader pins the head and so notes min_gen, the border between what it reads in the head and
 * what in blocks.  The border rises as soon as a flush has committed; the chunks stay until the
 * last reader with a lower border has gone.  New readers never hold them up.
 *
 * Concurrency: gen_lock (lock order: src/store/README.md).  Waiting is done without it.  Pushes and
 * readers look at `ready` under it, so once it is false under the exclusive lock nobody comes in.
 */
#include "postgres.h"

#include "store/head.h"

#include "miscadmin.h"
#include "pg/compat.h"
#include "pg/time.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/wait_event.h"

static int pin_depth; /* nested pins of this process */

static inline HeadPin *
my_pin(void)
{
	return &head->pins[compat_my_proc_number()];
}

static inline bool
is_ready(void)
{
	return pg_atomic_read_u32(&head->ready) != 0;
}

void
head_set_ready(bool ready)
{
	LWLockAcquire(&head->gen_lock, LW_EXCLUSIVE);
	pg_atomic_write_u32(&head->ready, ready);
	LWLockRelease(&head->gen_lock);
}

uint32
head_gen_enter(void)
{
	uint32 gen = 0;

	LWLockAcquire(&head->gen_lock, LW_SHARED);
	if (is_ready())
	{
		gen = head->gen;
		pg_atomic_fetch_add_u32(&head_gen(gen)->inflight, 1);
	}
	LWLockRelease(&head->gen_lock);
	return gen;
}

void
head_gen_leave(uint32 gen)
{
	if (pg_atomic_sub_fetch_u32(&head_gen(gen)->inflight, 1) == 0)
		ConditionVariableBroadcast(&head->inflight_cv);
}

/*
 * head_gen_rotate -- make next, which is head->gen + 1, the current generation.  The caller, the
 * flusher, sees to it that few are unflushed.
 */
void
head_gen_rotate(uint32 next)
{
	HeadGen *g = head_gen(next);

	LWLockAcquire(&head->gen_lock, LW_EXCLUSIVE);
	Assert(next == head->gen + 1 && next - head->min_gen < HEAD_NGENS);
	Assert(pg_atomic_read_u32(&g->inflight) == 0);
	g->opened_ms = time_now_ms();
	pg_atomic_write_u64(&g->log_bytes, 0);
	head->gen = next;
	LWLockRelease(&head->gen_lock);
}

/* head_gen_wait_drained -- wait until no push of a rotated generation is under way. */
void
head_gen_wait_drained(uint32 gen)
{
	ConditionVariablePrepareToSleep(&head->inflight_cv);
	while (pg_atomic_read_u32(&head_gen(gen)->inflight) > 0)
		ConditionVariableSleep(&head->inflight_cv, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
}

void
head_gen_flushed(uint32 gen)
{
	LWLockAcquire(&head->gen_lock, LW_EXCLUSIVE);
	Assert(gen >= head->min_gen && gen < head->gen);
	head->min_gen = gen + 1;
	LWLockRelease(&head->gen_lock);
}

static void
unpin_at_exit(int code, Datum arg)
{
	my_pin()->active = 0;
}

/*
 * head_pin -- keep all chunks and series that are in the head now until head_unpin.  Returns
 * the oldest generation to be read in the head: older ones are read from the tables, under a
 * snapshot taken after this call.  0: the head is not ready, and nothing is pinned.
 */
uint32
head_pin(void)
{
	static bool registered = false;
	HeadPin *pin = my_pin();

	if (!registered)
	{
		before_shmem_exit(unpin_at_exit, 0);
		registered = true;
	}
	if (pin_depth == 0)
	{
		bool ready;

		LWLockAcquire(&head->gen_lock, LW_SHARED);
		ready = is_ready();
		if (ready)
		{
			pin->min_gen = head->min_gen;
			pin->epoch = head->epoch;
			pg_memory_barrier();
			pin->active = 1;
		}
		LWLockRelease(&head->gen_lock);
		if (!ready)
			return 0;
	}
	pin_depth++;
	return pin->min_gen;
}

void
head_unpin(void)
{
	Assert(pin_depth > 0);
	if (--pin_depth == 0)
	{
		pg_memory_barrier();
		my_pin()->active = 0;
	}
}

bool
head_pinned_before(uint64 epoch)
{
	for (int i = 0; i < head->npins; i++)
		if (head->pins[i].active && head->pins[i].epoch < epoch)
			return true;
	return false;
}

static void
free_chunks_before(uint32 gen)
{
	uint32 n = head_index->series.n;

	for (SeriesRef ref = 1; ref < n; ref++)
	{
		HeadSeries *s = head_series(ref);
		LWLock *stripe = head_stripe(ref);
		HeadChunk **link;

		if (s->closed == NULL)
			continue;
		LWLockAcquire(stripe, LW_EXCLUSIVE);
		link = &s->closed;
		while (*link != NULL)
		{
			HeadChunk *c = *link;

			if (c->gen < gen)
			{
				*link = c->next;
				arena_free(head->arena, c);
			}
			else
				link = &c->next;
		}
		LWLockRelease(stripe);
	}
}

/*
 * head_free_flushed -- free the chunks of flushed generations that no reader has pinned.  Called
 * by the flusher.
 *
 * The exclusive lock lets every reader that is about to pin finish; those that pin later have
 * the border at min_gen or above.
 */
void
head_free_flushed(void)
{
	uint32 gen;

	LWLockAcquire(&head->gen_lock, LW_EXCLUSIVE);
	gen = head->min_gen;
	for (int i = 0; i < head->npins; i++)
		if (head->pins[i].active)
			gen = Min(gen, head->pins[i].min_gen);
	LWLockRelease(&head->gen_lock);
	if (gen <= head->free_gen)
		return;
	free_chunks_before(gen);
	head->free_gen = gen;
}

static bool
is_occupied_locked(void)
{
	bool busy = false;

	for (int i = 0; i < HEAD_NGENS; i++)
		busy |= pg_atomic_read_u32(&head->gens[i].inflight) > 0;
	for (int i = 0; i < head->npins; i++)
		busy |= head->pins[i].active != 0;
	return busy;
}

/*
 * head_empty -- wait for the last push and reader (there are some after DROP EXTENSION, or when
 * a new flusher starts), then reset the head.  ready must be false, so that no new ones come.
 */
void
head_empty(void)
{
	for (;;)
	{
		LWLockAcquire(&head->gen_lock, LW_EXCLUSIVE);
		Assert(!is_ready());
		if (!is_occupied_locked())
			break;
		LWLockRelease(&head->gen_lock);
		CHECK_FOR_INTERRUPTS();
		pg_usleep(10000);
	}
	head_reset();
	LWLockRelease(&head->gen_lock);
}
