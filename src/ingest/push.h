/*
 * push.h
 *    Remote-write requests to durable samples: the steps around one commit.
 *
 * Several requests of one tick share a transaction (group commit without waiting).  The
 * worker's flow, with the one PG_TRY around it:
 *
 *    b = push_begin();                     joins the current log generation
 *    for each request: push_add(b, ...)    decode, validate, reserve, encode log rows
 *    StartTransaction...; push_write(b);   insert rows; may ereport (disk full, ...)
 *    HOLD_INTERRUPTS(); CommitTransactionCommand();
 *    push_apply(b); RESUME_INTERRUPTS();   append to the head; cannot fail
 *    ... answer each request from its PushResult
 *    push_end(b);                          leaves the generation
 *
 * or, on any error before the commit: AbortCurrentTransaction(); push_abort(b); push_end(b);
 * and every request of the batch is answered 5xx.
 */
#ifndef MIMIR_INGEST_PUSH_H
#define MIMIR_INGEST_PUSH_H

#include "postgres.h"

#include "store/head.h"
#include "tenancy/tenant.h"
#include "wire/remote_write.h"

typedef struct PushBatch PushBatch;

typedef struct PushResult
{
	/* First error of this request; code ERR_NONE if all was stored.  status in http terms. */
	Err err;
	int http_status; /* 0 = success */
	int64 samples_written;
	int64 histograms_written;
	int64 exemplars_written;
	int64 samples_rejected;
} PushResult;

/* push_begin -- memory: a context of its own under CurrentMemoryContext. */
extern PushBatch *push_begin(void);

/*
 * push_add -- one request body, already decompressed.  It must live until push_apply.
 * Bad series are left out and told in *res, whose message is of the caller's context; a malformed
 * body takes nothing of the request.
 * Returns false if nothing of it will be stored.  Needs no transaction.  May ereport only
 * out of memory.
 */
extern bool push_add(PushBatch *b, const Tenant *tenant, RwVersion version, const uint8 *body,
					 size_t len, PushResult *res);

/* push_add_sample -- the same for one sample from SQL (mimir.write). */
extern bool push_add_sample(PushBatch *b, const Tenant *tenant, Labels labels, int64 t_ms, double v,
							PushResult *res);

/*
 * push_check_sample -- would push_add_sample take it now?  Nothing is taken, so that a transaction
 * may wait for long before it adds its samples; then the answer may have changed.
 */
extern bool push_check_sample(const Tenant *tenant, Labels labels, int64 t_ms, double v,
							  PushResult *res);
extern void push_refuse_sample(Labels labels, HeadVerdict verdict, PushResult *res);

extern bool push_is_empty(const PushBatch *b); /* nothing to write: no transaction needed */
extern void push_write(PushBatch *b);
extern void push_apply(PushBatch *b);
extern void push_abort(PushBatch *b);
extern void push_end(PushBatch *b);

#endif
