/*
 * http_worker.c
 *    Workers: take requests from their ring, run each as a transaction, stream the reply.
 *
 * A push worker takes all requests that stand complete in its ring as one batch and one commit
 * (flow: ingest/push.h).  The others take one request at a time.  There is one PG_TRY around
 * a request or batch; nothing below catches to continue.
 *
 * Memory: a context per batch, reset after the reply.
 */
#include "postgres.h"

#include "api/error.h"
#include "api/push.h"
#include "api/routes.h"
#include "pg/deadline.h"
#include "pg/errmap.h"
#include "pg/export.h"
#include "pg/guc.h"
#include "pg/wait_event.h"
#include "store/serving.h"
#include "tenancy/gate.h"
#include "worker/reply.h"
#include "worker/session.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#define BATCH_MAX 16 /* push requests a commit */

MIMIR_WORKER(mimir_http_worker_main);

static volatile uint64 early_cancel; /* request to cancel that had not begun */

/* ---- cancelling -------------------------------------------------------------------------------- */

static void
cancel_now(void)
{
	InterruptPending = true;
	QueryCancelPending = true;
	SetLatch(MyLatch);
}

/*
 * SIGINT, from the gateway with the id of a request, or from pg_cancel_backend() without, or from
 * this process itself, when lock_timeout has passed.
 */
static void
cancel_handler(SIGNAL_ARGS)
{
	int save_errno = errno;
	uint64 wanted = pg_atomic_exchange_u64(&worker_slot->cancel_id, 0);
	uint64 running = pg_atomic_read_u64(&worker_slot->current_id);

	if (get_timeout_indicator(LOCK_TIMEOUT, false) ||
		(running != 0 && (wanted == 0 || wanted == running)))
		cancel_now();
	else if (wanted != 0)
		early_cancel = wanted;
	errno = save_errno;
}

/* From here to forbid_cancel the request may be cancelled. */
static void
allow_cancel(const WorkerRequest *w)
{
	pg_atomic_write_u64(&worker_slot->current_id, w->id);
	pg_memory_barrier();
	if (early_cancel == w->id)
		cancel_now();
	deadline_start((int64) mimir_query_timeout * 1000);
}

/* A cancel that came too late is forgotten, so that it does not hit the next request. */
static void
forbid_cancel(void)
{
	deadline_stop();
	pg_atomic_write_u64(&worker_slot->current_id, 0);
	pg_memory_barrier();
	QueryCancelPending = false;
}

/* ---- requests ---------------------------------------------------------------------------------- */

static void
report_activity(const HttpRequest *req)
{
	char text[256];
	const char *tenant = http_header(req, "x-scope-orgid");

	snprintf(text, sizeof(text), "%s %s%s%s", req->method, req->path, tenant ? " tenant=" : "",
			 tenant ? tenant : "");
	pgstat_report_activity(STATE_RUNNING, text);
}

/* After an ERROR: roll back and make a reply of it. */
static void
fail_query(WorkerRequest *w, MemoryContext context)
{
	ErrorData *edata;
	Err err = ERR_INIT;

	HOLD_INTERRUPTS();
	forbid_cancel();
	MemoryContextSwitchTo(context);
	edata = CopyErrorData();
	FlushErrorState();
	AbortCurrentTransaction();
	RESUME_INTERRUPTS();
	MemoryContextSwitchTo(context);
	if (edata->sqlerrcode != ERRCODE_QUERY_CANCELED)
		errmap_from_report(edata, &err);
	else if (deadline_has_passed())
		err_set(&err, ERR_TIMEOUT, -1, "query timed out in expression evaluation");
	else
		err_set(&err, ERR_CANCELED, -1, "query was canceled in expression evaluation");
	if (err.code == ERR_INTERNAL || err.code == ERR_CORRUPT)
		ereport(LOG, (errmsg("request failed: %s", edata->message),
					  edata->detail ? errdetail_internal("%s", edata->detail) : 0));
	if (w->resp.head_sent)
	{
		reply_break(w);
		return;
	}
	reply_init(w);
	api_error_reply(&w->req, &w->resp, &err);
	reply_end(w);
}

static bool
serviceable(const HttpRequest *req, HttpResponse *resp)
{
	const char *reason = store_unready_reason();
	Err err = ERR_INIT;

	if (reason == NULL && worker_slot->pool == HTTP_POOL_PUSH && XactReadOnly)
		reason = "the server is read-only: default_transaction_read_only is on";
	if (reason == NULL)
		return true;
	err_set(&err, ERR_UNAVAILABLE, -1, "%s", reason);
	http_set_header(resp, "Retry-After", "5");
	api_error_reply(req, resp, &err);
	return false;
}

