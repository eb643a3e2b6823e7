/*
 * rate.h
 *    The tenant's ingestion rate: a token bucket in shared memory.
 */
#ifndef MIMIR_INGEST_RATE_H
#define MIMIR_INGEST_RATE_H

#include "postgres.h"

#include "tenancy/tenant.h"

/*
 * rate_admit -- take n samples' worth of tokens, all or nothing.  False: err is Mimir's 429.
 * A limit of 0 admits everything.
 */
extern bool rate_admit(const Tenant *tenant, int n, Err *err);

#endif
