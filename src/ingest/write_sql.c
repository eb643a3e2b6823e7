/*
 * write_sql.c
 *    mimir.write(): samples from SQL, with the caller's transaction.
 *
 * A sample is checked at once and remembered.  The commit takes all of the transaction's: they
 * join a generation, are reserved, logged, and after the commit applied to the head.  Until
 * then they hold nothing: a transaction that stays open does not hold up the flusher, does not
 * make others' samples out of order, and may roll back to a savepoint.  Price: what others
 * wrote meanwhile can make the commit fail.
 *
 * Memory: all in TopTransactionContext, about 50 bytes a sample and the labels of each series once.
 */
#include "postgres.h"

#include "ingest/push.h"
#include "pg/errmap.h"
#include "pg/export.h"
#include "pg/time.h"
#include "store/serving.h"
#include "tenancy/tenant.h"
#include "types/labels_value.h"
#include "types/labels_value.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

MIMIR_FUNCTION(mimir_write);

/* A series that the transaction has written to. */
typedef struct WrittenSeries
{
	Hash128 key; /* hash key: of tenant and labels */
	const Tenant *tenant;
	Labels labels;
	int64 last_t; /* of its samples in this transaction; PG_INT64_MIN = none */
	uint64 last_v;
} WrittenSeries;

typedef struct WrittenSample
{
	WrittenSeries *series;
	SubTransactionId subid;
	int64 t;
	double v;
	int64 prev_t; /* last_t and last_v before it */
	uint64 prev_v;
} WrittenSample;

/* Of the transaction under way. */
static HTAB *series_by_key; /* NULL: it has written nothing */
static WrittenSample *samples;
static uint64 nsamples, cap_samples;
static PushBatch *batch; /* while it commits */

static void
take_all(void)
{
	batch = push_begin();
	for (uint64 i = 0; i < nsamples; i++)
	{
		const WrittenSample *w = &samples[i];
		PushResult res;

		if (!push_add_sample(batch, w->series->tenant, w->series->labels, w->t, w->v, &res))
			errmap_raise(&res.err);
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
	}
	push_write(batch);
}

static void
forget_all(void)
{
	series_by_key = NULL;
	samples = NULL;
	nsamples = cap_samples = 0;
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (nsamples > 0)
				take_all();
			break;
		case XACT_EVENT_PRE_PREPARE:
			if (nsamples > 0)
				ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
								errmsg("cannot PREPARE a transaction that has written samples")));
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
			if (batch != NULL)
			{
				if (event == XACT_EVENT_COMMIT)
					push_apply(batch);
				else
					push_abort(batch);
				push_end(batch);
			}
			batch = NULL;
			forget_all();
			break;
		default:
			break;
	}
}

/*
 * The samples of a subtransaction are the newest ones.  When it commits they are its parent's,
 * when it aborts they are taken back, newest first.
 */
static void
at_subtransaction_end(SubXactEvent event, SubTransactionId my, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		for (uint64 i = nsamples; i > 0 && samples[i - 1].subid == my; i--)
			samples[i - 1].subid = parent;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		while (nsamples > 0 && samples[nsamples - 1].subid == my)
		{
			const WrittenSample *w = &samples[--nsamples];

			w->series->last_t = w->prev_t;
			w->series->last_v = w->prev_v;
		}
}

static WrittenSeries *
find_series(const Tenant *tenant, Labels labels)
{
	Hash128 key = hash128(labels.data, labels.len, tenant->id);
	WrittenSeries *s;
	bool found;

	if (series_by_key == NULL)
	{
		HASHCTL ctl = {.keysize = sizeof(Hash128),
					   .entrysize = sizeof(WrittenSeries),
					   .hcxt = TopTransactionContext};

		series_by_key =
			hash_create("mimir written series", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	s = hash_search(series_by_key, &key, HASH_FIND, NULL);
	if (s == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
		Labels copy = labels_copy(labels);

		MemoryContextSwitchTo(old);
		s = hash_search(series_by_key, &key, HASH_ENTER, &found);
		s->tenant = tenant;
		s->labels = copy;
		s->last_t = PG_INT64_MIN;
	}
	return s;
}

static void
remember(WrittenSeries *s, int64 t, double v)
{
	if (nsamples == cap_samples)
	{
		uint64 cap = Max(64, cap_samples * 2);

		samples = samples ? repalloc_huge(samples, sizeof(WrittenSample) * cap)
						  : MemoryContextAlloc(TopTransactionContext, sizeof(WrittenSample) * cap);
		cap_samples = cap;
	}
	samples[nsamples++] =
		(WrittenSample){s, GetCurrentSubTransactionId(), t, v, s->last_t, s->last_v};
	if (t > s->last_t)
	{
		s->last_t = t;
		s->last_v = value_bits(v);
	}
}

/* Against what the transaction itself wrote before.  False: it is the same sample again. */
static bool
check_order(const WrittenSeries *s, int64 t, double v, PushResult *res)
{
	memset(res, 0, sizeof(*res));
	res->err = (Err) ERR_INIT;
	if (t > s->last_t)
		return true;
	if (t == s->last_t && value_bits(v) == s->last_v)
		return false;
	if (t == s->last_t || s->tenant->limits.out_of_order_window_ms == 0)
		push_refuse_sample(s->labels, t == s->last_t ? HEAD_NEW_VALUE : HEAD_OUT_OF_ORDER, res);
	return true;
}

Datum
mimir_write(PG_FUNCTION_ARGS)
{
	static bool registered = false;
	int64 t = time_to_ms(PG_GETARG_TIMESTAMPTZ(1));
	double v = PG_GETARG_FLOAT8(2);
	const Tenant *tenant;
	Labels labels;
	WrittenSeries *s;
	PushResult res;

	PreventCommandIfReadOnly("mimir.write()");
	PreventCommandDuringRecovery("mimir.write()");
	store_need();
	tenant = tenancy_writable();
	if (!registered)
	{
		RegisterXactCallback(at_transaction_end, NULL);
		RegisterSubXactCallback(at_subtransaction_end, NULL);
		registered = true;
	}
	labels = labels_from_jsonb(PG_GETARG_JSONB_P(0));
	if (!push_check_sample(tenant, labels, t, v, &res))
		errmap_raise(&res.err);
	s = find_series(tenant, labels);
	if (check_order(s, t, v, &res))
	{
		if (res.err.code != ERR_NONE)
			errmap_raise(&res.err);
		remember(s, t, v);
	}
	PG_RETURN_VOID();
}
