/*
 * sideline.h
 *    What a push carries beside samples: exemplars and metadata, written to plain tables in the
 *    batch's transaction; and the checks of native histograms.
 */
#ifndef MIMIR_INGEST_SIDELINE_H
#define MIMIR_INGEST_SIDELINE_H

#include "postgres.h"

#include "index/index.h"
#include "model/exemplar.h"
#include "tenancy/tenant.h"
#include "wire/remote_write.h"

typedef struct SideLine
{
	struct SideExemplar *exemplars;
	int nexemplars, cap_exemplars;
	struct SideMetadata *metadata;
	int nmetadata, cap_metadata;
} SideLine;

extern void sideline_init(SideLine *s);
extern bool sideline_is_empty(const SideLine *s);
extern void sideline_add_exemplar(SideLine *s, TenantId tenant, SeriesRef ref, const Exemplar *e);
extern void sideline_add_metadata(SideLine *s, TenantId tenant, Metadata m);
/* 2.0: the family is the series' metric name, less the suffix its type adds */
extern void sideline_add_series_metadata(SideLine *s, TenantId tenant, SeriesRef ref, Metadata m);
extern void sideline_write(SideLine *s);	 /* in the transaction; may ereport */
extern void sideline_committed(SideLine *s); /* remembers known metadata; cannot fail */

/*
 * sideline_check_histograms -- validate and, if over the limit, reduce a series' histograms; err is
 * filled for the first bad one.
 */
extern void sideline_check_histograms(RwSeries *s, const TenantLimits *lim, const char *series,
									  Err *err);

#endif
