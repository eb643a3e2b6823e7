/*
 * push.c
 *    From request bodies to log rows, and after the commit to the head.
 *
 * A request is read in passes so that cache misses overlap and locks are taken once:
 *    1. decode: all series' keys and samples into arrays; a malformed body ends here with
 *       nothing taken;
 *    2. under one shared hold of the index lock: find the series by their keys (the hash chains
 *       and the series are prefetched), reserve and log their samples;
 *    3. series not found: parse and validate their labels, then under the exclusive lock find
 *       them by labels or create them, reserve and log.
 * What is reserved must be applied (push_apply) or given back (push_abort); both cannot fail.
 * A process that dies in between gives back in its exit callback.
 *
 * Lock order: index lock, then a series' stripe.
 */
#include "postgres.h"

#include "ingest/push.h"

#include "ingest/rate.h"
#include "ingest/sideline.h"
#include "ingest/validate.h"
#include "pg/stats.h"
#include "pg/time.h"
#include "store/head.h"
#include "store/log.h"
#include "store/series_table.h"
#include "util/text.h"

#include "lib/qunique.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/memutils.h"

#define PUSH_PREFETCH	 12					 /* series ahead */
#define PUSH_TOO_OLD_MS	 INT64CONST(3600000) /* behind the tenant's newest: half a head of Mimir */
#define PUSH_CREATE_HOLD 256				 /* series created under one exclusive hold */

/* A series of the request under way. */
typedef struct PushSeries
{
	RwSeries rw; /* samples, histograms: not these but the ranges below */
	SeriesRef ref;
	uint32 sample; /* first in the request's samples */
	uint32 nsamples;
} PushSeries;

/* A sample that was reserved and logged. */
typedef struct PushItem
{
	SeriesRef ref;
	uint32 form_len; /* 0: a float */
	int64 t;
	union
	{
		uint64 bits;
		const uint8 *form;
	} v;
} PushItem;

struct PushBatch
{
	MemoryContext context;
	uint32 gen;
	bool applied; /* items were applied or given back */
	int64 now_ms;
	LogWriter log;
	RwReader *reader;
	SideLine side; /* exemplars and metadata */

	int nitems, cap_items;
	PushItem *items;
	int nnew, cap_new;
	SeriesRef *new_series; /* to register */

	/* scratch of one request */
	int nseries, cap_series;
	PushSeries *series;
	int nsamples, cap_samples;
	RwSample *samples;
};

/* The batch of this process, for the exit callback. */
static PushBatch *current_batch;

#define PUSH_GROW(b, array, n, cap)                                                                \
	do                                                                                             \
	{                                                                                              \
		if ((b)->n == (b)->cap)                                                                    \
		{                                                                                          \
			(b)->cap = Max(1024, (b)->cap * 2);                                                    \
			(b)->array =                                                                           \
				(b)->array ? repalloc_huge((b)->array, sizeof(*(b)->array) * (b)->cap)             \
						   : MemoryContextAllocHuge((b)->context, sizeof(*(b)->array) * (b)->cap); \
		}                                                                                          \
	} while (0)

static void
leave_at_exit(int code, Datum arg)
{
	if (current_batch != NULL)
	{
		push_abort(current_batch);
		push_end(current_batch);
	}
}

PushBatch *
push_begin(void)
{
	static bool registered = false;
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir push", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PushBatch *b = palloc0(sizeof(PushBatch));

	if (!registered)
	{
		before_shmem_exit(leave_at_exit, 0);
		registered = true;
	}
	b->context = context;
	b->now_ms = time_now_ms();
	sideline_init(&b->side);
	b->gen = head_gen_enter();
	current_batch = b;
	log_writer_init(&b->log, b->gen);
	MemoryContextSwitchTo(old);
	return b;
}

static void
fail(PushResult *res, ErrCode code, const char *msg)
{
	err_set(&res->err, code, -1, "%s", msg);
	res->http_status = err_http_status(res->err.code);
}

/* The first error of a request is the one told. */
static void
reject(PushResult *res, const Err *err, int nsamples)
{
	if (res->err.code == ERR_NONE)
	{
		res->err = *err;
		res->http_status = err_http_status(err->code);
	}
	res->samples_rejected += nsamples;
	stats_add(STAT_PUSH_SAMPLES_FAILED, nsamples);
}

