/*
 * labels.h
 *    A label set as one run of bytes.
 *
 * Form ("stringlabels" of Prometheus' default build): for each label in byte order of the
 * names: name length, name, value length, value.  A length is one byte for 0..254, or 255
 * and three bytes little-endian.  Names are unique, values never empty (an empty value means
 * the label is absent).  XXH64 of these bytes is the series hash; equal sets have equal bytes.
 *
 * Labels is a view: it does not own data.
 */
#ifndef MIMIR_MODEL_LABELS_H
#define MIMIR_MODEL_LABELS_H

#include "util/buf.h"
#include "util/err.h"

#define LABELS_NAME		 "__name__"
#define LABELS_MAX_BYTES (16 * 1024 * 1024 - 1) /* of one name or value: 3-byte length */

typedef struct StrView
{
	const char *s; /* not NUL-terminated */
	uint32_t len;
} StrView;

typedef struct Label
{
	StrView name;
	StrView value;
} Label;

typedef struct Labels
{
	const uint8_t *data;
	uint32_t len; /* bytes; 0 = empty set */
} Labels;

typedef struct LabelsIter
{
	const uint8_t *p;
	const uint8_t *end;
} LabelsIter;

static inline StrView
strview(const char *s, size_t len)
{
	return (StrView){s, (uint32_t) len};
}
extern StrView strview_cstr(const char *s);
extern int strview_cmp(StrView a, StrView b); /* memcmp order, shorter first */
extern bool strview_eq(StrView a, StrView b);
extern bool strview_eq_cstr(StrView a, const char *s);

/* Walk a trusted label set. */
extern void labels_iter_init(LabelsIter *it, Labels ls);
extern bool labels_next(LabelsIter *it, Label *out);

/* labels_check -- true if bytes from outside are a well-formed label set. */
extern bool labels_check(const uint8_t *data, size_t len);

extern int labels_count(Labels ls);
extern bool labels_get(Labels ls, StrView name, StrView *value); /* false: absent, value empty */
extern StrView labels_metric_name(Labels ls);					 /* empty if absent */
extern int labels_cmp(Labels a, Labels b); /* Prometheus' order: pairwise, prefix first */
extern bool labels_equal(Labels a, Labels b);
extern uint64_t labels_hash(Labels ls);
extern Labels labels_copy(Labels ls); /* from mem_alloc */

/*
 * Build: add labels in any order, then finish.  A later label of the same name replaces an
 * earlier one, an empty value removes it.  The builder may be reused after reset.
 */
typedef struct LabelsBuilder
{
	Label *items; /* sorted by name */
	int n;
	int cap;
} LabelsBuilder;

extern void labels_builder_init(LabelsBuilder *b);
extern void labels_builder_reset(LabelsBuilder *b);
extern void labels_builder_from(LabelsBuilder *b, Labels base); /* reset, then all of base */
extern void labels_builder_set(LabelsBuilder *b, StrView name, StrView value); /* views must live */
extern void labels_builder_del(LabelsBuilder *b, StrView name);
extern Labels labels_builder_finish(LabelsBuilder *b); /* bytes from mem_alloc */

/*
 * labels_sort -- sort labels as received by name and drop those of empty value; returns how many
 * are left, or -1 if a name occurs twice.
 */
extern int labels_sort(Label *labels, int n);

/*
 * labels_encode -- append the byte form of n labels, already sorted, unique and non-empty.
 * labels_encoded_size -- how many bytes that takes.
 */
extern void labels_encode(Buf *out, const Label *labels, int n);
extern size_t labels_encoded_size(const Label *labels, int n);
extern uint8_t *labels_put(uint8_t *p, StrView name, StrView value); /* room known by caller */

/* Text `name{a="b", c="d"}` (reference 3.1), and JSON object with keys in label order. */
extern void labels_text(Buf *out, Labels ls);
extern void labels_json(Buf *out, Labels ls);

/* labels_parse -- what labels_text writes, and its like; bytes from mem_alloc. */
extern bool labels_parse(const char *text, size_t len, Labels *out, Err *err);

/* Name rules. */
extern bool labels_name_legacy_valid(StrView name);
extern bool labels_metric_legacy_valid(StrView name);

#endif
