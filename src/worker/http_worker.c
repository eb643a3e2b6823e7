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
#include "pg/errmap.h"
#include "pg/export.h"
#include "pg/guc.h"
#include "pg/wait_event.h"
#include "store/flush.h"
#include "tables/relation.h"
#include "tenancy/gate.h"
#include "worker/queue.h"

#include "access/xact.h"
#include "access/xlog.h"
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

#define BATCH_MAX		 16 /* push requests a commit */
#define REPLY_CHUNK		 32768 /* bytes collected before a frame is sent */
#define REPLY_TIMEOUT_MS 60000 /* the gateway takes nothing for so long: give up */

MIMIR_WORKER(mimir_http_worker_main);

static QueueSlot *slot;
static uint32 gateway_epoch;

typedef struct WorkerRequest
{
	uint64 id;
	HttpRequest req;
	HttpResponse resp;
	Buf body; /* collected reply bytes */
} WorkerRequest;

/* ---- signals ----------------------------------------------------------------------------------- */

static void
cancel_handler(SIGNAL_ARGS)
{
	int save_errno = errno;
	uint64 id = pg_atomic_read_u64(&slot->current_id);

	if ((id != 0 && pg_atomic_read_u64(&slot->cancel_id) == id) ||
		get_timeout_indicator(STATEMENT_TIMEOUT, false))
	{
		InterruptPending = true;
		QueryCancelPending = true;
	}
	SetLatch(MyLatch);
	errno = save_errno;
}

static void
go_offline(int code, Datum arg)
{
	pg_atomic_write_u32(&slot->online, 0);
	if (http_queue->gateway_latch)
		SetLatch(http_queue->gateway_latch);
}

static void
wait_for_gateway(MimirWait why, long timeout_ms)
{
	WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (timeout_ms > 0 ? WL_TIMEOUT : 0),
			  timeout_ms, mimir_wait_event(why));
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

static bool
gateway_changed(void)
{
	return pg_atomic_read_u32(&http_queue->gateway_epoch) != gateway_epoch;
}

/* A gateway that started anew knows nothing of what we had under way. */
static void
meet_gateway(void)
{
	pg_atomic_write_u32(&slot->online, 0);
	gateway_epoch = pg_atomic_read_u32(&http_queue->gateway_epoch);
	ring_reset(&slot->requests);
	ring_reset(&slot->replies);
	pg_atomic_write_u64(&slot->current_id, 0);
	pg_atomic_fetch_add_u32(&slot->epoch, 1);
	pg_write_barrier();
	pg_atomic_write_u32(&slot->online, 1);
	if (http_queue->gateway_latch)
		SetLatch(http_queue->gateway_latch);
}

/* ---- replies ----------------------------------------------------------------------------------- */

static void
send_bytes(const void *data, Size len)
{
	const char *p = data;
	int waited = 0;

	while (len > 0)
	{
		Size n = ring_write(&slot->replies, p, len);

		if (gateway_changed())
			return;
		p += n;
		len -= n;
		if (n > 0 && http_queue->gateway_latch)
			SetLatch(http_queue->gateway_latch);
		if (len == 0)
			break;
		if (n == 0 && ++waited > REPLY_TIMEOUT_MS / 1000)
			ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED),
							errmsg("client did not take the reply in time")));
		if (n > 0)
			waited = 0;
		wait_for_gateway(MIMIR_WAIT_REPLY, 1000);
	}
	if (http_queue->gateway_latch)
		SetLatch(http_queue->gateway_latch);
}

static void
send_frame(QueueFrame type, uint64 id, const void *extra, Size extra_len, const void *data, Size len)
{
	uint32 head[2] = {type, (uint32) (sizeof(id) + extra_len + len)};
	char start[64];

	memcpy(start, head, sizeof(head));
	memcpy(start + sizeof(head), &id, sizeof(id));
	if (extra_len > 0)
		memcpy(start + sizeof(head) + sizeof(id), extra, extra_len);
	send_bytes(start, sizeof(head) + sizeof(id) + extra_len);
	send_bytes(data, len);
}

