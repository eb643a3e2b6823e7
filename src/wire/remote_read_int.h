/*
 * remote_read_int.h
 *    Labels of a message, collected and made a label set.  For remote_read*.c only.
 */
#ifndef MIMIR_WIRE_REMOTE_READ_INT_H
#define MIMIR_WIRE_REMOTE_READ_INT_H

#include "wire/prompb.h"

#define RR_LABELS_MAX_BYTES (16 * 1024 * 1024) /* label set of one series */

typedef struct RrLabels
{
	Label *items; /* views into the message */
	int n, cap;
} RrLabels;

extern void rr_labels_init(RrLabels *l);
extern bool rr_labels_add(RrLabels *l, const PbField *f);

/* rr_labels_build -- the set, in any order received; false if it is none, or too large for out. */
extern bool rr_labels_build(RrLabels *l, Buf *out, Labels *labels);

#endif