/* The message of a result outlives the batch, in the caller's context: it is read after push_end. */
static void
keep_message(PushResult *res, MemoryContext context)
{
	if (res->err.msg != NULL)
		res->err.msg = MemoryContextStrdup(context, res->err.msg);
}

/* ---- taking samples ---------------------------------------------------------------------------- */

static const char *
series_text(PushBatch *b, const PushSeries *s)
{
	Label *labels;
	Err err = ERR_INIT;
	int n = rw_series_labels(b->reader, &s->rw, &labels, &err);
	Buf out;

	buf_init(&out, 256, 65536);
	if (n > 0)
		validate_series_text(&out, labels, n);
	if (!text_utf8_valid(out.data, out.len))
		return "";
	return out.data;
}

static void
refuse_sample(PushBatch *b, const Tenant *tenant, const PushSeries *s, HeadVerdict verdict, int64 t,
			  PushResult *res)
{
	Err err = ERR_INIT;
	Buf when;
	const char *why;

	switch (verdict)
	{
		case HEAD_OUT_OF_ORDER:
			stats_add(STAT_DISCARD_OUT_OF_ORDER, 1);
			why =
				"the sample has been rejected because another sample with a more recent timestamp "
				"has already been ingested and out-of-order samples are not allowed "
				"(err-mimir-sample-out-of-order)";
			break;
		case HEAD_TOO_OLD:
			stats_add(STAT_DISCARD_TOO_OLD, 1);
			if (tenant->limits.out_of_order_window_ms > 0)
			{
				Buf window;

				buf_init(&window, 32, 64);
				text_duration(&window, tenant->limits.out_of_order_window_ms);
				why =
					psprintf("the sample has been rejected because another sample with a more "
							 "recent timestamp has already been ingested and this sample is beyond "
							 "the out-of-order time window of %s "
							 "(err-mimir-sample-timestamp-too-old)",
							 window.data);
			}
			else
				why = "the sample has been rejected because its timestamp is too old "
					  "(err-mimir-sample-timestamp-too-old)";
			break;
		default:
			stats_add(STAT_DISCARD_NEW_VALUE, 1);
			why =
				"the sample has been rejected because another sample with the same timestamp, but "
				"a different value, has already been ingested "
				"(err-mimir-sample-duplicate-timestamp)";
			break;
	}
	if (res->err.code == ERR_NONE)
	{
		buf_init(&when, 40, 64);
		text_time_rfc3339(&when, t);
		err_set(&err, ERR_BAD_REQUEST, -1,
				"user=%s: %s. The affected sample has timestamp %s and is from series %s",
				tenant->name, why, when.data, series_text(b, s));
	}
	reject(res, &err, 1);
}

typedef struct Refusal
{
	uint32 series;
	HeadVerdict verdict;
	int64 t;
} Refusal;

/* What one request needs while its samples are reserved. */
typedef struct PushContext
{
	PushBatch *b;
	const Tenant *tenant;
	uint32 tenant_slot;
	int64 too_old_before;
	int nrefusals, cap_refusals;
	Refusal *refusals; /* told after the lock is let go */
	PushResult *res;
} PushContext;

static void
note_refusal(PushContext *pc, uint32 series, HeadVerdict verdict, int64 t)
{
	if (pc->nrefusals == pc->cap_refusals)
	{
		pc->cap_refusals = Max(16, pc->cap_refusals * 2);
		pc->refusals = pc->refusals ? repalloc(pc->refusals, sizeof(Refusal) * pc->cap_refusals)
									: palloc(sizeof(Refusal) * pc->cap_refusals);
	}
	pc->refusals[pc->nrefusals++] = (Refusal){series, verdict, t};
}

static PushItem *
new_item(PushBatch *b, SeriesRef ref, int64 t)
{
	PushItem *it;

	PUSH_GROW(b, items, nitems, cap_items);
	it = &b->items[b->nitems];
	it->ref = ref;
	it->form_len = 0;
	it->t = t;
	return it;
}

