/*
 * push.h
 *    Remote-write endpoints, in two steps around the batch's commit.
 */
#ifndef MIMIR_API_PUSH_H
#define MIMIR_API_PUSH_H

#include "postgres.h"

#include "http/message.h"
#include "ingest/push.h"

typedef struct PushReply
{
	PushResult result;
	RwVersion version;
} PushReply;

/*
 * api_push_add -- negotiate, find the tenant, decompress and add to the batch.  What is wrong
 * with the request goes to *reply.  Needs a transaction (the tenant may be created).
 */
extern void api_push_add(PushBatch *batch, const HttpRequest *req, PushReply *reply);
extern void api_push_reply(const PushReply *reply, HttpResponse *resp);

#endif
