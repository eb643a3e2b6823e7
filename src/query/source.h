/*
 * source.h
 *    The store as a PromqlSource.
 */
#ifndef MIMIR_QUERY_SOURCE_H
#define MIMIR_QUERY_SOURCE_H

#include "postgres.h"

#include "promql/source.h"
#include "tenancy/tenant.h"

/* query_source_create -- for one query; memory: CurrentMemoryContext. */
extern PromqlSource *query_source_create(const TenantSet *tenants);

/*
 * The series of a selector dealt out to several readers.  A series belongs to the part that the
 * hash of its labels gives, whoever looks and whenever, so readers that select at different moments
 * still read each series once.
 */
typedef struct QueryParts
{
	uint32 nparts;
	/* the next part for this reader; false: there is none */
	bool (*claim)(void *arg, uint32 *part);
	void *arg;
} QueryParts;

/*
 * query_source_create_parts -- a set of this source has the series of the parts its reader claims,
 * one when it is opened and the next whenever the reader is through; nseries grows with each.  For
 * queries with one selector, read in any order.
 */
extern PromqlSource *query_source_create_parts(const TenantSet *tenants, const QueryParts *parts);

/* --- reads of several tenants -------------------------------------------------------------------- */

/*
 * query_tenant_matchers -- the matchers as one tenant sees them: those on __tenant_id__ choose
 * tenants and go, those on original___tenant_id__ mean the tenant's own __tenant_id__.  False: not
 * this tenant.
 */
extern bool query_tenant_matchers(const Matcher *ms, int nms, const Tenant *tenant, Matcher **out,
								  int *n);
/* query_tenant_labels -- the labels as the reader sees them: with __tenant_id__. */
extern Labels query_tenant_labels(Labels ls, const Tenant *tenant);

#endif