static void
take_floats(PushContext *pc, uint32 i, PushSeries *s)
{
	PushBatch *b = pc->b;
	const RwSample *samples = &b->samples[s->sample];
	int64 series_id = index_series(s->ref)->series_id;

	for (uint32 k = 0; k < s->nsamples; k++)
	{
		int64 t = samples[k].t;
		uint64 bits = value_bits(samples[k].v);
		HeadVerdict verdict;
		PushItem *it;

		if (k > 0 && t == samples[k - 1].t)
			continue;				 /* the same timestamp twice in a request: the first counts */
		it = new_item(b, s->ref, t); /* memory first: reserving must be undoable */
		verdict = head_reserve(s->ref, t, bits, pc->too_old_before,
							   pc->tenant->limits.out_of_order_window_ms);
		if (verdict == HEAD_ACCEPT)
		{
			it->v.bits = bits;
			b->nitems++;
			index_note_time(pc->tenant_slot, t);
			log_writer_float(&b->log, series_id, t, samples[k].v);
			pc->res->samples_written++;
		}
		else if (verdict == HEAD_DUPLICATE)
			pc->res->samples_written++;
		else
			note_refusal(pc, i, verdict, t);
	}
}

static void
take_histograms(PushContext *pc, uint32 i, PushSeries *s)
{
	PushBatch *b = pc->b;

	for (int k = 0; k < s->rw.nhistograms; k++)
	{
		const HistogramSample *h = &s->rw.histograms[k];
		int64 series_id = index_series(s->ref)->series_id;
		Buf form;
		HeadVerdict verdict;
		PushItem *it;

		buf_init(&form, 256, HEAD_MAX_HISTOGRAM);
		histogram_sample_put(&form, h);
		it = new_item(b, s->ref, h->t);
		verdict = head_reserve(s->ref, h->t, hash_xxh64(form.data, form.len), pc->too_old_before,
							   pc->tenant->limits.out_of_order_window_ms);
		if (verdict == HEAD_ACCEPT)
		{
			it->form_len = form.len;
			it->v.form = (const uint8 *) form.data;
			b->nitems++;
			index_note_time(pc->tenant_slot, h->t);
			log_writer_histogram(&b->log, series_id, h->t, (const uint8 *) form.data, form.len);
			pc->res->histograms_written++;
		}
		else if (verdict == HEAD_DUPLICATE)
			pc->res->histograms_written++;
		else
			note_refusal(pc, i, verdict, h->t);
	}
}

static void
take_series(PushContext *pc, uint32 i)
{
	PushBatch *b = pc->b;
	PushSeries *s = &b->series[i];

	PUSH_GROW(b, new_series, nnew, cap_new);
	take_floats(pc, i, s);
	if (s->rw.nhistograms > 0)
		take_histograms(pc, i, s);
	/* looked at after reserving: see store/evict.c */
	if (!head_series(s->ref)->registered)
		b->new_series[b->nnew++] = s->ref;
}

/* ---- finding series ---------------------------------------------------------------------------- */

static void
take_known_series(PushContext *pc)
{
	PushBatch *b = pc->b;

	LWLockAcquire(&head_index->lock, LW_SHARED);
	pc->tenant_slot = index_find_tenant(pc->tenant->id);
	if (pc->tenant_slot == 0)
	{
		LWLockRelease(&head_index->lock);
		return;
	}
	for (int i = 0; i < b->nseries; i++)
	{
		if (i + PUSH_PREFETCH < b->nseries)
			index_prefetch_alias(pc->tenant_slot, b->series[i + PUSH_PREFETCH].rw.key);
		b->series[i].ref =
			b->series[i].rw.bad ? 0 : index_find_alias(pc->tenant_slot, b->series[i].rw.key);
	}
	for (int i = 0; i < b->nseries; i++)
	{
		if (i + PUSH_PREFETCH < b->nseries && b->series[i + PUSH_PREFETCH].ref != 0)
		{
			char *ahead = (char *) head_series(b->series[i + PUSH_PREFETCH].ref);

			__builtin_prefetch(ahead + 64, 1);
			__builtin_prefetch(ahead + 128, 1);
		}
		if (b->series[i].ref != 0)
			take_series(pc, i);
	}
	if (b->nitems > 0)
		pg_atomic_write_u64(&index_tenant(pc->tenant_slot)->arrived_ms, (uint64) b->now_ms);
	LWLockRelease(&head_index->lock);
}

