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

#endif