static void
flush_reply(WorkerRequest *w)
{
	if (!w->resp.head_sent)
	{
		int32 status = w->resp.status;

		w->resp.head_sent = true;
		send_frame(QUEUE_HEAD, w->id, &status, sizeof(status),
				   w->resp.headers.data ? w->resp.headers.data : "", w->resp.headers.len);
	}
	if (w->body.len > 0)
		send_frame(QUEUE_DATA, w->id, NULL, 0, w->body.data, w->body.len);
	buf_reset(&w->body);
}

static void
sink_send(HttpResponse *r, const void *data, size_t len)
{
	WorkerRequest *w = r->sink;

	buf_append(&w->body, data, len);
	if (w->body.len >= REPLY_CHUNK)
		flush_reply(w);
}

static void
end_reply(WorkerRequest *w, bool ok)
{
	uint32 flag = ok;

	flush_reply(w);
	send_frame(QUEUE_END, w->id, &flag, sizeof(flag), NULL, 0);
}

static void
init_response(WorkerRequest *w)
{
	memset(&w->resp, 0, sizeof(w->resp));
	w->resp.status = 200;
	w->resp.send = sink_send;
	w->resp.sink = w;
	buf_init(&w->body, 4096, MaxAllocHugeSize / 4);
}

/* ---- requests ---------------------------------------------------------------------------------- */

/* Read a whole frame; the bytes are in the batch's context. */
static void
read_request(WorkerRequest *w)
{
	uint32 head[2];
	Size got = 0;
	char *data;

	ring_read(&slot->requests, head, sizeof(head));
	data = MemoryContextAllocHuge(CurrentMemoryContext, (Size) head[1] + 1);
	while (got < head[1])
	{
		Size n = ring_read(&slot->requests, data + got, head[1] - got);

		got += n;
		if (http_queue->gateway_latch)
			SetLatch(http_queue->gateway_latch);
		if (gateway_changed())
			ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED), errmsg("the gateway was restarted")));
		if (n == 0)
			wait_for_gateway(MIMIR_WAIT_REQUEST, 1000);
	}
	if (!queue_unpack_request(data, head[1], &w->id, &w->req))
		elog(ERROR, "malformed request in the queue");
	init_response(w);
}

static bool
request_waiting(void)
{
	return ring_readable(&slot->requests) >= 2 * sizeof(uint32);
}

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
fail_request(WorkerRequest *w, MemoryContext context, bool timed_out)
{
	ErrorData *edata;
	Err err = ERR_INIT;

	MemoryContextSwitchTo(context);
	edata = CopyErrorData();
	HOLD_INTERRUPTS();
	FlushErrorState();
	AbortCurrentTransaction();
	disable_all_timeouts(false);
	QueryCancelPending = false;
	RESUME_INTERRUPTS();
	MemoryContextSwitchTo(context);
	errmap_from_report(edata, &err);
	if (err.code == ERR_CANCELED && timed_out)
	{
		err = (Err) ERR_INIT;
		err_set(&err, ERR_TIMEOUT, -1, "query timed out in expression evaluation");
	}
	if (err.code == ERR_INTERNAL || err.code == ERR_CORRUPT)
		ereport(LOG, (errmsg("request failed: %s", edata->message),
					  edata->detail ? errdetail_internal("%s", edata->detail) : 0));
	if (w->resp.head_sent)
	{
		end_reply(w, false);
		return;
	}
	init_response(w);
	api_error_reply(&w->req, &w->resp, &err);
	end_reply(w, true);
}