typedef struct NewSeries
{
	uint32 series; /* of the request */
	int n;
	Label *labels;
	uint64 hash;
} NewSeries;

/* Labels of an unknown series: parsed, validated, hashed.  False: refused. */
static bool
prepare_new(PushContext *pc, uint32 i, NewSeries *out)
{
	PushBatch *b = pc->b;
	PushSeries *s = &b->series[i];
	Err err = ERR_INIT;
	Label *labels;
	int n = s->rw.bad ? -1 : rw_series_labels(b->reader, &s->rw, &labels, &err);
	uint8 *bytes;
	uint8 *p;

	if (s->rw.bad)
		err_set(&err, ERR_BAD_REQUEST, -1, "%s", s->rw.bad);
	else if (n >= 0 && validate_labels(&pc->tenant->limits, labels, &n, &err))
	{
		out->series = i;
		out->n = n;
		out->labels = palloc(sizeof(Label) * Max(n, 1));
		memcpy(out->labels, labels, sizeof(Label) * n);
		p = bytes = palloc(Max(labels_encoded_size(labels, n), 1));
		for (int k = 0; k < n; k++)
			p = labels_put(p, labels[k].name, labels[k].value);
		out->hash = hash_xxh64(bytes, p - bytes);
		pfree(bytes);
		return true;
	}
	stats_add(STAT_DISCARD_INVALID, s->nsamples + s->rw.nhistograms);
	reject(pc->res, &err, s->nsamples + s->rw.nhistograms);
	return false;
}

static SeriesRef
find_or_create(PushContext *pc, const NewSeries *ns, bool *limited)
{
	PushSeries *s = &pc->b->series[ns->series];
	SeriesRef ref = index_find_labels(pc->tenant_slot, ns->hash, ns->labels, ns->n);
	uint64 id;

	if (ref != 0)
	{
		index_set_alias(ref, s->rw.key);
		return ref;
	}
	if (pc->tenant->limits.max_series > 0 &&
		index_tenant(pc->tenant_slot)->nseries >= pc->tenant->limits.max_series)
	{
		*limited = true;
		return 0;
	}
	id = pg_atomic_read_u64(&head->next_series_id);
	if (id >= pg_atomic_read_u64(&head->series_id_limit))
		return 0;
	ref = index_create_series(pc->tenant_slot, ns->labels, ns->n, ns->hash, (int64) id, s->rw.key);
	if (ref == 0)
		return 0;
	pg_atomic_write_u64(&head->next_series_id, id + 1); /* the exclusive lock is held */
	head_series(ref)->tail_t = head_series(ref)->applied_t = PG_INT64_MIN;
	head_series(ref)->first_t = PG_INT64_MAX;
	stats_add(STAT_HEAD_SERIES_CREATED, 1);
	return ref;
}

static void
refuse_new(PushContext *pc, const NewSeries *ns, bool limited)
{
	PushSeries *s = &pc->b->series[ns->series];
	int n = s->nsamples + s->rw.nhistograms;
	Err err = ERR_INIT;

	if (limited)
	{
		stats_add(STAT_DISCARD_LIMIT, n);
		err_set(&err, ERR_BAD_REQUEST, -1,
				"user=%s: per-user series limit of %lld exceeded (err-mimir-max-series-per-user). "
				"To adjust the related per-tenant limit, configure "
				"-ingester.max-global-series-per-user, or contact your service administrator.",
				pc->tenant->name, (long long) pc->tenant->limits.max_series);
	}
	else
	{
		stats_add(STAT_HEAD_FULL, 1);
		err_set(&err, ERR_UNAVAILABLE, -1, "the head's memory is full; try again later");
		/* a retry helps: this must not be hidden by an earlier 400 */
		pc->res->err = err;
		pc->res->http_status = err_http_status(err.code);
	}
	reject(pc->res, &err, n);
}

