/*
 * rate.c
 *    Token bucket per tenant.
 *
 * Tokens flow in at the limit's rate up to the burst size; a request takes as many as it has
 * samples.  The bucket lives in the head's tenant entry, under a spinlock held for a few
 * instructions; a tenant without one yet (its first request) starts with a full bucket.
 */
#include "postgres.h"

#include "ingest/rate.h"

#include "index/index.h"
#include "pg/time.h"

bool
rate_admit(const Tenant *tenant, int n, Err *err)
{
	const TenantLimits *lim = &tenant->limits;
	int64 now;
	IndexTenant *t;
	uint32 slot;
	bool admitted = true;

	if (lim->ingestion_rate <= 0)
		return true;
	if (lim->ingestion_burst_size > 0 && n > lim->ingestion_burst_size)
		return err_set(err, ERR_LIMIT, -1,
					   "the request has been rejected because the tenant exceeded the ingestion "
					   "burst size limit, set to %d, with %d items. This limit is applied on the "
					   "total number of samples, exemplars and metadata received across all "
					   "distributors (err-mimir-tenant-max-ingestion-rate). To adjust the related "
					   "per-tenant limits, configure -distributor.ingestion-rate-limit and "
					   "-distributor.ingestion-burst-size, or contact your service administrator.",
					   lim->ingestion_burst_size, n);

	now = time_now_ms();
	LWLockAcquire(&head_index->lock, LW_SHARED);
	slot = index_find_tenant(tenant->id);
	if (slot != 0)
	{
		double full = Max(lim->ingestion_burst_size, lim->ingestion_rate);

		t = index_tenant(slot);
		SpinLockAcquire(&t->rate_lock);
		if (t->rate_at_ms == 0)
			t->rate_tokens = full;
		else
			t->rate_tokens += (now - t->rate_at_ms) * lim->ingestion_rate / 1000.0;
		t->rate_tokens = Min(t->rate_tokens, full);
		t->rate_at_ms = now;
		admitted = t->rate_tokens >= n;
		if (admitted)
			t->rate_tokens -= n;
		SpinLockRelease(&t->rate_lock);
	}
	LWLockRelease(&head_index->lock);
	if (!admitted)
		err_set(
			err, ERR_LIMIT, -1,
			"the request has been rejected because the tenant exceeded the ingestion rate "
			"limit, set to %g items/s with a maximum allowed burst of %d. This limit is applied "
			"on the total number of samples, exemplars and metadata received across all "
			"distributors (err-mimir-tenant-max-ingestion-rate). To adjust the related "
			"per-tenant limits, configure -distributor.ingestion-rate-limit and "
			"-distributor.ingestion-burst-size, or contact your service administrator.",
			lim->ingestion_rate, lim->ingestion_burst_size);
	return admitted;
}
