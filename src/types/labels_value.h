/*
 * labels_value.h
 *    The SQL type mimir.labels: a varlena whose bytes are a label set (model/labels.h).
 *
 * Input and receive functions check the bytes; everything else trusts them.
 */
#ifndef MIMIR_TYPES_LABELS_VALUE_H
#define MIMIR_TYPES_LABELS_VALUE_H

#include "postgres.h"

#include "fmgr.h"
#include "model/labels.h"
#include "utils/jsonb.h"

#define LABELS_TEXT_MAX ((size_t) 1 << 30) /* of a text form in memory */

/* A view into a value; the second is the Datum without compression, to be freed if it is a copy. */
static inline Labels
labels_of_varlena(const struct varlena *v)
{
	return (Labels){(const uint8_t *) VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v)};
}

#define PG_GETARG_LABELS(n) labels_of_varlena(PG_GETARG_VARLENA_PP(n))

extern Datum labels_to_datum(Labels ls);

/*
 * labels_to_jsonb -- an object of strings.  A null character, which neither jsonb nor text can hold,
 * becomes U+FFFD.
 */
extern Datum labels_to_jsonb(Labels ls);
extern text *labels_string_to_text(StrView s); /* the same of a name or value */

/* labels_from_jsonb -- a flat object of strings; ereports if it is anything else. */
extern Labels labels_from_jsonb(Jsonb *j);

#endif