static void
take_new_series(PushContext *pc, const NewSeries *ns, int n)
{
	for (int from = 0; from < n; from += PUSH_CREATE_HOLD)
	{
		int to = Min(n, from + PUSH_CREATE_HOLD);
		bool refused[PUSH_CREATE_HOLD] = {0};
		bool limited = false;

		LWLockAcquire(&head_index->lock, LW_EXCLUSIVE);
		if (pc->tenant_slot == 0)
			pc->tenant_slot = index_find_tenant(pc->tenant->id);
		if (pc->tenant_slot == 0)
			pc->tenant_slot = index_create_tenant(pc->tenant->id);
		for (int i = from; i < to; i++)
		{
			PushSeries *s = &pc->b->series[ns[i].series];

			s->ref = pc->tenant_slot && head_has_room() ? find_or_create(pc, &ns[i], &limited) : 0;
			if (s->ref != 0)
				take_series(pc, ns[i].series);
			else
				refused[i - from] = true;
		}
		LWLockRelease(&head_index->lock);
		for (int i = from; i < to; i++)
			if (refused[i - from])
				refuse_new(pc, &ns[i], limited);
	}
}

/* ---- a request --------------------------------------------------------------------------------- */

static bool
decode(PushBatch *b, RwVersion version, const uint8 *body, size_t len, Err *err)
{
	int got;

	if (b->reader == NULL)
		b->reader = rw_reader_create(head_index->alias_seed);
	if (!rw_reader_begin(b->reader, version, body, len, err))
		return false;
	b->nseries = 0;
	b->nsamples = 0;
	for (;;)
	{
		PushSeries *s;

		PUSH_GROW(b, series, nseries, cap_series);
		s = &b->series[b->nseries];
		got = rw_next_series(b->reader, &s->rw, err);
		if (got <= 0)
			break;
		s->sample = b->nsamples;
		s->nsamples = s->rw.nsamples;
		s->ref = 0;
		for (int k = 0; k < s->rw.nsamples; k++)
		{
			PUSH_GROW(b, samples, nsamples, cap_samples);
			b->samples[b->nsamples++] = s->rw.samples[k];
		}
		b->nseries++;
	}
	return got == 0;
}

/*
 * Samples too far in the future, and histograms that are not right: the series is dropped from
 * the request before anything is reserved.
 */
static void
check_values(PushContext *pc)
{
	PushBatch *b = pc->b;
	const TenantLimits *lim = &pc->tenant->limits;
	int64 latest = b->now_ms + lim->creation_grace_period_ms;
	int64 earliest = lim->past_grace_period_ms > 0
						 ? b->now_ms - lim->past_grace_period_ms - lim->out_of_order_window_ms
						 : PG_INT64_MIN;

	for (int i = 0; i < b->nseries; i++)
	{
		PushSeries *s = &b->series[i];
		Err err = ERR_INIT;
		int64 bad_t = 0;
		bool future = false;
		bool past = false;
		int total = s->nsamples + s->rw.nhistograms;

		for (uint32 k = 0; k < s->nsamples && !future && !past; k++)
		{
			bad_t = b->samples[s->sample + k].t;
			future = bad_t > latest;
			past = bad_t < earliest;
		}
		for (int k = 0; k < s->rw.nhistograms && !future && !past; k++)
		{
			bad_t = s->rw.histograms[k].t;
			future = bad_t > latest;
			past = bad_t < earliest;
		}
		if (future || past)
		{
			stats_add(future ? STAT_DISCARD_TOO_FAR_IN_FUTURE : STAT_DISCARD_TOO_OLD, total);
			err_set(&err, ERR_BAD_REQUEST, -1,
					"received a sample whose timestamp is too far in the %s, timestamp: %lld "
					"series: '%.200s' (err-mimir-too-far-in-%s)",
					future ? "future" : "past", (long long) bad_t, series_text(b, s),
					future ? "future" : "past");
			reject(pc->res, &err, total);
			s->nsamples = 0;
			s->rw.nhistograms = 0;
			s->rw.bad = NULL;
			continue;
		}
		if (s->rw.nhistograms > 0)
			sideline_check_histograms(&s->rw, lim, series_text(b, s), &err);
		if (err.code != ERR_NONE)
		{
			stats_add(STAT_DISCARD_HISTOGRAM, s->rw.nhistograms);
			reject(pc->res, &err, s->rw.nhistograms);
			s->rw.nhistograms = 0;
		}
	}
}

