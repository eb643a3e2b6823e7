/*
 * validate.h
 *    Is a received series' label set acceptable?  Mimir's order of checks and messages.
 */
#ifndef MIMIR_INGEST_VALIDATE_H
#define MIMIR_INGEST_VALIDATE_H

#include "postgres.h"

#include "model/exemplar.h"
#include "model/labels.h"
#include "tenancy/tenant.h"

/*
 * validate_labels -- sort labels by name, drop those with an empty value, and check the rest
 * against the tenant's limits.  *n is updated.  False: err has the message; the whole series is
 * to be dropped.
 */
extern bool validate_labels(const TenantLimits *limits, Label *labels, int *n, Err *err);

/* validate_series_text -- `name{a="b", c="d"}` of labels in the order given, as messages show it. */
extern void validate_series_text(Buf *out, const Label *labels, int n);

/* validate_exemplar -- false: to be left out silently (Mimir never fails a request for it). */
extern bool validate_exemplar(const Exemplar *e, int64 now_ms, int64 grace_ms);

/* validate_metadata -- false: err has the message, the entry is dropped; help may be cut. */
extern bool validate_metadata(Metadata *m, Err *err);

#endif
