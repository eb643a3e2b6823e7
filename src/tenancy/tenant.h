/*
 * tenant.h
 *    Tenants: from a request or a role to the set of tenants it may act for, and their limits.
 *
 * The one gate: SQL, PromQL, label listings and HTTP all ask tenancy_visible() or
 * tenancy_for_request() before they touch the head or a table.
 */
#ifndef MIMIR_TENANCY_TENANT_H
#define MIMIR_TENANCY_TENANT_H

#include "postgres.h"

#include "http/message.h"
#include "util/err.h"

typedef uint32 TenantId; /* mimir.tenant.tenant_id; 0 is no tenant */

#define TENANT_NAME_MAX 150 /* bytes */

/* Limits of one tenant: its row in mimir.tenant_limits over the mimir.limits_* defaults. */
typedef struct TenantLimits
{
	int max_label_names_per_series; /* 0 = no limit, as for every limit here */
	int max_label_name_length;		/* bytes */
	int max_label_value_length;		/* bytes */
	int64 max_series;				/* active series of the tenant in the head */
	int64 creation_grace_period_ms; /* how far in the future a sample may be */
	int64 out_of_order_window_ms;
	int64 past_grace_period_ms;
	int max_native_histogram_buckets;
	double ingestion_rate;	  /* samples/s */
	int ingestion_burst_size; /* samples */
	bool native_histograms;	  /* ingest them */
	bool utf8_names;		  /* validation scheme utf8, else legacy */
	int64 max_query_samples;
	int64 max_query_memory_bytes;
	int64 query_timeout_ms;
	int64 blocks_retention_ms; /* how far back samples are kept */
	bool block_upload;		   /* take TSDB blocks in over HTTP */
	int64 block_upload_max_bytes;
} TenantLimits;

typedef struct Tenant
{
	TenantId id;
	char name[TENANT_NAME_MAX + 1];
	TenantLimits limits;
} Tenant;

/* The tenants of a read: sorted by name, without duplicates. */
typedef struct TenantSet
{
	int n;
	Tenant **tenants;
	bool federated; /* more than one asked for: results carry __tenant_id__ */
} TenantSet;

/*
 * tenancy_for_request -- tenants named by X-Scope-OrgID (or "anonymous").
 *
 * For a write exactly one; it is created (in the current transaction) if allowed.  Errors as
 * Mimir's: 401 "no org id", 422 too many, ...  Memory: CurrentMemoryContext.
 */
extern bool tenancy_for_request(const HttpRequest *req, bool write, TenantSet *out, Err *err);

/*
 * tenancy_visible -- tenants that the current role may read from SQL, narrowed by mimir.tenant.
 * Cached per role until membership changes.
 */
extern const TenantSet *tenancy_visible(void);

/* tenancy_writable -- the one tenant SQL writes go to; ereports if not exactly one. */
extern const Tenant *tenancy_writable(void);

extern const Tenant *tenancy_by_id(TenantId id); /* NULL if none */

#endif