static void
take_metadata(PushContext *pc, RwVersion version, Err *err)
{
	PushBatch *b = pc->b;
	Metadata m;

	if (version == RW_V2)
	{
		for (int i = 0; i < b->nseries; i++)
			if (b->series[i].rw.has_metadata && b->series[i].ref != 0)
				sideline_add_series_metadata(&b->side, pc->tenant->id, b->series[i].ref,
											 b->series[i].rw.metadata);
		return;
	}
	while (rw_next_metadata(b->reader, &m, err) == 1)
	{
		Err bad = ERR_INIT;

		stats_add(STAT_PUSH_METADATA_IN, 1);
		if (validate_metadata(&m, &bad))
			sideline_add_metadata(&b->side, pc->tenant->id, m);
		else
			reject(pc->res, &bad, 0);
	}
}

static void
take_exemplars(PushContext *pc)
{
	PushBatch *b = pc->b;

	for (int i = 0; i < b->nseries; i++)
	{
		const PushSeries *s = &b->series[i];

		stats_add(STAT_PUSH_EXEMPLARS_IN, s->rw.nexemplars);
		for (int k = 0; s->ref != 0 && k < s->rw.nexemplars; k++)
		{
			const Exemplar *e = &s->rw.exemplars[k];

			if (!validate_exemplar(e, b->now_ms, pc->tenant->limits.creation_grace_period_ms))
				continue;
			sideline_add_exemplar(&b->side, pc->tenant->id, s->ref, e);
			pc->res->exemplars_written++;
		}
	}
}

/* slot 0: the tenant has no series yet. */
static int64
too_old_limit_locked(const Tenant *tenant, uint32 slot)
{
	int64 window = tenant->limits.out_of_order_window_ms;
	int64 newest = PG_INT64_MIN;

	if (slot != 0)
		newest = (int64) pg_atomic_read_u64(&index_tenant(slot)->max_t);
	window = window > 0 ? window : PUSH_TOO_OLD_MS;
	return newest < PG_INT64_MIN + window ? PG_INT64_MIN : newest - window;
}

static int64
too_old_limit(const Tenant *tenant)
{
	int64 limit;

	LWLockAcquire(&head_index->lock, LW_SHARED);
	limit = too_old_limit_locked(tenant, index_find_tenant(tenant->id));
	LWLockRelease(&head_index->lock);
	return limit;
}

/* Everything between a decoded request and its place in the batch. */
static bool
take_request(PushContext *pc, RwVersion version)
{
	PushBatch *b = pc->b;
	NewSeries *fresh;
	int nfresh = 0;
	int items_before = b->nitems;
	Err err = ERR_INIT;

	check_values(pc);
	if (!rate_admit(pc->tenant, b->nsamples, &err))
	{
		reject(pc->res, &err, b->nsamples);
		return false;
	}
	log_writer_tenant(&b->log, pc->tenant->id);
	pc->too_old_before = too_old_limit(pc->tenant);
	take_known_series(pc);
	fresh = palloc(sizeof(NewSeries) * Max(b->nseries, 1));
	for (int i = 0; i < b->nseries; i++)
	{
		PushSeries *s = &b->series[i];

		if (s->ref == 0 && (s->nsamples + s->rw.nhistograms > 0 || s->rw.bad != NULL) &&
			prepare_new(pc, i, &fresh[nfresh]))
			nfresh++;
	}
	if (nfresh > 0)
		take_new_series(pc, fresh, nfresh);
	for (int i = 0; i < pc->nrefusals; i++)
		refuse_sample(b, pc->tenant, &b->series[pc->refusals[i].series], pc->refusals[i].verdict,
					  pc->refusals[i].t, pc->res);
	take_exemplars(pc);
	take_metadata(pc, version, &err);
	if (err.code != ERR_NONE)
		reject(pc->res, &err, 0);
	return b->nitems > items_before;
}

bool
push_add(PushBatch *b, const Tenant *tenant, RwVersion version, const uint8 *body, size_t len,
		 PushResult *res)
{
	MemoryContext old = MemoryContextSwitchTo(b->context);
	PushContext pc = {.b = b, .tenant = tenant, .res = res};
	bool taken = false;

	memset(res, 0, sizeof(*res));
	res->err = (Err) ERR_INIT;
	stats_add(STAT_PUSH_REQUESTS, 1);
	if (b->gen == 0)
		fail(res, ERR_UNAVAILABLE, "the head is being recovered; try again later");
	else if (!head_has_room())
	{
		stats_add(STAT_HEAD_FULL, 1);
		fail(res, ERR_UNAVAILABLE, "the head's memory is full; try again later");
	}
	else if (!decode(b, version, body, len, &res->err))
		res->http_status = err_http_status(res->err.code);
	else
	{
		stats_add(STAT_PUSH_SAMPLES_IN, b->nsamples);
		taken = take_request(&pc, version);
	}
	keep_message(res, old);
	MemoryContextSwitchTo(old);
	return taken;
}