static bool
serviceable(const HttpRequest *req, HttpResponse *resp)
{
	Err err = ERR_INIT;

	if (!OidIsValid(tables_relid_missing_ok("tenant")))
		err_set(&err, ERR_UNAVAILABLE, -1, "extension mimir_pg is not installed in database \"%s\"",
				mimir_database);
	else if (RecoveryInProgress())
		err_set(&err, ERR_READ_ONLY, -1,
				"server is a standby in recovery: the head is not available");
	else if (!store_is_ready())
		err_set(&err, ERR_UNAVAILABLE, -1, "starting: the head is being recovered");
	else
		return true;
	http_set_header(resp, "Retry-After", "5");
	api_error_reply(req, resp, &err);
	return false;
}

static void
run_query(WorkerRequest *w, MemoryContext context)
{
	volatile bool timed_out = false;

	pg_atomic_write_u64(&slot->current_id, w->id);
	report_activity(&w->req);
	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		MemoryContextSwitchTo(context);
		if (api_needs_store(&w->req) ? serviceable(&w->req, &w->resp) : true)
		{
			if (mimir_query_timeout > 0)
				enable_timeout_after(STATEMENT_TIMEOUT, mimir_query_timeout * 1000);
			api_dispatch(&w->req, &w->resp);
			disable_timeout(STATEMENT_TIMEOUT, false);
		}
		tenancy_leave();
		PopActiveSnapshot();
		CommitTransactionCommand();
		MemoryContextSwitchTo(context);
		end_reply(w, true);
	}
	PG_CATCH();
	{
		timed_out = get_timeout_indicator(STATEMENT_TIMEOUT, true);
		tenancy_leave();
		fail_request(w, context, timed_out);
	}
	PG_END_TRY();
	pg_atomic_write_u64(&slot->current_id, 0);
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

	report_activity(&w[0].req);
	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
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
		MemoryContextSwitchTo(context);
		for (int i = 0; i < n; i++)
		{
			if (!answered[i])
				api_push_reply(&replies[i], &w[i].resp);
			end_reply(&w[i], true);
		}
	}
	PG_CATCH();
	{
		ErrorData *edata;
		Err err = ERR_INIT;

		if (batch != NULL)
			push_abort(batch);
		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		HOLD_INTERRUPTS();
		EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
		if (batch != NULL)
			push_end(batch);
		RESUME_INTERRUPTS();
		MemoryContextSwitchTo(context);
		err_set(&err, ERR_UNAVAILABLE, -1, "could not store the samples: %s", edata->message);
		for (int i = 0; i < n; i++)
		{
			init_response(&w[i]);
			http_set_header(&w[i].resp, "Retry-After", "5");
			api_error_reply(&w[i].req, &w[i].resp, &err);
			end_reply(&w[i], true);
		}
	}
	PG_END_TRY();
	pgstat_report_activity(STATE_IDLE, NULL);
}

static void
serve(MemoryContext context)
{
	WorkerRequest *w = palloc0(sizeof(WorkerRequest) * BATCH_MAX);
	int n = 0;

	read_request(&w[n++]);
	if (slot->pool != HTTP_POOL_PUSH)
	{
		run_query(&w[0], context);
		return;
	}
	while (n < BATCH_MAX && request_waiting())
		read_request(&w[n++]);
	run_pushes(w, n, context);
}

void
mimir_http_worker_main(Datum arg)
{
	MemoryContext context;

	slot = &http_queue->slots[DatumGetInt32(arg)];
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, cancel_handler);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(mimir_database, NULL, 0);
	before_shmem_exit(go_offline, 0);
	slot->pid = MyProcPid;
	slot->latch = MyLatch;
	context = AllocSetContextCreate(TopMemoryContext, "mimir request", ALLOCSET_DEFAULT_SIZES);
	meet_gateway();
	pgstat_report_activity(STATE_IDLE, NULL);
	for (;;)
	{
		if (gateway_changed())
			meet_gateway();
		if (request_waiting())
		{
			MemoryContextSwitchTo(context);
			serve(context);
			MemoryContextSwitchTo(TopMemoryContext);
			MemoryContextReset(context);
			pgstat_report_stat(false);
			CHECK_FOR_INTERRUPTS();
			continue;
		}
		wait_for_gateway(MIMIR_WAIT_REQUEST, 0);
	}
}
