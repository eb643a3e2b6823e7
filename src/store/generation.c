/*
 * generation.c
 *    Generations: joining, rotating, pinning and freeing.
 *
 *    OPEN --rotate--> CLOSED --flush committed--> FLUSHED --no reader left--> NONE
 *
 * The log of a flushed generation is truncated at once, so log slots are few; the entry here
 * stays as long as an old snapshot may need the chunks in memory.
 *
 * A push joins the current generation before it writes its log rows and leaves it after it has
 * applied them, so when a rotated generation's inflight is 0 every sample of its log is in
 * its chunks.  Readers pin the oldest generation they may look at; freeing needs no pin at or
 * below it, and no snapshot that would not see the flushed rows.
 *
 * Concurrency: gen_lock (lock order: src/store/README.md).  Waiting is done without it.
 */
#include "postgres.h"

#include "store/head.h"

#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "pg/time.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/wait_event.h"

static int pin_depth; /* nested pins of this process */

uint32
head_gen_enter(void)
{
	uint32 gen;

	LWLockAcquire(&head->gen_lock, LW_SHARED);
	gen = head->gen;
	pg_atomic_fetch_add_u32(&head_gen(gen)->inflight, 1);
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
 * head_gen_rotate -- make next, which is head->gen + 1, the current generation.  Returns false,
 * changing nothing, while its entry or its log slot is still in use.
 */
bool
head_gen_rotate(uint32 next)
{
	HeadGen *g = head_gen(next);
	bool ok;

	LWLockAcquire(&head->gen_lock, LW_EXCLUSIVE);
	Assert(next == head->gen + 1);
	ok = g->state == HEAD_GEN_NONE;
	if (next > HEAD_LOG_SLOTS)
	{
		HeadGen *before = head_gen(next - HEAD_LOG_SLOTS);

		if (before->gen == next - HEAD_LOG_SLOTS && before->state != HEAD_GEN_NONE &&
			!before->log_truncated)
			ok = false;
	}
	if (ok)
	{
		g->gen = next;
		g->state = HEAD_GEN_OPEN;
		g->flush_xid = InvalidFullTransactionId;
		g->log_truncated = false;
		g->opened_ms = time_now_ms();
		pg_atomic_write_u64(&g->log_bytes, 0);
		if (head->gen > 0 && head_gen(head->gen)->gen == head->gen &&
			head_gen(head->gen)->state == HEAD_GEN_OPEN)
			head_gen(head->gen)->state = HEAD_GEN_CLOSED;
		head->gen = next;
	}
	LWLockRelease(&head->gen_lock);
	return ok;
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

static void
unpin_at_exit(int code, Datum arg)
{
	head->pins[MyProc->pgprocno].active = 0;
}

/*
 * head_pin -- keep all chunks and series that are in the head now until head_unpin.  Returns
 * the oldest generation that is whole in the head: older ones are read from the tables.
 */
uint32
head_pin(void)
{
	static bool registered = false;
	HeadPin *pin = &head->pins[MyProc->pgprocno];

	if (!registered)
	{
		before_shmem_exit(unpin_at_exit, 0);
		registered = true;
	}
	if (pin_depth++ == 0)
	{
		LWLockAcquire(&head->gen_lock, LW_SHARED);
		pin->min_gen = head->min_gen;
		pin->epoch = head->epoch;
		pg_memory_barrier();
		pin->active = 1;
		LWLockRelease(&head->gen_lock);
	}
	return pin->min_gen;
}

void
head_unpin(void)
{
	Assert(pin_depth > 0);
	if (--pin_depth == 0)
	{
		pg_memory_barrier();
		head->pins[MyProc->pgprocno].active = 0;
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

/*
 * head_free_flushed -- free the chunks of the oldest generations in memory, as far as they are
 * flushed, every snapshot sees the flush, and no reader has them pinned.  horizon: oldest
 * transaction that a snapshot of this database may not see, read before the call (it only
 * moves forward).  Returns how many generations were freed.
 *
 * min_gen is raised first, under the lock, so that new readers go to the tables; then no one
 * can come to hold a chunk of them and the chunks are freed series by series.
 */
int
head_free_flushed(TransactionId horizon)
{
	uint32 first;
	uint32 last;
	uint32 n = head_index->series.n;

	LWLockAcquire(&head->gen_lock, LW_EXCLUSIVE);
	first = last = head->min_gen;
	for (; last < head->gen; last++)
	{
		HeadGen *g = head_gen(last);

		if (g->state != HEAD_GEN_FLUSHED || !g->log_truncated ||
			!TransactionIdPrecedes(XidFromFullTransactionId(g->flush_xid), horizon))
			break;
	}
	for (int i = 0; i < head->npins; i++)
		if (head->pins[i].active)
			last = Min(last, head->pins[i].min_gen);
	for (uint32 gen = first; gen < last; gen++)
		head_gen(gen)->state = HEAD_GEN_NONE;
	head->min_gen = Max(first, last);
	LWLockRelease(&head->gen_lock);

	if (last <= first)
		return 0;
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

			if (c->gen < last)
			{
				*link = c->next;
				arena_free(head->arena, c);
			}
			else
				link = &c->next;
		}
		LWLockRelease(stripe);
	}
	return last - first;
}