/* ---- a sample from SQL ------------------------------------------------------------------------- */

/* All that can be told without the head.  *ns gets the labels, palloc'd. */
static bool
prepare_sample(const Tenant *tenant, Labels labels, int64 t_ms, int64 now_ms, NewSeries *ns,
			   PushResult *res)
{
	LabelsIter it;
	int cap = labels_count(labels);
	Err err = ERR_INIT;

	memset(res, 0, sizeof(*res));
	res->err = (Err) ERR_INIT;
	memset(ns, 0, sizeof(*ns));
	ns->labels = palloc(sizeof(Label) * Max(cap, 1));
	labels_iter_init(&it, labels);
	while (ns->n < cap && labels_next(&it, &ns->labels[ns->n]))
		ns->n++;
	ns->hash = labels_hash(labels);
	if (t_ms > now_ms + tenant->limits.creation_grace_period_ms)
		fail(res, ERR_BAD_REQUEST,
			 psprintf("received a sample whose timestamp is too far in the future, timestamp: %lld "
					  "(err-mimir-too-far-in-future)",
					  (long long) t_ms));
	else if (!validate_labels(&tenant->limits, ns->labels, &ns->n, &err))
		reject(res, &err, 1);
	return res->err.code == ERR_NONE;
}

void
push_refuse_sample(Labels labels, HeadVerdict verdict, PushResult *res)
{
	Err err = ERR_INIT;
	Buf text;

	buf_init(&text, 128, 65536);
	labels_text(&text, labels);
	err_set(&err, ERR_BAD_REQUEST, -1,
			verdict == HEAD_OUT_OF_ORDER
				? "sample of series %s is out of order (err-mimir-sample-out-of-order)"
			: verdict == HEAD_TOO_OLD
				? "sample of series %s is too old (err-mimir-sample-timestamp-too-old)"
				: "sample of series %s has the timestamp of another one with a different "
				  "value (err-mimir-sample-duplicate-timestamp)",
			text.data);
	reject(res, &err, 1);
}

bool
push_check_sample(const Tenant *tenant, Labels labels, int64 t_ms, double v, PushResult *res)
{
	HeadVerdict verdict = HEAD_ACCEPT;
	NewSeries ns;
	uint32 slot;
	SeriesRef ref;

	if (!prepare_sample(tenant, labels, t_ms, time_now_ms(), &ns, res))
		return false;
	if (head_pin() == 0)
	{
		fail(res, ERR_UNAVAILABLE, "the head is being recovered; try again later");
		return false;
	}
	LWLockAcquire(&head_index->lock, LW_SHARED);
	slot = index_find_tenant(tenant->id);
	ref = slot != 0 ? index_find_labels(slot, ns.hash, ns.labels, ns.n) : 0;
	if (ref != 0)
		verdict = head_judge(ref, t_ms, value_bits(v), too_old_limit_locked(tenant, slot),
							 tenant->limits.out_of_order_window_ms);
	LWLockRelease(&head_index->lock);
	head_unpin();
	pfree(ns.labels);
	if (verdict != HEAD_ACCEPT && verdict != HEAD_DUPLICATE)
		push_refuse_sample(labels, verdict, res);
	return res->err.code == ERR_NONE;
}

