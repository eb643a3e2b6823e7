/*
 * read_client.h
 *    Samples from another server by remote read, to blocks.
 */
#ifndef MIMIR_REMOTE_READ_CLIENT_H
#define MIMIR_REMOTE_READ_CLIENT_H

#include "postgres.h"

#include "model/matcher.h"
#include "remote/fetch.h"
#include "tenancy/tenant.h"

/* Whom to ask, and for which series. */
typedef struct ReadSource
{
	const char *url;
	int nheaders;
	const FetchHeader *headers;
	const char *selector; /* the matchers as the user wrote them */
	int nmatchers;
	const Matcher *matchers;
} ReadSource;

/*
 * read_client_import -- all samples of the source in [mint, maxt] (ms) become the tenant's, a block a
 * day, in the caller's transaction; returns their number.
 *
 * Days that the tenant has had from this source, of the same times, are passed over with a NOTICE.  Ereports if
 * the other server cannot be reached or answers with anything but samples.  Memory:
 * maintenance_work_mem and one answer of samples; the rest of a day is in temporary files.
 */
extern int64 read_client_import(TenantId tenant, const ReadSource *source, int64 mint, int64 maxt);

#endif