static void
run_query(WorkerRequest *w, MemoryContext context)
{
	SetCurrentStatementStartTimestamp();
	report_activity(&w->req);
	PG_TRY();
	{
		allow_cancel(w);
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		MemoryContextSwitchTo(context);
		if (!api_needs_store(&w->req) || serviceable(&w->req, &w->resp))
			api_dispatch(&w->req, &w->resp);
		tenancy_leave();
		PopActiveSnapshot();
		CommitTransactionCommand();
		MemoryContextSwitchTo(context);
		forbid_cancel();
		reply_end(w);
	}
	PG_CATCH();
	{
		tenancy_leave();
		fail_query(w, context);
	}
	PG_END_TRY();
	pgstat_report_activity(STATE_IDLE, NULL);
}

/*
 * A batch of pushes: one transaction.  What a request does wrong is in its PushReply; an ERROR
 * fails the batch as a whole, and every sender tries again.
 */
static void
run_pushes(WorkerRequest *w, int n, MemoryContext context)
{
	PushBatch *volatile batch = NULL;
	PushReply *replies = palloc0(sizeof(PushReply) * n);
	bool *answered = palloc0(sizeof(bool) * n);

	SetCurrentStatementStartTimestamp();
	report_activity(&w[0].req);
	PG_TRY();
	{
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		MemoryContextSwitchTo(context);
		for (int i = 0; i < n; i++)
			answered[i] = !serviceable(&w[i].req, &w[i].resp);
		batch = push_begin();
		for (int i = 0; i < n; i++)
			if (!answered[i])
				api_push_add(batch, &w[i].req, &replies[i]);
		if (!push_is_empty(batch))
			push_write(batch);
		PopActiveSnapshot();
		HOLD_INTERRUPTS();
		CommitTransactionCommand();
		push_apply(batch);
		push_end(batch);
		batch = NULL;
		RESUME_INTERRUPTS();
		/* a wait for a synchronous standby may have been broken off: then nothing is promised */
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(context);
		for (int i = 0; i < n; i++)
		{
			if (!answered[i])
				api_push_reply(&replies[i], &w[i].resp);
			reply_end(&w[i]);
		}
	}
	PG_CATCH();
	{
		ErrorData *edata;
		Err err = ERR_INIT;

		HOLD_INTERRUPTS();
		EmitErrorReport();
		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		if (batch != NULL)
		{
			push_abort(batch);
			push_end(batch);
		}
		RESUME_INTERRUPTS();
		MemoryContextSwitchTo(context);
		err_set(&err, ERR_UNAVAILABLE, -1, "could not store the samples: %s", edata->message);
		for (int i = 0; i < n; i++)
		{
			reply_init(&w[i]);
			http_set_header(&w[i].resp, "Retry-After", "5");
			api_error_reply(&w[i].req, &w[i].resp, &err);
			reply_end(&w[i]);
		}
	}
	PG_END_TRY();
	pgstat_report_activity(STATE_IDLE, NULL);
}

/* Serve one request, or what stands in the ring of pushes. */
static void
serve(MemoryContext context)
{
	WorkerRequest *w = palloc0(sizeof(WorkerRequest) * BATCH_MAX);
	int n = 0;

	do
	{
		if (!worker_read_request(&w[n]))
			return;
		n++;
	} while (worker_slot->pool == HTTP_POOL_PUSH && n < BATCH_MAX && worker_request_waiting());
	if (worker_slot->pool == HTTP_POOL_PUSH)
		run_pushes(w, n, context);
	else
		run_query(&w[0], context);
}

static void
go_offline(int code, Datum arg)
{
	pg_atomic_write_u32(&worker_slot->state, QUEUE_OFFLINE);
	queue_wake_gateway();
}

void
mimir_http_worker_main(Datum arg)
{
	MemoryContext context;
	long stats_due = -1; /* ms until counters that were held back are to be reported */

	worker_slot = &http_queue->slots[DatumGetInt32(arg)];
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, cancel_handler);
	BackgroundWorkerUnblockSignals();
	worker_connect(worker_slot->pool == HTTP_POOL_PUSH ? WORKER_PUSH : WORKER_QUERY);
	deadline_init();
	context = AllocSetContextCreate(TopMemoryContext, "mimir request", ALLOCSET_DEFAULT_SIZES);
	worker_slot->pid = MyProcPid;
	worker_slot->latch = MyLatch;
	before_shmem_exit(go_offline, 0);
	pgstat_report_activity(STATE_IDLE, NULL);
	worker_meet_gateway();
	for (;;)
	{
		if (worker_lost_gateway())
			worker_meet_gateway();
		if (worker_request_waiting())
		{
			MemoryContextSwitchTo(context);
			serve(context);
			MemoryContextSwitchTo(TopMemoryContext);
			MemoryContextReset(context);
			stats_due = pgstat_report_stat(false);
			if (stats_due == 0)
				stats_due = -1;
			CHECK_FOR_INTERRUPTS();
			continue;
		}
		worker_wait(MIMIR_WAIT_REQUEST, stats_due);
		if (stats_due > 0 && !worker_request_waiting())
		{
			pgstat_report_stat(true);
			stats_due = -1;
		}
	}
}