bool
push_add_sample(PushBatch *b, const Tenant *tenant, Labels labels, int64 t_ms, double v,
				PushResult *res)
{
	MemoryContext old = MemoryContextSwitchTo(b->context);
	PushContext pc = {.b = b, .tenant = tenant, .res = res};
	NewSeries ns;

	b->nseries = b->nsamples = 0;
	PUSH_GROW(b, series, nseries, cap_series);
	PUSH_GROW(b, samples, nsamples, cap_samples);
	memset(&b->series[0], 0, sizeof(PushSeries));
	b->series[0].nsamples = 1;
	b->samples[0] = (RwSample){.t = t_ms, .v = v};
	if (prepare_sample(tenant, labels, t_ms, b->now_ms, &ns, res))
	{
		if (b->gen == 0)
			fail(res, ERR_UNAVAILABLE, "the head is being recovered; try again later");
		else if (!head_has_room())
			fail(res, ERR_UNAVAILABLE, "the head's memory is full; try again later");
	}
	if (res->err.code == ERR_NONE)
	{
		/* the key of a request's label bytes never equals this one: it hashes the label set */
		b->series[0].rw.key = hash128(labels.data, labels.len, ~head_index->alias_seed);
		b->nseries = b->nsamples = 1;
		log_writer_tenant(&b->log, tenant->id);
		pc.too_old_before = too_old_limit(tenant);
		take_known_series(&pc);
		if (b->series[0].ref == 0)
			take_new_series(&pc, &ns, 1);
		if (pc.nrefusals > 0 && res->err.code == ERR_NONE)
			push_refuse_sample(labels, pc.refusals[0].verdict, res);
	}
	keep_message(res, old);
	MemoryContextSwitchTo(old);
	return res->err.code == ERR_NONE;
}

bool
push_is_empty(const PushBatch *b)
{
	return b->nitems == 0 && b->nnew == 0 && sideline_is_empty(&b->side);
}

static int
cmp_refs(const void *a, const void *b)
{
	SeriesRef x = *(const SeriesRef *) a;
	SeriesRef y = *(const SeriesRef *) b;

	return (x > y) - (x < y);
}

void
push_write(PushBatch *b)
{
	MemoryContext old = MemoryContextSwitchTo(b->context);

	log_writer_finish(&b->log);
	/* several requests of the batch may have the same new series */
	qsort(b->new_series, b->nnew, sizeof(SeriesRef), cmp_refs);
	b->nnew = qunique(b->new_series, b->nnew, sizeof(SeriesRef), cmp_refs);
	series_table_register(b->new_series, b->nnew);
	log_write(b->gen, &b->log);
	sideline_write(&b->side);
	pg_atomic_fetch_add_u64(&head_gen(b->gen)->log_bytes, b->log.bytes);
	MemoryContextSwitchTo(old);
}

void
push_apply(PushBatch *b)
{
	for (int i = 0; i < b->nitems; i++)
	{
		const PushItem *it = &b->items[i];

		if (i + PUSH_PREFETCH < b->nitems)
		{
			HeadSeries *ahead = head_series(b->items[i + PUSH_PREFETCH].ref);

			if (i + PUSH_PREFETCH / 2 < b->nitems)
			{
				HeadSeries *near = head_series(b->items[i + PUSH_PREFETCH / 2].ref);

				__builtin_prefetch(near->w.buf + near->w.bits / 8, 1);
			}
			__builtin_prefetch(&ahead->tail_t, 1);
			__builtin_prefetch((char *) &ahead->tail_t + 64, 1);
		}
		if (it->form_len == 0)
			head_apply_float(it->ref, b->gen, it->t, value_from_bits(it->v.bits));
		else
			head_apply_histogram(it->ref, b->gen, it->t, it->v.form, it->form_len,
								 hash_xxh64(it->v.form, it->form_len));
	}
	for (int i = 0; i < b->nnew; i++)
	{
		LWLockAcquire(head_stripe(b->new_series[i]), LW_EXCLUSIVE);
		head_series(b->new_series[i])->registered = true;
		LWLockRelease(head_stripe(b->new_series[i]));
	}
	stats_add(STAT_PUSH_SAMPLES_ACCEPTED, b->nitems);
	stats_add(STAT_LOG_BYTES, b->log.bytes);
	sideline_committed(&b->side);
	b->applied = true;
}

void
push_abort(PushBatch *b)
{
	if (b->applied)
		return;
	for (int i = b->nitems - 1; i >= 0; i--)
		head_unreserve(b->items[i].ref);
	b->nitems = 0;
	b->applied = true;
}

void
push_end(PushBatch *b)
{
	Assert(b->applied || b->nitems == 0);
	current_batch = NULL;
	if (b->gen != 0)
		head_gen_leave(b->gen);
	MemoryContextDelete(b->context);
}
