/*
 * head_stats.h
 *    What the head's index tells of a selector without reading samples, for the planner.
 */
#ifndef MIMIR_QUERY_HEAD_STATS_H
#define MIMIR_QUERY_HEAD_STATS_H

#include "postgres.h"

#include "promql/estimate.h"
#include "tenancy/tenant.h"

/*
 * head_stats_create -- over these tenants and no others.  The store must be ready.  Takes well
 * under a millisecond for a selector.  Memory: CurrentMemoryContext.
 */
extern PromqlStatistics *head_stats_create(const TenantSet *tenants);

#endif
